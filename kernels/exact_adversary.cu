// One block takes one text. It ranks the words by attention (ranking.cuh), in shared memory up to 4,000 words and in
// the workspace beyond. Then each warp takes epsilons of its own, so that no result depends on another warp:
//  * Records. Each lane looks whether its word of the next 32 would be a record, given those before. The first that
//    would be is one, whatever the others are; the warp adds it and looks again. So there is one turn per record, a vote
//    and a shuffle, and only the vote for 32 words without one.
//  * Rows. A lane computes the bound of a row. The rows that pass are gone through in their order, and the lanes share
//    the pairs of a row. The least cost is found over the lanes as one 64-bit number, cost and word, so that ties are
//    decided in the same shuffle; then the bounds of the rows that are left are compared again.
// This leaves out the same rows as the CPU, which goes through them one by one.
//
// Cost, counted and not measured: for 180 words the sort has 36 passes; an epsilon has 2 x 6 turns over the words,
// 2 x 20 records of some 200 clocks, and rarely more than five rows of 32 pairs at some 300 instructions. That is about
// 20,000 clocks a text, 10 us, and four texts share an SM. In the worst case, every word a record and no row skipped, a
// warp computes 8 million pairs of 4,000 words in 250,000 turns for each epsilon, some 50 ms.
#include <algorithm>

#include "kernels/attended_sums.cuh"
#include "kernels/base/ranking.cuh"
#include "kernels/exact_adversary_math.h"

namespace notnot::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kBlocksPerSm = 4;
constexpr int kWarps = kThreads / 32;
constexpr unsigned kFullWarp = 0xFFFFFFFFU;

/// What would take a dozen registers of every thread.
struct Shared {
  AttackedText text;
  LogitInterval<double> intervals[kWarps];
};
constexpr int kSharedBytes = sizeof(Shared) + kRankedInShared * kRankedBytes;
static_assert(kSharedBytes == 48'160 && kSharedBytes <= 48 * 1024, "as in kernels/budgets.md");

__device__ unsigned long long least_of_warp(unsigned long long value) {
  for (int mask = 16; mask > 0; mask /= 2) {
    const unsigned long long other = __shfl_xor_sync(kFullWarp, value, mask);
    value = other < value ? other : value;
  }
  return value;
}

__device__ void read_text(const ExactAdversary& args, AttackedText& text) {
  if (threadIdx.x < 32) {
    const int begin = args.offsets[blockIdx.x] + 1, end = args.offsets[blockIdx.x + 1] - 1;
    const AttendedSums sums = attended_sums_of_warp(args.log_attention, args.contributions, begin, end);
    if (threadIdx.x == 0) text = attacked_text(args, static_cast<int32_t>(blockIdx.x), sums);
  }
  __syncthreads();
}

/// The words in their order, and their negative attention.
struct Ranked {
  const double* scores;
  const int32_t* order;
};

/// The words that the warp adds to one side's records: of each lane word n, if its distance is positive. The numbers of
/// a side are the same in all lanes.
__device__ void add_records(const ExactAdversary& args, const AttackedText& text, int n, float attention,
                            double distance, Records& side) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const auto own = static_cast<float>(distance);
  bool waiting = distance > 0;
  while (const unsigned found = __ballot_sync(kFullWarp, waiting && is_record(args, side, own))) {
    const int first = __ffs(static_cast<int>(found)) - 1;
    const float added = __shfl_sync(kFullWarp, own, first);
    if (lane == first) side.first[side.count] = record_of(args, text, n, attention, own);
    waiting = waiting && lane > first;
    ++side.count;
    side.nearest = added < side.nearest ? added : side.nearest;
    side.farthest = added > side.farthest ? added : side.farthest;
  }
}

/// The best of row i against all records above, in all lanes.
__device__ void search_row(const Records& below, int i, const Records& above, int lane, VertexKind kind,
                           Candidate& best) {
  const PairedWord<float> row = below[i];
  unsigned long long least = ~0ULL;  // cost, whose bits grow with it, and word
  for (int k = lane; k < above.count; k += 32) {
    const float cost = pair_cost(row, above[k]);
    const unsigned long long own = static_cast<unsigned long long>(static_cast<unsigned>(__float_as_int(cost))) << 32 |
                                   static_cast<unsigned>(above.word(k));
    least = own < least ? own : least;
  }
  least = least_of_warp(least);
  const Candidate candidate{__int_as_float(static_cast<int>(least >> 32)), below.word(i), static_cast<int>(least),
                            kind};
  if (wins(candidate, best)) best = candidate;
}

/// All pairs around T; adds how many costs were computed.
__device__ void search_pairs(const ExactAdversary& args, const AttackedText& text, const Ranked& ranked, int e,
                             double threshold, VertexKind kind, Candidate& best, int& pairs) {
  Records below = records_of(args, text, e, 0), above = records_of(args, text, e, 1);
  const int lane = static_cast<int>(threadIdx.x) % 32;
  __syncwarp();  // the other T's records have been read
  for (int begin = 0; begin < text.words; begin += 32) {
    const int k = begin + lane;
    const int n = k < text.words ? ranked.order[k] : 0;
    const float attention = k < text.words ? static_cast<float>(-ranked.scores[k]) : 0;
    const double distance = k < text.words ? delta_of(args, text, n) - threshold : 0;
    add_records(args, text, n, attention, -distance, below);
    add_records(args, text, n, attention, distance, above);
  }
  __syncwarp();
  for (int begin = 0; begin < below.count && above.count > 0; begin += 32) {
    const int own = begin + lane;
    float bound = INFINITY;
    if (own < below.count) bound = args.all_pairs ? 0 : row_bound(below[own], above[0], above.nearest, above.farthest);
    unsigned left = kFullWarp;
    while (const unsigned open =
               left & __ballot_sync(kFullWarp, own < below.count && !(bound > bound_to_skip(best.cost)))) {
      const int first = __ffs(static_cast<int>(open)) - 1;
      search_row(below, begin + first, above, lane, kind, best);
      pairs = add_pairs(pairs, above.count);
      left = first == 31 ? 0 : kFullWarp << (first + 1);
    }
  }
}

/// The word of least attention among those that are allowed by themselves.
__device__ Candidate best_single(const ExactAdversary& args, const AttackedText& text, const Ranked& ranked,
                                 const LogitInterval<double>& interval) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  for (int begin = 0; begin < text.words; begin += 32) {
    const bool word = begin + lane < text.words;
    const double delta = word ? delta_of(args, text, ranked.order[begin + lane]) : 0;
    const unsigned allowed = __ballot_sync(kFullWarp, word && delta >= interval.low && delta <= interval.high);
    if (allowed == 0) continue;
    const int k = begin + __ffs(static_cast<int>(allowed)) - 1;
    return single_of(args, text, ranked.order[k], static_cast<float>(-ranked.scores[k]));
  }
  return {};
}

__global__ void __launch_bounds__(kThreads, kBlocksPerSm) exact_kernel(const ExactAdversary args) {
  Shared& shared = *dynamic_shared<Shared>();
  const AttackedText& text = shared.text;
  read_text(args, shared.text);
  const bool in_shared = text.words <= kRankedInShared;
  double* const scores = in_shared ? reinterpret_cast<double*>(&shared + 1) : args.scores.data + text.begin;
  int32_t* const order =
      in_shared ? reinterpret_cast<int32_t*>(scores + text.words) : args.order.data + int64_t{2} * text.begin;
  for (int n = threadIdx.x; n < text.words; n += kThreads) scores[n] = -double{attention_of(args, text, n)};
  rank_in_block(scores, order, text.words);
  LogitInterval<double>& interval = shared.intervals[threadIdx.x / 32];
  for (int e = static_cast<int>(threadIdx.x) / 32; e < args.count(); e += kWarps) {
    if (threadIdx.x % 32 == 0) interval = logit_interval(text.logit, args.epsilons[e]);
    __syncwarp();
    Candidate best = best_single(args, text, {scores, order}, interval);
    int pairs = 0;
#pragma unroll 1
    for (int end = 0; end < 2; ++end) {
      search_pairs(args, text, {scores, order}, e, end == 0 ? interval.low : interval.high,
                   end == 0 ? VertexKind::low : VertexKind::high, best, pairs);
    }
    if (threadIdx.x % 32 == 0) {
      args.optima[int64_t{e} * args.sequences + blockIdx.x] = optimum_of(args, text, interval, best, pairs);
    }
  }
}

}  // namespace

void exact_adversary(const Device& device, const ExactAdversary& args) {
  const ProfileRange range("exact_adversary");
  const int64_t words = std::min(args.longest - 2, kRankedInShared);
  launch(device, "exact_adversary",
         {dim3(args.sequences), dim3(kThreads), static_cast<size_t>(sizeof(Shared) + words * kRankedBytes)},
         exact_kernel, args);
}

}  // namespace notnot::cuda
