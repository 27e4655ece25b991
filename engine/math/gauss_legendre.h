#pragma once
// Gauss-Legendre quadrature on [0, 1]: sum_k weight_k f(node_k) is the integral of every polynomial of degree up to
// 2 m - 1 (Abramowitz & Stegun 1964, 25.4.30).
#include <vector>

namespace notnot {

struct Quadrature {
  std::vector<double> nodes;    ///< [m] ascending, in (0, 1)
  std::vector<double> weights;  ///< [m] they sum to 1
};
/// With m >= 1 nodes, each right to some 1e-15.
Quadrature gauss_legendre(int m);

}  // namespace notnot
