#pragma once
// Streams, events and captured graphs of the emulator. NOTNOT_SIMT_STREAMS says when enqueued work is done:
//  * immediate (default): at once.
//  * random or random:SEED: each stream is now prompt and now late, for a while. What a late one has waits until
//    something waits for it: the host, an event that another stream waits for, or the stream turning prompt. So the
//    host and the streams overtake each other in every way that they may on a GPU, and a missing wait gives wrong
//    values. Copies read and write host memory when they are done, whatever memory it is.
// The stream 0 is always immediate.
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

/// A captured graph: what was enqueued, to be run in order.
struct CUgraphExec_st {
  std::vector<std::function<void()>> work;
};

namespace notnot::simt {
struct Queue;
std::shared_ptr<Queue> open_queue();
/// A place in a queue: after all that has been enqueued. Without a queue, one that is reached.
struct Position {
  std::shared_ptr<Queue> queue = {};
  uint64_t enqueued = 0;
};
Position end_of(const std::shared_ptr<Queue>& queue);
/// Does what is left to do up to `position`.
void run_until(const Position& position);
/// The same for all queues.
void run_all();
}  // namespace notnot::simt

struct CUstream_st {
  CUgraphExec_st* capture = nullptr;  // where work goes between the begin and the end of a capture
  std::shared_ptr<notnot::simt::Queue> queue = notnot::simt::open_queue();
};
struct CUevent_st {
  std::chrono::steady_clock::time_point time;
  notnot::simt::Position position = {};
};

namespace notnot::simt {
/// What `work` holds of arguments must be copies.
void enqueue(CUstream_st* stream, std::function<void()> work);
}  // namespace notnot::simt
