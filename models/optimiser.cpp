#include "models/optimiser.h"

namespace notnot {

Optimiser::Optimiser(const Device& device, const ModelOptions& model, const OptimiserOptions& options)
    : device_(device), model_(model), options_(options), layout_(model) {}

void Optimiser::plan(Arena& arena, int64_t steps) {
  arena.add("optimiser", "gradients", {layout_.total() - layout_.encoder_begin()}, &gradients_);
  arena.add("optimiser", "first_moment", {layout_.total()}, &first_moment_);
  arena.add("optimiser", "second_moment", {layout_.total()}, &second_moment_);
  arena.add("optimiser", "largest_second_moment", {layout_.total()}, &largest_second_moment_);
  arena.add("optimiser", "last_step", {model_.vocabulary}, &last_step_);
  arena.add("optimiser", "completed steps", {1}, &completed_);
  arena.add("optimiser", "step scalars", {steps}, &scalars_);
}

void Optimiser::start(Span<float> parameters) {
  parameters_ = parameters;
  std::vector<AdamStepScalars> scalars;
  for (int64_t step = 1; step <= scalars_.size; ++step) {
    scalars.push_back(adam_step_scalars<float>(options_.learning_rate, options_.beta1, options_.beta2, step));
  }
  copy_to_device(device_, scalars_.data, scalars.data(), scalars.size() * sizeof(AdamStepScalars));
}

// --- steps -----------------------------------------------------------------------------------------------------------

AdamHyper Optimiser::hyper(double decay) const {
  return {.beta1 = static_cast<float>(options_.beta1),
          .beta2 = static_cast<float>(options_.beta2),
          .epsilon = static_cast<float>(options_.epsilon),
          .one_minus_beta1 = static_cast<float>(1 - options_.beta1),
          .one_minus_beta2 = static_cast<float>(1 - options_.beta2),
          .decay = static_cast<float>(decay)};
}

void Optimiser::count_step() {
  NOTNOT_CHECK(step_ < scalars_.size, "step {} exceeds the {} steps that this model was planned for", step_ + 1,
               scalars_.size);
  ++step_;
}

void Optimiser::enqueue_rows_step(const Device& device, Span<const int32_t> completed, Span<const int32_t> ids,
                                  Span<const float> row_gradients) {
  adam_rows_step(device, {.state = embedding_rows(completed),
                          .count = static_cast<int32_t>(ids.size),
                          .ids = ids,
                          .gradients = row_gradients});
}

void Optimiser::enqueue_encoder_step(const Device& device, Span<const int32_t> completed) {
  step_range(device, completed, layout_.encoder_begin(), layout_.attention_begin(), options_.weight_decay);
}

void Optimiser::enqueue_attention_step(const Device& device, Span<const int32_t> completed) {
  if (model_.attention != AttentionKind::learned) return;
  step_range(device, completed, layout_.attention_begin(), layout_.total(), 0.0);
}

void Optimiser::step_range(const Device& device, Span<const int32_t> completed, int64_t begin, int64_t end,
                           double decay) {
  adam_step(device, {.hyper = hyper(decay),
                     .scalars = scalars_,
                     .completed = completed,
                     .gradient = gradients_.subspan(begin - layout_.encoder_begin(), end - begin),
                     .parameter = parameters_.subspan(begin, end - begin),
                     .first_moment = first_moment_.subspan(begin, end - begin),
                     .second_moment = second_moment_.subspan(begin, end - begin),
                     .largest_second_moment = largest_second_moment_.subspan(begin, end - begin)});
}

// --- embedding rows --------------------------------------------------------------------------------------------------

AdamRows Optimiser::embedding_rows(Span<const int32_t> completed) const {
  const int64_t size = layout_.embedding_size();
  return {.hyper = hyper(options_.weight_decay),
          .rows = model_.vocabulary,
          .columns = model_.embed,
          .parameter = parameters_.subspan(0, size),
          .first_moment = first_moment_.subspan(0, size),
          .second_moment = second_moment_.subspan(0, size),
          .largest_second_moment = largest_second_moment_.subspan(0, size),
          .last_step = last_step_,
          .scalars = scalars_,
          .completed = completed};
}

void Optimiser::replay_rows(Span<const int32_t> completed, Span<const int32_t> ids) {
  adam_rows_replay(device_, {.state = embedding_rows(completed), .count = static_cast<int32_t>(ids.size), .ids = ids});
}

void Optimiser::replay_all_rows() {
  if (step_ == 0) return;
  const auto step = static_cast<int32_t>(step_);
  copy_to_device(device_, completed_.data, &step, sizeof step);
  adam_rows_replay(device_, {.state = embedding_rows(completed_), .count = 0, .ids = {}});
}

void Optimiser::mark_rows_current() {
  const std::vector<int32_t> steps(last_step_.size, static_cast<int32_t>(step_));
  copy_to_device(device_, last_step_.data, steps.data(), steps.size() * sizeof(int32_t));
}

// --- checkpoints -----------------------------------------------------------------------------------------------------

OptimiserState Optimiser::state() const {
  return {step_, to_host(device_, first_moment_), to_host(device_, second_moment_),
          to_host(device_, largest_second_moment_)};
}

void Optimiser::set_state(const OptimiserState& state) {
  const auto upload = [&](const Span<float>& to, const std::vector<float>& from) {
    NOTNOT_CHECK(static_cast<int64_t>(from.size()) == to.size, "an optimiser state of {} values for {}", from.size(),
                 to.size);
    copy_to_device(device_, to.data, from.data(), from.size() * sizeof(float));
  };
  upload(first_moment_, state.first_moment);
  upload(second_moment_, state.second_moment);
  upload(largest_second_moment_, state.largest_second_moment);
  step_ = state.step;
  mark_rows_current();
}

}  // namespace notnot
