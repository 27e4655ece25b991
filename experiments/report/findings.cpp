#include "experiments/report/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace notnot {
namespace {

std::string in_words(const F1Comparison& difference) {
  const bool over_seeds = difference.by_seed.size() >= kSeedsForInterval;
  return fmt::format(
      "{} minus {}: {} ({} to {})", difference.a, difference.b,
      over_seeds ? mean_and_spread(difference.by_seed) : signed_three_decimals(difference.texts.difference),
      signed_three_decimals(difference.low()), signed_three_decimals(difference.high()));
}

/// Where the numbers of in_words come from.
std::string method_of(const F1Comparison& difference) {
  const size_t n = difference.by_seed.size();
  if (n >= kSeedsForInterval) {
    return fmt::format("mean and standard deviation over n = {} seeds, in brackets the 95% interval of the mean", n);
  }
  return fmt::format("seed {}, n = {}, in brackets the 95% interval of the paired bootstrap over the test texts",
                     difference.seed, n);
}

Verdict verdict_of(const std::vector<F1Comparison>& differences) {
  if (std::any_of(differences.begin(), differences.end(), [](const F1Comparison& each) { return each.below(); })) {
    return Verdict::disagrees;
  }
  const bool all = std::all_of(differences.begin(), differences.end(), [](const auto& each) { return each.above(); });
  return all ? Verdict::agrees : Verdict::cannot_be_told;
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  constexpr std::array<std::string_view, 3> words = {"agrees", "does not agree", "cannot be told"};
  return words.at(static_cast<size_t>(verdict));
}

std::string verdict_html(Verdict verdict) {
  constexpr std::array<std::pair<const char*, const char*>, 3> marks = {
      {{"agrees", "&#10003;"}, {"disagrees", "&#10007;"}, {"untold", "?"}}};
  const auto& [name, mark] = marks.at(static_cast<size_t>(verdict));
  return fmt::format("<span class=\"verdict {}\"><span aria-hidden=\"true\">{}</span> {}</span>", name, mark,
                     to_string(verdict));
}

std::string sentences(const std::vector<F1Comparison>& differences) {
  std::string text, method;
  for (const F1Comparison& each : differences) {
    if (method_of(each) == method) {
      text += "; " + in_words(each);
      continue;
    }
    method = method_of(each);
    text += fmt::format("{}F1 differences ({}). {}", text.empty() ? "" : ". ", method, in_words(each));
  }
  return text + ".";
}

void judge(const std::vector<F1Comparison>& differences, Finding& finding) {
  finding.verdict = verdict_of(differences);
  finding.reason = sentences(differences);
  if (finding.verdict == Verdict::cannot_be_told) finding.reason += " An interval contains zero.";
}

}  // namespace notnot
