#include "tests/simt/streams.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "kernels/base/error.h"
#include "tests/simt/emulator.h"

namespace notnot::simt {

struct Queue {
  std::deque<std::function<void()>> pending;
  uint64_t enqueued = 0, done = 0;
  bool late = false;
  uint64_t until = 0;  ///< when `enqueued` has reached this, `late` is drawn again
};

namespace {

/// Guards the queues. Work is done while it is locked, so it also guards the memory that the work touches.
std::recursive_mutex& mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}

std::vector<std::weak_ptr<Queue>>& queues() {
  static std::vector<std::weak_ptr<Queue>> queues;
  return queues;
}

/// Draws which streams are late; empty if work is done at once.
std::optional<std::mt19937_64>& generator() {
  static std::optional<std::mt19937_64> generator = []() -> std::optional<std::mt19937_64> {
    const std::string streams = environment("NOTNOT_SIMT_STREAMS", "immediate");
    if (streams == "immediate") return std::nullopt;
    NOTNOT_CHECK(streams == "random" || streams.starts_with("random:"),
                 "NOTNOT_SIMT_STREAMS is `{}`; it can be immediate, random or random:SEED", streams);
    return seeded_generator("NOTNOT_SIMT_STREAMS", streams);
  }();
  return generator;
}

void run(Queue& queue, uint64_t position) {
  while (queue.done < position) {
    const std::function<void()> work = std::move(queue.pending.front());
    queue.pending.pop_front();
    ++queue.done;
    work();
  }
}

}  // namespace

std::shared_ptr<Queue> open_queue() {
  const std::lock_guard lock(mutex());
  auto queue = std::make_shared<Queue>();
  std::erase_if(queues(), [](const auto& other) { return other.expired(); });
  queues().push_back(queue);
  return queue;
}

Position end_of(const std::shared_ptr<Queue>& queue) {
  const std::lock_guard lock(mutex());
  return {queue, queue->enqueued};
}

void run_until(const Position& position) {
  const std::lock_guard lock(mutex());
  if (position.queue != nullptr) run(*position.queue, position.enqueued);
}

void run_all() {
  const std::lock_guard lock(mutex());
  for (const auto& weak : std::vector(queues())) {
    if (const auto queue = weak.lock()) run(*queue, queue->enqueued);
  }
}

void enqueue(CUstream_st* stream, std::function<void()> work) {
  enqueue(stream, std::move(work), stream == nullptr ? 0 : stream->priority);
}

void enqueue(CUstream_st* stream, std::function<void()> work, int priority) {
  if (stream != nullptr && stream->capture != nullptr) {
    auto& nodes = stream->capture->graph.nodes;
    nodes.push_back({std::move(work), std::exchange(stream->last, {nodes.size()}), priority});
    return;
  }
  if (stream == nullptr || !generator()) return work();
  const std::lock_guard lock(mutex());
  Queue& queue = *stream->queue;
  if (queue.enqueued == queue.until) {
    queue.late = ((*generator())() & 1) != 0;
    queue.until += 1 + (*generator())() % 64;
  }
  queue.pending.push_back(std::move(work));
  ++queue.enqueued;
  if (!queue.late) run(queue, queue.enqueued);
}

// --- captures --------------------------------------------------------------------------------------------------------

void begin_capture(CUstream_st* stream) {
  stream->capture = std::make_shared<Capture>();
  stream->capture->graph.device = stream->device;
  stream->capture->streams = {stream};
}

CUgraphExec_st* end_capture(CUstream_st* origin) {
  const std::shared_ptr<Capture> capture = std::exchange(origin->capture, nullptr);
  const std::vector<CUgraphExec_st::Node>& nodes = capture->graph.nodes;
  std::vector<bool> joined(nodes.size());
  for (const size_t node : origin->last) joined[node] = true;
  for (size_t node = nodes.size(); node-- > 0;) {
    for (const size_t before : nodes[node].after) joined[before] = joined[before] || joined[node];
  }
  for (CUstream_st* stream : capture->streams) {
    stream->capture = nullptr;
    stream->last.clear();
  }
  const bool all = std::all_of(joined.begin(), joined.end(), [](bool node) { return node; });
  return all ? new CUgraphExec_st(capture->graph) : nullptr;
}

bool wait_for(CUstream_st* stream, const CUevent_st& event) {
  const bool captured = event.capture != nullptr && event.capture->streams.front()->capture == event.capture;
  if (!captured) {
    if (stream->capture != nullptr) return false;
    enqueue(stream, [position = event.position] { run_until(position); });
    return true;
  }
  if (stream->capture == nullptr) {
    stream->capture = event.capture;
    event.capture->streams.push_back(stream);
  }
  if (stream->capture != event.capture) return false;
  for (const size_t node : event.last) {
    if (std::find(stream->last.begin(), stream->last.end(), node) == stream->last.end()) stream->last.push_back(node);
  }
  return true;
}

void launch(const CUgraphExec_st& graph, CUstream_st* stream) {
  std::vector<size_t> waits_for(graph.nodes.size()), ready;
  std::vector<std::vector<size_t>> followers(graph.nodes.size());
  for (size_t node = 0; node < graph.nodes.size(); ++node) {
    waits_for[node] = graph.nodes[node].after.size();
    for (const size_t before : graph.nodes[node].after) followers[before].push_back(node);
    if (waits_for[node] == 0) ready.push_back(node);
  }
  while (!ready.empty()) {
    auto next = std::min_element(ready.begin(), ready.end());
    if (generator()) {
      const std::lock_guard lock(mutex());
      next = ready.begin() + static_cast<std::ptrdiff_t>((*generator())() % ready.size());
    }
    const size_t node = *next;
    ready.erase(next);
    enqueue(stream, graph.nodes[node].work);
    for (const size_t follower : followers[node]) {
      if (--waits_for[follower] == 0) ready.push_back(follower);
    }
  }
}

GraphSize& last_graph() {
  static thread_local GraphSize size;
  return size;
}

GraphSize size_of(const CUgraphExec_st& graph) {
  std::vector<int64_t> depth;
  for (const CUgraphExec_st::Node& node : graph.nodes) {
    int64_t before = 0;
    for (const size_t other : node.after) before = std::max(before, depth[other]);
    depth.push_back(before + 1);
  }
  const auto low = std::count_if(graph.nodes.begin(), graph.nodes.end(),
                                 [](const CUgraphExec_st::Node& node) { return node.priority == 0; });
  return {std::ssize(depth), depth.empty() ? 0 : *std::max_element(depth.begin(), depth.end()), low};
}

}  // namespace notnot::simt
