#pragma once
// A loop that is shared out to threads of the CPU.
//
// Why not OpenMP: its threads spin while they wait, for as long as 200 ms. On a machine that others use too, or under a
// quota of CPU time, that is time taken from the thread that works. Its loops also end only when every thread has
// arrived, even one that the system has not let run. Here a thread that waits spins for some microseconds and then
// sleeps, and a loop ends when its iterations are done, whoever did them.
#include <cstdint>

#include "kernels/base/span.h"

namespace notnot {

/// Does the iterations [begin, end) of a loop. Must not throw, and must not share out a loop itself.
using LoopBody = void (*)(const void* context, int32_t begin, int32_t end);

/// Calls `body` for parts of the iterations 0..count-1, each iteration once, in any order, on the calling thread and on
/// helpers. Returns when all are done. `threads` - 1 helpers are woken; one that an earlier loop of the calling thread
/// had, and that is still awake, may take parts, too. Fewer are woken while other programs use the processors
/// (thread_share.h). With `threads` = 1 the calling thread does all. `cost` is what
/// one iteration takes, in floating-point operations or numbers moved: iterations are handed out in parts that are
/// worth a thread's waking up, so that a short loop gets fewer threads than it may have. Calls from several threads do
/// not disturb each other: each has helpers of its own, which end with it.
void share_out(int threads, int32_t count, int64_t cost, LoopBody body, const void* context);

/// The same with a function object: calls body(i) for i = 0..count-1.
template <class Body>
NOTNOT_HD void parallel_for(int threads, int32_t count, int64_t cost, const Body& body) {
  share_out(
      threads, count, cost,
      [](const void* context, int32_t begin, int32_t end) {
        const Body& call = *static_cast<const Body*>(context);
        for (int32_t i = begin; i < end; ++i) call(i);
      },
      &body);
}

}  // namespace notnot
