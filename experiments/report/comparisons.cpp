#include "experiments/report/comparisons.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/math/resampling.h"

namespace notnot {
namespace {

/// A bootstrap's variance is too small by the share of one group.
double unbiased(double variance, double clusters) { return variance * clusters / (clusters - 1); }

}  // namespace

bool has_few_groups(const LoadedStudy& study) {
  return study.has_groups() && study.effective_clusters() < kGroupsForVerdict;
}

bool can_be_told(const LoadedStudy& study, size_t seeds) { return seeds >= kSeedsForVerdict && !has_few_groups(study); }

Comparison compare(const LoadedStudy& study, std::string a, std::string b, const RunPairs& pairs) {
  Comparison result{.a = std::move(a), .b = std::move(b), .f1 = {}, .roc_auc = UncertainMean()};
  std::vector<std::pair<ResampledMeasures, ResampledMeasures>> measures;
  for (const auto& [run, other] : pairs) {
    result.f1.by_seed.push_back(run->test().f1 - other->test().f1);
    result.roc_auc->by_seed.push_back(run->test().roc_auc - other->test().roc_auc);
    measures.emplace_back(ResampledMeasures(run->probability, study.label),
                          ResampledMeasures(other->probability, study.label));
  }
  const auto mean_differences = [&](std::span<const int32_t> times, std::span<double> means) {
    means[0] = means[1] = 0;
    for (const auto& [of_run, of_other] : measures) {
      means[0] += (of_run.f1(times) - of_other.f1(times)) / static_cast<double>(measures.size());
      means[1] += (of_run.roc_auc(times) - of_other.roc_auc(times)) / static_cast<double>(measures.size());
    }
  };
  const auto variances = bootstrap_variances(study.cluster, 2, mean_differences, study.base_seed);
  result.f1.clusters = result.roc_auc->clusters = study.effective_clusters();
  result.f1.texts_variance = unbiased(variances[0], result.f1.clusters);
  result.roc_auc->texts_variance = unbiased(variances[1], result.f1.clusters);
  const auto& auc = result.roc_auc->by_seed;
  if (std::any_of(auc.begin(), auc.end(), [](double value) { return std::isnan(value); })) result.roc_auc.reset();
  return result;
}

std::optional<Comparison> compare(const LoadedStudy& study, const ModelGroup& a, const ModelGroup& b) {
  RunPairs pairs;
  for (const LoadedRun* run : a.runs) {
    const auto twin = std::find_if(b.runs.begin(), b.runs.end(),
                                   [&](const LoadedRun* other) { return other->spec().seed == run->spec().seed; });
    if (twin != b.runs.end()) pairs.emplace_back(run, *twin);
  }
  if (pairs.empty()) return std::nullopt;
  return compare(study, a.name, b.name, pairs);
}

std::vector<Comparison> compare_neighbours(const LoadedStudy& study, const std::vector<ModelGroup>& groups) {
  std::vector<Comparison> result;
  const ModelGroup* before = nullptr;
  for (const ModelGroup& group : groups) {
    if (group.measure || (group.adversary && default_adversary(groups, group.adversary->lambda) != &group)) continue;
    auto comparison = before == nullptr ? std::nullopt : compare(study, group, *before);
    if (comparison) result.push_back(std::move(*comparison));
    before = &group;
  }
  return result;
}

UncertainMean over_seeds(const LoadedStudy& study, const std::vector<ResampledMeasure>& of_seeds) {
  UncertainMean result{.by_seed = {}, .texts_variance = 0, .clusters = study.effective_clusters()};
  const std::vector<int32_t> once(study.label.size(), 1);
  for (const ResampledMeasure& measure : of_seeds) result.by_seed.push_back(measure(once));
  const auto mean_of_resample = [&](std::span<const int32_t> times, std::span<double> mean) {
    mean[0] = 0;
    for (const ResampledMeasure& measure : of_seeds) mean[0] += measure(times) / static_cast<double>(of_seeds.size());
  };
  result.texts_variance =
      unbiased(bootstrap_variances(study.cluster, 1, mean_of_resample, study.base_seed).front(), result.clusters);
  return result;
}

double resampled_mean(const TextValues& values, std::span<const int32_t> times, const std::vector<bool>& counts) {
  double sum = 0;
  int64_t texts = 0;
  for (size_t i = 0; i < times.size(); ++i) {
    if (!counts.empty() && !counts[i]) continue;
    sum += times[i] * values[i];
    texts += times[i];
  }
  return sum / static_cast<double>(texts);
}

CrossedBootstrap crossed_mean(const LoadedStudy& study, std::span<const double> table, size_t seeds) {
  if (seeds >= kSeedsForVerdict) {
    return crossed_bootstrap(table, static_cast<int32_t>(seeds), study.base_seed, available_threads(), study.cluster);
  }
  std::vector<double> means(table.size() / seeds, 0.0);
  for (size_t i = 0; i < table.size(); ++i) means[i % means.size()] += table[i] / static_cast<double>(seeds);
  return crossed_bootstrap(means, 1, study.base_seed, available_threads(), study.cluster);
}

std::string crossed_intervals_in_words(const LoadedStudy& study, size_t fewest_seeds, size_t most_seeds) {
  std::string note = "Intervals: 95 %, over seeds and test texts (bootstrap of both). ";
  if (most_seeds < kSeedsForVerdict) {
    note =
        "Intervals: 95 %, over test texts alone: with fewer than three seeds they say nothing about other seeds, and "
        "there are no p values. ";
  } else if (fewest_seeds < kSeedsForVerdict) {
    note =
        "Intervals: 95 %, over seeds and test texts (bootstrap of both); with fewer than three seeds over texts alone, "
        "and without p values. ";
  }
  if (study.has_groups()) note += "Texts of one group are drawn together. ";
  if (has_few_groups(study)) {
    note += fmt::format("There are too few groups (fewer than {:g}) for p values. ", kGroupsForVerdict);
  }
  return note;
}

UncertainMean mean_over_seeds(const LoadedStudy& study, const std::vector<TextValues>& of_seeds) {
  std::vector<ResampledMeasure> means;
  means.reserve(of_seeds.size());
  for (const TextValues& values : of_seeds) {
    means.push_back([&values](std::span<const int32_t> times) { return resampled_mean(values, times); });
  }
  return over_seeds(study, means);
}

}  // namespace notnot
