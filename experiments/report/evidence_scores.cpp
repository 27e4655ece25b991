#include "experiments/report/evidence_scores.h"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "engine/io/input_error.h"
#include "engine/math/metrics.h"
#include "engine/math/statistics.h"

namespace notnot {
namespace {

/// A weight of the model is a float: equal weights may be a little below 1 / n.
constexpr double kRounding = 1e-4;

/// The scores of one text; nothing if its words are all alike.
std::optional<AttentionScores> score_text(std::span<const double> importance, std::span<const float> log_weight) {
  AttentionScores scores;
  double sum = 0, found = 0;
  size_t important = 0;
  const double equal_share = 1 / static_cast<double>(importance.size());
  for (size_t i = 0; i < importance.size(); ++i) {
    if (importance[i] == 0) continue;
    const double weight = std::exp(static_cast<double>(log_weight[i]));
    ++important;
    sum += importance[i];
    scores.precision += weight;
    if (weight >= equal_share * (1 - kRounding)) found += importance[i];
  }
  if (important == 0 || important == importance.size()) return std::nullopt;
  scores.recall = found / sum;
  scores.rank_correlation = somers_d(importance, log_weight);
  return scores;
}

double changed(std::span<const float> before, std::span<const float> after) {
  double count = 0;
  for (size_t i = 0; i < before.size(); ++i) count += predicted_class(before[i]) != predicted_class(after[i]) ? 1 : 0;
  return count / static_cast<double>(before.size());
}

}  // namespace

AttentionScores score_attention(const Attention& attention, std::span<const double> importance) {
  std::vector<double> precision, recall, rank_correlation;
  for (int32_t text = 0; text < attention.size(); ++text) {
    const size_t first = attention.offsets[text] + 1, words = attention.offsets[text + 1] - 1 - first;
    const auto scores =
        score_text(importance.subspan(first, words), std::span(attention.log_attention).subspan(first, words));
    if (!scores) continue;
    precision.push_back(scores->precision);
    recall.push_back(scores->recall);
    rank_correlation.push_back(scores->rank_correlation);
  }
  return {mean(precision), mean(recall), mean(rank_correlation)};
}

double somers_d(std::span<const double> importance, std::span<const float> weight) {
  double difference = 0, pairs = 0;
  for (size_t i = 0; i < importance.size(); ++i) {
    if (importance[i] == 0) continue;  // every pair that counts has a word with importance
    for (size_t k = 0; k < importance.size(); ++k) {
      if (importance[k] >= importance[i]) continue;
      ++pairs;
      if (weight[i] != weight[k]) difference += weight[i] > weight[k] ? 1 : -1;
    }
  }
  return difference / pairs;
}

Reliance reliance(const Ablation& ablation, std::span<const float> probability, std::span<const int32_t> label) {
  const std::span<const float> evidence = ablation.without_evidence, others = ablation.without_others;
  if (evidence.size() != label.size()) {
    throw InputError(
        fmt::format("ablation.safetensors has {} texts, where the test split has {}; remove the run folder "
                    "and train again",
                    evidence.size(), label.size()));
  }
  return {.changed_without_evidence = changed(probability, evidence),
          .changed_without_others = changed(probability, others),
          .f1_without_evidence = classify(evidence, label).f1,
          .f1_without_others = classify(others, label).f1};
}

}  // namespace notnot
