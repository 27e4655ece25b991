#pragma once
// The queue of runs: trains several models at once, lets a run wait for the run that it needs, and records how each run
// ended.
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "engine/device/profile.h"
#include "engine/runs/run_writer.h"
#include "experiments/study/existing_runs.h"
#include "experiments/study/inputs.h"

namespace notnot {

enum class JobState : uint8_t { waiting, running, finished, stopped, failed };

/// One run and how it ended.
struct Job {
  const Inputs* inputs = nullptr;  ///< must outlive the job
  RunSpec spec;
  RunFolder folder;
  std::unique_ptr<RunWriter> writer;  ///< holds the folder's lock while the job runs
  JobState state = JobState::waiting;
  std::exception_ptr error;  ///< why the job failed, or where it was stopped
  Profile profile;

  Job(const Inputs& its_inputs, RunSpec its_spec)
      : inputs(&its_inputs), spec(std::move(its_spec)), folder(its_inputs.folder(spec)) {}
};
/// Jobs start in this order, but a job that needs another one waits until that one is finished.
using Jobs = std::vector<std::unique_ptr<Job>>;

struct JobOptions {
  ExistingOptions existing;
  bool keep_checkpoint = false;  ///< also of finished runs; a checkpoint is four times as large as the model
  bool profile = false;          ///< time every operation
  /// The fleet: how many runs train at once; adversaries side by side count as one. 0: one per thread on the CPU; on
  /// CUDA as many as have kCudaFleet models together.
  int fleet = 0;
};
inline constexpr int kCudaFleet = 16;

/// The number of runs that will train at once: at most the number of jobs that wait. A group counts as one.
int fleet_size(const Jobs& jobs, const JobOptions& options);

/// What the folder of a job's run holds, as existing_run, but for a run that needs another one. As long as that is not
/// finished, or will be replaced, it may become another run than the one that this one used: then this one starts. The
/// jobs before `job` must have their states. The members of a group are finished, go on or start together: a finished
/// one starts again if another one is not finished, and if the first one goes on, so do all.
Existing existing_run(const Jobs& jobs, const Job& job, const JobOptions& options);

/// Throws InputError when two jobs have the same folder by its name. Touches no disk.
void check_names(const Jobs& jobs);

/// Throws InputError where runs on another data set of the same name lie beside those of the jobs; prints a note
/// instead where other runs are replaced.
void check_data(const Jobs& jobs, const JobOptions& options);

/// Marks the jobs whose runs are finished already, and makes the folders of the others. Trains nothing, and replaces
/// nothing yet. Throws InputError when two jobs have the same folder, when a folder holds another run than its job's
/// and JobOptions do not allow to replace it, when there are runs on another data set of the same name, and when a
/// folder cannot be written.
void prepare_jobs(Jobs& jobs, const JobOptions& options);

/// Runs the jobs that are not finished, and prints the result of each. A job that fails leaves its reason in its
/// folder; the jobs that need it fail as well, the others go on. A job whose run another process trains fails, too.
/// When the user asks to stop, the function returns as soon as the running jobs have written their checkpoints; they
/// are then stopped, and others still wait. From here on the program goes on if nobody reads its output
/// (outlive_readers).
void run_jobs(Jobs& jobs, const JobOptions& options);

/// The message of an exception.
std::string reason(const std::exception_ptr& error);

}  // namespace notnot
