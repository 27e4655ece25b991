#include <doctest/doctest.h>

#include "engine/io/files.h"
#include "tests/experiments/study/run_specs.h"
#include "tests/experiments/study/small_jobs.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

const RunSpec kBase = plain(RunKind::base), kUniform = plain(RunKind::uniform);

RunSpec perturbation_of(const std::string& dataset, const RunSpec& base) {
  return {.kind = RunKind::perturbation, .seed = base.seed, .lambda = 0, .other = run_name(dataset, base)};
}

/// Trains the base model, or goes on with it. Its checkpoint stays.
RunFolder train_base(const Inputs& inputs) {
  Jobs jobs = jobs_of(inputs, {kBase});
  prepare_jobs(jobs, {});
  run_jobs(jobs, {.existing = {}, .keep_checkpoint = true});
  CHECK(jobs[0]->state == JobState::finished);
  return jobs[0]->folder;
}

}  // namespace

TEST_CASE("two runs of one name are refused before anything is written") {
  const TemporaryFolder folder;
  const Inputs one = small_inputs(folder);
  Inputs other = one;
  other.settings.corpus.dataset = "b/own.csv";
  Jobs jobs = jobs_of(one, {kBase});
  jobs.push_back(std::make_unique<Job>(other, kUniform));
  CHECK_NOTHROW(check_names(jobs));
  jobs.push_back(std::make_unique<Job>(other, kBase));
  const std::string message = input_error([&] { prepare_jobs(jobs, {}); });
  for (const char* part : {"own-lstm-learned-seed10 of the data set ", "of the data set b/own.csv",
                           "have the same name", "another name", "--runs"}) {
    CHECK_HAS(message, part);
  }
  CHECK_FALSE(std::filesystem::exists(folder / "runs"));
}

TEST_CASE("a run of one data set that has the name of another data set's run is refused") {
  const TemporaryFolder folder;
  const Inputs one = small_inputs(folder);
  Inputs other = one;
  other.corpus.dataset.name = "own-tokens-given-seed10-by";
  Jobs jobs = jobs_of(one, {{.kind = RunKind::guided_mlp, .seed = 10, .other = run_name("own", kBase)}});
  jobs.push_back(std::make_unique<Job>(other, kBase));
  CHECK_HAS(input_error([&] { check_names(jobs); }), "have the same name");
}

TEST_CASE("two names for one folder are refused, as where the file system takes no notice of case") {
  const TemporaryFolder folder;
  const Inputs inputs = small_inputs(folder);
  Inputs other = inputs;
  other.settings.runs = (folder / "other").string();
  std::filesystem::create_directories(inputs.settings.runs);
  std::filesystem::create_directory_symlink(inputs.settings.runs, other.settings.runs);
  Jobs jobs = jobs_of(inputs, {kBase});
  jobs.push_back(std::make_unique<Job>(other, kBase));
  CHECK_HAS(input_error([&] { prepare_jobs(jobs, {}); }), "are in one folder on this file system");
}

TEST_CASE("a run that another process trains fails alone, and nothing is written into its folder") {
  const TemporaryFolder folder;
  const Inputs inputs = small_inputs(folder);
  Jobs jobs = jobs_of(inputs, {kBase, perturbation_of("own", kBase), kUniform});
  const RunWriter another(jobs[0]->folder);
  prepare_jobs(jobs, {});
  run_jobs(jobs, {});
  CHECK(jobs[0]->state == JobState::failed);
  CHECK_HAS(reason(jobs[0]->error), "another process trains in");
  CHECK(jobs[0]->folder.state() == RunState::absent);
  CHECK_FALSE(jobs[0]->folder.failure());
  CHECK(jobs[1]->state == JobState::failed);
  CHECK_HAS(reason(jobs[1]->error), "which it needs, failed (another process trains in");
  CHECK(jobs[2]->state == JobState::finished);
}

TEST_CASE("a run that another process trains is not one to resume or to replace") {
  const TemporaryFolder folder;
  const Inputs inputs = small_inputs(folder);
  const RunFolder run = train_base(inputs);
  std::filesystem::remove(run.result_path());
  const auto complaint = [&] {
    Jobs jobs = jobs_of(inputs, {kBase});
    return input_error([&] { prepare_jobs(jobs, {.existing = {.resume = false}}); });
  };
  CHECK_HAS(complaint(), "holds an unfinished run");
  {
    const RunWriter another(run);
    CHECK_HAS(complaint(), "another process trains in " + run.path().string() + "; wait for it");
    Jobs jobs = jobs_of(inputs, {kBase});
    const JobOptions options{.existing = {.resume = false, .retrain = true}};
    prepare_jobs(jobs, options);
    run_jobs(jobs, options);
    CHECK_HAS(reason(jobs[0]->error), "another process trains in");
    CHECK(run.state() == RunState::resumable);
  }
  CHECK_HAS(complaint(), "holds an unfinished run");
}

TEST_CASE("locks are taken when a run starts and given back when it ends") {
  const TemporaryFolder folder;
  const Inputs inputs = small_inputs(folder);
  Jobs jobs = jobs_of(inputs, {kBase});
  prepare_jobs(jobs, {});
  CHECK_NOTHROW(RunWriter(jobs[0]->folder));
  run_jobs(jobs, {});
  CHECK(jobs[0]->state == JobState::finished);
  CHECK_NOTHROW(RunWriter(jobs[0]->folder));
}

TEST_CASE("a run that needs one that an earlier command left unfinished or failed says so") {
  const TemporaryFolder folder;
  const Inputs inputs = small_inputs(folder);
  Jobs base = jobs_of(inputs, {kBase});
  prepare_jobs(base, {});
  run_jobs(base, {});
  const RunFolder& run = base[0]->folder;
  REQUIRE(run.state() == RunState::finished);
  std::filesystem::remove(run.result_path());  // its model and its attention are there
  const RunSpec guided{.kind = RunKind::guided_mlp, .seed = 10, .other = run_name("own", kBase)};
  for (const RunSpec& spec : {perturbation_of("own", kBase), guided}) {
    Jobs jobs = jobs_of(inputs, {spec});
    prepare_jobs(jobs, {});
    run_jobs(jobs, {});
    CHECK(jobs[0]->state == JobState::failed);
    CHECK_HAS(reason(jobs[0]->error), "own-lstm-learned-seed10, which it needs, is not finished");
  }
  write_atomically(run.failure_path(), R"({"reason": "the disk is full"})");
  Jobs jobs = jobs_of(inputs, {guided});
  prepare_jobs(jobs, {});
  run_jobs(jobs, {});
  CHECK_HAS(reason(jobs[0]->error), "which it needs, failed (the disk is full)");
  std::filesystem::remove(run.config_path());
  Jobs again = jobs_of(inputs, {guided});
  prepare_jobs(again, {});
  run_jobs(again, {});
  CHECK_HAS(reason(again[0]->error), "which it needs, has lost its config.json");
}

TEST_CASE("a run that goes on elsewhere lists both devices, one that goes on at home lists one") {
  const TemporaryFolder folder;
  const Inputs inputs = small_inputs(folder);
  const RunFolder run = train_base(inputs);
  const std::string here = OpenDevice("cpu", 1).description();
  RunConfig config = read_run_config(run);
  CHECK(config.devices == std::vector{here});
  const auto go_on = [&] {
    std::filesystem::remove(run.result_path());
    train_base(inputs);
    return read_run_config(run).devices;
  };
  CHECK(go_on() == std::vector{here});
  CHECK(read_run_config(run).resumed_by.empty());
  config.devices = {"cuda:0 (another one)"};
  write_atomically(run.config_path(), to_json(config).dump());
  CHECK(go_on() == std::vector<std::string>{"cuda:0 (another one)", here});
  CHECK(devices_in_words(read_run_config(run)) == "cuda:0 (another one), then " + here);
  CHECK(read_run_config(run).version == config.version);
  CHECK(read_run_config(run).resumed_by.empty());
}

TEST_CASE("a run that another version of the program goes on with lists both") {
  const TemporaryFolder folder;
  const Inputs inputs = small_inputs(folder);
  const RunFolder run = train_base(inputs);
  RunConfig config = read_run_config(run);
  config.version = "0.0.1";
  write_atomically(run.config_path(), to_json(config).dump());
  for (int i = 0; i < 2; ++i) {  // the second time it is at home
    std::filesystem::remove(run.result_path());
    train_base(inputs);
    config = read_run_config(run);
    CHECK(config.version == "0.0.1");
    CHECK(config.resumed_by == std::vector{this_program()});
  }
}

TEST_CASE("a finished run whose result is damaged fails, and takes nothing down with it") {
  const TemporaryFolder folder;
  const Inputs inputs = small_inputs(folder);
  const RunSpec guided{.kind = RunKind::guided_mlp, .seed = 10, .other = run_name("own", kBase)};
  Jobs first = jobs_of(inputs, {kBase, guided});
  prepare_jobs(first, {});
  run_jobs(first, {});
  // The guided run waits for its base. That becomes what it was, so the guided run stays, and its result is read.
  std::filesystem::remove(first[0]->folder.result_path());
  write_atomically(first[1]->folder.result_path(), R"({"epoch": 1})");
  Jobs jobs = jobs_of(inputs, {kBase, guided, kUniform});
  prepare_jobs(jobs, {});
  run_jobs(jobs, {});
  CHECK(jobs[1]->state == JobState::failed);
  CHECK_HAS(reason(jobs[1]->error), "result.json");
  CHECK(jobs[0]->state == JobState::finished);
  CHECK(jobs[2]->state == JobState::finished);
}

}  // namespace notnot
