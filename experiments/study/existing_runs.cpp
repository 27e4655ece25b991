#include "experiments/study/existing_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <system_error>
#include <vector>

#include "engine/io/input_error.h"

namespace notnot {
namespace {

/// Why the run in the folder is not the run `config`; empty if it is.
std::string why_other(const RunFolder& folder, const RunConfig& config) {
  const std::string path = folder.path().string();
  try {
    const RunConfig existing = read_run_config(folder);
    if (!existing.has_checksums()) {
      return fmt::format(
          "{} holds a run of an earlier version of notnot, which recorded no checksums: whether it has read the same "
          "inputs cannot be known",
          path);
    }
    const std::vector<std::string> keys = differing_choices(existing, config);
    return keys.empty() ? "" : fmt::format("{} holds a run with other choices ({})", path, in_words(keys));
  } catch (const InputError& error) {
    return error.what();
  }
}

/// The configuration of the run in the folder; nothing where there is none that would be used or could be read.
std::optional<RunConfig> readable_config(const RunFolder& folder) {
  const RunState state = folder.state();
  if (state == RunState::absent || state == RunState::unfinished) return std::nullopt;
  try {
    return read_run_config(folder);
  } catch (const InputError&) {
    return std::nullopt;
  }
}

}  // namespace

Existing existing_run(const RunFolder& folder, const RunConfig& config, const ExistingOptions& options) {
  const RunState state = folder.state();
  if (const std::filesystem::path left = folder.left_without_config(); !left.empty()) {
    if (options.retrain) return Existing::other;
    throw InputError(
        fmt::format("{} is missing, though {} of a run is there; copy it back to go on with that run, add --retrain to "
                    "train in its place, or give another --runs folder",
                    folder.config_path().string(), left.filename().string()));
  }
  if (state == RunState::absent || state == RunState::unfinished) return Existing::nothing;
  std::string why = why_other(folder, config);
  if (why.empty()) why = folder.damage(options.contents);
  if (!why.empty()) {
    if (options.retrain) return Existing::other;
    throw InputError(why + "; add --retrain to replace it, or give another --runs folder");
  }
  if (state == RunState::finished) return Existing::finished;
  if (options.resume) return Existing::unfinished;
  if (options.retrain) return Existing::other;
  throw InputError(
      fmt::format("{} holds an unfinished run; add --resume to continue it, or --retrain to train it again from the "
                  "beginning",
                  folder.path().string()));
}

std::string run_on_other_data(const std::filesystem::path& runs, const RunConfig& config,
                              const std::set<std::filesystem::path>& but) {
  std::error_code ignored;
  std::set<std::filesystem::path> folders;  // in the order of their names, so that the sentence is always the same
  for (std::filesystem::directory_iterator at(runs, ignored), end; at != end; at.increment(ignored)) {
    folders.insert(at->path());
  }
  for (const std::filesystem::path& path : folders) {
    if (but.contains(path)) continue;
    const std::optional<RunConfig> other = readable_config(RunFolder(path));
    if (!other || other->data.dataset != config.data.dataset || !other->has_checksums()) continue;
    const std::vector<std::string> keys = differing_content(*other, config);
    if (keys.empty()) continue;
    return fmt::format("{} is a run on another data set of the name {} ({})", path.string(), config.data.dataset,
                       in_words(keys));
  }
  return "";
}

}  // namespace notnot
