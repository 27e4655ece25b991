#include "kernels/base/share_out.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

#include "kernels/base/thread_share.h"

namespace notnot {
namespace {

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// What a part of a loop should cost at least: 5 to 10 microseconds, as long as waking a thread takes.
constexpr int64_t kCostOfPart = 32768;
/// How often a thread looks for work before it sleeps: 5 to 20 microseconds. The gap between two loops of a training
/// step is shorter.
constexpr int kLooks = 256;

/// The helpers of one thread.
class Team {
 public:
  Team() = default;
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  ~Team() {
    stopping_.store(true);
    bell_.fetch_add(1);
    bell_.notify_all();
  }

  void run(int threads, int32_t count, int32_t part, LoopBody body, const void* context) {
    const uint32_t parts = (count + part - 1) / part;
    const int helpers = hire(std::min<int64_t>(share_.next(threads), parts) - 1);
    if (helpers == 0) return body(context, 0, count);
    loop_ = {body, context, count, part, parts};
    unfinished_.store(parts, std::memory_order_relaxed);
    left_.store(uint64_t{++loops_} << 32 | parts, std::memory_order_release);  // from here on parts can be claimed
    bell_.fetch_add(1);
    for (int i = 0; i < helpers; ++i) bell_.notify_one();
    take_parts();
    await_end();
  }

 private:
  struct Loop {
    LoopBody body = nullptr;
    const void* context = nullptr;
    int32_t count = 0, part = 1;
    uint32_t parts = 0;
  };

  /// Returns how many helpers there are, at most `wanted`. The system may refuse threads; then there are fewer.
  int hire(int64_t wanted) {
    try {
      while (static_cast<int64_t>(helpers_.size()) < wanted) helpers_.emplace_back([this] { help(); });
    } catch (const std::system_error&) {
    }
    return static_cast<int>(std::min<int64_t>(wanted, helpers_.size()));
  }

  /// Does parts of the loop until none is left. A part is claimed by taking 1 off `left_`, whose upper half says which
  /// loop it is: a helper that was asleep for a while cannot claim a part of a loop that is over.
  void take_parts() {
    uint64_t left = left_.load(std::memory_order_acquire);
    while (static_cast<uint32_t>(left) > 0) {
      if (!left_.compare_exchange_weak(left, left - 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
      const auto number = static_cast<int32_t>(loop_.parts - static_cast<uint32_t>(left));
      const int32_t begin = number * loop_.part;
      loop_.body(loop_.context, begin, begin + std::min(loop_.part, loop_.count - begin));
      if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_one();
      left = left_.load(std::memory_order_acquire);
    }
  }

  void await_end() {
    for (int look = 0; look < kLooks && unfinished_.load(std::memory_order_acquire) > 0; ++look) pause();
    for (uint32_t left = 0; (left = unfinished_.load(std::memory_order_acquire)) > 0;) unfinished_.wait(left);
  }

  /// The bell is heard before anything is looked at: who rings it later ends the wait.
  void help() {
    for (;;) {
      const uint32_t heard = bell_.load();
      if (stopping_.load()) return;
      take_parts();
      for (int look = 0; look < kLooks && bell_.load(std::memory_order_relaxed) == heard; ++look) pause();
      bell_.wait(heard);
    }
  }

  ThreadShare share_;
  Loop loop_;
  uint32_t loops_ = 0;
  alignas(64) std::atomic<uint64_t> left_{0};  // upper half: the loop; lower half: its parts that nobody has claimed
  alignas(64) std::atomic<uint32_t> unfinished_{0};  // parts that are not done
  alignas(64) std::atomic<uint32_t> bell_{0};        // a number that changes when there is a new loop, or the end
  std::atomic<bool> stopping_{false};
  std::vector<std::jthread> helpers_;  // ends first: its threads use the members above
};

}  // namespace

void share_out(int threads, int32_t count, int64_t cost, LoopBody body, const void* context) {
  if (count <= 0) return;
  thread_local Team team;
  const int64_t worthwhile = kCostOfPart / std::max<int64_t>(cost, 1);
  const int64_t few =
      count / (int64_t{32} * std::max(threads, 1));  // a loop of many parts is spent on handing them out
  const auto part = static_cast<int32_t>(std::clamp<int64_t>(std::max(worthwhile, few), 1, count));
  team.run(threads, count, part, body, context);
}

}  // namespace notnot
