#pragma once
// How many threads a loop should get where other programs compute, too.
//
// Why not always all: a helper that the system has put aside, with a part of the loop in its hand, holds up all the
// others. Where every processor has other work, that happens in most loops, and one thread alone is faster.
#include <chrono>
#include <cstdint>
#include <optional>

namespace notnot {

/// What Linux says of a thread in /proc/thread-self/schedstat, in ns.
struct ThreadTimes {
  int64_t ran = 0;     ///< on a processor
  int64_t waited = 0;  ///< for a processor, though it had work
};

/// Of the calling thread, since it began. Nothing where the system does not say it.
std::optional<ThreadTimes> thread_times();

/// The number of threads for the loops of one thread. It falls by a quarter, at least by one, while the thread waits
/// for a processor more than a sixth of its time; it rises by one while the thread hardly waits. Where that was one too
/// many, it is tried again after ever longer pauses, up to 2.5 s.
class ThreadShare {
 public:
  /// The number for the next loop, 1 to `most`. Looks at thread_times() every 10 ms; until then it is `most`.
  int next(int most);
  /// The number after the thread has run and waited so long since it was asked last.
  int adapt(const ThreadTimes& since, int most);

 private:
  int threads_ = 0;    ///< 0: not asked yet
  int calm_ = 0;       ///< looks in a row in which the thread hardly waited
  int patience_ = 1;   ///< how many of them a further thread needs
  bool rose_ = false;  ///< whether the last change was a further thread
  ThreadTimes last_;
  std::chrono::steady_clock::time_point next_look_;
};

}  // namespace notnot
