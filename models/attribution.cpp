#include "models/attribution.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "engine/data/text_order.h"
#include "engine/io/input_error.h"
#include "engine/io/stop.h"
#include "engine/math/random.h"
#include "models/training.h"

namespace notnot {
namespace {

constexpr float kNoScore = std::numeric_limits<float>::quiet_NaN();

Attributions without_scores(const Split& split) {
  Attributions result;
  result.offsets = split.offsets;
  result.label = split.labels;
  result.row = split.rows;
  result.group = split.groups;
  result.score_probability.assign(split.token_ids.size(), kNoScore);
  result.score_logit.assign(split.token_ids.size(), kNoScore);
  result.probability.resize(split.labels.size());
  result.logit.resize(split.labels.size());
  return result;
}

/// A score of every word of a text at random: a permutation of 1/N, 2/N, ..., 1.
std::vector<float> random_scores(std::span<const int32_t> ids, uint64_t seed) {
  const auto stream = static_cast<uint32_t>(hash_of_content(std::as_bytes(ids)) >> 32);
  const Random random(seed, Purpose::random_order, stream);
  const auto words = static_cast<int64_t>(ids.size()) - 2;
  std::vector<float> scores(words);
  for (int64_t n = 0; n < words; ++n) scores[n] = static_cast<float>(n + 1) / static_cast<float>(words);
  for (int64_t n = words - 1; n > 0; --n) std::swap(scores[n], scores[random.integer(n, 0, n)]);
  return scores;
}

}  // namespace

Attributions attribute_split(AttentionClassifier& model, const Split& split, Measure measure,
                             const AttributionOptions& options) {
  Attributions result = without_scores(split);
  for (const auto& texts : prediction_batches(model.device(), split)) {
    check_stop();
    const HostBatch batch = assemble_batch(split, texts, model.options().vocabulary);
    const auto base = model.contributions(batch);
    for (size_t b = 0; b < batch.texts.size(); ++b) {
      const int32_t text = batch.texts[b];
      const int64_t begin = split.offsets[text], end = split.offsets[text + 1];
      result.probability[text] = base.predictions.probability[b];
      result.logit[text] = base.predictions.logit[b];
      NOTNOT_CHECK(std::isfinite(result.logit[text]),
                   "the model gives the text of row {} the logit {}: its training diverged", split.rows[text],
                   result.logit[text]);
      const std::vector<float> order =
          measure == Measure::random
              ? random_scores(std::span(split.token_ids).subspan(begin, end - begin), options.seed)
              : std::vector<float>{};
      for (int64_t n = begin + 1; n < end - 1; ++n) {
        const size_t token = batch.offsets[b] + (n - begin);
        const float alpha = std::exp(base.predictions.log_attention[token]);
        float score = alpha;
        if (measure == Measure::contribution) score = alpha * base.contribution[token];
        if (measure == Measure::random) score = order[n - begin - 1];
        result.score_probability[n] = result.score_logit[n] = score;
      }
    }
  }
  return result;
}

}  // namespace notnot
