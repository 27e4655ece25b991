#pragma once
// Signals that ask the program to stop (engine/io/stop.h): Ctrl-C (INT), TERM, HUP and USR1, which batch systems can
// send before a job's time is up; and PIPE, which says that nobody reads the output any more.

namespace notnot {

/// From now on these signals call request_stop(). A second Ctrl-C ends the program at once; the others may come as
/// often as they like. HUP stays ignored if it is, as under nohup. To be called before any thread starts.
void catch_interrupts();

/// From now on the program goes on when nobody reads its output any more, as in `notnot train ... | head`, or after
/// Ctrl-C where `tee` ends first. What is printed is lost, and the end of the program says so (standard_output.h).
void outlive_readers();

}  // namespace notnot
