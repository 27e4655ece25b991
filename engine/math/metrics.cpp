#include "engine/math/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/base/error.h"

namespace notnot {
namespace {

void check_input(std::span<const float> probability, std::span<const int32_t> label) {
  NOTNOT_CHECK(probability.size() == label.size() && !label.empty(), "{} probabilities for {} labels",
               probability.size(), label.size());
  for (size_t i = 0; i < label.size(); ++i) {
    NOTNOT_CHECK(!std::isnan(probability[i]), "probability {} of {} is NaN: the training diverged", i, label.size());
    NOTNOT_CHECK(label[i] == 0 || label[i] == 1, "label {} of {} is {}, not 0 or 1", i, label.size(), label[i]);
  }
}

void threshold_measures(std::span<const float> probability, std::span<const int32_t> label, Classification& result) {
  int64_t true_positives = 0, false_positives = 0, false_negatives = 0;
  for (size_t i = 0; i < label.size(); ++i) {
    const bool predicted = predicted_class(probability[i]) == 1;
    true_positives += predicted && label[i] == 1;
    false_positives += predicted && label[i] == 0;
    false_negatives += !predicted && label[i] == 1;
  }
  const auto wrong = static_cast<double>(false_positives + false_negatives);
  const double denominator = 2.0 * static_cast<double>(true_positives) + wrong;
  result.f1 = denominator == 0 ? 0 : 2.0 * static_cast<double>(true_positives) / denominator;
  result.accuracy = 1.0 - wrong / static_cast<double>(label.size());
}

void ranking_measures(std::span<const float> probability, std::span<const int32_t> label, Classification& result) {
  const int64_t positives = std::count(label.begin(), label.end(), 1);
  const int64_t negatives = label.size() - positives;
  std::vector<size_t> order(label.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return probability[a] > probability[b]; });

  int64_t true_positives = 0, false_positives = 0;
  int64_t twice_won_pairs = 0;  // a pair of classes ranked rightly counts 2, a tie 1
  double precision_sum = 0;
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    int64_t tied_positives = 0, tied_negatives = 0;
    for (; end < order.size() && probability[order[end]] == probability[order[begin]]; ++end) {
      ++(label[order[end]] == 1 ? tied_positives : tied_negatives);
    }
    twice_won_pairs += tied_negatives * (2 * true_positives + tied_positives);
    true_positives += tied_positives;
    false_positives += tied_negatives;
    precision_sum += static_cast<double>(tied_positives) * static_cast<double>(true_positives) /
                     static_cast<double>(true_positives + false_positives);
  }
  result.average_precision = positives == 0 ? 0 : precision_sum / static_cast<double>(positives);
  result.roc_auc = positives == 0 || negatives == 0
                       ? std::numeric_limits<double>::quiet_NaN()
                       : static_cast<double>(twice_won_pairs) /
                             (2.0 * static_cast<double>(positives) * static_cast<double>(negatives));
}

}  // namespace

Classification undefined_classification() {
  constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
  return {.f1 = kUndefined, .accuracy = kUndefined, .roc_auc = kUndefined, .average_precision = kUndefined};
}

Classification classify(std::span<const float> probability, std::span<const int32_t> label) {
  check_input(probability, label);
  Classification result;
  threshold_measures(probability, label, result);
  ranking_measures(probability, label, result);
  return result;
}

double average_precision(std::span<const float> score, std::span<const int32_t> label) {
  check_input(score, label);
  Classification result;
  ranking_measures(score, label, result);
  return result.average_precision;
}

}  // namespace notnot
