#include "engine/math/multiple_testing.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/base/error.h"

namespace notnot {
namespace {

/// The places of the p values, the least first.
std::vector<size_t> ascending(std::span<const double> p) {
  for (size_t i = 0; i < p.size(); ++i) NOTNOT_CHECK(!std::isnan(p[i]), "p {} of {} is NaN", i, p.size());
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] < p[b]; });
  return order;
}

}  // namespace

std::vector<double> holm(std::span<const double> p) {
  const std::vector<size_t> order = ascending(p);
  std::vector<double> adjusted(p.size());
  double largest = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    largest = std::max(largest, std::min(1.0, static_cast<double>(p.size() - i) * p[order[i]]));
    adjusted[order[i]] = largest;
  }
  return adjusted;
}

std::vector<double> benjamini_hochberg(std::span<const double> p) {
  const std::vector<size_t> order = ascending(p);
  std::vector<double> adjusted(p.size());
  double least = 1;
  for (size_t i = order.size(); i-- > 0;) {
    least = std::min(least, static_cast<double>(p.size()) * p[order[i]] / static_cast<double>(i + 1));
    adjusted[order[i]] = least;
  }
  return adjusted;
}

}  // namespace notnot
