#pragma once
// The exact adversary from its definition, in float64, and how far the operation may be from it.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "kernels/exact_adversary.h"
#include "tests/support/error_model.h"

namespace notnot::test {

inline constexpr double kLogOf2 = 0.69314718055994530942;

/// JSD by its definition, 0 log 0 = 0.
inline double divergence(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t n = 0; n < a.size(); ++n) {
    const double middle = (a[n] + b[n]) / 2;
    if (a[n] > 0) sum += a[n] * std::log(a[n] / middle) / 2;
    if (b[n] > 0) sum += b[n] * std::log(b[n] / middle) / 2;
  }
  return sum;
}

struct Vertex {
  VertexKind kind = VertexKind::undefined;
  int32_t low = -1, high = -1;
  double weight_low = 1, weight_high = 1;
};

/// One text and epsilon, with the interval by way of p' = p - epsilon and p + epsilon in extended precision, whose
/// exponents reach e^-11000.
class AttackReference {
 public:
  AttackReference(const std::vector<double>& log_attention, const std::vector<double>& contribution, double bias,
                  double epsilon)
      : alpha_(log_attention), delta_(contribution) {
    double sum = 0, mean = 0, magnitude = 0;
    for (double& weight : alpha_) sum += weight = std::exp(weight);
    for (double& weight : alpha_) weight /= sum;
    for (size_t n = 0; n < words(); ++n) mean += alpha_[n] * contribution[n];
    for (size_t n = 0; n < words(); ++n) delta_[n] -= mean;
    logit_ = bias + mean;
    const long double p = 1 / (1 + std::exp(-static_cast<long double>(logit_)));
    const long double q = 1 / (1 + std::exp(static_cast<long double>(logit_)));
    const long double e = epsilon;
    low_ = high_ = std::numeric_limits<double>::infinity();
    low_ = p > e ? static_cast<double>(std::log((p - e) / (q + e)) - logit_) : -low_;
    high_ = q > e ? static_cast<double>(std::log((p + e) / (q - e)) - logit_) : high_;
    // The inputs as fp32 holds them: an error of the mean, of the ends, and of a distance from them.
    for (size_t n = 0; n < words(); ++n) {
      const double log_weight = std::max(log_attention[n], -1e3);
      mean_error_ += kUnit * alpha_[n] * (std::abs(contribution[n]) + std::abs(log_weight * delta_[n]));
      magnitude = std::max(magnitude, std::abs(contribution[n]));
    }
    mean_error_ += kUnit * std::abs(bias);
    const auto slope = [&](long double moved_p, long double moved_q) {
      return static_cast<double>(std::abs(p * q / (moved_p * moved_q) - 1));
    };
    end_error_[0] = p > e ? mean_error_ * slope(p - e, q + e) : 0;
    end_error_[1] = q > e ? mean_error_ * slope(p + e, q - e) : 0;
    word_error_ = kUnit * magnitude + mean_error_;
  }

  size_t words() const { return alpha_.size(); }
  double low() const { return low_; }
  double high() const { return high_; }
  double logit() const { return logit_; }

  /// Beta of the vertex.
  std::vector<double> beta(const Vertex& v) const {
    std::vector<double> result(words());
    result[v.low] = v.weight_low;
    result[v.high] = v.weight_high;
    return result;
  }
  double value(const Vertex& v) const { return divergence(alpha_, beta(v)); }
  double probability(const Vertex& v) const { return 1 / (1 + std::exp(-logit_ - change(v))); }

  /// Calls visit(vertex) for every vertex.
  template <class Visit>
  void for_each(const Visit& visit) const {
    const auto count = static_cast<int32_t>(words());
    for (int32_t n = 0; n < count; ++n) {
      if (delta_[n] >= low_ && delta_[n] <= high_) visit(Vertex{VertexKind::single, n, n});
    }
    for (const VertexKind kind : {VertexKind::low, VertexKind::high}) {
      const double threshold = end(kind);
      for (int32_t i = 0; i < count && std::isfinite(threshold); ++i) {
        for (int32_t j = 0; j < count; ++j) {
          if (!(delta_[i] < threshold && delta_[j] > threshold)) continue;
          const double x = threshold - delta_[i], y = delta_[j] - threshold;
          visit(Vertex{kind, i, j, y / (x + y), x / (x + y)});
        }
      }
    }
  }

  /// What rounding may change in the value of a vertex. With inputs that fp32 holds exactly: a cost has two terms of h,
  /// each of two logarithms within 2 ulp, weights of three roundings, two products and a sum; that is 18 u of at most
  /// 2 ln 2 in all, and the search may take a vertex that is worse by twice that. With inputs that were rounded to
  /// fp32: the errors of alpha, and of the weights, times the slopes of the cost.
  double allowed(const Vertex& v, bool rounded) const {
    const double search = 18 * kUnit;
    if (!rounded) return search;
    const auto log_ratio = [&](int32_t n, double weight) { return std::log1p(alpha_[n] / std::max(weight, 1e-300)); };
    double error = 0;
    for (const int32_t n : {v.low, v.high}) error += kUnit * alpha_[n] * std::pow(std::log(alpha_[n] + 1e-300), 2);
    if (v.kind == VertexKind::single) return search + error;
    return search + error +
           weight_error(v) * std::abs(log_ratio(v.low, v.weight_low) - log_ratio(v.high, v.weight_high)) / 2;
  }

  /// The operation's result, whose inputs were rounded to fp32 or are the same numbers: beta is allowed, and has the
  /// value, which is `expected`, that of the vertex `best`. Where no other vertex is within `margin` the words are
  /// those of `best`.
  void check(const ExactOptimum& actual, const Vertex& best, double expected, double margin, bool rounded,
             const std::string& where) const {
    const Vertex found{actual.kind, actual.word_low, actual.word_high, actual.weight_low, actual.weight_high};
    REQUIRE_MESSAGE(is_vertex(found), where, "no vertex");
    const double error = std::max(allowed(found, rounded), allowed(best, rounded));
    const auto near = [&](double a, double b, double tolerance, const char* what) {
      CHECK_MESSAGE((a == b || std::abs(a - b) <= tolerance),
                    fmt::format("{}{} is {}, not {}; allowed {:.2g}", where, what, a, b, tolerance));
    };
    near(actual.divergence, expected, error, "JSD");
    near(value(found), actual.divergence, error, "JSD of the weights");
    near(actual.lowest_change, low_, 4 * kUnit * std::abs(low_) + (rounded ? end_error_[0] : 0), "low");
    near(actual.highest_change, high_, 4 * kUnit * std::abs(high_) + (rounded ? end_error_[1] : 0), "high");
    near(actual.weight_low + double{actual.weight_high}, found.kind == VertexKind::single ? 2 : 1, 4 * kUnit,
         "weights");
    // Its change of the logit lies in the interval; at an end if it is of two words.
    const double moved = change(found);
    double slack = 4 * kUnit * (std::abs(delta_[found.low]) + std::abs(delta_[found.high]));
    if (rounded) slack += 2 * word_error_ + end_error_[0] + end_error_[1];
    CHECK_MESSAGE((moved >= low_ - slack && moved <= high_ + slack),
                  fmt::format("{}the logit moves by {}, outside {} to {}", where, moved, low_, high_));
    if (found.kind != VertexKind::single) near(moved, end(found.kind), slack, "change of the logit");
    near(actual.probability, probability(found), 4 * kUnit + 0.25 * slack, "probability");
    if (margin <= std::max(1e-6, rounded ? 2 * error : error)) return;
    CHECK_MESSAGE(
        (found.kind == best.kind && found.low == best.low && found.high == best.high),
        fmt::format("{}words {} and {}, kind {}, not {} and {}, kind {}; margin {:.2g}", where, found.low, found.high,
                    static_cast<int>(found.kind), best.low, best.high, static_cast<int>(best.kind), margin));
    near(found.weight_low, best.weight_low, 4 * kUnit + (rounded ? weight_error(best) : 0), "weight_low");
    near(found.weight_high, best.weight_high, 4 * kUnit + (rounded ? weight_error(best) : 0), "weight_high");
  }

 private:
  double end(VertexKind kind) const { return kind == VertexKind::low ? low_ : high_; }
  double change(const Vertex& v) const {
    if (v.kind == VertexKind::single) return delta_[v.low];
    return v.weight_low * delta_[v.low] + v.weight_high * delta_[v.high];
  }
  bool is_vertex(const Vertex& v) const {
    const auto count = static_cast<int32_t>(words());
    if (v.low < 0 || v.high < 0 || v.low >= count || v.high >= count) return false;
    return v.kind == VertexKind::undefined ? false : (v.kind == VertexKind::single) == (v.low == v.high);
  }
  double weight_error(const Vertex& v) const {
    if (v.kind == VertexKind::single) return 0;
    const double error = word_error_ + end_error_[v.kind == VertexKind::low ? 0 : 1];
    return error / std::abs(delta_[v.high] - delta_[v.low]);
  }

  std::vector<double> alpha_, delta_;
  double logit_ = 0, low_ = 0, high_ = 0, mean_error_ = 0, word_error_ = 0, end_error_[2] = {0, 0};
};

}  // namespace notnot::test
