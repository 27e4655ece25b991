// Persistent BiLSTM for H = 128 on tensor cores: Precision::bf16x3 (bilstm.h). A block keeps W_hh of one direction on
// its SM, hi and lo of 128 KiB each, split between registers and shared memory, and carries 8 sequences, the columns of
// mma.m16n8k16. Tickets, cells and everything else are as in bilstm.cu. It is for fleets: where a model has an SM for
// each of its sequences, one step of one sequence takes fewer clocks in fp32.
//
// Floor per step and SM in clocks (128 B/clk of shared memory; two warps on each of four schedulers):
//                                                                              forward  backward
//   tensor cores, 3 * 512 * 128 * 8 FMA: 2,048/clk on sm_90 (sm_80: 1,024)         768       768
//   shared memory: weights 8 kShared, h or dz 256,
//                  written h 32, or dz and partial sums, which are read, 384     1,056     1,408
//   cells, 4 per lane, up to the barrier: 291 and 244 instructions of sm_90a         582       488
//     of them 40 and 8 of MUFU, 8 clocks each                                        640       128
// A step takes the larger of the first two and then the larger of the last two, because a barrier lies between them:
// 1,700 and 1,900 clocks (sm_80: 2,180 and 2,020). The other 139 and 128 instructions (stores, loads ahead, addresses)
// stand behind the barrier, beside the next product. The floor leaves out latency, and that mma.sync may not reach
// Hopper's rate, which is that of wgmma. A model of the instructions as ptxas has ordered them (bench/notes.md), with
// two thirds of that rate, gives 2,490 and 2,340 clocks, where two blocks of four sequences in fp32 take 6,510 and
// 6,060. No GPU has measured it yet.
//
// The order of every sum is fixed: chunks of k ascending, in each of them hi hi, hi lo, lo hi; in backward, quarters of
// k ascending. A column of a product depends on no other, so a sequence has the same bytes in any slot, block and
// batch.
#include "kernels/bf16_mma.cuh"
#include "kernels/bilstm_persistent.cuh"

namespace notnot::cuda {
namespace {

constexpr int kSequences = 8;  // per block: the columns of a product
constexpr int kTiles = 4;      // per warp, of 16 rows
constexpr int kChunks = 8;     // per warp, of 16 k
static_assert(2 * kTiles * kChunks == kFragments, "a fragment is 16 x 16 of hi or of lo");

/// Words of weights per thread in shared memory; the others are in registers. With 80 words ptxas spills.
constexpr int kShared = 96;

/// Words between two sequences of an operand in shared memory: 4 more than a multiple of 32, so that the lanes of a
/// read, 8 sequences by 4 words, meet all banks.
constexpr int kStateStride = kHidden / 2 + 4;         // h: 2 units per word
constexpr int kGradientStride = 4 * kHidden / 2 + 4;  // dz: 2 gates per word
constexpr int kStateWords = kSequences * kStateStride, kGradientWords = kSequences * kGradientStride;
constexpr int kParts = 4;  // backward splits k into so many parts; their sums are added through shared memory
constexpr int kPartSums = kHidden * kSequences;

/// Dynamic shared memory: weights; h (double-buffered) or dz, hi and lo each; backward's partial sums; the ticket.
constexpr size_t kForwardBytes = 4 * (kThreads * kShared + 2 * 2 * kStateWords) + 16;
constexpr size_t kBackwardBytes = 4 * (kThreads * kShared + 2 * kGradientWords + kParts * kPartSums) + 16;
static_assert(kForwardBytes == 107'024 && kBackwardBytes == 131'344, "as in kernels/budgets.md");
static_assert(kBackwardBytes <= 163 * 1024, "sm_80; sm_90 has 227 KiB");

/// An operand [sequences][k] in shared memory, two k per word.
struct Operand {
  uint32_t *hi, *lo;
};

/// A lane owns four cells: cell i is unit(i) of the sequence slot(i) of its group.
struct Lane {
  __device__ static int warp() { return static_cast<int>(threadIdx.x) / 32; }
  __device__ static int row() { return static_cast<int>(threadIdx.x) % 32 / 4; }
  __device__ static int column() { return static_cast<int>(threadIdx.x) % 4; }
  __device__ static int unit(int i) { return warp() * 16 + row() + 8 * (i % 2); }
  __device__ static int slot(int i) { return column() * 2 + i / 2; }
  __device__ static bool stores() { return true; }
};

using Weights = ResidentWeights<uint4, kShared>;

__device__ __forceinline__ void set_tile(Weights& weights, int chunk, int tile, const SplitPair (&pairs)[4]) {
  const int fragment = (chunk * kTiles + tile) * 2;
  weights.set(fragment, {pairs[0].hi, pairs[1].hi, pairs[2].hi, pairs[3].hi});
  weights.set(fragment + 1, {pairs[0].lo, pairs[1].lo, pairs[2].lo, pairs[3].lo});
}

/// sums[tile] += the warp's weights times k = 16 (first_chunk + 0..7) of `x`. Each of the three products goes through
/// all tiles before the next, so that no addition waits for the one before it.
__device__ __forceinline__ void add_product(const Weights& weights, const Operand& x, int stride, int first_chunk,
                                            float4 (&sums)[kTiles]) {
  const int at = Lane::row() * stride + first_chunk * 8 + Lane::column();
#pragma unroll
  for (int chunk = 0; chunk < kChunks; ++chunk) {
    const uint2 hi = {x.hi[at + chunk * 8], x.hi[at + chunk * 8 + 4]};
    const uint2 lo = {x.lo[at + chunk * 8], x.lo[at + chunk * 8 + 4]};
    const auto weight = [&](int tile, int part) { return weights.get((chunk * kTiles + tile) * 2 + part); };
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) multiply_add(sums[tile], weight(tile, 0), hi);
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) multiply_add(sums[tile], weight(tile, 0), lo);
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) multiply_add(sums[tile], weight(tile, 1), hi);
  }
}

// --- forward ---------------------------------------------------------------------------------------------------------
// A warp has the gate rows of 16 units. Its tiles 0 and 1 are the units 0 to 7: i over f, and g over o; tiles 2 and 3
// are the other 8 units. So a lane's sums are all gates of the cells that it owns. A word of h holds two units of every
// 16 that one lane owns: k = 2 r is unit r, and k = 2 r + 1 is unit r + 8.

__device__ __forceinline__ void load_forward(Weights& weights, const float* weight_hh) {
#pragma unroll
  for (int chunk = 0; chunk < kChunks; ++chunk) {
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
      SplitPair pairs[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int gate = tile % 2 * 2 + i % 2, k = chunk * 16 + i / 2 * 4 + Lane::column();
        const float* from = weight_hh + (gate * kHidden + Lane::unit(tile / 2)) * kHidden + k;
        pairs[i] = split(from[0], from[8]);
      }
      set_tile(weights, chunk, tile, pairs);
    }
  }
}

__global__ void __launch_bounds__(kThreads, 1) forward_kernel(const BiLstmForward args, int* tickets) {
  uint32_t* const h = dynamic_shared<uint32_t>() + kThreads * kShared;  // [2][hi, lo][kSequences][kStateStride]
  int* const ticket = reinterpret_cast<int*>(h + 2 * 2 * kStateWords);
  Weights weights;
  weights.shared = dynamic_shared<uint4>();
  load_forward(weights, args.weight_hh.data + blockIdx.y * (4 * kHidden * kHidden));
  weights.arrive(h);
  const auto buffer = [&](int step) {
    uint32_t* const hi = h + (step & 1) * 2 * kStateWords;
    return Operand{hi, hi + kStateWords};
  };

  for (int first = static_cast<int>(blockIdx.x) * kSequences; first < args.batch.sequences;
       first = next_group(tickets, ticket) * kSequences) {
    const int steps = args.batch.offsets[first + 1] - args.batch.offsets[first];
    ForwardCell<kSequences> cells[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) cells[i].start(args, Lane::unit(i), first + Lane::slot(i));
    const auto take_step = [&](int step, const float4(&sums)[kTiles]) {
      const Operand next = buffer(step + 1);
#pragma unroll
      for (int s = 0; s < 2; ++s) {
        float state[2];
#pragma unroll
        for (int u = 0; u < 2; ++u) {
          const float4 &if_sums = sums[2 * u], &go_sums = sums[2 * u + 1];
          const float4 z = s == 0 ? float4{if_sums.x, if_sums.z, go_sums.x, go_sums.z}
                                  : float4{if_sums.y, if_sums.w, go_sums.y, go_sums.w};
          state[u] = cells[2 * s + u].compute(z);
        }
        const SplitPair pair = split(state[0], state[1]);
        const int at = Lane::slot(2 * s) * kStateStride + Lane::warp() * 8 + Lane::row();
        next.hi[at] = pair.hi;
        next.lo[at] = pair.lo;
      }
      __syncthreads();
      finish_step<Lane>(args, cells);
    };
    take_step(0, {});
    for (int step = 1; step < steps; ++step) {
      float4 sums[kTiles] = {};
      add_product(weights, buffer(step), kStateStride, 0, sums);
      take_step(step, sums);
    }
  }
  clear_slack(args);
}

// --- backward --------------------------------------------------------------------------------------------------------
// dh' = W_hh^T dz, 128 outputs from k = 512: (unit, gate). With 16 outputs per warp, every warp would read all of dz,
// 1,024 clocks. So a warp has 64 outputs and a quarter of k, and the quarters' sums are added through shared memory,
// 256 clocks.

__device__ __forceinline__ int first_output() { return Lane::warp() % 2 * (16 * kTiles); }
__device__ __forceinline__ int part_of_k() { return Lane::warp() / 2; }

__device__ __forceinline__ void load_backward(Weights& weights, const float* weight_hh) {
#pragma unroll
  for (int chunk = 0; chunk < kChunks; ++chunk) {
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
      SplitPair pairs[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int unit = (part_of_k() * kChunks + chunk) * 4 + i / 2 * 2 + Lane::column() / 2;
        const int gate = Lane::column() % 2 * 2, output = first_output() + tile * 16 + i % 2 * 8 + Lane::row();
        const float* from = weight_hh + (gate * kHidden + unit) * kHidden + output;
        pairs[i] = split(from[0], from[kHidden * kHidden]);
      }
      set_tile(weights, chunk, tile, pairs);
    }
  }
}

/// Computes dh of the lane's cells from dz in shared memory, through `parts` [kParts][kHidden][kSequences]. The two
/// sequences of a lane are neighbours there. Calls late(sum) when the product is done.
template <class Late>
__device__ __forceinline__ void backward_product(const Weights& weights, const Operand& dz, float* parts,
                                                 float2 (&dh)[2], const Late& late) {
  float4 sums[kTiles] = {};
  add_product(weights, dz, kGradientStride, part_of_k() * kChunks, sums);
  late(sums[0].x);
  const auto part = [&](int number, int output) {
    return reinterpret_cast<float2*>(parts + number * kPartSums + output * kSequences + Lane::slot(0));
  };
#pragma unroll
  for (int tile = 0; tile < kTiles; ++tile) {
    const int output = first_output() + tile * 16 + Lane::row();
    *part(part_of_k(), output) = {sums[tile].x, sums[tile].y};
    *part(part_of_k(), output + 8) = {sums[tile].z, sums[tile].w};
  }
  __syncthreads();
#pragma unroll
  for (int u = 0; u < 2; ++u) {
    dh[u] = *part(0, Lane::unit(u));
#pragma unroll
    for (int number = 1; number < kParts; ++number) {
      const float2 more = *part(number, Lane::unit(u));
      dh[u] = {dh[u].x + more.x, dh[u].y + more.y};
    }
  }
}

__global__ void __launch_bounds__(kThreads, 1) backward_kernel(const BiLstmBackward args, int* tickets) {
  uint32_t* const shared = dynamic_shared<uint32_t>() + kThreads * kShared;
  const Operand dz{shared, shared + kGradientWords};  // each [kSequences][kGradientStride]
  float* const parts = reinterpret_cast<float*>(shared + 2 * kGradientWords);
  int* const ticket = reinterpret_cast<int*>(parts + kParts * kPartSums);
  Weights weights;
  weights.shared = dynamic_shared<uint4>();
  load_backward(weights, args.weight_hh.data + blockIdx.y * (4 * kHidden * kHidden));
  weights.arrive(shared);

  for (int first = static_cast<int>(blockIdx.x) * kSequences; first < args.batch.sequences;
       first = next_group(tickets, ticket) * kSequences) {
    const int steps = args.batch.offsets[first + 1] - args.batch.offsets[first];
    BackwardCell<kSequences> cells[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) cells[i].start(args, Lane::unit(i), first + Lane::slot(i));
    const auto take_step = [&](const float2(&dh)[2]) {  // [unit], of both slots
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const float4 d = cells[i].compute(i < 2 ? dh[i].x : dh[i - 2].y);
        const SplitPair input_forget = split(d.x, d.y), cell_output = split(d.z, d.w);
        const int at = Lane::slot(i) * kGradientStride + Lane::unit(i) * 2;
        *reinterpret_cast<uint2*>(dz.hi + at) = {input_forget.hi, cell_output.hi};
        *reinterpret_cast<uint2*>(dz.lo + at) = {input_forget.lo, cell_output.lo};
      }
      __syncthreads();
      finish_step<Lane>(args, cells);
    };
    take_step({});
    for (int step = 1; step < steps; ++step) {
      float2 dh[2];
      backward_product(weights, dz, parts, dh, [&](float sum) {
#pragma unroll
        for (BackwardCell<kSequences>& cell : cells) cell.hold(args, sum);
      });
      take_step(dh);
    }
  }
  clear_slack(args);
}

/// Some devices have less shared memory than a block takes.
void check_fits(const Device& device, const RaggedBatch& batch, size_t bytes) {
  check_indices(batch);
  const size_t limit = shared_memory_limit(device);
  NOTNOT_CHECK(bytes <= limit, "bf16x3 takes {} bytes of shared memory per block, device {} has {}; use fp32", bytes,
               device.ordinal, limit);
}

}  // namespace

void recur_forward_bf16x3(const Device& device, const BiLstmForward& args) {
  check_fits(device, args.batch, kForwardBytes);
  launch_persistent(device, "bilstm_forward, bf16x3", args, kSequences, kForwardBytes, forward_kernel);
}

void recur_backward_bf16x3(const Device& device, const BiLstmBackward& args) {
  check_fits(device, args.batch, kBackwardBytes);
  launch_persistent(device, "bilstm_backward, bf16x3", args, kSequences, kBackwardBytes, backward_kernel);
}

}  // namespace notnot::cuda
