// The scalar maths that every kernel shares, in float64, against the authors' modules to 1e-10.
#include <doctest/doctest.h>

#include "tests/support/golden_file.h"
#include "tests/support/reference_model.h"

namespace notnot::test {
namespace {

/// Every value lies within `tolerance` of the largest. Where the file rounded a value to float32, that rounding is
/// allowed on top.
void check_all(const std::vector<double>& actual, const std::vector<double>& expected, double tolerance,
               const std::string& what) {
  REQUIRE_MESSAGE(actual.size() == expected.size(), what);
  double largest = 1, worst = 0;
  for (const double value : expected) largest = std::max(largest, std::abs(value));
  bool within = true;
  for (size_t i = 0; i < actual.size(); ++i) {
    const double error = actual[i] == expected[i] ? 0.0 : std::abs(actual[i] - expected[i]);
    const bool rounded = static_cast<float>(expected[i]) == expected[i];
    worst = std::max(worst, error);
    const double allowed = tolerance * largest + (rounded ? 0x1p-24 * std::abs(expected[i]) : 0.0);
    within = within && error <= allowed;  // false for NaN
  }
  CHECK_MESSAGE(within, what, ": off by ", worst);
}

ReferenceTargets targets_of(const GoldenFile& golden, int number) {
  ReferenceTargets targets;
  for (const double weight : golden.token_values(number, "target_attn", 1)) {
    targets.base_log_attention.push_back(std::log(weight));
  }
  targets.given_log_attention = targets.base_log_attention;
  targets.base_probability = golden.sequence_values(number, "target_pred");
  return targets;
}

std::vector<double> exponentials(std::vector<double> values) {
  for (double& value : values) value = std::exp(value);
  return values;
}

void check_batch(const GoldenFile& golden, int number) {
  const auto expect = [&](const std::string& what, const std::vector<double>& actual,
                          const std::vector<double>& expected) {
    check_all(actual, expected, 1e-10, golden.name + " " + golden.key(number, what));
  };
  ReferenceModel model(golden.options, golden.parameters("param0/"));
  const HostBatch batch = golden.batch(number);
  const ReferenceTargets targets = targets_of(golden, number);
  model.run(batch, {.positive_weight = golden.positive_weight}, targets);
  expect("hidden", model.hidden, golden.token_values(number, "hidden", golden.options.width()));
  expect("attn", exponentials(model.log_attention), golden.token_values(number, "attn", 1));
  expect("logit", model.logit, golden.sequence_values(number, "logit"));
  expect("prob", model.probability, golden.sequence_values(number, "prob"));
  expect("base_loss", {model.loss}, golden.file.values<double>(golden.key(number, "base_loss")));
  expect("grad_base", model.gradients, golden.parameters(golden.key(number, "grad_base/")));
  if (!golden.has_adversary(number)) return;
  model.run(batch,
            {.objective = Objective::adversary, .positive_weight = golden.positive_weight, .lambda = golden.lambda},
            targets);
  expect("kl_instance", model.divergence, golden.sequence_values(number, "kl_instance"));
  expect("adv_loss", {model.loss}, golden.file.values<double>(golden.key(number, "adv_loss")));
  expect("grad_adv", model.gradients, golden.parameters(golden.key(number, "grad_adv/")));
}

/// Ten steps of `update` over the batches in turn; compares the losses and the parameters that the file holds.
template <class Update>
void check_adam(const GoldenFile& golden, const std::string& run, Objective objective, Update update) {
  if (!golden.file.contains(run + "/losses")) return;
  const auto constants = golden.file.values<double>("meta/adam_lr_beta1_beta2_eps");
  const auto decay = golden.file.values<double>("meta/weight_decay_encoder_decoder_attention");
  ReferenceModel model(golden.options, golden.parameters("param0/"));
  std::vector<AdamElement<double>> state;
  for (const double value : model.values) state.push_back({value, 0, 0, 0});
  const auto losses = golden.file.values<double>(run + "/losses");
  for (int step = 1; step <= 10; ++step) {
    const int number = (step - 1) % 3;
    model.run(golden.batch(number),
              {.objective = objective, .positive_weight = golden.positive_weight, .lambda = golden.lambda},
              targets_of(golden, number));
    check_all({model.loss}, {losses[step - 1]}, 1e-10,
              golden.name + " " + run + " loss before step " + std::to_string(step));
    for (const Parameter& p : model.layout.parameters()) {
      if (p.group == ParameterGroup::attention && golden.options.attention != AttentionKind::learned) continue;
      AdamHyperOf<double> hyper{.beta1 = constants[1],
                                .beta2 = constants[2],
                                .epsilon = constants[3],
                                .one_minus_beta1 = 1 - constants[1],
                                .one_minus_beta2 = 1 - constants[2],
                                .decay = p.group == ParameterGroup::attention ? decay[2]
                                         : p.group == ParameterGroup::output  ? decay[1]
                                                                              : decay[0]};
      const auto scalars = adam_step_scalars<double>(constants[0], constants[1], constants[2], step);
      for (int64_t i = p.offset; i < p.offset + p.size; ++i) {
        update(state[i], model.gradients[i], hyper, scalars);
        model.values[i] = state[i].parameter;
      }
    }
    const std::string prefix = run + "/step" + std::to_string(step) + "/";
    if (!golden.file.contains(prefix + "encoder.embedding.weight")) continue;
    const auto expected = golden.parameters(prefix);
    check_all(model.values, expected, 1e-10, golden.name + " " + prefix);
  }
}

}  // namespace

TEST_CASE("golden: forward, both losses and every gradient in float64") {
  for (const auto& path : golden_paths()) {
    const GoldenFile golden(path);
    for (int number = 0; number < 3; ++number) {
      if (golden.has_results(number)) check_batch(golden, number);
    }
  }
}

TEST_CASE("golden: Adam with AMSGrad in float64, today's form and that of torch 1.1") {
  for (const auto& path : golden_paths()) {
    const GoldenFile golden(path);
    // Ten float64 steps of the large model would take a minute; tests/backends/golden_test.cpp takes them in fp32.
    if (golden.options.vocabulary > 100) continue;
    check_adam(golden, "adam_base", Objective::classify, adam_update<double>);
    check_adam(golden, "adam_adv", Objective::adversary, adam_update<double>);
    check_adam(golden, "adam_torch11_base", Objective::classify, adam_update_torch11<double>);
    check_adam(golden, "adam_torch11_adv", Objective::adversary, adam_update_torch11<double>);
  }
}

}  // namespace notnot::test
