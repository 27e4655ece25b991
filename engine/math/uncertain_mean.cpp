#include "engine/math/uncertain_mean.h"

#include <algorithm>
#include <cmath>

#include "engine/math/student_t.h"
#include "kernels/base/error.h"

namespace notnot {
namespace {

constexpr double kRounding = 1e-12;  // the same measure may come from another division

/// P(T >= distance / error) of a distance of at least 0; without an error, every distance is certain.
double tail(double distance, double variance, double degrees_of_freedom) {
  if (distance <= kRounding) return 0.5;
  return variance > kRounding * kRounding ? student_t_tail(distance / std::sqrt(variance), degrees_of_freedom) : 0;
}

}  // namespace

double UncertainMean::value() const { return mean(by_seed); }

double UncertainMean::seeds_variance() const {
  NOTNOT_CHECK(seeds() >= 2, "the variance over {} seeds", seeds());
  return std::pow(standard_deviation(by_seed), 2) / static_cast<double>(seeds());
}

double UncertainMean::standard_error() const { return std::sqrt(seeds_variance() + texts_variance); }

double UncertainMean::degrees_of_freedom() const {
  const double of_seeds = seeds_variance(), sum = of_seeds + texts_variance;
  const auto free_seeds = static_cast<double>(seeds() - 1);
  if (sum <= kRounding * kRounding) return free_seeds;
  return sum * sum / (of_seeds * of_seeds / free_seeds + texts_variance * texts_variance / (clusters - 1));
}

double UncertainMean::half_width(double coverage) const {
  const double share = (1 + coverage) / 2;
  return std::max({student_t_quantile(share, degrees_of_freedom()) * standard_error(),
                   student_t_quantile(share, static_cast<double>(seeds() - 1)) * std::sqrt(seeds_variance()),
                   student_t_quantile(share, clusters - 1) * std::sqrt(texts_variance)});
}

Interval UncertainMean::interval(double coverage) const {
  return {value() - half_width(coverage), value() + half_width(coverage)};
}

double UncertainMean::p_above(double bound) const {
  const double distance = value() - bound, away = std::fabs(distance);
  const double p = std::max({tail(away, seeds_variance() + texts_variance, degrees_of_freedom()),
                             tail(away, seeds_variance(), static_cast<double>(seeds() - 1)),
                             tail(away, texts_variance, clusters - 1)});
  return distance >= 0 ? p : 1 - p;
}

double UncertainMean::p_below(double bound) const { return 1 - p_above(bound); }

double effective_number(std::span<const int32_t> sizes) {
  double sum = 0, squares = 0;
  for (const int32_t size : sizes) {
    sum += size;
    squares += static_cast<double>(size) * size;
  }
  return sum * sum / squares;
}

}  // namespace notnot
