#include "experiments/study/queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <new>
#include <numeric>
#include <thread>

#include "engine/io/input_error.h"
#include "experiments/terminal/interrupt.h"
#include "experiments/terminal/progress.h"
#include "models/perturbation.h"

namespace notnot {
namespace {

// --- is it done? -----------------------------------------------------------------------------------------------------

/// True when the folder holds exactly this run, and the run is finished. Throws InputError when the folder holds
/// another run, or an unfinished one although `resume` is false.
bool already_done(const RunFolder& folder, const RunConfig& config, bool resume) {
  const RunState state = folder.state();
  if (state == RunState::absent || state == RunState::unfinished) return false;
  const std::vector<std::string> other = differing_choices(read_run_config(folder), config);
  if (!other.empty()) {
    throw InputError(fmt::format("{} holds a run with other choices ({}); give another --runs folder or remove it",
                                 folder.path().string(), fmt::join(other, ", ")));
  }
  if (state == RunState::resumable && !resume) {
    throw InputError(fmt::format("{} holds an unfinished run; add --resume to continue it, or remove the folder",
                                 folder.path().string()));
  }
  return state == RunState::finished;
}

// --- the attention of another run ------------------------------------------------------------------------------------

RunFolder folder_of_other(const Job& job) { return {job.inputs->settings.runs, job.spec.other}; }

bool is_external(const Job& job) { return job.inputs->guide && job.spec.other == job.inputs->guide->label; }

std::string checksum_of_other(const Job& job) {
  return is_external(job) ? job.inputs->guide->checksum : folder_of_other(job).attention_checksum();
}

Targets load_targets(const Job& job) {
  Targets targets;
  for (const SplitName name : kSplitNames) {
    const Split& split = job.inputs->corpus.dataset.split(name);
    Attention attention = folder_of_other(job).attention(name);
    if (!std::equal(attention.offsets.begin(), attention.offsets.end(), split.offsets.begin(), split.offsets.end()) ||
        !std::equal(attention.row.begin(), attention.row.end(), split.rows.begin(), split.rows.end())) {
      throw InputError(fmt::format("{} was written for other texts than this data set's {} split; remove the folder",
                                   folder_of_other(job).attention_path(name).string(), to_string(name)));
    }
    targets[name] = {std::move(attention.log_attention), std::move(attention.probability)};
  }
  return targets;
}

/// The configuration of the run. `other_checksum` stays empty as long as the run that this one needs is not finished.
RunConfig config_of(const Job& job) {
  RunConfig config = job.inputs->config(job.spec);
  if (needs_another(job.spec.kind) && (is_external(job) || folder_of_other(job).state() == RunState::finished)) {
    config.other_checksum = checksum_of_other(job);
  }
  if (is_external(job)) config.other_file = job.inputs->guide->file.string();
  return config;
}

// --- one job ---------------------------------------------------------------------------------------------------------

double mean(const std::vector<float>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / values.size();
}

void print_result(const Job& job) {
  const std::string path = job.folder.path().string();
  if (job.spec.kind == RunKind::perturbation) {
    const Perturbations result = job.folder.perturbations();
    fmt::print("{}: permuted attention changes p by {:.3f}; adversaries of single texts reach JSD {:.3f}\n", path,
               mean(result.permutation_change), mean(result.adversary_jsd));
    return;
  }
  const RunResult result = job.folder.result();
  const Classification& test = result.split.test;
  fmt::print("{}: epoch {} by {}; test F1 {:.3f}, ROC-AUC {:.3f}, accuracy {:.3f}, average precision {:.3f}\n", path,
             result.epoch, result.selected_on == "train loss" ? "train loss" : result.selected_on + " ROC-AUC", test.f1,
             test.roc_auc, test.accuracy, test.average_precision);
}

/// Perturbs the attention of the other run's model on the test split.
void perturb(Job& job, const OpenDevice& device, const RunConfig& config) {
  const Split& split = job.inputs->corpus.dataset.split(SplitName::test);
  const ModelOptions options = job.inputs->model(job.spec);
  AttentionClassifier model(device.get(), options, prediction_plan(split));
  model.allocate();
  const RunFolder other = folder_of_other(job);
  model.set_parameters(load_parameters(model.layout(), other.existing(other.model_path())));
  job.writer->start(to_json(config));
  const Perturbations perturbed = perturb_split(model, split, {.seed = job.spec.seed});
  job.writer->write_perturbations(perturbed);
  job.writer->finish(PerturbationResult{.permutation_change = mean(perturbed.permutation_change),
                                        .adversary_jsd = mean(perturbed.adversary_jsd),
                                        .adversary_tvd = mean(perturbed.adversary_tvd)});
}

void run_job(Job& job, const OpenDevice& device, const JobOptions& options, TrainingMonitor& monitor) {
  RunConfig config = config_of(job);
  // The configuration is complete only now: the run that this one needs has finished.
  if (already_done(job.folder, config, options.resume)) return;
  config.device = device.description();
  config.threads = device.get().threads;
  if (job.spec.kind == RunKind::perturbation) return perturb(job, device, config);
  Targets loaded;
  const Targets* targets = nullptr;
  if (is_external(job)) {
    targets = &job.inputs->guide->targets;
  } else if (needs_another(job.spec.kind)) {
    loaded = load_targets(job);
    targets = &loaded;
  }
  const TrainingRequest request{.dataset = &job.inputs->corpus.dataset,
                                .targets = targets,
                                .model = job.inputs->model(job.spec),
                                .training = job.inputs->training(job.spec),
                                .initial_parameters = job.inputs->initial_parameters(job.spec),
                                .config = to_json(config),
                                .resume = options.resume,
                                .profile = options.profile ? &job.profile : nullptr};
  train(device.get(), request, *job.writer, monitor);
  if (!options.keep_checkpoint) job.writer->remove_checkpoint();
}

// --- all of them -----------------------------------------------------------------------------------------------------

/// Hands out jobs in their order; a job waits until the job that it needs is finished.
class Queue {
 public:
  Queue(Jobs& jobs, const JobOptions& options) : jobs_(jobs), options_(options) {}

  void work(const OpenDevice& device, ProgressDisplay& display) {
    while (Job* job = next()) {
      std::exception_ptr error;
      try {
        run_job(*job, device, options_, display.monitor(index_of(*job)));
      } catch (...) {
        error = std::current_exception();
      }
      ended(*job, error, display);
    }
  }

 private:
  size_t index_of(const Job& job) const {
    return std::find_if(jobs_.begin(), jobs_.end(), [&](const auto& other) { return other.get() == &job; }) -
           jobs_.begin();
  }

  /// The job of this queue whose run `job` needs; null when there is none.
  const Job* needed_by(const Job& job) const {
    if (!needs_another(job.spec.kind)) return nullptr;
    const auto found = std::find_if(jobs_.begin(), jobs_.end(), [&](const auto& other) {
      return other->inputs == job.inputs && run_name(other->inputs->name(), other->spec) == job.spec.other;
    });
    return found == jobs_.end() ? nullptr : found->get();
  }

  /// The next job that can start. Waits while every remaining job needs one that still runs. Null when no job is left.
  Job* next() {
    std::unique_lock lock(mutex_);
    for (;;) {
      bool running = false;
      for (const auto& job : jobs_) {
        running |= job->state == JobState::running;
        // After Ctrl-C no job starts, except the first one: even a program that is stopped at once makes some progress.
        if (job->state != JobState::waiting || (interrupted() && started_)) continue;
        const Job* needed = needed_by(*job);
        if (needed != nullptr && needed->state == JobState::failed) {
          fail(*job, std::make_exception_ptr(Error(needed->folder.path().string() + ", which it needs, failed")));
        } else if (needed == nullptr || needed->state == JobState::finished) {
          job->state = JobState::running;
          started_ = true;
          return job.get();
        }
      }
      if (!running) return nullptr;
      changed_.wait(lock);
    }
  }

  void ended(Job& job, const std::exception_ptr& error, ProgressDisplay& display) {
    {
      const std::lock_guard lock(mutex_);
      if (error) {
        fail(job, error);
        display.ended(index_of(job),
                      [&] { fmt::print("{}: failed: {}\n", job.folder.path().string(), reason(error)); });
      } else {
        job.state = JobState::finished;
        job.writer.reset();
        display.ended(index_of(job), [&] { print_result(job); });
      }
    }
    changed_.notify_all();
  }

  void fail(Job& job, const std::exception_ptr& error) {
    job.state = JobState::failed;
    job.error = error;
    if (interrupted()) return;
    try {
      job.writer->fail(reason(error), to_json(config_of(job)));
    } catch (const std::exception&) {
      // The disk may be full. The error still has the reason.
    }
    job.writer.reset();
  }

  Jobs& jobs_;
  const JobOptions& options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool started_ = false;
};

size_t pending(const Jobs& jobs) {
  return std::count_if(jobs.begin(), jobs.end(), [](const auto& job) { return job->state == JobState::waiting; });
}

}  // namespace

std::string reason(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    return "out of memory";
  } catch (const std::exception& known) {
    return known.what();
  }
}

int fleet_size(const Jobs& jobs, const JobOptions& options) {
  const Inputs& inputs = *jobs.front()->inputs;
  const OpenDevice device(inputs.settings.device, 1);
  const int most = options.fleet > 0                      ? options.fleet
                   : device.get().backend == Backend::cpu ? inputs.threads()
                                                          : kCudaFleet;
  return std::max(1, std::min(most, static_cast<int>(pending(jobs))));
}

void prepare_jobs(Jobs& jobs, const JobOptions& options) {
  for (const auto& job : jobs) {
    // As long as the run that this one needs is not finished, it may become another run than the one that this run
    // used.
    const RunConfig config = config_of(*job);
    const bool complete = !needs_another(job->spec.kind) || !config.other_checksum.empty();
    if (already_done(job->folder, config, options.resume) && complete) {
      job->state = JobState::finished;
      fmt::print("already finished: ");
      print_result(*job);
    } else {
      check_apart(*job->inputs, job->folder);
    }
  }
  // The folders are locked after all checks, so that wrong settings leave no trace.
  for (const auto& job : jobs) {
    if (job->state == JobState::waiting) job->writer = std::make_unique<RunWriter>(job->folder);
  }
}

void run_jobs(Jobs& jobs, const JobOptions& options) {
  if (pending(jobs) == 0) return;
  const Inputs& inputs = *jobs.front()->inputs;
  const int fleet = fleet_size(jobs, options), share = std::max(1, inputs.threads() / fleet);
  std::vector<ProgressDisplay::Line> lines;
  for (const auto& job : jobs) {
    const bool trains = job->state == JobState::waiting && job->spec.kind != RunKind::perturbation;
    lines.push_back({job->folder.path().filename().string(), trains ? inputs.training(job->spec).epochs : 0});
  }
  Queue queue(jobs, options);
  {
    ProgressDisplay display(lines);
    std::vector<std::jthread> workers;
    workers.reserve(fleet);
    for (int i = 0; i < fleet; ++i) {
      workers.emplace_back(
          [&, device = OpenDevice(inputs.settings.device, share, fleet)] { queue.work(device, display); });
    }
  }
  for (const auto& job : jobs) {
    if (!job->profile.rows().empty()) fmt::print("{}", job->profile.format());
  }
}

}  // namespace notnot
