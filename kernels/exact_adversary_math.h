#pragma once
// The interval of allowed changes, the cost of a pair, the bound of a row, and the order of candidates; formulas in
// exact_adversary.h.
#include "kernels/attended_sums.h"
#include "kernels/base/math.h"
#include "kernels/exact_adversary.h"

namespace notnot {

/// Changes of the logit that move the probability by at most epsilon.
template <class Real>
struct LogitInterval {
  Real low, high;
};

/// ln((x + epsilon) / x) for a probability x that may underflow.
template <class Real>
NOTNOT_HD Real log_growth(Real epsilon, Real x, Real log_x) {
  return x >= epsilon ? std::log1p(epsilon / x) : logarithm(x + epsilon) - log_x;
}

/// From p and 1 - p, each computed from the logit: no difference from 1 and no logit of a rounded probability.
template <class Real>
NOTNOT_HD LogitInterval<Real> logit_interval(Real logit, Real epsilon) {
  const Real p = sigmoid(logit), q = sigmoid(-logit), infinity = __builtin_inff();
  LogitInterval<Real> result{-infinity, infinity};
  if (!(q <= epsilon)) result.high = log_growth(epsilon, p, -softplus(-logit)) - std::log1p(-epsilon / q);
  if (!(p <= epsilon)) result.low = std::log1p(-epsilon / p) - log_growth(epsilon, q, -softplus(logit));
  return result;
}

/// ln(1 + r) for 0 <= r <= 1: the logarithm of the rounded sum, and what rounding took from it.
template <class Real>
NOTNOT_HD Real log_one_plus(Real r) {
  const Real sum = Real(1) + r;
  return logarithm(sum) + (r - (sum - Real(1))) / sum;
}

/// h(a, b), with ln a as it is stored; 0 where a or b is. The smaller one's logarithm makes that no ratio overflows.
template <class Real>
NOTNOT_HD Real overlap(Real a, Real log_a, Real b) {
  const bool a_is_less = a < b;
  const Real less = a_is_less ? a : b, more = a_is_less ? b : a;
  const Real log_b = logarithm(b), log_less = a_is_less ? log_a : log_b;
  const Real value = less * (logarithm(a + b) - log_less) + more * log_one_plus(less / more);
  return less == Real(0) ? Real(0) : value;
}

/// A word of a pair: its attention, and how far its delta is from T.
template <class Real>
struct PairedWord {
  Real attention, log_attention, distance;
};

/// F(i, j).
template <class Real>
NOTNOT_HD Real pair_cost(const PairedWord<Real>& i, const PairedWord<Real>& j) {
  const Real sum = i.distance + j.distance;
  return overlap(i.attention, i.log_attention, j.distance / sum) +
         overlap(j.attention, j.log_attention, i.distance / sum);
}

/// F(i, j) is at least this for every j of the other side, whose attention is `least` or more and whose distances lie
/// between `nearest` and `farthest`: F grows with the attention of j, and is concave in beta_j = x / (x + y).
template <class Real>
NOTNOT_HD Real row_bound(const PairedWord<Real>& i, PairedWord<Real> least, Real nearest, Real farthest) {
  least.distance = nearest;
  const Real at_nearest = pair_cost(i, least);
  least.distance = farthest;
  const Real at_farthest = pair_cost(i, least);
  return at_nearest < at_farthest ? at_nearest : at_farthest;
}

/// A row whose bound is above this has neither the least cost nor an equal one, although bound and costs are rounded:
/// of ln(a + b) - ln a, which is at least ln 2, either logarithm is off by 2^-16 at most (2 ulp of 88), so a cost is
/// off by 2^-14 of itself, and so is the bound. The second term is for costs that underflow.
NOTNOT_HD float bound_to_skip(float best) { return best * (1 + 0x1p-12F) + 0x1p-120F; }

/// A vertex with its F.
struct Candidate {
  float cost = __builtin_inff();
  int32_t low = -1, high = -1;
  VertexKind kind = VertexKind::undefined;
};
/// The tie rule.
NOTNOT_HD bool wins(const Candidate& a, const Candidate& b) {
  if (a.cost != b.cost) return a.cost < b.cost;
  if (a.low != b.low) return a.low < b.low;
  if (a.high != b.high) return a.high < b.high;
  return static_cast<int32_t>(a.kind) < static_cast<int32_t>(b.kind);
}

/// One text as all of its searches see it. NaN in a word makes the mean NaN, and by it the interval.
struct AttackedText {
  int32_t begin, words;  ///< its first word among the tokens
  double log_sum, mean;  ///< log of the sum of the stored weights; mean of c
  double logit;
};

NOTNOT_HD AttackedText attacked_text(const ExactAdversary& args, int32_t sequence, const AttendedSums& sums) {
  const int32_t begin = args.offsets[sequence] + 1;
  const double mean = sums.mean();
  return {begin, args.offsets[sequence + 1] - begin - 1, logarithm(sums.weights), mean,
          double{args.output_bias[0]} + mean};
}

/// Word n's log-attention, normalised.
NOTNOT_HD double log_attention_of(const ExactAdversary& args, const AttackedText& text, int32_t n) {
  return double{args.log_attention[text.begin + n]} - text.log_sum;
}
/// Its attention in fp32; 0 where that would be subnormal.
NOTNOT_HD float attention_of(const ExactAdversary& args, const AttackedText& text, int32_t n) {
  const double attention = exponential(log_attention_of(args, text, n));
  return attention < 0x1p-126 ? 0.0F : static_cast<float>(attention);
}
NOTNOT_HD double delta_of(const ExactAdversary& args, const AttackedText& text, int32_t n) {
  return double{args.contributions[text.begin + n]} - text.mean;
}

/// The word in fp64.
NOTNOT_HD PairedWord<double> paired_word(const ExactAdversary& args, const AttackedText& text, int32_t n,
                                         double distance) {
  const double log_attention = log_attention_of(args, text, n);
  return {exponential(log_attention), log_attention, distance};
}

/// The records of one side, by ascending (attention, n).
struct Records {
  AdversaryRecord* first;
  int32_t count = 0;
  float nearest = __builtin_inff(), farthest = -1;

  NOTNOT_HD PairedWord<float> operator[](int32_t k) const {
    return {first[k].attention, first[k].log_attention, first[k].distance};
  }
  NOTNOT_HD int32_t word(int32_t k) const { return first[k].word; }
};
/// Where the records of a text and epsilon number e are; side 0 is below T.
NOTNOT_HD Records records_of(const ExactAdversary& args, const AttackedText& text, int32_t e, int32_t side) {
  return {&args.records[(int64_t{2} * e + side) * args.tokens + text.begin]};
}
NOTNOT_HD AdversaryRecord record_of(const ExactAdversary& args, const AttackedText& text, int32_t n, float attention,
                                    float distance) {
  return {n, attention, static_cast<float>(log_attention_of(args, text, n)), distance};
}
/// Word n by itself.
NOTNOT_HD Candidate single_of(const ExactAdversary& args, const AttackedText& text, int32_t n, float attention) {
  const auto log_attention = static_cast<float>(log_attention_of(args, text, n));
  return {overlap(attention, log_attention, 1.0F), n, n, VertexKind::single};
}
/// Whether the next word, at this distance, becomes a record.
NOTNOT_HD bool is_record(const ExactAdversary& args, const Records& side, float distance) {
  return distance < side.nearest || distance > side.farthest || args.all_pairs;
}

/// The number of pairs with `more` of them; it stops at the largest int32_t.
NOTNOT_HD int32_t add_pairs(int32_t pairs, int32_t more) {
  constexpr int32_t kMost = 0x7FFFFFFF;
  return pairs > kMost - more ? kMost : pairs + more;
}

/// The result for the vertex that was found, in fp64.
NOTNOT_HD ExactOptimum optimum_of(const ExactAdversary& args, const AttackedText& text,
                                  const LogitInterval<double>& interval, const Candidate& best, int32_t pairs) {
  constexpr double kLogOf2 = 0.69314718055994530942;
  const float nan = __builtin_nanf("");
  ExactOptimum result{nan,
                      best.low,
                      best.high,
                      nan,
                      nan,
                      best.kind,
                      nan,
                      static_cast<float>(interval.low),
                      static_cast<float>(interval.high),
                      pairs};
  if (best.kind == VertexKind::undefined) return result;
  double cost, change;
  if (best.kind == VertexKind::single) {
    const PairedWord<double> only = paired_word(args, text, best.low, 0);
    cost = overlap(only.attention, only.log_attention, 1.0);
    change = delta_of(args, text, best.low);
    result.weight_low = result.weight_high = 1;
  } else {
    change = best.kind == VertexKind::low ? interval.low : interval.high;
    const double x = change - delta_of(args, text, best.low), y = delta_of(args, text, best.high) - change;
    cost = pair_cost(paired_word(args, text, best.low, x), paired_word(args, text, best.high, y));
    result.weight_low = static_cast<float>(y / (x + y));
    result.weight_high = static_cast<float>(x / (x + y));
  }
  const double divergence = kLogOf2 - 0.5 * cost;
  result.divergence = static_cast<float>(divergence < 0 ? 0 : divergence);
  result.probability = static_cast<float>(sigmoid(text.logit + change));
  return result;
}

}  // namespace notnot
