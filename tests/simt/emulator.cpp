#include "tests/simt/emulator.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "kernels/base/error.h"
#include "tests/simt/fiber.h"

namespace notnot::simt {
namespace {

constexpr int kWarp = 32;

class Order {
 public:
  Order() {
    const std::string order = environment("NOTNOT_SIMT_ORDER", "forward");
    reversed_ = order == "reversed";
    random_ = order == "random" || order.starts_with("random:");
    NOTNOT_CHECK(order == "forward" || reversed_ || random_,
                 "NOTNOT_SIMT_ORDER is `{}`; it can be forward, reversed, random or random:SEED", order);
    if (random_) generator_ = seeded_generator("NOTNOT_SIMT_ORDER", order);
  }
  /// Fills `indices` with 0 .. count-1, in the order in which blocks or threads shall run.
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
  /// The number of the thread in its block: x + y * blockDim.x + z * blockDim.x * blockDim.y.
  int number = 0;
  State state = State::returned;
  Place place{};
  uint32_t mask = 0;  ///< the mask of the warp intrinsic at which the thread waits
  int source_lane = 0;
  uint64_t value = 0, result = 0;
  /// Two calls use the entries in turn: one lane may be at the next call while another still reads the last one's.
  std::array<Operands, 2> operands{};
  bool operands_turn = false;
  uint32_t votes = 0;  ///< the lanes of the intrinsic whose value was not 0
  // ThreadSanitizer learns of __syncwarp through these objects. A thread releases to one of the two in turn. With one
  // object, a lane that is late would also acquire the other lane's accesses behind this __syncwarp, and hide a race.
  std::array<char, 2> released{};
  bool turn = false;
  uint32_t members = 0;  ///< the lanes that met at the last warp intrinsic
  uint32_t turns = 0;    ///< the lanes among them whose `turn` was set
};

/// A line for each barrier at which threads wait: place, number of threads, the indices of the first eight.
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

/// The section of all variables that this program's kernels declare as __shared__ (cuda_runtime.h puts them there). The
/// linker makes these two names.
extern "C" {
extern char __start_notnot_shared[] __attribute__((weak));  // NOLINT(bugprone-reserved-identifier)
extern char __stop_notnot_shared[] __attribute__((weak));   // NOLINT(bugprone-reserved-identifier)
}
size_t static_shared_bytes() { return static_cast<size_t>(__stop_notnot_shared - __start_notnot_shared); }

/// A resident block: its threads and its shared memory. The threads keep their stacks from one block to the next.
class Block {
 public:
  explicit Block(Order& order) : order_(order) {}

  /// Becomes block `index` of the grid.
  void open(uint3 index, size_t shared_bytes, const std::function<void()>& kernel);
  bool running() const { return live_ > 0; }
  /// Runs every thread that can, up to its next barrier.
  void run_threads();
  /// Unwinds all threads, after an exception.
  void abandon();

  void sync_block(const Place& place);
  void sync_warp(uint32_t mask, uint64_t value, int source_lane, const Place& place);
  /// Like sync_warp, and orders memory among the threads of `mask`.
  void order_warp(uint32_t mask, const Place& place);
  std::array<Operands, kWarp> exchange_operands(const Operands& mine, const Place& place);
  void suspend() { current_->fiber.suspend(); }
  Thread& current() { return *current_; }
  void* dynamic_shared() { return dynamic_shared_.back().get(); }
  /// To be called when the grid has ended: freeing counts as a write for ThreadSanitizer, and only then does it come
  /// after the accesses of the block's threads.
  void release_shared() { dynamic_shared_.clear(); }

 private:
  void run_kernel();
  void thread_returned(Thread& thread);
  void release_block();
  void release_warp(int warp);
  std::vector<Thread*> all() const;

  Order& order_;
  const std::function<void()>* kernel_ = nullptr;
  const std::function<void()> body_ = [this] { run_kernel(); };
  std::vector<std::unique_ptr<Thread>> pool_;
  std::span<std::unique_ptr<Thread>> threads_;  ///< the first threads of the pool: those of this block
  std::vector<std::unique_ptr<unsigned char[]>> dynamic_shared_;
  uint3 index_{};
  Thread* current_ = nullptr;
  std::vector<int64_t> turn_;
  int live_ = 0, at_barrier_ = 0;
  /// The objects through which ThreadSanitizer learns of __syncthreads; successive barriers use them in turn.
  std::array<char, 2> barrier_{};
  bool barrier_turn_ = false;
  std::vector<uint32_t> waiting_;  ///< per warp, the lanes that wait at a warp intrinsic
  std::vector<uint32_t> gone_;     ///< per warp, the lanes that have returned or were never there
  std::exception_ptr failure_;
};

Block* block_in_flight = nullptr;
// The objects through which ThreadSanitizer learns that a launch's start and end order memory.
char launch_begin, launch_end;

std::vector<Thread*> Block::all() const {
  std::vector<Thread*> pointers;
  for (const auto& thread : threads_) pointers.push_back(thread.get());
  return pointers;
}

uint3 position(int64_t number, const dim3& extent) {
  return {static_cast<unsigned>(number % extent.x), static_cast<unsigned>(number / extent.x % extent.y),
          static_cast<unsigned>(number / extent.x / extent.y)};
}

void Block::open(uint3 index, size_t shared_bytes, const std::function<void()>& kernel) {
  index_ = index;
  kernel_ = &kernel;
  failure_ = nullptr;
  at_barrier_ = 0;
  const size_t count = size_t{blockDim.x} * blockDim.y * blockDim.z;
  while (pool_.size() < count) pool_.push_back(std::make_unique<Thread>());
  threads_ = std::span(pool_).first(count);
  live_ = static_cast<int>(count);
  const size_t warps = (count + kWarp - 1) / kWarp;
  waiting_.assign(warps, 0);
  gone_.assign(warps, 0);
  if (count % kWarp != 0) gone_.back() = ~uint32_t{0} << (count % kWarp);
  dynamic_shared_.push_back(std::make_unique<unsigned char[]>(shared_bytes));
  std::memset(dynamic_shared_.back().get(), 0xFF, shared_bytes);
  if (static_shared_bytes() > 0) {
    acquire_from(&launch_end);  // the previous block used the same variables
    std::memset(__start_notnot_shared, 0xFF, static_shared_bytes());
  }
  for (size_t i = 0; i < count; ++i) {
    Thread& thread = *threads_[i];
    thread.number = static_cast<int>(i);
    thread.index = position(thread.number, blockDim);
    thread.state = State::ready;
    thread.fiber.start(body_);
  }
  order_.arrange(turn_, static_cast<int64_t>(count));
  release_to(&launch_begin);
}

void Block::run_kernel() {
  acquire_from(&launch_begin);
  try {
    (*kernel_)();
  } catch (const boost::context::detail::forced_unwind&) {
    throw;
  } catch (const std::exception& error) {
    failure_ = std::make_exception_ptr(
        Error(fmt::format("{} [block ({},{},{}), thread ({},{},{})]", error.what(), index_.x, index_.y, index_.z,
                          current_->index.x, current_->index.y, current_->index.z)));
  }
  current_->state = State::returned;
  release_to(&launch_end);
}

void Block::run_threads() {
  block_in_flight = this;
  blockIdx = index_;
  bool progress = false;
  for (const int64_t number : turn_) {
    Thread& thread = *threads_[static_cast<size_t>(number)];
    if (thread.state != State::ready) continue;
    progress = true;
    current_ = &thread;
    threadIdx = thread.index;
    thread.fiber.resume();
    if (failure_) {
      acquire_from(&launch_end);
      std::rethrow_exception(failure_);
    }
    if (thread.state == State::returned) thread_returned(thread);
  }
  NOTNOT_CHECK(progress, "deadlock in block ({},{},{}), {} of {} threads have returned; waiting are:{}", index_.x,
               index_.y, index_.z, threads_.size() - static_cast<size_t>(live_), threads_.size(), waiters(all()));
  if (order_.random()) order_.arrange(turn_, static_cast<int64_t>(threads_.size()));
}

void Block::abandon() {
  for (const auto& thread : threads_) {
    current_ = thread.get();
    thread->fiber.cancel();
  }
  live_ = 0;
  release_shared();
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
  char* const object = &barrier_[barrier_turn_ ? 1 : 0];
  release_to(object);
  if (++at_barrier_ == live_) release_block();
  suspend();
  acquire_from(object);
}

void Block::release_block() {
  const Place* first = nullptr;
  for (const auto& thread : threads_) {
    if (thread->state == State::returned) continue;
    if (first == nullptr) first = &thread->place;
    NOTNOT_CHECK(thread->place.line == first->line && std::strcmp(thread->place.file, first->file) == 0,
                 "threads of block ({},{},{}) met at different barriers:{}", index_.x, index_.y, index_.z,
                 waiters(all()));
  }
  for (const auto& thread : threads_) {
    if (thread->state == State::at_block_barrier) thread->state = State::ready;
  }
  at_barrier_ = 0;
  barrier_turn_ = !barrier_turn_;
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

void Block::order_warp(uint32_t mask, const Place& place) {
  Thread& self = *current_;
  self.turn = !self.turn;
  release_to(&self.released[self.turn ? 1 : 0]);
  sync_warp(mask, 0, self.number % kWarp, place);
  for (uint32_t rest = self.members; rest != 0; rest &= rest - 1) {
    const int other = std::countr_zero(rest);
    acquire_from(
        &threads_[static_cast<size_t>(self.number / kWarp * kWarp + other)]->released[self.turns >> other & 1]);
  }
}

std::array<Operands, kWarp> Block::exchange_operands(const Operands& mine, const Place& place) {
  Thread& self = *current_;
  self.operands_turn = !self.operands_turn;
  const size_t turn = self.operands_turn ? 1 : 0;
  self.operands[turn] = mine;
  sync_warp(~uint32_t{0}, 0, self.number % kWarp, place);
  NOTNOT_CHECK(self.members == ~uint32_t{0}, "{}:{}: {}: only the lanes {:#x} of the warp take part", place.file,
               place.line, place.name, self.members);
  std::array<Operands, kWarp> result;
  const auto* const lanes = threads_.data() + self.number / kWarp * kWarp;
  for (size_t i = 0; i < kWarp; ++i) result[i] = lanes[i]->operands[turn];
  return result;
}

/// Releases every group of the warp that is complete: each lane in its mask waits with the same mask or has returned.
void Block::release_warp(int warp) {
  const auto w = static_cast<size_t>(warp);
  const auto* const lanes = threads_.data() + w * kWarp;
  for (uint32_t left = waiting_[w]; left != 0;) {
    const Thread& first = *lanes[std::countr_zero(left)];
    const uint32_t mask = first.mask, group = mask & ~gone_[w];
    left &= ~mask;
    bool complete = (group & ~waiting_[w]) == 0;
    std::vector<Thread*> members;
    uint32_t votes = 0, turns = 0;
    for (uint32_t rest = group; complete && rest != 0; rest &= rest - 1) {
      Thread& thread = *lanes[std::countr_zero(rest)];
      const uint32_t bit = uint32_t{1} << (thread.number % kWarp);
      complete = thread.mask == mask;
      votes |= thread.value != 0 ? bit : 0;
      turns |= thread.turn ? bit : 0;
      members.push_back(&thread);
    }
    if (!complete) continue;
    for (Thread* thread : members) {
      NOTNOT_CHECK(thread->place.line == first.place.line && std::strcmp(thread->place.name, first.place.name) == 0,
                   "threads of warp {} in block ({},{},{}) met at different warp intrinsics:{}", warp, index_.x,
                   index_.y, index_.z, waiters(members));
      const bool has_value = (group >> thread->source_lane & 1) != 0;
      thread->result = has_value ? lanes[thread->source_lane]->value : ~uint64_t{0};
    }
    for (Thread* thread : members) {
      thread->votes = votes;
      thread->members = group;
      thread->turns = turns;
      thread->state = State::ready;
    }
    waiting_[w] &= ~group;
  }
}

Order& order() {
  static Order order;
  return order;
}

/// The two resident blocks (emulator.h says why there are two).
std::array<Block, 2>& resident() {
  static std::array<Block, 2> blocks = {Block(order()), Block(order())};
  return blocks;
}

void run_blocks(const std::vector<int64_t>& turn, size_t shared_bytes, const std::function<void()>& kernel) {
  const std::span<Block> blocks = std::span(resident()).first(static_shared_bytes() > 0 ? 1 : 2);
  for (size_t next = 0, running = 1; running > 0;) {
    running = 0;
    for (Block& block : blocks) {
      if (!block.running() && next < turn.size()) {
        block.open(position(turn[next++], gridDim), shared_bytes, kernel);
      }
      if (!block.running()) continue;
      block.run_threads();
      ++running;
    }
  }
}

/// The number that `text` is; nothing if it is anything but digits, or too large.
std::optional<uint64_t> whole_number(std::string_view text) {
  uint64_t number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (status != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string environment(const char* name, const char* otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : text;
}

std::mt19937_64 seeded_generator(const char* name, const std::string& choice) {
  constexpr std::string_view kGiven = "random:";
  const auto seed =
      choice.starts_with(kGiven) ? whole_number(choice.substr(kGiven.size())) : uint64_t{std::random_device()()};
  NOTNOT_CHECK(seed, "{} is `{}`; the seed is a whole number, as in random:7", name, choice);
  fmt::print(stderr, "{}=random:{}\n", name, *seed);
  return std::mt19937_64(*seed);
}

size_t shared_bytes_per_block() {
  constexpr uint64_t kHopperKib = 227;
  const std::string text = environment("NOTNOT_SIMT_SHARED_KIB", "");
  const auto kib = text.empty() ? kHopperKib : whole_number(text);
  NOTNOT_CHECK(kib && *kib >= 1 && *kib <= kHopperKib,
               "NOTNOT_SIMT_SHARED_KIB is `{}`; give the KiB of shared memory that a block may have, a whole number "
               "from 1 to {}, as in 99",
               text, kHopperKib);
  return 1024 * *kib;
}

void run_grid(dim3 grid, dim3 block, size_t shared_bytes, const std::function<void()>& kernel) {
  static std::mutex one_launch_at_a_time;
  const std::lock_guard lock(one_launch_at_a_time);
  blockDim = block;
  gridDim = grid;
  std::vector<int64_t> turn;
  order().arrange(turn, int64_t{grid.x} * grid.y * grid.z);
  try {
    run_blocks(turn, shared_bytes, kernel);
  } catch (...) {
    for (Block& resident_block : resident()) resident_block.abandon();
    throw;
  }
  acquire_from(&launch_end);
  for (Block& resident_block : resident()) resident_block.release_shared();
}

void* dynamic_shared_memory() { return block_in_flight->dynamic_shared(); }

int lane() { return block_in_flight->current().number % kWarp; }

void sync_block(const Place& place) { block_in_flight->sync_block(place); }

void sync_warp(uint32_t mask, const Place& place) { block_in_flight->order_warp(mask, place); }

uint64_t exchange(uint32_t mask, uint64_t value, int source_lane, const Place& place) {
  block_in_flight->sync_warp(mask, value, source_lane, place);
  return block_in_flight->current().result;
}

uint32_t ballot(uint32_t mask, bool predicate, const Place& place) {
  block_in_flight->sync_warp(mask, predicate ? 1 : 0, lane(), place);
  return block_in_flight->current().votes;
}

std::array<Operands, kWarp> exchange_operands(const Operands& mine, const Place& place) {
  return block_in_flight->exchange_operands(mine, place);
}

void yield() { block_in_flight->suspend(); }

}  // namespace notnot::simt
