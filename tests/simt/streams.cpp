#include "tests/simt/streams.h"

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
  if (stream != nullptr && stream->capture != nullptr) return stream->capture->work.push_back(std::move(work));
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

}  // namespace notnot::simt
