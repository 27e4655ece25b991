// erase_split on each backend: what it reruns, and that the bits of a text's result depend only on the text.
#include "models/erasure.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/math/logistic.h"
#include "engine/math/statistics.h"
#include "models/attribution.h"
#include "models/training.h"
#include "tests/backends/backend.h"
#include "tests/backends/short_texts.h"

namespace notnot {
namespace {

/// A model with initial parameters, its output layer enlarged so that words matter; its bias is the logit of the empty
/// text.
AttentionClassifier make_model(const Dataset& data, const Split& split, float bias) {
  const ModelOptions options = {.vocabulary = data.vocabulary.size(), .embed = 7, .hidden = 5};
  AttentionClassifier model(test_device(), options, prediction_plan(test_device(), split));
  model.allocate();
  std::vector<float> parameters = initial_parameters(model.layout(), 10, {});
  const Parameter& weight = model.layout().find("decoder.linear_1.weight");
  for (int64_t i = 0; i < weight.size; ++i) parameters[weight.offset + i] *= 40;
  parameters[model.layout().find("decoder.linear_1.bias").offset] = bias;
  model.set_parameters(parameters);
  return model;
}

/// The bias with which half of the texts have class 1.
float middle_bias(const Dataset& data, const Split& split) {
  AttentionClassifier model = make_model(data, split, 0);
  const std::vector<float> logit = attribute_split(model, split, Measure::attention).logit;
  return static_cast<float>(-median(std::vector<double>(logit.begin(), logit.end())));
}

/// Test texts of 1 to 9 words and a model.
struct Setting {
  Dataset data = short_texts(4, 2, 27);
  const Split& split = data.split(SplitName::test);
  float bias = middle_bias(data, split);
  AttentionClassifier model = make_model(data, split, bias);
};

/// The logit of a text of these ids, boundary tokens in.
double logit_of(AttentionClassifier& model, const std::vector<int32_t>& ids) {
  Split split;
  for (const int32_t id : ids) split.token_ids.push_back(id);
  split.offsets.push_back(static_cast<int64_t>(ids.size()));
  split.labels.push_back(0);
  split.rows.push_back(1);
  return model.predict(assemble_batch(split, {0}, model.options().vocabulary)).logit[0];
}

}  // namespace

TEST_CASE("erasure: changes are those of the texts without, and of nothing but, the first words") {
  Setting setting;
  auto& [data, split, bias, model] = setting;
  const Attributions attributions = attribute_split(model, split, Measure::random);
  const Erasure erasure = erase_split(model, split, attributions);
  REQUIRE(fault(erasure) == "");
  int class_1 = 0, with_flip = 0;
  for (int32_t text = 0; text < split.size(); ++text) {
    const auto first = split.token_ids.begin() + split.offsets[text];
    const std::vector<int32_t> ids(first, first + split.length(text));
    const double whole = logit_of(model, ids);
    const double sign = whole > 0 ? 1 : -1;
    class_1 += whole > 0 ? 1 : 0;
    with_flip += erasure.flip_size[text] > 0 ? 1 : 0;
    for (size_t i = 0; i < kErasedShares; ++i) {
      const auto words = static_cast<int64_t>(ids.size()) - 2, k = erased_words(words, kErasedPercent[i]);
      std::vector<int32_t> without = {kStartId}, alone = {kStartId};
      for (int64_t n = 1; n <= words; ++n) {
        const float score = attributions.score_probability[split.offsets[text] + n];
        // Scores at random are 1/N to 1.
        (score > (static_cast<float>(words - k) + 0.5F) / static_cast<float>(words) ? alone : without)
            .push_back(ids[n]);
      }
      REQUIRE(std::ssize(alone) == k + 1);
      without.push_back(kEndId);
      alone.push_back(kEndId);
      const double left = k == words ? double{bias} : logit_of(model, without), kept = logit_of(model, alone);
      const size_t at = text * kErasedShares + i;
      CHECK(erasure.comprehensiveness_logit[at] == static_cast<float>(sign * (whole - left)));
      CHECK(erasure.sufficiency_logit[at] == static_cast<float>(sign * (whole - kept)));
      CHECK(erasure.comprehensiveness_probability[at] == static_cast<float>(sign * probability_change(whole, left)));
      CHECK(erasure.sufficiency_probability[at] == static_cast<float>(sign * probability_change(whole, kept)));
      if (words == 1) CHECK(erasure.sufficiency_logit[at] == 0);
    }
  }
  CHECK(erasure.rationale.empty());
  CHECK(class_1 > 0);
  CHECK(class_1 < split.size());
  CHECK(with_flip > 0);
}

TEST_CASE("erasure: a text's result depends on nothing but the text") {
  Setting setting;
  auto& [data, split, bias, model] = setting;
  const Erasure all = erase_split(model, split, attribute_split(model, split, Measure::contribution));
  for (int32_t text = 0; text < split.size(); ++text) {
    const Split alone = select_texts(split, {text});
    AttentionClassifier other = make_model(data, alone, bias);  // planned for one text: every copy is a batch
    const Erasure one = erase_split(other, alone, attribute_split(other, alone, Measure::contribution));
    CHECK(one.flip_size[0] == all.flip_size[text]);
    CHECK(one.smallest_flip_size[0] == all.smallest_flip_size[text]);
    const auto part = [text](const std::vector<float>& values) {
      const auto begin = values.begin() + text * static_cast<int64_t>(kErasedShares);
      return std::vector<float>(begin, begin + kErasedShares);
    };
    check_same_bytes(one.comprehensiveness_logit, part(all.comprehensiveness_logit), "comprehensiveness");
    check_same_bytes(one.sufficiency_probability, part(all.sufficiency_probability), "sufficiency");
  }
}

TEST_CASE("erasure: equal scores go in the order of the text, and their sign is no matter") {
  Setting setting;
  auto& [data, split, bias, model] = setting;
  Attributions scores = attribute_split(model, split, Measure::attention), signs = scores;
  for (size_t n = 0; n < split.token_ids.size(); ++n) {
    scores.score_probability[n] = 2;
    signs.score_probability[n] = n % 3 == 0 ? -2.0F : 2.0F;
  }
  Attributions by_place = scores;
  for (int32_t text = 0; text < split.size(); ++text) {
    for (int32_t n = 0; n < split.length(text); ++n) {
      by_place.score_probability[split.offsets[text] + n] = static_cast<float>(split.length(text) - n);
    }
  }
  const Erasure expected = erase_split(model, split, by_place);
  for (const Attributions& equal : {scores, signs}) {
    const Erasure actual = erase_split(model, split, equal);
    CHECK(actual.flip_size == expected.flip_size);
    check_same_bytes(actual.comprehensiveness_logit, expected.comprehensiveness_logit, "comprehensiveness");
  }
}

TEST_CASE("erasure: marked words go to the file") {
  Setting setting;
  auto& [data, split, bias, model] = setting;
  Split marked = split;
  marked.rationale_offsets.push_back(0);
  for (int32_t text = 0; text < split.size(); ++text) {
    if (text % 2 == 0) marked.rationales.push_back(split.length(text) - 3);  // the last word
    marked.rationale_offsets.push_back(static_cast<int64_t>(marked.rationales.size()));
  }
  const Erasure erasure = erase_split(model, marked, attribute_split(model, marked, Measure::attention));
  REQUIRE(fault(erasure) == "");
  REQUIRE(erasure.rationale.size() == split.token_ids.size());
  for (int32_t text = 0; text < split.size(); ++text) {
    const int64_t end = split.offsets[text + 1];
    for (int64_t n = split.offsets[text]; n < end; ++n) {
      CHECK(erasure.rationale[n] == (text % 2 == 0 && n == end - 2 ? 1 : 0));
    }
  }
}

TEST_CASE("erasure: attributions of other texts and scores that are no numbers are errors") {
  Setting setting;
  auto& [data, split, bias, model] = setting;
  Attributions attributions = attribute_split(model, split, Measure::attention);
  attributions.score_probability[1] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH_AS((void)erase_split(model, split, attributions), doctest::Contains("is not a number"), Error);
  attributions = attribute_split(model, split, Measure::attention);
  attributions.row[0] += 1;
  CHECK_THROWS_WITH_AS((void)erase_split(model, split, attributions), doctest::Contains("do not belong"), Error);
}

}  // namespace notnot
