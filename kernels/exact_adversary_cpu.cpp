// A text is a sort, a scan of its words for each epsilon and each end of the interval, and a few rows of pairs.
#include "kernels/base/cpu.h"
#include "kernels/base/ranking.h"
#include "kernels/exact_adversary_math.h"

namespace notnot::NOTNOT_CPU_NAMESPACE {
namespace {

constexpr int32_t kTile = 64;  // costs of a row that are computed before the least is looked for

AttackedText read_text(const ExactAdversary& args, int32_t sequence) {
  const int32_t begin = args.offsets[sequence] + 1, end = args.offsets[sequence + 1] - 1;
  return attacked_text(args, sequence, attended_sums(args.log_attention, args.contributions, begin, end, 1));
}

void add_record(const ExactAdversary& args, const AttackedText& text, int32_t n, double distance, Records& side) {
  const auto rounded = static_cast<float>(distance);
  if (!is_record(args, side, rounded)) return;
  side.first[side.count++] = record_of(args, text, n, static_cast<float>(-args.scores[text.begin + n]), rounded);
  if (rounded < side.nearest) side.nearest = rounded;
  if (rounded > side.farthest) side.farthest = rounded;
}

/// The best of row i against all records above.
void search_row(const Records& below, int32_t i, const Records& above, VertexKind kind, Candidate& best) {
  const PairedWord<float> row = below[i];
  float costs[kTile];
  for (int32_t begin = 0; begin < above.count; begin += kTile) {
    const int32_t count = above.count - begin < kTile ? above.count - begin : kTile;
    NOTNOT_SIMD
    for (int32_t k = 0; k < count; ++k) costs[k] = pair_cost(row, above[begin + k]);
    for (int32_t k = 0; k < count; ++k) {
      if (!(costs[k] <= best.cost)) continue;
      const Candidate candidate{costs[k], below.word(i), above.word(begin + k), kind};
      if (wins(candidate, best)) best = candidate;
    }
  }
}

/// All pairs around T; adds how many costs were computed.
void search_pairs(const ExactAdversary& args, const AttackedText& text, int32_t e, double threshold, VertexKind kind,
                  Candidate& best, int32_t& pairs) {
  Records below = records_of(args, text, e, 0), above = records_of(args, text, e, 1);
  const int32_t* const order = &args.order[int64_t{2} * text.begin];
  for (int32_t k = 0; k < text.words; ++k) {
    const double distance = delta_of(args, text, order[k]) - threshold;
    if (distance < 0) add_record(args, text, order[k], -distance, below);
    if (distance > 0) add_record(args, text, order[k], distance, above);
  }
  for (int32_t i = 0; i < below.count && above.count > 0; ++i) {
    const float bound = args.all_pairs ? 0 : row_bound(below[i], above[0], above.nearest, above.farthest);
    if (bound > bound_to_skip(best.cost)) continue;
    search_row(below, i, above, kind, best);
    pairs = add_pairs(pairs, above.count);
  }
}

/// The word of least attention among those that are allowed by themselves.
Candidate best_single(const ExactAdversary& args, const AttackedText& text, const LogitInterval<double>& interval) {
  const int32_t* const order = &args.order[int64_t{2} * text.begin];
  for (int32_t k = 0; k < text.words; ++k) {
    const int32_t n = order[k];
    const double delta = delta_of(args, text, n);
    if (!(delta >= interval.low && delta <= interval.high)) continue;
    return single_of(args, text, n, static_cast<float>(-args.scores[text.begin + n]));
  }
  return {};
}

void attack(const ExactAdversary& args, int32_t sequence) {
  const AttackedText text = read_text(args, sequence);
  double* const scores = &args.scores[text.begin];
  int32_t* const order = &args.order[int64_t{2} * text.begin];
  for (int32_t n = 0; n < text.words; ++n) scores[n] = -double{attention_of(args, text, n)};
  rank_words(scores, text.words, order, order + text.words);
  for (int32_t e = 0; e < args.count(); ++e) {
    const LogitInterval<double> interval = logit_interval(text.logit, args.epsilons[e]);
    Candidate best = best_single(args, text, interval);
    int32_t pairs = 0;
    search_pairs(args, text, e, interval.low, VertexKind::low, best, pairs);
    search_pairs(args, text, e, interval.high, VertexKind::high, best, pairs);
    args.optima[int64_t{e} * args.sequences + sequence] = optimum_of(args, text, interval, best, pairs);
  }
}

}  // namespace

void exact_adversary(const Device& device, const ExactAdversary& args) {
  const int64_t cost = int64_t{32} * args.count() * (args.tokens / args.sequences);
  parallel_for(device.threads, args.sequences, cost, [&](int32_t b) { attack(args, b); });
}

}  // namespace notnot::NOTNOT_CPU_NAMESPACE
