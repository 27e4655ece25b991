#include "engine/math/uncertain_mean.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/math/random.h"
#include "engine/math/statistics.h"
#include "kernels/base/error.h"

namespace notnot {
namespace {

bool near(double value, double expected) { return std::fabs(value - expected) <= 1e-10 * std::fabs(expected); }

TEST_CASE("an estimate has the variances of seeds and texts, and Satterthwaite's degrees of freedom") {
  // v = numpy.array([.01, .02, .06]); S = v.var(ddof=1) / 3; V = 2e-4; t = scipy.stats.t
  // df = (S + V)**2 / (S**2 / 2 + V**2 / 399)
  const UncertainMean estimate{{0.01, 0.02, 0.06}, 2e-4, 400};
  CHECK(near(estimate.value(), 0.03));
  CHECK(near(estimate.seeds_variance(), 7e-4 / 3));
  CHECK(near(estimate.standard_error(), std::sqrt(7e-4 / 3 + 2e-4)));
  CHECK(near(estimate.degrees_of_freedom(), 6.872649441981349));
  // t.ppf(.975, df) * (S + V)**.5 is 0.0494, but the seeds alone, t.ppf(.975, 2) * S**.5, have the wider interval.
  CHECK(near(estimate.half_width(0.95), 0.06572410607728428));
  CHECK(near(estimate.interval(0.95).low, 0.03 - 0.06572410607728428));
  CHECK(near(estimate.interval(0.95).high, 0.03 + 0.06572410607728428));
  // max(t.sf(.03 / (S + V)**.5, df), t.sf(.03 / S**.5, 2)), and with .01 in place of .03
  CHECK(near(estimate.p_above(0), 0.09675334268404638));
  CHECK(near(estimate.p_below(0), 1 - 0.09675334268404638));
  CHECK(near(estimate.p_above(0.02), 0.32293358920314713));
  CHECK(near(estimate.p_below(0.04), 0.32293358920314713));
  CHECK(estimate.p_above(0.03) == 0.5);
}

TEST_CASE("many texts of one kind: the texts widen the interval") {
  // v = numpy.array([.029, .03, .031]): S = 1e-6 / 3 is small beside V = 2e-4
  const UncertainMean estimate{{0.029, 0.03, 0.031}, 2e-4, 400};
  // df = (S + V)**2 / (S**2 / 2 + V**2 / 399); t.ppf(.975, df) * (S + V)**.5
  CHECK(near(estimate.degrees_of_freedom(), 400.10938105133414));
  CHECK(near(estimate.half_width(0.95), 0.027825334751030457));
}

TEST_CASE("few groups: the interval is at least that of the texts alone") {
  const UncertainMean estimate{{0.029, 0.03, 0.031}, 2e-4, 5};
  // S is small, so that Satterthwaite's df is (S + V)**2 / (S**2 / 2 + V**2 / 4); t.ppf(.975, 4) * V**.5 is shorter.
  CHECK(near(estimate.degrees_of_freedom(), 4.013322148210288));
  CHECK(near(estimate.half_width(0.95), 0.03926486322955114));
  const UncertainMean only_texts{{0.03, 0.03, 0.03}, 2e-4, 5};
  CHECK(near(only_texts.half_width(0.95), 0.03926486322955114));  // t.ppf(.975, 4) * V**.5
  CHECK(near(only_texts.p_above(0), 0.05059575360914768));        // t.sf(.03 / V**.5, 4)
}

TEST_CASE("how many groups of one size say as much") {
  CHECK(effective_number(std::vector<int32_t>{7, 7, 7}) == 3);
  CHECK(effective_number(std::vector<int32_t>{1, 1, 1, 1}) == 4);
  CHECK(near(effective_number(std::vector<int32_t>{100, 1, 1}), 102.0 * 102 / 10002));
}

TEST_CASE("without any spread a value is certain") {
  const UncertainMean same{{0.1, 0.1, 0.1}, 0, 4};
  CHECK(same.half_width(0.95) < 1e-12);
  CHECK(same.p_above(0) == 0);
  CHECK(same.p_below(0) == 1);
  CHECK(same.p_above(0.2) == 1);
  CHECK(same.p_above(0.1) == 0.5);
}

TEST_CASE("one seed has no interval") {
  const UncertainMean one{{0.1}, 1e-4, 400};
  CHECK(one.value() == 0.1);
  CHECK_THROWS_AS(one.half_width(0.95), Error);
  CHECK_THROWS_AS(one.p_above(0), Error);
}

/// Differences between two equally good models, as crossed random effects: seed s, text i has a_s + b_i + c_si.
struct Null {
  double seeds, texts, both;  ///< the variance of a_s; of the means over the texts of b_i and of c_si
  int groups = 30;            ///< or groups of texts

  /// The share of verdicts at the level of 5 % among `rounds` of n seeds. All are false.
  double false_verdicts(int n, int rounds) const {
    const Random random(20261129, Purpose::test_data, n);
    int64_t at = 0, wrong = 0;
    for (int round = 0; round < rounds; ++round) {
      UncertainMean estimate{{}, 0, static_cast<double>(groups)};
      std::vector<double> of_seed(n), of_text(groups, 0), b(groups);
      for (double& value : b) value = std::sqrt(texts * groups) * random.normal(at++);
      for (double& mean_of_seed : of_seed) {
        const double a = std::sqrt(seeds) * random.normal(at++);
        for (int i = 0; i < groups; ++i) {
          const double value = a + b[i] + std::sqrt(both * groups) * random.normal(at++);
          mean_of_seed += value / groups;
          of_text[i] += value / n;
        }
      }
      estimate.by_seed = of_seed;
      // The bootstrap variance of a mean.
      estimate.texts_variance = std::pow(standard_deviation(of_text), 2) / groups;
      if (std::min(estimate.p_above(0), estimate.p_below(0)) <= 0.025) ++wrong;
    }
    return static_cast<double>(wrong) / rounds;
  }
};

TEST_CASE("at most 6 % of verdicts on equal models are false, whatever part of the texts' variance is the seeds'") {
  // SST: the sd of a difference between seeds is sqrt(2) 0.0146; the texts' standard error of one pair is 0.0108.
  const double between = 2 * 0.0146 * 0.0146, texts = 0.0108 * 0.0108;
  for (const int n : {3, 5, 9}) {
    CAPTURE(n);
    CHECK(Null{between, texts, 0}.false_verdicts(n, 8000) <= 0.06);
    CHECK(Null{between - texts, 0, texts}.false_verdicts(n, 8000) <= 0.06);
    CHECK(Null{between, between / 10 / n, 0}.false_verdicts(n, 8000) <= 0.06);  // the worst for plain Satterthwaite
  }
  CHECK(Null{between, texts, 0}.false_verdicts(5, 8000) >= 0.04);  // and not by being useless
  // As few groups as a verdict may have (kGroupsForVerdict), where the texts weigh less, as much and more than the
  // seeds.
  for (const double part : {0.1, 1.0, 10.0}) {
    CAPTURE(part);
    CHECK(Null{between, part * between / 5, 0, 10}.false_verdicts(5, 8000) <= 0.06);
  }
}

}  // namespace
}  // namespace notnot
