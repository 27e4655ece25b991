#pragma once
// Jobs on a few texts of the user's own, whose models train in a moment.
#include <memory>
#include <string_view>
#include <vector>

#include "engine/io/files.h"
#include "experiments/study/queue.h"
#include "tests/support/small_csv.h"
#include "tests/support/temporary_folder.h"

namespace notnot {

/// Writes the texts to `own.csv` in the folder, and loads them. Runs lie in the folder's `runs`.
inline Inputs small_inputs(const TemporaryFolder& folder, std::string_view csv = kSmallCsv) {
  write_atomically(folder / "own.csv", csv);
  Settings settings;
  settings.corpus.dataset = (folder / "own.csv").string();
  settings.device = "cpu";
  settings.threads = settings.epochs = 1;
  settings.hidden = 2;
  settings.runs = (folder / "runs").string();
  return load_inputs(settings);
}

inline Jobs jobs_of(const Inputs& inputs, const std::vector<RunSpec>& specs) {
  Jobs jobs;
  for (const RunSpec& spec : specs) jobs.push_back(std::make_unique<Job>(inputs, spec));
  return jobs;
}

}  // namespace notnot
