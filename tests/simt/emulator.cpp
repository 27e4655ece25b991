#include "tests/simt/emulator.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "kernels/error.h"
#include "tests/simt/fiber.h"

namespace notnot::simt {
namespace {

constexpr int kWarp = 32;

class Order {
 public:
  Order() {
    const char* text = std::getenv("NOTNOT_SIMT_ORDER");
    const std::string order = text == nullptr || *text == '\0' ? "forward" : text;
    reversed_ = order == "reversed";
    random_ = order.starts_with("random");
    NOTNOT_CHECK(order == "forward" || reversed_ || random_, "NOTNOT_SIMT_ORDER is `{}`", order);
    if (!random_) return;
    const uint64_t seed = order.starts_with("random:") ? std::stoull(order.substr(7)) : std::random_device()();
    fmt::print(stderr, "NOTNOT_SIMT_ORDER=random:{}\n", seed);
    generator_.seed(seed);
  }
  /// 0 .. count-1 in the order in which they shall run.
  void arrange(std::vector<int64_t>& indices, int64_t count) {
    indices.resize(static_cast<size_t>(count));
    std::iota(indices.begin(), indices.end(), 0);
    if (reversed_) std::reverse(indices.begin(), indices.end());
    if (random_) std::shuffle(indices.begin(), indices.end(), generator_);
  }
  bool random() const { return random_; }

 private:
  bool reversed_ = false, random_ = false;
  std::mt19937_64 generator_;
};

enum class State : uint8_t { ready, at_block_barrier, at_warp_barrier, returned };

struct Thread {
  Fiber fiber;
  uint3 index{};
  int number = 0;  ///< in the block, x fastest
  State state = State::ready;
  Place place{};
  uint32_t mask = 0;  ///< of the warp intrinsic it waits at
  int source_lane = 0;
  uint64_t value = 0, result = 0;
  uint32_t votes = 0;  ///< lanes of the intrinsic that brought another value than 0
};

/// Threads that wait at the same barrier are one line: where, how many, the first few.
std::string waiters(const std::vector<Thread*>& threads) {
  std::map<std::tuple<std::string, int, std::string, uint32_t>, std::vector<const Thread*>> groups;
  for (const Thread* thread : threads) {
    if (thread->state == State::ready || thread->state == State::returned) continue;
    const uint32_t mask = thread->state == State::at_warp_barrier ? thread->mask : 0;
    groups[{thread->place.file, thread->place.line, thread->place.name, mask}].push_back(thread);
  }
  std::string text;
  for (const auto& [place, members] : groups) {
    const auto& [file, line, name, mask] = place;
    text += fmt::format("\n  {}:{}: {}{}: {} threads:", file, line, name,
                        mask != 0 ? fmt::format(" mask {:#x}", mask) : "", members.size());
    for (size_t i = 0; i < std::min<size_t>(members.size(), 8); ++i) {
      text += fmt::format(" ({},{},{})", members[i]->index.x, members[i]->index.y, members[i]->index.z);
    }
    if (members.size() > 8) text += " ...";
  }
  return text;
}

class Block {
 public:
  Block(std::vector<Thread>& threads, Order& order) : threads_(threads), order_(order) {
    const size_t warps = (threads.size() + kWarp - 1) / kWarp;
    waiting_.assign(warps, 0);
    gone_.assign(warps, 0);
    if (threads.size() % kWarp != 0) gone_.back() = ~uint32_t{0} << (threads.size() % kWarp);
    live_ = static_cast<int>(threads.size());
  }

  void run(const std::vector<Stack>& stacks, const std::function<void()>& kernel);
  void sync_block(const Place& place);
  void sync_warp(uint32_t mask, uint64_t value, int source_lane, const Place& place);
  void suspend() { current_->fiber.suspend(); }
  Thread& current() { return *current_; }

 private:
  void thread_returned(Thread& thread);
  void release_block();
  void release_warp(int warp);
  std::vector<Thread*> all() const;

  std::vector<Thread>& threads_;
  Order& order_;
  Thread* current_ = nullptr;
  int live_ = 0, at_barrier_ = 0;
  std::vector<uint32_t> waiting_, gone_;  ///< per warp: lanes at a warp intrinsic; lanes returned or never there
  std::exception_ptr failure_;
};

Block* block_in_flight = nullptr;
std::vector<uint64_t> shared_memory;

std::vector<Thread*> Block::all() const {
  std::vector<Thread*> pointers;
  for (Thread& thread : threads_) pointers.push_back(&thread);
  return pointers;
}

void Block::run(const std::vector<Stack>& stacks, const std::function<void()>& kernel) {
  const std::function<void()> body = [&] {
    try {
      kernel();
    } catch (const boost::context::detail::forced_unwind&) {
      throw;
    } catch (const std::exception& error) {
      failure_ = std::make_exception_ptr(
          Error(fmt::format("{} [block ({},{},{}), thread ({},{},{})]", error.what(), blockIdx.x, blockIdx.y,
                            blockIdx.z, current_->index.x, current_->index.y, current_->index.z)));
    }
    current_->state = State::returned;
  };
  for (Thread& thread : threads_) thread.fiber.start(stacks[static_cast<size_t>(thread.number)], body);
  std::vector<int64_t> turn;
  order_.arrange(turn, static_cast<int64_t>(threads_.size()));
  while (live_ > 0) {
    bool progress = false;
    for (const int64_t number : turn) {
      Thread& thread = threads_[static_cast<size_t>(number)];
      if (thread.state != State::ready) continue;
      progress = true;
      current_ = &thread;
      threadIdx = thread.index;
      thread.fiber.resume();
      if (failure_) std::rethrow_exception(failure_);
      if (thread.state == State::returned) thread_returned(thread);
    }
    NOTNOT_CHECK(progress, "deadlock in block ({},{},{}), {} of {} threads have returned; waiting are:{}", blockIdx.x,
                 blockIdx.y, blockIdx.z, threads_.size() - static_cast<size_t>(live_), threads_.size(), waiters(all()));
    if (order_.random()) order_.arrange(turn, static_cast<int64_t>(threads_.size()));
  }
}

void Block::thread_returned(Thread& thread) {
  --live_;
  gone_[static_cast<size_t>(thread.number / kWarp)] |= uint32_t{1} << (thread.number % kWarp);
  if (live_ > 0 && at_barrier_ == live_) release_block();
  release_warp(thread.number / kWarp);
}

void Block::sync_block(const Place& place) {
  Thread& self = *current_;
  self.place = place;
  self.state = State::at_block_barrier;
  if (++at_barrier_ == live_) release_block();
  suspend();
}

void Block::release_block() {
  const Place* first = nullptr;
  for (Thread& thread : threads_) {
    if (thread.state == State::returned) continue;
    if (first == nullptr) first = &thread.place;
    NOTNOT_CHECK(thread.place.line == first->line && std::strcmp(thread.place.file, first->file) == 0,
                 "threads of block ({},{},{}) met at different barriers:{}", blockIdx.x, blockIdx.y, blockIdx.z,
                 waiters(all()));
  }
  for (Thread& thread : threads_) {
    if (thread.state == State::at_block_barrier) thread.state = State::ready;
  }
  at_barrier_ = 0;
}

void Block::sync_warp(uint32_t mask, uint64_t value, int source_lane, const Place& place) {
  Thread& self = *current_;
  NOTNOT_CHECK((mask >> (self.number % kWarp) & 1) != 0, "{}:{}: {}: mask {:#x} lacks the caller's lane {}", place.file,
               place.line, place.name, mask, self.number % kWarp);
  self.place = place;
  self.mask = mask;
  self.value = value;
  self.source_lane = source_lane;
  self.state = State::at_warp_barrier;
  const auto warp = static_cast<size_t>(self.number / kWarp);
  waiting_[warp] |= uint32_t{1} << (self.number % kWarp);
  if ((mask & ~(waiting_[warp] | gone_[warp])) == 0) release_warp(static_cast<int>(warp));
  suspend();
}

/// Releases every group of the warp whose mask is complete: each of its lanes waits with the same mask or has returned.
void Block::release_warp(int warp) {
  const auto w = static_cast<size_t>(warp);
  Thread* lanes = threads_.data() + w * kWarp;
  for (uint32_t left = waiting_[w]; left != 0;) {
    const Thread& first = lanes[std::countr_zero(left)];
    const uint32_t mask = first.mask, group = mask & ~gone_[w];
    left &= ~mask;
    bool complete = (group & ~waiting_[w]) == 0;
    std::vector<Thread*> members;
    uint32_t votes = 0;
    for (uint32_t rest = group; complete && rest != 0; rest &= rest - 1) {
      Thread& thread = lanes[std::countr_zero(rest)];
      complete = thread.mask == mask;
      votes |= thread.value != 0 ? uint32_t{1} << (thread.number % kWarp) : 0;
      members.push_back(&thread);
    }
    if (!complete) continue;
    for (Thread* thread : members) {
      NOTNOT_CHECK(thread->place.line == first.place.line && std::strcmp(thread->place.name, first.place.name) == 0,
                   "threads of warp {} in block ({},{},{}) met at different warp intrinsics:{}", warp, blockIdx.x,
                   blockIdx.y, blockIdx.z, waiters(members));
      const bool has_value = (group >> thread->source_lane & 1) != 0;
      thread->result = has_value ? lanes[thread->source_lane].value : ~uint64_t{0};
    }
    for (Thread* thread : members) {
      thread->votes = votes;
      thread->state = State::ready;
    }
    waiting_[w] &= ~group;
  }
}

Order& order() {
  static Order order;
  return order;
}

uint3 position(int64_t number, const dim3& extent) {
  return {static_cast<unsigned>(number % extent.x), static_cast<unsigned>(number / extent.x % extent.y),
          static_cast<unsigned>(number / extent.x / extent.y)};
}

}  // namespace

void run_grid(dim3 grid, dim3 block, size_t shared_bytes, const std::function<void()>& kernel) {
  static std::mutex one_launch_at_a_time;
  const std::lock_guard lock(one_launch_at_a_time);
  static std::vector<Stack> stacks(1024);
  const int64_t block_threads = int64_t{block.x} * block.y * block.z;
  blockDim = block;
  gridDim = grid;
  shared_memory.resize(shared_bytes / sizeof(uint64_t) + 2);
  std::vector<int64_t> turn;
  order().arrange(turn, int64_t{grid.x} * grid.y * grid.z);
  for (const int64_t number : turn) {
    blockIdx = position(number, grid);
    std::memset(shared_memory.data(), 0xFF, shared_memory.size() * sizeof(uint64_t));
    std::vector<Thread> threads(static_cast<size_t>(block_threads));
    for (int64_t i = 0; i < block_threads; ++i) {
      threads[static_cast<size_t>(i)].number = static_cast<int>(i);
      threads[static_cast<size_t>(i)].index = position(i, block);
    }
    Block running(threads, order());
    block_in_flight = &running;
    running.run(stacks, kernel);
  }
  block_in_flight = nullptr;
}

void* dynamic_shared_memory() {
  const auto address = reinterpret_cast<uintptr_t>(shared_memory.data());
  return shared_memory.data() + (address % 16 == 0 ? 0 : 1);
}

int lane() { return block_in_flight->current().number % kWarp; }

void sync_block(const Place& place) { block_in_flight->sync_block(place); }

uint64_t exchange(uint32_t mask, uint64_t value, int source_lane, const Place& place) {
  block_in_flight->sync_warp(mask, value, source_lane, place);
  return block_in_flight->current().result;
}

uint32_t ballot(uint32_t mask, bool predicate, const Place& place) {
  block_in_flight->sync_warp(mask, predicate ? 1 : 0, lane(), place);
  return block_in_flight->current().votes;
}

void yield() { block_in_flight->suspend(); }

}  // namespace notnot::simt
