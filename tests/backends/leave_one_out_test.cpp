// Leave-one-out on every backend against what the model says of the shortened texts.
#include "models/leave_one_out.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/math/logistic.h"
#include "models/attribution.h"
#include "models/training.h"
#include "tests/backends/backend.h"

namespace notnot {
namespace {

/// Logits are sums of fp32 numbers of size 1; a restarted direction has the bits of a rerun, but W_a h is summed in two
/// halves, and the attention is relative to another largest score.
constexpr double kTolerance = 5e-6;
constexpr int32_t kVocabulary = 12, kFirstWord = 4;  // ids below are reserved

/// Texts of so many words, from few ids, so that words repeat.
Split texts_of(const std::vector<int32_t>& words, uint64_t seed = 1) {
  Split split;
  const std::vector<float> draws = random_floats(5000, seed);
  size_t next = 0;
  for (const int32_t count : words) {
    split.token_ids.push_back(2);
    for (int32_t n = 0; n < count; ++n) {
      const float draw = std::abs(draws[next++ % draws.size()]);
      split.token_ids.push_back(kFirstWord + static_cast<int32_t>(draw * (kVocabulary - kFirstWord)));
    }
    split.token_ids.push_back(3);
    split.offsets.push_back(static_cast<int64_t>(split.token_ids.size()));
    split.labels.push_back(0);
    split.rows.push_back(static_cast<int64_t>(split.labels.size()));
  }
  return split;
}

ModelOptions options_of(Encoder encoder, AttentionKind attention, int32_t hidden = 5) {
  return {.encoder = encoder, .attention = attention, .vocabulary = kVocabulary, .embed = 7, .hidden = hidden};
}
const std::vector<ModelOptions> kModels = {
    options_of(Encoder::lstm, AttentionKind::learned), options_of(Encoder::lstm, AttentionKind::uniform),
    options_of(Encoder::tokens, AttentionKind::learned), options_of(Encoder::tokens, AttentionKind::uniform)};

/// The output layer and the attention are enlarged, so that words matter.
AttentionClassifier make_model(const Device& device, const ModelOptions& options, const Split& split) {
  AttentionClassifier model(device, options, prediction_plan(device, split));
  model.allocate();
  std::vector<float> values = initial_parameters(model.layout(), 10, {});
  for (const char* name : {"decoder.linear_1.weight", "decoder.attention.attn2.weight"}) {
    const Parameter& weight = model.layout().find(name);
    for (int64_t i = 0; i < weight.size; ++i) values[weight.offset + i] *= 6;
  }
  model.set_parameters(values);
  return model;
}

std::vector<float> logits_without(AttentionClassifier& model, const Split& split, int64_t run_tokens = 0) {
  LeaveOneOut leave_one_out(model, split, run_tokens);
  std::vector<float> result(split.token_ids.size());
  for (const auto& texts : prediction_batches(model.device(), split)) {
    const HostBatch batch = assemble_batch(split, texts, model.options().vocabulary);
    const std::vector<float> values = leave_one_out.logit_without(batch, model.contributions(batch));
    REQUIRE(values.size() == batch.token_ids.size());
    for (size_t b = 0; b < batch.texts.size(); ++b) {
      std::copy(values.begin() + batch.offsets[b], values.begin() + batch.offsets[b + 1],
                result.begin() + split.offsets[batch.texts[b]]);
    }
  }
  return result;
}

/// Every text without each of its words, one after another; a text of one word has none.
Split shortened(const Split& split) {
  Split result;
  for (int32_t text = 0; text < split.size(); ++text) {
    const int64_t begin = split.offsets[text], end = split.offsets[text + 1];
    for (int64_t left_out = begin + 1; end - begin > 3 && left_out < end - 1; ++left_out) {
      for (int64_t n = begin; n < end; ++n) {
        if (n != left_out) result.token_ids.push_back(split.token_ids[n]);
      }
      result.offsets.push_back(static_cast<int64_t>(result.token_ids.size()));
      result.labels.push_back(0);
      result.rows.push_back(static_cast<int64_t>(result.labels.size()));
    }
  }
  return result;
}

/// [tokens] by a rerun, NaN at boundary tokens.
std::vector<float> rerun(const ModelOptions& options, const Split& split) {
  const Split texts = shortened(split);
  AttentionClassifier model = make_model(test_device(), options, texts.size() > 0 ? texts : split);
  std::vector<float> logits(texts.size());
  const float bias = model.parameters()[model.layout().find("decoder.linear_1.bias").offset];
  for (const auto& part : prediction_batches(model.device(), texts)) {
    const HostBatch batch = assemble_batch(texts, part, options.vocabulary);
    const auto result = model.predict(batch);
    for (size_t b = 0; b < batch.texts.size(); ++b) logits[batch.texts[b]] = result.logit[b];
  }
  std::vector<float> tokens;
  for (int32_t text = 0, next = 0; text < split.size(); ++text) {
    tokens.push_back(std::numeric_limits<float>::quiet_NaN());
    const int32_t words = split.length(text) - 2;
    for (int32_t n = 0; n < words; ++n) tokens.push_back(words == 1 ? bias : logits[next++]);
    tokens.push_back(std::numeric_limits<float>::quiet_NaN());
  }
  return tokens;
}

void check_against_rerun(const ModelOptions& options, const Split& split, int64_t run_tokens, const char* what) {
  AttentionClassifier model = make_model(test_device(), options, split);
  const std::vector<float> actual = logits_without(model, split, run_tokens), expected = rerun(options, split);
  REQUIRE(actual.size() == expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    const bool equal = std::isnan(expected[i])
                           ? std::isnan(actual[i])
                           : std::abs(actual[i] - expected[i]) <= kTolerance * (1 + std::abs(expected[i]));
    CHECK_MESSAGE(equal, what, ": token ", i, " is ", actual[i], ", not ", expected[i]);
  }
}

}  // namespace

TEST_CASE("leave-one-out: against what the model says of the shortened texts") {
  for (const ModelOptions& options : kModels) {
    const std::string name = fmt::format("{}, {}", to_string(options.encoder), to_string(options.attention));
    check_against_rerun(options, texts_of({1, 2, 3, 9, 4, 1, 17, 2, 12, 33}), 0, name.c_str());
    check_against_rerun(options, texts_of({1, 1}), 0, name.c_str());
    check_against_rerun(options, texts_of({2}), 0, name.c_str());
    check_against_rerun(options, texts_of({2, 9, 5}), 10, (name + ", in parts of 10 tokens").c_str());
  }
  // The width of the persistent kernels.
  check_against_rerun(options_of(Encoder::lstm, AttentionKind::learned, 128), texts_of({1, 2, 9, 5}), 0, "H 128");
}

TEST_CASE(
    "leave-one-out: a text alone has the bytes that it has in a batch, with any number of threads and in any parts") {
  const Split split = texts_of({7, 1, 19, 2, 30, 19});
  for (const ModelOptions& options : kModels) {
    Device device = test_device();
    AttentionClassifier model = make_model(device, options, split);
    const std::vector<float> all = logits_without(model, split);
    for (const int64_t run_tokens : {1, 31, 64, 300}) {
      check_same_bytes(logits_without(model, split, run_tokens), all, fmt::format("parts of {} tokens", run_tokens));
    }
    for (int32_t text = 0; text < split.size(); ++text) {
      Split one;
      for (int64_t n = split.offsets[text]; n < split.offsets[text + 1]; ++n) {
        one.token_ids.push_back(split.token_ids[n]);
      }
      one.offsets.push_back(split.length(text));
      one.labels.push_back(0);
      one.rows.push_back(1);
      AttentionClassifier of_one = make_model(device, options, one);
      check_same_bytes(logits_without(of_one, one),
                       {all.begin() + split.offsets[text], all.begin() + split.offsets[text + 1]}, "alone");
    }
    for (const int threads : {1, 2, 3}) {
      device.threads = threads;
      AttentionClassifier with_threads = make_model(device, options, split);
      check_same_bytes(logits_without(with_threads, split), all, fmt::format("{} threads", threads));
    }
  }
}

TEST_CASE("leave-one-out: equal words have equal bytes where states do not depend on the other words") {
  const Split split = texts_of({40, 25});
  for (const ModelOptions& options : {kModels[2], kModels[3]}) {
    AttentionClassifier model = make_model(test_device(), options, split);
    const std::vector<float> logits = logits_without(model, split);
    for (int32_t text = 0; text < split.size(); ++text) {
      for (int64_t a = split.offsets[text] + 1; a < split.offsets[text + 1] - 1; ++a) {
        for (int64_t b = a + 1; b < split.offsets[text + 1] - 1; ++b) {
          if (split.token_ids[a] == split.token_ids[b])
            check_same_bytes<float>({logits[a]}, {logits[b]}, "equal words");
        }
      }
    }
  }
}

TEST_CASE("leave-one-out: a long text, in several parts") {
  check_against_rerun(kModels[0], texts_of({130}), 1000, "130 words");
}

TEST_CASE("leave-one-out: scores are what the whole text has above the shortened one") {
  const Split split = texts_of({1, 8, 3});
  for (const ModelOptions& options : kModels) {
    AttentionClassifier model = make_model(test_device(), options, split);
    const Attributions result = attribute_split(model, split, Measure::leave_one_out);
    const std::vector<float> logits = logits_without(model, split);
    for (int32_t text = 0; text < split.size(); ++text) {
      for (int64_t n = split.offsets[text] + 1; n < split.offsets[text + 1] - 1; ++n) {
        CHECK(result.score_logit[n] == result.logit[text] - logits[n]);
        CHECK(result.score_probability[n] == static_cast<float>(probability_change(result.logit[text], logits[n])));
      }
      CHECK(std::isnan(result.score_logit[split.offsets[text]]));
      CHECK(std::isnan(result.score_probability[split.offsets[text + 1] - 1]));
    }
  }
}

TEST_CASE("leave-one-out: given attention is refused") {
  const Split split = texts_of({3});
  AttentionClassifier model = make_model(test_device(), options_of(Encoder::lstm, AttentionKind::given), split);
  CHECK_THROWS_WITH_AS(LeaveOneOut(model, split), doctest::Contains("no attention that was given"), Error);
}

}  // namespace notnot
