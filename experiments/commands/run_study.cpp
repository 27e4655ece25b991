#include "experiments/commands/run_study.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/stop.h"
#include "experiments/report/page.h"
#include "experiments/report/summary.h"
#include "experiments/study/estimate.h"
#include "experiments/terminal/show.h"

namespace notnot {
namespace {

// --- the plan --------------------------------------------------------------------------------------------------------

void add_jobs(const Study& study, const std::vector<RunSpec>& specs, Jobs& jobs) {
  for (const RunSpec& spec : specs) jobs.push_back(std::make_unique<Job>(study.inputs, spec));
}

std::string time_text(double seconds) {
  if (seconds < 90) return fmt::format("{:.0f} s", seconds);
  return seconds < 5400 ? fmt::format("{:.0f} min", seconds / 60) : fmt::format("{:.1f} h", seconds / 3600);
}

/// What becomes of a run, as the queue sees it.
std::string_view state_text(Existing existing) {
  switch (existing) {
    case Existing::finished:
      return "finished";
    case Existing::unfinished:
      return "goes on";
    case Existing::other:
      return "replaces another run";
    default:
      return "to do";
  }
}

/// Calls `check`, which refuses something; the first refusal is kept.
template <class Check>
void keep_refusal(std::string& refusal, const Check& check) {
  try {
    check();
  } catch (const InputError& error) {
    if (refusal.empty()) refusal = error.what();
  }
}

/// What becomes of each job. Marks those that are finished. Keeps in `refusal` why the queue would refuse the first of
/// the runs that it would.
std::vector<std::string_view> states_of(Jobs& jobs, const JobOptions& options, std::string& refusal) {
  std::vector<std::string_view> states;
  for (const auto& job : jobs) {
    states.emplace_back("another run is in the way");
    keep_refusal(refusal, [&] {
      const Existing existing = existing_run(jobs, *job, options);
      if (existing == Existing::finished) job->state = JobState::finished;
      states.back() = state_text(existing);
    });
  }
  return states;
}

bool all_finished(const Jobs& jobs) {
  return std::all_of(jobs.begin(), jobs.end(), [](const auto& job) { return job->state == JobState::finished; });
}

/// Adds to `study.runs` what follows from finished runs. Returns all as jobs; `states` and `refusal` as in states_of.
Jobs jobs_so_far(Study& study, const StudyArguments& arguments, std::vector<std::string_view>& states,
                 std::string& refusal) {
  Jobs jobs;
  add_jobs(study, study.runs, jobs);
  states = states_of(jobs, arguments.jobs, refusal);
  while (all_finished(jobs)) {
    const std::vector<RunSpec> following = following_runs(study.inputs, arguments.study, study.tests, study.runs);
    if (following.empty()) break;
    add_jobs(study, following, jobs);
    study.runs.insert(study.runs.end(), following.begin(), following.end());
    states = states_of(jobs, arguments.jobs, refusal);
  }
  return jobs;
}

/// "; up to 8 more may follow (...), at most 20 s in all"; empty if nothing can follow. `seconds` is the time of the
/// runs that are left.
std::string following_text(const PossibleRuns& possible, double seconds, int fleet, Estimator& estimator) {
  size_t runs = 0;
  std::vector<std::string> reasons;
  const auto add = [&](const std::vector<RunSpec>& round) {
    std::vector<RunCost> costs;
    const int at_once = std::min(fleet, static_cast<int>(round.size()));
    for (const RunSpec& spec : round) {
      costs.push_back({.seconds = estimator.estimate(spec, at_once).seconds, .bytes = 0});
    }
    seconds += cost_of_fleet(costs, fleet).seconds;
    runs += round.size();
  };
  for (const std::vector<RunSpec>& round : possible.larger_lambdas) add(round);
  add(possible.other_seeds);
  if (!possible.larger_lambdas.empty()) reasons.emplace_back("larger lambdas until the attention moves");
  if (!possible.other_seeds.empty()) reasons.emplace_back("the other seeds of the best lambda");
  if (runs == 0) return "";
  return fmt::format("; up to {} more may follow ({}), at most {} in all", runs, fmt::join(reasons, ", and "),
                     time_text(seconds));
}

/// " (adversaries stop 10 epochs after their best)"; empty where none is planned.
std::string early_stops(const Study& study) {
  const auto stops_early = [](const RunSpec& spec) { return is_adversary(spec.kind); };
  if (std::none_of(study.runs.begin(), study.runs.end(), stops_early)) return "";
  return fmt::format(" (adversaries stop {} epochs after their best)", study.inputs.settings.patience);
}

/// Prints the plan for one data set: a line per run, then the sums over the runs that are not finished, and what may
/// follow. `refusal` as in states_of.
void print_plan(Study& study, const StudyArguments& arguments, std::string& refusal) {
  const JobOptions& options = arguments.jobs;
  std::vector<std::string_view> states;
  const Jobs jobs = jobs_so_far(study, arguments, states, refusal);
  const int fleet = fleet_size(jobs, options);
  Estimator estimator(study.inputs, std::max(1, study.inputs.threads() / fleet));
  std::vector<RunCost> left;  // of a group together
  size_t runs_left = 0;
  show("{:<60} {:>8} {:>9} {:>9}  state\n", "run", "epochs", "time", "memory");
  for (size_t i = 0; i < jobs.size(); ++i) {
    const RunSpec& spec = jobs[i]->spec;
    const std::string name = run_name(study.inputs.name(), spec);
    const Estimate cost = estimator.estimate(spec, fleet);
    const int64_t bytes = cost.memory.device_bytes + cost.memory.host_bytes;
    const std::string epochs = trains(spec.kind) ? fmt::format("{}", study.inputs.training(spec).epochs) : "-";
    show("{:<60} {:>8} {:>9} {:>5} MiB  {}\n", name, epochs, time_text(cost.seconds), bytes >> 20, states[i]);
    if (jobs[i]->state == JobState::finished) continue;
    ++runs_left;
    if (spec.member > 1 && !left.empty()) {
      left.back().seconds =
          estimator.overlaps() ? std::max(left.back().seconds, cost.seconds) : left.back().seconds + cost.seconds;
      left.back().bytes += bytes;
    } else {
      left.push_back({cost.seconds, bytes});
    }
  }
  const RunCost together = cost_of_fleet(left, fleet);
  show("{}: {} of {} runs left, at most {} with {} at once{}, up to {} MiB beside the data{}\n\n", study.inputs.name(),
       runs_left, study.runs.size(), time_text(together.seconds), fleet, early_stops(study), together.bytes >> 20,
       following_text(possible_runs(study.inputs, arguments.study, study.tests, study.runs), together.seconds, fleet,
                      estimator));
  keep_refusal(refusal, [&] { check_data(jobs, options); });
}

// --- the runs --------------------------------------------------------------------------------------------------------

/// Runs `jobs`, which are prepared; returns how many failed.
size_t run(Jobs& jobs, const JobOptions& options) {
  run_jobs(jobs, options);
  if (stop_requested()) throw Interrupted("stopped; the same command goes on where this one stopped");
  return std::count_if(jobs.begin(), jobs.end(), [](const auto& job) { return job->state == JobState::failed; });
}

/// `failed`: how many runs did.
void throw_if_any(size_t failed) {
  if (failed > 0) throw Error(fmt::format("{} runs failed; the same command tries them again", failed));
}

void announce(const Study& study, const StudyOptions& options, const std::vector<RunSpec>& following) {
  const GridState state = grid_state(study.inputs, options, study.runs);
  if (state.best) {
    show("{}: lambda {} has the best F1 with JSD above {}; its adversaries of the other seeds follow\n",
         study.inputs.name(), *state.best, kFarAttention);
  } else {
    show("{}: no lambda up to {} moves the attention beyond JSD {} (the largest is {:.3f}); {} and {} follow\n",
         study.inputs.name(), state.largest_lambda, kFarAttention, state.largest_jsd, following.front().lambda,
         following.back().lambda);
  }
}

/// Runs all studies, round by round: the results of a round decide which runs follow. `jobs` are the first round,
/// prepared. Returns how many runs failed.
size_t run_rounds(Studies& studies, Jobs jobs, const StudyArguments& arguments) {
  size_t failed = 0;
  while (!jobs.empty()) {
    failed += run(jobs, arguments.jobs);
    jobs.clear();
    for (Study& study : studies) {
      const std::vector<RunSpec> following = following_runs(study.inputs, arguments.study, study.tests, study.runs);
      if (following.empty()) continue;
      announce(study, arguments.study, following);
      add_jobs(study, following, jobs);
      study.runs.insert(study.runs.end(), following.begin(), following.end());
    }
    prepare_jobs(jobs, arguments.jobs);
  }
  return failed;
}

/// The folders of the runs that a report can show; empty when no run is finished. A run that failed before its
/// config.json was written has no such folder, or still another run's.
std::vector<std::filesystem::path> folders_of(const Studies& studies) {
  std::vector<std::filesystem::path> folders;
  bool any_finished = false;
  for (const Study& study : studies) {
    for (const RunSpec& spec : study.runs) {
      const RunFolder folder = study.inputs.folder(spec);
      if (folder.state() == RunState::absent) continue;
      const Existing existing = existing_run(folder, study.inputs.config(spec), kAnyExisting);
      if (existing != Existing::other) folders.push_back(folder.path());
      any_finished = any_finished || existing == Existing::finished;
    }
  }
  return any_finished ? folders : std::vector<std::filesystem::path>();
}

/// Throws InputError if `out`, the folder for the report, is one of a run's or lies in it, or if the report would
/// replace an input.
void check_report_apart(const std::filesystem::path& out, const Studies& studies) {
  for (const Study& study : studies) {
    for (const std::filesystem::path& input : paths_read(study.inputs)) {
      for (const char* own : {"index.html", "tables", "figures"}) {
        if (!is_within(input, out / own)) continue;
        throw InputError(fmt::format("the report would replace {}, which is read; choose another folder with --out",
                                     input.string()));
      }
    }
    for (const RunSpec& spec : study.runs) {
      const std::filesystem::path folder = study.inputs.folder(spec).path();
      if (!is_within(out, folder)) continue;
      throw InputError(fmt::format("{} is or lies in the folder of a run, {}; choose another with --out", out.string(),
                                   folder.string()));
    }
  }
}

/// Prints a summary of the finished runs, and writes the report to `folder` if there is one.
void report_studies(const Studies& studies, std::optional<ReportFolder>& folder) {
  const std::vector<std::filesystem::path> folders = folders_of(studies);
  if (folders.empty()) return;
  const std::vector<LoadedStudy> reported = load_studies(folders);
  for (const LoadedStudy& study : reported) {
    if (reported.size() > 1) show("{}\n", study.title());
    show("{}\n", summary_table(study));
  }
  if (folder) show("The report: {}\n", write_report(reported, *folder).string());
}

}  // namespace

Study make_study(const StudyArguments& arguments, const std::string& dataset, const std::set<PaperTest>& tests) {
  Settings settings = arguments.settings;
  settings.corpus.dataset = dataset;
  return {.inputs = load_inputs_into_memory(settings), .tests = tests, .runs = {}};
}

void run_studies(const StudyArguments& arguments, Studies& studies, const std::filesystem::path& out, bool force) {
  Jobs jobs;
  for (Study& study : studies) {
    study.runs = planned_runs(study.inputs, arguments.study, study.tests);
    add_jobs(study, study.runs, jobs);
  }
  check_names(jobs);
  for (const Study& study : studies) describe(study.inputs);
  if (arguments.plan) {
    std::string refusal;
    for (Study& study : studies) print_plan(study, arguments, refusal);
    if (!refusal.empty()) throw InputError(refusal);
    return;
  }
  std::optional<ReportFolder> folder;
  if (!out.empty()) {
    check_report_apart(out, studies);
    folder.emplace(out, force);
  }
  prepare_jobs(jobs, arguments.jobs);
  // Made after all checks, and before the runs train for hours: it may lie where they lie.
  if (folder) folder->make();
  const size_t failed = run_rounds(studies, std::move(jobs), arguments);
  report_studies(studies, folder);
  throw_if_any(failed);
}

void run_beside(const StudyArguments& arguments, Study& study) {
  Jobs jobs;
  add_jobs(study, study.runs, jobs);
  check_names(jobs);
  describe_caveats(study.inputs);
  if (arguments.plan) {
    std::string refusal;
    print_plan(study, arguments, refusal);
    if (!refusal.empty()) throw InputError(refusal);
    return;
  }
  prepare_jobs(jobs, arguments.jobs);
  throw_if_any(run(jobs, arguments.jobs));
}

void run_test(const StudyArguments& arguments, PaperTest test) {
  check_arguments(arguments);
  Studies studies;
  studies.push_back(make_study(arguments, arguments.settings.corpus.dataset, {test}));
  run_studies(arguments, studies, {});
}

}  // namespace notnot
