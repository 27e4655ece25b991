// `train` against the published protocol in its plainest form, batch after batch and text by text.
#include "models/training.h"

#include <doctest/doctest.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "engine/data/batches.h"
#include "engine/io/files.h"
#include "models/guide_controls.h"
#include "tests/models/small_training.h"
#include "tests/support/temporary_folder.h"

namespace notnot {
namespace {

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
  AttentionClassifier model(open_cpu(1), request.model, training_plan(open_cpu(1), data, options), options.optimiser);
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
    const double tokens = metrics[e].tokens_per_second * metrics[e].train_seconds;
    CHECK(tokens == doctest::Approx(request.dataset->split(SplitName::train).token_ids.size()));
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
  const std::string predictions = read_file(run.predictions_path());
  const Split& test = request.dataset->split(SplitName::test);
  CHECK(std::count(predictions.begin(), predictions.end(), '\n') == test.size());
  for (const int64_t row : test.rows) CHECK(predictions.find(fmt::format(": {},", row)) != std::string::npos);
}

std::vector<double> scores_of(const std::vector<PlainEpoch>& epochs, SplitName split) {
  std::vector<double> scores;
  scores.reserve(epochs.size());
  for (const PlainEpoch& epoch : epochs) scores.push_back(epoch.evaluation[split].roc_auc);
  return scores;
}

std::vector<double> negative_losses(const std::vector<PlainEpoch>& epochs) {
  std::vector<double> scores;
  scores.reserve(epochs.size());
  for (const PlainEpoch& epoch : epochs) scores.push_back(-epoch.batch_losses);
  return scores;
}

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

TEST_CASE(
    "changed copies of the test texts are predicted by the model of the chosen epoch, and with the guide's attention") {
  const Dataset data = unbalanced_corpus();
  const Split& test = data.split(SplitName::test);
  AblatedTexts ablated{.without_evidence = test, .without_others = test};
  std::vector<int32_t> ids = test.token_ids;
  for (int32_t text = 0; text < test.size(); ++text) ids[test.offsets[text] + 1] = kFirstWordId;
  ablated.without_evidence.token_ids = ids;
  const Targets targets = random_targets(data, 5);
  for (const AttentionKind attention : {AttentionKind::learned, AttentionKind::given}) {
    const bool guided = attention == AttentionKind::given;
    TrainingRequest request = request_of(data, small_model(data, guided ? Encoder::tokens : Encoder::lstm, attention));
    if (guided) request.targets = &targets;
    request.ablated = &ablated;
    const TemporaryFolder folder;
    const RunFolder run(folder.path(), "run");
    (void)train_to_the_end(request, run);
    AttentionClassifier model(open_cpu(1), request.model, prediction_plan(open_cpu(1), test));
    model.allocate();
    model.set_parameters(load_parameters(ParameterLayout(request.model), run.model_path()));
    const TextTargets* given = guided ? &targets.test : nullptr;
    const std::optional<Ablation> found = run.ablation();
    REQUIRE(found);
    CHECK(found->without_evidence == evaluate(model, ablated.without_evidence, given).probability);
    CHECK(found->without_others == run.attention(SplitName::test).probability);
    CHECK(found->without_evidence != found->without_others);
    request.ablated = nullptr;
    const RunFolder plain(folder.path(), "plain");
    (void)train_to_the_end(request, plain);
    CHECK_FALSE(plain.ablation());
  }
}

TEST_CASE("a guided model is tried with other weights than its guide's, and no other model is") {
  const Dataset data = unbalanced_corpus();
  const Split& test = data.split(SplitName::test);
  const Targets targets = random_targets(data, 5);
  for (const AttentionKind attention : {AttentionKind::learned, AttentionKind::given}) {
    TrainingRequest request = request_of(data, small_model(data, Encoder::tokens, attention));
    if (attention == AttentionKind::given) request.targets = &targets;
    const TemporaryFolder folder;
    const RunFolder run(folder.path(), "run");
    (void)train_to_the_end(request, run);
    const std::optional<GuideControls> found = run.guide_controls();
    CHECK(found.has_value() == (attention == AttentionKind::given));
    if (!found) continue;
    AttentionClassifier model(open_cpu(1), request.model, prediction_plan(open_cpu(1), test));
    model.allocate();
    model.set_parameters(load_parameters(ParameterLayout(request.model), run.model_path()));
    const TextTargets permuted{permuted_within_texts(targets.test.log_attention, test, request.training.seed), {}};
    CHECK(found->permuted_weights == evaluate(model, test, &permuted).probability);
    const TextTargets equal{equal_within_texts(test), {}};
    CHECK(found->equal_weights == evaluate(model, test, &equal).probability);
    CHECK(found->permuted_weights != run.attention(SplitName::test).probability);
    CHECK(found->equal_weights != found->permuted_weights);
  }
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

TEST_CASE("a loss that is not finite names the rows of the batch's texts") {
  const Dataset data = unbalanced_corpus();
  TrainingRequest request = request_of(data, small_model(data));
  request.initial_parameters.back() = std::numeric_limits<float>::quiet_NaN();  // of the attention: the first batch
  std::vector<int64_t> rows;
  const auto batches = training_batches(data.split(SplitName::train), kBatch, 3, 1);
  for (const int32_t text : batches.front()) rows.push_back(text + 1);  // the training texts stand first
  const TemporaryFolder folder;
  CHECK_THROWS_WITH_AS(train_to_the_end(request, RunFolder(folder.path(), "run")),
                       doctest::Contains(fmt::format("training texts of rows {})", fmt::join(rows, ", ")).c_str()),
                       Error);
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
  const auto batches = prediction_batches(open_cpu(1), split);
  REQUIRE(batches.size() > 5);
  REQUIRE(batches.front().size() != batches.back().size());
  AttentionClassifier model(open_cpu(1), small_model(data), prediction_plan(open_cpu(1), split));
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

}  // namespace notnot
