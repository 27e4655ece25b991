#include "experiments/commands/run_study.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "experiments/report/page.h"
#include "experiments/report/summary.h"
#include "experiments/study/estimate.h"
#include "experiments/terminal/interrupt.h"

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

std::string_view state_text(RunState state) {
  switch (state) {
    case RunState::finished:
      return "finished";
    case RunState::resumable:
      return "goes on";
    default:
      return "to do";
  }
}

/// Prints the plan for one data set: a line per run, then the sums over the runs that are not finished.
void print_plan(const Study& study, int fleet) {
  Estimator estimator(study.inputs, std::max(1, study.inputs.threads() / fleet));
  std::vector<RunCost> left;
  fmt::print("{:<60} {:>8} {:>9} {:>9}  state\n", "run", "epochs", "time", "memory");
  for (const RunSpec& spec : study.runs) {
    const std::string name = run_name(study.inputs.name(), spec);
    const RunState state = study.inputs.folder(spec).state();
    const Estimate cost = estimator.estimate(spec);
    const int64_t bytes = cost.device_bytes + cost.host_bytes;
    const std::string epochs =
        spec.kind == RunKind::perturbation ? "-" : fmt::format("{}", study.inputs.training(spec).epochs);
    fmt::print("{:<60} {:>8} {:>9} {:>5} MiB  {}\n", name, epochs, time_text(cost.seconds), bytes >> 20,
               state_text(state));
    if (state != RunState::finished) left.push_back({cost.seconds, bytes});
  }
  const RunCost together = cost_of_fleet(left, fleet);
  fmt::print(
      "{}: {} of {} runs left, at most {} with {} at once (adversaries stop {} epochs after their best), up to {} MiB "
      "beside the data\n\n",
      study.inputs.name(), left.size(), study.runs.size(), time_text(together.seconds), fleet,
      study.inputs.settings.patience, together.bytes >> 20);
}

// --- the runs --------------------------------------------------------------------------------------------------------

/// Runs `jobs`; returns how many failed.
size_t run(Jobs& jobs, const JobOptions& options) {
  prepare_jobs(jobs, options);
  run_jobs(jobs, options);
  if (interrupted()) throw Interrupted("stopped; the same command goes on where this one stopped");
  return std::count_if(jobs.begin(), jobs.end(), [](const auto& job) { return job->state == JobState::failed; });
}

void announce(const Study& study, const StudyOptions& options, const std::vector<RunSpec>& following) {
  const GridState state = grid_state(study.inputs, options, study.runs);
  if (state.best) {
    fmt::print("{}: lambda {:g} has the best F1 with JSD above {}; its adversaries of the other seeds follow\n",
               study.inputs.name(), *state.best, kFarAttention);
  } else {
    fmt::print(
        "{}: no lambda up to {:g} moves the attention beyond JSD {} (the largest is {:.3f}); {:g} and {:g} follow\n",
        study.inputs.name(), state.largest_lambda, kFarAttention, state.largest_jsd, following.front().lambda,
        following.back().lambda);
  }
}

/// Runs all studies, round by round: the results of a round decide which runs follow. Returns how many runs failed.
size_t run_rounds(Studies& studies, const StudyArguments& arguments) {
  Jobs jobs;
  for (const Study& study : studies) add_jobs(study, study.runs, jobs);
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
  }
  return failed;
}

/// The folders of the runs that a report can show; empty when no run is finished. A run that failed before its
/// config.json was written has no such folder.
std::vector<std::filesystem::path> folders_of(const Studies& studies) {
  std::vector<std::filesystem::path> folders;
  bool any_finished = false;
  for (const Study& study : studies) {
    for (const RunSpec& spec : study.runs) {
      const RunFolder folder = study.inputs.folder(spec);
      if (folder.state() != RunState::absent) folders.push_back(folder.path());
      any_finished = any_finished || folder.state() == RunState::finished;
    }
  }
  return any_finished ? folders : std::vector<std::filesystem::path>();
}

/// Prints a summary of the finished runs. If `out` is not empty, writes the report there.
void report_studies(const Studies& studies, const std::filesystem::path& out) {
  const std::vector<std::filesystem::path> folders = folders_of(studies);
  if (folders.empty()) return;
  const std::vector<LoadedStudy> reported = load_studies(folders);
  for (const LoadedStudy& study : reported) {
    if (reported.size() > 1) fmt::print("{}\n", study.title());
    fmt::print("{}\n", summary_table(study));
  }
  if (!out.empty()) fmt::print("The report: {}\n", write_report(reported, out).string());
}

}  // namespace

Study make_study(const StudyArguments& arguments, const std::string& dataset, const std::set<PaperTest>& tests) {
  Settings settings = arguments.settings;
  settings.corpus.dataset = dataset;
  return {.inputs = load_inputs(settings), .tests = tests, .runs = {}};
}

void run_studies(const StudyArguments& arguments, Studies& studies, const std::filesystem::path& out) {
  for (Study& study : studies) {
    describe(study.inputs);
    study.runs = planned_runs(study.inputs, arguments.study, study.tests);
  }
  if (arguments.plan) {
    for (const Study& study : studies) {
      Jobs jobs;
      add_jobs(study, study.runs, jobs);
      print_plan(study, fleet_size(jobs, arguments.jobs));
    }
    return;
  }
  const size_t failed = run_rounds(studies, arguments);
  report_studies(studies, out);
  if (failed > 0) throw Error(fmt::format("{} runs failed; the same command tries them again", failed));
}

void run_test(const StudyArguments& arguments, PaperTest test) {
  check_arguments(arguments);
  Studies studies;
  studies.push_back(make_study(arguments, arguments.settings.corpus.dataset, {test}));
  run_studies(arguments, studies, {});
}

}  // namespace notnot
