#pragma once
// How far an fp32 result may lie from float64: an allowance for each single number, from a model of rounding.
//
// One operation of fp32 returns its exact result times 1 + d, with |d| <= u = 2^-24 [1, section 2.2]. So a sum is off
// by a multiple of u times the sum of its ABSOLUTE terms [1, section 4.2]. Where the terms cancel, that is far more
// than u times what is left: no tolerance relative to the result is right. The gradient of attn1.bias is such a sum.
//
// The bound of one sum does not carry through a model. It lets all errors add up with the worst signs, layer by layer:
// for an LSTM of 128 units and 12 steps it is far above the gradients themselves, and no fault would be found.
// Roundings behave like independent random numbers instead [1, section 2.8; 2], so that they partly cancel. What is
// left can be observed [3]. The number type `Rounded` computes in float64, and after every operation it disturbs the
// result by a random share of what fp32 may be off by there. A reference that is written for any number type runs once
// in double and kHistories times with Rounded. In each result the root mean square of the differences is the size of
// its error: from all its terms, before they cancelled, with the growth and damping of every layer on the way.
//
// One thing it does not know: a step that is added hundreds of times rounds alike each time, and these errors add up.
//
// No constant here is measured: u is that of fp32, the functions' errors are those that kernels/base/math.h promises
// (error_model_test holds them to it), and kQuantile is a quantile of Student's distribution.
//
// [1] Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, SIAM 2002.
// [2] Higham, Mary: A New Approach to Probabilistic Rounding Error Analysis. SIAM J. Sci. Comput. 41 (5), 2019.
// [3] Parker: Monte Carlo Arithmetic. UCLA, CSD-970002, 1997.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "kernels/base/math.h"

namespace notnot::test {

inline constexpr double kUnit = 0x1p-24;  // u

/// A float64 that is disturbed as fp32 would round it. Two runs of a program make the same disturbances.
class Rounded {
 public:
  Rounded() = default;
  /// A number that fp32 holds exactly.
  explicit Rounded(double exact) : value_(exact) {}
  /// The result of an operation of fp32 that is off by at most `units` u of its value. Below 2^-126 fp32 has fewer
  /// digits or none, and the result is off by up to 2^-126.
  static Rounded after(double exact, double units = 1) {
    const double disturbed = exact * (1 + units * kUnit * random());
    const bool normal = exact == 0 || std::abs(exact) > 0x1p-100;
    return Rounded(normal ? disturbed : disturbed + 0x1p-126 * random());
  }
  double value() const { return value_; }

  /// Disturbances start from the first again.
  static void restart() { state_ = 1; }
  /// Random bits, the high ones best: Knuth's generator for 64 bits (MMIX).
  static uint64_t draw() { return state_ = state_ * 6364136223846793005U + 1442695040888963407U; }

  Rounded operator-() const { return Rounded(-value_); }
  friend Rounded operator+(Rounded a, Rounded b) { return after(a.value_ + b.value_); }
  friend Rounded operator-(Rounded a, Rounded b) { return after(a.value_ - b.value_); }
  friend Rounded operator*(Rounded a, Rounded b) { return after(a.value_ * b.value_); }
  friend Rounded operator/(Rounded a, Rounded b) { return after(a.value_ / b.value_); }
  Rounded& operator+=(Rounded b) { return *this = *this + b; }
  Rounded& operator-=(Rounded b) { return *this = *this - b; }
  friend bool operator>(Rounded a, Rounded b) { return a.value_ > b.value_; }
  friend bool operator>(Rounded a, double b) { return a.value_ > b; }
  friend bool operator<(Rounded a, double b) { return a.value_ < b; }
  friend bool operator<=(Rounded a, Rounded b) { return a.value_ <= b.value_; }
  friend bool operator>=(Rounded a, Rounded b) { return a.value_ >= b.value_; }

 private:
  /// Uniform in [-1, 1].
  static double random() { return static_cast<double>(static_cast<int64_t>(draw())) * 0x1p-63; }
  static inline uint64_t state_ = 1;
  double value_ = 0;
};

// The functions of kernels/base/math.h, beside those for double. An ulp is at most 2 u of the value.
using notnot::exponential;
using notnot::hyperbolic_tangent;
using notnot::logarithm;
inline Rounded exponential(Rounded x) { return Rounded::after(std::exp(x.value()), 2 * 2); }
inline Rounded logarithm(Rounded x) { return Rounded::after(std::log(x.value()), 2 * 2); }
inline Rounded hyperbolic_tangent(Rounded x) { return Rounded::after(std::tanh(x.value()), 3 * 2); }
// The C library's are within an ulp.
inline Rounded expm1(Rounded x) { return Rounded::after(std::expm1(x.value()), 2); }
inline Rounded log1p(Rounded x) { return Rounded::after(std::log1p(x.value()), 2); }
inline Rounded sqrt(Rounded x) { return Rounded::after(std::sqrt(x.value())); }
inline Rounded multiply_add(Rounded a, Rounded b, Rounded c) { return a * b + c; }
inline Rounded softplus(Rounded x) {
  const Rounded small = exponential(x > 0 ? -x : x);
  return (x > 0 ? x : Rounded()) + log1p(small);
}

/// `values` as what a model in `Real` starts from. The fp32 model starts from them rounded to fp32.
template <class Real>
std::vector<Real> inputs(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}
template <>
inline std::vector<Rounded> inputs<Rounded>(const std::vector<double>& values) {
  std::vector<Rounded> rounded;
  for (const double value : values) {
    const bool exact = static_cast<double>(static_cast<float>(value)) == value;
    rounded.push_back(exact ? Rounded(value) : Rounded::after(value));
  }
  return rounded;
}

/// 0, 1, ..., size - 1: the order in which a reference visits the parts of its long sums. Kernels have orders of their
/// own, with other partial sums, so each history has a random one.
template <class Real>
std::vector<int32_t> visiting_order(int32_t size) {
  std::vector<int32_t> order(static_cast<size_t>(size));
  std::iota(order.begin(), order.end(), 0);
  if constexpr (std::is_same_v<Real, Rounded>) {
    for (size_t i = 0; i < order.size(); ++i) std::swap(order[i], order[(Rounded::draw() >> 33) % (i + 1)]);
  }
  return order;
}

template <class Real>
using NamedValues = std::vector<std::pair<std::string, std::vector<Real>>>;

/// Expected values, and how far fp32 may lie from each.
struct Allowed {
  std::string name;
  std::vector<double> values, allowed;
};

// An error is the sum of many roundings, so it is about normal. Divided by a root mean square over 16 histories it
// follows Student's distribution with 16 degrees of freedom, which is beyond 12.6 once in 10^9. The largest golden file
// has some 10^7 numbers to compare.
inline constexpr int kHistories = 16;
inline constexpr double kQuantile = 12.61;

/// `compute` is a lambda [&]<class Real>() that returns NamedValues<Real>.
template <class Compute>
std::vector<Allowed> with_allowances(const Compute& compute) {
  std::vector<Allowed> results;
  for (auto& [name, values] : compute.template operator()<double>()) {
    results.push_back({name, values, std::vector<double>(values.size())});
  }
  Rounded::restart();
  for (int history = 0; history < kHistories; ++history) {
    const NamedValues<Rounded> disturbed = compute.template operator()<Rounded>();
    for (size_t r = 0; r < results.size(); ++r) {
      for (size_t i = 0; i < results[r].values.size(); ++i) {
        const double exact = results[r].values[i], value = disturbed[r].second[i].value();
        if (value != exact) results[r].allowed[i] += (value - exact) * (value - exact) / kHistories;
      }
    }
  }
  for (Allowed& result : results) {
    for (double& allowed : result.allowed) allowed = kQuantile * std::sqrt(allowed);
  }
  return results;
}

/// A single sum needs no histories: the mean square of its error is known. Each of the n terms t, and each partial sum
/// from the second on, is rounded once, by a share of u that is uniform in [-1, 1) and so has the mean square 1/3 (a
/// running error analysis [1, section 3.3] with independent roundings). Kernels add in orders of their own. In the mean
/// over all orders the squares of the partial sums add up to
///   (n + 1) / 3 (sum t)^2 + ((n + 1) / 6 - 1 / n) sum t^2.
class Sum {
 public:
  Sum() = default;
  explicit Sum(double start) { add(start); }
  void add(double term) {
    ++terms_;
    value_ += term;
    squares_ += term * term;
  }
  double value() const { return value_; }
  double allowed() const {
    const double partial_sums = (terms_ + 1) / 3 * value_ * value_ + ((terms_ + 1) / 6 - 1 / terms_) * squares_;
    return terms_ == 0 ? 0 : kQuantile * kUnit * std::sqrt((partial_sums + squares_) / 3);
  }

 private:
  double terms_ = 0, value_ = 0, squares_ = 0;
};
inline Allowed allowed_sums(const std::string& name, const std::vector<Sum>& sums) {
  Allowed result{name, {}, {}};
  for (const Sum& sum : sums) {
    result.values.push_back(sum.value());
    result.allowed.push_back(sum.allowed());
  }
  return result;
}

/// The largest error of `actual`, in allowances: above 1 or NaN where it is wrong. Equal values have no error.
struct WorstError {
  double share = 0;
  size_t element = 0, wrong = 0;
};
inline WorstError worst_error(const std::vector<float>& actual, const Allowed& expected) {
  WorstError worst;
  for (size_t i = 0; i < actual.size(); ++i) {
    const double value = actual[i], exact = expected.values[i];
    if (value == exact) continue;
    const double share = std::abs(value - exact) / expected.allowed[i];
    if (!(share <= 1)) ++worst.wrong;
    if (std::isnan(worst.share) || share <= worst.share) continue;
    worst.share = share;
    worst.element = i;
  }
  return worst;
}

/// With doctest's --success this prints how near to its allowance the worst element of each array is.
inline void check_allowed(const std::vector<float>& actual, const Allowed& expected, const std::string& where) {
  REQUIRE_MESSAGE(actual.size() == expected.values.size(), where, expected.name, ": ", actual.size(), " elements, not ",
                  expected.values.size());
  if (actual.empty()) return;
  const WorstError worst = worst_error(actual, expected);
  const size_t i = worst.element;
  CHECK_MESSAGE(
      worst.wrong == 0,
      fmt::format("{}{}: {} of {} elements are off by more than allowed; the worst, {}, is {}, not {}: {:.3g} "
                  "of the allowed {:.3g}",
                  where, expected.name, worst.wrong, actual.size(), i, actual[i], expected.values[i], worst.share,
                  expected.allowed[i]));
}

}  // namespace notnot::test
