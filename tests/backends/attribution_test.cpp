// attribute_split on each backend: what its scores mean, and that the bits of a text's scores depend only on the text.
#include "models/attribution.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "engine/io/stop.h"
#include "engine/math/logistic.h"
#include "models/input_gradients.h"
#include "models/training.h"
#include "tests/backends/backend.h"
#include "tests/backends/short_texts.h"

namespace notnot {
namespace {

constexpr Measure kOfGradients[] = {Measure::input_x_gradient_held, Measure::input_x_gradient,
                                    Measure::gradient_norm_held, Measure::gradient_norm, Measure::integrated_gradients};

Dataset small_corpus() { return short_texts(4, 2, 27); }

ModelOptions options_of(const Dataset& data, Encoder encoder, AttentionKind attention) {
  return {.encoder = encoder, .attention = attention, .vocabulary = data.vocabulary.size(), .embed = 7, .hidden = 5};
}

/// Initial parameters, the output layer and the attention enlarged so that they matter, and a word without a vector.
std::vector<float> enlarged_parameters(const ModelOptions& options, int32_t word) {
  const ParameterLayout layout(options);
  std::vector<float> values = initial_parameters(layout, 10, {});
  for (const char* name : {"decoder.linear_1.weight", "decoder.attention.attn2.weight"}) {
    const Parameter& weight = layout.find(name);
    for (int64_t i = 0; i < weight.size; ++i) values[weight.offset + i] *= 12;
  }
  std::fill_n(values.begin() + int64_t{word} * options.embed, options.embed, 0.0F);
  return values;
}

AttentionClassifier make_model(const ModelOptions& options, const Split& split) {
  AttentionClassifier model(test_device(), options, prediction_plan(test_device(), split));
  model.allocate();
  model.set_parameters(enlarged_parameters(options, split.token_ids[1]));
  return model;
}

std::vector<ModelOptions> all_models(const Dataset& data) {
  std::vector<ModelOptions> models;
  for (const Encoder encoder : {Encoder::lstm, Encoder::tokens}) {
    for (const AttentionKind attention : {AttentionKind::learned, AttentionKind::uniform}) {
      models.push_back(options_of(data, encoder, attention));
    }
  }
  return models;
}

std::vector<float> scores_of(const std::vector<float>& tokens, const Split& split, int32_t text) {
  return {tokens.begin() + split.offsets[text] + 1, tokens.begin() + split.offsets[text + 1] - 1};
}

}  // namespace

TEST_CASE("attribution: probabilities have the bits of a prediction, words without a vector score exactly 0") {
  const Dataset data = small_corpus();
  const Split& split = data.split(SplitName::test);
  for (const ModelOptions& options : all_models(data)) {
    AttentionClassifier model = make_model(options, split);
    const SplitPredictions predicted = predict_split(model, split, 1);
    for (const Measure measure : kOfGradients) {
      const Attributions result = attribute_split(model, split, measure);
      check_same_bytes(result.probability, predicted.probability, "probability");
      const bool norm = measure == Measure::gradient_norm || measure == Measure::gradient_norm_held;
      int zeros = 0;
      for (size_t n = 0; n < split.token_ids.size(); ++n) {
        if (split.token_ids[n] != split.token_ids[1] || std::isnan(result.score_logit[n])) continue;
        ++zeros;
        CHECK((result.score_logit[n] == 0) == !norm);
        CHECK((result.score_probability[n] == 0) == !norm);
      }
      CHECK(zeros > 0);
    }
  }
}

TEST_CASE("attribution: input x gradient is the derivative when a word's vector grows") {
  const Dataset data = small_corpus();
  const Split split = select_texts(data.split(SplitName::test), {4});
  for (const ModelOptions& options : all_models(data)) {
    AttentionClassifier model = make_model(options, split);
    const Attributions result = attribute_split(model, split, Measure::input_x_gradient);
    const std::vector<float> parameters = model.parameters();
    const auto logit_with = [&](int32_t id, float factor) {
      std::vector<float> changed = parameters;
      for (int32_t j = 0; j < options.embed; ++j) changed[id * options.embed + j] *= factor;
      model.set_parameters(changed);
      return double{model.predict(assemble_batch(split, {0}, options.vocabulary)).logit[0]};
    };
    for (int64_t n = 1; n + 1 < split.length(0); ++n) {
      // All occurrences of the word grow together.
      double sum = 0;
      const int32_t id = split.token_ids[n];
      for (int64_t m = 1; m + 1 < split.length(0); ++m) sum += split.token_ids[m] == id ? result.score_logit[m] : 0;
      const double slope = (logit_with(id, 1.01F) - logit_with(id, 0.99F)) / 0.02;
      CHECK_MESSAGE(std::abs(slope - sum) < 1e-3 * (1 + std::abs(slope)), slope, " and ", sum);
    }
  }
}

TEST_CASE("attribution: held and through are one where attention cannot move, and differ where it can") {
  const Dataset data = small_corpus();
  const Split& split = data.split(SplitName::test);
  for (const ModelOptions& options : all_models(data)) {
    AttentionClassifier model = make_model(options, split);
    const std::pair<Measure, Measure> pairs[] = {{Measure::input_x_gradient_held, Measure::input_x_gradient},
                                                 {Measure::gradient_norm_held, Measure::gradient_norm}};
    for (const auto& [held, through] : pairs) {
      int differ = 0;
      const Attributions a = attribute_split(model, split, held), b = attribute_split(model, split, through);
      for (int32_t i = 0; i < split.size(); ++i) {
        const std::vector<float> first = scores_of(a.score_logit, split, i),
                                 second = scores_of(b.score_logit, split, i);
        const bool moves = options.attention == AttentionKind::learned && first.size() > 1;
        if (!moves) check_same_bytes(first, second, "held");
        differ += first != second ? 1 : 0;
      }
      CHECK_MESSAGE((differ > 3) == (options.attention == AttentionKind::learned), differ);
    }
  }
}

TEST_CASE("attribution: integrated gradients sum to the change from the text whose words have no vectors") {
  const Dataset data = small_corpus();
  const Split& split = data.split(SplitName::test);
  for (const ModelOptions& options : all_models(data)) {
    AttentionClassifier model = make_model(options, split);
    const Attributions result = attribute_split(model, split, Measure::integrated_gradients);
    // A model whose words, but not its boundary tokens, have no vectors.
    std::vector<float> without = model.parameters();
    for (int32_t id = 0; id < options.vocabulary; ++id) {
      if (id == split.token_ids.front() || id == split.token_ids[split.offsets[1] - 1]) continue;
      std::fill_n(without.begin() + int64_t{id} * options.embed, options.embed, 0.0F);
    }
    model.set_parameters(without);
    for (int32_t i = 0; i < split.size(); ++i) {
      const double baseline = model.predict(assemble_batch(split, {i}, options.vocabulary)).logit[0];
      double logit = 0, probability = 0;
      for (const float score : scores_of(result.score_logit, split, i)) logit += score;
      for (const float score : scores_of(result.score_probability, split, i)) probability += score;
      CHECK(result.integration_logit.converged[i] == 1);
      CHECK(result.integration_logit.nodes[i] >= 8);
      CHECK(std::abs(std::abs(logit - (result.logit[i] - baseline)) - result.integration_logit.error[i]) < 1e-5);
      CHECK(std::abs(std::abs(probability - probability_change(result.logit[i], baseline)) -
                     result.integration_probability.error[i]) < 1e-5);
    }
  }
}

TEST_CASE("attribution: an integral that may not double its nodes says that it misses") {
  const Dataset data = small_corpus();
  const Split& split = data.split(SplitName::test);
  AttentionClassifier model = make_model(all_models(data).front(), split);
  const Attributions result =
      attribute_split(model, split, Measure::integrated_gradients, {.completeness = 1e-9, .most_nodes = 16});
  for (int32_t i = 0; i < split.size(); ++i) {
    CHECK(result.integration_logit.nodes[i] <= 16);
    CHECK((result.integration_logit.error[i] < 1e-9F) == (result.integration_logit.converged[i] == 1));
  }
  CHECK(std::count(result.integration_logit.converged.begin(), result.integration_logit.converged.end(), 0) > 0);
}

TEST_CASE("attribution: a text alone has the bytes that it has in its split") {
  const Dataset data = small_corpus();
  const Split& split = data.split(SplitName::test);
  for (const ModelOptions& options : all_models(data)) {
    AttentionClassifier model = make_model(options, split);
    for (const Measure measure : kMeasures) {
      const Attributions together = attribute_split(model, split, measure);
      for (const int32_t text : {0, 5, 13}) {
        const Split alone = select_texts(split, {text});
        const Attributions single = attribute_split(model, alone, measure);
        check_same_bytes(scores_of(single.score_logit, alone, 0), scores_of(together.score_logit, split, text),
                         "logit");
        check_same_bytes(scores_of(single.score_probability, alone, 0),
                         scores_of(together.score_probability, split, text), "probability");
      }
    }
  }
}

TEST_CASE("attribution: a random order is a permutation, drawn by the seed and the text alone") {
  const Dataset data = small_corpus();
  const Split& split = data.split(SplitName::test);
  AttentionClassifier model = make_model(all_models(data).front(), split);
  const Attributions first = attribute_split(model, split, Measure::random, {.seed = 1}),
                     second = attribute_split(model, split, Measure::random, {.seed = 2});
  CHECK(first.score_logit != second.score_logit);
  for (int32_t i = 0; i < split.size(); ++i) {
    std::vector<float> scores = scores_of(first.score_logit, split, i);
    std::sort(scores.begin(), scores.end());
    for (size_t n = 0; n < scores.size(); ++n) {
      CHECK(scores[n] == static_cast<float>(n + 1) / static_cast<float>(scores.size()));
    }
  }
}

TEST_CASE("attribution: a model that diverged, given attention and a batch without norms are refused") {
  const Dataset data = small_corpus();
  const Split& split = data.split(SplitName::test);
  AttentionClassifier given = make_model(options_of(data, Encoder::tokens, AttentionKind::given), split);
  for (const Measure measure : {Measure::input_x_gradient, Measure::attention}) {
    CHECK_THROWS_AS((void)attribute_split(given, split, measure), Error);
  }
  AttentionClassifier model = make_model(all_models(data).front(), split);
  std::vector<float> values = model.parameters();
  values[model.layout().find("decoder.linear_1.bias").offset] = std::numeric_limits<float>::quiet_NaN();
  model.set_parameters(values);
  for (const Measure measure : {Measure::input_x_gradient, Measure::integrated_gradients, Measure::attention}) {
    CHECK_THROWS_WITH_AS((void)attribute_split(model, split, measure), doctest::Contains("its training diverged"),
                         Error);
  }
}

}  // namespace notnot
