#include "experiments/commands/finished_run.h"

#include <fmt/format.h>

#include "engine/io/files.h"
#include "engine/io/input_error.h"

namespace notnot {

void check_there(const RunFolder& folder) {
  (void)is_there(folder.config_path());  // which throws if the folder may not be entered
  if (folder.state() != RunState::absent) return;
  throw InputError(
      fmt::format("{} is no run folder (it has no config.json); give one that notnot trained", folder.path().string()));
}

void check_finished(const RunFolder& folder) {
  if (folder.state() == RunState::finished) return;
  const std::string path = folder.path().string();
  if (const std::optional<std::string> failure = folder.failure()) {
    throw InputError(fmt::format("the run {} failed ({}); train it again, or give a finished run", path, *failure));
  }
  throw InputError(
      fmt::format("the run {} is not finished; start the command that trains it once more (notnot train needs --resume "
                  "to go on), or give a finished run",
                  path));
}

}  // namespace notnot
