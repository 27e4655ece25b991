#include "experiments/study/queue.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <map>
#include <mutex>
#include <new>
#include <numeric>
#include <system_error>
#include <thread>

#include "engine/io/input_error.h"
#include "engine/io/open_folder.h"
#include "engine/io/stop.h"
#include "experiments/study/memory.h"
#include "experiments/terminal/interrupt.h"
#include "experiments/terminal/progress.h"
#include "experiments/terminal/show.h"
#include "models/attribution.h"
#include "models/erasure.h"
#include "models/perturbation.h"

namespace notnot {
namespace {

// --- the attention of another run ------------------------------------------------------------------------------------

RunFolder folder_of_other(const Job& job) { return {job.inputs->settings.runs, job.spec.other}; }

bool is_external(const Job& job) { return job.inputs->is_external(job.spec); }

std::string checksum_of_other(const Job& job) {
  return is_external(job) ? job.inputs->guide->checksum : folder_of_other(job).attention_checksum();
}

/// Throws InputError if the run that this one needs has another attention than when its checksum was taken.
void check_unchanged(const Job& job, const std::string& checksum) {
  if (folder_of_other(job).attention_checksum() == checksum) return;
  throw InputError(fmt::format("{} was changed while it was read; give the command again when nothing trains there",
                               folder_of_other(job).path().string()));
}

/// What is wrong with a run that another one needs, and that is not the one it needs.
std::string why_not_wanted(const RunFolder& other) {
  if (!other.left_without_config().empty()) return "has lost its config.json";
  const std::string damage = other.damage(false);
  return damage.empty() ? "is a run with other choices or on other data" : fmt::format("is damaged ({})", damage);
}

/// Throws Error unless the run that this one needs is finished. A run of an earlier command may be there in part only.
void check_other(const Job& job) {
  if (!needs_another(job.spec.kind) || is_external(job)) return;
  const RunFolder other = folder_of_other(job);
  if (const auto spec = parse_run_name(job.inputs->name(), job.spec.other)) {
    const Existing existing = existing_run(other, job.inputs->config(*spec), kAnyExisting);
    if (existing == Existing::finished) return;
    if (existing == Existing::other) {
      throw Error(fmt::format("{}, which it needs, {}", other.path().string(), why_not_wanted(other)));
    }
  }
  const std::optional<std::string> failure = other.failure();
  throw Error(fmt::format("{}, which it needs, {}", other.path().string(),
                          failure ? fmt::format("failed ({})", *failure) : "is not finished"));
}

/// Throws InputError unless `texts`, an Attention or Attributions from `file`, are of this data set's split.
template <class Texts>
void check_same_texts(const Job& job, const Texts& texts, SplitName name, const std::filesystem::path& file) {
  const Split& split = job.inputs->corpus.dataset.split(name);
  if (std::equal(texts.offsets.begin(), texts.offsets.end(), split.offsets.begin(), split.offsets.end()) &&
      std::equal(texts.row.begin(), texts.row.end(), split.rows.begin(), split.rows.end()) &&
      std::equal(texts.label.begin(), texts.label.end(), split.labels.begin(), split.labels.end())) {
    return;
  }
  throw InputError(fmt::format("{} was written for other texts than this data set's {} split; remove the folder",
                               file.string(), to_string(name)));
}

/// The outputs of the other run's model, or the weights that an attribution's scores become.
Targets load_targets(const Job& job) {
  Targets targets;
  const RunFolder other = folder_of_other(job);
  const bool attributed = other.is_attribution();
  for (const SplitName name : kSplitNames) {
    if (attributed) {
      const Attributions attributions = other.attributions(name);
      check_same_texts(job, attributions, name, other.attribution_path(name));
      targets[name] = {log_shares(attributions), {}};
    } else {
      Attention attention = other.attention(name);
      check_same_texts(job, attention, name, other.attention_path(name));
      targets[name] = {std::move(attention.log_attention), std::move(attention.probability)};
    }
  }
  return targets;
}

/// The configuration of the run. `other_checksum` stays empty as long as the run that this one needs is not finished.
RunConfig config_of(const Job& job) {
  RunConfig config = job.inputs->config(job.spec);
  if (needs_another(job.spec.kind) && (is_external(job) || folder_of_other(job).state() == RunState::finished)) {
    config.other_checksum = checksum_of_other(job);
  }
  return config;
}

// --- groups ----------------------------------------------------------------------------------------------------------

/// The jobs of the members of the job's group (group_of), in their order; of another run, the job alone. Every plan has
/// all members of a group.
std::vector<Job*> members_of(const Jobs& jobs, const Job& job) {
  std::vector<Job*> members;
  for (const RunSpec& spec : group_of(job.spec)) {
    for (const auto& other : jobs) {
      if (other->inputs == job.inputs && other->spec == spec) members.push_back(other.get());
    }
  }
  return members;
}

/// What becomes of the members of a group, from what the folder of each holds. They train together or not at all: a
/// member alone is not finished, and the first one, which has the checkpoint of all, tells whether they go on. A single
/// run stays what it is.
std::vector<Existing> states_in_group(std::vector<Existing> alone) {
  const auto all_are = [&](Existing state) {
    return std::all_of(alone.begin(), alone.end(), [&](Existing one) { return one == state; });
  };
  if (alone.size() == 1 || all_are(Existing::finished)) return alone;
  const bool any_other = std::find(alone.begin(), alone.end(), Existing::other) != alone.end();
  const bool go_on = alone.front() == Existing::unfinished && !any_other;
  for (Existing& state : alone) {
    if (state != Existing::other) state = go_on ? Existing::unfinished : Existing::nothing;
  }
  return alone;
}

// --- one job ---------------------------------------------------------------------------------------------------------

double mean(const std::vector<float>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / values.size();
}

/// The mean over the texts for each allowed change.
std::vector<PerturbationResult::ExactMean> means_of(const ExactAdversaries& exact, size_t texts) {
  std::vector<PerturbationResult::ExactMean> result;
  for (size_t e = 0; e < exact.epsilon.size(); ++e) {
    const auto begin = exact.jsd.begin() + static_cast<int64_t>(e * texts);
    result.push_back({exact.epsilon[e], mean({begin, begin + static_cast<int64_t>(texts)})});
  }
  return result;
}

/// "leave-one-out of 1725 test texts, mean |score| 0.0213 a word".
std::string in_words(const AttributionResult& result) {
  std::vector<std::string> splits;
  for (const SplitName split : kSplitNames) {
    const auto& of = result.splits[split];
    if (!of) continue;
    splits.push_back(fmt::format("of {} {} texts, mean |score| {:.3g} a word", of->texts, to_string(split),
                                 of->mean_absolute_score));
    if (of->share_not_converged.value_or(0) > 0) {
      splits.back() += fmt::format(" ({:.1f} % of the texts not converged)", 100 * *of->share_not_converged);
    }
  }
  return fmt::format("{} {}", to_string(result.measure), fmt::join(splits, ", "));
}

/// What is printed of a finished run.
std::string result_line(const Job& job) {
  const std::string path = job.folder.path().string();
  if (job.spec.kind == RunKind::perturbation) {
    const Perturbations result = job.folder.perturbations();
    std::string exact;
    for (const auto& [epsilon, jsd] : means_of(result.exact, result.size())) {
      exact += fmt::format("{}{:.3f} for {}", exact.empty() ? "; exact adversaries have JSD " : ", ", jsd, epsilon);
    }
    return fmt::format("{}: permuted attention changes p by {:.3f}; adversaries of single texts reach JSD {:.3f}{}",
                       path, mean(result.permutation_change), mean(result.adversary_jsd), exact);
  }
  if (job.spec.kind == RunKind::attribution)
    return fmt::format("{}: {}", path, in_words(job.folder.attribution_result()));
  const RunResult result = job.folder.result();
  const Classification& test = result.split.test;
  return fmt::format("{}: epoch {} by {}; test F1 {:.3f}, ROC-AUC {:.3f}, accuracy {:.3f}, average precision {:.3f}",
                     path, result.epoch,
                     result.selected_on == "train loss" ? "train loss" : result.selected_on + " ROC-AUC", test.f1,
                     test.roc_auc, test.accuracy, test.average_precision);
}

/// Perturbs the attention of the other run's model on the test split.
void perturb(Job& job, const OpenDevice& device, const RunConfig& config) {
  const Split& split = job.inputs->corpus.dataset.split(SplitName::test);
  const ModelOptions options = job.inputs->model(job.spec);
  AttentionClassifier model(device.get(), options, prediction_plan(device.get(), split));
  model.allocate();
  const RunFolder other = folder_of_other(job);
  model.set_parameters(load_parameters(model.layout(), other.intact(other.model_path())));
  job.writer->start(to_json(config));
  const Perturbations perturbed = perturb_split(model, split, {.seed = job.spec.seed});
  job.writer->write_perturbations(perturbed);
  job.writer->finish(PerturbationResult{.permutation_change = mean(perturbed.permutation_change),
                                        .adversary_jsd = mean(perturbed.adversary_jsd),
                                        .adversary_tvd = mean(perturbed.adversary_tvd),
                                        .exact_adversary = means_of(perturbed.exact, perturbed.size())});
}

AttributionResult::OfSplit summary_of(const Attributions& attributions) {
  const auto &by_probability = attributions.integration_probability, &by_logit = attributions.integration_logit;
  AttributionResult::OfSplit result{.texts = attributions.size()};
  int64_t words = 0, not_converged = 0;
  for (const float score : attributions.score_probability) {
    if (std::isnan(score)) continue;  // a boundary token
    result.mean_absolute_score += std::fabs(double{score});
    ++words;
  }
  result.mean_absolute_score /= static_cast<double>(std::max<int64_t>(words, 1));
  if (by_probability.converged.empty()) return result;
  for (int32_t i = 0; i < attributions.size(); ++i) {
    not_converged += by_probability.converged[i] == 0 || by_logit.converged[i] == 0 ? 1 : 0;
  }
  result.share_not_converged = static_cast<double>(not_converged) / attributions.size();
  return result;
}

/// Attributes the words of the other run's model, and erases those of dev and test: on training texts scores are made
/// to guide, and ten more predictions of each would cost more than most measures.
void attribute(Job& job, const OpenDevice& device, const RunConfig& config) {
  const Dataset& dataset = job.inputs->corpus.dataset;
  const ModelOptions options = job.inputs->model(job.spec);
  const RunFolder other = folder_of_other(job);
  job.writer->start(to_json(config));
  AttributionResult result{.measure = job.spec.measure, .splits = {}};
  for (const SplitName name : job.spec.splits) {
    const Split& split = dataset.split(name);
    AttentionClassifier model(device.get(), options, prediction_plan(device.get(), split));
    model.allocate();
    model.set_parameters(load_parameters(model.layout(), other.intact(other.model_path())));
    check_unchanged(job, config.other_checksum);
    const Attributions attributions = attribute_split(model, split, job.spec.measure, {.seed = job.spec.seed});
    job.writer->write_attributions(name, split, attributions, job.spec.measure);
    if (name != SplitName::train) job.writer->write_erasure(name, erase_split(model, split, attributions));
    result.splits[name] = summary_of(attributions);
  }
  job.writer->finish(result);
}

/// Adds the device and this program to those that trained the run so far. `note` is called with a sentence if one of
/// them is another one.
void record_origin(const Job& job, const std::string& device, bool resume, RunConfig& config,
                   const std::function<void(const std::string&)>& note) {
  if (resume) {
    RunConfig before = read_run_config(job.folder);
    const std::string path = job.folder.path().string(), last = last_program(before), here = this_program();
    if (!before.devices.empty() && before.devices.back() != device) {
      note(fmt::format("note: {} was trained on {} and goes on on {}; its bytes are those of neither alone", path,
                       before.devices.back(), device));
    }
    if (last != here) {
      note(
          fmt::format("note: {} was trained by notnot {} and goes on with notnot {}; its bytes may be those of neither "
                      "alone",
                      path, last, here));
      before.resumed_by.push_back(here);
    }
    config.devices = std::move(before.devices);
    config.version = std::move(before.version);
    config.commit = std::move(before.commit);
    config.resumed_by = std::move(before.resumed_by);
  }
  if (config.devices.empty() || config.devices.back() != device) config.devices.push_back(device);
}

/// What the queue knows of a job that starts.
struct Started {
  Job& job;
  RunConfig config;  ///< complete: the run that this one needs has finished
  Existing existing;
};

/// Takes the folder of every job, all members of one group.
std::vector<Started> start(const std::vector<Job*>& group, const JobOptions& options) {
  std::vector<Started> started;
  for (Job* job : group) {
    job->writer = std::make_unique<RunWriter>(job->folder);
    check_other(*job);
    RunConfig config = config_of(*job);
    const Existing existing = existing_run(job->folder, config, options.existing);
    started.push_back({*job, std::move(config), existing});
  }
  const std::vector<Existing> states = states_in_group([&] {
    std::vector<Existing> alone;
    for (const Started& one : started) alone.push_back(one.existing);
    return alone;
  }());
  for (size_t k = 0; k < started.size(); ++k) started[k].existing = states[k];
  return started;
}

/// The contexts of the members of a group beside the first one's.
std::vector<OpenDevice> open_others(const Job& job, const OpenDevice& device) {
  std::vector<OpenDevice> others;
  for (size_t k = 1; k < group_of(job.spec).size(); ++k) {
    others.emplace_back(job.inputs->settings.device, device.get().threads);
  }
  return others;
}

/// Trains the model of a job, or those of a group together. All jobs have the same inputs, and need the same run.
void train_group(std::vector<Started>& group, const OpenDevice& device, const Targets* targets,
                 const JobOptions& options, const std::function<TrainingMonitor&(const Job&)>& monitor_of) {
  const bool resume =
      std::all_of(group.begin(), group.end(), [](const auto& one) { return one.existing == Existing::unfinished; });
  std::vector<TrainingRequest> requests;
  for (const auto& [job, config, existing] : group) {
    requests.push_back({.dataset = &job.inputs->corpus.dataset,
                        .targets = targets,
                        .ablated = job.inputs->ablated ? &*job.inputs->ablated : nullptr,
                        .model = job.inputs->model(job.spec),
                        .training = job.inputs->training(job.spec),
                        .initial_parameters = job.inputs->initial_parameters(job.spec),
                        .config = to_json(config),
                        .resume = resume,
                        .checkpoint_seconds = 60 * job.inputs->settings.checkpoint_minutes,
                        .profile = options.profile ? &job.profile : nullptr});
  }
  const std::vector<OpenDevice> others = open_others(group.front().job, device);
  std::vector<Device> devices = {device.get()};
  for (const OpenDevice& other : others) devices.push_back(other.get());
  std::vector<Trainee> trainees;
  for (size_t k = 0; k < group.size(); ++k) {
    trainees.push_back({&requests[k], group[k].job.writer.get(), &monitor_of(group[k].job)});
  }
  train_side_by_side(devices, trainees);
  if (!options.keep_checkpoint) group.front().job.writer->remove_checkpoint();
}

/// Runs a job, or the members of a group together.
void run_group(const std::vector<Job*>& jobs, const OpenDevice& device, const JobOptions& options,
               const std::function<TrainingMonitor&(const Job&)>& monitor_of,
               const std::function<void(const std::string&)>& note) {
  std::vector<Started> group = start(jobs, options);
  if (group.front().existing == Existing::finished) return;
  for (Started& one : group) {
    record_origin(one.job, device.description(), one.existing == Existing::unfinished, one.config, note);
    one.config.cuda_connections = device.connections();
  }
  Job& job = group.front().job;
  if (job.spec.kind == RunKind::perturbation) return perturb(job, device, group.front().config);
  if (job.spec.kind == RunKind::attribution) return attribute(job, device, group.front().config);
  Targets loaded;
  const Targets* targets = nullptr;
  if (is_external(job)) {
    targets = &job.inputs->guide->targets;
  } else if (needs_another(job.spec.kind)) {
    loaded = load_targets(job);
    check_unchanged(job, group.front().config.other_checksum);
    targets = &loaded;
  }
  train_group(group, device, targets, options, monitor_of);
}

// --- all of them -----------------------------------------------------------------------------------------------------

bool is_interrupted(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Interrupted&) {
    return true;
  } catch (...) {
    return false;
  }
}

/// The job whose run `job` needs; null when it is none of `jobs`.
const Job* needed_by(const Jobs& jobs, const Job& job) {
  if (!needs_another(job.spec.kind)) return nullptr;
  const auto found = std::find_if(jobs.begin(), jobs.end(), [&](const auto& other) {
    return other->inputs == job.inputs && run_name(other->inputs->name(), other->spec) == job.spec.other;
  });
  return found == jobs.end() ? nullptr : found->get();
}

/// Hands out jobs in their order; a job waits until the job that it needs is finished.
class Queue {
 public:
  Queue(Jobs& jobs, const JobOptions& options) : jobs_(jobs), options_(options) {}

  void work(const OpenDevice& device, ProgressDisplay& display) {
    for (std::vector<Job*> group = next(display); !group.empty(); group = next(display)) {
      std::vector<std::string> results(group.size());
      std::exception_ptr error;
      const Job& first = *group.front();
      try {
        explain_out_of_memory([&] { return describe_memory(*first.inputs, first.spec, device.get()); },
                              [&] {
                                run_group(
                                    group, device, options_,
                                    [&](const Job& job) -> TrainingMonitor& { return display.monitor(index_of(job)); },
                                    [&](const std::string& note) { display.print(note); });
                              });
        // Which may be damaged if the run was there already.
        for (size_t k = 0; k < group.size(); ++k) results[k] = result_line(*group[k]);
      } catch (...) {
        error = std::current_exception();
      }
      ended(group, error, results, display);
    }
  }

 private:
  size_t index_of(const Job& job) const {
    return std::find_if(jobs_.begin(), jobs_.end(), [&](const auto& other) { return other.get() == &job; }) -
           jobs_.begin();
  }

  /// The next job that can start, with the others of its group, which start with their first member. Waits while every
  /// remaining job needs one that still runs. Empty when no job is left.
  std::vector<Job*> next(ProgressDisplay& display) {
    std::unique_lock lock(mutex_);
    for (;;) {
      bool running = false;
      for (const auto& job : jobs_) {
        running |= job->state == JobState::running;
        // After a stop no job starts, except the first one: even a program that is stopped at once makes some progress.
        if (job->state != JobState::waiting || (stop_requested() && started_)) continue;
        const Job* needed = needed_by(jobs_, *job);
        if (needed != nullptr && needed->state == JobState::failed) {
          fail(*job,
               std::make_exception_ptr(Error(fmt::format("{}, which it needs, failed ({})",
                                                         needed->folder.path().string(), reason(needed->error)))),
               display);
        } else if (job->spec.member <= 1 && (needed == nullptr || needed->state == JobState::finished)) {
          const std::vector<Job*> group = members_of(jobs_, *job);
          for (Job* member : group) member->state = JobState::running;
          started_ = true;
          return group;
        }
      }
      if (!running) return {};
      changed_.wait(lock);
    }
  }

  void ended(const std::vector<Job*>& group, const std::exception_ptr& error, const std::vector<std::string>& results,
             ProgressDisplay& display) {
    {
      const std::lock_guard lock(mutex_);
      for (size_t k = 0; k < group.size(); ++k) ended(*group[k], error, results[k], display);
    }
    changed_.notify_all();
  }

  void ended(Job& job, const std::exception_ptr& error, const std::string& result, ProgressDisplay& display) {
    if (!error) {
      job.state = JobState::finished;
      display.ended(index_of(job), result);
    } else if (is_interrupted(error)) {
      job.state = JobState::stopped;
      job.error = error;
      display.ended(index_of(job), fmt::format("{}: {}", job.folder.path().string(), reason(error)));
    } else {
      fail(job, error, display);
    }
    job.writer.reset();
  }

  void fail(Job& job, const std::exception_ptr& error, ProgressDisplay& display) {
    job.state = JobState::failed;
    job.error = error;
    try {
      if (!job.writer) job.writer = std::make_unique<RunWriter>(job.folder);
      job.writer->fail(reason(error), to_json(config_of(job)));
    } catch (const std::exception&) {
      // The disk may be full, or another process may train in the folder. The error still has the reason.
    }
    job.writer.reset();
    display.ended(index_of(job), fmt::format("{}: failed: {}", job.folder.path().string(), reason(error)));
  }

  Jobs& jobs_;
  const JobOptions& options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool started_ = false;
};

/// Where a run of the job would lie, and for which data set, in messages.
std::string run_of(const Job& job) {
  return fmt::format("{} of the data set {}", job.folder.path().string(), job.inputs->settings.corpus.dataset);
}

[[noreturn]] void throw_same_folder(const Job& a, const Job& b, std::string_view why) {
  throw InputError(
      fmt::format("the runs {} and {} {}; give each data set once, give one of them another name, or run each with a "
                  "--runs folder of its own",
                  run_of(a), run_of(b), why));
}

/// Throws InputError when the folders of two jobs are the same on the disk: names may differ only in case where the
/// file system takes no notice of it, and a folder may be a link.
void check_folders(const Jobs& jobs) {
  std::map<std::string, const Job*> known;
  for (const auto& job : jobs) {
    std::error_code error;
    const auto path = std::filesystem::canonical(job->folder.path(), error);
    if (error) continue;  // somebody has removed it just now, and so it is nobody else's
    const auto [at, first] = known.emplace(path.string(), job.get());
    if (!first) throw_same_folder(*at->second, *job, "are in one folder on this file system");
  }
}

/// What the folder of the job's run holds, whatever the other members of its group have.
Existing existing_alone(const Jobs& jobs, const Job& job, const JobOptions& options) {
  const Job* needed = needed_by(jobs, job);
  const bool waits = needed != nullptr && needed->state != JobState::finished;
  const RunConfig config = waits ? job.inputs->config(job.spec) : config_of(job);
  const bool complete = !needs_another(job.spec.kind) || !config.other_checksum.empty();
  const Existing existing = existing_run(job.folder, config, options.existing);
  return existing == Existing::finished && !complete ? Existing::nothing : existing;
}

/// Makes the run's folder this user's alone, and sees to it that config.json says why: a run of an earlier version, or
/// of a time before the data set was marked as confidential, may be open to others.
void keep_run_private(const Job& job) {
  std::error_code ignored;
  if (!job.inputs->corpus.confidential() || !std::filesystem::exists(job.folder.path(), ignored)) return;
  make_private(job.folder.path());
  if (job.state != JobState::finished) return;  // its config.json will be written anew
  RunConfig config = read_run_config(job.folder);
  if (config.confidential) return;
  config.confidential = true;
  RunWriter(job.folder).resume(to_json(config));
}

/// existing_run. But a run that another process trains just now is not to be resumed, removed or replaced.
Existing settled_run(const Jobs& jobs, const Job& job, const JobOptions& options) {
  try {
    return existing_run(jobs, job, options);
  } catch (const InputError&) {
    RunWriter::check_free(job.folder);
    throw;
  }
}

/// The jobs that wait; a group counts as one.
size_t pending(const Jobs& jobs) {
  return std::count_if(jobs.begin(), jobs.end(),
                       [](const auto& job) { return job->state == JobState::waiting && job->spec.member <= 1; });
}

/// The members of the largest group that waits.
int largest_group(const Jobs& jobs) {
  size_t largest = 1;
  for (const auto& job : jobs) {
    if (job->state == JobState::waiting) largest = std::max(largest, group_of(job->spec).size());
  }
  return static_cast<int>(largest);
}

/// As many threads as `fleet` that work on the queue, or as many as can be started.
std::vector<std::jthread> start_workers(int fleet, const std::function<std::jthread()>& start) {
  std::vector<std::jthread> workers;
  workers.reserve(fleet);
  while (static_cast<int>(workers.size()) < fleet) {
    try {
      workers.push_back(start());
    } catch (const std::system_error& error) {
      if (workers.empty()) throw;
      show("note: {} models train at once and not {}: {}\n", workers.size(), fleet, error.code().message());
      break;
    }
  }
  return workers;
}

}  // namespace

std::string reason(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    return "out of memory";  // while something else than a run was at work
  } catch (const std::exception& known) {
    return known.what();
  }
}

int fleet_size(const Jobs& jobs, const JobOptions& options) {
  const Inputs& inputs = *jobs.front()->inputs;
  const OpenDevice device(inputs.settings.device, 1);
  const int most = options.fleet > 0                      ? options.fleet
                   : device.get().backend == Backend::cpu ? inputs.threads()
                                                          : std::max(1, kCudaFleet / largest_group(jobs));
  return std::max(1, std::min(most, static_cast<int>(pending(jobs))));
}

Existing existing_run(const Jobs& jobs, const Job& job, const JobOptions& options) {
  const std::vector<Job*> members = members_of(jobs, job);
  std::vector<Existing> states;
  for (const Job* member : members) states.push_back(existing_alone(jobs, *member, options));
  return states_in_group(std::move(states))[std::max(0, job.spec.member - 1)];
}

void check_names(const Jobs& jobs) {
  std::map<std::string, const Job*> known;
  for (const auto& job : jobs) {
    const auto [at, first] = known.emplace(job->folder.path().string(), job.get());
    if (!first) throw_same_folder(*at->second, *job, "have the same name");
  }
}

void check_data(const Jobs& jobs, const JobOptions& options) {
  std::set<std::filesystem::path> own;
  for (const auto& job : jobs) own.insert(job->folder.path());
  const Inputs* checked = nullptr;
  for (const auto& job : jobs) {
    if (checked == job->inputs) continue;
    checked = job->inputs;
    const std::string other = run_on_other_data(checked->settings.runs, checked->config(job->spec), own);
    if (other.empty()) continue;
    if (!options.existing.retrain) throw InputError(other + "; give another --runs folder, or remove that run");
    show("note: {}; train it again, too, or remove it\n", other);
  }
}

void prepare_jobs(Jobs& jobs, const JobOptions& options) {
  check_names(jobs);
  for (const auto& job : jobs) {
    if (settled_run(jobs, *job, options) == Existing::finished) {
      job->state = JobState::finished;
    } else {
      check_apart(*job->inputs, job->folder);
    }
  }
  check_data(jobs, options);
  // The folders are made after all checks, so that wrong settings leave no trace.
  for (const auto& job : jobs) {
    if (job->state == JobState::waiting) RunWriter::check_writable(job->folder);
  }
  check_folders(jobs);
  for (const auto& job : jobs) keep_run_private(*job);
  for (const auto& job : jobs) {
    if (job->state != JobState::finished) continue;
    show("already finished: {}\n", result_line(*job));
  }
}

void run_jobs(Jobs& jobs, const JobOptions& options) {
  outlive_readers();
  if (pending(jobs) == 0) return;
  const Inputs& inputs = *jobs.front()->inputs;
  const int fleet = fleet_size(jobs, options), share = std::max(1, inputs.threads() / fleet);
  std::vector<ProgressDisplay::Line> lines;
  for (const auto& job : jobs) {
    const bool trains = job->state == JobState::waiting && notnot::trains(job->spec.kind);
    lines.push_back({job->folder.path().filename().string(), trains ? inputs.training(job->spec).epochs : 0});
  }
  Queue queue(jobs, options);
  {
    ProgressDisplay display(lines);
    const std::vector<std::jthread> workers = start_workers(fleet, [&] {
      return std::jthread([&, device = OpenDevice(inputs.settings.device, share)] { queue.work(device, display); });
    });
  }
  for (const auto& job : jobs) {
    if (!job->profile.rows().empty()) show("{}", job->profile.format());
  }
}

}  // namespace notnot
