#include <doctest/doctest.h>

#include <cmath>

#include "engine/io/safetensors.h"
#include "engine/math/gauss_legendre.h"
#include "tests/support/golden_folder.h"

namespace notnot {

TEST_CASE("Gauss-Legendre quadrature is exact for polynomials of degree up to 2 m - 1, and no higher") {
  for (const int m : {1, 2, 3, 8, 64, 512}) {
    const Quadrature rule = gauss_legendre(m);
    double weights = 0;
    for (int degree = 0; degree <= 2 * m; ++degree) {
      double sum = 0;
      for (int k = 0; k < m; ++k) sum += rule.weights[k] * std::pow(rule.nodes[k], degree);
      if (degree == 0) weights = sum;
      const double error = std::abs(sum * (degree + 1) - 1);
      if (degree < 2 * m) CHECK_MESSAGE(error < 1e-12, "m ", m, ", degree ", degree, ": ", error);
      if (degree == 2 * m && m <= 8) CHECK(error > 1e-12);
    }
    CHECK(std::abs(weights - 1) < 1e-14);
    for (int k = 0; k < m; ++k) {
      CHECK((rule.nodes[k] > (k == 0 ? 0 : rule.nodes[k - 1]) && rule.nodes[k] < 1));
      CHECK(std::abs(rule.nodes[k] + rule.nodes[m - 1 - k] - 1) < 1e-15);
    }
  }
}

TEST_CASE("explain golden: nodes and weights of the integral") {
  int count = 0;
  for (const auto& path : test::golden_explanations()) {
    const Safetensors file = Safetensors::read(path);
    for (const int m : {8, 16, 32, 64}) {
      const std::string key = "ig/legendre_" + std::to_string(m);
      if (!file.contains(key)) continue;
      ++count;
      const auto expected = file.values<double>(key);
      const Quadrature rule = gauss_legendre(m);
      for (int k = 0; k < m; ++k) {
        CHECK(std::abs(rule.nodes[k] - expected[k]) < 1e-14);
        CHECK(std::abs(rule.weights[k] - expected[m + k]) < 1e-14);
      }
    }
  }
  CHECK_MESSAGE(count > 0, "no file of NOTNOT_GOLDEN_EXPLAIN has nodes");
}

}  // namespace notnot
