#include "experiments/report/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "engine/math/multiple_testing.h"
#include "engine/math/student_t.h"
#include "experiments/report/measures.h"

namespace notnot {
namespace {

constexpr double kLevel = 0.05;

bool can_judge(const Test& test) { return test.estimate.seeds() >= kSeedsForVerdict; }

double smaller_p(const Test& test) { return std::min(test.p_agrees, test.p_disagrees); }

Test test_of(std::string quantity, UncertainMean estimate, std::string bound, double coverage) {
  Test test{.quantity = std::move(quantity),
            .estimate = std::move(estimate),
            .bound = std::move(bound),
            .coverage = coverage};
  if (can_judge(test)) test.interval = test.estimate.interval(coverage);
  return test;
}

/// "0.003", or "< 0.001".
std::string p_in_words(double p) { return p < 0.001 ? "< 0.001" : fmt::format("= {}", three_decimals(p)); }

/// A difference has a sign.
std::string number_of(const Test& test, double value) {
  return test.quantity.find(" minus ") == std::string::npos ? three_decimals(value) : signed_three_decimals(value);
}

/// "Base minus Uniform +0.031 (...)".
std::string in_words(const Test& test, bool judged) {
  const UncertainMean& estimate = test.estimate;
  const std::string texts = three_decimals(std::sqrt(estimate.texts_variance));
  std::string text = fmt::format("{} {} (", test.quantity, number_of(test, estimate.value()));
  const std::string p_words =
      judged ? fmt::format("; p {}, Holm's p {}", p_in_words(smaller_p(test)), p_in_words(test.p_holm)) : "";
  if (!can_judge(test)) return text + fmt::format("error of texts {})", texts);
  if (test.of_one_run) {
    return text + fmt::format("a further run: {:.0f}% interval {} to {}{})", 100 * test.coverage,
                              number_of(test, test.interval.low), number_of(test, test.interval.high), p_words);
  }
  text += fmt::format("{:.0f}% interval {} to {}; error of seeds {}, of texts {}", 100 * test.coverage,
                      number_of(test, test.interval.low), number_of(test, test.interval.high),
                      three_decimals(std::sqrt(estimate.seeds_variance())), texts);
  return text + p_words + ")";
}

/// Why the test has told nothing: " Base minus Uniform is known to within 0.025, which is too little to tell its side
/// of zero." Empty if it has.
std::string not_told(const Test& test) {
  if (!can_judge(test) || test.verdict() != Verdict::cannot_be_told) return "";
  if (smaller_p(test) <= kLevel)
    return fmt::format(" Alone, but not among so many tests, it would be told ({}).", test.quantity);
  return fmt::format(" {} is known to within {}, which is too little to tell its side of {}.", test.quantity,
                     three_decimals((test.interval.high - test.interval.low) / 2), test.bound);
}

/// "n = 3: ...; ...." and what they do not tell.
std::string sentences(const std::vector<Test>& tests, bool judged) {
  std::string text, remarks;
  size_t seeds = 0;
  for (const Test& test : tests) {
    if (!text.empty()) text += "; ";
    if (test.estimate.seeds() != seeds) text += fmt::format("n = {}: ", test.estimate.seeds());
    seeds = test.estimate.seeds();
    text += in_words(test, judged);
    if (judged) remarks += not_told(test);
  }
  return text + "." + remarks;
}

Verdict verdict_of(const std::vector<Test>& tests) {
  const auto is = [](Verdict verdict) { return [verdict](const Test& test) { return test.verdict() == verdict; }; };
  if (std::any_of(tests.begin(), tests.end(), is(Verdict::disagrees))) return Verdict::disagrees;
  const bool all = !tests.empty() && std::all_of(tests.begin(), tests.end(), is(Verdict::agrees));
  return all ? Verdict::agrees : Verdict::cannot_be_told;
}

/// "one seed; `--repeats 5` trains more".
std::string too_few_seeds(const Finding& finding) {
  const std::vector<Test>& tests = finding.tests;
  const auto fewest = std::min_element(
      tests.begin(), tests.end(), [](const Test& a, const Test& b) { return a.estimate.seeds() < b.estimate.seeds(); });
  if (fewest == tests.end() || can_judge(*fewest)) return "";
  return fmt::format("{}; {}", fewest->estimate.seeds() == 1 ? "one seed" : "two seeds", finding.more_seeds);
}

void conclude(Finding& finding) {
  const bool judged = finding.of_paper && finding.obstacle.empty();
  finding.verdict = finding.of_paper ? Verdict::cannot_be_told : Verdict::no_claim;
  finding.why = finding.obstacle;
  if (judged) {
    const auto unless_in_doubt = [&](Verdict verdict) {
      return verdict == Verdict::disagrees && !finding.doubt.empty() ? Verdict::cannot_be_told : verdict;
    };
    const Verdict by_numbers = verdict_of(finding.tests);
    finding.verdict = unless_in_doubt(by_numbers);
    finding.verdict_by_roc_auc = unless_in_doubt(verdict_of(finding.by_roc_auc));
    if (finding.verdict != by_numbers) finding.why = finding.doubt;
    if (finding.verdict == Verdict::cannot_be_told && finding.why.empty()) finding.why = too_few_seeds(finding);
  }
  if (!finding.tests.empty()) finding.reason = sentences(finding.tests, judged);
  if (!finding.by_roc_auc.empty()) {
    finding.reason +=
        judged ? fmt::format("\nBy ROC-AUC: {}. ", to_string(finding.verdict_by_roc_auc)) : "\nBy ROC-AUC: ";
    finding.reason += sentences(finding.by_roc_auc, judged);
  }
  if (!finding.remark.empty()) finding.reason += (finding.reason.empty() ? "" : "\n") + finding.remark;
}

}  // namespace

Test of_f1_difference(Test test) {
  test.of_f1_difference = true;
  return test;
}

std::string_view to_string(Verdict verdict) {
  constexpr std::array<std::string_view, 4> words = {"agrees", "does not agree", "cannot be told", "no claim"};
  return words.at(static_cast<size_t>(verdict));
}

std::string verdict_html(Verdict verdict) {
  constexpr std::array<std::pair<const char*, const char*>, 4> marks = {
      {{"agrees", "&#10003;"}, {"disagrees", "&#10007;"}, {"untold", "?"}, {"no-claim", "&#8211;"}}};
  const auto& [name, mark] = marks.at(static_cast<size_t>(verdict));
  return fmt::format("<span class=\"verdict {}\"><span aria-hidden=\"true\">{}</span> {}</span>", name, mark,
                     to_string(verdict));
}

Verdict Test::verdict() const {
  if (p_holm > kLevel) return otherwise;
  return p_agrees < p_disagrees ? Verdict::agrees : Verdict::disagrees;
}

Test above_zero(std::string quantity, UncertainMean estimate) {
  Test test = test_of(std::move(quantity), std::move(estimate), "zero", 0.95);
  if (can_judge(test)) {
    test.p_agrees = std::min(1.0, 2 * test.estimate.p_above(0));
    test.p_disagrees = std::min(1.0, 2 * test.estimate.p_below(0));
  }
  return test;
}

Test above(std::string quantity, UncertainMean estimate, double bound) {
  Test test = test_of(std::move(quantity), std::move(estimate), fmt::format("{:g}", bound), 0.9);
  if (can_judge(test)) {
    test.p_agrees = test.estimate.p_above(bound);
    test.p_disagrees = test.estimate.p_below(bound);
  }
  return test;
}

Test below(std::string quantity, UncertainMean estimate, double bound) {
  Test test = above(std::move(quantity), std::move(estimate), bound);
  std::swap(test.p_agrees, test.p_disagrees);
  return test;
}

Test equal_within(std::string quantity, UncertainMean estimate, double margin) {
  Test test = test_of(std::move(quantity), std::move(estimate), fmt::format("\u00b1{:g}", margin), 0.9);
  if (can_judge(test)) {
    test.p_agrees = std::max(test.estimate.p_above(-margin), test.estimate.p_below(margin));
    test.p_disagrees = std::min(test.estimate.p_above(margin), test.estimate.p_below(-margin));
  }
  return test;
}

Test predicts(std::string quantity, std::vector<double> by_seed, double published) {
  Test test = test_of(std::move(quantity), {std::move(by_seed), 0, 2}, "", 0.95);
  if (!can_judge(test)) return test;
  const auto n = static_cast<double>(test.estimate.seeds());
  const double mean = test.estimate.value(), error = std::sqrt(test.estimate.seeds_variance() * (n + 1)),
               half_width = student_t_quantile(0.975, n - 1) * error;
  test.interval = {mean - half_width, mean + half_width};
  const double distance = std::fabs(published - mean);
  test.p_disagrees = error > 0 ? 2 * student_t_tail(distance / error, n - 1) : distance > 0 ? 0 : 1;
  if (test.p_disagrees > kLevel)
    test.otherwise = Verdict::agrees;  // it lies inside; outside, many tests may allow that
  test.of_one_run = true;
  return test;
}

bool has_claims(const LoadedStudy& study) { return study.paper() != nullptr && !study.synthetic(); }

bool has_further_claims(const LoadedStudy& study) {
  return has_claims(study) && !std::isnan(study.paper()->guides.base);
}

std::string no_claim_in_words(const LoadedStudy& study) {
  return has_claims(study) ? "The paper leaves this data set out of this test (section 3.2)." : "";
}

Finding published_f1(const LoadedStudy& study, const std::string& table, const std::vector<ModelGroup>& groups,
                     bool of_paper) {
  Finding finding{.title = "Published F1, " + table, .claim = no_claim_in_words(study), .of_paper = of_paper};
  if (!of_paper) return finding;
  finding.claim = fmt::format("Each F1 of {} lies where a further run of ours is expected.", table);
  for (const ModelGroup& group : groups) {
    if (std::isnan(group.paper_f1)) continue;
    finding.tests.push_back(predicts(fmt::format("{} (published {})", group.name, three_decimals(group.paper_f1)),
                                     group.f1(), group.paper_f1));
  }
  if (finding.tests.empty()) {
    finding.obstacle = fmt::format("there is no run of {}; `notnot paper` trains them", table);
  } else if (!is_papers_test_split(study)) {
    finding.obstacle = "the test split is not the paper's";
  }
  return finding;
}

size_t judge(std::vector<std::vector<Finding>>& findings) {
  std::vector<Test*> tests;
  for (auto& of_study : findings) {
    for (Finding& finding : of_study) {
      if (!finding.of_paper || !finding.obstacle.empty()) continue;
      for (auto* measure : {&finding.tests, &finding.by_roc_auc}) {
        for (Test& test : *measure) {
          if (can_judge(test)) tests.push_back(&test);
        }
      }
    }
  }
  std::vector<double> p;
  p.reserve(tests.size());
  for (const Test* test : tests) p.push_back(smaller_p(*test));
  const std::vector<double> corrected = holm(p);
  for (size_t i = 0; i < tests.size(); ++i) tests[i]->p_holm = corrected[i];
  for (auto& of_study : findings) {
    for (Finding& finding : of_study) conclude(finding);
  }
  return tests.size();
}

}  // namespace notnot
