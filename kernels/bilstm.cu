// Persistent BiLSTM for H = 128: a block keeps W_hh of one direction (512 x 128 floats, 256 KiB) on its SM for the
// whole batch, split between registers and shared memory, and carries kSequences sequences at a time. No grid
// synchronisation. Blocks take groups of sequences, longest first; where there are fewer blocks than groups, from a
// ticket counter.
//
// Floor per step and SM in clocks (128 FMA/clk, 128 B/clk of shared memory); S = kSequences, n = shared_weights(S):
//   FMA               512 S
//   shared memory     8 n (weights) + 256 S (h or dz; for h 128 S where neighbouring threads' equal addresses
//                     merge) + shuffles: forward 64, 96, 192, backward 64, 120, 240 for S = 1, 2, 4
//                     together forward 704, 1,120, 1,984, backward 704, 1,144, 2,032
// To the larger of the two comes what cannot run beside it, from the last product to the first of the next step:
// shuffles, gates, barrier. A model of the instructions as ptxas has ordered them (bench/notes.md) gives, for S = 1, 2
// and 4, forward 1,180, 1,730, 3,250 and backward 1,080, 1,610, 3,030 clocks. No GPU has measured it yet.
//
// What the order of the instructions must keep: a step is one basic block, because nothing moves across a branch or a
// call. So accesses are predicated (store_if, load_if), and there is no IEEE division. What a step loads for the next
// one must not be waited for before the next one's gates.
//
// The order of every sum depends only on the unit: a lane adds its k chunks in ascending order, then lanes are added in
// the butterfly's order, whatever S and the split are. So a sequence has the same bytes in any block and any batch.
// This also needs nvcc's --fmad=false: otherwise the compiler chooses which product of a b + c d is fused, and may
// choose differently for two instances of a template. Where a product is to be fused, the code says fmaf.
#include <algorithm>

#include "kernels/bilstm_persistent.cuh"

namespace notnot::cuda {
namespace {

/// Weights per thread in shared memory; the others are in registers. S = 1 is bound by shared memory: few, but so many
/// that registers are left to read ahead (with 40 the model gives 1,330 and 1,210 clocks; with 32, sm_80 spills). S = 2
/// and 4 need FMA as long as shared memory: some more, so that the scheduler is freer.
/// kernels/budgets.md has the registers that ptxas gives. A spill or any other use of local memory is an error in this
/// file (cmake/targets.cmake).
constexpr int shared_weights(int sequences) { return sequences == 1 ? 48 : sequences == 2 ? 64 : 96; }

/// Registers beside the weights, counted in the forward kernel, which needs more than backward: 8 sums and a fragment
/// of h per sequence, a weight fragment out of shared memory, 9 per cell of the lane, and some 16 for addresses and
/// loop counters.
constexpr int working_registers(int sequences) { return 12 * sequences + 4 + 9 * std::max(1, sequences / 2) + 16; }
constexpr bool fits_registers(int sequences) {
  return kWeights - shared_weights(sequences) + working_registers(sequences) <= kRegisters;
}
static_assert(fits_registers(1) && fits_registers(2) && fits_registers(4), "otherwise ptxas spills");

/// Dynamic shared memory: weights, the double buffer of h (1 float per unit and sequence) or dz (4), the ticket.
constexpr size_t shared_bytes(int sequences, int floats_per_unit) {
  return sizeof(float) * (kThreads * shared_weights(sequences) + 2 * sequences * kHidden * floats_per_unit) + 16;
}
constexpr size_t forward_shared_bytes(int sequences) { return shared_bytes(sequences, 1); }
constexpr size_t backward_shared_bytes(int sequences) { return shared_bytes(sequences, 4); }
static_assert(forward_shared_bytes(1) == 50'192 && backward_shared_bytes(1) == 53'264, "as in kernels/budgets.md");
static_assert(forward_shared_bytes(2) == 67'600 && backward_shared_bytes(2) == 73'744, "as in kernels/budgets.md");
static_assert(forward_shared_bytes(4) == 102'416 && backward_shared_bytes(4) == 114'704, "as in kernels/budgets.md");
static_assert(backward_shared_bytes(2) <= 99 * 1024, "what a block of sm_86, sm_89 and sm_120 may have");
static_assert(backward_shared_bytes(4) <= 163 * 1024, "sm_80; sm_90 has 227 KiB");

// --- shared by both persistent kernels -------------------------------------------------------------------------------

/// Adds the values of two lanes `mask` apart, and shares out the sums: the lane with `upper` keeps those of the upper
/// half of `values`, the other lane those of the lower half.
template <int kCount>
__device__ __forceinline__ void fold(float* values, int mask, bool upper) {
#pragma unroll
  for (int i = 0; i < kCount / 2; ++i) {
    const float keep = upper ? values[i + kCount / 2] : values[i];
    const float give = upper ? values[i] : values[i + kCount / 2];
    values[i] = keep + __shfl_xor_sync(kFullWarp, give, mask);
  }
}

/// The last step of a reduction, over the two lanes of a unit, `mask` apart. Each keeps the sums of half of the
/// sequences; if there is only one sequence, both keep its sums.
template <int kSequences, int kPerSequence>
__device__ __forceinline__ void fold_pair(float* values, int mask) {
  if constexpr (kSequences > 1) {
    fold<kSequences * kPerSequence>(values, mask, threadIdx.x & mask);
  } else {
#pragma unroll
    for (int i = 0; i < kPerSequence; ++i) values[i] += __shfl_xor_sync(kFullWarp, values[i], mask);
  }
}

/// What the two lanes of a unit own of it, where `upper` tells them apart: half of the group's sequences each; of one
/// sequence both have the same, and one stores it.
template <int kSequences>
struct Share {
  static constexpr int kCells = kSequences > 1 ? kSequences / 2 : 1;
  __device__ static int slot(bool upper, int cell) { return kSequences > 1 ? upper * kCells + cell : 0; }
  __device__ static bool stores(bool upper) { return kSequences > 1 || !upper; }
};

__device__ __forceinline__ float multiply_add(float4 a, float4 b, float sum) {
  sum = fmaf(a.x, b.x, sum);
  sum = fmaf(a.y, b.y, sum);
  sum = fmaf(a.z, b.z, sum);
  return fmaf(a.w, b.w, sum);
}

// --- forward ---------------------------------------------------------------------------------------------------------
// Four lanes share the gate rows of two units. Lane l of the four has k = 16 chunk + 4 l + (0..3). So the four lanes
// read 64 consecutive bytes of h; with 32 consecutive k per lane all four would read the same bank. l is bits 1 and 2
// of the thread's number: bit 2 tells which of the two units the lane keeps at the end, bit 1 tells that unit's two
// lanes apart. Bit 0 tells two pairs of units apart, so that neighbouring threads read the same 16 bytes.
constexpr int kForwardChunks = kHidden / 16, kForwardRows = 8;

template <int kSequences>
struct ForwardLane : Share<kSequences> {
  __device__ static int first_unit() {
    return static_cast<int>(threadIdx.x) / 8 * 4 + static_cast<int>(threadIdx.x) % 2 * 2;
  }
  __device__ static int k_lane() { return static_cast<int>(threadIdx.x) / 2 % 4; }
  __device__ static int unit(int = 0) { return first_unit() + static_cast<int>(threadIdx.x) / 4 % 2; }
  __device__ static int slot(int cell) { return Share<kSequences>::slot(threadIdx.x & 2, cell); }
  __device__ static bool stores() { return Share<kSequences>::stores(threadIdx.x & 2); }
};

template <int kShared>
__device__ __forceinline__ void load_forward(ResidentWeights<float4, kShared>& weights, const float* weight_hh) {
  using Own = ForwardLane<1>;
#pragma unroll
  for (int fragment = 0; fragment < kFragments; ++fragment) {
    const int chunk = fragment / kForwardRows, row = fragment % kForwardRows;
    const int of_weight = (row % 4) * kHidden + Own::first_unit() + row / 4;
    weights.set(fragment,
                reinterpret_cast<const float4*>(weight_hh)[of_weight * (kHidden / 4) + chunk * 4 + Own::k_lane()]);
  }
}

/// sums[cell][gate] = W_hh h' of the lane's cells. `h`: [kSequences][kHidden] in shared memory.
template <int kSequences, int kShared>
__device__ __forceinline__ void forward_product(const ResidentWeights<float4, kShared>& weights, const float* h,
                                                float (&sums)[2 * kSequences * 4]) {
#pragma unroll
  for (int chunk = 0; chunk < kForwardChunks; ++chunk) {
    float4 state[kSequences];
#pragma unroll
    for (int s = 0; s < kSequences; ++s) {
      state[s] = reinterpret_cast<const float4*>(h)[s * (kHidden / 4) + chunk * 4 + ForwardLane<1>::k_lane()];
    }
#pragma unroll
    for (int row = 0; row < kForwardRows; ++row) {
      const float4 weight = weights.get(chunk * kForwardRows + row);
#pragma unroll
      for (int s = 0; s < kSequences; ++s) {
        float& sum = sums[(row / 4 * kSequences + s) * 4 + row % 4];
        sum = multiply_add(weight, state[s], sum);
      }
    }
  }
  fold<2 * kSequences * 4>(sums, 4, threadIdx.x & 4);
  fold_pair<kSequences, 4>(sums, 2);
}

template <int kSequences>
__global__ void __launch_bounds__(kThreads, 1) forward_kernel(const BiLstmForward args, int* tickets) {
  using Own = ForwardLane<kSequences>;
  constexpr int kShared = shared_weights(kSequences);
  float* const h = dynamic_shared<float>() + kThreads * kShared;  // [2][kSequences][kHidden]
  int* const ticket = reinterpret_cast<int*>(h + 2 * kSequences * kHidden);
  ResidentWeights<float4, kShared> weights;
  weights.shared = dynamic_shared<float4>();
  load_forward(weights, args.weight_hh.data + blockIdx.y * (4 * kHidden * kHidden));
  weights.arrive(reinterpret_cast<uint32_t*>(h));

  for (int first = static_cast<int>(blockIdx.x) * kSequences; first < args.batch.sequences;
       first = next_group(tickets, ticket) * kSequences) {
    const int steps = args.batch.offsets[first + 1] - args.batch.offsets[first];
    ForwardCell<kSequences> cells[Own::kCells];
#pragma unroll
    for (int i = 0; i < Own::kCells; ++i) cells[i].start(args, Own::unit(), first + Own::slot(i));
    const auto take_step = [&](int step, const float(&sums)[2 * kSequences * 4]) {
      float* const next = h + (~step & 1) * kSequences * kHidden;
#pragma unroll
      for (int i = 0; i < Own::kCells; ++i) {
        const float* z = sums + 4 * i;
        const float state = cells[i].compute({z[0], z[1], z[2], z[3]});
        if (Own::stores()) next[Own::slot(i) * kHidden + Own::unit()] = state;
      }
      __syncthreads();
      finish_step<Own>(args, cells);
    };
    int step = 1, end = steps;
    if (args.starts_given()) {
      // Initial states stand where the first step finds those of a step before.
#pragma unroll
      for (int i = 0; i < Own::kCells; ++i) {
        if (Own::stores()) h[kSequences * kHidden + Own::slot(i) * kHidden + Own::unit()] = cells[i].state;
      }
      __syncthreads();
      ++end;
    } else {
      take_step(0, {});
    }
    for (; step < end; ++step) {
      float sums[2 * kSequences * 4] = {};
      forward_product<kSequences>(weights, h + (step & 1) * kSequences * kHidden, sums);
      take_step(step, sums);
    }
  }
  clear_slack(args);
}

// --- backward --------------------------------------------------------------------------------------------------------
// dh' = W_hh^T dz. Sixteen lanes share eight outputs, 8 (thread / 16) .. + 7. Lane l of the sixteen has the four gates
// of the units 16 chunk + l. dz lies in shared memory as [unit][gate]: the sixteen lanes read 256 consecutive bytes,
// and a unit's owner writes 16. The folds leave output thread / 2 to its two lanes.
constexpr int kBackwardChunks = kHidden / 16, kBackwardOutputs = 8;

template <int kSequences>
struct BackwardLane : Share<kSequences> {
  __device__ static int first_output() { return static_cast<int>(threadIdx.x) / 16 * kBackwardOutputs; }
  __device__ static int k_lane() { return static_cast<int>(threadIdx.x) % 16; }
  __device__ static int unit(int = 0) { return static_cast<int>(threadIdx.x) / 2; }
  __device__ static int slot(int cell) { return Share<kSequences>::slot(threadIdx.x & 1, cell); }
  __device__ static bool stores() { return Share<kSequences>::stores(threadIdx.x & 1); }
};

template <int kShared>
__device__ __forceinline__ void load_backward(ResidentWeights<float4, kShared>& weights, const float* weight_hh) {
  using Own = BackwardLane<1>;
#pragma unroll
  for (int fragment = 0; fragment < kFragments; ++fragment) {
    const int chunk = fragment / 8, gate = fragment / 2 % 4, half = fragment % 2;
    const int of_weight = gate * kHidden + chunk * 16 + Own::k_lane();
    weights.set(fragment,
                reinterpret_cast<const float4*>(weight_hh)[of_weight * (kHidden / 4) + Own::first_output() / 4 + half]);
  }
}

/// sums[cell] = dh' of the lane's cells. `dz`: [kSequences][kHidden] float4 in shared memory. Calls late(sum) when
/// three quarters are done.
template <int kSequences, int kShared, class Late>
__device__ __forceinline__ void backward_product(const ResidentWeights<float4, kShared>& weights, const float4* dz,
                                                 float (&sums)[kBackwardOutputs * kSequences], const Late& late) {
#pragma unroll
  for (int chunk = 0; chunk < kBackwardChunks; ++chunk) {
    if (chunk == kBackwardChunks * 3 / 4) late(sums[0]);
    float4 gradient[kSequences];
#pragma unroll
    for (int s = 0; s < kSequences; ++s) gradient[s] = dz[s * kHidden + chunk * 16 + BackwardLane<1>::k_lane()];
#pragma unroll
    for (int fragment = 0; fragment < 8; ++fragment) {
      const int gate = fragment / 2, output = fragment % 2 * 4;
      const float4 weight = weights.get(chunk * 8 + fragment);
#pragma unroll
      for (int s = 0; s < kSequences; ++s) {
        const float4 d = gradient[s];
        const float of_gate = gate == 0 ? d.x : gate == 1 ? d.y : gate == 2 ? d.z : d.w;
        float* const sum = sums + output * kSequences + s;
        sum[0] = fmaf(weight.x, of_gate, sum[0]);
        sum[kSequences] = fmaf(weight.y, of_gate, sum[kSequences]);
        sum[2 * kSequences] = fmaf(weight.z, of_gate, sum[2 * kSequences]);
        sum[3 * kSequences] = fmaf(weight.w, of_gate, sum[3 * kSequences]);
      }
    }
  }
  fold<8 * kSequences>(sums, 8, threadIdx.x & 8);
  fold<4 * kSequences>(sums, 4, threadIdx.x & 4);
  fold<2 * kSequences>(sums, 2, threadIdx.x & 2);
  fold_pair<kSequences, 1>(sums, 1);
}

template <int kSequences>
__global__ void __launch_bounds__(kThreads, 1) backward_kernel(const BiLstmBackward args, int* tickets) {
  using Own = BackwardLane<kSequences>;
  constexpr int kShared = shared_weights(kSequences);
  float4* const dz = dynamic_shared<float4>() + kThreads * kShared / 4;  // [2][kSequences][kHidden]
  int* const ticket = reinterpret_cast<int*>(dz + 2 * kSequences * kHidden);
  ResidentWeights<float4, kShared> weights;
  weights.shared = dynamic_shared<float4>();
  load_backward(weights, args.weight_hh.data + blockIdx.y * (4 * kHidden * kHidden));
  weights.arrive(reinterpret_cast<uint32_t*>(dz));

  for (int first = static_cast<int>(blockIdx.x) * kSequences; first < args.batch.sequences;
       first = next_group(tickets, ticket) * kSequences) {
    const int steps = args.batch.offsets[first + 1] - args.batch.offsets[first];
    BackwardCell<kSequences> cells[Own::kCells];
#pragma unroll
    for (int i = 0; i < Own::kCells; ++i) cells[i].start(args, Own::unit(), first + Own::slot(i));
    const auto take_step = [&](int step, const float(&sums)[kBackwardOutputs * kSequences]) {
      float4* const now = dz + (step & 1) * kSequences * kHidden;
#pragma unroll
      for (int i = 0; i < Own::kCells; ++i) {
        const float4 gradient = cells[i].compute(sums[i]);
        if (Own::stores()) now[Own::slot(i) * kHidden + Own::unit()] = gradient;
      }
      __syncthreads();  // with one sequence, both lanes of a unit have read the gates that one of them overwrites
      finish_step<Own>(args, cells);
    };
    take_step(0, {});
    for (int step = 1; step < steps; ++step) {
      float sums[kBackwardOutputs * kSequences] = {};
      backward_product<kSequences>(weights, dz + (~step & 1) * kSequences * kHidden, sums, [&](float sum) {
#pragma unroll
        for (BackwardCell<kSequences>& cell : cells) cell.hold(args, sum);
      });
      take_step(step, sums);
    }
  }
  clear_slack(args);
}

// --- any other H -----------------------------------------------------------------------------------------------------
// One block per sequence and direction reads W_hh from the second-level cache at every step: right, but not fast.
constexpr int kLargestHidden = 2048;
constexpr size_t general_forward_bytes(int hidden) { return sizeof(float) * 3 * static_cast<size_t>(hidden); }
constexpr size_t general_backward_bytes(int hidden) { return sizeof(float) * 6 * static_cast<size_t>(hidden); }
static_assert(general_forward_bytes(kLargestHidden) == 24'576, "as in kernels/budgets.md");
static_assert(general_backward_bytes(kLargestHidden) == 49'152, "as in kernels/budgets.md");
static_assert(general_backward_bytes(kLargestHidden) <= 48 * 1024, "what every device has");

/// One step of one unit, by a warp: the lanes share out the columns of the four gate rows.
__device__ void general_unit(const BiLstmForward& args, int32_t token, int unit, const float* h, float* next,
                             float* c) {
  const int hidden = args.hidden, lane = static_cast<int>(threadIdx.x) % 32;
  const int64_t row = int64_t{token} * 2 + blockIdx.y;
  const float* weights = args.weight_hh.data + (int64_t{blockIdx.y} * 4 * hidden + unit) * hidden;
  float z[4] = {};
  for (int gate = 0; gate < 4; ++gate) {
    const float* weight = weights + int64_t{gate} * hidden * hidden;
    for (int k = lane; k < hidden; k += 32) z[gate] = fmaf(weight[k], h[k], z[gate]);
    for (int mask = 16; mask > 0; mask /= 2) z[gate] += __shfl_xor_sync(kFullWarp, z[gate], mask);
  }
  if (lane != 0) return;
  const int32_t row_place = token + (blockIdx.y == 0 ? 0 : args.backward_row_shift);
  const float* input =
      args.table.data + (int64_t{args.batch.unique_row[row_place]} * 2 + blockIdx.y) * 4 * hidden + unit;
  const auto gates =
      lstm_gates(input[0] + z[0], input[hidden] + z[1], input[2 * hidden] + z[2], input[3 * hidden] + z[3]);
  c[unit] = lstm_cell(gates, c[unit]);
  next[unit] = lstm_output(gates, c[unit]);
  args.states[row * hidden + unit] = next[unit];
  if (args.gates.empty()) return;
  float* to = args.gates.data + row * 4 * hidden + unit;
  to[0] = gates.i;
  to[hidden] = gates.f;
  to[2 * hidden] = gates.g;
  to[3 * hidden] = gates.o;
  args.cells[row * hidden + unit] = c[unit];
  args.previous[row * hidden + unit] = h[unit];
}

__global__ void __launch_bounds__(kThreads) general_forward_kernel(const BiLstmForward args) {
  const int hidden = args.hidden, warp = static_cast<int>(threadIdx.x) / 32;
  float* const h = dynamic_shared<float>();  // [2][hidden]
  float* const c = h + 2 * hidden;           // [hidden]
  const int64_t start = (int64_t{blockIdx.x} * 2 + blockIdx.y) * hidden;
  for (int unit = threadIdx.x; unit < hidden; unit += kThreads) {
    h[unit] = args.starts_given() ? args.initial_states[start + unit] : 0;
    c[unit] = args.starts_given() ? args.initial_cells[start + unit] : 0;
  }
  __syncthreads();
  int buffer = 0;
  for (Cursor at = open_sequence(args.batch, static_cast<int>(blockIdx.x), blockIdx.y == 1); at.left > 0; --at.left) {
    for (int unit = warp; unit < hidden; unit += kThreads / 32) {
      general_unit(args, at.token, unit, h + buffer * hidden, h + (1 - buffer) * hidden, c);
    }
    __syncthreads();
    at.token += blockIdx.y == 0 ? 1 : -1;
    buffer = 1 - buffer;
  }
  clear_slack(args);
}

/// Computes dz of one unit at one step, into `dz` [4][hidden] and in place of the gates.
__device__ void general_cell_backward(const BiLstmBackward& args, const Cursor& at, int unit, float dh, float& dcell,
                                      float* dz) {
  const int hidden = args.hidden;
  const int64_t row = int64_t{at.token} * 2 + blockIdx.y;
  const int64_t row_before = row + (blockIdx.y == 0 ? -2 : 2);
  float* const gates = args.gates.data + row * 4 * hidden + unit;
  const float previous_cell = at.left > 1 ? args.cells[row_before * hidden + unit] : 0;
  const auto gradient = lstm_backward<float>({gates[0], gates[hidden], gates[2 * hidden], gates[3 * hidden]},
                                             args.cells[row * hidden + unit], previous_cell,
                                             args.dstates[row * hidden + unit] + dh, dcell);
  dcell = gradient.dprevious_cell;
  const float of_gate[4] = {gradient.dz.i, gradient.dz.f, gradient.dz.g, gradient.dz.o};
  for (int gate = 0; gate < 4; ++gate) gates[gate * hidden] = dz[gate * hidden + unit] = of_gate[gate];
}

__global__ void __launch_bounds__(kThreads) general_backward_kernel(const BiLstmBackward args) {
  const int hidden = args.hidden;
  const float* const weights = args.weight_hh.data + int64_t{blockIdx.y} * 4 * hidden * hidden;
  float* const dz = dynamic_shared<float>();  // [4][hidden]
  float* const dh = dz + 4 * hidden;          // [hidden], each element its thread's own, as in dcell
  float* const dcell = dh + hidden;
  for (int unit = threadIdx.x; unit < hidden; unit += kThreads) dh[unit] = dcell[unit] = 0;
  for (Cursor at = open_sequence(args.batch, static_cast<int>(blockIdx.x), blockIdx.y == 0); at.left > 0; --at.left) {
    for (int unit = threadIdx.x; unit < hidden; unit += kThreads) {
      general_cell_backward(args, at, unit, dh[unit], dcell[unit], dz);
    }
    __syncthreads();
    for (int unit = threadIdx.x; unit < hidden; unit += kThreads) {
      float sum = 0;
      for (int row = 0; row < 4 * hidden; ++row) sum = fmaf(weights[int64_t{row} * hidden + unit], dz[row], sum);
      dh[unit] = sum;
    }
    __syncthreads();
    at.token += blockIdx.y == 0 ? -1 : 1;
  }
  clear_slack(args);
}

// --- launchers -------------------------------------------------------------------------------------------------------

/// The smallest number of sequences per block with which all run at once on this model's share of the SMs (two
/// directions, one block per SM); a step costs 512 S clocks of FMA. Where shared memory is small, fewer. 0 means that
/// not even one fits, or that H is not kHidden.
template <class Args>
int sequences_per_block(const Device& device, const Args& args, size_t (*shared_bytes)(int)) {
  if (args.hidden != kHidden) return 0;
  check_indices(args.batch);
  const size_t limit = shared_memory_limit(device);
  const auto fits = [&](int count) { return shared_bytes(count) <= limit; };
  const int sequences = args.batch.sequences, at_once = device.multiprocessors / 2 / device.models;
  int count = sequences <= at_once ? 1 : sequences <= 2 * at_once ? 2 : 4;
  while (count > 1 && !fits(count)) count /= 2;
  return fits(count) ? count : 0;
}

template <class Args>
void launch_general(const Device& device, const char* name, const Args& args, size_t shared_bytes,
                    void (*kernel)(Args)) {
  launch(device, name, {dim3(args.batch.sequences, 2), dim3(kThreads), shared_bytes}, kernel, args);
}

void check_supported(int32_t hidden) {
  NOTNOT_CHECK(hidden <= kLargestHidden, "H = {}: at most {} hidden units per direction are supported ({} are fast)",
               hidden, kLargestHidden, kHidden);
}

/// The recurrence in fp32.
void recur_forward(const Device& device, const BiLstmForward& args) {
  const int count = sequences_per_block(device, args, forward_shared_bytes);
  if (count == 0) {
    return launch_general(device, "bilstm_forward, general", args, general_forward_bytes(args.hidden),
                          general_forward_kernel);
  }
  const auto kernel = count == 1 ? forward_kernel<1> : count == 2 ? forward_kernel<2> : forward_kernel<4>;
  launch_persistent(device, "bilstm_forward", args, count, forward_shared_bytes(count), kernel);
}

void recur_backward(const Device& device, const BiLstmBackward& args) {
  const int count = sequences_per_block(device, args, backward_shared_bytes);
  if (count == 0) {
    return launch_general(device, "bilstm_backward, general", args, general_backward_bytes(args.hidden),
                          general_backward_kernel);
  }
  const auto kernel = count == 1 ? backward_kernel<1> : count == 2 ? backward_kernel<2> : backward_kernel<4>;
  launch_persistent(device, "bilstm_backward", args, count, backward_shared_bytes(count), kernel);
}

}  // namespace

void bilstm_forward(const Device& device, const BiLstmForward& args) {
  const ProfileRange range("bilstm_forward");
  check_supported(args.hidden);
  check_precision(device, args.precision, args.hidden);
  const auto recur = args.precision == Precision::fp32 ? recur_forward : recur_forward_bf16x3;
  recur(device, args);
}

void bilstm_backward(const Device& device, const BiLstmBackward& args) {
  const ProfileRange range("bilstm_backward");
  check_supported(args.hidden);
  check_precision(device, args.precision, args.hidden);
  const auto recur = args.precision == Precision::fp32 ? recur_backward : recur_backward_bf16x3;
  recur(device, args);
}

}  // namespace notnot::cuda
