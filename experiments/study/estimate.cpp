#include "experiments/study/estimate.h"

#include <algorithm>
#include <chrono>

#include "models/perturbation.h"

namespace notnot {
namespace {

using Clock = std::chrono::steady_clock;

/// How many seconds training is measured for each kind of model; evaluation is measured for as long.
constexpr double kMeasured = 1.0;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// Seconds per token that `use` takes on the batches; stops after all batches or after kMeasured. The first batch is
/// used once before, to warm up.
template <class Use>
double seconds_per_token(const Split& split, const std::vector<std::vector<int32_t>>& batches, int32_t vocabulary,
                         Use use) {
  use(assemble_batch(split, batches.front(), vocabulary));
  int64_t tokens = 0;
  const auto begin = Clock::now();
  for (const auto& texts : batches) {
    check_stop();
    const HostBatch batch = assemble_batch(split, texts, vocabulary);
    use(batch);
    tokens += batch.tokens();
    if (seconds_since(begin) > kMeasured) break;
  }
  return seconds_since(begin) / tokens;
}

/// Made-up attention and probabilities in place of another model's. Their values do not change the time.
BatchTargets some_targets(const HostBatch& batch, AttentionKind kind, Objective objective) {
  const int64_t tokens = batch.tokens();
  BatchTargets targets;
  if (kind == AttentionKind::given) targets.given_log_attention.assign(tokens, -3.0F);
  if (objective == Objective::adversary) {
    targets.base_log_attention.assign(tokens, -3.0F);
    targets.base_probability.assign(batch.sequences(), 0.5F);
  }
  return targets;
}

Split first_texts(const Split& split, int32_t most) {
  const int32_t size = std::min(split.size(), most);
  Split some;
  some.offsets = std::vector<int64_t>(split.offsets.begin(), split.offsets.begin() + size + 1);
  some.token_ids = std::vector<int32_t>(split.token_ids.begin(), split.token_ids.begin() + some.offsets[size]);
  some.labels = std::vector<int32_t>(split.labels.begin(), split.labels.begin() + size);
  some.rows = std::vector<int64_t>(split.rows.begin(), split.rows.begin() + size);
  return some;
}

}  // namespace

Estimator::Estimator(const Inputs& inputs, int threads) : inputs_(inputs), device_(inputs.settings.device, threads) {}

Speed Estimator::measure(const RunSpec& spec) const {
  const Dataset& data = inputs_.corpus.dataset;
  const ModelOptions options = inputs_.model(spec);
  TrainingOptions training = inputs_.training(spec);
  training.epochs = 2;  // the steps of one epoch are measured, and one step before them warms up
  AttentionClassifier model(device_.get(), options, training_plan(device_.get(), data, training), training.optimiser);
  model.allocate();
  model.set_parameters(inputs_.initial_parameters(spec));
  const Split& texts = data.split(SplitName::train);
  const auto train = [&](const HostBatch& batch) {
    model.enqueue_step(batch, {.objective = training.objective, .lambda = training.lambda},
                       some_targets(batch, options.attention, training.objective));
    model.finish_step();
  };
  const auto evaluate = [&](const HostBatch& batch) {
    model.predict(batch, some_targets(batch, options.attention, Objective::classify));
  };
  const auto batches = training_batches(texts, training.batch_size, training.seed, 1);
  const double train_token = seconds_per_token(texts, batches, options.vocabulary, train);
  return {train_token, seconds_per_token(texts, batches, options.vocabulary, evaluate)};
}

const Speed& Estimator::speed(const RunSpec& spec) {
  const ModelOptions options = inputs_.model(spec);
  const auto key = std::pair(options.encoder, options.attention);
  const auto found = speeds_.find(key);
  return found != speeds_.end() ? found->second : speeds_.emplace(key, measure(spec)).first->second;
}

double Estimator::perturbation_seconds(const RunSpec& spec) const {
  const Split& split = inputs_.corpus.dataset.split(SplitName::test);
  const Split some = first_texts(split, 16);
  const ModelOptions options = inputs_.model(spec);
  AttentionClassifier model(device_.get(), options, prediction_plan(device_.get(), some));
  model.allocate();
  model.set_parameters(inputs_.initial_parameters(spec));
  // The first use of a word projects it. A whole split repeats its words, so the projection is not measured.
  predict_split(model, some, 1.0);
  const auto begin = Clock::now();
  perturb_split(model, some, {});
  return seconds_since(begin) * split.token_ids.size() / some.token_ids.size();
}

double Estimator::seconds(const RunSpec& spec) {
  if (spec.kind == RunKind::perturbation) return perturbation_seconds(spec);
  const Dataset& data = inputs_.corpus.dataset;
  const TrainingOptions training = inputs_.training(spec);
  return training_seconds(data, training, speed(spec));
}

Estimate Estimator::estimate(const RunSpec& spec) {
  return explain_out_of_memory(
      [&] { return describe_memory(inputs_, spec, device_.get()); },
      [&] { return Estimate{.seconds = seconds(spec), .memory = memory_need(inputs_, spec, device_.get())}; });
}

}  // namespace notnot
