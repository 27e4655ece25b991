// Erasure on every backend against golden vectors (tests/golden/explain/README.md): a model of the file, with the
// file's orders and with the orders of its own attention and contributions.
#include <doctest/doctest.h>

#include <cmath>

#include "models/attribution.h"
#include "models/erasure.h"
#include "tests/backends/backend.h"
#include "tests/support/golden_model.h"

namespace notnot {
namespace {

/// Scores by which the order of the file is the descending one of their absolute values: -N, N - 1, -(N - 2), ...
Attributions in_order(const test::GoldenModel& golden, const std::string& order, const Split& split) {
  const auto words = golden.file.values<int64_t>("order/" + order);
  Attributions result;
  result.offsets = split.offsets;
  result.label = split.labels;
  result.row = split.rows;
  result.score_probability.assign(split.token_ids.size(), std::nanf(""));
  for (int32_t i = 0; i < split.size(); ++i) {
    const int64_t count = split.length(i) - 2, first = split.offsets[i] - 2 * i;
    for (int64_t k = 0; k < count; ++k) {
      const auto score = static_cast<float>(count - k);
      result.score_probability[split.offsets[i] + 1 + words[first + k]] = k % 2 == 0 ? -score : score;
    }
  }
  return result;
}

/// An fp32 model's logits are off by some 1e-5; a probability moves by a quarter of that at most.
constexpr double kLogitTolerance = 3e-5, kProbabilityTolerance = kLogitTolerance / 4;

void check_changes(const test::GoldenModel& golden, const std::string& what, const std::vector<float>& changes,
                   double tolerance) {
  std::vector<double> expected = golden.file.values<double>("eraser/" + what);
  for (double& value : expected) REQUIRE(std::isfinite(value));
  check_close(changes, expected, tolerance, golden.name + " " + what);
  const auto means = mean_over_shares(changes);
  check_close(std::vector<float>(means.begin(), means.end()), golden.file.values<double>("eraser/" + what + "_aopc"),
              tolerance, golden.name + " " + what + ", mean");
}

void check_erasure(const test::GoldenModel& golden, const std::string& order, const Erasure& erasure) {
  CHECK(fault(erasure) == "");
  const auto sizes = golden.file.values<int64_t>("flip/" + order + "_size"),
             smallest = golden.file.values<int64_t>("flip/minimal_size");
  check_same_bytes(erasure.flip_size, std::vector<int32_t>(sizes.begin(), sizes.end()),
                   golden.name + " flips by " + order);
  check_same_bytes(erasure.smallest_flip_size, std::vector<int32_t>(smallest.begin(), smallest.end()),
                   golden.name + " smallest flips");
  check_changes(golden, order + "_comp_p", erasure.comprehensiveness_probability, kProbabilityTolerance);
  check_changes(golden, order + "_comp_logit", erasure.comprehensiveness_logit, kLogitTolerance);
  check_changes(golden, order + "_suff_p", erasure.sufficiency_probability, kProbabilityTolerance);
  check_changes(golden, order + "_suff_logit", erasure.sufficiency_logit, kLogitTolerance);
}

}  // namespace

TEST_CASE("explain golden: how many words are erased") {
  test::for_each_golden_model("eraser/k", [](const test::GoldenModel& golden) {
    const auto percent = golden.file.values<int64_t>("eraser/percent"), k = golden.file.values<int64_t>("eraser/k");
    REQUIRE(std::equal(percent.begin(), percent.end(), kErasedPercent.begin(), kErasedPercent.end()));
    const Split split = golden.split();
    REQUIRE(k.size() == split.size() * kErasedShares);
    for (size_t i = 0; i < k.size(); ++i) {
      CHECK(k[i] ==
            erased_words(split.length(static_cast<int32_t>(i / kErasedShares)) - 2, kErasedPercent[i % kErasedShares]));
    }
  });
}

TEST_CASE("explain golden: flips, comprehensiveness and sufficiency of given orders") {
  test::for_each_golden_model("eraser/k", [](const test::GoldenModel& golden) {
    const Split split = golden.split();
    AttentionClassifier model = golden.model(test_device(), split);
    for (const std::string order : {"attention", "contribution", "ixg_held", "random"}) {
      check_erasure(golden, order, erase_split(model, split, in_order(golden, order, split)));
    }
  });
}

TEST_CASE("explain golden: flips, comprehensiveness and sufficiency of the model's own orders") {
  test::for_each_golden_model("eraser/k", [](const test::GoldenModel& golden) {
    const Split split = golden.split();
    AttentionClassifier model = golden.model(test_device(), split);
    const std::pair<Measure, const char*> measures[] = {{Measure::attention, "attention"},
                                                        {Measure::contribution, "contribution"}};
    for (const auto& [measure, order] : measures) {
      check_erasure(golden, order, erase_split(model, split, attribute_split(model, split, measure)));
    }
  });
}

}  // namespace notnot
