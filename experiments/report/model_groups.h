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

/// Runs that differ only in their seeds.
struct ModelGroup {
  std::string name;
  std::vector<const LoadedRun*> runs;  ///< at least one; the run of the base seed first, if there is one
  double paper_f1 = kNoNumber, jain_wallace_f1 = kNoNumber;

  // On the test split, in the order of the runs.
  std::vector<double> f1() const;
  std::vector<double> evidence() const;  ///< LoadedRun::evidence_mass
};

// Each of these functions returns only groups that have runs.

/// The rows of Table 2: base and uniform.
std::vector<ModelGroup> attention_groups(const LoadedStudy& study);
/// The rows of Table 3, MLPs by their guide: uniform, trained MLP, base LSTM, the adversaries by lambda, and attention
/// from elsewhere.
std::vector<ModelGroup> guide_groups(const LoadedStudy& study);

/// All models that classify: those of Tables 2 and 3, and the adversaries by lambda.
std::vector<ModelGroup> model_groups(const LoadedStudy& study);

/// The names of the groups of guide_groups.
inline constexpr std::string_view kUniformGuide = "Uniform", kTrainedGuide = "Trained MLP", kBaseGuide = "Base LSTM";
std::string adversary_guide(double lambda);
/// The group of that name; null when there is none.
const ModelGroup* find_group(const std::vector<ModelGroup>& groups, std::string_view name);

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
/// Compares each group with the group before it: F1 of the later one minus F1 of the earlier one.
std::vector<F1Comparison> compare_neighbours(const LoadedStudy& study, const std::vector<ModelGroup>& groups);

}  // namespace notnot
