#include "experiments/report/loaded_study.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "engine/io/file_modes.h"
#include "engine/io/file_name.h"
#include "engine/io/input_error.h"
#include "engine/math/uncertain_mean.h"

namespace notnot {
namespace {

bool uses(const LoadedRun& run, const LoadedRun& other) {
  return !run.spec().other.empty() && run.config.paths.attention.empty() &&
         (run.spec().other == other.name() || run.spec().other == run_name(other.dataset(), other.spec()));
}

// --- which runs belong together --------------------------------------------------------------------------------------

bool same_spec_twice(const std::vector<LoadedRun>& runs) {
  for (size_t i = 0; i < runs.size(); ++i) {
    for (size_t k = 0; k < i; ++k) {
      if (runs[i].spec() == runs[k].spec()) return true;
    }
  }
  return false;
}

/// `runs` in groups with equal keys. The groups have the order of their first runs.
std::vector<std::vector<LoadedRun>> group(std::vector<LoadedRun> runs,
                                          const std::function<std::string(const LoadedRun&)>& key) {
  std::vector<std::vector<LoadedRun>> groups;
  for (LoadedRun& run : runs) {
    auto found = std::find_if(groups.begin(), groups.end(),
                              [&](const auto& members) { return key(members.front()) == key(run); });
    if (found == groups.end()) found = groups.insert(found, std::vector<LoadedRun>());
    found->push_back(std::move(run));
  }
  return groups;
}

/// The folder in which the run lies, as the user spelt it.
std::string folder_of(const LoadedRun& run) {
  const std::filesystem::path folder = run.path.lexically_normal().parent_path();
  return folder.empty() ? "." : folder.string();
}

/// The same for all spellings of the folder.
std::string one_spelling_of_folder(const LoadedRun& run) {
  return std::filesystem::weakly_canonical(run.path.parent_path() / ".").string();
}

void check_distinct(const std::vector<LoadedRun>& runs) {
  for (size_t i = 0; i < runs.size(); ++i) {
    for (size_t k = 0; k < i; ++k) {
      if (runs[i].spec() != runs[k].spec()) continue;
      const bool alike = differing_choices(runs[k].config, runs[i].config).empty();
      throw InputError(fmt::format("{} and {} are the same run ({}){}", runs[k].path.string(), runs[i].path.string(),
                                   run_name(runs[i].dataset(), runs[i].spec()),
                                   alike ? ", with the same options: one is a copy of the other, or was trained twice; "
                                           "move one of them to another folder"
                                         : " with other options; report them apart"));
    }
  }
}

// --- their order and their labels ------------------------------------------------------------------------------------

void sort_runs(std::vector<LoadedRun>& runs, uint64_t first_seed) {
  const auto key = [first_seed](const LoadedRun& run) {
    return std::tuple(run.spec().kind, run.spec().lambda, run.spec().seed != first_seed, run.spec().seed,
                      run.spec().other, run.spec().members, run.spec().member);
  };
  std::stable_sort(runs.begin(), runs.end(), [&](const LoadedRun& a, const LoadedRun& b) { return key(a) < key(b); });
}

/// Gives each run the shortest of three kinds of label such that no other run has that label.
void label_runs(std::vector<LoadedRun>& runs) {
  const std::vector<std::function<std::string(const LoadedRun&)>> kinds = {
      [](const LoadedRun& run) { return title_of(run); },
      [](const LoadedRun& run) { return fmt::format("{}, seed {}", title_of(run), run.spec().seed); },
      [](const LoadedRun& run) {
        return fmt::format("{}, seed {}, of {}", title_of(run), run.spec().seed, run.spec().other);
      }};
  for (const auto& kind : kinds) {
    std::map<std::string, int> count;
    for (const LoadedRun& run : runs) ++count[kind(run)];
    for (LoadedRun& run : runs) {
      if (run.label.empty() && (count[kind(run)] == 1 || &kind == &kinds.back())) run.label = kind(run);
    }
  }
}

size_t reference_of(const LoadedStudy& study) {
  for (const bool any_seed : {false, true}) {
    for (size_t i = 0; i < study.runs.size(); ++i) {
      const RunSpec& spec = study.runs[i].spec();
      if (spec.kind == RunKind::base && (any_seed || spec.seed == study.base_seed)) return i;
    }
  }
  return 0;
}

double tvd_factor_of(const LoadedStudy& study) {
  std::vector<const LoadedRun*> adversaries = study.of_kind(RunKind::adversary);
  for (const LoadedRun* run : study.of_kind(RunKind::side_by_side)) adversaries.push_back(run);
  for (const LoadedRun* run : adversaries) {
    if (run->config.training.tvd_factor == adversaries.front()->config.training.tvd_factor) continue;
    throw InputError(fmt::format("{} was trained with another --tvd than {}; report them apart", run->path.string(),
                                 adversaries.front()->path.string()));
  }
  return adversaries.empty() ? kTvdSingle : adversaries.front()->config.training.tvd_factor;
}

// --- measures of the attention, with one run in memory at a time -----------------------------------------------------

std::vector<float> largest_weights(const Attention& attention) {
  std::vector<float> result;
  for (int32_t i = 0; i < attention.size(); ++i) {
    const auto begin = attention.log_attention.begin() + attention.offsets[i];
    const auto end = attention.log_attention.begin() + attention.offsets[i + 1];
    result.push_back(std::min(1.0F, std::exp(*std::max_element(begin, end))));
  }
  return result;
}

/// LoadedStudy::cluster. Texts with the same label, probability and largest weight are told apart by their rows.
std::vector<int32_t> clusters_of(const Attention& reference, const std::vector<float>& largest_attention) {
  const auto content = [&](int32_t i) {
    return std::tuple(reference.label[i], reference.probability[i], largest_attention[i], reference.row[i]);
  };
  std::vector<int32_t> order(reference.size()), cluster(reference.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return content(a) < content(b); });
  std::map<int64_t, int32_t> of_group;
  int32_t clusters = 0;
  for (const int32_t i : order) {
    const int64_t group = reference.group.empty() ? 0 : reference.group[i];
    const bool is_new = group == 0 || of_group.emplace(group, clusters).second;
    cluster[i] = is_new ? clusters++ : of_group.at(group);
  }
  return cluster;
}

/// LoadedStudy::texts_of_training_groups. `test`: the reference's attention on the test split.
int64_t count_texts_of_training_groups(const LoadedStudy& study, const Attention& test) {
  const std::vector<int64_t> training = RunFolder(study.reference_run().path).attention(SplitName::train).group;
  const std::set<int64_t> groups(training.begin(), training.end());
  return std::count_if(test.group.begin(), test.group.end(),
                       [&](int64_t group) { return group != 0 && groups.contains(group); });
}

/// Reads what the texts of the planted corpus are worth. Nothing where that is not known.
void read_truth(LoadedStudy& study, const Attention& attention) {
  const auto reader = std::find_if(study.runs.begin(), study.runs.end(),
                                   [](const LoadedRun& run) { return run.spec().kind != RunKind::perturbation; });
  if (!study.planted() || reader == study.runs.end()) return;
  study.importance.assign(attention.log_attention.size(), 0);
  study.rule_probability.assign(attention.row.size(), 0.5F);
  std::set<size_t> all;
  for (size_t i = 0; i < attention.row.size(); ++i) all.insert(i);
  for (const auto& [index, text] : read_words(*reader, all, attention.row, attention.offsets)) {
    const std::vector<double>& importance = text.truth.importance;
    std::copy(importance.begin(), importance.end(), study.importance.begin() + attention.offsets[index] + 1);
    if (text.truth.score != 0) study.rule_probability[index] = text.truth.score > 0 ? 1.0F : 0.0F;
  }
}

void measure_evidence(const LoadedStudy& study, const Attention& attention, LoadedRun& run) {
  run.attention_scores = {kNoNumber, kNoNumber, kNoNumber};
  if (!study.importance.empty()) run.attention_scores = score_attention(attention, study.importance);
  const std::optional<Ablation> ablation = study.planted() ? RunFolder(run.path).ablation() : std::nullopt;
  if (ablation) run.reliance = reliance(*ablation, run.probability, study.label);
}

/// The finished runs, attributions among them.
std::vector<const LoadedRun*> finished_of(const LoadedStudy& study) {
  std::vector<const LoadedRun*> runs;
  for (const auto* part : {&study.runs, &study.attributions}) {
    for (const LoadedRun& run : *part) runs.push_back(&run);
  }
  return runs;
}

void check_same_inputs(const LoadedStudy& study) {
  // The reference may have no word vectors. The runs that have some must have the same ones all the same.
  const auto with_vectors = std::find_if(study.runs.begin(), study.runs.end(),
                                         [](const LoadedRun& run) { return !run.config.vectors_checksum.empty(); });
  const LoadedRun& reference = study.reference_run();
  for (const LoadedRun* first : {&reference, with_vectors == study.runs.end() ? &reference : &*with_vectors}) {
    for (const LoadedRun* run : finished_of(study)) {
      const std::vector<std::string> keys = differing_inputs(first->config, run->config);
      if (keys.empty()) continue;
      throw InputError(
          fmt::format("{} and {} are both on {}, but not on the same data ({}); report them apart, or train one of "
                      "them again with --retrain",
                      first->path.string(), run->path.string(), study.dataset, in_words(keys)));
    }
  }
}

/// The attention that a run learnt from may be gone: the run that it names may have been trained again.
void check_learnt_from_this_study(const LoadedStudy& study) {
  std::map<const LoadedRun*, std::string> checksums;
  for (const LoadedRun* run : finished_of(study)) {
    const LoadedRun* other = study.other_of(*run);
    if (other == nullptr || run->config.other_checksum.empty()) continue;
    std::string& checksum = checksums[other];
    if (checksum.empty()) checksum = RunFolder(other->path).attention_checksum();
    if (checksum == run->config.other_checksum) continue;
    throw InputError(
        fmt::format("{} {} another version of {}, which was trained again since; {} it again with --retrain",
                    run->path.string(), trains(run->spec().kind) ? "learnt from" : "looks at", other->path.string(),
                    run->spec().kind == RunKind::attribution ? "notnot attribute makes" : "train"));
  }
}

void check_same_texts(const LoadedStudy& study, const Attention& reference, const LoadedRun& run,
                      const Attention& attention) {
  if (attention.offsets == reference.offsets && attention.row == reference.row && attention.label == reference.label &&
      run.config.vocabulary == study.reference_run().config.vocabulary) {
    return;
  }
  throw InputError(
      fmt::format("{} and {} were not tested on the same texts, though both are on {}; report runs together that share "
                  "data, --min-df, --min-length and --max-length",
                  study.reference_run().path.string(), run.path.string(), study.dataset));
}

Divergences from_attacked(const LoadedStudy& study, const LoadedRun& run, const Attention& attention) {
  const bool attacks = is_adversary(run.spec().kind) || run.spec().kind == RunKind::perturbation;
  const LoadedRun* attacked = attacks ? study.other_of(run) : nullptr;
  if (attacked == nullptr) return {};
  if (attacked == &study.reference_run()) return run.from_reference;
  return divergences(test_attention(*attacked), attention, study.tvd_factor);
}

/// LoadedRun::dev_jsd.
void measure_on_dev(LoadedStudy& study) {
  std::vector<LoadedRun*> adversaries;
  for (LoadedRun& run : study.runs) {
    const bool attacks = run.spec().kind == RunKind::adversary && study.other_of(run) == &study.reference_run();
    if (attacks) adversaries.push_back(&run);
  }
  if (adversaries.empty()) return;
  const Attention reference = RunFolder(study.reference_run().path).attention(SplitName::dev);
  for (LoadedRun* run : adversaries) {
    const Attention attention = RunFolder(run->path).attention(SplitName::dev);
    run->dev_jsd = divergences(reference, attention, study.tvd_factor).mean_jsd();
  }
}

/// LoadedRun::exact. The attacked model must have been measured.
std::vector<ExactAttack> exact_attacks(const LoadedStudy& study, const LoadedRun& run, const ExactAdversaries& exact) {
  std::vector<ExactAttack> attacks;
  const LoadedRun* attacked = study.other_of(run);
  if (attacked == nullptr) return attacks;
  const size_t texts = study.label.size();
  for (size_t e = 0; e < exact.epsilon.size(); ++e) {
    ExactAttack& attack = attacks.emplace_back();
    attack.epsilon = exact.epsilon[e];
    for (size_t i = 0; i < texts; ++i) {
      attack.jsd.push_back(exact.jsd[e * texts + i]);
      attack.tvd.push_back(
          total_variation(exact.probability[e * texts + i], attacked->probability[i], study.tvd_factor));
    }
  }
  return attacks;
}

void measure_perturbations(LoadedStudy& study) {
  for (LoadedRun& run : study.runs) {
    if (run.spec().kind != RunKind::perturbation) continue;
    const Perturbations perturbations = RunFolder(run.path).perturbations();
    run.permutation_change.assign(perturbations.permutation_change.begin(), perturbations.permutation_change.end());
    run.exact = exact_attacks(study, run, perturbations.exact);
  }
}

void measure_runs(LoadedStudy& study) {
  const Attention reference = test_attention(study.reference_run());
  study.label = reference.label;
  study.row = reference.row;
  study.offsets = reference.offsets;
  study.largest_attention = largest_weights(reference);
  study.cluster = clusters_of(reference, study.largest_attention);
  if (study.has_groups()) study.texts_of_training_groups = count_texts_of_training_groups(study, reference);
  read_truth(study, reference);
  for (LoadedRun& run : study.runs) {
    const Attention attention = test_attention(run);
    check_same_texts(study, reference, run, attention);
    run.probability = attention.probability;
    run.from_reference = divergences(reference, attention, study.tvd_factor);
    run.from_attacked = from_attacked(study, run, attention);
    measure_evidence(study, attention, run);
    if (const auto controls = RunFolder(run.path).guide_controls()) {
      run.guide_scores = guide_scores(*controls, run.test().roc_auc, study.label);
    }
  }
  measure_perturbations(study);
}

/// `name` as a part of file names, with a number behind it if another study has this key already.
std::string unique_key(const std::string& name, std::set<std::string>& taken) {
  const std::string plain = plain_file_name(name), key = plain.empty() ? "data" : plain;
  std::string result = key;
  for (int i = 2; !taken.insert(file_name_key(result)).second; ++i) result = fmt::format("{}-{}", key, i);
  return result;
}

LoadedStudy make_study(std::vector<LoadedRun> runs, bool one_of_several) {
  check_distinct(runs);
  LoadedStudy study;
  study.dataset = runs.front().dataset();
  if (one_of_several) study.folder = folder_of(runs.front());
  for (LoadedRun& run : runs) {
    const bool attribution = run.spec().kind == RunKind::attribution;
    std::vector<LoadedRun>& finished = attribution ? study.attributions : study.runs;
    (run.unfinished.empty() ? finished : study.unused).push_back(std::move(run));
  }
  study.shows_texts = !study.confidential();
  if (!study.runs.empty()) study.base_seed = base_seed(study.runs);
  for (auto* part : {&study.runs, &study.attributions, &study.unused}) {
    sort_runs(*part, study.base_seed);
    label_runs(*part);
  }
  if (study.runs.empty()) return study;
  study.reference = reference_of(study);
  study.tvd_factor = tvd_factor_of(study);
  check_same_inputs(study);
  check_learnt_from_this_study(study);
  measure_runs(study);
  measure_on_dev(study);
  return study;
}

}  // namespace

bool LoadedStudy::confidential() const {
  const auto is_confidential = [](const LoadedRun& run) { return run.config.is_confidential(); };
  return std::any_of(runs.begin(), runs.end(), is_confidential) ||
         std::any_of(attributions.begin(), attributions.end(), is_confidential) ||
         std::any_of(unused.begin(), unused.end(), is_confidential);
}

std::string LoadedStudy::title() const {
  if (planted()) {
    const std::string variant = variant_in_words(any_run().planted_options());
    return "the planted corpus" + (variant.empty() ? "" : fmt::format(" ({})", variant)) +
           (folder.empty() ? "" : ", runs in " + folder);
  }
  const std::string name(published() == nullptr ? dataset : published()->title);
  const bool namesake = published() == nullptr && find_published(dataset) != nullptr;
  return name + (namesake ? " (own texts)" : "") + (synthetic() ? " (SYNTHETIC texts)" : "") +
         (folder.empty() ? "" : ", runs in " + folder);
}

std::array<std::string, 2> LoadedStudy::classes() const {
  if (published() == nullptr) return {"negative", "positive"};
  return {std::string(published()->classes[0]), std::string(published()->classes[1])};
}

double LoadedStudy::effective_clusters() const {
  std::vector<int32_t> sizes(clusters(), 0);
  for (const int32_t i : cluster) ++sizes[i];
  return effective_number(sizes);
}

std::vector<const LoadedRun*> LoadedStudy::of_kind(RunKind kind) const {
  std::vector<const LoadedRun*> result;
  for (const LoadedRun& run : runs) {
    if (run.spec().kind == kind) result.push_back(&run);
  }
  return result;
}

const LoadedRun* LoadedStudy::find(RunKind kind, uint64_t seed) const {
  for (const LoadedRun* run : of_kind(kind)) {
    if (run->spec().seed == seed) return run;
  }
  return nullptr;
}

std::vector<const LoadedRun*> LoadedStudy::other_base_models() const {
  std::vector<const LoadedRun*> result = of_kind(RunKind::base);
  std::erase(result, &reference_run());
  return result;
}

const LoadedRun* LoadedStudy::perturbation_of_reference() const {
  for (const LoadedRun* run : of_kind(RunKind::perturbation)) {
    if (other_of(*run) == &reference_run()) return run;
  }
  return nullptr;
}

const LoadedRun* LoadedStudy::other_of(const LoadedRun& run) const {
  const auto found = std::find_if(runs.begin(), runs.end(), [&](const LoadedRun& other) { return uses(run, other); });
  return found == runs.end() ? nullptr : &*found;
}

uint64_t base_seed(std::span<const LoadedRun> runs) {
  std::optional<std::tuple<int, int, bool>> most;
  uint64_t seed = runs.front().spec().seed;
  for (const LoadedRun& base : runs) {
    if (base.spec().kind != RunKind::base) continue;
    std::tuple<int, int, bool> score{0, 0, base.spec().seed == kPaperSeed};
    for (const LoadedRun& run : runs) {
      if (!uses(run, base)) continue;
      std::get<0>(score) += is_adversary(run.spec().kind) ? 1 : 0;
      std::get<1>(score) += 1;
    }
    if (!most || score > *most) {
      most = score;
      seed = base.spec().seed;
    }
  }
  return seed;
}

std::vector<LoadedStudy> load_studies(const std::vector<std::filesystem::path>& folders) {
  std::vector<LoadedStudy> studies;
  std::set<std::string> keys;
  std::vector<LoadedRun> all = read_runs(folders);
  for (const LoadedRun& run : all) {
    if (!run.config.is_confidential()) continue;
    keep_private();
    warn_if_open(run.path);
  }
  for (auto& of_dataset : group(std::move(all), [](const LoadedRun& run) { return run.dataset(); })) {
    const bool apart = same_spec_twice(of_dataset);
    const auto chapter = [apart](const LoadedRun& run) { return apart ? one_spelling_of_folder(run) : ""; };
    for (auto& runs : group(std::move(of_dataset), chapter)) {
      LoadedStudy study = make_study(std::move(runs), apart);
      study.key = unique_key(study.dataset, keys);
      studies.push_back(std::move(study));
    }
  }
  const auto usable =
      std::find_if(studies.begin(), studies.end(), [](const LoadedStudy& study) { return !study.runs.empty(); });
  if (usable == studies.end()) {
    const LoadedRun& run = studies.front().any_run();
    if (run.unfinished.empty()) {
      throw InputError(
          fmt::format("{} is an attribution, and a report needs the run, too, whose model it looks at ({})",
                      run.path.string(), run.spec().other));
    }
    throw InputError(
        fmt::format("no run is finished; the first is {}, which is {}", run.path.string(), run.unfinished));
  }
  return studies;
}

}  // namespace notnot
