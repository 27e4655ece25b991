// The model of rounding that other suites take their allowances from: tests/support/error_model.h.
#include "tests/support/error_model.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>

namespace notnot::test {
namespace {

/// |actual - exact| in units of the last place of the exact value.
double ulps(float actual, double exact) { return std::abs(actual - exact) / std::ldexp(1.0, std::ilogb(exact) - 23); }

/// 200 terms of both signs, with a sum that is small against them.
std::vector<float> cancelling_terms(uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::vector<float> terms;
  for (int i = 0; i < 100; ++i) {
    const auto term = static_cast<float>(generator() >> 40) * 4.3e-8F;
    terms.insert(terms.end(), {term, -term * (1 + 0x1p-20F)});
  }
  std::shuffle(terms.begin(), terms.end(), generator);
  return terms;
}

template <class Real>
Real sum_of(const std::vector<float>& terms) {
  Real sum(0);
  for (const float term : terms) sum += Real(term);
  return sum;
}

TEST_CASE("the functions of kernels/base/math.h are off by the ulps that the model takes from there") {
  double of_exponential = 0, of_tanh = 0, of_logarithm = 0;
  for (float x = -86.9F; x < 87.9F; x += 0.00137F) {
    of_exponential = std::max(of_exponential, ulps(exponential(x), std::exp(double{x})));
    if (std::abs(x) > 10) continue;
    of_tanh = std::max(of_tanh, ulps(hyperbolic_tangent(x), std::tanh(double{x})));
  }
  for (float x = 1e-6F; x < 0.7F; x *= 1.0001F) {
    of_tanh = std::max(of_tanh, ulps(hyperbolic_tangent(x), std::tanh(double{x})));
  }
  for (float x = 1.2e-38F; x < 1e38F; x *= 1.0137F) {
    of_logarithm = std::max(of_logarithm, ulps(logarithm(x), std::log(double{x})));
  }
  CHECK(of_exponential <= 2);
  CHECK(of_tanh <= 3);
  CHECK(of_logarithm <= 2);
}

TEST_CASE("errors of real fp32 sums have the size that the model foresees") {
  double observed = 0, by_histories = 0, in_closed_form = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const std::vector<float> terms = cancelling_terms(seed);
    const double exact = sum_of<double>(terms), error = sum_of<float>(terms) - exact;
    const auto histories = with_allowances([&]<class Real>() {
      return NamedValues<Real>{{"sum", {sum_of<Real>(terms)}}};
    });
    Sum sum;
    for (const float term : terms) sum.add(term);
    observed += error * error;
    by_histories += std::pow(histories[0].allowed[0] / kQuantile, 2);
    in_closed_form += std::pow(sum.allowed() / kQuantile, 2);
    CHECK(std::abs(error) <= histories[0].allowed[0]);
    CHECK(std::abs(error) <= sum.allowed());
  }
  // A rounding is uniform in half an ulp. The model takes the share that half an ulp is of 1, which is the most; for a
  // number in [1, 2) it is that divided by the number. So the model is up to twice too large.
  CHECK(std::sqrt(by_histories / observed) > 0.9);
  CHECK(std::sqrt(by_histories / observed) < 2.2);
  // It counts a rounding of the terms, too, which these sums do not have.
  CHECK(std::sqrt(in_closed_form / observed) > 0.9);
  CHECK(std::sqrt(in_closed_form / observed) < 2.5);
}

TEST_CASE("where the terms of a sum cancel, the allowance is relative to the terms, not to what is left") {
  const std::vector<float> terms = {1, 3, -4, 0x1p-30F};
  const auto sum = with_allowances([&]<class Real>() { return NamedValues<Real>{{"sum", {sum_of<Real>(terms)}}}; });
  CHECK(sum[0].values[0] == 0x1p-30);
  CHECK(sum[0].allowed[0] > 4 * kUnit);
  CHECK(sum[0].allowed[0] < 8 * kQuantile * kUnit);
}

TEST_CASE("what fp32 holds and computes exactly is allowed nothing; NaN and a wrong infinity are allowed nowhere") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const auto expected = with_allowances([]<class Real>() {
    return NamedValues<Real>{{"", {Real(0.5), Real(0) * Real(3), Real(-double{kInfinity}), Real(1) / Real(3)}}};
  })[0];
  for (const size_t exact : {0, 1, 2}) CHECK(expected.allowed[exact] == 0);
  const float third = 1.0F / 3;
  CHECK(worst_error({0.5F, 0, -kInfinity, third}, expected).wrong == 0);
  CHECK(worst_error({0.5F, 1e-30F, -kInfinity, third}, expected).wrong == 1);
  CHECK(worst_error({0.5F, 0, kInfinity, third}, expected).wrong == 1);
  CHECK(worst_error({0.5F, 0, -kInfinity, std::nanf("")}, expected).wrong == 1);
  CHECK(worst_error({0.5F, 0, -kInfinity, third * (1 + 0x1p-18F)}, expected).wrong == 1);
}

TEST_CASE("two runs allow the same") {
  const auto third = [] {
    return with_allowances([]<class Real>() { return NamedValues<Real>{{"", {Real(1) / Real(3)}}}; })[0].allowed;
  };
  CHECK(third() == third());
}

}  // namespace
}  // namespace notnot::test
