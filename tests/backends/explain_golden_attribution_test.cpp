// Attributions on every backend against golden vectors (tests/golden/explain/README.md).
#include <doctest/doctest.h>

#include <cmath>

#include "models/attribution.h"
#include "tests/backends/backend.h"
#include "tests/support/golden_model.h"

namespace notnot {
namespace {

/// An fp32 model's logits and their gradients are off by some 1e-5; a probability moves by a quarter of that.
constexpr double kLogitTolerance = 3e-5, kProbabilityTolerance = kLogitTolerance / 4;

void check_words(const test::GoldenModel& golden, const Split& split, const std::vector<float>& scores,
                 const std::string& key, double tolerance) {
  check_close(golden.words(split, scores), golden.file.values<double>(key), tolerance, golden.name + " " + key);
  for (int32_t i = 0; i < split.size(); ++i) {
    CHECK(std::isnan(scores[split.offsets[i]]));
    CHECK(std::isnan(scores[split.offsets[i + 1] - 1]));
  }
}

void check_scores(const test::GoldenModel& golden, Measure measure, const std::string& probability,
                  const std::string& logit) {
  const Split split = golden.split();
  AttentionClassifier model = golden.model(test_device(), split);
  const Attributions result = attribute_split(model, split, measure);
  check_words(golden, split, result.score_probability, probability, kProbabilityTolerance);
  check_words(golden, split, result.score_logit, logit, kLogitTolerance);
  check_close(result.logit, golden.file.values<double>("base/logit"), kLogitTolerance, golden.name + " logit");
  check_close(result.probability, golden.file.values<double>("base/prob"), kProbabilityTolerance,
              golden.name + " probability");
}

void check_integral(const test::GoldenModel& golden, const Attributions::Integration& actual, const std::string& of,
                    double tolerance) {
  const auto values = [&](const std::string& what) { return golden.file.values<int64_t>("ig/" + of + what); };
  const auto nodes = values("_nodes"), converged = values("_converged");
  check_same_bytes(actual.nodes, std::vector<int32_t>(nodes.begin(), nodes.end()), golden.name + " nodes of " + of);
  check_same_bytes(actual.converged, std::vector<int32_t>(converged.begin(), converged.end()),
                   golden.name + " converged, " + of);
  // The error is a difference of two logits, or probabilities, and is off by as much as they are.
  const auto expected = golden.file.values<double>("ig/" + of + "_error");
  for (size_t i = 0; i < expected.size(); ++i) {
    CHECK_MESSAGE(std::abs(actual.error[i] - expected[i]) <= tolerance, golden.name, ": text ", i, " misses ",
                  actual.error[i], " of ", of, ", not ", expected[i]);
  }
}

}  // namespace

TEST_CASE("explain golden: attention and contributions") {
  test::for_each_golden_model("explain/contribution", [](const test::GoldenModel& golden) {
    check_scores(golden, Measure::contribution, "explain/contribution", "explain/contribution");
    check_scores(golden, Measure::attention, "base/attention", "base/attention");
  });
}

TEST_CASE("explain golden: input x gradient, with attention held and through it") {
  test::for_each_golden_model("explain/ixg_held_p", [](const test::GoldenModel& golden) {
    check_scores(golden, Measure::input_x_gradient_held, "explain/ixg_held_p", "explain/ixg_held_logit");
    check_scores(golden, Measure::input_x_gradient, "explain/ixg_through_p", "explain/ixg_through_logit");
  });
}

TEST_CASE("explain golden: the gradient's norm, with attention held and through it") {
  test::for_each_golden_model("explain/gradnorm_held_p", [](const test::GoldenModel& golden) {
    check_scores(golden, Measure::gradient_norm_held, "explain/gradnorm_held_p", "explain/gradnorm_held_logit");
    check_scores(golden, Measure::gradient_norm, "explain/gradnorm_through_p", "explain/gradnorm_through_logit");
  });
}

TEST_CASE("explain golden: integrated gradients, their nodes and what they miss") {
  test::for_each_golden_model("explain/ig_p", [](const test::GoldenModel& golden) {
    check_scores(golden, Measure::integrated_gradients, "explain/ig_p", "explain/ig_logit");
    const Split split = golden.split();
    AttentionClassifier model = golden.model(test_device(), split);
    const Attributions result = attribute_split(model, split, Measure::integrated_gradients);
    check_integral(golden, result.integration_probability, "p", kProbabilityTolerance);
    check_integral(golden, result.integration_logit, "logit", kLogitTolerance);
  });
}

}  // namespace notnot
