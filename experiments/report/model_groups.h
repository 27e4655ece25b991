#pragma once
// Groups of runs that differ only in their seeds, as the rows of the paper's Tables 2 and 3 have them, and differences
// of F1 between two groups.
#include <optional>
#include <string>
#include <vector>

#include "engine/math/statistics.h"
#include "experiments/format/numbers.h"
#include "experiments/report/loaded_study.h"

namespace notnot {

/// What adversaries of several base models must share to be repeats of each other.
struct AdversaryKind {
  double lambda = 0;
  std::optional<uint64_t> seed;  ///< nothing if the adversary has its base model's seed
  auto operator<=>(const AdversaryKind&) const = default;
};
AdversaryKind kind_of_adversary(const std::string& dataset, const RunSpec& adversary);
/// ", seed 77"; empty for adversaries that have their base models' seeds.
std::string seed_in_words(const AdversaryKind& kind);

/// Runs that differ in nothing but the seed of their base model, which is their own for all but some adversaries. No
/// two of them have the same.
struct ModelGroup {
  std::string name;
  std::vector<const LoadedRun*> runs;  ///< at least one; the run of the base seed first, if there is one
  double paper_f1 = kNoNumber, jain_wallace_f1 = kNoNumber;
  std::optional<AdversaryKind> adversary = {};  ///< of the runs or, for MLPs, of their guides

  // On the test split, in the order of the runs.
  std::vector<double> f1() const;
};

// Each of these functions returns only groups that have runs.

/// The rows of Table 2: base and uniform.
std::vector<ModelGroup> attention_groups(const LoadedStudy& study);
/// The rows of Table 3, MLPs by their guide: uniform, trained MLP, base LSTM, the kinds of adversaries, and attention
/// from elsewhere.
std::vector<ModelGroup> guide_groups(const LoadedStudy& study);

/// All models that classify: those of Tables 2 and 3, and the kinds of adversaries.
std::vector<ModelGroup> model_groups(const LoadedStudy& study);

/// The names of the groups of guide_groups.
inline constexpr std::string_view kUniformGuide = "Uniform", kTrainedGuide = "Trained MLP", kBaseGuide = "Base LSTM";
std::string adversary_guide(const AdversaryKind& kind);
/// The group of that name; null when there is none.
const ModelGroup* find_group(const std::vector<ModelGroup>& groups, std::string_view name);
/// The group that stands for the adversaries of this lambda where one must: that with their base models' seeds; without
/// it, the one with the smallest seed. Null when there is none.
const ModelGroup* default_adversary(const std::vector<ModelGroup>& groups, double lambda);

/// The seeds that every group has, in the order of the first group.
std::vector<uint64_t> common_seeds(const std::vector<ModelGroup>& groups);
/// The group without the runs of other seeds; it may have no runs.
ModelGroup with_seeds(ModelGroup group, const std::vector<uint64_t>& seeds);

/// F1 of model a minus F1 of model b.
struct F1Comparison {
  std::string a, b;
  std::vector<double> by_seed;  ///< a difference per seed that both models have
  uint64_t seed = 0;            ///< the first such seed
  F1Difference texts;           ///< for `seed`: the paired bootstrap over the test texts

  // The rule of the findings: with kSeedsForInterval seeds or more, the mean over the seeds and its 95 % interval
  // (Student's t); otherwise the difference and the interval of the bootstrap.
  double mean_difference() const;
  double low() const, high() const;
  bool above() const { return low() > 0; }
  bool below() const { return high() < 0; }
};
inline constexpr size_t kSeedsForInterval = 3;
inline constexpr int32_t kResamples = 10000;
/// F1 of `a` minus F1 of `b`. Nothing when the two have no seed in common.
std::optional<F1Comparison> compare(const LoadedStudy& study, const ModelGroup& a, const ModelGroup& b);
/// Compares each group with the group before it: F1 of the later one minus F1 of the earlier one. Of the adversaries
/// with one lambda, only default_adversary is compared.
std::vector<F1Comparison> compare_neighbours(const LoadedStudy& study, const std::vector<ModelGroup>& groups);

}  // namespace notnot
