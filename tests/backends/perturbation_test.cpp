// perturb_split on each backend: its measures agree with the model's contributions, and the bits of a text's result
// depend only on the text.
#include "models/perturbation.h"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

#include "engine/corpora/planted_corpus.h"
#include "engine/data/text_order.h"
#include "engine/io/text.h"
#include "engine/math/random.h"
#include "kernels/base/math.h"
#include "kernels/instance_adversary.h"
#include "models/training.h"
#include "tests/backends/backend.h"
#include "tests/backends/short_texts.h"

namespace notnot {
namespace {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

Dataset small_corpus() { return short_texts(4, 2, 12); }

/// A model with initial parameters, its output layer enlarged so that attention matters.
AttentionClassifier make_model(const Dataset& data, const Split& split) {
  const ModelOptions options = {.vocabulary = data.vocabulary.size(), .embed = 7, .hidden = 5};
  AttentionClassifier model(test_device(), options, prediction_plan(test_device(), split));
  model.allocate();
  std::vector<float> parameters = initial_parameters(model.layout(), 10, {});
  const Parameter& weight = model.layout().find("decoder.linear_1.weight");
  for (int64_t i = 0; i < weight.size; ++i) parameters[weight.offset + i] *= 40;
  model.set_parameters(parameters);
  return model;
}

PerturbationOptions few_steps() {
  return {.seed = 3, .permutations = 11, .adversaries = 3, .steps = 12, .learning_rate = 0.05};
}

/// The log-weights [length] of text i.
std::span<const float> weights_of(const std::vector<float>& log_attention, const Split& split, size_t i) {
  return std::span(log_attention).subspan(split.offsets[i], split.length(i));
}

}  // namespace

TEST_CASE("perturbation: contributions make the logit") {
  const Dataset data = small_corpus();
  const Split& split = data.split(SplitName::test);
  AttentionClassifier model = make_model(data, split);
  const HostBatch batch = assemble_batch(split, {0, 3, 8}, data.vocabulary.size());
  const auto base = model.contributions(batch);
  check_same_bytes(base.predictions.logit, model.predict(batch).logit, "logit");
  for (size_t b = 0; b < 3; ++b) {
    double logit = base.bias;
    for (int32_t n = batch.offsets[b]; n < batch.offsets[b + 1]; ++n) {
      logit += std::exp(double{base.predictions.log_attention[n]}) * base.contribution[n];
    }
    check_close({base.predictions.logit[b]}, {logit}, 1e-5, "logit");
  }
}

TEST_CASE("perturbation: the reported adversary has the measures that are reported with it") {
  const Dataset data = small_corpus();
  const Split& split = data.split(SplitName::test);
  AttentionClassifier model = make_model(data, split);
  const SplitPredictions base = predict_split(model, split, 1);
  const Perturbations result = perturb_split(model, split, few_steps());
  REQUIRE(result.size() == split.size());
  CHECK(result.offsets == std::vector<int64_t>(split.offsets));
  CHECK(result.row == std::vector<int64_t>(split.rows));
  CHECK(result.label == std::vector<int32_t>(split.labels));
  int moved = 0;
  for (size_t i = 0; i < result.row.size(); ++i) {
    const auto adversary = weights_of(result.adversary_log_attention, split, i);
    const auto own = weights_of(base.log_attention, split, i);
    CHECK(result.adversary_jsd[i] == static_cast<float>(jensen_shannon(adversary, own)));
    const double change = std::abs(double{result.adversary_probability[i]} - base.probability[i]);
    CHECK(change <= 0.05);
    CHECK(result.adversary_tvd[i] == static_cast<float>(0.5 * change));
    CHECK(adversary.front() == kMinusInfinity);
    CHECK(adversary.back() == kMinusInfinity);
    CHECK(std::isfinite(result.permutation_change[i]));
    const auto contributions =
        model.contributions(assemble_batch(split, {static_cast<int32_t>(i)}, model.options().vocabulary));
    double logit = contributions.bias;
    for (size_t n = 0; n < adversary.size(); ++n)
      logit += std::exp(double{adversary[n]}) * contributions.contribution[n];
    CHECK(std::abs(sigmoid(logit) - result.adversary_probability[i]) < 1e-5);
    moved += result.adversary_jsd[i] > 0 ? 1 : 0;
    if (split.length(i) > 3) continue;  // one word: nothing can change
    CHECK(result.permutation_change[i] == 0);
    CHECK(result.adversary_jsd[i] == 0);
    CHECK(result.adversary_tvd[i] == 0);
  }
  CHECK(moved > split.size() / 2);
}

TEST_CASE("perturbation: the exact adversary has the measures that are reported with it, and none is farther") {
  const Dataset data = small_corpus();
  const Split& split = data.split(SplitName::test);
  AttentionClassifier model = make_model(data, split);
  const SplitPredictions base = predict_split(model, split, 1);
  for (size_t e = 0; e < kExactEpsilons.size(); ++e) {
    PerturbationOptions options = few_steps();
    options.accepted_change = kExactEpsilons[e];  // of the search, so that it is the same problem
    const Perturbations result = perturb_split(model, split, options);
    const ExactAdversaries& exact = result.exact;
    REQUIRE(exact.epsilon == std::vector<double>(kExactEpsilons.begin(), kExactEpsilons.end()));
    REQUIRE(exact.jsd.size() == kExactEpsilons.size() * split.size());
    for (int32_t text = 0; text < split.size(); ++text) {
      CAPTURE(text);
      const size_t i = e * split.size() + text;
      const auto contributions = model.contributions(assemble_batch(split, {text}, model.options().vocabulary));
      std::vector<float> adversary(split.length(text), kMinusInfinity);
      double logit = contributions.bias;
      for (const size_t k : {2 * i, 2 * i + 1}) {
        if (exact.weight[k] == 0) continue;
        adversary[exact.word[k] + 1] = std::log(exact.weight[k]);  // behind <SOS>
        logit += double{exact.weight[k]} * contributions.contribution[exact.word[k] + 1];
      }
      CHECK(std::abs(sigmoid(logit) - exact.probability[i]) < 1e-5);
      CHECK(std::abs(double{exact.probability[i]} - base.probability[text]) <= kExactEpsilons[e] + 1e-6);
      const double divergence = jensen_shannon(adversary, weights_of(base.log_attention, split, text));
      CHECK(std::abs(divergence - exact.jsd[i]) < 1e-5);
      CHECK(exact.jsd[i] >= result.adversary_jsd[text] - 1e-5);
      if (e > 0) CHECK(exact.jsd[i] >= exact.jsd[i - split.size()] - 1e-6);
      if (split.length(text) == 3) CHECK(exact.jsd[i] == 0);  // one word: nothing can change
    }
  }
}

TEST_CASE("perturbation: the defaults are the published choices") {
  const PerturbationOptions options;
  CHECK(options.permutations == 100);
  CHECK(options.adversaries == 5);
  CHECK(options.steps == 500);
  CHECK(options.learning_rate == 0.01);
  CHECK(options.hinge == 500);
  CHECK(options.tolerance == 0.01);
  CHECK(options.accepted_change == 0.05);
}

TEST_CASE("perturbation: an adversary starts from 3 N(0, 1) for every word, each text and adversary on its own") {
  // Without a step, and with every change accepted, the adversary reported is its start. Its log-weights are the draws
  // less a constant of the text, so their variance within a text is 9.
  const auto corpus = make_planted_corpus({.train = 2, .dev = 2, .test = 100, .min_length = 30, .max_length = 30});
  const Dataset data = make_dataset("planted", corpus, {});
  const Split& split = data.split(SplitName::test);
  AttentionClassifier model = make_model(data, split);
  const Perturbations start =
      perturb_split(model, split, {.seed = 3, .permutations = 1, .adversaries = 1, .steps = 0, .accepted_change = 1});
  double squares = 0, fourths = 0, neighbours = 0, texts_above = 0;
  std::vector<double> above;
  for (size_t i = 0; i < start.row.size(); ++i) {
    const auto weights = weights_of(start.adversary_log_attention, split, i).subspan(1, 30);
    double mean = 0;
    for (const float weight : weights) mean += weight / 30.0;
    std::vector<double> draws;
    for (const float weight : weights) draws.push_back((weight - mean) / std::sqrt(29.0 / 30));
    for (size_t n = 0; n < draws.size(); ++n) {
      squares += draws[n] * draws[n];
      fourths += std::pow(draws[n], 4);
      if (n > 0) neighbours += draws[n] * draws[n - 1];
      if (i > 0) texts_above += draws[n] * above[n];
    }
    above = draws;
  }
  // Number for number: those of this purpose, and of no other. The first token is a boundary.
  const Random random(
      3, Purpose::adversary_start,
      static_cast<uint32_t>(hash_of_content(std::as_bytes(std::span(split.token_ids.begin(), 32))) >> 32));
  const auto first = weights_of(start.adversary_log_attention, split, 0);
  for (uint64_t n = 2; n <= 30; ++n) {
    CHECK(std::abs(first[n] - first[1] - 3 * (random.normal(n) - random.normal(1))) < 1e-4);
  }
  // Of 3000 draws, about five standard errors. The mean of a text, which is taken out, makes neighbours correlate by
  // -1/29, and the fourth moment a little smaller.
  constexpr double kDraws = 3000;
  CHECK(std::abs(squares / kDraws / 9 - 1) < 5 * std::sqrt(2 / kDraws));
  CHECK(std::abs(fourths / kDraws / 81 - 3) < 5 * std::sqrt(96 / kDraws));
  CHECK(std::abs(neighbours / kDraws / 9) < 6 / std::sqrt(kDraws));
  CHECK(std::abs(texts_above / kDraws / 9) < 5 / std::sqrt(kDraws));
}

TEST_CASE("perturbation: of all acceptable adversaries the one with the largest divergence is reported") {
  // Every change is accepted, so each further start can only raise the divergence: over five starts it does for four of
  // five texts, and the first start is the largest for the others.
  const auto corpus = make_planted_corpus({.train = 2, .dev = 2, .test = 40, .min_length = 12, .max_length = 12});
  const Dataset data = make_dataset("planted", corpus, {});
  const Split& split = data.split(SplitName::test);
  AttentionClassifier model = make_model(data, split);
  PerturbationOptions options{.seed = 3, .permutations = 1, .adversaries = 1, .steps = 0, .accepted_change = 1};
  std::vector<float> before(split.size());
  for (options.adversaries = 1; options.adversaries <= 5; ++options.adversaries) {
    const std::vector<float> divergence = perturb_split(model, split, options).adversary_jsd;
    int raised = 0;
    for (size_t i = 0; i < divergence.size(); ++i) {
      CHECK(divergence[i] >= before[i]);
      raised += divergence[i] > before[i] ? 1 : 0;
    }
    // With n starts the last is the largest in one of n texts: at least 8 of 40 are expected.
    CHECK(raised > 0);
    CHECK((raised < 40) == (options.adversaries > 1));
    before = divergence;
  }
}

TEST_CASE("perturbation: where no adversary is acceptable the model's own attention is reported") {
  const Dataset data = small_corpus();
  const Split& split = data.split(SplitName::test);
  AttentionClassifier model = make_model(data, split);
  PerturbationOptions options = few_steps();
  options.accepted_change = -1;
  const SplitPredictions base = predict_split(model, split, 1);
  const Perturbations result = perturb_split(model, split, options);
  check_same_bytes(result.adversary_log_attention, base.log_attention, "log_attention");
  check_same_bytes(result.adversary_probability, base.probability, "probability");
  check_same_bytes(result.adversary_jsd, std::vector<float>(base.probability.size()), "jsd");
  check_same_bytes(result.adversary_tvd, std::vector<float>(base.probability.size()), "tvd");
}

TEST_CASE("perturbation: more adversaries only add choices, and a wider acceptance a larger divergence") {
  const Dataset data = small_corpus();
  const Split& split = data.split(SplitName::test);
  AttentionClassifier model = make_model(data, split);
  PerturbationOptions options = few_steps();
  options.steps = 0;  // the adversaries stay at their starts, and the first start is the same for any number of them
  options.adversaries = 1;
  const Perturbations one = perturb_split(model, split, options);
  options.adversaries = kMaxAdversaries;
  const Perturbations several = perturb_split(model, split, options);
  options.accepted_change = 1;
  const Perturbations any = perturb_split(model, split, options);
  for (size_t i = 0; i < one.row.size(); ++i) {
    CHECK(one.adversary_jsd[i] <= several.adversary_jsd[i]);
    CHECK(several.adversary_jsd[i] <= any.adversary_jsd[i]);
  }
  CHECK(one.adversary_jsd != several.adversary_jsd);
  CHECK(several.adversary_jsd != any.adversary_jsd);
}

TEST_CASE("perturbation: a text's result depends only on the text, bit for bit") {
  const Dataset data = small_corpus();
  const Split& split = data.split(SplitName::test);
  AttentionClassifier model = make_model(data, split);
  const Perturbations whole = perturb_split(model, split, few_steps());
  const std::vector<int32_t> chosen = {7, 2, 11};
  Split few = select_texts(split, chosen);
  few.rows = {1001, 1002, 1003};  // where the texts stand in a file does not matter
  const Perturbations alone = perturb_split(model, few, few_steps());
  for (size_t i = 0; i < chosen.size(); ++i) {
    const int32_t text = chosen[i];
    check_same_bytes<float>(
        {alone.permutation_change[i], alone.adversary_jsd[i], alone.adversary_probability[i]},
        {whole.permutation_change[text], whole.adversary_jsd[text], whole.adversary_probability[text]}, "measures");
    const auto a = weights_of(alone.adversary_log_attention, few, i);
    const auto b = weights_of(whole.adversary_log_attention, split, text);
    check_same_bytes(std::vector<float>(a.begin(), a.end()), std::vector<float>(b.begin(), b.end()), "attention");
  }
  for (size_t e = 0; e < kExactEpsilons.size(); ++e) {
    for (size_t i = 0; i < chosen.size(); ++i) {
      const size_t a = e * chosen.size() + i, b = e * whole.size() + chosen[i];
      check_same_bytes<float>(
          {alone.exact.jsd[a], alone.exact.probability[a], alone.exact.weight[2 * a], alone.exact.weight[2 * a + 1]},
          {whole.exact.jsd[b], whole.exact.probability[b], whole.exact.weight[2 * b], whole.exact.weight[2 * b + 1]},
          "exact adversary");
      CHECK(alone.exact.word[2 * a] == whole.exact.word[2 * b]);
      CHECK(alone.exact.word[2 * a + 1] == whole.exact.word[2 * b + 1]);
    }
  }
  PerturbationOptions other_seed = few_steps();
  other_seed.seed = 4;
  const Perturbations reseeded = perturb_split(model, few, other_seed);
  CHECK(reseeded.adversary_jsd != alone.adversary_jsd);
  CHECK(reseeded.permutation_change != alone.permutation_change);
}

TEST_CASE("perturbation: a model that is not finite is refused") {
  const Dataset data = small_corpus();
  Split split = select_texts(data.split(SplitName::test), {0, 1});
  AttentionClassifier model = make_model(data, split);
  split.rows = {5, 6};
  std::vector<float> parameters = model.parameters();
  parameters[model.layout().find("decoder.linear_1.bias").offset] = std::numeric_limits<float>::quiet_NaN();
  model.set_parameters(parameters);
  CHECK_THROWS_WITH_AS(perturb_split(model, split, few_steps()), doctest::Contains("the text of row 6"), Error);
}

}  // namespace notnot
