// `train` against the published protocol in its plainest form, batch after batch and text by text, and against crashes:
// every field of a checkpoint counts, and a write that fails anywhere costs nothing but time. One backend is enough:
// what is tested here runs on the host (tests/backends/model_test.cpp has the devices).
#include "models/training.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/data/batches.h"
#include "engine/io/files.h"
#include "kernels/base/device.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

namespace notnot {
namespace {

constexpr int32_t kTrain = 70, kBatch = 16, kBatches = 5;

/// Texts of 1 to 9 words. Two of seven are positive, so that class 1 weighs 2.5: 50 training texts of class 0, 20 of
/// class 1. "w0" and "w1" tell a text's class in three of four texts.
Dataset unbalanced_corpus() {
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
  return make_dataset("unbalanced", texts, {});
}

constexpr double kPositiveWeight = 2.5;

ModelOptions small_model(const Dataset& data, Encoder encoder = Encoder::lstm,
                         AttentionKind attention = AttentionKind::learned) {
  return {.encoder = encoder, .attention = attention, .vocabulary = data.vocabulary.size(), .embed = 4, .hidden = 3};
}

/// None of these is a default, so that an option that does not arrive changes the result.
TrainingRequest request_of(const Dataset& data, const ModelOptions& model) {
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
Targets random_targets(const Dataset& data, uint64_t seed) {
  const ModelOptions options = small_model(data);
  AttentionClassifier model(open_cpu(1), options, training_plan(data, {.batch_size = kBatch, .optimiser = {}}));
  model.allocate();
  model.set_parameters(initial_parameters(model.layout(), seed, {}));
  Targets targets;
  for (const SplitName name : kSplitNames) {
    SplitPredictions predictions = predict_split(model, data.split(name), 1);
    targets[name] = {std::move(predictions.log_attention), std::move(predictions.probability)};
  }
  return targets;
}

TrainingRequest adversary_of(const Dataset& data, const Targets& targets) {
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

RunResult train_to_the_end(const TrainingRequest& request, const RunFolder& folder) {
  RunWriter writer(folder);
  Watcher watcher;
  return train(open_cpu(1), request, writer, watcher);
}

// --- the plain form

/// What the targets say about the texts of a batch.
BatchTargets targets_of(const Split& split, const HostBatch& batch, const TextTargets& targets, AttentionKind kind) {
  BatchTargets result;
  for (const int32_t text : batch.texts) {
    for (int64_t n = split.offsets[text]; n < split.offsets[text + 1]; ++n) {
      (kind == AttentionKind::given ? result.given_log_attention : result.base_log_attention)
          .push_back(targets.log_attention[n]);
    }
    if (kind != AttentionKind::given) result.base_probability.push_back(targets.probability[text]);
  }
  return result;
}

struct Evaluation {
  std::vector<float> probability;
  double loss = 0, roc_auc = 0, accuracy = 0;
};

/// One text at a time. The loss is the mean of w (softplus(z) - y z); ROC-AUC counts the pairs of classes.
Evaluation evaluate(AttentionClassifier& model, const Split& split, const TextTargets* given) {
  Evaluation result;
  for (int32_t text = 0; text < split.size(); ++text) {
    const HostBatch batch = assemble_batch(split, {text}, model.options().vocabulary);
    const auto predictions = model.predict(
        batch, given == nullptr ? BatchTargets{} : targets_of(split, batch, *given, AttentionKind::given));
    const double logit = predictions.logit.at(0);
    result.probability.push_back(predictions.probability.at(0));
    const int32_t label = split.labels[text];
    result.accuracy += ((logit > 0) == (label == 1) ? 1.0 : 0.0) / split.size();
    result.loss += (label == 1 ? kPositiveWeight : 1) * (std::log1p(std::exp(logit)) - label * logit) / split.size();
  }
  double won = 0, pairs = 0;
  for (int32_t a = 0; a < split.size(); ++a) {
    for (int32_t b = 0; b < split.size(); ++b) {
      if (split.labels[a] != 1 || split.labels[b] != 0) continue;
      const float p = result.probability[a], q = result.probability[b];
      won += p > q ? 1 : p == q ? 0.5 : 0;
      ++pairs;
    }
  }
  result.roc_auc = won / pairs;
  return result;
}

struct PlainEpoch {
  double batch_losses = 0;  ///< their sum while the epoch trained
  BySplit<Evaluation> evaluation;
  std::vector<float> parameters;
};

/// Every epoch of the request, also those that patience would leave out.
std::vector<PlainEpoch> plain_training(const TrainingRequest& request) {
  const Dataset& data = *request.dataset;
  const TrainingOptions& options = request.training;
  const AttentionKind kind = request.model.attention;
  AttentionClassifier model(open_cpu(1), request.model, training_plan(data, options), options.optimiser);
  model.allocate();
  model.set_parameters(request.initial_parameters);
  std::vector<PlainEpoch> epochs;
  for (int32_t epoch = 1; epoch <= options.epochs; ++epoch) {
    PlainEpoch result;
    const Split& split = data.split(SplitName::train);
    for (const auto& texts : training_batches(split, options.batch_size, options.seed, epoch)) {
      const HostBatch batch = assemble_batch(split, texts, request.model.vocabulary);
      result.batch_losses += model.compute_gradients(
          batch,
          {.objective = options.objective,
           .positive_weight = kPositiveWeight,
           .tvd_factor = options.tvd_factor,
           .lambda = options.lambda},
          request.targets == nullptr ? BatchTargets{} : targets_of(split, batch, request.targets->train, kind));
      model.apply_gradients();
    }
    for (const SplitName name : kSplitNames) {
      const TextTargets* given = kind == AttentionKind::given ? &(*request.targets)[name] : nullptr;
      result.evaluation[name] = evaluate(model, data.split(name), given);
    }
    result.parameters = model.parameters();
    epochs.push_back(std::move(result));
  }
  return epochs;
}

/// The first epoch, counted from 1, with the largest score.
int32_t first_best(const std::vector<double>& scores) {
  return static_cast<int32_t>(std::max_element(scores.begin(), scores.end()) - scores.begin()) + 1;
}

/// metrics.csv has nine digits.
bool same_digits(double a, double b) { return std::fabs(a - b) <= 1e-8 * std::max(std::fabs(a), std::fabs(b)); }

/// Trains the request and compares the files of the run with the plain form's epochs, of which `chosen` is kept.
void check_run(const TrainingRequest& request, const std::vector<PlainEpoch>& plain, int32_t chosen) {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "run");
  const bool adversary = request.training.objective == Objective::adversary;
  const RunResult result = train_to_the_end(request, run);
  CHECK(result.epoch == chosen);
  CHECK(result.selected_on == (adversary ? "train loss" : to_string(request.training.select)));
  const PlainEpoch& best = plain.at(chosen - 1);
  CHECK(load_parameters(ParameterLayout(request.model), run.model_path()) == best.parameters);
  const std::vector<EpochMetrics> metrics = run.metrics();
  REQUIRE(metrics.size() == plain.size());
  for (size_t e = 0; e < metrics.size(); ++e) {
    CAPTURE(e);
    CHECK(metrics[e].epoch == static_cast<int32_t>(e) + 1);
    for (const SplitName name : kSplitNames) {
      CAPTURE(to_string(name));
      const Evaluation& expected = plain[e].evaluation[name];
      if (adversary && name == SplitName::train) {
        CHECK(same_digits(metrics[e].loss.train, plain[e].batch_losses / kTrain));
        continue;
      }
      CHECK(same_digits(metrics[e].loss[name], expected.loss));
      CHECK(same_digits(metrics[e].split[name].roc_auc, expected.roc_auc));
      CHECK(same_digits(metrics[e].split[name].accuracy, expected.accuracy));
    }
  }
  for (const SplitName name : kSplitNames) {
    CHECK(run.attention(name).probability == best.evaluation[name].probability);
    CHECK(run.result().split[name].roc_auc == doctest::Approx(best.evaluation[name].roc_auc));
  }
}

std::vector<double> scores_of(const std::vector<PlainEpoch>& epochs, SplitName split) {
  std::vector<double> scores;
  for (const PlainEpoch& epoch : epochs) scores.push_back(epoch.evaluation[split].roc_auc);
  return scores;
}

std::vector<double> negative_losses(const std::vector<PlainEpoch>& epochs) {
  std::vector<double> scores;
  for (const PlainEpoch& epoch : epochs) scores.push_back(-epoch.batch_losses);
  return scores;
}

// --- what a run left

/// Everything of a run that does not measure time.
struct Left {
  std::string checkpoint, model, result, predictions;
  std::vector<double> numbers;  ///< of metrics.csv, -1 for NaN
  bool operator==(const Left&) const = default;
};

Left left_by(const RunFolder& run) {
  Left left{.checkpoint = read_file(run.checkpoint_path()),
            .model = read_file(run.model_path()),
            .result = read_file(run.result_path()),
            .predictions = read_file(run.predictions_path()),
            .numbers = {}};
  for (const EpochMetrics& epoch : run.metrics()) {
    left.numbers.push_back(epoch.epoch);
    for (const SplitName name : kSplitNames) {
      const Classification& c = epoch.split[name];
      for (const double value : {epoch.loss[name], c.f1, c.accuracy, c.roc_auc, c.average_precision})
        left.numbers.push_back(std::isnan(value) ? -1 : value);
    }
  }
  return left;
}

/// Trains until the batch of the epoch is done, and leaves a checkpoint.
void interrupt_after(const TrainingRequest& request, const RunFolder& folder, int32_t epoch, int32_t batch) {
  RunWriter writer(folder);
  Watcher watcher([=](int32_t e, int32_t b) { return e == epoch && b == batch; });
  CHECK_THROWS_AS(train(open_cpu(1), request, writer, watcher), Interrupted);
  REQUIRE(folder.state() == RunState::resumable);
}

/// Writes the safetensors file again, without the tensor or with other values for it.
void rewrite_tensor(const std::filesystem::path& path, const std::string& name, bool drop,
                    const std::function<double(double)>& change = nullptr) {
  std::map<std::string, std::vector<float>> f32;
  std::map<std::string, std::vector<double>> f64;
  std::map<std::string, std::vector<int32_t>> i32;
  std::map<std::string, std::vector<int64_t>> i64;
  std::vector<TensorView> tensors;
  {
    const Safetensors file = Safetensors::read(path);
    const auto take = [&]<class T>(std::map<std::string, std::vector<T>>& into, const std::string& tensor) {
      into[tensor] = file.values<T>(tensor);
      if (tensor == name) {
        for (T& value : into[tensor]) value = static_cast<T>(change(static_cast<double>(value)));
      }
      tensors.push_back({tensor, file.entry(tensor).dtype, file.entry(tensor).shape, into[tensor].data()});
    };
    for (const auto& entry : file.entries()) {
      if (drop && entry.first == name) continue;
      switch (entry.second.dtype) {
        case DType::f32:
          take(f32, entry.first);
          break;
        case DType::f64:
          take(f64, entry.first);
          break;
        case DType::i32:
          take(i32, entry.first);
          break;
        case DType::i64:
          take(i64, entry.first);
          break;
      }
    }
  }
  write_safetensors(path, tensors);
}

/// Copies the interrupted run, changes its checkpoint and resumes it.
class Resumed {
 public:
  Resumed(const TemporaryFolder& folder, const RunFolder& interrupted, int number)
      : run_(folder.path(), fmt::format("copy{}", number)) {
    std::filesystem::copy(interrupted.path(), run_.path());
  }
  const RunFolder& run() const { return run_; }
  void finish(const TrainingRequest& request) const { train_to_the_end(request, run_); }

 private:
  RunFolder run_;
};

}  // namespace

TEST_CASE("a training is its batches one after the other, and keeps the best epoch of the chosen split") {
  const Dataset data = unbalanced_corpus();
  CHECK(data.positive_weight() == kPositiveWeight);
  TrainingRequest request = request_of(data, small_model(data));
  const std::vector<PlainEpoch> plain = plain_training(request);
  const int32_t by_dev = first_best(scores_of(plain, SplitName::dev)),
                by_test = first_best(scores_of(plain, SplitName::test));
  CHECK(by_dev != by_test);  // or the choice of the split shows nothing
  check_run(request, plain, by_dev);
  request.training.select = SplitName::test;
  check_run(request, plain, by_test);
}

TEST_CASE("models of tokens and with uniform attention are trained alike") {
  const Dataset data = unbalanced_corpus();
  for (const auto& model :
       {small_model(data, Encoder::tokens), small_model(data, Encoder::lstm, AttentionKind::uniform)}) {
    const TrainingRequest request = request_of(data, model);
    const std::vector<PlainEpoch> plain = plain_training(request);
    check_run(request, plain, first_best(scores_of(plain, SplitName::dev)));
  }
}

TEST_CASE("a guided model is trained and evaluated with the guide's attention of each split") {
  const Dataset data = unbalanced_corpus();
  const Targets targets = random_targets(data, 5);
  TrainingRequest request = request_of(data, small_model(data, Encoder::tokens, AttentionKind::given));
  request.targets = &targets;
  const std::vector<PlainEpoch> plain = plain_training(request);
  check_run(request, plain, first_best(scores_of(plain, SplitName::dev)));
}

TEST_CASE("an adversary's epochs each have a loss of their own, and the lowest is kept") {
  const Dataset data = unbalanced_corpus();
  const Targets targets = random_targets(data, 4);
  const TrainingRequest request = adversary_of(data, targets);
  const std::vector<PlainEpoch> plain = plain_training(request);
  const int32_t chosen = first_best(negative_losses(plain));
  CHECK(chosen > 1);  // with losses that add up the first would be the lowest
  check_run(request, plain, chosen);
}

TEST_CASE("an adversary's patience counts the epochs since the lowest loss") {
  // At a learning rate of 0 the losses of the epochs differ by their batches only: up and down at random.
  const Dataset data = unbalanced_corpus();
  const Targets targets = random_targets(data, 4);
  TrainingRequest request = adversary_of(data, targets);
  request.training.optimiser.learning_rate = 0;
  request.training.epochs = 14;
  const std::vector<double> scores = negative_losses(plain_training(request));
  for (const int32_t patience : {1, 2, 3, 4}) {
    request.training.patience = patience;
    int32_t best = 1, last = 1;
    while (last < request.training.epochs && last - best < patience) {
      ++last;
      if (scores[last - 1] > scores[best - 1]) best = last;
    }
    CAPTURE(patience);
    const TemporaryFolder folder;
    const RunFolder run(folder.path(), "run");
    CHECK(train_to_the_end(request, run).epoch == best);
    CHECK(run.metrics().size() == static_cast<size_t>(last));
  }
}

TEST_CASE("a classifier trains all of its epochs, and of equal ones the first is kept") {
  const Dataset data = unbalanced_corpus();
  TrainingRequest request = request_of(data, small_model(data));
  request.training.optimiser.learning_rate = 0;
  request.training.patience = 1;  // an adversary's
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "run");
  CHECK(train_to_the_end(request, run).epoch == 1);
  CHECK(run.metrics().size() == 4);
}

TEST_CASE("the monitor hears of every batch and every epoch, and which epoch is better than all before") {
  const Dataset data = unbalanced_corpus();
  TrainingRequest request = request_of(data, small_model(data));
  request.training.epochs = 6;
  const std::vector<double> scores = scores_of(plain_training(request), SplitName::dev);
  std::vector<bool> best;
  for (size_t e = 0; e < scores.size(); ++e)
    best.push_back(e == 0 || scores[e] > *std::max_element(scores.begin(), scores.begin() + e));
  std::vector<std::pair<int32_t, int32_t>> heard, expected;
  for (int32_t epoch = 1; epoch <= 6; ++epoch) {
    for (int32_t batch = 1; batch <= kBatches; ++batch) expected.emplace_back(epoch, batch);
  }
  const TemporaryFolder folder;
  RunWriter writer(RunFolder(folder.path(), "run"));
  Watcher watcher([&](int32_t epoch, int32_t batch) {
    heard.emplace_back(epoch, batch);
    return false;
  });
  train(open_cpu(1), request, writer, watcher);
  CHECK(heard == expected);
  CHECK(watcher.epochs == std::vector<int32_t>{1, 2, 3, 4, 5, 6});
  CHECK(watcher.best == best);
  CHECK(std::count(best.begin(), best.end(), false) > 0);  // or this shows nothing
}

TEST_CASE("the loss of an evaluation is the mean over texts, however they fall into batches") {
  // Texts of 1000 to 1700 words: eight batches or more, of different sizes.
  std::vector<LabelledText> texts;
  for (const SplitName split : kSplitNames) {
    for (int32_t i = 0; i < 42; ++i) {
      std::string words = fmt::format("w{}", i % 3);
      if (split == SplitName::test) {
        for (int n = 0; n < 1000 + 17 * i; ++n) words += fmt::format(" w{}", (n * n + i) % 7);
      }
      texts.push_back({words, i % 7 < 2 ? 1 : 0, split, i + 1});
    }
  }
  const Dataset data = make_dataset("long", texts, {});
  const Split& split = data.split(SplitName::test);
  const auto batches = prediction_batches(split);
  REQUIRE(batches.size() > 5);
  REQUIRE(batches.front().size() != batches.back().size());
  AttentionClassifier model(open_cpu(1), small_model(data), prediction_plan(split));
  model.allocate();
  std::vector<float> parameters = initial_parameters(model.layout(), 3, {});
  const Parameter& output = model.layout().find("decoder.linear_1.weight");
  for (int64_t i = output.offset; i < output.offset + output.size; ++i) parameters[i] *= 20;  // losses that differ
  model.set_parameters(parameters);
  const SplitPredictions together = predict_split(model, split, kPositiveWeight);
  const Evaluation alone = evaluate(model, split, nullptr);
  CHECK(together.loss == doctest::Approx(alone.loss).epsilon(1e-6));
  CHECK(together.probability == alone.probability);
  CHECK(predict_split(model, split, 1).loss < together.loss);
}

TEST_CASE("every tensor of a checkpoint is needed, and every one of them counts") {
  const Dataset data = unbalanced_corpus();
  const Targets targets = random_targets(data, 4);
  TrainingRequest request = adversary_of(data, targets);
  request.training.epochs = 2;
  const TemporaryFolder folder;
  const RunFolder whole(folder.path(), "whole"), interrupted(folder.path(), "interrupted");
  train_to_the_end(request, whole);
  const Left expected = left_by(whole);
  interrupt_after(request, interrupted, 2, 2);
  int number = 0;
  Resumed(folder, interrupted, number).finish(request);
  CHECK(left_by(RunFolder(folder.path(), "copy0")) == expected);
  const Safetensors checkpoint = Safetensors::read(interrupted.checkpoint_path());
  for (const auto& entry : checkpoint.entries()) {
    const std::string& name = entry.first;
    CAPTURE(name);
    const Resumed without(folder, interrupted, ++number);
    rewrite_tensor(without.run().checkpoint_path(), name, /*drop=*/true);
    CHECK_HAS(input_error([&] { without.finish(request); }), name);
    CHECK(without.run().state() == RunState::resumable);
    // The best epoch and its score are those of the last epoch here, whatever stood there before: see the next case.
    if (name.starts_with("best_")) continue;
    const Resumed other(folder, interrupted, ++number);
    const bool whole_number = entry.second.dtype == DType::i32 || entry.second.dtype == DType::i64;
    rewrite_tensor(other.run().checkpoint_path(), name, /*drop=*/false, [&](double value) {
      if (name == "train_seconds") return value + 1000;
      if (name == "step") return value - 1;  // one more would be a step too many for the plan
      return whole_number ? value + 1 : 1.5 * value + 0.01;
    });
    other.finish(request);
    CHECK((left_by(other.run()) == expected) == (name == "train_seconds"));
    CHECK((other.run().metrics().back().train_seconds >= 1000) == (name == "train_seconds"));
  }
  CHECK(number > 50);
}

TEST_CASE("a resumed run knows its best epoch and that epoch's score") {
  // At a learning rate of 0 every epoch has the score of the first, which stays the best.
  const Dataset data = unbalanced_corpus();
  TrainingRequest request = request_of(data, small_model(data));
  request.training.optimiser.learning_rate = 0;
  const TemporaryFolder folder;
  const RunFolder interrupted(folder.path(), "interrupted");
  interrupt_after(request, interrupted, 3, 1);
  const auto chosen = [&](int number, const std::string& name, const std::function<double(double)>& change) {
    const Resumed resumed(folder, interrupted, number);
    if (!name.empty()) rewrite_tensor(resumed.run().checkpoint_path(), name, /*drop=*/false, change);
    resumed.finish(request);
    CHECK(resumed.run().metrics().size() == 4);
    return resumed.run().result().epoch;
  };
  CHECK(chosen(0, "", nullptr) == 1);
  CHECK(chosen(1, "best_epoch", [](double value) { return value + 1; }) == 2);
  CHECK(chosen(2, "best_score", [](double value) { return value - 0.01; }) == 3);
}

namespace {

struct Crash {};

/// Trains until the batch, then dies without a checkpoint: the last one is that of an epoch's end.
void crash_after(const TrainingRequest& request, const RunFolder& folder, int32_t epoch, int32_t batch) {
  RunWriter writer(folder);
  Watcher watcher([=](int32_t e, int32_t b) {
    if (e == epoch && b == batch) throw Crash();
    return false;
  });
  CHECK_THROWS_AS(train(open_cpu(1), request, writer, watcher), Crash);
}

}  // namespace

TEST_CASE("a run that dies goes on from the end of the last epoch, and knows the best one") {
  const Dataset data = unbalanced_corpus();
  const Targets targets = random_targets(data, 4);
  TrainingRequest still = request_of(data, small_model(data)), falling = adversary_of(data, targets);
  still.training.optimiser.learning_rate = 0;  // the first epoch stays the best
  TrainingRequest up_and_down = falling;
  up_and_down.training.optimiser.learning_rate = 0;  // losses that differ by their batches
  for (const TrainingRequest& request : {still, falling, up_and_down}) {
    const TemporaryFolder folder;
    const RunFolder whole(folder.path(), "whole");
    train_to_the_end(request, whole);
    const Left expected = left_by(whole);
    for (int32_t epoch = 1; epoch <= request.training.epochs; ++epoch) {
      CAPTURE(epoch);
      const RunFolder parts(folder.path(), fmt::format("parts{}", epoch));
      crash_after(request, parts, epoch, 2);
      CHECK(parts.state() == (epoch == 1 ? RunState::unfinished : RunState::resumable));
      train_to_the_end(request, parts);
      CHECK(left_by(parts) == expected);
    }
  }
}

TEST_CASE("a run that is interrupted after any batch ends as if it had not been, metrics.csv included") {
  const Dataset data = unbalanced_corpus();
  const Targets targets = random_targets(data, 4);
  for (const bool adversary : {false, true}) {
    const TrainingRequest request = adversary ? adversary_of(data, targets) : request_of(data, small_model(data));
    const TemporaryFolder folder;
    const RunFolder whole(folder.path(), "whole");
    train_to_the_end(request, whole);
    const Left expected = left_by(whole);
    for (int32_t epoch = 1; epoch <= 4; ++epoch) {
      for (const int32_t batch : {2, kBatches}) {
        CAPTURE(epoch);
        CAPTURE(batch);
        const RunFolder parts(folder.path(), fmt::format("parts{}-{}", epoch, batch));
        interrupt_after(request, parts, epoch, batch);
        train_to_the_end(request, parts);
        CHECK(left_by(parts) == expected);
      }
    }
  }
}

namespace {

/// Stands in the place of a file, so that writing it fails, until it is lifted.
class Obstacle {
 public:
  explicit Obstacle(std::filesystem::path file) : file_(std::move(file)) {
    if (std::filesystem::exists(file_)) std::filesystem::rename(file_, saved());
    std::filesystem::create_directories(file_ / "in the way");
  }
  void lift() const {
    std::filesystem::remove_all(file_);
    if (std::filesystem::exists(saved())) std::filesystem::rename(saved(), file_);
  }

 private:
  std::filesystem::path saved() const { return file_.string() + ".saved"; }
  std::filesystem::path file_;
};

/// Trains with the file blocked from the last batch of `epoch` on, which must fail; then to the end without it.
void check_survives(const TrainingRequest& request, const RunFolder& run, const std::filesystem::path& file,
                    int32_t epoch, const Left& expected) {
  CAPTURE(file);
  CAPTURE(epoch);
  std::optional<Obstacle> obstacle;
  {
    RunWriter writer(run);
    Watcher watcher([&](int32_t e, int32_t b) {
      if (e == epoch && b == kBatches) obstacle.emplace(file);
      return false;
    });
    CHECK_HAS(input_error([&] { train(open_cpu(1), request, writer, watcher); }), file.string());
  }
  REQUIRE(obstacle);
  if (file != run.result_path()) CHECK(run.state() != RunState::finished);
  obstacle->lift();
  CHECK(run.state() != RunState::finished);
  train_to_the_end(request, run);
  CHECK(left_by(run) == expected);
}

}  // namespace

TEST_CASE("a write that fails anywhere leaves a run that goes on to the same end") {
  const Dataset data = unbalanced_corpus();
  const Targets targets = random_targets(data, 4);
  const TrainingRequest request = adversary_of(data, targets);
  const TemporaryFolder folder;
  const RunFolder whole(folder.path(), "whole");
  train_to_the_end(request, whole);
  const std::vector<EpochMetrics> metrics = whole.metrics();
  for (size_t e = 1; e < metrics.size(); ++e) REQUIRE(metrics[e].loss.train < metrics[e - 1].loss.train);  // all write
  const Left expected = left_by(whole);
  int number = 0;
  for (int32_t epoch = 1; epoch <= request.training.epochs; ++epoch) {
    const RunFolder a(folder.path(), fmt::format("{}", ++number)), b(folder.path(), fmt::format("{}", ++number)),
        c(folder.path(), fmt::format("{}", ++number));
    check_survives(request, a, a.model_path(), epoch, expected);
    check_survives(request, b, b.metrics_path(), epoch, expected);
    check_survives(request, c, c.checkpoint_path(), epoch, expected);
  }
  std::vector<std::function<std::filesystem::path(const RunFolder&)>> at_the_end = {
      [](const RunFolder& run) { return run.predictions_path(); },
      [](const RunFolder& run) { return run.result_path(); }};
  for (const SplitName name : kSplitNames)
    at_the_end.emplace_back([name](const RunFolder& run) { return run.attention_path(name); });
  for (const auto& file : at_the_end) {
    const RunFolder run(folder.path(), fmt::format("{}", ++number));
    check_survives(request, run, file(run), request.training.epochs, expected);
  }
}

}  // namespace notnot
