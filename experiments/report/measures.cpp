#include "experiments/report/measures.h"

#include <cmath>
#include <filesystem>

#include "engine/math/resampling.h"
#include "engine/math/statistics.h"

namespace notnot {
namespace {

/// Where the parameters of a run start.
std::string start_of(const LoadedRun& run) {
  const RunConfig& config = run.config;
  const std::filesystem::path init = config.paths.init;
  if (!init.empty()) return "parameters from " + init.filename().string();
  if (config.paths.vectors.empty()) return fmt::format("random word vectors, {} wide", config.embed);
  return "word vectors " + vectors_in_words(run);
}

std::string selection_of(const LoadedRun& run) {
  if (run.spec().kind == RunKind::perturbation || is_adversary(run.spec().kind)) return "";
  return run.result.selected_on == "test" ? "the test split's ROC-AUC (as published; this leaks)"
                                          : fmt::format("the {} split's ROC-AUC", run.result.selected_on);
}

bool is_adversary(const LoadedRun& run) { return is_adversary(run.spec().kind); }

std::string checksum_in_words(const std::string& checksum) {
  return checksum.empty() ? "none" : fmt::format("checksum {:.8}", checksum);
}

/// An option that runs must share where they are compared with each other; `of` is empty for a run that it does not
/// concern.
struct TrainingOption {
  const char* name;
  std::string (*of)(const LoadedRun&);
};

constexpr TrainingOption kTrainingOptions[] = {
    {"--hidden", [](const LoadedRun& run) { return fmt::format("{}", run.config.hidden); }},
    {"--epochs",
     [](const LoadedRun& run) { return is_adversary(run) ? "" : fmt::format("{}", run.config.training.epochs); }},
    {"--adversary-epochs",
     [](const LoadedRun& run) { return is_adversary(run) ? fmt::format("{}", run.config.training.epochs) : ""; }},
    {"--batch", [](const LoadedRun& run) { return fmt::format("{}", run.config.training.batch_size); }},
    {"--select",
     [](const LoadedRun& run) { return is_adversary(run) ? "" : std::string(to_string(run.config.training.select)); }},
    {"--precision",
     [](const LoadedRun& run) {
       const bool lstm = encoder_of(run.spec()) == Encoder::lstm;
       return lstm ? std::string(to_string(run.config.precision)) : "";
     }},
    {"--vectors", [](const LoadedRun& run) { return checksum_in_words(run.config.vectors_checksum); }},
    {"--init", [](const LoadedRun& run) { return checksum_in_words(run.config.init_checksum); }}};

/// "--hidden 4 (Base and Uniform), 64 (Trained MLP)"; empty if the runs share the option.
std::string difference_in(const LoadedStudy& study, const TrainingOption& option) {
  std::vector<std::pair<std::string, std::vector<std::string>>> answers;  // with the labels of their runs
  for (const LoadedRun& run : study.runs) {
    const bool trained = run.spec().kind != RunKind::perturbation;
    const std::string answer = trained ? option.of(run) : "";
    if (answer.empty()) continue;
    auto known = std::find_if(answers.begin(), answers.end(), [&](const auto& entry) { return entry.first == answer; });
    if (known == answers.end()) known = answers.insert(known, {answer, {}});
    known->second.push_back(run.label);
  }
  if (answers.size() < 2) return "";
  std::vector<std::string> texts;
  texts.reserve(answers.size());
  for (const auto& [answer, labels] : answers) {
    texts.push_back(fmt::format("{} ({})", answer, joined_with_and(labels)));
  }
  return fmt::format("{} {}", option.name, fmt::join(texts, ", "));
}

/// One row of f1_rows, over `runs`. `remark` stands behind their seed or number.
std::vector<std::string> f1_row(const ModelGroup& group, const std::vector<const LoadedRun*>& runs, const char* remark,
                                bool papers) {
  std::vector<double> f1, roc_auc, accuracy;
  for (const LoadedRun* run : runs) {
    f1.push_back(run->test().f1);
    roc_auc.push_back(run->test().roc_auc);
    accuracy.push_back(run->test().accuracy);
  }
  const std::string seed =
      runs.size() == 1 ? fmt::format("{}", runs.front()->spec().seed) : fmt::format("mean of {}", runs.size());
  const bool defined = std::none_of(roc_auc.begin(), roc_auc.end(), [](double value) { return std::isnan(value); });
  std::vector<std::string> row = {group.name, seed + remark, mean_and_spread(f1)};
  if (papers) {
    row.insert(row.end(), {three_decimals(group.paper_f1), signed_three_decimals(mean(f1) - group.paper_f1)});
  }
  row.insert(row.end(), {defined ? mean_and_spread(roc_auc) : "-", mean_and_spread(accuracy)});
  return row;
}

std::vector<std::string> difference_row(const std::string& name, const char* measure, const UncertainMean& difference) {
  std::vector<std::string> row = {name, measure, fmt::format("{}", difference.seeds()),
                                  signed_three_decimals(difference.value())};
  const std::string texts = three_decimals(std::sqrt(difference.texts_variance));
  if (difference.seeds() < kSeedsForVerdict) {
    row.insert(row.end(), {"-", texts, "-", "-"});
    return row;
  }
  const Interval interval = difference.interval(0.95);
  row.insert(row.end(),
             {three_decimals(std::sqrt(difference.seeds_variance())), texts,
              fmt::format("{:.1f}", difference.degrees_of_freedom()),
              fmt::format("{} to {}", signed_three_decimals(interval.low), signed_three_decimals(interval.high))});
  return row;
}

/// Whether f1_rows has a row for the runs of the common seeds, `matched`, that is not there without it.
bool has_own_mean_in_common(const ModelGroup& group, const ModelGroup& matched) {
  const size_t runs = matched.runs.size();
  const bool is_first = runs == 1 && matched.runs.front() == group.runs.front();
  return runs > 0 && runs < group.runs.size() && !is_first;
}

/// A warning if the study was trained on clearly fewer texts than Table 1 counts. Length filters remove some texts,
/// which is no reason for a warning: 25,000 texts of IMDb become 21,497, the development split included.
std::string missing_texts(const LoadedStudy& study) {
  const auto& texts = study.any_run().config.texts;
  const int64_t here = texts.train.negative + texts.train.positive + texts.dev.negative + texts.dev.positive,
                published = study.published()->train[0] + study.published()->train[1];
  if (10 * here >= 8 * published) return "";
  return fmt::format(", PARTIAL: {} training and development texts where the paper's Table 1 has {}",
                     with_thousands(here), with_thousands(published));
}

}  // namespace

std::string data_in_words(const LoadedStudy& study) {
  if (study.planted()) {
    const std::string variant = variant_in_words(study.any_run().planted_options());
    return "the built-in planted corpus" + (variant.empty() ? "" : fmt::format(" with {}", variant));
  }
  std::string data = study.synthetic() ? "SYNTHETIC texts in place of the real ones" : study.dataset;
  if (study.published() != nullptr && !study.synthetic()) {
    data += is_papers_test_split(study) ? ", as many test texts of each class as in the paper"
                                        : ", not the paper's test split";
    data += missing_texts(study);
  }
  return data;
}

std::string vectors_in_words(const LoadedRun& run) {
  const RunConfig& config = run.config;
  return fmt::format("{}, {} wide, for {} of {} words", std::filesystem::path(config.paths.vectors).filename().string(),
                     config.embed, with_thousands(config.words_with_vectors), with_thousands(config.vocabulary));
}

std::string tvd_factor_in_words(double factor) { return factor == 1 ? "" : fmt::format("{:g} ", factor); }

std::string tvd_note(const LoadedStudy& study) {
  return fmt::format("TVD: total variation distance of the predictions, {}|\u0394p|{}. ",
                     tvd_factor_in_words(study.tvd_factor),
                     study.tvd_factor == kTvdSingle ? " as in the published numbers" : "");
}

std::string seeds_in_words(const std::vector<const LoadedRun*>& runs) {
  std::vector<std::string> seeds;
  seeds.reserve(runs.size());
  for (const LoadedRun* run : runs) seeds.push_back(fmt::format("{}", run->spec().seed));
  return joined_with_and(seeds);
}

std::string conditions(const LoadedStudy& study) {
  std::string text = fmt::format("Data: {}. Start: {}.", data_in_words(study), distinct_answers(study.runs, start_of));
  const std::string selection = distinct_answers(study.runs, selection_of);
  if (!selection.empty()) text += fmt::format(" Epoch chosen by {}.", selection);
  return text;
}

std::string training_caveat(const LoadedStudy& study) {
  std::vector<std::string> differences;
  for (const TrainingOption& option : kTrainingOptions) {
    std::string difference = difference_in(study, option);
    if (!difference.empty()) differences.push_back(std::move(difference));
  }
  if (differences.empty()) return "";
  return fmt::format("These runs were not all trained alike, and a difference between them may come from that: {}.",
                     fmt::join(differences, "; "));
}

bool is_papers_test_split(const LoadedStudy& study) {
  if (study.published() == nullptr) return true;
  const SplitSizes& test = study.any_run().config.texts.test;
  return test.negative == study.published()->test[0] && test.positive == study.published()->test[1];
}

std::vector<std::vector<std::string>> f1_rows(const ModelGroup& group, const std::vector<uint64_t>& common,
                                              bool papers) {
  const ModelGroup matched = with_seeds(group, common);
  std::vector<std::vector<std::string>> rows = {f1_row(group, {group.runs.front()}, "", papers)};
  if (group.runs.size() > 1) rows.push_back(f1_row(group, group.runs, "", papers));
  if (has_own_mean_in_common(group, matched)) rows.push_back(f1_row(group, matched.runs, " in common", papers));
  return rows;
}

std::string seeds_note(const std::vector<ModelGroup>& groups) {
  std::string note;
  bool in_common = false;
  const std::vector<uint64_t> common = common_seeds(groups);
  for (const ModelGroup& group : groups) {
    if (group.runs.size() > 1) note += fmt::format(" {}: seeds {}.", group.name, seeds_in_words(group.runs));
    in_common = in_common || has_own_mean_in_common(group, with_seeds(group, common));
  }
  if (in_common) {
    note += fmt::format(" In common: seeds {}; compare the rows over these.",
                        seeds_in_words(with_seeds(groups.front(), common).runs));
  }
  return note.empty() ? note : " Means over the seeds with the sample's standard deviation." + note;
}

ResultTable comparison_table(const LoadedStudy& study, const std::string& name, const std::string& caption,
                             const std::vector<Comparison>& comparisons) {
  ResultTable table{
      .name = study.key + "-" + name,
      .caption = fmt::format("{} on {}", caption, study.title()),
      .note = fmt::format(
          "Mean over n seeds of the difference between runs of one seed. Its standard error has two parts: what other "
          "seeds would change, and what other test texts would (bootstrap, {} resamples of the {}, the same for "
          "all models). The interval has both (Student's t, Satterthwaite's degrees of freedom, df); with fewer than "
          "{} seeds there is none. {}",
          with_thousands(kResamples), study.has_groups() ? "groups of texts" : "texts", kSeedsForVerdict,
          conditions(study)),
      .header = {"Difference", "Measure", "n", "Mean", "Error of seeds", "Error of texts", "df", "95% interval"},
      .rows = {},
      .left = 2};
  for (const Comparison& each : comparisons) {
    table.rows.push_back(difference_row(each.a + " - " + each.b, "F1", each.f1));
    if (each.roc_auc) table.rows.push_back(difference_row(each.a + " - " + each.b, "ROC-AUC", *each.roc_auc));
  }
  return table;
}

}  // namespace notnot
