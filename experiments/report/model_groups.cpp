#include "experiments/report/model_groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>

namespace notnot {
namespace {

void add_kind(const LoadedStudy& study, RunKind kind, std::string_view name, double paper_f1,
              std::vector<ModelGroup>& groups) {
  const auto runs = study.of_kind(kind);
  if (!runs.empty()) groups.push_back({std::string(name), runs, paper_f1});
}

/// The seed of the base model that the adversary attacks.
uint64_t base_seed_of(const std::string& dataset, const RunSpec& adversary) {
  const std::optional<RunSpec> attacked = parse_run_name(dataset, adversary.other);
  return attacked ? attacked->seed : adversary.seed;
}

/// Stands behind the label of attention that does not come from a run of notnot.
constexpr const char* kElsewhere = " (from elsewhere)";

/// The row of Table 3 that a guided run belongs to, without its runs.
ModelGroup row_of(const LoadedRun& run) {
  const std::optional<RunSpec> guide = parse_run_name(run.dataset(), run.spec().other);
  if (!run.config.paths.attention.empty() || !guide)
    return {.name = run.spec().other + kElsewhere, .runs = {}, .from_elsewhere = true};
  if (guide->kind == RunKind::attribution) {
    const std::string measure = in_words(guide->measure);
    const std::optional<RunSpec> model = parse_run_name(run.dataset(), guide->other);
    const bool of_base = guide->model == RunKind::base || !model;
    return {.name = of_base ? "Base LSTM's " + measure : measure + " of: " + title_of(run.dataset(), *model),
            .runs = {},
            .measure = guide->measure};
  }
  if (guide->kind == RunKind::side_by_side) return {.name = title_of(run.dataset(), *guide), .runs = {}};
  if (guide->kind != RunKind::adversary) return {.name = std::string(kBaseGuide), .runs = {}};
  const AdversaryKind kind = kind_of_adversary(run.dataset(), *guide);
  return {.name = adversary_guide(kind), .runs = {}, .adversary = kind};
}

/// Adds the run to the group that has the name of `empty`; without one, makes `empty` this group.
ModelGroup& add_run(const LoadedRun& run, ModelGroup empty, std::vector<ModelGroup>& groups) {
  auto found =
      std::find_if(groups.begin(), groups.end(), [&](const ModelGroup& group) { return group.name == empty.name; });
  if (found == groups.end()) found = groups.insert(found, std::move(empty));
  found->runs.push_back(&run);
  return *found;
}

void add_guided(const LoadedStudy& study, std::vector<ModelGroup>& groups) {
  const PaperResults* paper = study.paper();
  for (const LoadedRun* run : study.of_kind(RunKind::guided_mlp)) {
    ModelGroup& group = add_run(*run, row_of(*run), groups);
    if (paper == nullptr) continue;
    if (group.name == kBaseGuide) group.paper_f1 = paper->guides.base;
    if (group.adversary && group.adversary->lambda == kGuideLambda) group.paper_f1 = paper->guides.adversary;
  }
}

/// The adversaries themselves, by lambda and seed.
std::vector<ModelGroup> adversary_groups(const LoadedStudy& study) {
  std::vector<ModelGroup> groups;
  for (const LoadedRun* run : study.of_kind(RunKind::adversary)) {
    const AdversaryKind kind = kind_of_adversary(study.dataset, run->spec());
    add_run(*run, {.name = adversary_guide(kind), .runs = {}, .adversary = kind}, groups);
  }
  for (ModelGroup& group : groups) {
    std::stable_partition(group.runs.begin(), group.runs.end(), [&](const LoadedRun* run) {
      return base_seed_of(study.dataset, run->spec()) == study.base_seed;
    });
  }
  std::stable_sort(groups.begin(), groups.end(),
                   [](const auto& a, const auto& b) { return a.adversary < b.adversary; });
  return groups;
}

/// The place of a group in Table 3: the paper's order, then the adversaries, attributions, and attention from elsewhere.
/// Adversaries stand by lambda and seed, other groups with the same place in the order of their runs.
int rank_of(const ModelGroup& group) {
  const std::array<std::string_view, 3> first = {kUniformGuide, kTrainedGuide, kBaseGuide};
  for (size_t i = 0; i < first.size(); ++i) {
    if (group.name == first.at(i)) return i;
  }
  if (group.measure) return 4;
  return group.name.ends_with(kElsewhere) ? 5 : 3;
}

}  // namespace

std::vector<double> ModelGroup::f1() const {
  std::vector<double> result;
  for (const LoadedRun* run : runs) result.push_back(run->test().f1);
  return result;
}

std::vector<ModelGroup> attention_groups(const LoadedStudy& study) {
  const PaperResults* paper = study.paper();
  std::vector<ModelGroup> groups;
  add_kind(study, RunKind::base, "Base", paper == nullptr ? kNoNumber : paper->base_f1, groups);
  if (paper != nullptr && !groups.empty()) groups.back().jain_wallace_f1 = paper->jain_wallace_f1;
  add_kind(study, RunKind::uniform, kUniformModel, paper == nullptr ? kNoNumber : paper->uniform_f1, groups);
  return groups;
}

std::vector<ModelGroup> guide_groups(const LoadedStudy& study) {
  const PaperResults* paper = study.paper();
  std::vector<ModelGroup> groups;
  add_kind(study, RunKind::uniform_mlp, kUniformGuide, paper == nullptr ? kNoNumber : paper->guides.uniform, groups);
  add_kind(study, RunKind::trained_mlp, kTrainedGuide, paper == nullptr ? kNoNumber : paper->guides.trained_mlp,
           groups);
  add_guided(study, groups);
  std::stable_sort(groups.begin(), groups.end(), [](const ModelGroup& a, const ModelGroup& b) {
    return std::tuple(rank_of(a), a.adversary, a.measure) < std::tuple(rank_of(b), b.adversary, b.measure);
  });
  return groups;
}

std::vector<ModelGroup> mlp_groups(const LoadedStudy& study) {
  std::vector<ModelGroup> groups = guide_groups(study);
  for (ModelGroup& group : groups) group.name = name_of_mlp(group.name);
  return groups;
}

std::vector<ModelGroup> model_groups(const LoadedStudy& study) {
  std::vector<ModelGroup> groups = attention_groups(study);
  for (ModelGroup& group : mlp_groups(study)) groups.push_back(std::move(group));
  for (ModelGroup& group : adversary_groups(study)) groups.push_back(std::move(group));
  return groups;
}

AdversaryKind kind_of_adversary(const std::string& dataset, const RunSpec& adversary) {
  AdversaryKind kind{.lambda = adversary.lambda, .seed = {}};
  if (base_seed_of(dataset, adversary) != adversary.seed) kind.seed = adversary.seed;
  return kind;
}

std::string seed_in_words(const AdversaryKind& kind) { return kind.seed ? fmt::format(", seed {}", *kind.seed) : ""; }

std::string adversary_guide(const AdversaryKind& kind) {
  return title_of("", {.kind = RunKind::adversary, .seed = 0, .lambda = kind.lambda, .other = {}}) +
         seed_in_words(kind);
}

std::string name_of_mlp(const std::string& guide) {
  if (guide == kTrainedGuide) return guide;
  return guide == kUniformGuide ? guide + " MLP" : "MLP by " + guide;
}

const ModelGroup* find_group(const std::vector<ModelGroup>& groups, std::string_view name) {
  const auto found = std::find_if(groups.begin(), groups.end(), [&](const auto& group) { return group.name == name; });
  return found == groups.end() ? nullptr : &*found;
}

const ModelGroup* default_adversary(const std::vector<ModelGroup>& groups, double lambda) {
  const ModelGroup* result = nullptr;
  for (const ModelGroup& group : groups) {
    if (!group.adversary || group.adversary->lambda != lambda) continue;
    if (result == nullptr || group.adversary->seed < result->adversary->seed) result = &group;
  }
  return result;
}

std::vector<uint64_t> common_seeds(const std::vector<ModelGroup>& groups) {
  std::vector<uint64_t> seeds;
  if (groups.empty()) return seeds;
  for (const LoadedRun* run : groups.front().runs) seeds.push_back(run->spec().seed);
  std::erase_if(seeds, [&](uint64_t seed) {
    return std::any_of(groups.begin(), groups.end(),
                       [&](const auto& each) { return with_seeds(each, {seed}).runs.empty(); });
  });
  return seeds;
}

ModelGroup with_seeds(ModelGroup group, const std::vector<uint64_t>& seeds) {
  std::erase_if(group.runs, [&](const LoadedRun* run) {
    return std::find(seeds.begin(), seeds.end(), run->spec().seed) == seeds.end();
  });
  return group;
}

}  // namespace notnot
