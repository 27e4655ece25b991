// One block per text, a thread per permutation. A thread deals the weights into a column of its own and adds them up by
// itself, so no sum goes over several threads. Columns lie side by side (word n of thread t at n * 128 + t): wherever
// the random places are, the threads of a warp use different banks. The columns lie in shared memory up to 48 KiB (95
// words). A longer text has them in the workspace, that is in the caches.
//
// Cost: per word and permutation a quarter of a Philox block (25 instructions), a load and two stores at random places,
// one multiply-add. 4,354 texts of 180 words, 100 times each, are 78 million deals, some 3 ms (estimate).
#include "kernels/attention_permutation.h"
#include "kernels/attention_permutation_math.h"
#include "kernels/base/launch.cuh"
#include "kernels/base/math.h"

namespace notnot::cuda {
namespace {

constexpr int kThreads = kPermutationTile;
constexpr int kSharedBytes = 48 * 1024;  // what every device has
static_assert(kSharedBytes == 49'152, "as in kernels/budgets.md");

constexpr int64_t text_bytes(int words) {
  return attention_permutation_workspace(words) * static_cast<int64_t>(sizeof(float));
}

__device__ float probability_of(const AttentionPermutation& args, const float* weights, int stride, int begin,
                                int words) {
  float sum = 0;
#pragma unroll 4
  for (int n = 0; n < words; ++n) sum = fmaf(weights[int64_t{n} * stride], args.contributions[begin + n], sum);
  return sigmoid(args.output_bias[0] + sum);
}

/// `middle` [2] is shared memory for the two values in the middle.
__device__ void write_median(const AttentionPermutation& args, const float* change, float* middle) {
  if (threadIdx.x < 2) middle[threadIdx.x] = NAN;
  __syncthreads();
  for (int r = threadIdx.x; r < args.permutations; r += kThreads) {
    const int rank = rank_of(change, args.permutations, r);
    if (rank == (args.permutations - 1) / 2) middle[0] = change[r];
    if (rank == args.permutations / 2) middle[1] = change[r];
  }
  __syncthreads();
  if (threadIdx.x == 0) args.median[blockIdx.x] = 0.5F * (middle[0] + middle[1]);
}

__global__ void __launch_bounds__(kThreads) permutation_kernel(const AttentionPermutation args) {
  const int begin = args.offsets[blockIdx.x] + 1, words = args.offsets[blockIdx.x + 1] - begin - 1;
  float* const weights = text_bytes(words) <= kSharedBytes
                             ? dynamic_shared<float>()
                             : args.workspace.data + attention_permutation_workspace(begin);
  for (int n = threadIdx.x; n < words; n += kThreads) {
    weights[n] = attention_weight(args.log_attention[begin + n]);
  }
  __syncthreads();
  float* const dealt = weights + words + threadIdx.x;
  float* const change = args.change.data + int64_t{blockIdx.x} * args.permutations;
  const float probability = probability_of(args, weights, 1, begin, words);
  for (int r = threadIdx.x; r < args.permutations; r += kThreads) {
    deal({args.seed, static_cast<uint32_t>(r), args.purpose, args.keys[blockIdx.x]}, weights, words, dealt, kThreads);
    change[r] = fabsf(probability_of(args, dealt, kThreads, begin, words) - probability);
  }
  __syncthreads();
  write_median(args, change, dynamic_shared<float>());
}

}  // namespace

void attention_permutation(const Device& device, const AttentionPermutation& args) {
  const ProfileRange range("attention_permutation");
  const int64_t bytes = std::min<int64_t>(text_bytes(args.longest - 2), kSharedBytes);
  launch(device, "attention_permutation", {dim3(args.sequences), dim3(kThreads), static_cast<size_t>(bytes)},
         permutation_kernel, args);
}

}  // namespace notnot::cuda
