#include "engine/math/logistic.h"

#include <doctest/doctest.h>

#include <cmath>

namespace notnot {

TEST_CASE("logistic: a probability near 1 loses no digits") {
  CHECK(probability_change(50, 40) == doctest::Approx(std::exp(-40.0) - std::exp(-50.0)).epsilon(1e-12));
  CHECK(probability_change(-50, -40) == doctest::Approx(std::exp(-50.0) - std::exp(-40.0)).epsilon(1e-12));
  CHECK(probability_change(2, -2) == doctest::Approx(std::tanh(1.0)).epsilon(1e-12));
  CHECK(probability_change(3, 3) == 0);
  CHECK(probability_change(1e4, -1e4) == 1);
  CHECK(probability_slope(0) == 0.25);
  CHECK(probability_slope(60) == doctest::Approx(std::exp(-60.0)).epsilon(1e-12));
  CHECK(probability_slope(60) == probability_slope(-60));
}

}  // namespace notnot
