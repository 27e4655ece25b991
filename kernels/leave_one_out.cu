// One block takes one run and one direction. Its warps take the words in turn and keep sums of their own, in all lanes;
// at the end one thread merges them, in the order of the warps. So the order depends on the run's length alone.
//
// Floor, bytes per word and direction: both halves of the state and of the projection, 8 (H + A) = 2 KiB at H = A =
// 128, half of them the text's, which the runs of a text share in L2. At 4.8 TB/s that is 0.4 ns, where the recurrence
// of the word takes 6 ns (814 clocks of one of 132 SMs, modelled). Neither has been measured.
#include "kernels/base/launch.cuh"
#include "kernels/leave_one_out_math.h"

namespace notnot::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / 32;
constexpr int kBlocksPerSm = 4;  // at most 64 registers per thread
constexpr size_t kSharedBytes = kWarps * sizeof(AttentionSums);
static_assert(kSharedBytes == 192, "as in kernels/budgets.md");

/// The sum over the lanes of a warp, in all of them.
__device__ __forceinline__ float sum_of_lanes(float value) {
  for (int mask = 16; mask > 0; mask /= 2) value += __shfl_xor_sync(0xFFFFFFFFU, value, mask);
  return value;
}

__device__ __forceinline__ float contribution_of(const LeaveOneOutSums& args, const KeptWord& word, int direction) {
  const int hidden = args.hidden;
  const float* const own = args.output_weight.data + direction * hidden;
  const float* const other = args.output_weight.data + (1 - direction) * hidden;
  float sum = 0;
#pragma unroll 4
  for (int j = static_cast<int>(threadIdx.x) % 32; j < hidden; j += 32) {
    sum = fmaf(word.state[j], own[j], sum);
    sum = fmaf(word.text_state[j], other[j], sum);
  }
  return sum_of_lanes(sum);
}

__device__ __forceinline__ float score_of(const LeaveOneOutSums& args, const KeptWord& word) {
  float sum = 0;
#pragma unroll 4
  for (int j = static_cast<int>(threadIdx.x) % 32; j < args.attention_width; j += 32) {
    const float activation = hyperbolic_tangent(word.projected[j] + word.text_projected[j] + args.attention_bias[j]);
    sum = fmaf(args.attention_vector[j], activation, sum);
  }
  return sum_of_lanes(sum);
}

__global__ void __launch_bounds__(kThreads, kBlocksPerSm) sums_kernel(const LeaveOneOutSums args) {
  const auto sequence = static_cast<int32_t>(blockIdx.x), direction = static_cast<int32_t>(blockIdx.y);
  const int length = args.offsets[sequence + 1] - args.offsets[sequence], warp = static_cast<int>(threadIdx.x) / 32;
  AttentionSums sums;
  for (int t = warp; t < length; t += kWarps) {
    const KeptWord word = kept_word(args, sequence, direction, t);
    const float contribution = contribution_of(args, word, direction);
    add_word(sums, args.kind == AttentionKind::learned ? score_of(args, word) : 0.0F, contribution);
  }
  auto* const of_warp = dynamic_shared<AttentionSums>();
  if (threadIdx.x % 32 == 0) of_warp[warp] = sums;
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (int other = 1; other < kWarps; ++other) sums = merge(sums, of_warp[other]);
  args.sums[int64_t{sequence} * 2 + direction] = sums;
}

}  // namespace

void leave_one_out_sums(const Device& device, const LeaveOneOutSums& args) {
  const ProfileRange range("leave_one_out_sums");
  launch(device, "leave_one_out_sums", {dim3(args.sequences, 2), dim3(kThreads), kSharedBytes}, sums_kernel, args);
}

}  // namespace notnot::cuda
