// The scalar maths that every kernel shares, in float64, against the authors' modules to 1e-10.
#include <doctest/doctest.h>

#include "tests/support/training_step.h"

namespace notnot::test {
namespace {

/// Every value lies within 1e-10 of the largest (at least 1): float64 rounds at 1e-16, so this leaves six digits for
/// growth through the layers, and no fault is so small. Where the file rounded a value to float32, that rounding is
/// allowed on top.
void check_all(const std::vector<double>& actual, const std::vector<double>& expected, const std::string& what) {
  REQUIRE_MESSAGE(actual.size() == expected.size(), what);
  double largest = 1, worst = 0;
  for (const double value : expected) largest = std::max(largest, std::abs(value));
  bool within = true;
  for (size_t i = 0; i < actual.size(); ++i) {
    const double error = actual[i] == expected[i] ? 0.0 : std::abs(actual[i] - expected[i]);
    const bool rounded = static_cast<float>(expected[i]) == expected[i];
    worst = std::max(worst, error);
    const double allowed = 1e-10 * largest + (rounded ? 0x1p-24 * std::abs(expected[i]) : 0.0);
    within = within && error <= allowed;  // false for NaN
  }
  CHECK_MESSAGE(within, what, ": off by ", worst);
}

void check_batch(const GoldenFile& golden, int number) {
  const auto expect = [&](const std::string& what, const std::vector<double>& actual,
                          const std::vector<double>& expected) {
    check_all(actual, expected, golden.name + " " + golden.key(number, what));
  };
  const auto base = reference_of<double>(golden_step(golden, number, Objective::classify));
  expect("hidden", base.hidden, golden.token_values(number, "hidden", golden.options.width()));
  expect("attn", base.attention, golden.token_values(number, "attn", 1));
  expect("logit", base.logit, golden.sequence_values(number, "logit"));
  expect("prob", base.probability, golden.sequence_values(number, "prob"));
  expect("base_loss", {base.loss}, golden.file.values<double>(golden.key(number, "base_loss")));
  expect("grad_base", base.gradients, golden.parameters(golden.key(number, "grad_base/")));
  if (!golden.has_adversary(number)) return;
  const auto adversary = reference_of<double>(golden_step(golden, number, Objective::adversary));
  expect("kl_instance", adversary.divergence, golden.sequence_values(number, "kl_instance"));
  expect("adv_loss", {adversary.loss}, golden.file.values<double>(golden.key(number, "adv_loss")));
  expect("grad_adv", adversary.gradients, golden.parameters(golden.key(number, "grad_adv/")));
}

/// Ten steps of `update`; compares the losses and the parameters that the file holds.
template <class Update>
void check_adam(const GoldenFile& golden, const std::string& run, Objective objective, Update update) {
  if (!golden.file.contains(run + "/losses")) return;
  ReferenceTraining<double> training(golden, objective);
  const auto losses = golden.file.values<double>(run + "/losses");
  for (int step = 1; step <= 10; ++step) {
    training.step(update);
    check_all({training.model.loss}, {losses[step - 1]},
              golden.name + " " + run + " loss before step " + std::to_string(step));
    const std::string prefix = run + "/step" + std::to_string(step) + "/";
    if (!golden.file.contains(prefix + "encoder.embedding.weight")) continue;
    check_all(training.model.values, golden.parameters(prefix), golden.name + " " + prefix);
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
    // Of the large models the files lack batches; tests/backends/golden_test.cpp takes the steps that they have.
    if (golden.options.vocabulary > 100) continue;
    check_adam(golden, "adam_base", Objective::classify, adam_update<double>);
    check_adam(golden, "adam_adv", Objective::adversary, adam_update<double>);
    check_adam(golden, "adam_torch11_base", Objective::classify, adam_update_torch11<double>);
    check_adam(golden, "adam_torch11_adv", Objective::adversary, adam_update_torch11<double>);
  }
}

}  // namespace notnot::test
