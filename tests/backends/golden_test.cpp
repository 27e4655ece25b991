// The model on each backend in fp32 against the authors' modules in float64: forward, both losses, every gradient, and
// the parameters after 1, 2 and 10 optimiser steps. It reads all files in the folder NOTNOT_GOLDEN
// (tests/golden/README.md). How far a number may be off comes from the model of rounding in
// tests/support/error_model.h.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <utility>

#include "models/attention_classifier.h"
#include "tests/backends/backend.h"
#include "tests/support/training_step.h"

namespace notnot::test {
namespace {

std::vector<float> rounded(const std::vector<double>& values) { return {values.begin(), values.end()}; }

OptimiserOptions optimiser_of(const GoldenFile& golden) {
  const auto constants = golden.file.values<double>("meta/adam_lr_beta1_beta2_eps");
  const auto decay = golden.file.values<double>("meta/weight_decay_encoder_decoder_attention");
  REQUIRE(decay[0] == decay[1]);
  REQUIRE(decay[2] == 0);
  return {.learning_rate = constants[0],
          .beta1 = constants[1],
          .beta2 = constants[2],
          .epsilon = constants[3],
          .weight_decay = decay[0]};
}

BatchTargets targets_of(const TrainingStep& step) {
  BatchTargets targets;
  if (step.options.attention == AttentionKind::given) targets.given_log_attention = rounded(step.log_weights);
  targets.base_log_attention = rounded(step.log_weights);
  targets.base_probability = rounded(step.base_probability);
  return targets;
}

/// A model with the parameters of the first of `steps`, and room for all of them.
AttentionClassifier make_model(const std::vector<TrainingStep>& steps, const OptimiserOptions& optimiser = {}) {
  BatchCapacity capacity;
  for (const auto& step : steps) {
    capacity = larger(capacity, {step.batch.sequences(), step.batch.tokens(), step.batch.unique});
  }
  AttentionClassifier model(test_device(), steps.front().options,
                            {.evaluation = capacity, .training = capacity, .steps = 10}, optimiser);
  model.allocate();
  model.set_parameters(rounded(steps.front().parameters));
  return model;
}

std::string kind_of(Objective objective) { return objective == Objective::adversary ? "adv" : "base"; }

/// The gradient of each parameter that the model trains, with the names of the file.
template <class Real>
void add_gradients(NamedValues<Real>& results, const ModelOptions& options, Objective objective,
                   const std::vector<Real>& gradients) {
  const ParameterLayout layout(options);
  for (const Parameter& p : layout.parameters()) {
    if (p.group == ParameterGroup::attention && options.attention != AttentionKind::learned) continue;
    results.emplace_back("grad_" + kind_of(objective) + "/" + p.name,
                         std::vector<Real>(gradients.begin() + p.offset, gradients.begin() + p.offset + p.size));
  }
}

/// What the engine computes in a training step.
NamedValues<float> engine_results(const TrainingStep& step) {
  AttentionClassifier model = make_model({step});
  const BatchTargets targets = targets_of(step);
  AttentionClassifier::Predictions predictions = model.predict(step.batch, targets);
  for (float& value : predictions.log_attention) value = static_cast<float>(std::exp(double{value}));
  const double loss = model.compute_gradients(step.batch, step.objective, targets);
  const Objective objective = step.objective.objective;
  NamedValues<float> results = {{"prob", predictions.probability},
                                {"attn", predictions.log_attention},
                                {kind_of(objective) + "_loss", {static_cast<float>(loss)}}};
  add_gradients(results, step.options, objective, model.gradients());
  return results;
}

/// The same in float64, with what rounding may add.
std::vector<Allowed> expected_results(const TrainingStep& step) {
  return with_allowances([&]<class Real>() {
    const auto model = reference_of<Real>(step);
    const Objective objective = step.objective.objective;
    NamedValues<Real> results = {
        {"prob", model.probability}, {"attn", model.attention}, {kind_of(objective) + "_loss", {model.loss}}};
    add_gradients(results, step.options, objective, model.gradients);
    return results;
  });
}

/// The same from the file.
std::vector<Allowed> golden_results(const GoldenFile& golden, int number, Objective objective) {
  std::vector<Allowed> expected = expected_results(golden_step(golden, number, objective));
  for (Allowed& result : expected) {
    result.values = result.name == "prob"   ? golden.sequence_values(number, "prob")
                    : result.name == "attn" ? golden.token_values(number, "attn", 1)
                                            : golden.file.values<double>(golden.key(number, result.name));
  }
  return expected;
}

void check_step(const TrainingStep& step, const std::vector<Allowed>& expected, const std::string& where) {
  const NamedValues<float> actual = engine_results(step);
  for (size_t i = 0; i < actual.size(); ++i) check_allowed(actual[i].second, expected[i], where);
}

/// A model with random parameters on random texts. Its attention's layer weighs `sharpness` times as much as PyTorch
/// would start it with, so that the attention lies on few words and most gradients of the scores cancel.
TrainingStep random_step(ModelOptions options, Objective objective, const std::vector<int32_t>& lengths,
                         float sharpness, uint64_t seed) {
  options.vocabulary = 30;
  const HostRagged texts = make_ragged(lengths, options.vocabulary, seed);
  Split split;
  std::vector<int32_t> all;
  for (const int32_t id : texts.token_ids) split.token_ids.push_back(id);
  for (size_t i = 0; i < lengths.size(); ++i) {
    split.offsets.push_back(texts.offsets[i + 1]);
    split.labels.push_back(static_cast<int32_t>((seed + i) % 3 % 2));
    all.push_back(static_cast<int32_t>(i));
  }
  TrainingStep step{.options = options,
                    .parameters = {},
                    .batch = assemble_batch(split, all, options.vocabulary),
                    .objective = {.objective = objective, .positive_weight = 1.7, .lambda = 0.03},
                    .log_weights = as_double(random_log_attention(texts.offsets, seed + 1)),
                    .base_probability = {}};
  const ParameterLayout layout(options);
  step.parameters = as_double(initial_parameters(layout, seed, {}));
  for (int64_t i = layout.attention_begin(); i < layout.total(); ++i) step.parameters[i] *= sharpness;
  for (const float value : random_floats(step.batch.sequences(), seed + 2)) {
    step.base_probability.push_back(0.5 + 0.4 * value);
  }
  return step;
}

// --- steps of Adam ---------------------------------------------------------------------------------------------------

/// Losses, gradients and parameters of each of the first `steps` steps.
std::vector<Allowed> expected_training(const GoldenFile& golden, Objective objective, int steps) {
  return with_allowances([&]<class Real>() {
    ReferenceTraining<Real> training(golden, objective);
    NamedValues<Real> results;
    for (int step = 1; step <= steps; ++step) {
      training.step(adam_update<Real>);
      results.emplace_back("loss before step " + std::to_string(step), std::vector<Real>{training.model.loss});
      results.emplace_back("gradients of step " + std::to_string(step), training.model.gradients);
      results.emplace_back("parameters after step " + std::to_string(step), training.model.values);
    }
    return results;
  });
}

/// Adam divides a gradient by its own size. Where rounding may change a gradient's sign, it may turn the step round.
/// Sixteen histories need not show that, so such elements are allowed twice the longest step,
/// learning_rate (1 - beta1) / sqrt(1 - beta2) (Kingma & Ba, section 2.1).
void allow_turned_steps(std::vector<Allowed>& expected, const GoldenFile& golden) {
  const auto constants = golden.file.values<double>("meta/adam_lr_beta1_beta2_eps");
  const double longest = constants[0] * (1 - constants[1]) / std::sqrt(1 - constants[2]);
  std::vector<double> turned(expected[1].values.size());
  for (size_t step = 0; step < expected.size(); step += 3) {
    const Allowed& gradients = expected[step + 1];
    for (size_t i = 0; i < turned.size(); ++i) {
      if (gradients.allowed[i] > std::abs(gradients.values[i])) turned[i] += 2 * longest;
      expected[step + 2].allowed[i] += turned[i];
    }
  }
}

/// The last step of which the file has the parameters; 1 if there is none.
int last_step(const GoldenFile& golden, const std::string& run) {
  int last = 10;
  while (last > 1 && !golden.file.contains(run + "/step" + std::to_string(last) + "/encoder.embedding.weight")) --last;
  return last;
}

void check_optimiser(const GoldenFile& golden, const std::string& run, Objective objective) {
  if (!golden.file.contains(run + "/losses")) return;
  for (int number = 0; number < 3 && objective == Objective::adversary; ++number) {
    // The large file leaves out the targets of some batches.
    if (!golden.file.contains(golden.key(number, "target_attn"))) return;
  }
  const int steps = last_step(golden, run);
  std::vector<Allowed> expected = expected_training(golden, objective, steps);
  allow_turned_steps(expected, golden);
  std::vector<TrainingStep> batches;
  for (int number = 0; number < 3; ++number) batches.push_back(golden_step(golden, number, objective));
  AttentionClassifier model = make_model(batches, optimiser_of(golden));
  const auto losses = golden.file.values<double>(run + "/losses");
  for (int step = 1; step <= steps; ++step) {
    const TrainingStep& batch = batches[(step - 1) % 3];
    Allowed &loss = expected[3 * step - 3], &parameters = expected[3 * step - 1];
    loss.values = {losses[step - 1]};
    const double actual = model.compute_gradients(batch.batch, batch.objective, targets_of(batch));
    check_allowed({static_cast<float>(actual)}, loss, golden.name + " " + run + " ");
    model.apply_gradients();
    const std::string prefix = run + "/step" + std::to_string(step) + "/";
    if (!golden.file.contains(prefix + "encoder.embedding.weight")) continue;
    parameters.values = golden.parameters(prefix);
    check_allowed(model.parameters(), parameters, golden.name + " " + run + " ");
  }
}

// --- what the allowance notices --------------------------------------------------------------------------------------

using Plant = std::function<void(TrainingStep&)>;

/// The worst error of a step on batch 0 of small_lstm_tanh, in allowances, after `plant` has put a fault into the step.
double worst_after(const Plant& plant, Objective objective = Objective::adversary) {
  static const GoldenFile golden(NOTNOT_TEST_DIR "/golden/small_lstm_tanh.safetensors");
  static const std::vector<Allowed> of_base = golden_results(golden, 0, Objective::classify);
  static const std::vector<Allowed> of_adversary = golden_results(golden, 0, Objective::adversary);
  const std::vector<Allowed>& expected = objective == Objective::adversary ? of_adversary : of_base;
  TrainingStep step = golden_step(golden, 0, objective);
  plant(step);
  const NamedValues<float> actual = engine_results(step);
  double worst = 0;
  for (size_t i = 0; i < actual.size(); ++i) worst = std::max(worst, worst_error(actual[i].second, expected[i]).share);
  return worst;
}

/// A parameter loses the digits that fp16 lacks.
double worst_with_fp16(const std::string& name) {
  return worst_after([&](TrainingStep& step) {
    const ParameterLayout layout(step.options);
    const Parameter& parameter = layout.find(name);
    for (int64_t i = parameter.offset; i < parameter.offset + parameter.size; ++i) {
      const double unit = std::ldexp(1.0, std::ilogb(step.parameters[i]) - 10);
      step.parameters[i] = std::round(step.parameters[i] / unit) * unit;
    }
  });
}

}  // namespace

TEST_CASE("golden: forward, both losses and every gradient") {
  for (const auto& path : golden_paths()) {
    const GoldenFile golden(path);
    for (int number = 0; number < 3; ++number) {
      for (const Objective objective : {Objective::classify, Objective::adversary}) {
        if (!(objective == Objective::adversary ? golden.has_adversary(number) : golden.has_results(number))) continue;
        check_step(golden_step(golden, number, objective), golden_results(golden, number, objective),
                   golden.name + " " + golden.key(number, ""));
      }
    }
  }
}

TEST_CASE("golden: parameters after 1, 2 and 10 steps of Adam") {
  for (const auto& path : golden_paths()) {
    const GoldenFile golden(path);
    check_optimiser(golden, "adam_base", Objective::classify);
    check_optimiser(golden, "adam_adv", Objective::adversary);
  }
}

TEST_CASE("the allowance holds for models of other sizes, and where the attention's gradients cancel") {
  const std::vector<std::vector<int32_t>> lengths = {{3, 4}, {31, 9, 9, 5, 3}, {60, 33}};
  uint64_t seed = 90;
  for (const int32_t hidden : {1, 3, 8, 20}) {
    for (const float sharpness : {1.0F, 10.0F, 40.0F}) {
      for (const Objective objective : {Objective::classify, Objective::adversary}) {
        for (const Encoder encoder : {Encoder::lstm, Encoder::tokens}) {
          ++seed;
          const TrainingStep step = random_step({.encoder = encoder, .embed = hidden + 2, .hidden = hidden}, objective,
                                                lengths[seed % lengths.size()], sharpness, seed);
          check_step(step, expected_results(step),
                     fmt::format("seed {}, H {}, sharpness {}: ", seed, hidden, sharpness));
        }
      }
    }
  }
}

TEST_CASE("golden: the allowance notices small faults") {
  const Plant nothing = [](TrainingStep&) {};
  const Plant weight = [](TrainingStep& step) { step.objective.positive_weight += 1e-4; };
  CHECK(worst_after(nothing) < 1);
  CHECK(worst_after(nothing, Objective::classify) < 1);
  for (const std::string name :
       {"encoder.rnn.weight_ih_l0", "encoder.rnn.weight_hh_l0_reverse", "encoder.rnn.bias_hh_l0",
        "decoder.attention.attn1.weight", "decoder.attention.attn1.bias", "decoder.attention.attn2.weight"}) {
    CAPTURE(name);
    CHECK(worst_with_fp16(name) > 1);
  }
  CHECK(worst_after(weight) > 1);
  CHECK(worst_after(weight, Objective::classify) > 1);
  CHECK(worst_after([](TrainingStep& step) { step.objective.tvd_factor *= 1.0001; }) > 1);
  CHECK(worst_after([](TrainingStep& step) { step.objective.lambda *= 1.001; }) > 1);
  CHECK(worst_after([](TrainingStep& step) { step.log_weights[1] += 1e-3; }) > 1);
  CHECK(worst_after([](TrainingStep& step) { std::swap(step.batch.token_ids[2], step.batch.token_ids[3]); }) > 1);
}

}  // namespace notnot::test
