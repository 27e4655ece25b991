#pragma once
// Small trainings on the CPU for the suites of this folder: what runs on the host is tested on one backend
// (tests/backends/model_test.cpp has the others).
#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/data/dataset.h"
#include "kernels/base/device.h"
#include "models/training.h"

namespace notnot {

inline constexpr int32_t kTrain = 70, kBatch = 16, kBatches = 5;

/// Texts of 1 to 9 words. Two of seven are positive, so that class 1 weighs 2.5: 50 training texts of class 0, 20 of
/// class 1. "w0" and "w1" tell a text's class in three of four texts.
inline std::vector<LabelledText> unbalanced_texts() {
  std::vector<LabelledText> texts;
  uint32_t state = 1;
  const auto draw = [&state](uint32_t below) {
    state = state * 1664525 + 1013904223;
    return (state >> 16) % below;
  };
  for (const SplitName split : kSplitNames) {
    for (int32_t i = 0; i < (split == SplitName::train ? kTrain : 21); ++i) {
      const int32_t label = i % 7 < 2 ? 1 : 0;
      const uint32_t telling = draw(4) == 0 ? 1 - label : label;
      std::string words = fmt::format("w{}", telling);
      for (uint32_t n = draw(9); n > 0; --n) words += fmt::format(" w{}", 2 + draw(10));
      texts.push_back({words, label, split, static_cast<int64_t>(texts.size()) + 1});
    }
  }
  return texts;
}

inline Dataset unbalanced_corpus() { return make_dataset("unbalanced", unbalanced_texts(), {}); }

inline constexpr double kPositiveWeight = 2.5;

inline ModelOptions small_model(const Dataset& data, Encoder encoder = Encoder::lstm,
                                AttentionKind attention = AttentionKind::learned) {
  return {.encoder = encoder, .attention = attention, .vocabulary = data.vocabulary.size(), .embed = 4, .hidden = 3};
}

/// None of these is a default, so that an option that does not arrive changes the result.
inline TrainingRequest request_of(const Dataset& data, const ModelOptions& model) {
  return {.dataset = &data,
          .model = model,
          .training = {.seed = 3,
                       .epochs = 4,
                       .batch_size = kBatch,
                       .select = SplitName::dev,
                       .optimiser = {.learning_rate = 0.02, .beta1 = 0.8, .beta2 = 0.99, .weight_decay = 1e-3}},
          .initial_parameters = initial_parameters(ParameterLayout(model), 3, {}),
          .config = {{"choices", 1}},
          .resume = true};
}

/// Another model's outputs on every text: of a base model with random parameters.
inline Targets random_targets(const Dataset& data, uint64_t seed) {
  const ModelOptions options = small_model(data);
  AttentionClassifier model(open_cpu(1), options,
                            training_plan(open_cpu(1), data, {.batch_size = kBatch, .optimiser = {}}));
  model.allocate();
  model.set_parameters(initial_parameters(model.layout(), seed, {}));
  Targets targets;
  for (const SplitName name : kSplitNames) {
    SplitPredictions predictions = predict_split(model, data.split(name), 1);
    targets[name] = {std::move(predictions.log_attention), std::move(predictions.probability)};
  }
  return targets;
}

inline TrainingRequest adversary_of(const Dataset& data, const Targets& targets) {
  TrainingRequest request = request_of(data, small_model(data));
  request.targets = &targets;
  request.training.objective = Objective::adversary;
  request.training.lambda = 0.03;
  request.training.tvd_factor = 1;
  return request;
}

/// Calls `after_batch` after every batch; stops the training when that returns true.
class Watcher : public TrainingMonitor {
 public:
  using AfterBatch = std::function<bool(int32_t epoch, int32_t batch)>;
  explicit Watcher(AfterBatch after_batch = nullptr) : after_batch_(std::move(after_batch)) {}
  void batch_done(int32_t epoch, int32_t batch, int32_t batches) override {
    CHECK(batches == kBatches);
    stop_ = after_batch_ && after_batch_(epoch, batch);
  }
  void epoch_done(const EpochMetrics& metrics, bool is_best) override {
    epochs.push_back(metrics.epoch);
    best.push_back(is_best);
  }
  bool stop_requested() override { return stop_; }

  std::vector<int32_t> epochs;
  std::vector<bool> best;  ///< whether each was the best so far

 private:
  AfterBatch after_batch_;
  bool stop_ = false;
};

inline RunResult train_to_the_end(const TrainingRequest& request, const RunFolder& folder) {
  RunWriter writer(folder);
  Watcher watcher;
  return train(open_cpu(1), request, writer, watcher);
}

}  // namespace notnot
