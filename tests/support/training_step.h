#pragma once
// The reference model on one batch, of a golden file or made up, for any number type.
#include "tests/support/error_model.h"
#include "tests/support/golden_file.h"
#include "tests/support/reference_model.h"

namespace notnot::test {

/// All that the loss and the gradients of one training step depend on.
struct TrainingStep {
  ModelOptions options;
  std::vector<double> parameters;
  HostBatch batch;
  ObjectiveOptions objective;
  std::vector<double> log_weights;       ///< [N] the given attention, or the base model's
  std::vector<double> base_probability;  ///< [B]
};

/// Batch `number` at the file's first parameters. Without weights where the file has only the batch's inputs.
inline TrainingStep golden_step(const GoldenFile& golden, int number, Objective objective) {
  TrainingStep step{
      .options = golden.options,
      .parameters = golden.parameters("param0/"),
      .batch = golden.batch(number),
      .objective = {.objective = objective, .positive_weight = golden.positive_weight, .lambda = golden.lambda},
      .log_weights = {},
      .base_probability = {}};
  if (!golden.file.contains(golden.key(number, "target_attn"))) return step;
  for (const double weight : golden.token_values(number, "target_attn", 1))
    step.log_weights.push_back(std::log(weight));
  step.base_probability = golden.sequence_values(number, "target_pred");
  return step;
}

/// Runs the step's batch with the parameters that `model` has.
template <class Real>
void run(ReferenceModel<Real>& model, const TrainingStep& step) {
  const std::vector<Real> weights = inputs<Real>(step.log_weights);
  model.run(step.batch, step.objective, {weights, weights, inputs<Real>(step.base_probability)},
            visiting_order<Real>(step.batch.sequences()));
}

template <class Real>
ReferenceModel<Real> reference_of(const TrainingStep& step) {
  ReferenceModel<Real> model(step.options, inputs<Real>(step.parameters));
  run(model, step);
  return model;
}

/// The file's training: steps on batches 0, 1, 2, 0, ...
template <class Real>
class ReferenceTraining {
 public:
  ReferenceTraining(const GoldenFile& golden, Objective objective)
      : model(golden.options, inputs<Real>(golden.parameters("param0/"))), golden_(golden), objective_(objective) {
    for (const Real& value : model.values) state_.push_back({value, Real(0), Real(0), Real(0)});
  }

  /// Leaves loss and gradients before the step in `model`, and the parameters after it. `update` is adam_update or
  /// adam_update_torch11.
  template <class Update>
  void step(Update update) {
    run(model, golden_step(golden_, step_++ % 3, objective_));
    const auto constants = golden_.file.values<double>("meta/adam_lr_beta1_beta2_eps");
    const auto scalars = adam_step_scalars<Real>(constants[0], constants[1], constants[2], step_);
    for (const Parameter& p : model.layout.parameters()) {
      if (p.group == ParameterGroup::attention && golden_.options.attention != AttentionKind::learned) continue;
      const AdamHyperOf<Real> hyper = hyper_of(p.group, constants);
      for (int64_t i = p.offset; i < p.offset + p.size; ++i) {
        update(state_[i], model.gradients[i], hyper, scalars);
        model.values[i] = state_[i].parameter;
      }
    }
  }

  ReferenceModel<Real> model;

 private:
  AdamHyperOf<Real> hyper_of(ParameterGroup group, const std::vector<double>& constants) const {
    const auto decay = golden_.file.values<double>("meta/weight_decay_encoder_decoder_attention");
    const double of_group = group == ParameterGroup::attention ? decay[2]
                            : group == ParameterGroup::output  ? decay[1]
                                                               : decay[0];
    return {.beta1 = Real(constants[1]),
            .beta2 = Real(constants[2]),
            .epsilon = Real(constants[3]),
            .one_minus_beta1 = Real(1 - constants[1]),
            .one_minus_beta2 = Real(1 - constants[2]),
            .decay = Real(of_group)};
  }

  const GoldenFile& golden_;
  Objective objective_;
  std::vector<AdamElement<Real>> state_;
  int step_ = 0;
};

}  // namespace notnot::test
