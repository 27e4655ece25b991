#pragma once
// Streams, events and captured graphs of the emulator. NOTNOT_SIMT_STREAMS says when enqueued work is done:
//  * immediate (default): at once.
//  * random or random:SEED: each stream is prompt for a while, then late for a while. A late stream does its work only
//    when it has to: when the host waits for it, when another stream waits for an event of it, or when it becomes
//    prompt. So the host and the streams overtake each other as they may on a GPU, and a missing wait gives wrong
//    values. A copy reads and writes host memory when it is done and not when it is enqueued, be the memory pinned or
//    not.
// The default stream (a null pointer) is always immediate.
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "tests/simt/devices.h"

/// A captured graph: the work that was enqueued, in its order, and for each piece the earlier ones that it waits for.
struct CUgraphExec_st {
  struct Node {
    std::function<void()> work;
    std::vector<size_t> after;
    int priority = 0;
  };
  int device = 0;
  std::vector<Node> nodes = {};
};

namespace notnot::simt {
struct Queue;
std::shared_ptr<Queue> open_queue();
/// A place in a queue: behind its first `enqueued` entries. A position without a queue counts as reached.
struct Position {
  std::shared_ptr<Queue> queue = {};
  uint64_t enqueued = 0;
};
/// The place behind everything that `queue` holds now.
Position end_of(const std::shared_ptr<Queue>& queue);
/// Does the work that is left before `position`.
void run_until(const Position& position);
/// Does the work that is left in all queues.
void run_all();
}  // namespace notnot::simt

struct CUstream_st;

namespace notnot::simt {
/// A capture that is open, shared by the stream that it began on and those that waited for an event of it.
struct Capture {
  CUgraphExec_st graph;
  std::vector<CUstream_st*> streams;  ///< the first one is the origin
};
}  // namespace notnot::simt

// A stream or an event belongs to the device that was its thread's current one when it was made.
struct CUstream_st {
  int device = notnot::simt::current_device;
  int priority = 0;  ///< changes nothing here, but captured work keeps it

  std::shared_ptr<notnot::simt::Capture> capture = {};  ///< takes the work while it is open
  std::vector<size_t> last = {};                        ///< the nodes that the next one of this stream waits for
  std::shared_ptr<notnot::simt::Queue> queue = notnot::simt::open_queue();
};
struct CUevent_st {
  int device = notnot::simt::current_device;
  std::chrono::steady_clock::time_point time = {};
  notnot::simt::Position position = {};
  std::shared_ptr<notnot::simt::Capture> capture = {};  ///< where the event was recorded in a capture
  std::vector<size_t> last = {};                        ///< the nodes that were then the last of the stream
};

namespace notnot::simt {
/// The device of a stream; the default stream (a null pointer) is that of the current device.
inline int device_of(const CUstream_st* stream) { return stream == nullptr ? current_device : stream->device; }
/// Whether the stream is one of the current device, as launches and event records want it.
inline bool is_current(const CUstream_st* stream) { return device_of(stream) == current_device; }
/// Adds `work` to the stream, and does it now unless the stream is late; an open capture only keeps it. `work` must
/// hold copies of its arguments.
void enqueue(CUstream_st* stream, std::function<void()> work);
/// The same with another priority than the stream's.
void enqueue(CUstream_st* stream, std::function<void()> work, int priority);

void begin_capture(CUstream_st* stream);
/// Null if a stream that takes part was not joined again: work of it has no path to the origin's last work.
CUgraphExec_st* end_capture(CUstream_st* origin);
/// What the stream enqueues from now on waits for the event, inside or outside a capture. False: the stream captures,
/// and the event does not belong to the same capture.
bool wait_for(CUstream_st* stream, const CUevent_st& event);
/// The nodes in their order, or with NOTNOT_SIMT_STREAMS=random in another one that the edges allow.
void launch(const CUgraphExec_st& graph, CUstream_st* stream);

/// The size of the graph that this thread instantiated last.
struct GraphSize {
  int64_t nodes = 0, longest_path = 0;  ///< in nodes
  int64_t low_priority = 0;             ///< nodes of priority 0, the lowest; none if the graph does not use priorities
};
GraphSize& last_graph();
GraphSize size_of(const CUgraphExec_st& graph);
}  // namespace notnot::simt
