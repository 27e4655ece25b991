// Leave-one-out on every backend against golden vectors (tests/golden/explain/README.md).
#include <doctest/doctest.h>

#include <cmath>

#include "models/attribution.h"
#include "models/leave_one_out.h"
#include "tests/backends/backend.h"
#include "tests/support/golden_model.h"

namespace notnot {
namespace {

/// An fp32 model's logits are off by some 1e-5; a probability moves by a quarter of that.
constexpr double kLogitTolerance = 3e-5, kProbabilityTolerance = kLogitTolerance / 4;

void check(const test::GoldenModel& golden) {
  const Split split = golden.split();
  AttentionClassifier model = golden.model(test_device(), split);
  const Attributions result = attribute_split(model, split, Measure::leave_one_out);
  const auto compare = [&](const std::vector<float>& tokens, const std::string& key, double tolerance, bool absolute) {
    std::vector<float> words = golden.words(split, tokens);
    if (absolute) {
      for (float& score : words) score = std::abs(score);
    }
    check_close(words, golden.file.values<double>(key), tolerance, golden.name + " " + key);
  };
  for (const bool absolute : {false, true}) {
    const std::string suffix = absolute ? "_abs" : "";
    compare(result.score_logit, "explain/loo_logit" + suffix, kLogitTolerance, absolute);
    compare(result.score_probability, "explain/loo_p" + suffix, kProbabilityTolerance, absolute);
  }
  std::vector<float> logit(split.token_ids.size()), probability = logit;
  LeaveOneOut leave_one_out(model, split);
  for (const auto& texts : prediction_batches(model.device(), split)) {
    const HostBatch batch = assemble_batch(split, texts, model.options().vocabulary);
    const std::vector<float> values = leave_one_out.logit_without(batch, model.contributions(batch));
    for (size_t b = 0; b < batch.texts.size(); ++b) {
      for (int32_t n = batch.offsets[b]; n < batch.offsets[b + 1]; ++n) {
        const int64_t token = split.offsets[batch.texts[b]] + n - batch.offsets[b];
        logit[token] = values[n];
        probability[token] = sigmoid(values[n]);
      }
    }
  }
  compare(logit, "loo/logit", kLogitTolerance, false);
  compare(probability, "loo/prob", kProbabilityTolerance, false);
}

}  // namespace

TEST_CASE("explain golden: leave-one-out, its scores and the outputs without each word") {
  test::for_each_golden_model("loo/logit", check);
}

}  // namespace notnot
