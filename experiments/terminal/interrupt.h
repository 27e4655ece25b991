#pragma once
// Ctrl-C: the first one asks the training to stop after its batch, with a checkpoint; a second one ends the program at
// once.

namespace notnot {

void catch_interrupts();
bool interrupted();

}  // namespace notnot
