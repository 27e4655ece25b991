// `notnot uniform`, `seeds`, `guides`, `adversary`, `diagnose`: one test of the paper each; `notnot paper`: all of them
// and the report.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <list>
#include <map>

#include "engine/io/checksum.h"
#include "engine/io/input_error.h"
#include "engine/runs/external_attention.h"
#include "experiments/commands/commands.h"
#include "experiments/commands/seed_option.h"
#include "experiments/report/report.h"
#include "experiments/study/estimate.h"
#include "experiments/study/plan.h"
#include "experiments/study/queue.h"
#include "experiments/terminal/interrupt.h"

namespace notnot {
namespace {

struct StudyArguments {
  SetupArguments setup;
  StudyOptions study;
  std::vector<std::string> datasets;
  std::vector<std::string> tests;  ///< paper; empty: what the paper did with the data set
  std::string protocol = "paper";
  std::filesystem::path out = "report";
  std::filesystem::path attention;  ///< diagnose
  std::string importance = "weights";
  JobOptions jobs;
  bool plan = false;
};

/// A data set, its tests and what is planned for them so far.
struct Study {
  Setup setup;
  std::set<PaperTest> tests;
  std::vector<RunSpec> runs;
};
/// A list: jobs point to the setups.
using Studies = std::list<Study>;

// --- the plan

const std::map<std::string, PaperTest> kTests = {{"uniform", PaperTest::uniform},
                                                 {"seeds", PaperTest::seeds},
                                                 {"guides", PaperTest::guides},
                                                 {"adversary", PaperTest::adversary}};

/// The paper drops the two news sets after the first test (section 3.2).
std::set<PaperTest> tests_of_paper(const std::string& dataset) {
  if (dataset == "agnews" || dataset == "20news") return {PaperTest::uniform};
  return {PaperTest::uniform, PaperTest::seeds, PaperTest::guides, PaperTest::adversary};
}

void add_jobs(const Study& study, const std::vector<RunSpec>& specs, Jobs& jobs) {
  for (const RunSpec& spec : specs) jobs.push_back(std::make_unique<Job>(study.setup, spec));
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

/// What is planned for one data set: a line per run, and the sums of what is left.
void print_plan(const Study& study, int fleet) {
  Estimator estimator(study.setup, std::max(1, study.setup.threads() / fleet));
  double seconds = 0, longest = 0;
  int64_t most = 0;
  size_t left = 0;
  fmt::print("{:<60} {:>8} {:>9} {:>9}  state\n", "run", "epochs", "time", "memory");
  for (const RunSpec& spec : study.runs) {
    const std::string name = run_name(study.setup.name(), spec);
    const RunState state = RunFolder(study.setup.arguments.runs, name).state();
    const Estimate cost = estimator.estimate(spec);
    const int64_t bytes = cost.device_bytes + cost.host_bytes;
    const std::string epochs =
        spec.kind == RunKind::perturbation ? "-" : fmt::format("{}", study.setup.training(spec).epochs);
    fmt::print("{:<60} {:>8} {:>9} {:>5} MiB  {}\n", name, epochs, time_text(cost.seconds), bytes >> 20,
               state_text(state));
    if (state == RunState::finished) continue;
    ++left;
    seconds += cost.seconds;
    longest = std::max(longest, cost.seconds);
    most = std::max(most, bytes);
  }
  fmt::print(
      "{}: {} of {} runs left, at most {} with {} at once (adversaries stop {} epochs after their best), up to {} MiB "
      "beside the data\n\n",
      study.setup.name(), left, study.runs.size(), time_text(std::max(longest, seconds / fleet)), fleet,
      study.setup.arguments.patience, (most * std::min<int64_t>(fleet, static_cast<int64_t>(left))) >> 20);
}

// --- the runs

/// Runs `jobs`; returns how many failed.
size_t run(Jobs& jobs, const JobOptions& options) {
  prepare_jobs(jobs, options);
  run_jobs(jobs, options);
  if (interrupted()) throw Interrupted("stopped; the same command goes on where this one stopped");
  return static_cast<size_t>(
      std::count_if(jobs.begin(), jobs.end(), [](const auto& job) { return job->state == JobState::failed; }));
}

void announce(const Study& study, const StudyOptions& options, const std::vector<RunSpec>& following) {
  const GridState state = grid_state(study.setup, options, study.runs);
  if (state.best) {
    fmt::print("{}: lambda {:g} has the best F1 with JSD above {}; its adversaries of the other seeds follow\n",
               study.setup.name(), *state.best, kFarAttention);
  } else {
    fmt::print(
        "{}: no lambda up to {:g} moves the attention beyond JSD {} (the largest is {:.3f}); {:g} and {:g} follow\n",
        study.setup.name(), state.largest_lambda, kFarAttention, state.largest_jsd, following.front().lambda,
        following.back().lambda);
  }
}

/// All runs of all studies, round by round: what follows is known when a round has ended. Returns how many failed.
size_t run_studies(Studies& studies, const StudyArguments& arguments) {
  Jobs jobs;
  for (const Study& study : studies) add_jobs(study, study.runs, jobs);
  size_t failed = 0;
  while (!jobs.empty()) {
    failed += run(jobs, arguments.jobs);
    jobs.clear();
    for (Study& study : studies) {
      const std::vector<RunSpec> following = following_runs(study.setup, arguments.study, study.tests, study.runs);
      if (following.empty()) continue;
      announce(study, arguments.study, following);
      add_jobs(study, following, jobs);
      study.runs.insert(study.runs.end(), following.begin(), following.end());
    }
  }
  return failed;
}

/// What can be reported: the folders of the studies' runs, or nothing when none is finished. A run that failed before
/// its config.json was written has none.
std::vector<std::filesystem::path> folders_of(const Studies& studies) {
  std::vector<std::filesystem::path> folders;
  bool any_finished = false;
  for (const Study& study : studies) {
    for (const RunSpec& spec : study.runs) {
      const RunFolder folder(study.setup.arguments.runs, run_name(study.setup.name(), spec));
      if (folder.state() != RunState::absent) folders.push_back(folder.path());
      any_finished = any_finished || folder.state() == RunState::finished;
    }
  }
  return any_finished ? folders : std::vector<std::filesystem::path>();
}

/// Prints the summary of what is finished, and writes the report where `out` is given.
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

// --- the commands

void check_study(const StudyArguments& arguments) {
  std::vector<uint64_t> seeds = arguments.study.seeds;
  seeds.push_back(arguments.study.seed);
  if (const auto twice = given_twice(std::move(seeds))) {
    throw InputError(fmt::format("seed {} is given twice, in --seed and --seeds; give every seed once", *twice));
  }
  if (arguments.study.repeats > static_cast<int32_t>(arguments.study.seeds.size()) + 1) {
    throw InputError(fmt::format("--repeats {} needs as many seeds, but --seed and --seeds give {}",
                                 arguments.study.repeats, arguments.study.seeds.size() + 1));
  }
}

/// The study of one data set; `setup.corpus.dataset` names it.
Study make_study(const StudyArguments& arguments, const std::string& dataset, const std::set<PaperTest>& tests) {
  SetupArguments setup = arguments.setup;
  setup.corpus.dataset = dataset;
  Study study{.setup = make_setup(setup), .tests = tests, .runs = {}};
  if (tests.empty()) study.tests = tests_of_paper(study.setup.name());
  return study;
}

void run_command(const StudyArguments& arguments, Studies& studies, const std::filesystem::path& out) {
  for (Study& study : studies) {
    describe(study.setup);
    study.runs = planned_runs(study.setup, arguments.study, study.tests);
  }
  if (arguments.plan) {
    for (const Study& study : studies) {
      Jobs jobs;
      add_jobs(study, study.runs, jobs);
      print_plan(study, fleet_size(jobs, arguments.jobs));
    }
    return;
  }
  const size_t failed = run_studies(studies, arguments);
  report_studies(studies, out);
  if (failed > 0) throw Error(fmt::format("{} runs failed; the same command tries them again", failed));
}

void test_command(const StudyArguments& arguments, PaperTest test) {
  check_study(arguments);
  Studies studies;
  studies.push_back(make_study(arguments, arguments.setup.corpus.dataset, {test}));
  run_command(arguments, studies, {});
}

std::string checksum_of(const std::filesystem::path& attention) {
  return std::filesystem::is_directory(attention) ? RunFolder(attention).attention_checksum()
                                                  : sha256_of_file(attention);
}

ExternalGuide load_guide(const StudyArguments& arguments, const Dataset& dataset) {
  const auto importance = std::find_if(kImportances.begin(), kImportances.end(),
                                       [&](Importance known) { return to_string(known) == arguments.importance; });
  LogAttention read = read_external_attention(arguments.attention, dataset, *importance);
  const std::filesystem::path file = std::filesystem::weakly_canonical(arguments.attention);
  const std::string suffix = arguments.importance == "weights" ? "" : "-" + arguments.importance;
  ExternalGuide guide{
      .label = "external-" + file.stem().string() + suffix, .file = file, .checksum = checksum_of(file), .targets = {}};
  for (const SplitName split : kSplitNames) guide.targets[split].log_attention = std::move(read[split]);
  return guide;
}

void diagnose_command(const StudyArguments& arguments) {
  check_study(arguments);
  Studies studies;
  studies.push_back(make_study(arguments, arguments.setup.corpus.dataset, {PaperTest::diagnose}));
  Setup& setup = studies.front().setup;
  setup.guide = load_guide(arguments, setup.corpus.dataset);
  run_command(arguments, studies, {});
}

void paper_command(const StudyArguments& arguments) {
  check_study(arguments);
  std::set<PaperTest> tests;
  for (const std::string& name : arguments.tests) tests.insert(kTests.at(name));
  Studies studies;
  for (const std::string& dataset : arguments.datasets) studies.push_back(make_study(arguments, dataset, tests));
  run_command(arguments, studies, arguments.out);
}

// --- their options

void add_study_options(CLI::App& command, StudyArguments& a) {
  add_data_options(command, a.setup);
  add_training_options(command, a.setup);
  command.add_option("--seed", a.study.seed, "Seed of the base model and of what is compared with it")
      ->check(valid_seed())
      ->capture_default_str();
  command.add_option("--fleet", a.jobs.fleet, "Models that train at once (default: one per CPU thread; 16 on CUDA)")
      ->check(CLI::Range(1, 1024));
  command.add_flag("--plan", a.plan, "Print the runs, their time and memory, and stop");
  const CLI::Option* select = command.get_option("--select");
  command
      .add_option("--protocol", a.protocol,
                  "paper: the published choices; careful: --select dev, and --repeats 5 where it applies")
      ->check(CLI::IsMember({"paper", "careful"}))
      ->capture_default_str();
  command.parse_complete_callback([&a, &command, select] {
    if (a.protocol != "careful") return;
    if (select->empty()) a.setup.select = "dev";
    const CLI::Option* repeats = command.get_option_no_throw("--repeats");
    if (repeats != nullptr && repeats->empty()) a.study.repeats = 5;
  });
}

void add_repeats_option(CLI::App& command, StudyArguments& a) {
  command
      .add_option("--repeats", a.study.repeats,
                  "Seeds per cell of the tables: --seed and the first of --seeds; 5 for mean and standard deviation")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
}

void add_seeds_option(CLI::App& command, StudyArguments& a) {
  command.add_option("--seeds", a.study.seeds, "The other seeds, with commas")
      ->delimiter(',')
      ->check(valid_seed())
      ->capture_default_str();
}

void add_adversary_options(CLI::App& command, StudyArguments& a) {
  command.add_option("--tvd", a.setup.tvd, "single: 0.5 |p - p'| of the one output, as released; two-class: |p - p'|")
      ->check(CLI::IsMember({"single", "two-class"}))
      ->capture_default_str();
  command
      .add_option("--adversary-seed", a.study.adversary_seed,
                  "Seed of the adversaries (default: the base model's own, so that they start where it started)")
      ->check(valid_seed());
  command.add_option("--adversary-epochs", a.setup.adversary_epochs, "Epochs that an adversary trains at most")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
}

void add_lambdas_option(CLI::App& command, StudyArguments& a) {
  const CLI::Validator finite(
      [](const std::string& text) {
        double value = -1;
        const bool number = CLI::detail::lexical_cast(text, value);
        return number && std::isfinite(value) && value >= 0 ? std::string() : text + " is not a number of at least 0";
      },
      "");
  command
      .add_option("--lambdas", a.study.lambdas,
                  "Weights of the divergence from the base model's attention, with commas; larger ones follow where "
                  "none is large enough")
      ->delimiter(',')
      ->check(finite)
      ->capture_default_str();
}

struct TestCommand {
  const char *name, *help;
  PaperTest test;
};

void add_test_command(CLI::App& app, const TestCommand& description) {
  auto arguments = std::make_shared<StudyArguments>();
  CLI::App* command = app.add_subcommand(description.name, description.help);
  add_dataset_option(*command, arguments->setup);
  add_study_options(*command, *arguments);
  add_seeds_option(*command, *arguments);
  if (description.test != PaperTest::seeds) add_repeats_option(*command, *arguments);
  if (description.test == PaperTest::guides || description.test == PaperTest::adversary) {
    add_adversary_options(*command, *arguments);
  }
  if (description.test == PaperTest::adversary) add_lambdas_option(*command, *arguments);
  command->callback([arguments, test = description.test] { test_command(*arguments, test); });
}

void add_diagnose_command(CLI::App& app) {
  auto arguments = std::make_shared<StudyArguments>();
  CLI::App* command = app.add_subcommand(
      "diagnose", "Test 3 for attention from elsewhere: does it help an MLP as a base model's does? (Table 3)");
  add_dataset_option(*command, arguments->setup);
  command
      ->add_option(
          "--attention", arguments->attention,
          "Weights per word of every text: JSON lines (see notnot data --tokens), safetensors, or a run folder")
      ->required();
  command->add_option("--importance", arguments->importance, "What the numbers are, before each text's sum to 1")
      ->check(CLI::IsMember({"weights", "absolute", "positive", "softmax"}))
      ->capture_default_str();
  add_study_options(*command, *arguments);
  add_seeds_option(*command, *arguments);
  add_repeats_option(*command, *arguments);
  command->callback([arguments] { diagnose_command(*arguments); });
}

void add_paper_command(CLI::App& app) {
  auto arguments = std::make_shared<StudyArguments>();
  CLI::App* paper = app.add_subcommand("paper", "All four tests on several data sets, and the report");
  paper->add_option("--datasets", arguments->datasets, "Data sets as --dataset of the other commands, with commas")
      ->delimiter(',')
      ->required();
  paper
      ->add_option("--tests", arguments->tests,
                   "Of uniform, seeds, guides, adversary, with commas (default: all; on agnews and 20news uniform "
                   "alone, as in the paper)")
      ->delimiter(',')
      ->check(CLI::IsMember({"uniform", "seeds", "guides", "adversary"}));
  add_study_options(*paper, *arguments);
  add_seeds_option(*paper, *arguments);
  add_repeats_option(*paper, *arguments);
  add_adversary_options(*paper, *arguments);
  add_lambdas_option(*paper, *arguments);
  paper->add_option("--out", arguments->out, "Folder for the report")->capture_default_str();
  paper->callback([arguments] { paper_command(*arguments); });
}

}  // namespace

void add_study_commands(CLI::App& app) {
  add_test_command(
      app, {"uniform", "Test 1: is attention needed at all? Base against uniform (Table 2)", PaperTest::uniform});
  add_test_command(app, {"seeds", "Test 2: how far do seeds move the attention? (Figure 3)", PaperTest::seeds});
  add_test_command(app, {"guides", "Test 3: does the attention help an MLP? (Table 3)", PaperTest::guides});
  add_test_command(
      app, {"adversary", "Test 4: same predictions, other attention? (Table 4, Figure 5)", PaperTest::adversary});
  add_diagnose_command(app);
  add_paper_command(app);
}

}  // namespace notnot
