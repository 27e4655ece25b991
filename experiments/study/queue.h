#pragma once
// Runs on their way: which run waits for which, several models at once, and how each run ended.
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "engine/device/profile.h"
#include "engine/runs/run_writer.h"
#include "experiments/study/inputs.h"

namespace notnot {

enum class JobState : uint8_t { waiting, running, finished, failed };

/// One run and what became of it.
struct Job {
  const Inputs* inputs = nullptr;  ///< outlives the job
  RunSpec spec;
  RunFolder folder;
  std::unique_ptr<RunWriter> writer;  ///< held from before the first job runs until this one has ended
  JobState state = JobState::waiting;
  std::exception_ptr error;  ///< why the job failed
  Profile profile;

  Job(const Inputs& its_inputs, RunSpec its_spec)
      : inputs(&its_inputs), spec(std::move(its_spec)), folder(its_inputs.folder(spec)) {}
};
/// Jobs start in this order, except for those that wait for others.
using Jobs = std::vector<std::unique_ptr<Job>>;

struct JobOptions {
  bool resume = true;            ///< unfinished runs go on; otherwise they are an error
  bool keep_checkpoint = false;  ///< of finished runs; a checkpoint is four times as large as the model
  bool profile = false;
  int fleet = 0;  ///< models that train at once; 0: one per thread on the CPU, kCudaFleet on CUDA
};
inline constexpr int kCudaFleet = 16;

/// The number of models that will train at once: at most the number of jobs that wait.
int fleet_size(const Jobs& jobs, const JobOptions& options);

/// Marks the jobs that are finished already, and takes the folders of the others. Nothing is trained yet. Throws InputError
/// when a folder holds another run than its job's, is locked, or cannot be written.
void prepare_jobs(Jobs& jobs, const JobOptions& options);

/// Runs the jobs that are not finished, and prints the result of each. A job that fails leaves its reason in its folder;
/// the jobs that need it fail as well, the others go on. After Ctrl-C the function returns as soon as the running jobs have
/// written their checkpoints; they have then failed with Interrupted.
void run_jobs(Jobs& jobs, const JobOptions& options);

/// Why the job failed, for people.
std::string reason(const std::exception_ptr& error);

}  // namespace notnot
