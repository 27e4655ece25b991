#include "experiments/report/adversaries.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "experiments/report/by_class.h"
#include "experiments/report/comparisons.h"
#include "experiments/report/frontier.h"
#include "experiments/report/heat_map.h"
#include "experiments/report/measures.h"

namespace notnot {
namespace {

double mean_jsd(const LoadedRun& run) { return run.from_reference.mean_jsd(); }
bool is_far_on_dev(const LoadedRun& run) { return run.dev_jsd > kFarAttention; }
double dev_f1(const LoadedRun& run) { return run.result.split.dev.f1; }
double mean_tvd(const LoadedRun& run) { return run.from_reference.mean_tvd(); }

std::vector<const LoadedRun*> adversaries_of_reference(const LoadedStudy& study) {
  std::vector<const LoadedRun*> result;
  for (const LoadedRun* run : study.of_kind(RunKind::adversary)) {
    if (study.other_of(*run) == &study.reference_run()) result.push_back(run);
  }
  return result;
}

std::string lambda_of(const LoadedRun& run) { return fmt::format("{}", run.spec().lambda); }
AdversaryKind kind_of(const LoadedRun& adversary) { return kind_of_adversary(adversary.dataset(), adversary.spec()); }

// --- the finding -----------------------------------------------------------------------------------------------------

/// The adversaries like `chosen` of the base models on which it was not chosen; if there are none, `chosen` alone.
std::vector<const LoadedRun*> confirming(const LoadedStudy& study, const LoadedRun& chosen) {
  std::vector<const LoadedRun*> repeats = repeats_of(study, chosen);
  if (repeats.size() > 1) std::erase(repeats, &chosen);
  return repeats;
}

/// Tests of JSD, F1 and TVD.
void add_tests(const LoadedStudy& study, const std::vector<const LoadedRun*>& adversaries, Finding& finding) {
  std::vector<TextValues> jsd, tvd;
  RunPairs pairs;
  for (const LoadedRun* run : adversaries) {
    jsd.push_back(run->from_attacked.jsd);
    tvd.push_back(run->from_attacked.tvd);
    pairs.emplace_back(run, study.other_of(*run));
  }
  const Comparison difference = compare(study, "Adversary", "its base model", pairs);
  finding.tests = {above("JSD", mean_over_seeds(study, jsd), kFarAttention),
                   of_f1_difference(above("F1 of " + difference.name(), difference.f1, -kNearF1)),
                   below("TVD", mean_over_seeds(study, tvd), kNearTvd * study.tvd_factor / kTvdSingle)};
  if (difference.roc_auc) finding.by_roc_auc = {above(difference.name(), *difference.roc_auc, -kNearF1)};
}

/// Why the adversaries would tell nothing against the paper.
std::string doubt_about(const LoadedStudy& study, const std::vector<const LoadedRun*>& adversaries) {
  const double largest = lambda_grid(study).back()->spec().lambda;
  if (best_adversary(study) == nullptr && largest < kGuideLambda) {
    return fmt::format("the grid ends at \u03bb = {}, below the paper's {}", largest, kGuideLambda);
  }
  const bool cut_off =
      std::any_of(adversaries.begin(), adversaries.end(), [](const auto* run) { return run->cut_off(); });
  return cut_off ? "train longer (`--adversary-epochs`)" : "";
}

/// "Stopped by the limit of 80 epochs less than 10 epochs after the best: seed 10 with lambda = 0.001 and 0.002." Empty if
/// no adversary is.
std::string cut_off_in_words(const LoadedStudy& study) {
  std::vector<std::pair<uint64_t, std::vector<std::string>>> of_seeds;  // their lambdas
  int32_t limit = 0, patience = 0;
  for (const LoadedRun* run : study.of_kind(RunKind::adversary)) {
    if (!run->cut_off()) continue;
    limit = std::max(limit, run->epochs_trained);
    patience = std::max(patience, run->config.training.patience);
    auto known = std::find_if(of_seeds.begin(), of_seeds.end(),
                              [&](const auto& entry) { return entry.first == run->spec().seed; });
    if (known == of_seeds.end()) known = of_seeds.insert(known, {run->spec().seed, {}});
    if (known->second.empty() || known->second.back() != lambda_of(*run)) known->second.push_back(lambda_of(*run));
  }
  if (of_seeds.empty()) return "";
  std::vector<std::string> names;
  names.reserve(of_seeds.size());
  for (const auto& [seed, lambdas] : of_seeds) {
    names.push_back(fmt::format("seed {} with \u03bb = {}", seed, joined_with_and(lambdas)));
  }
  return fmt::format(" Stopped by the limit of {} epochs less than {} epochs after the best: {}.", limit, patience,
                     fmt::join(names, "; "));
}

Finding adversary_exists(const LoadedStudy& study) {
  Finding finding{
      .title = "A distant adversary exists", .claim = no_claim_in_words(study), .of_paper = has_further_claims(study)};
  if (finding.of_paper) {
    finding.claim = fmt::format(
        "A trained adversary moves the attention to a mean Jensen-Shannon divergence (JSD) above {:g} from the base "
        "model's, with an F1 on par (at most {:g} below) and a mean TVD below {:g} (Table 4).",
        kFarAttention, kNearF1, kNearTvd * study.tvd_factor / kTvdSingle);
  }
  if (!study.has_base() || lambda_grid(study).empty()) {
    finding.obstacle = "there is no base model with adversaries; `notnot adversary` trains them";
    return finding;
  }
  const LoadedRun* best = best_adversary(study);
  const LoadedRun& chosen = best == nullptr ? *most_distant_adversary(study) : *best;
  const auto adversaries = confirming(study, chosen);
  add_tests(study, adversaries, finding);
  finding.doubt = doubt_about(study, adversaries);
  if (best == nullptr) {
    finding.more_seeds = fmt::format(
        "no \u03bb passes a JSD of {:g} on the development split, so that `--repeats` trains no more seeds; "
        "`--lambdas` tries others",
        kFarAttention);
  }
  finding.remark = fmt::format(
      "\u03bb = {}{}, {} on the development split of seed {}; the numbers are of the test split{}.{}",
      chosen.spec().lambda, seed_in_words(kind_of(chosen)),
      best == nullptr ? "the largest JSD" : "the highest F1 beyond that JSD", study.reference_run().spec().seed,
      adversaries.front() == &chosen ? "" : ", over the other seeds", cut_off_in_words(study));
  return finding;
}

/// Whether the cells of Table 4 are what a further run would have.
Finding published_table4(const LoadedStudy& study) {
  Finding finding{.title = "Published adversary, Table 4",
                  .claim = no_claim_in_words(study),
                  .of_paper = has_further_claims(study)};
  if (!finding.of_paper) return finding;
  finding.claim = "F1, TVD and JSD of Table 4 lie where those of a further adversary of ours are expected.";
  const LoadedRun* best = best_adversary(study);
  if (best == nullptr) {
    finding.obstacle = "no adversary is as far as those of Table 4; `notnot adversary` trains them";
    return finding;
  }
  if (!is_papers_test_split(study)) finding.obstacle = "the test split is not the paper's";
  std::vector<double> f1, tvd, jsd;
  for (const LoadedRun* run : confirming(study, *best)) {
    f1.push_back(run->test().f1);
    tvd.push_back(run->from_attacked.mean_tvd());
    jsd.push_back(run->from_attacked.mean_jsd());
  }
  const PaperResults::Adversary& paper = study.paper()->adversary;
  const auto test = [](const char* measure, std::vector<double> by_seed, double published) {
    return predicts(fmt::format("{} (published {})", measure, three_decimals(published)), std::move(by_seed),
                    published);
  };
  finding.tests = {test("F1", std::move(f1), paper.f1),
                   test("TVD", std::move(tvd), paper.tvd * study.tvd_factor / kTvdSingle),
                   test("JSD", std::move(jsd), paper.jsd)};
  return finding;
}

// --- tables ----------------------------------------------------------------------------------------------------------

std::vector<std::string> lambda_row(const LoadedRun& run) {
  return {lambda_of(run),
          three_decimals(run.test().f1),
          three_decimals(mean_tvd(run)),
          three_decimals(mean_jsd(run)),
          three_decimals(run.test().roc_auc),
          fmt::format("{} of {}", run.result.epoch, run.epochs_trained)};
}

std::vector<std::string> row_of_repeats(const std::vector<const LoadedRun*>& repeats) {
  std::vector<double> f1, tvd, jsd;
  for (const LoadedRun* run : repeats) {
    f1.push_back(run->test().f1);
    tvd.push_back(run->from_attacked.mean_tvd());
    jsd.push_back(run->from_attacked.mean_jsd());
  }
  return {fmt::format("Mean over {} base models", repeats.size()), lambda_of(*repeats.front()), mean_and_spread(f1),
          mean_and_spread(tvd), mean_and_spread(jsd)};
}

/// The note of every table of adversaries.
std::string attack_note(const LoadedStudy& study) {
  std::string note = "Means over the test texts. " + tvd_note(study) + jsd_note(study) + conditions(study);
  const auto adversaries = study.of_kind(RunKind::adversary);
  if (!adversaries.empty())
    note += fmt::format(" The epoch of an adversary is the one with the lowest {}.",
                        adversaries.front()->result.selected_on);
  return note;
}

// --- the section -----------------------------------------------------------------------------------------------------

/// The remarks on the grid of lambdas, which stand below Table 4.
std::string grid_remark(const LoadedStudy& study) {
  std::string remark;
  const auto grid = lambda_grid(study);
  if (grid.empty()) return remark;
  if (best_adversary(study) == nullptr) {
    remark += fmt::format(
        "<p>No adversary of the grid passes a mean JSD of {:g} on the development split; the table shows the one with "
        "the "
        "largest.</p>\n",
        kFarAttention);
  }
  if (needs_larger_lambdas(study)) {
    remark += fmt::format(
        "<p>No &lambda; up to {}, where the default grid ends, passes a mean JSD of {:g} on the development split; "
        "this grid "
        "goes up to "
        "{}.</p>\n",
        kLambdas.back(), kFarAttention, grid.back()->spec().lambda);
  }
  return remark;
}

Section adversary_section(const LoadedStudy& study, const Exhibits& exhibits) {
  Section section{study.key + "-adversary", "Trained adversaries (Table 4 and Figure 5)", "", "adversary"};
  if (lambda_grid(study).empty()) return section;
  section.html =
      "<p>Can a model be trained to predict as the base model does while its attention goes elsewhere? "
      "Lambda (&lambda;) is the weight of the second aim.</p>\n" +
      exhibits.table(best_adversary_table(study)) + grid_remark(study) + frontier_html(study, exhibits) +
      exhibits.table(lambda_table(study));
  if (!adversaries_of_other_seeds(study).empty()) {
    section.html += "<h4>What another seed does</h4>\n" + exhibits.table(adversary_seed_table(study));
  }
  const std::string maps = adversary_maps_html(study);
  if (!maps.empty()) section.html += "<h4>One text (Figure 2)</h4>\n" + maps;
  return section;
}

}  // namespace

Part adversaries_part() {
  return {.section = adversary_section,
          .findings = {adversary_exists, plus_below_curve, curve_is_convex, published_table4}};
}

uint64_t seed_of_grid(const LoadedStudy& study) {
  const auto grid = lambda_grid(study);
  return grid.empty() ? study.reference_run().spec().seed : grid.front()->spec().seed;
}

std::vector<const LoadedRun*> lambda_grid(const LoadedStudy& study) {
  std::vector<const LoadedRun*> grid = adversaries_of_reference(study);
  const auto first = std::min_element(grid.begin(), grid.end(), [](const LoadedRun* a, const LoadedRun* b) {
    return kind_of(*a).seed < kind_of(*b).seed;
  });
  if (first == grid.end()) return grid;
  std::erase_if(grid, [seed = (*first)->spec().seed](const LoadedRun* run) { return run->spec().seed != seed; });
  return grid;
}

const LoadedRun* best_adversary(const LoadedStudy& study) {
  const LoadedRun* best = nullptr;
  for (const LoadedRun* run : lambda_grid(study)) {
    if (is_far_on_dev(*run) && (best == nullptr || dev_f1(*run) > dev_f1(*best))) best = run;
  }
  return best;
}

bool needs_larger_lambdas(const LoadedStudy& study) {
  const auto grid = lambda_grid(study);
  const auto larger =
      std::find_if(grid.begin(), grid.end(), [](const LoadedRun* run) { return run->spec().lambda > kLambdas.back(); });
  return larger != grid.begin() && larger != grid.end() &&
         std::none_of(grid.begin(), larger, [](const LoadedRun* run) { return is_far_on_dev(*run); });
}

const LoadedRun* most_distant_adversary(const LoadedStudy& study) {
  const auto grid = lambda_grid(study);
  const auto most = std::max_element(grid.begin(), grid.end(),
                                     [](const LoadedRun* a, const LoadedRun* b) { return a->dev_jsd < b->dev_jsd; });
  return most == grid.end() ? nullptr : *most;
}

const LoadedRun* shown_adversary(const LoadedStudy& study) {
  if (const LoadedRun* best = best_adversary(study)) return best;
  for (const LoadedRun* run : lambda_grid(study)) {
    if (run->spec().lambda == kGuideLambda) return run;
  }
  return most_distant_adversary(study);
}

std::vector<const LoadedRun*> repeats_of(const LoadedStudy& study, const LoadedRun& adversary) {
  std::vector<const LoadedRun*> repeats;
  for (const LoadedRun* run : study.of_kind(RunKind::adversary)) {
    const LoadedRun* attacked = study.other_of(*run);
    if (attacked == nullptr || kind_of(*run) != kind_of(adversary)) continue;
    repeats.insert(attacked == &study.reference_run() ? repeats.begin() : repeats.end(), run);
  }
  return repeats;
}

std::vector<const LoadedRun*> adversaries_of_other_seeds(const LoadedStudy& study) {
  std::vector<const LoadedRun*> others = adversaries_of_reference(study);
  const auto grid = lambda_grid(study);
  std::erase_if(others, [&](const LoadedRun* run) { return run->spec().seed == grid.front()->spec().seed; });
  return others;
}

ResultTable best_adversary_table(const LoadedStudy& study) {
  ResultTable table{
      .name = study.key + "-table4",
      .caption = fmt::format("Best adversary with a mean JSD above {:g} on {} (Table 4)", kFarAttention, study.title()),
      .note = "\u03bb is chosen on the development split: the highest F1 beyond that JSD. " + attack_note(study),
      .header = {"Model", "\u03bb", "F1", "TVD", "JSD"},
      .rows = {},
      .left = 1};
  const LoadedRun* best = best_adversary(study);
  if (const LoadedRun* shown = best == nullptr ? most_distant_adversary(study) : best) {
    table.rows.push_back({(best == nullptr ? "Largest JSD; none passes" : "Adversary") + seed_in_words(kind_of(*shown)),
                          lambda_of(*shown), three_decimals(shown->test().f1), three_decimals(mean_tvd(*shown)),
                          three_decimals(mean_jsd(*shown))});
    const auto repeats = repeats_of(study, *shown);
    if (repeats.size() > 1) {
      table.rows.push_back(row_of_repeats(repeats));
      table.note += " In the mean over base models, TVD and JSD of each adversary are from the base model it attacks.";
    }
  }
  table.rows.push_back(
      {study.reference_run().label, "-", three_decimals(study.reference_run().test().f1), "0.000", "0.000"});
  if (study.paper() != nullptr && !std::isnan(study.paper()->adversary.f1)) {
    const auto& paper = study.paper()->adversary;
    table.rows.push_back({"The paper's adversary", fmt::format("{}", paper.lambda), three_decimals(paper.f1),
                          three_decimals(paper.tvd), three_decimals(paper.jsd)});
    table.rows.push_back({"The paper's base model", "-", three_decimals(study.paper()->base_f1), "0.000", "0.000"});
  }
  return table;
}

ResultTable lambda_table(const LoadedStudy& study) {
  ResultTable table{.name = study.key + "-lambdas",
                    .caption = fmt::format("Every adversary with seed {} on {}", seed_of_grid(study), study.title()),
                    .note = attack_note(study),
                    .header = {"\u03bb", "F1", "TVD", "JSD", "ROC-AUC", "Epoch"},
                    .rows = {},
                    .left = 1};
  for (const LoadedRun* run : lambda_grid(study)) table.rows.push_back(lambda_row(*run));
  return table;
}

ResultTable adversary_seed_table(const LoadedStudy& study) {
  ResultTable table{
      .name = study.key + "-adversary-seeds",
      .caption = fmt::format("Adversaries with another seed than their base model's on {}", study.title()),
      .note =
          "An adversary of the base model's own seed starts from that model's initial parameters and "
          "sees the texts in its order. " +
          attack_note(study),
      .header = {"\u03bb", "Seed", "F1", "TVD", "JSD"},
      .rows = {},
      .left = 2};
  const auto add = [&](const LoadedRun& run) {
    const char* remark = kind_of(run).seed ? "" : " (its base model's)";
    table.rows.push_back({lambda_of(run), fmt::format("{}{}", run.spec().seed, remark), three_decimals(run.test().f1),
                          three_decimals(mean_tvd(run)), three_decimals(mean_jsd(run))});
  };
  double lambda = kNoNumber;
  for (const LoadedRun* run : adversaries_of_other_seeds(study)) {
    for (const LoadedRun* own : lambda_grid(study)) {
      if (own->spec().lambda == run->spec().lambda && lambda != run->spec().lambda) add(*own);
    }
    lambda = run->spec().lambda;
    add(*run);
  }
  return table;
}

}  // namespace notnot
