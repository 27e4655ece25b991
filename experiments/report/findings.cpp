#include "experiments/report/findings.h"

#include <fmt/format.h>

#include <cmath>

#include "experiments/report/adversaries.h"

namespace notnot {
namespace {

std::string in_words(const F1Comparison& difference) {
  const bool over_seeds = difference.by_seed.size() >= kSeedsForInterval;
  return fmt::format(
      "{} minus {}: {} ({} to {})", difference.a, difference.b,
      over_seeds ? mean_and_spread(difference.by_seed) : signed_three_decimals(difference.texts.difference),
      signed_three_decimals(difference.low()), signed_three_decimals(difference.high()));
}

/// What in_words' numbers are.
std::string method_of(const F1Comparison& difference) {
  const size_t n = difference.by_seed.size();
  if (n >= kSeedsForInterval) {
    return fmt::format("mean and standard deviation over n = {} seeds, in brackets the 95% interval of the mean", n);
  }
  return fmt::format("seed {}, n = {}, in brackets the 95% interval of the paired bootstrap over the test texts",
                     difference.seed, n);
}

/// "F1 differences (METHOD): A minus B ..., C minus D ...." A sentence per method.
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

std::string spread_of(const ModelGroup& group) {
  return fmt::format("{} {} (n = {})", group.name, mean_and_spread(group.f1()), group.runs.size());
}

Finding base_above_uniform(const LoadedStudy& study) {
  Finding finding{.title = "Attention helps",
                  .claim =
                      "The base model classifies better than its twin with uniform attention (Table 2). The paper "
                      "itself finds little of it on SST and the news sets.",
                  .verdict = Verdict::cannot_be_told,
                  .reason = "There is no base model and uniform model of the same seed; `notnot uniform` trains them."};
  const auto groups = attention_groups(study);
  if (groups.size() < 2) return finding;
  const auto difference = compare(study, groups[0], groups[1]);
  if (!difference) return finding;
  finding.reason =
      fmt::format("F1 of {}, of {}. {}", spread_of(groups[0]), spread_of(groups[1]), sentences({*difference}));
  if (difference->above()) finding.verdict = Verdict::agrees;
  if (difference->below()) finding.verdict = Verdict::disagrees;
  if (finding.verdict == Verdict::cannot_be_told) finding.reason += " The interval has both signs.";
  return finding;
}

/// All of `differences` point the paper's way: agrees; one points the other way: disagrees.
Verdict verdict_of(const std::vector<F1Comparison>& differences) {
  bool all = true;
  for (const F1Comparison& each : differences) {
    if (each.below()) return Verdict::disagrees;
    all = all && each.above();
  }
  return all ? Verdict::agrees : Verdict::cannot_be_told;
}

void judge(const std::vector<F1Comparison>& differences, Finding& finding) {
  finding.verdict = verdict_of(differences);
  finding.reason = sentences(differences);
  if (finding.verdict == Verdict::cannot_be_told) finding.reason += " An interval has both signs.";
}

Finding guide_order(const LoadedStudy& study) {
  Finding finding{.title = "Attention guides",
                  .claim =
                      "As guides of the MLP, uniform weights are worst, those it learns itself better, the base "
                      "LSTM's attention best (Table 3).",
                  .verdict = Verdict::cannot_be_told,
                  .reason = "Not all three guides are there, with a seed in common; `notnot guides` trains them."};
  const auto groups = guide_groups(study);
  std::vector<F1Comparison> differences;
  for (const auto& [better, worse] : {std::pair(kTrainedGuide, kUniformGuide), std::pair(kBaseGuide, kTrainedGuide)}) {
    const ModelGroup *a = find_group(groups, better), *b = find_group(groups, worse);
    const auto difference = a == nullptr || b == nullptr ? std::nullopt : compare(study, *a, *b);
    if (!difference) return finding;
    differences.push_back(*difference);
  }
  judge(differences, finding);
  return finding;
}

Finding adversary_guides_worst(const LoadedStudy& study) {
  const std::string name = adversary_guide(kGuideLambda);
  Finding finding{
      .title = "Adversarial attention does not guide",
      .claim = fmt::format("The attention of the adversary with \u03bb = {:g} is a worse guide than any of the "
                           "others (Table 3: so on SST and IMDb; on Diabetes uniform weights are worse; on "
                           "Anemia it is as good as the base model's).",
                           kGuideLambda),
      .verdict = Verdict::cannot_be_told,
      .reason = fmt::format("There is no MLP guided by the adversary with \u03bb = {:g} beside other guides of "
                            "its seed; `notnot guides` trains them.",
                            kGuideLambda)};
  const auto groups = guide_groups(study);
  const ModelGroup* adversary = find_group(groups, name);
  if (adversary == nullptr) return finding;
  std::vector<F1Comparison> differences;
  for (const std::string_view other : {kUniformGuide, kTrainedGuide, kBaseGuide}) {
    const ModelGroup* group = find_group(groups, other);
    const auto difference = group == nullptr ? std::nullopt : compare(study, *group, *adversary);
    if (!difference) return finding;
    differences.push_back(*difference);
  }
  judge(differences, finding);
  return finding;
}

/// An adversary and its repeats, each beside the base model that it attacks.
struct Attack {
  std::vector<double> f1, jsd;  ///< F1 minus the base model's; mean JSD

  Attack(const LoadedStudy& study, const LoadedRun& adversary) {
    for (const LoadedRun* run : repeats_of(study, adversary)) {
      f1.push_back(run->test().f1 - study.other_of(*run)->test().f1);
      jsd.push_back(run->from_attacked.mean_jsd());
    }
  }
  bool distant() const { return mean(jsd) > kFarAttention; }
  bool near() const { return mean(f1) >= -kNearF1; }
  std::string in_words() const {
    return fmt::format("JSD {}, F1 minus its base model's {} (n = {})", mean_and_spread(jsd), mean_and_spread(f1),
                       jsd.size());
  }
};

Finding adversary_exists(const LoadedStudy& study) {
  Finding finding{
      .title = "A distant adversary exists",
      .claim = fmt::format("A trained adversary gets a mean JSD above {:g} from the base model at an F1 near "
                           "its (Table 4). Near: at most {:g} below.",
                           kFarAttention, kNearF1),
      .verdict = Verdict::cannot_be_told,
      .reason = "There is no base model with adversaries; `notnot adversary` trains them."};
  const auto grid = lambda_grid(study);
  if (grid.empty()) return finding;
  const LoadedRun* best = best_adversary(study);
  const LoadedRun& shown = best == nullptr ? *most_distant_adversary(study) : *best;
  const Attack attack(study, shown);
  finding.reason = fmt::format("{} \u03bb = {:g}: {}.",
                               best == nullptr ? "No adversary of the base seed passes; the largest JSD is that of"
                                               : "The adversary with the best F1 among those that pass is that of",
                               shown.spec.lambda, attack.in_words());
  if (attack.distant()) {
    finding.verdict = attack.near() ? Verdict::agrees : Verdict::disagrees;
  } else if (grid.back()->spec.lambda >= kGuideLambda) {
    finding.verdict = Verdict::disagrees;
  } else {
    finding.reason +=
        fmt::format(" The grid ends at \u03bb = {:g}, below the paper's {:g}.", grid.back()->spec.lambda, kGuideLambda);
  }
  return finding;
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  constexpr std::array<std::string_view, 3> words = {"agrees", "does not agree", "cannot be told"};
  return words.at(static_cast<size_t>(verdict));
}

std::vector<Finding> findings(const LoadedStudy& study) {
  return {base_above_uniform(study), guide_order(study), adversary_guides_worst(study), adversary_exists(study)};
}

}  // namespace notnot
