#include "experiments/report/summary.h"

#include <fmt/format.h>

#include <algorithm>

#include "experiments/report/guides.h"
#include "experiments/report/measures.h"
#include "experiments/report/model_groups.h"

namespace notnot {
namespace {

/// TVD and JSD of an adversary from the base model that it attacks.
std::string distance_of(const LoadedRun& run) {
  const bool known = !run.from_attacked.jsd.empty();
  return fmt::format("  {:>5}  {:>5}", known ? three_decimals(run.from_attacked.mean_tvd()) : "-",
                     known ? three_decimals(run.from_attacked.mean_jsd()) : "-");
}

}  // namespace

std::string summary_table(const LoadedStudy& study) {
  std::string table;
  std::vector<ModelGroup> groups = model_groups(study);
  for (const LoadedRun* run : study.of_kind(RunKind::side_by_side))
    groups.push_back({.name = run->label, .runs = {run}});
  size_t width = std::string_view("model").size();
  for (const ModelGroup& group : groups) width = std::max(width, group.name.size());
  const bool distances = std::any_of(study.runs.begin(), study.runs.end(),
                                     [](const LoadedRun& run) { return is_adversary(run.spec().kind); });
  table += fmt::format("{:<{}}  {:>10}  {:>5}  {:>10}  {:>7}  {:>8}{}  epoch\n", "model", width, "seed", "F1",
                       "paper's F1", "ROC-AUC", "accuracy", distances ? "    TVD    JSD" : "");
  for (const ModelGroup& group : groups) {
    const LoadedRun& run = *group.runs.front();
    table +=
        fmt::format("{:<{}}  {:>10}  {:>5}  {:>10}  {:>7}  {:>8}{}  {} of {}, chosen on {}\n", group.name, width,
                    run.spec().seed, three_decimals(run.test().f1), three_decimals(group.paper_f1),
                    three_decimals(run.test().roc_auc), three_decimals(run.test().accuracy),
                    distances ? distance_of(run) : "", run.result.epoch, run.epochs_trained, run.result.selected_on);
    if (group.runs.size() > 1) {
      table += fmt::format("{:<{}}  {:>10}  F1 {}\n", "", width, fmt::format("{} runs", group.runs.size()),
                           mean_and_spread(group.f1()));
    }
    if (run.guide_scores) {
      table += fmt::format(
          "{:<{}}  {:>10}  ROC-AUC {} with its weights permuted in each text, {} with equal ones; leakage {}\n", "",
          width, "", guide_score(group, &GuideScores::permuted_weights),
          guide_score(group, &GuideScores::equal_weights), guide_score(group, &GuideScores::leakage));
    }
  }
  if (study.synthetic()) table += "SYNTHETIC texts: nothing measured here is about the real data\n";
  const std::string caveat = training_caveat(study);
  if (!caveat.empty()) table += caveat + "\n";
  for (const LoadedRun& run : study.unused)
    table += fmt::format("not used: {}: {}\n", run.path.string(), run.unfinished);
  return table;
}

}  // namespace notnot
