#pragma once
// Signals that ask the program to stop (engine/io/stop.h): Ctrl-C (INT), TERM, HUP and USR1, which batch systems can
// send before a job's time is up.

namespace notnot {

/// From now on these signals call request_stop(). A second Ctrl-C ends the program at once; the others may come as often
/// as they like. HUP stays ignored if it is, as under nohup.
void catch_interrupts();

}  // namespace notnot
