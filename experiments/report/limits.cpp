#include "experiments/report/limits.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "engine/math/statistics.h"
#include "experiments/format/html.h"
#include "experiments/report/guides.h"
#include "experiments/report/measures.h"
#include "experiments/report/model_groups.h"

namespace notnot {
namespace {

/// Which models have too few runs for a verdict, and how small a difference of F1 could have been seen.
std::string about_seeds(const LoadedStudy& study, const std::vector<Finding>& findings) {
  std::vector<std::string> few;
  for (const ModelGroup& group : model_groups(study)) {
    if (group.runs.size() < kSeedsForVerdict)
      few.push_back(
          fmt::format("{} ({} {})", group.name, group.runs.size(), group.runs.size() == 1 ? "seed" : "seeds"));
  }
  std::string text;
  if (!few.empty()) {
    text = fmt::format("There is no verdict on models of fewer than {} seeds: {}.", kSeedsForVerdict,
                       joined_with_and(few));
  }
  const Test* finest = nullptr;
  const Test* coarsest = nullptr;
  const auto width = [](const Test* test) { return test->estimate.half_width(0.95); };
  for (const Finding& finding : findings) {
    for (const Test& test : finding.tests) {
      if (!test.of_f1_difference || test.estimate.seeds() < kSeedsForVerdict) continue;
      if (finest == nullptr || width(&test) < width(finest)) finest = &test;
      if (coarsest == nullptr || width(&test) > width(coarsest)) coarsest = &test;
    }
  }
  if (finest == nullptr) return text;
  const auto of_test = [&](const Test& test) {
    return fmt::format("{} ({})", three_decimals(width(&test)), test.quantity);
  };
  return fmt::format(
      "{}{}Differences of F1 smaller than {}{} could not have been seen, even by a test that stands alone (95% "
      "intervals).",
      text, text.empty() ? "" : " ", of_test(*finest), finest == coarsest ? "" : " to " + of_test(*coarsest));
}

std::string about_epochs(const LoadedStudy& study) {
  size_t on_test = 0;
  std::vector<double> gains;
  for (const LoadedRun& run : study.runs) {
    if (!run.epoch_choice) continue;
    on_test += run.result.selected_on == "test" ? 1 : 0;
    gains.push_back(run.epoch_choice->test_by_test.f1 - run.epoch_choice->test_by_dev.f1);
  }
  if (on_test == 0) return "";
  return fmt::format(
      "The epoch of {} of {} classifiers was chosen on the test split itself. Against the choice on the development "
      "split "
      "that changes F1 by {} on average{}.",
      on_test, gains.size(), signed_three_decimals(mean(gains)),
      study.of_kind(RunKind::adversary).empty()
          ? ""
          : "; the adversaries, chosen by their training loss, have no such advantage");
}

std::string about_length(const LoadedStudy& study) {
  const bool shorter = std::any_of(study.runs.begin(), study.runs.end(), [](const LoadedRun& run) {
    return run.epoch_choice && run.config.training.epochs < kPaperEpochs;
  });
  if (!shorter) return "";
  return fmt::format("Some models were trained for fewer than the paper's {} epochs.", kPaperEpochs);
}

/// The adversaries that would have gone on, and how far they were.
std::string about_adversaries(const LoadedStudy& study) {
  std::vector<const LoadedRun*> adversaries = study.of_kind(RunKind::adversary);
  for (const LoadedRun* run : study.of_kind(RunKind::side_by_side)) adversaries.push_back(run);
  std::vector<double> jsd;
  for (const LoadedRun* run : adversaries) {
    if (run->cut_off() && !run->from_attacked.jsd.empty()) jsd.push_back(run->from_attacked.mean_jsd());
  }
  if (jsd.empty()) return "";
  const auto [least, most] = std::minmax_element(jsd.begin(), jsd.end());
  return fmt::format(
      "Of {} adversaries, {} reached the limit of epochs soon after their best epoch, at a JSD of {}{}: how far they "
      "could "
      "have moved is not known.",
      adversaries.size(), jsd.size(), three_decimals(*least),
      jsd.size() == 1 ? "" : fmt::format(" to {}", three_decimals(*most)));
}

/// How many texts are as many independent ones, and whether the model has seen texts of their groups.
std::string about_groups(const LoadedStudy& study) {
  if (!study.has_groups()) return "";
  std::string text = fmt::format(
      "Of the {} test texts some belong together, such as those of one patient: intervals are those of {} groups, "
      "which say "
      "as much as {:.1f} of equal size{}.",
      with_thousands(static_cast<int64_t>(study.label.size())), with_thousands(study.clusters()),
      study.effective_clusters(), has_few_groups(study) ? fmt::format("; a verdict needs {}", kGroupsForVerdict) : "");
  if (study.texts_of_training_groups > 0) {
    text += fmt::format(
        " {} of the texts belong to groups that have training texts, too: what is measured on them says "
        "little about new groups.",
        with_thousands(study.texts_of_training_groups));
  }
  return text;
}

std::string about_guide(const LoadedStudy& study) {
  const std::vector<ModelGroup> groups = guide_groups(study);
  const ModelGroup* guided = default_adversary(groups, kGuideLambda);
  if (guided == nullptr) return "";
  const std::optional<GuideDistance> distance = guide_distance(study, *guided);
  if (!distance || distance->has_moved()) return "";
  return fmt::format(
      "The adversary that guides an MLP has moved to a JSD of {} only, where {} is needed: that its attention is a "
      "good guide tells nothing.",
      three_decimals(distance->jsd), three_decimals(distance->needed));
}

std::string about_reference(const LoadedStudy& study) {
  if (!study.has_base()) return "";
  return fmt::format("All distances of attention are from one base model, that of seed {}.",
                     study.reference_run().spec().seed);
}

}  // namespace

std::vector<std::string> limits(const LoadedStudy& study, const std::vector<Finding>& findings) {
  std::vector<std::string> sentences = {about_seeds(study, findings), about_epochs(study), about_length(study),
                                        about_adversaries(study),     about_guide(study),  about_reference(study),
                                        about_groups(study)};
  if (!study.of_kind(RunKind::guided_mlp).empty()) {
    sentences.emplace_back(
        "Attention that guides another model well is useful to that model. This is not faithfulness: the model that it "
        "comes from may decide by other means.");
  }
  if (study.planted()) {
    sentences.emplace_back(
        "The share of the attention on the planted evidence says where it points (plausibility), not what the model "
        "uses; the reliance on the evidence does.");
  }
  sentences.emplace_back(
      "The models are of one family, the texts have two classes, and no people have judged the explanations.");
  std::erase(sentences, "");
  return sentences;
}

std::string limits_html(const LoadedStudy& study, const std::vector<Finding>& findings) {
  std::string html =
      "<aside class=\"limits\" aria-label=\"What this report cannot show\">\n"
      "<p><b>What this report cannot show</b></p>\n<ul>\n";
  for (const std::string& sentence : limits(study, findings)) html += fmt::format("<li>{}</li>\n", escape(sentence));
  return html + "</ul>\n</aside>\n";
}

}  // namespace notnot
