// The model on each backend in fp32 against the authors' modules in float64: forward, both losses, every gradient, and
// the parameters after 1, 2 and 10 optimiser steps. It reads all files in the folder NOTNOT_GOLDEN
// (tests/golden/README.md).
#include <doctest/doctest.h>

#include <cmath>

#include "models/attention_classifier.h"
#include "tests/backends/backend.h"
#include "tests/support/golden_file.h"

namespace notnot::test {
namespace {

// fp32 rounds at 6e-8; sums of a few hundred terms of both signs lose one to two digits of the largest value.
constexpr double kTolerance = 1e-5;

std::vector<float> rounded(const std::vector<double>& values) { return {values.begin(), values.end()}; }

AttentionClassifier make_model(const GoldenFile& golden, const Device& device) {
  BatchCapacity capacity;
  for (int number = 0; golden.has_batch(number); ++number) {
    const HostBatch batch = golden.batch(number);
    capacity = larger(capacity, {batch.sequences(), batch.tokens(), batch.unique});
  }
  const auto constants = golden.file.values<double>("meta/adam_lr_beta1_beta2_eps");
  const auto decay = golden.file.values<double>("meta/weight_decay_encoder_decoder_attention");
  REQUIRE(decay[0] == decay[1]);
  REQUIRE(decay[2] == 0);
  AttentionClassifier model(device, golden.options, {.evaluation = capacity, .training = capacity, .steps = 10},
                            {.learning_rate = constants[0],
                             .beta1 = constants[1],
                             .beta2 = constants[2],
                             .epsilon = constants[3],
                             .weight_decay = decay[0]});
  model.allocate();
  model.set_parameters(rounded(golden.parameters("param0/")));
  return model;
}

BatchTargets targets_of(const GoldenFile& golden, int number) {
  BatchTargets targets;
  if (!golden.file.contains(golden.key(number, "target_attn"))) return targets;
  std::vector<float> logs;
  for (const double weight : golden.token_values(number, "target_attn", 1)) logs.push_back(std::log(weight));
  if (golden.options.attention == AttentionKind::given) targets.given_log_attention = logs;
  targets.base_log_attention = logs;
  targets.base_probability = rounded(golden.sequence_values(number, "target_pred"));
  return targets;
}

ObjectiveOptions objective_of(const GoldenFile& golden, Objective objective) {
  return {.objective = objective, .positive_weight = golden.positive_weight, .lambda = golden.lambda};
}

/// The gradients of a sequence's scores sum to zero, so nearly all terms of the gradient of attn1.bias cancel. On the
/// small files at most a fifth of them was left.
double tolerance_of(const Parameter& parameter) {
  return parameter.name == "decoder.attention.attn1.bias" ? 5 * kTolerance : kTolerance;
}

/// Compares the gradients of each parameter; the tolerance is relative to the parameter's largest gradient.
void check_gradients(AttentionClassifier& model, const GoldenFile& golden, const std::string& prefix) {
  const auto actual = model.gradients();
  const auto expected = golden.parameters(prefix);
  for (const Parameter& p : model.layout().parameters()) {
    if (p.group == ParameterGroup::attention && golden.options.attention != AttentionKind::learned) continue;
    check_close(std::vector<float>(actual.begin() + p.offset, actual.begin() + p.offset + p.size),
                std::vector<double>(expected.begin() + p.offset, expected.begin() + p.offset + p.size), tolerance_of(p),
                golden.name + " " + prefix + p.name);
  }
}

void check_batch(AttentionClassifier& model, const GoldenFile& golden, int number) {
  const HostBatch batch = golden.batch(number);
  const BatchTargets targets = targets_of(golden, number);
  const std::string where = golden.name + " batch " + std::to_string(number) + " ";
  auto predictions = model.predict(batch, targets);
  for (float& value : predictions.log_attention) value = std::exp(value);
  check_close(predictions.probability, golden.sequence_values(number, "prob"), kTolerance, where + "prob");
  check_close(predictions.log_attention, golden.token_values(number, "attn", 1), kTolerance, where + "attn");
  const double base = model.compute_gradients(batch, objective_of(golden, Objective::classify), targets);
  check_close({static_cast<float>(base)}, golden.file.values<double>(golden.key(number, "base_loss")), kTolerance,
              where + "base_loss");
  check_gradients(model, golden, golden.key(number, "grad_base/"));
  if (!golden.has_adversary(number)) return;
  const double adversary = model.compute_gradients(batch, objective_of(golden, Objective::adversary), targets);
  check_close({static_cast<float>(adversary)}, golden.file.values<double>(golden.key(number, "adv_loss")), kTolerance,
              where + "adv_loss");
  check_gradients(model, golden, golden.key(number, "grad_adv/"));
}

/// Adam divides by the gradient's own size, so where a gradient is small against its rounding error (about 1e-7 of the
/// largest gradient) the step is uncertain by a share of the learning rate. Measured: 5e-7 on the small files, 1.2e-5
/// where 300 x 1024 products make the gradients. Allowed: a four-hundredth of one step, for large models a twentieth.
void check_parameters(const std::vector<float>& actual, const std::vector<double>& expected, double learning_rate,
                      const std::string& what) {
  double largest = 0;
  for (const double value : expected) largest = std::max(largest, std::abs(value));
  const double allowed = learning_rate / (expected.size() > 100000 ? 20 : 400);
  check_close(actual, expected, allowed / largest, what);
}

void check_optimiser(const GoldenFile& golden, const Device& device, const std::string& run, Objective objective) {
  if (!golden.file.contains(run + "/losses")) return;
  for (int number = 0; number < 3 && objective == Objective::adversary; ++number) {
    // The large file leaves out the targets of some batches.
    if (!golden.file.contains(golden.key(number, "target_attn"))) return;
  }
  AttentionClassifier model = make_model(golden, device);
  const auto losses = golden.file.values<double>(run + "/losses");
  const double learning_rate = golden.file.values<double>("meta/adam_lr_beta1_beta2_eps")[0];
  for (int step = 1; step <= 10; ++step) {
    const int number = (step - 1) % 3;
    const double loss =
        model.compute_gradients(golden.batch(number), objective_of(golden, objective), targets_of(golden, number));
    check_close({static_cast<float>(loss)}, {losses[step - 1]}, 2 * kTolerance,
                golden.name + " " + run + " loss before step " + std::to_string(step));
    model.apply_gradients();
    const std::string prefix = run + "/step" + std::to_string(step) + "/";
    if (!golden.file.contains(prefix + "encoder.embedding.weight")) continue;
    check_parameters(model.parameters(), golden.parameters(prefix), learning_rate, golden.name + " " + prefix);
  }
}

}  // namespace

TEST_CASE("golden: forward, both losses and every gradient") {
  const Device device = test_device();
  for (const auto& path : golden_paths()) {
    const GoldenFile golden(path);
    AttentionClassifier model = make_model(golden, device);
    for (int number = 0; number < 3; ++number) {
      if (golden.has_results(number)) check_batch(model, golden, number);
    }
  }
}

TEST_CASE("golden: parameters after 1, 2 and 10 steps of Adam") {
  const Device device = test_device();
  for (const auto& path : golden_paths()) {
    const GoldenFile golden(path);
    check_optimiser(golden, device, "adam_base", Objective::classify);
    check_optimiser(golden, device, "adam_adv", Objective::adversary);
  }
}

}  // namespace notnot::test
