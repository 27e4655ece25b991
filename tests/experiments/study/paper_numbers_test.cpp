#include "experiments/study/paper_numbers.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>

#include "engine/corpora/published.h"

namespace notnot {
namespace {

TEST_CASE("the paper's numbers") {
  const PaperResults* sst = find_in_paper("sst");
  REQUIRE(sst != nullptr);
  CHECK(sst->base_f1 == 0.831);
  CHECK(sst->jain_wallace_f1 == 0.81);
  CHECK(sst->guides.adversary == 0.592);
  CHECK(sst->adversary.lambda == 5.25e-4);
  CHECK(find_in_paper("diabetes")->guides.uniform == 0.404);
  CHECK(find_in_paper("anemia")->adversary.jsd == 0.481);
  CHECK(std::isnan(find_in_paper("agnews")->guides.base));
  CHECK(find_in_paper("planted") == nullptr);
  for (const PublishedCorpus& corpus : kPublishedCorpora) CHECK(find_in_paper(corpus.name) != nullptr);
}

/// The rows of the paper's Tables 2, 3 and 4, copied from the paper once more.
struct Printed {
  const char* name;
  std::array<double, 3> table2;  ///< Jain & Wallace, base, uniform
  std::array<double, 4> table3;  ///< uniform, trained MLP, base LSTM, adversary
  std::array<double, 4> table4;  ///< lambda, F1, TVD, JSD
};
constexpr double kNone = kNoNumber;
constexpr std::array<Printed, 6> kPrinted = {
    {{"diabetes", {0.79, 0.775, 0.706}, {0.404, 0.699, 0.753, 0.503}, {2e-4, 0.775, 0.015, 0.409}},
     {"anemia", {0.92, 0.938, 0.899}, {0.873, 0.920, 0.931, 0.932}, {5e-4, 0.942, 0.017, 0.481}},
     {"imdb", {0.88, 0.902, 0.879}, {0.863, 0.888, 0.905, 0.700}, {8e-4, 0.906, 0.014, 0.405}},
     {"sst", {0.81, 0.831, 0.822}, {0.812, 0.817, 0.824, 0.592}, {5.25e-4, 0.823, 0.036, 0.514}},
     {"agnews", {0.96, 0.964, 0.960}, {kNone, kNone, kNone, kNone}, {kNone, kNone, kNone, kNone}},
     {"20news", {0.94, 0.942, 0.934}, {kNone, kNone, kNone, kNone}, {kNone, kNone, kNone, kNone}}}};

TEST_CASE("every number of the paper's tables") {
  const auto same = [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); };
  for (const Printed& printed : kPrinted) {
    CAPTURE(printed.name);
    const PaperResults* ours = find_in_paper(printed.name);
    REQUIRE(ours != nullptr);
    CHECK(ours->jain_wallace_f1 == printed.table2[0]);
    CHECK(ours->base_f1 == printed.table2[1]);
    CHECK(ours->uniform_f1 == printed.table2[2]);
    CHECK(same(ours->guides.uniform, printed.table3[0]));
    CHECK(same(ours->guides.trained_mlp, printed.table3[1]));
    CHECK(same(ours->guides.base, printed.table3[2]));
    CHECK(same(ours->guides.adversary, printed.table3[3]));
    CHECK(same(ours->adversary.lambda, printed.table4[0]));
    CHECK(same(ours->adversary.f1, printed.table4[1]));
    CHECK(same(ours->adversary.tvd, printed.table4[2]));
    CHECK(same(ours->adversary.jsd, printed.table4[3]));
  }
  CHECK(kGuideLambda == 0.001);
  CHECK(kPaperSeed == 10);
}

TEST_CASE("Jain and Wallace's agreements") {
  REQUIRE(find_agreement("sst") != nullptr);
  CHECK(find_agreement("sst")->gradient == 0.351);
  CHECK(find_agreement("sst")->leave_one_out == 0.291);
  CHECK(find_agreement("sst")->rivals == 0.656);
  CHECK(find_agreement("diabetes")->rivals_significant == 1);
  CHECK(find_agreement("20news")->rivals_significant == 0.99);
  CHECK(find_agreement("planted") == nullptr);
}

}  // namespace
}  // namespace notnot
