#include "bench/leave_one_out_lengths.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "bench/made_up_texts.h"
#include "engine/math/statistics.h"
#include "models/leave_one_out.h"
#include "models/training.h"

namespace notnot::bench {
namespace {

constexpr int32_t kVocabulary = 13'000;

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Every text without each of its words, text after text.
Split shortened(const Split& split) {
  Split result;
  for (int32_t text = 0; text < split.size(); ++text) {
    const int64_t begin = split.offsets[text], end = split.offsets[text + 1];
    for (int64_t left_out = begin + 1; left_out < end - 1; ++left_out) {
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

AttentionClassifier make_model(const Device& device, const Split& split) {
  AttentionClassifier model(device, {.vocabulary = kVocabulary}, prediction_plan(device, split));
  model.allocate();
  model.set_parameters(initial_parameters(model.layout(), 10, {}));
  return model;
}

/// [words] of all texts, in the order of the split.
std::vector<float> stored(AttentionClassifier& model, const Split& split) {
  LeaveOneOut leave_one_out(model, split);
  std::vector<std::vector<float>> of_text(split.size());
  for (const auto& texts : prediction_batches(model.device(), split)) {
    const HostBatch batch = assemble_batch(split, texts, kVocabulary);
    const std::vector<float> logits = leave_one_out.logit_without(batch, model.contributions(batch));
    for (size_t b = 0; b < batch.texts.size(); ++b) {
      of_text[batch.texts[b]] = {logits.begin() + batch.offsets[b] + 1, logits.begin() + batch.offsets[b + 1] - 1};
    }
  }
  std::vector<float> result;
  for (const auto& logits : of_text) result.insert(result.end(), logits.begin(), logits.end());
  return result;
}

std::vector<float> rerun(AttentionClassifier& model, const Split& texts) {
  std::vector<float> result(texts.size());
  for (const auto& part : prediction_batches(model.device(), texts)) {
    const HostBatch batch = assemble_batch(texts, part, kVocabulary);
    const auto predictions = model.predict(batch);
    for (size_t b = 0; b < part.size(); ++b) result[batch.texts[b]] = predictions.logit[b];
  }
  return result;
}

}  // namespace

LengthTime leave_one_out_time(const Device& device, int32_t words, int32_t texts, int32_t rounds) {
  const Split split =
      make_texts({.mean = static_cast<double>(words), .longest = words, .vocabulary = kVocabulary}, texts);
  const Split without = shortened(split);
  AttentionClassifier whole = make_model(device, split), deleted = make_model(device, without);
  std::vector<float> from_states, from_reruns;
  std::vector<double> stored_seconds, rerun_seconds;
  rerun(deleted, without);  // projects the ids, which the stored way does in each round
  for (int32_t round = 0; round < rounds; ++round) {
    stored_seconds.push_back(seconds_of([&] { from_states = stored(whole, split); }) / texts);
    rerun_seconds.push_back(seconds_of([&] { from_reruns = rerun(deleted, without); }) / texts);
  }
  LengthTime result{.words = words, .stored_seconds = median(stored_seconds), .rerun_seconds = median(rerun_seconds)};
  const double h = deleted.options().hidden, a = deleted.options().attention_width();
  result.flop = double{1} * words * (words - 1) * (8 * h * h + 2 * a * h);
  for (size_t i = 0; i < from_states.size(); ++i) {
    result.difference = std::max(result.difference, double{std::abs(from_states[i] - from_reruns[i])});
  }
  return result;
}

}  // namespace notnot::bench
