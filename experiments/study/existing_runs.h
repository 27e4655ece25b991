#pragma once
// What the folders of runs hold before a run starts: nothing, this run, or another one that must not be taken for it.
#include <filesystem>
#include <set>
#include <string>

#include "experiments/study/run_config.h"

namespace notnot {

enum class Existing : uint8_t {
  nothing,     ///< the run starts
  unfinished,  ///< this run goes on from its checkpoint
  finished,    ///< this run is done
  other        ///< another run, one that cannot be read, or one that is not wanted: the run starts in its place
};

/// What happens to the runs that are there.
struct ExistingOptions {
  bool resume = true;    ///< continue unfinished runs; otherwise they are an error
  bool retrain = false;  ///< replace other runs, damaged ones, and unfinished ones unless `resume`; otherwise an error
  /// Read all files of a finished run and compare their checksums; otherwise they must only be there and have their
  /// sizes.
  bool contents = true;
};

/// For those who only ask: nothing is an error, and a run that cannot be read is another one.
inline constexpr ExistingOptions kAnyExisting{.resume = true, .retrain = true, .contents = false};

/// What the folder of the run `config` holds. Throws InputError that names the folder, what is wrong with the run in
/// it, and the remedy, where the options do not allow to go on.
Existing existing_run(const RunFolder& folder, const RunConfig& config, const ExistingOptions& options);

/// A sentence about a run in the folder `runs` whose data set has the name of `config`'s, but another content. Runs in
/// the folders `but` do not count, nor do those that cannot be read or have no result and no checkpoint. Empty if there
/// is none.
std::string run_on_other_data(const std::filesystem::path& runs, const RunConfig& config,
                              const std::set<std::filesystem::path>& but);

}  // namespace notnot
