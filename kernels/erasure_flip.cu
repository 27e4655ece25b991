// One block takes one text and one order. It ranks the words (ranking.cuh), in shared memory up to 4,000 words and in
// the workspace beyond; then it computes the terms, a word per thread, and one thread adds them up: the sums have to go
// from the order's last word to its first, and all of them are needed.
//
// Cost, counted and not measured: for 180 words the sort has 36 passes, and the additions wait for each other, some 40
// clocks a word with the comparison that tells a flip. That is about 12,000 clocks an order and text, 6 us, and a dozen
// blocks share an SM.
#include <algorithm>

#include "kernels/attended_sums.cuh"
#include "kernels/base/ranking.cuh"
#include "kernels/erasure_flip_math.h"

namespace notnot::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kBlocksPerSm = 8;
constexpr int kSharedBytes = kRankedInShared * kRankedBytes;
static_assert(kSharedBytes == 48'000, "as in kernels/budgets.md");
constexpr int kLeastSharedBytes = sizeof(AttendedSums);

/// The logit, in all threads. `sums` is shared memory.
__device__ double logit_of(const ErasureFlip& args, AttendedSums* sums) {
  const int begin = args.offsets[blockIdx.x] + 1, end = args.offsets[blockIdx.x + 1] - 1;
  if (threadIdx.x < 32) {
    const AttendedSums of_text = attended_sums_of_warp(args.log_attention, args.contributions, begin, end);
    if (threadIdx.x == 0) *sums = of_text;
  }
  __syncthreads();
  const double logit = logit_of(args, *sums);
  __syncthreads();  // the memory is used again
  return logit;
}

__global__ void __launch_bounds__(kThreads, kBlocksPerSm) flip_kernel(const ErasureFlip args) {
  const double logit = logit_of(args, dynamic_shared<AttendedSums>());
  if (blockIdx.y == kByGain && threadIdx.x == 0) args.logit[blockIdx.x] = logit;
  const ErasedText text = erased_text(args, static_cast<int32_t>(blockIdx.x), static_cast<int32_t>(blockIdx.y), logit);
  const int64_t at = int64_t{text.row} * args.tokens + text.begin;
  const bool in_shared = text.words <= kRankedInShared;
  double* const terms = in_shared ? dynamic_shared<double>() : args.terms.data + at;
  int32_t* const result = args.order.data + at;
  int32_t* const order = in_shared ? reinterpret_cast<int32_t*>(terms + text.words) : result;
  for (int n = threadIdx.x; n < text.words; n += kThreads) terms[n] = score_of(args, text, n);
  rank_in_block(terms, order, text.words);
  for (int k = threadIdx.x; k < text.words; k += kThreads) {
    const int n = order[k];
    terms[k] = term_of(args, text, n);
    result[k] = n;
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  result[-1] = result[text.words] = -1;
  find_flip(args, text, static_cast<int32_t>(blockIdx.x), order, terms);
}

}  // namespace

void erasure_flip(const Device& device, const ErasureFlip& args) {
  const ProfileRange range("erasure_flip");
  const int64_t words = std::min(args.longest - 2, kRankedInShared);
  launch(device, "erasure_flip",
         {dim3(args.sequences, args.orders()), dim3(kThreads),
          static_cast<size_t>(std::max<int64_t>(words * kRankedBytes, kLeastSharedBytes))},
         flip_kernel, args);
}

}  // namespace notnot::cuda
