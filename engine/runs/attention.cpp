#include "engine/runs/attention.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "engine/io/input_error.h"

namespace notnot {
namespace {

constexpr float kNothing = -std::numeric_limits<float>::infinity();  // the log of a weight of 0
// Rounding moves the sum by at most 1e-6 on texts of thousands of tokens.
constexpr double kSumTolerance = 1e-3;

/// What is wrong with label and probability of text i; empty when nothing is.
std::string fault_of_text(const AttentionView& view, size_t i) {
  if (view.label[i] != 0 && view.label[i] != 1) return fmt::format("its label is {}", view.label[i]);
  if (!(view.probability[i] >= 0 && view.probability[i] <= 1))
    return fmt::format("its probability is {}", view.probability[i]);
  return "";
}

/// The same of its weights.
std::string fault_of_weights(const AttentionView& view, size_t i) {
  const auto weights = view.log_attention.subspan(view.offsets[i], view.offsets[i + 1] - view.offsets[i]);
  if (weights.front() != kNothing || weights.back() != kNothing) return "a boundary token has attention";
  double sum = 0;
  for (const float weight : weights) sum += std::exp(double{weight});
  if (weights.size() > 2 && !(std::fabs(sum - 1) <= kSumTolerance)) return fmt::format("its attention sums to {}", sum);
  return "";
}

/// What is wrong with the first text in which something is; empty when nothing is.
std::string fault_of_each(const AttentionView& view, std::string (*fault_of)(const AttentionView&, size_t)) {
  for (size_t i = 0; i < view.label.size(); ++i) {
    const std::string what = fault_of(view, i);
    if (!what.empty()) return fmt::format("text {} (row {}): {}", i, view.row[i], what);
  }
  return "";
}

/// What is wrong with a measure of every text; empty when nothing is.
std::string fault_of_measure(const char* name, std::span<const float> values, size_t size, double largest) {
  if (values.size() != size) return fmt::format("{} values of {} for {} texts", values.size(), name, size);
  const auto wrong =
      std::find_if(values.begin(), values.end(), [largest](float value) { return !(value >= 0 && value <= largest); });
  if (wrong == values.end()) return "";
  return fmt::format("text {}: its {} is {}, not from 0 to {:.3g}", wrong - values.begin(), name, *wrong, largest);
}

/// What is wrong with the exact adversary number i, of a text of so many words; empty when nothing is.
std::string fault_of_pair(const ExactAdversaries& exact, size_t i, int64_t words) {
  constexpr double kRounding = 1e-6;
  const int32_t* const word = &exact.word[2 * i];
  const float* const weight = &exact.weight[2 * i];
  for (const int k : {0, 1}) {
    if (word[k] < 0 || word[k] >= words) return fmt::format("exact_word {} of {} words", word[k], words);
    if (!(weight[k] >= 0 && weight[k] <= 1)) return fmt::format("exact_weight {}, not from 0 to 1", weight[k]);
  }
  const double sum = double{weight[0]} + weight[1];
  return std::fabs(sum - 1) <= kRounding ? "" : fmt::format("exact_weight with the sum {}", sum);
}

/// What is wrong with `exact`, whose texts have `offsets`; empty when nothing is.
std::string fault_of_exact(const ExactAdversaries& exact, const std::vector<int64_t>& offsets) {
  const size_t texts = offsets.size() - 1, count = exact.epsilon.size() * texts;
  if (exact.jsd.size() != count || exact.probability.size() != count || exact.word.size() != 2 * count ||
      exact.weight.size() != 2 * count) {
    return fmt::format(
        "{} exact_epsilon, {} exact_jsd, {} exact_probability, {} exact_word and {} exact_weight of {} texts do not "
        "belong together",
        exact.epsilon.size(), exact.jsd.size(), exact.probability.size(), exact.word.size(), exact.weight.size(),
        texts);
  }
  for (size_t e = 0; e < exact.epsilon.size(); ++e) {
    const double before = e == 0 ? 0 : exact.epsilon[e - 1];
    if (exact.epsilon[e] > before && exact.epsilon[e] <= 1) continue;
    return fmt::format("exact_epsilon {} is {}, not above {} and at most 1", e, exact.epsilon[e], before);
  }
  for (size_t i = 0; i < count; ++i) {
    const size_t text = i % texts;
    std::string what = fault_of_pair(exact, i, offsets[text + 1] - offsets[text] - 2);
    if (!(exact.jsd[i] >= 0 && exact.jsd[i] <= std::numbers::ln2_v<float>)) {
      what = fmt::format("exact_jsd {}, not from 0 to 0.693", exact.jsd[i]);
    }
    if (!(exact.probability[i] >= 0 && exact.probability[i] <= 1)) {
      what = fmt::format("exact_probability {}", exact.probability[i]);
    }
    if (!what.empty()) return fmt::format("text {} has, for {}, {}", text, exact.epsilon[i / texts], what);
  }
  return "";
}

}  // namespace

std::string fault_of_texts(const AttentionView& view) {
  const size_t size = view.label.size();
  if (view.offsets.size() != size + 1 || view.probability.size() != size || view.row.size() != size) {
    return fmt::format("{} labels, {} offsets, {} probabilities and {} rows do not belong together", size,
                       view.offsets.size(), view.probability.size(), view.row.size());
  }
  if (size == 0) return "it has no text";
  if (view.offsets.front() != 0 || view.offsets.back() != static_cast<int64_t>(view.log_attention.size())) {
    return fmt::format("offsets from {} to {} do not span {} weights", view.offsets.front(), view.offsets.back(),
                       view.log_attention.size());
  }
  constexpr int64_t kLongest = std::numeric_limits<int32_t>::max();
  for (size_t i = 0; i < size; ++i) {
    // Each offset is at least 2 above the one before, and the last is the number of weights, so all lie inside.
    if (view.offsets[i] > view.offsets.back() - 2 || view.offsets[i + 1] < view.offsets[i] + 2 ||
        view.offsets[i + 1] > kLongest + view.offsets[i]) {
      return fmt::format("text {} has offsets {} and {}", i, view.offsets[i], view.offsets[i + 1]);
    }
  }
  return fault_of_each(view, fault_of_text);
}

std::string fault(const AttentionView& view) {
  const std::string what = fault_of_texts(view);
  return what.empty() ? fault_of_each(view, fault_of_weights) : what;
}

std::string fault(const Perturbations& p) {
  std::string what = fault({p.adversary_log_attention, p.offsets, p.adversary_probability, p.label, p.row});
  const size_t size = p.label.size();
  if (what.empty()) what = fault_of_measure("permutation_change", p.permutation_change, size, 1);
  if (what.empty()) what = fault_of_measure("adversary_jsd", p.adversary_jsd, size, std::numbers::ln2_v<float>);
  if (what.empty()) what = fault_of_measure("adversary_tvd", p.adversary_tvd, size, 0.5);
  if (what.empty()) what = fault_of_exact(p.exact, p.offsets);
  return what;
}

std::string fault(const Ablation& ablation) {
  const size_t size = ablation.without_evidence.size();
  std::string what = fault_of_measure("without_evidence", ablation.without_evidence, size, 1);
  if (what.empty()) what = fault_of_measure("without_others", ablation.without_others, size, 1);
  return what;
}

std::string fault(const GuideControls& controls) {
  const size_t size = controls.permuted_weights.size();
  std::string what = fault_of_measure("permuted_weights", controls.permuted_weights, size, 1);
  if (what.empty()) what = fault_of_measure("equal_weights", controls.equal_weights, size, 1);
  return what;
}

Divergences divergences(const Attention& a, const Attention& b, double tvd_factor) {
  if (a.offsets != b.offsets || a.row != b.row || a.label != b.label) {
    throw InputError(
        "the two models were not evaluated on the same texts; train both on the same data set with the "
        "same options");
  }
  Divergences result;
  for (size_t i = 0; i < a.label.size(); ++i) {
    const size_t begin = a.offsets[i], size = a.offsets[i + 1] - begin;
    result.tvd.push_back(total_variation(a.probability[i], b.probability[i], tvd_factor));
    result.jsd.push_back(jensen_shannon(std::span(a.log_attention).subspan(begin, size),
                                        std::span(b.log_attention).subspan(begin, size)));
  }
  return result;
}

}  // namespace notnot
