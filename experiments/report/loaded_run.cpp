#include "experiments/report/loaded_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/json_lines.h"
#include "engine/io/stop.h"
#include "engine/runs/run_folder.h"

namespace notnot {
namespace {

using Json = nlohmann::json;
using Path = std::filesystem::path;

bool is_run_folder(const Path& path) { return RunFolder(path).state() != RunState::absent; }

/// Throws InputError for what was a run folder: a report without it would not say so.
void check_whole(const Path& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) return;
  (void)is_there(path / "config.json");  // which throws if the folder may not be entered
  const RunFolder folder(path);
  const Path left = folder.left_without_config();
  if (left.empty()) return;
  throw InputError(
      fmt::format("{} is missing, though {} of a run is there; copy it back, or move that folder elsewhere",
                  folder.config_path().string(), left.filename().string()));
}

std::vector<Path> run_folders_in(const Path& path) {
  std::vector<Path> result;
  std::error_code error;
  for (std::filesystem::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    check_whole(at->path());
    if (is_run_folder(at->path())) result.push_back(at->path());
  }
  std::sort(result.begin(), result.end());
  return result;
}

/// `path` so that its last part is the folder's name: without a slash at its end, as the completion of shells adds one,
/// and without a last dot. Links stay.
Path with_name(const Path& path) {
  const Path folder = path.has_filename() ? path : path.parent_path();
  const bool dots = folder.filename() == "." || folder.filename() == "..";
  return dots ? std::filesystem::weakly_canonical(folder) : folder;
}

std::vector<Path> expand(const Path& path) {
  if (is_run_folder(path)) return {with_name(path)};
  std::vector<Path> result = run_folders_in(path);
  if (result.empty()) {
    throw InputError(
        fmt::format("{} is no run folder (it has no config.json) and holds none; give a folder that `notnot train` "
                    "wrote, e.g. runs/sst-lstm-learned-seed10, or the one in which such folders lie",
                    path.string()));
  }
  return result;
}

std::string why_unfinished(const RunFolder& folder) {
  if (folder.state() == RunState::finished) return "";
  if (const auto reason = folder.failure()) return "failed: " + *reason;
  return "unfinished; the command that started it goes on (notnot train needs --resume)";
}

/// Throws InputError unless the run has as many epochs as its configuration and its result say.
void check_epochs(const RunFolder& folder, const LoadedRun& run, int32_t epochs) {
  const TrainingOptions& training = run.config.training;
  int32_t expected = training.epochs;
  if (is_adversary(run.spec().kind)) expected = std::min(expected, run.result.epoch + training.patience);
  if (epochs != expected) {
    throw InputError(
        fmt::format("{} has {} epochs, where the run trained for {}; copy the right one back, or remove "
                    "the run folder and train again",
                    folder.metrics_path().string(), epochs, expected));
  }
  if (run.result.epoch <= epochs) return;
  throw InputError(fmt::format("{}: `epoch` is {}, where metrics.csv has {}; remove the run folder and train again",
                               folder.result_path().string(), run.result.epoch, epochs));
}

LoadedRun read_run(const Path& path) {
  check_stop();
  const RunFolder folder(path);
  LoadedRun run;
  run.path = path;
  run.config = read_run_config(folder);
  if (!run.config.has_checksums()) {
    throw InputError(fmt::format(
        "{} is of an earlier version of notnot, which recorded no checksums: whether it has read the same data as the "
        "other runs cannot be known; train it again with --retrain, or report without it",
        path.string()));
  }
  run.unfinished = why_unfinished(folder);
  if (!run.unfinished.empty()) return run;
  if (run.spec().kind == RunKind::perturbation) {
    (void)folder.perturbation_result();  // checks it; the report takes the measures from perturbation.safetensors
    return run;
  }
  if (run.spec().kind == RunKind::attribution) {
    run.attribution = folder.attribution_result();
    return run;
  }
  run.result = folder.result();
  const std::vector<EpochMetrics> epochs = folder.metrics();
  check_epochs(folder, run, epochs.size());
  run.epochs_trained = epochs.size();
  for (const EpochMetrics& epoch : epochs) run.train_seconds += epoch.train_seconds;
  if (!is_adversary(run.spec().kind)) run.epoch_choice = epoch_choice(epochs);
  return run;
}

/// The words in a line of predictions.jsonl. Throws unless the line belongs to the text `row`, which has `size` words.
TextWords parse_words(std::string_view line, int64_t row, int64_t size) {
  const std::optional<Json> object = json_object(line);
  if (!object) throw InputError(json_fault(line));
  const Json& json = *object;
  const auto found = json.at("row").get<int64_t>();
  TextWords text{json.at("tokens").get<std::vector<std::string>>(), json.at("unknown").get<std::set<size_t>>()};
  if (found != row || static_cast<int64_t>(text.words.size()) != size) {
    throw InputError(fmt::format("text {} of {} words, where attention_test.safetensors has text {} of {}", found,
                                 text.words.size(), row, size));
  }
  return text;
}

PlantedTruth truth_of(const PlantedOptions& options, const TextWords& text) {
  std::vector<std::string_view> words(text.words.begin(), text.words.end());
  for (const size_t i : text.unknown) {
    if (i < words.size()) words[i] = "";
  }
  return planted_truth(options, words);
}

/// "the base model" or "an adversary", or "the base model's leave-one-out"; for attention from elsewhere, its label.
std::string title_of_guide(const std::string& dataset, const std::string& other) {
  const std::optional<RunSpec> guide = parse_run_name(dataset, other);
  if (!guide) return other;
  const auto model_of = [](RunKind kind) {
    if (is_adversary(kind)) return "an adversary";
    return kind == RunKind::base ? "the base model" : "another model";
  };
  if (guide->kind != RunKind::attribution) return model_of(guide->kind);
  return fmt::format("{}'s {}", model_of(guide->model), in_words(guide->measure));
}

}  // namespace

bool LoadedRun::cut_off() const {
  return is_adversary(spec().kind) && epochs_trained == config.training.epochs &&
         result.epoch + config.training.patience > epochs_trained;
}

std::vector<LoadedRun> read_runs(const std::vector<Path>& folders) {
  if (folders.empty()) throw InputError("a report needs at least one run folder; give one that `notnot train` wrote");
  std::vector<LoadedRun> runs;
  std::set<Path> seen;
  for (const Path& given : folders) {
    for (const Path& path : expand(given)) {
      if (!seen.insert(std::filesystem::weakly_canonical(path)).second) {
        throw InputError(fmt::format("{} is given twice; give each run once", path.string()));
      }
      runs.push_back(read_run(path));
    }
  }
  return runs;
}

Attention test_attention(const LoadedRun& run) {
  const RunFolder folder(run.path);
  if (run.spec().kind != RunKind::perturbation) return folder.attention(SplitName::test);
  Perturbations found = folder.perturbations();
  return {.log_attention = std::move(found.adversary_log_attention),
          .offsets = std::move(found.offsets),
          .probability = std::move(found.adversary_probability),
          .label = std::move(found.label),
          .row = std::move(found.row)};
}

std::map<size_t, TextWords> read_words(const LoadedRun& run, const std::set<size_t>& texts,
                                       const std::vector<int64_t>& rows, const std::vector<int64_t>& offsets) {
  const RunFolder folder(run.path);
  const Path path = folder.intact(folder.predictions_path());
  const auto damaged = [&](size_t index, const std::string& what) {
    return InputError(
        fmt::format("{}, line {}: {}; remove the run folder and train again", path.string(), index + 1, what));
  };
  JsonLinesReader lines(path);
  std::map<size_t, TextWords> words;
  for (size_t index = 0; index < rows.size() && words.size() < texts.size(); ++index) {
    if (!lines.next()) throw damaged(index, "missing");
    if (!texts.contains(index)) continue;
    try {
      TextWords& text = words[index];
      text = parse_words(lines.text(), rows[index], offsets[index + 1] - offsets[index] - 2);
      if (run.planted()) text.truth = truth_of(run.planted_options(), text);
    } catch (const Json::exception&) {
      throw damaged(index, "`row`, `tokens` or `unknown` is missing or of another type");
    } catch (const InputError& error) {
      throw damaged(index, error.what());
    }
  }
  return words;
}

std::string title_of(Measure measure) {
  switch (measure) {
    case Measure::attention:
      return "Attention";
    case Measure::contribution:
      return "Contribution";
    case Measure::input_x_gradient_held:
      return "Input \u00d7 gradient, attention held";
    case Measure::input_x_gradient:
      return "Input \u00d7 gradient";
    case Measure::gradient_norm_held:
      return "Gradient norm, attention held";
    case Measure::gradient_norm:
      return "Gradient norm";
    case Measure::integrated_gradients:
      return "Integrated gradients";
    case Measure::leave_one_out:
      return "Leave-one-out";
    case Measure::random:
      break;
  }
  return "Random order";
}

std::string in_words(Measure measure) {
  std::string words = title_of(measure);
  words.front() = static_cast<char>(words.front() - 'A' + 'a');
  return words;
}

std::string title_of(const LoadedRun& run) {
  const bool from_elsewhere = !run.config.paths.attention.empty();
  return from_elsewhere ? "MLP guided by " + run.spec().other : title_of(run.dataset(), run.spec());
}

std::string title_of(const std::string& dataset, const RunSpec& spec) {
  switch (spec.kind) {
    case RunKind::base:
      return "Base";
    case RunKind::uniform:
      return "Uniform";
    case RunKind::trained_mlp:
      return "Trained MLP";
    case RunKind::uniform_mlp:
      return "Uniform MLP";
    case RunKind::guided_mlp:
      return "MLP guided by " + title_of_guide(dataset, spec.other);
    case RunKind::adversary:
      return fmt::format("Adversary, \u03bb = {}", spec.lambda);
    case RunKind::attribution:
      return fmt::format("Attribution by {}", in_words(spec.measure));
    case RunKind::side_by_side:
      return fmt::format("Adversary {} of {} side by side, \u03bb = {}", spec.member, spec.members, spec.lambda);
    case RunKind::perturbation:
      break;
  }
  return "Per-instance adversary";
}

}  // namespace notnot
