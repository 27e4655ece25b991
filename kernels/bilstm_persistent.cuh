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

/// Takes the next group of sequences of this direction; all threads of the block get the same.
__device__ __forceinline__ int take_ticket(int* counters, int* shared_ticket) {
  if (threadIdx.x == 0) *shared_ticket = atomicAdd(&counters[blockIdx.y], 1);
  __syncthreads();
  return *shared_ticket;
}

/// The state that a lane carries for one unit of one sequence, from the direction's first step to its last.
struct ForwardCell {
  Cursor at;
  int32_t next_row = 0;  // table row of the next token: its number is read two steps ahead, its values one step ahead
  float4 input = {};     // of the current token, from the table
  float cell = 0, state = 0;

  __device__ __forceinline__ void start(const BiLstmForward& args, int unit, int sequence) {
    at = open_sequence(args.batch, sequence, blockIdx.y == 1);
    if (at.left == 0) return;
    next_row = args.batch.unique_row[at.token];
    fetch(args, unit, at.token + (blockIdx.y == 0 ? 1 : -1), at.left > 1);
  }
  __device__ __forceinline__ void fetch(const BiLstmForward& args, int unit, int32_t following, bool more) {
    const float* row = args.table.data + (int64_t{next_row} * 2 + blockIdx.y) * (4 * kHidden) + unit;
    input = {row[0], row[kHidden], row[2 * kHidden], row[3 * kHidden]};
    if (more) next_row = args.batch.unique_row[following];
  }
  /// Takes one step, from the recurrent sums of the four gates; returns h.
  __device__ __forceinline__ float advance(const BiLstmForward& args, int unit, float4 sums, bool stores) {
    if (at.left == 0) return 0;
    const auto gates = lstm_gates(input.x + sums.x, input.y + sums.y, input.z + sums.z, input.w + sums.w);
    const float previous = state;
    cell = lstm_cell(gates, cell);
    state = lstm_output(gates, cell);
    if (stores) store(args, unit, gates, previous);
    const int step = blockIdx.y == 0 ? 1 : -1;
    at.token += step;
    if (--at.left > 0) fetch(args, unit, at.token + step, at.left > 1);
    return state;
  }
  __device__ __forceinline__ void store(const BiLstmForward& args, int unit, const LstmGates<float>& gates,
                                        float previous) const {
    const int64_t row = int64_t{at.token} * 2 + blockIdx.y;
    args.states[row * kHidden + unit] = state;
    if (args.gates.empty()) return;
    float* to = args.gates.data + row * (4 * kHidden) + unit;
    to[0] = gates.i;
    to[kHidden] = gates.f;
    to[2 * kHidden] = gates.g;
    to[3 * kHidden] = gates.o;
    args.cells[row * kHidden + unit] = cell;
    args.previous[row * kHidden + unit] = previous;
  }
};

/// The state that a lane carries in backward, from the direction's last step to its first.
struct BackwardCell {
  Cursor at;
  // These four belong to the current token and are read one step ahead; previous_cell is c of the step before.
  LstmGates<float> gates = {};
  float previous_cell = 0, dstate = 0, cell = 0;
  float dcell = 0;  // from the later step

  __device__ __forceinline__ void start(const BiLstmBackward& args, int unit, int sequence) {
    at = open_sequence(args.batch, sequence, blockIdx.y == 0);
    if (at.left == 0) return;
    previous_cell = args.cells[index(unit)];
    fetch(args, unit);
  }
  __device__ __forceinline__ int64_t index(int unit) const {
    return (int64_t{at.token} * 2 + blockIdx.y) * kHidden + unit;
  }
  __device__ __forceinline__ float* gates_of(const BiLstmBackward& args, int unit) const {
    return args.gates.data + (int64_t{at.token} * 2 + blockIdx.y) * (4 * kHidden) + unit;
  }
  __device__ __forceinline__ void fetch(const BiLstmBackward& args, int unit) {
    const float* from = gates_of(args, unit);
    gates = {from[0], from[kHidden], from[2 * kHidden], from[3 * kHidden]};
    dstate = args.dstates[index(unit)];
    cell = previous_cell;
    const int64_t before = index(unit) + (blockIdx.y == 0 ? -2 * kHidden : 2 * kHidden);
    previous_cell = at.left > 1 ? args.cells[before] : 0;
  }
  /// Takes one step back, from the gradient that the later step handed to this h; returns dz of i, f, g, o.
  __device__ __forceinline__ float4 advance(const BiLstmBackward& args, int unit, float dh, bool stores) {
    if (at.left == 0) return {0, 0, 0, 0};
    const auto gradient = lstm_backward(gates, cell, previous_cell, dstate + dh, dcell);
    dcell = gradient.dprevious_cell;
    const LstmGates<float>& dz = gradient.dz;
    if (stores) {
      float* to = gates_of(args, unit);
      to[0] = dz.i;
      to[kHidden] = dz.f;
      to[2 * kHidden] = dz.g;
      to[3 * kHidden] = dz.o;
    }
    at.token += blockIdx.y == 0 ? -1 : 1;
    if (--at.left > 0) fetch(args, unit);
    return {dz.i, dz.f, dz.g, dz.o};
  }
};

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

/// Launches a persistent kernel. The tickets of both directions start at 0. There are no more blocks than groups of
/// sequences, and no more than there are SMs.
template <class Args>
void launch_persistent(const Device& device, const char* name, const Args& args, int per_block, size_t shared_bytes,
                       void (*kernel)(Args, int*)) {
  int* const tickets = reinterpret_cast<int*>(args.workspace.data);
  fill_zero(device, Span<int>{tickets, 2});
  const int groups = (args.batch.sequences + per_block - 1) / per_block;
  const int blocks = std::clamp(device.multiprocessors / 2, 1, groups);
  launch(device, name, {dim3(blocks, 2), dim3(kThreads), shared_bytes}, kernel, args, tickets);
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
