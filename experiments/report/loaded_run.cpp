#include "experiments/report/loaded_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/io/files.h"
#include "engine/io/input_error.h"

namespace notnot {
namespace {

using Json = nlohmann::json;
using Path = std::filesystem::path;

bool is_run_folder(const Path& path) { return RunFolder(path).state() != RunState::absent; }

std::vector<Path> run_folders_in(const Path& path) {
  std::vector<Path> result;
  std::error_code error;
  for (std::filesystem::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    if (is_run_folder(at->path())) result.push_back(at->path());
  }
  std::sort(result.begin(), result.end());
  return result;
}

std::vector<Path> expand(const Path& path) {
  if (is_run_folder(path)) return {path};
  std::vector<Path> result = run_folders_in(path);
  if (result.empty()) {
    throw InputError(
        fmt::format("{} is no run folder (it has no config.json) and holds none; give a folder that `notnot train` "
                    "wrote, e.g. runs/sst-lstm-learned-seed10, or the one in which such folders lie",
                    path.string()));
  }
  return result;
}

void read_choices(const Json& choices, LoadedRun& run) {
  run.spec = spec_of(choices);
  choices.at("dataset").get_to(run.dataset);
  choices.at("data").get_to(run.data);
  choices.at("hidden").get_to(run.hidden);
  choices.at("embed").get_to(run.embed);
  choices.at("vectors").get_to(run.vectors);
  choices.at("init").get_to(run.init);
  run.epochs = choices.value("epochs", 0);  // a perturbation trains nothing
  run.precision = choices.value("precision", "fp32");
  run.select = choices.value("select", "");
  run.synthetic = choices.value("synthetic", false);
  run.tvd_factor = choices.value("tvd_factor", 0.5);
  run.other_file = choices.value("other_file", "");
}

void read_config(const Json& config, LoadedRun& run) {
  read_choices(config.at("choices"), run);
  const Json& data = config.at("data");
  data.at("vocabulary").get_to(run.vocabulary);
  data.at("words_with_vectors").get_to(run.words_with_vectors);
  for (const SplitName split : kSplitNames) {
    const Json& sizes = data.at("splits").at(std::string(to_string(split)));
    run.texts[split] = {sizes.at("negative").get<int64_t>(), sizes.at("positive").get<int64_t>()};
  }
  run.device = config.value("device", "");  // a run that failed before it began has none
  config.at("version").get_to(run.version);
  config.at("commit").get_to(run.commit);
}

std::string why_unfinished(const RunFolder& folder) {
  if (folder.state() == RunState::finished) return "";
  if (const auto reason = folder.failure()) return "failed: " + *reason;
  if (folder.state() == RunState::resumable) return "unfinished; the command that started it goes on with --resume";
  return "unfinished; start it again";
}

LoadedRun read_run(const Path& path) {
  const RunFolder folder(path);
  LoadedRun run;
  run.path = path;
  try {
    read_config(folder.config(), run);
  } catch (const Json::exception& error) {
    throw InputError(
        fmt::format("{} is not the configuration of a training ({}); give a folder that `notnot train` wrote",
                    folder.config_path().string(), error.what()));
  }
  run.unfinished = why_unfinished(folder);
  if (!run.unfinished.empty() || run.spec.kind == RunKind::perturbation) return run;
  run.result = folder.result();
  const std::vector<EpochMetrics> epochs = folder.metrics();
  run.epochs_trained = static_cast<int32_t>(epochs.size());
  for (const EpochMetrics& epoch : epochs) run.train_seconds += epoch.train_seconds;
  return run;
}

/// The words of a line of predictions.jsonl, which must be the text `row` of `size` words.
std::vector<std::string> parse_words(std::string_view line, int64_t row, int64_t size) {
  const Json json = Json::parse(line);
  const auto id = json.at("id").get<int64_t>();
  auto words = json.at("tokens").get<std::vector<std::string>>();
  if (id != row || static_cast<int64_t>(words.size()) != size) {
    throw InputError(fmt::format("text {} of {} words, where attention_test.safetensors has text {} of {}", id,
                                 words.size(), row, size));
  }
  return words;
}

/// "the base model" for a guide or adversary of that model; else the name as it is.
std::string title_of_other(const std::string& other) {
  if (other.find("adversary-lambda") != std::string::npos) return "an adversary";
  return other.find("lstm-learned") != std::string::npos ? "the base model" : other;
}

}  // namespace

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
  if (run.spec.kind != RunKind::perturbation) return folder.attention(SplitName::test);
  Perturbations found = folder.perturbations();
  return {.log_attention = std::move(found.adversary_log_attention),
          .offsets = std::move(found.offsets),
          .probability = std::move(found.adversary_probability),
          .label = std::move(found.label),
          .row = std::move(found.row)};
}

std::map<size_t, std::vector<std::string>> read_words(const LoadedRun& run, const std::set<size_t>& texts,
                                                      const std::vector<int64_t>& rows,
                                                      const std::vector<int64_t>& offsets) {
  const Path path = RunFolder(run.path).predictions_path();
  const std::string content = read_file(path);
  std::map<size_t, std::vector<std::string>> words;
  const auto damaged = [&](size_t index, const std::string& what) {
    return InputError(
        fmt::format("{}, line {}: {}; remove the run folder and train again", path.string(), index + 1, what));
  };
  size_t begin = 0;
  for (size_t index = 0; index < rows.size() && words.size() < texts.size(); ++index) {
    if (begin >= content.size()) throw damaged(index, "missing");
    const size_t end = std::min(content.find('\n', begin), content.size());
    try {
      if (texts.contains(index)) {
        words[index] = parse_words(std::string_view(content).substr(begin, end - begin), rows[index],
                                   offsets[index + 1] - offsets[index] - 2);
      }
    } catch (const std::exception& error) {
      throw damaged(index, error.what());
    }
    begin = end + 1;
  }
  return words;
}

std::string title_of(const RunSpec& spec) {
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
      return "MLP guided by " + title_of_other(spec.other);
    case RunKind::adversary:
      return fmt::format("Adversary, \u03bb = {:g}", spec.lambda);
    case RunKind::perturbation:
      break;
  }
  return "Per-instance adversary";
}

}  // namespace notnot
