#include "engine/runs/attributions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "engine/runs/attention.h"

namespace notnot {
namespace {

using Integration = Attributions::Integration;

/// What is wrong with the scores [tokens] of text i; empty when nothing is.
std::string fault_of_scores(std::span<const float> scores, bool is_signed) {
  if (!std::isnan(scores.front()) || !std::isnan(scores.back())) return "a boundary token has a score";
  for (size_t n = 1; n + 1 < scores.size(); ++n) {
    if (!std::isfinite(scores[n])) return fmt::format("the score of its word {} is {}", n, scores[n]);
    if (!is_signed && scores[n] < 0) return fmt::format("the score of its word {} is {}, below 0", n, scores[n]);
  }
  return "";
}

std::string fault_of_scores(const Attributions& a, const std::vector<float>& scores, const char* name,
                            Measure measure) {
  if (scores.size() != static_cast<size_t>(a.offsets.back())) {
    return fmt::format("{} values of {} for {} tokens", scores.size(), name, a.offsets.back());
  }
  for (int32_t i = 0; i < a.size(); ++i) {
    const auto text = std::span(scores).subspan(a.offsets[i], a.offsets[i + 1] - a.offsets[i]);
    const std::string what = fault_of_scores(text, is_signed(measure));
    if (!what.empty()) return fmt::format("text {} (row {}), {}: {}", i, a.row[i], name, what);
  }
  return "";
}

std::string fault_of_integration(const Integration& of, size_t size, const char* name) {
  if (of.nodes.size() != size || of.error.size() != size || of.converged.size() != size) {
    return fmt::format("{} nodes, {} errors and {} marks of {} for {} texts", of.nodes.size(), of.error.size(),
                       of.converged.size(), name, size);
  }
  for (size_t i = 0; i < size; ++i) {
    const bool possible = of.nodes[i] > 0 && of.error[i] >= 0 && std::isfinite(of.error[i]);
    if (possible && (of.converged[i] == 0 || of.converged[i] == 1)) continue;
    return fmt::format("text {}, {}: nodes {}, error {}, converged {}", i, name, of.nodes[i], of.error[i],
                       of.converged[i]);
  }
  return "";
}

}  // namespace

std::string_view to_string(Measure measure) {
  switch (measure) {
    case Measure::attention:
      return "attention";
    case Measure::contribution:
      return "contribution";
    case Measure::input_x_gradient_held:
      return "input-x-gradient-held";
    case Measure::input_x_gradient:
      return "input-x-gradient";
    case Measure::gradient_norm_held:
      return "gradient-norm-held";
    case Measure::gradient_norm:
      return "gradient-norm";
    case Measure::integrated_gradients:
      return "integrated-gradients";
    case Measure::leave_one_out:
      return "leave-one-out";
    case Measure::random:
      return "random";
  }
  return "";
}

std::optional<Measure> measure_named(std::string_view name) {
  const auto* found = std::find_if(kMeasures.begin(), kMeasures.end(), [&](Measure m) { return to_string(m) == name; });
  return found == kMeasures.end() ? std::nullopt : std::optional(*found);
}

bool is_signed(Measure measure) {
  switch (measure) {
    case Measure::attention:
    case Measure::gradient_norm_held:
    case Measure::gradient_norm:
    case Measure::random:
      return false;
    default:
      return true;
  }
}

std::string fault(const Attributions& a, Measure measure) {
  std::string what = fault_of_texts({a.score_probability, a.offsets, a.probability, a.label, a.row});
  if (!what.empty()) return what;
  const size_t size = a.label.size();
  if (a.logit.size() != size) return fmt::format("{} logits of {} texts", a.logit.size(), size);
  if (!a.group.empty() && a.group.size() != size) return fmt::format("{} groups of {} texts", a.group.size(), size);
  for (size_t i = 0; i < size; ++i) {
    if (!std::isfinite(a.logit[i])) return fmt::format("text {} (row {}): its logit is {}", i, a.row[i], a.logit[i]);
  }
  what = fault_of_scores(a, a.score_probability, "score_probability", measure);
  if (what.empty()) what = fault_of_scores(a, a.score_logit, "score_logit", measure);
  const size_t integrals = measure == Measure::integrated_gradients ? size : 0;
  if (what.empty()) what = fault_of_integration(a.integration_probability, integrals, "integration_probability");
  if (what.empty()) what = fault_of_integration(a.integration_logit, integrals, "integration_logit");
  return what;
}

std::vector<float> log_shares(const Attributions& a) {
  std::vector<float> result(a.score_probability.size(), -std::numeric_limits<float>::infinity());
  for (int32_t i = 0; i < a.size(); ++i) {
    const int64_t begin = a.offsets[i] + 1, end = a.offsets[i + 1] - 1;
    double sum = 0;
    for (int64_t n = begin; n < end; ++n) sum += std::fabs(double{a.score_probability[n]});
    for (int64_t n = begin; n < end; ++n) {
      const double share = sum > 0 ? std::fabs(double{a.score_probability[n]}) / sum : 1.0 / (end - begin);
      result[n] = static_cast<float>(std::log(share));
    }
  }
  return result;
}

}  // namespace notnot
