#include "engine/math/gauss_legendre.h"

#include <cmath>
#include <numbers>

namespace notnot {
namespace {

/// The Legendre polynomial of degree m and its derivative at x, by the recurrence of three terms.
struct Legendre {
  Legendre(int m, double x) {
    double before = 0;
    value = 1;
    for (int k = 1; k <= m; ++k) {
      const double next = ((2 * k - 1) * x * value - (k - 1) * before) / k;
      before = value;
      value = next;
    }
    derivative = m * (before - x * value) / (1 - x * x);
  }
  double value, derivative;
};

}  // namespace

Quadrature gauss_legendre(int m) {
  Quadrature result{std::vector<double>(m), std::vector<double>(m)};
  for (int k = 0; k < m; ++k) {
    // Newton's method from an asymptotic formula of the root, which is right to O(1 / m^2).
    double x = -std::cos(std::numbers::pi * (k + 0.75) / (m + 0.5));
    for (int step = 0; step < 8; ++step) {
      const Legendre at(m, x);
      x -= at.value / at.derivative;
    }
    const double derivative = Legendre(m, x).derivative;
    result.nodes[k] = (1 + x) / 2;
    result.weights[k] = 1 / ((1 - x * x) * derivative * derivative);
  }
  return result;
}

}  // namespace notnot
