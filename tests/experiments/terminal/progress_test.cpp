#include "experiments/terminal/progress.h"

#include <doctest/doctest.h>

namespace notnot {
namespace {

constexpr const char* kLine = "a model has ended";

}  // namespace

TEST_CASE("the bar shows the share of all epochs, and never more than there are") {
  ProgressDisplay display({{"a", 4}, {"b", 4}});
  CHECK(display.share() == 0);
  display.monitor(0).batch_done(1, 1, 2);
  CHECK(display.share() == doctest::Approx(0.5 / 8));
  display.monitor(1).batch_done(3, 1, 2);
  CHECK(display.share() == doctest::Approx(3.0 / 8));

  SUBCASE("a model that fails within an epoch leaves what it has done") {
    display.ended(1, kLine);
    CHECK(display.share() == doctest::Approx(3.0 / 6.5));
    display.monitor(0).batch_done(4, 2, 2);
    display.ended(0, kLine);
    CHECK(display.share() == doctest::Approx(1));
  }
  SUBCASE("a model that ends before its last epoch") {
    display.monitor(1).batch_done(3, 2, 2);
    display.ended(1, kLine);
    CHECK(display.share() == doctest::Approx(3.5 / 7));
  }
}

TEST_CASE("models that train no epochs are done") {
  ProgressDisplay display({{"perturbation", 0}});
  CHECK(display.share() == 1);
}

}  // namespace notnot
