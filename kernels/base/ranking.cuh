#pragma once
// The order of a text's words by a score (ranking.h), by a block: a bitonic sort of (score, word). No two words are
// equal in that order, so every sorting network gives the same result, with any number of threads.
//
// In this form of the network every exchange puts the earlier word at the lower place. So places behind the last word
// may be thought to hold words that come after all others: nothing ever moves there, and the number of words need not
// be a power of two. N words take log2(N) (log2(N) + 1) / 2 passes with a barrier each: 36 for 180 words, 78 for 4,000.
#include "kernels/base/launch.cuh"
#include "kernels/base/ranking.h"

namespace notnot::cuda {

/// Words that a block ranks within the 48 KiB of shared memory that every device has, with some of it left. Texts of
/// more words have their scores and order in the caller's workspace, where the same code takes longer.
inline constexpr int kRankedInShared = 4000;
inline constexpr int kRankedBytes = sizeof(double) + sizeof(int32_t);  // per word
static_assert(kRankedInShared * kRankedBytes <= 47 * 1024);

/// All threads of the block call it. `scores` [words] holds the scores; scores and `order` [words] become those of the
/// words in their order. Ends with a barrier.
__device__ __forceinline__ void rank_in_block(double* scores, int32_t* order, int words) {
  for (int n = threadIdx.x; n < words; n += blockDim.x) order[n] = n;
  __syncthreads();
  const auto exchange = [&](int low, int high) {
    const double score = scores[low], other_score = scores[high];
    const int32_t word = order[low], other = order[high];
    if (!ranks_before(other_score, other, score, word)) return;
    scores[low] = other_score;
    scores[high] = score;
    order[low] = other;
    order[high] = word;
  };
  for (int run = 2; run / 2 < words; run *= 2) {
    for (int distance = run - 1; distance > 0; distance = distance == run - 1 ? run / 4 : distance / 2) {
      for (int n = threadIdx.x; n < words; n += blockDim.x) {
        const int partner = n ^ distance;
        if (partner > n && partner < words) exchange(n, partner);
      }
      __syncthreads();
    }
  }
}

}  // namespace notnot::cuda
