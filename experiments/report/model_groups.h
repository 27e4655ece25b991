#pragma once
// From the runs of a study to what the paper's Tables 2 and 3 compare: models over their seeds, and differences of F1.
#include <optional>
#include <string>
#include <vector>

#include "engine/math/statistics.h"
#include "experiments/format/numbers.h"
#include "experiments/report/loaded_study.h"

namespace notnot {

/// Runs that differ in their seeds alone.
struct ModelGroup {
  std::string name;
  std::vector<const LoadedRun*> runs;  ///< at least one; the base seed's first, where it is among them
  double paper_f1 = kNoNumber, jain_wallace_f1 = kNoNumber;

  // On the test split, in the order of the runs.
  std::vector<double> f1() const;
  std::vector<double> evidence() const;  ///< LoadedRun::evidence_mass
};
/// Table 2: base and uniform; of those, what the study has. So in the others.
std::vector<ModelGroup> attention_groups(const LoadedStudy& study);
/// Table 3: the guides uniform, trained MLP, base LSTM, the adversaries by lambda, and attention from elsewhere.
std::vector<ModelGroup> guide_groups(const LoadedStudy& study);

/// Everything that classifies: those of Tables 2 and 3, and the adversaries by lambda.
std::vector<ModelGroup> model_groups(const LoadedStudy& study);

/// The names of guide_groups' rows.
inline constexpr std::string_view kUniformGuide = "Uniform", kTrainedGuide = "Trained MLP", kBaseGuide = "Base LSTM";
std::string adversary_guide(double lambda);
/// Null where there is no group of that name.
const ModelGroup* find_group(const std::vector<ModelGroup>& groups, std::string_view name);

/// F1 of model a minus F1 of model b.
struct F1Comparison {
  std::string a, b;
  std::vector<double> by_seed;  ///< a difference per seed that both have
  uint64_t seed = 0;            ///< the first such seed, for which is
  F1Difference texts;           ///< the paired bootstrap over the test texts

  /// The rule of the findings: the 95 % interval of the mean over the seeds (Student's t) with kSeedsForInterval seeds
  /// or more, else the bootstrap's.
  double mean_difference() const;
  double low() const, high() const;
  bool above() const { return low() > 0; }
  bool below() const { return high() < 0; }
};
inline constexpr size_t kSeedsForInterval = 3;
inline constexpr int32_t kResamples = 10000;
/// Nothing when the two have no seed in common.
std::optional<F1Comparison> compare(const LoadedStudy& study, const ModelGroup& a, const ModelGroup& b);
/// Each group with the one before it: the later one is a.
std::vector<F1Comparison> compare_neighbours(const LoadedStudy& study, const std::vector<ModelGroup>& groups);

}  // namespace notnot
