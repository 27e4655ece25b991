#pragma once
// The persistent BiLSTM kernels in fp32 (bilstm.cu) and on tensor cores (bilstm_tensor.cu) share this: everything
// except the product with W_hh and the choice of the lane that owns a cell.
#include <algorithm>

#include "kernels/base/launch.cuh"
#include "kernels/bilstm.h"
#include "kernels/bilstm_math.h"

namespace notnot::cuda {

inline constexpr int kHidden = 128;  // the width of the persistent kernels
inline constexpr int kThreads = 256;
inline constexpr int kRegisters = 255;  // per thread, the most that an instruction can name
inline constexpr int kWeights = 4 * kHidden * kHidden / kThreads;
inline constexpr int kFragments = kWeights / 4;  // 16 bytes each, per thread
inline constexpr unsigned kFullWarp = 0xFFFFFFFFU;
static_assert(kWeights == 256 && kThreads == 2 * kHidden, "two lanes per unit, 256 weights each");
static_assert(kThreads * (kRegisters + 1) <= 64 * 1024, "the registers of an SM");

/// The 256 words of weights of a thread, as 64 fragments of four. The fragments in shared memory (kShared words) are
/// spread evenly among those in registers, so that arithmetic hides the reads. Index it only with constants.
template <class Fragment, int kShared>
struct ResidentWeights {
  static_assert(sizeof(Fragment) == 16);
  static constexpr int kInShared = kShared / 4;
  Fragment registers[kFragments - kInShared];
  Fragment* shared;  // [kInShared][kThreads]: a warp reads 512 consecutive bytes

  static constexpr int shared_before(int fragment) { return fragment * kInShared / kFragments; }
  static constexpr bool in_shared(int fragment) { return shared_before(fragment + 1) > shared_before(fragment); }

  __device__ __forceinline__ void set(int fragment, Fragment value) {
    if (in_shared(fragment)) {
      shared[shared_before(fragment) * kThreads + threadIdx.x] = value;
    } else {
      registers[fragment - shared_before(fragment)] = value;
    }
  }
  __device__ __forceinline__ Fragment get(int fragment) const {
    return in_shared(fragment) ? shared[shared_before(fragment) * kThreads + threadIdx.x]
                               : registers[fragment - shared_before(fragment)];
  }
  /// Uses every register, so that the loads end here. Otherwise the first product would wait for them, at every step,
  /// by the same counter as for what was just loaded ahead. `scratch` [kThreads] is overwritten. The block meets here.
  __device__ __forceinline__ void arrive(uint32_t* scratch) const {
    uint32_t bits = 0;
#pragma unroll
    for (const Fragment& f : registers) {
      const uint4 words = __builtin_bit_cast(uint4, f);
      bits ^= words.x ^ words.y ^ words.z ^ words.w;
    }
    scratch[threadIdx.x] = bits;
    __syncthreads();
  }
};

/// A place in a sequence.
struct Cursor {
  int32_t token = 0;  // the current token
  int32_t left = 0;   // tokens that are left, with the current one; 0: there is none
};
__device__ __forceinline__ Cursor open_sequence(const RaggedBatch& batch, int sequence, bool from_end) {
  if (sequence >= batch.sequences) return {};
  const int32_t begin = batch.offsets[sequence], end = batch.offsets[sequence + 1];
  return {from_end ? end - 1 : begin, end - begin};
}

/// The group of sequences that this block takes next; all threads get the same. Its first one has the block's own
/// number. `tickets` [2], per direction, count the groups that were taken after those; they are null if there is a
/// block for every group.
__device__ __forceinline__ int next_group(int* tickets, int* shared_ticket) {
  constexpr int kNone = 1 << 24;
  if (tickets == nullptr) return kNone;
  if (threadIdx.x == 0) *shared_ticket = static_cast<int>(gridDim.x) + atomicAdd(&tickets[blockIdx.y], 1);
  __syncthreads();
  return *shared_ticket;
}

/// The cells index the arrays of tokens and ids with 32 bits: 64 bits would take two instructions and two registers for
/// every address. A larger batch is refused. The kernels for any H could compute it, but sum in another order, and a
/// text would get other bits in it than in a smaller batch.
inline void check_indices(const RaggedBatch& batch) {
  constexpr int64_t kMost = (int64_t{1} << 32) / (2 * 4 * kHidden) - 1;
  NOTNOT_CHECK(
      batch.tokens <= kMost && batch.unique <= kMost,
      "a batch of {} tokens and a table of {} ids are too large for H = {} on CUDA, at most {} each; use smaller "
      "batches, a smaller vocabulary or another H",
      batch.tokens, batch.unique, kHidden, kMost);
}

// Accesses to array[at + offset] that a predicate guards. An `if` around several of them becomes a branch, which ends
// the basic block. With the same `at` and constant offsets they share an address.
__device__ __forceinline__ void store_if(bool condition, Span<float> array, uint32_t at, int offset, float value) {
#if defined(NOTNOT_SIMT)
  if (condition) array.data[at + offset] = value;
#else
  asm volatile("{ .reg .pred p; setp.ne.s32 p, %0, 0; @p st.global.f32 [%1], %2; }"
               :
               : "r"(static_cast<int>(condition)), "l"(array.data + at + offset), "f"(value)
               : "memory");
#endif
}
template <class T>
__device__ __forceinline__ void load_if(bool condition, T& value, Span<const T> array, uint32_t at, int offset = 0) {
  static_assert(sizeof(T) == 4);
#if defined(NOTNOT_SIMT)
  if (condition) value = array.data[at + offset];
#else
  auto bits = __builtin_bit_cast(uint32_t, value);
  asm volatile("{ .reg .pred p; setp.ne.s32 p, %1, 0; @p ld.global.b32 %0, [%2]; }"
               : "+r"(bits)
               : "r"(static_cast<int>(condition)), "l"(array.data + at + offset)
               : "memory");
  value = __builtin_bit_cast(T, bits);
#endif
}

// A step of a cell has three parts: compute() is between two products and does nothing else; then the block meets at a
// barrier; store() and go_on() have the next product to finish. What go_on() loads is first used in compute().
// The sequences of a group have different lengths. A cell whose sequence has ended computes on, and nobody reads what
// it says.

/// The state that a lane carries for one unit of one of kSequences sequences, from the direction's first step to its
/// last.
template <int kSequences>
struct ForwardCell {
  Cursor at;
  int32_t next_row = 0;  // table row of the next token: its number is read two steps ahead, its values one step ahead
  int32_t to_next_row = 0;  // from the current token's place to where the next token's row is
  float4 input = {};        // of the current token, from the table
  LstmGates<float> gates = {};
  float cell = 0, state = 0, previous = 0;

  __device__ __forceinline__ void start(const BiLstmForward& args, uint32_t unit, int sequence) {
    at = open_sequence(args.batch, sequence, blockIdx.y == 1);
    if (at.left > 0) next_row = args.batch.unique_row[at.token + row_shift(args)];
    if (at.left > 0 && args.starts_given()) {
      const uint32_t place = (static_cast<uint32_t>(sequence) * 2 + blockIdx.y) * kHidden + unit;
      state = args.initial_states[place];
      cell = args.initial_cells[place];
    }
    to_next_row = stride() + row_shift(args);
    fetch(args, unit);
  }
  __device__ __forceinline__ void fetch(const BiLstmForward& args, uint32_t unit) {
    const uint32_t row = (static_cast<uint32_t>(next_row) * 2 + blockIdx.y) * (4 * kHidden) + unit;
    load_if(at.left > 0, input.x, args.table, row);
    load_if(at.left > 0, input.y, args.table, row, kHidden);
    load_if(at.left > 0, input.z, args.table, row, 2 * kHidden);
    load_if(at.left > 0, input.w, args.table, row, 3 * kHidden);
    load_if(at.left > 1, next_row, args.batch.unique_row, static_cast<uint32_t>(at.token + to_next_row));
  }
  __device__ __forceinline__ static int32_t stride() { return blockIdx.y == 0 ? 1 : -1; }
  /// Where the row of a token stands, seen from the token's place.
  __device__ __forceinline__ static int32_t row_shift(const BiLstmForward& args) {
    return static_cast<int32_t>(blockIdx.y) * args.backward_row_shift;
  }
  /// h, from the recurrent sums of the four gates.
  __device__ __forceinline__ float compute(float4 sums) {
    gates = lstm_gates(input.x + sums.x, input.y + sums.y, input.z + sums.z, input.w + sums.w);
    previous = state;
    cell = lstm_cell(gates, cell);
    state = lstm_output(gates, cell);
    return state;
  }
  __device__ __forceinline__ void store(const BiLstmForward& args, uint32_t unit, bool owner) const {
    const bool stores = owner && (kSequences == 1 || at.left > 0), training = stores && !args.gates.empty();
    const uint32_t row = static_cast<uint32_t>(at.token) * 2 + blockIdx.y;
    const uint32_t place = row * kHidden + unit, of_gates = row * (4 * kHidden) + unit;
    store_if(stores, args.states, place, 0, state);
    store_if(training, args.gates, of_gates, 0, gates.i);
    store_if(training, args.gates, of_gates, kHidden, gates.f);
    store_if(training, args.gates, of_gates, 2 * kHidden, gates.g);
    store_if(training, args.gates, of_gates, 3 * kHidden, gates.o);
    store_if(training, args.cells, place, 0, cell);
    store_if(training, args.previous, place, 0, previous);
  }
  __device__ __forceinline__ void go_on(const BiLstmForward& args, uint32_t unit) {
    at.token += stride();
    --at.left;
    fetch(args, unit);
  }
};

/// The state that a lane carries in backward, from the direction's last step to its first.
template <int kSequences>
struct BackwardCell {
  Cursor at;
  // These four belong to the current token and are read one step ahead; previous_cell is c of the step before.
  LstmGates<float> gates = {};
  float previous_cell = 0, dstate = 0, cell = 0;
  float dcell = 0;  // from the later step
  LstmGates<float> dz = {};

  __device__ __forceinline__ void start(const BiLstmBackward& args, uint32_t unit, int sequence) {
    at = open_sequence(args.batch, sequence, blockIdx.y == 0);
    fetch(args, unit);
  }
  __device__ __forceinline__ static int32_t stride() { return blockIdx.y == 0 ? -1 : 1; }
  __device__ __forceinline__ uint32_t row() const { return static_cast<uint32_t>(at.token) * 2 + blockIdx.y; }
  __device__ __forceinline__ uint32_t first_gate(uint32_t unit) const { return row() * (4 * kHidden) + unit; }
  /// Reads c of both steps, although the later one is known from the step before: a copy would wait for its load.
  __device__ __forceinline__ void fetch(const BiLstmBackward& args, uint32_t unit) {
    const Span<const float> activations{args.gates.data, args.gates.size};
    const uint32_t place = row() * kHidden + unit;
    previous_cell = 0;
    load_if(at.left > 0, cell, args.cells, place);
    load_if(at.left > 0, gates.i, activations, first_gate(unit), 0);
    load_if(at.left > 0, gates.f, activations, first_gate(unit), kHidden);
    load_if(at.left > 0, gates.g, activations, first_gate(unit), 2 * kHidden);
    load_if(at.left > 0, gates.o, activations, first_gate(unit), 3 * kHidden);
    load_if(at.left > 0, dstate, args.dstates, place);
    load_if(at.left > 1, previous_cell, args.cells, place, stride() * 2 * kHidden);
  }
  /// Lets c wait for `progress`, a number that the product knows late. Otherwise ptxas may begin the next step with
  /// tanh(c), and so with waiting for c. The instruction keeps the bytes 3 to 0 of c, but only the launch knows that
  /// (hidden is kHidden).
  __device__ __forceinline__ void hold([[maybe_unused]] const BiLstmBackward& args, [[maybe_unused]] float progress) {
#if !defined(NOTNOT_SIMT)
    const uint32_t bytes = args.hidden == kHidden ? 0x3210 : 0x7654;
    cell = __uint_as_float(__byte_perm(__float_as_uint(cell), __float_as_uint(progress), bytes));
#endif
  }
  /// dz of i, f, g, o, from the gradient that the later step handed to this h. Behind the end 0: without the loss's
  /// bounds it could grow.
  __device__ __forceinline__ float4 compute(float dh) {
    const auto gradient = lstm_backward(gates, cell, previous_cell, dstate + dh, dcell);
    dcell = gradient.dprevious_cell;
    dz = kSequences == 1 || at.left > 0 ? gradient.dz : LstmGates<float>{};
    return {dz.i, dz.f, dz.g, dz.o};
  }
  __device__ __forceinline__ void store(const BiLstmBackward& args, uint32_t unit, bool owner) const {
    const bool stores = owner && (kSequences == 1 || at.left > 0);
    store_if(stores, args.gates, first_gate(unit), 0, dz.i);
    store_if(stores, args.gates, first_gate(unit), kHidden, dz.f);
    store_if(stores, args.gates, first_gate(unit), 2 * kHidden, dz.g);
    store_if(stores, args.gates, first_gate(unit), 3 * kHidden, dz.o);
  }
  __device__ __forceinline__ void go_on(const BiLstmBackward& args, uint32_t unit) {
    at.token += stride();
    --at.left;
    fetch(args, unit);
  }
};

/// Writes down what the cells have computed and turns them to the next token. Lane says which cells are the lane's.
template <class Lane, class Args, class Cell, int kCells>
__device__ __forceinline__ void finish_step(const Args& args, Cell (&cells)[kCells]) {
#pragma unroll
  for (int i = 0; i < kCells; ++i) cells[i].store(args, Lane::unit(i), Lane::stores());
#pragma unroll
  for (int i = 0; i < kCells; ++i) cells[i].go_on(args, Lane::unit(i));
}

/// Zeros the slack as bilstm.h promises. A block calls it when its other work is done, because registers are free then;
/// no other block's work touches these elements.
__device__ __forceinline__ void clear_slack(const BiLstmForward& args) {
  const int end = args.batch.offsets[args.batch.sequences], tokens = args.batch.tokens, width = 2 * args.hidden;
  clear_rows(args.states.data, width, end, padded_rows(tokens));
  if (!args.previous.empty()) clear_rows(args.previous.data, width, end, tokens);
}
__device__ __forceinline__ void clear_slack(const BiLstmBackward& args) {
  clear_rows(args.gates.data, 8 * args.hidden, args.batch.offsets[args.batch.sequences], args.batch.tokens);
}

/// Launches a persistent kernel. There are no more blocks than groups of sequences, and no more than there are SMs. A
/// training batch has a block for every group; only larger batches need tickets, which start at 0.
template <class Args>
void launch_persistent(const Device& device, const char* name, const Args& args, int per_block, size_t shared_bytes,
                       void (*kernel)(Args, int*)) {
  const int groups = (args.batch.sequences + per_block - 1) / per_block;
  const int blocks = std::clamp(device.multiprocessors / 2, 1, groups);
  int* tickets = nullptr;
  if (blocks < groups) {
    tickets = reinterpret_cast<int*>(args.workspace.data);
    fill_zero(device, Span<int>{tickets, 2});
  }
  const LaunchShape shape{.blocks = dim3(blocks, 2),
                          .threads = dim3(kThreads),
                          .shared_bytes = shared_bytes,
                          .priority = LaunchPriority::low};
  launch(device, name, shape, kernel, args, tickets);
}

/// The largest dynamic shared memory that a block of the device may ask for.
inline size_t shared_memory_limit(const Device& device) {
  int limit = 0;
  NOTNOT_CUDA_CHECK(cudaDeviceGetAttribute(&limit, cudaDevAttrMaxSharedMemoryPerBlockOptin, device.ordinal));
  return static_cast<size_t>(limit);
}

/// The recurrence of bilstm_forward and bilstm_backward in bf16x3 (bilstm_tensor.cu).
void recur_forward_bf16x3(const Device& device, const BiLstmForward& args);
void recur_backward_bf16x3(const Device& device, const BiLstmBackward& args);

}  // namespace notnot::cuda
