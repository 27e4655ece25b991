#pragma once
// Ctrl-C and SIGTERM: the first one asks the training to stop after its batch, with a checkpoint; a second one ends the
// program at once.

namespace notnot {

/// From now on the first Ctrl-C or SIGTERM does not end the program.
void catch_interrupts();
/// Whether the user has asked the program to stop.
bool interrupted();

}  // namespace notnot
