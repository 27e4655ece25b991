#pragma once
// Runs on their way: what waits for what, several models at once, and what became of each.
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "engine/device/profile.h"
#include "experiments/study/setup.h"

namespace notnot {

enum class JobState : uint8_t { waiting, running, finished, failed };

struct Job {
  const Setup* setup = nullptr;  ///< outlives the job
  RunSpec spec;
  RunFolder folder;
  std::unique_ptr<RunWriter> writer;  ///< from before the first job runs until this one has ended
  JobState state = JobState::waiting;
  std::exception_ptr error;  ///< failed: why
  Profile profile;

  Job(const Setup& its_setup, RunSpec its_spec)
      : setup(&its_setup),
        spec(std::move(its_spec)),
        folder(its_setup.arguments.runs, run_name(its_setup.name(), spec)) {}
};
/// In the order in which they start, but for those that wait for others.
using Jobs = std::vector<std::unique_ptr<Job>>;

struct JobOptions {
  bool resume = true;            ///< unfinished runs go on; otherwise they are an error
  bool keep_checkpoint = false;  ///< of finished runs; four times a model's size
  bool profile = false;
  int fleet = 0;  ///< models at once; 0: on the CPU one per thread, on CUDA kCudaFleet
};
inline constexpr int kCudaFleet = 16;

/// Models that will train at once: no more than there are jobs left.
int fleet_size(const Jobs& jobs, const JobOptions& options);

/// Marks what is finished already, and throws InputError when a folder holds another run than its job's, is locked, or
/// cannot be written. Nothing was trained then.
void prepare_jobs(Jobs& jobs, const JobOptions& options);

/// Runs what is not finished, and prints each result. A job that fails leaves its reason in its folder, and those that
/// need it fail; the others go on. After Ctrl-C it returns when those that run have written their checkpoints and have
/// failed with Interrupted.
void run_jobs(Jobs& jobs, const JobOptions& options);

/// Why the job failed, for people.
std::string reason(const std::exception_ptr& error);

}  // namespace notnot
