#pragma once
// What a command says about a run folder that it cannot use yet.
#include "engine/runs/run_folder.h"

namespace notnot {

/// Throws InputError unless there is a run.
void check_there(const RunFolder& folder);
/// Throws InputError unless the run is finished.
void check_finished(const RunFolder& folder);

}  // namespace notnot
