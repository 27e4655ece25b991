#include "engine/runs/attention.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/io/input_error.h"

namespace notnot {
namespace {

/// Two texts of two words, with boundary tokens.
Attention attention_of(float first_weight, float probability) {
  const float nothing = -std::numeric_limits<float>::infinity();
  const float a = std::log(first_weight), b = std::log(1 - first_weight);
  return {.log_attention = {nothing, a, b, nothing, nothing, a, b, nothing},
          .offsets = {0, 4, 8},
          .probability = {probability, probability},
          .label = {0, 1},
          .row = {1, 2}};
}

}  // namespace

TEST_CASE("divergences of two models, worked by hand") {
  const Attention a = attention_of(0.5F, 0.25F), b = attention_of(0.75F, 0.75F);
  const Divergences both = divergences(a, b, 0.5);
  CHECK(both.mean_tvd() == doctest::Approx(0.25));
  CHECK(divergences(a, b, 1.0).mean_tvd() == doctest::Approx(0.5));
  // m = (0.625, 0.375): 0.5 (0.5 ln 0.8 + 0.5 ln (4/3)) + 0.5 (0.75 ln 1.2 + 0.25 ln (2/3))
  CHECK(both.mean_jsd() == doctest::Approx(0.0338221).epsilon(1e-5));
  CHECK(divergences(a, a, 0.5).mean_jsd() == 0);
  Attention other = b;
  other.row = {1, 3};
  CHECK_THROWS_AS(divergences(a, other, 0.5), InputError);
}

}  // namespace notnot
