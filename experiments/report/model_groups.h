#pragma once
// Groups of runs that differ only in their seeds, as the rows of the paper's Tables 2 and 3 have them.
#include <optional>
#include <string>
#include <vector>

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
  std::optional<Measure> measure = {};          ///< MLPs whose guide is an attribution of the base model
  bool from_elsewhere = false;                  ///< MLPs whose guide is no run of notnot

  // On the test split, in the order of the runs.
  std::vector<double> f1() const;
};

// Each of these functions returns only groups that have runs.

/// The rows of Table 2: base and uniform.
std::vector<ModelGroup> attention_groups(const LoadedStudy& study);
/// The rows of Table 3, MLPs by their guide: uniform, trained MLP, base LSTM, the kinds of adversaries, attributions of
/// the base LSTM, and attention from elsewhere.
std::vector<ModelGroup> guide_groups(const LoadedStudy& study);
/// The same with names that say that the models are MLPs (name_of_mlp).
std::vector<ModelGroup> mlp_groups(const LoadedStudy& study);

/// All models that classify: those of Tables 2 and 3, and the kinds of adversaries.
std::vector<ModelGroup> model_groups(const LoadedStudy& study);

/// The name of the uniform model among attention_groups.
inline constexpr std::string_view kUniformModel = "Uniform";
/// The names of the groups of guide_groups.
inline constexpr std::string_view kUniformGuide = "Uniform", kTrainedGuide = "Trained MLP", kBaseGuide = "Base LSTM";
std::string adversary_guide(const AdversaryKind& kind);
/// The name of a group of guide_groups among mlp_groups and model_groups. In Table 3 a group has the name of its guide;
/// elsewhere the name must say that the model is an MLP.
std::string name_of_mlp(const std::string& guide);
/// The group of that name; null when there is none.
const ModelGroup* find_group(const std::vector<ModelGroup>& groups, std::string_view name);
/// The group that stands for the adversaries of this lambda where one must: that with their base models' seeds; without
/// it, the one with the smallest seed. Null when there is none.
const ModelGroup* default_adversary(const std::vector<ModelGroup>& groups, double lambda);

/// The seeds that every group has, in the order of the first group.
std::vector<uint64_t> common_seeds(const std::vector<ModelGroup>& groups);
/// The group without the runs of other seeds; it may have no runs.
ModelGroup with_seeds(ModelGroup group, const std::vector<uint64_t>& seeds);

}  // namespace notnot
