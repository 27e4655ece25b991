// Runs of a study on a small corpus, from the queue to their folders.
#include "experiments/study/queue.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/io/files.h"
#include "tests/experiments/study/run_specs.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

namespace notnot {
namespace {

/// Texts of two words, of which the second tells the label, in three splits of 16 texts.
std::string corpus(const char* filler) {
  std::string csv = "text,label,split\n";
  for (const char* split : {"train", "dev", "test"}) {
    for (int i = 0; i < 16; ++i)
      csv += fmt::format("{}{} {},{},{}\n", filler, i, i % 2 == 1 ? "good" : "bad", i % 2, split);
  }
  return csv;
}

/// One epoch of a single batch: one step of Adam for every run.
Inputs small_inputs(const TemporaryFolder& folder, const char* filler = "word") {
  write_atomically(folder / "own.csv", corpus(filler));
  Settings settings;
  settings.corpus.dataset = (folder / "own.csv").string();
  settings.runs = (folder / "runs").string();
  settings.device = "cpu";
  settings.threads = 1;
  settings.hidden = 4;
  settings.batch = 64;
  settings.epochs = settings.adversary_epochs = 1;
  return load_inputs(settings);
}

RunSpec with_other(RunKind kind, uint64_t seed, const RunSpec& other, double lambda = 0) {
  return {.kind = kind, .seed = seed, .lambda = lambda, .other = run_name("own", other)};
}

void train_all(const Inputs& inputs, const std::vector<RunSpec>& specs) {
  Jobs jobs;
  for (const RunSpec& spec : specs) jobs.push_back(std::make_unique<Job>(inputs, spec));
  prepare_jobs(jobs, {});
  run_jobs(jobs, {});
  for (const auto& job : jobs) {
    CAPTURE(job->folder.path().string());
    if (job->error) FAIL(reason(job->error));
    CHECK(job->folder.state() == RunState::finished);
  }
}

std::vector<float> trained(const Inputs& inputs, const RunSpec& spec) {
  return load_parameters(ParameterLayout(inputs.model(spec)), inputs.folder(spec).model_path());
}

float largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  float most = 0;
  for (size_t i = 0; i < a.size(); ++i) most = std::max(most, std::fabs(a[i] - b[i]));
  return most;
}

TEST_CASE("every run starts from the parameters of its own seed; an adversary of its base's seed from its base's") {
  const TemporaryFolder folder;
  const Inputs inputs = small_inputs(folder);
  const RunSpec ten = plain(RunKind::base, 10), fifty = plain(RunKind::base, 50);
  const RunSpec same = with_other(RunKind::adversary, 10, ten, 1e-3),
                other = with_other(RunKind::adversary, 50, ten, 1e-3);
  const std::vector<RunSpec> specs = {ten,
                                      fifty,
                                      plain(RunKind::uniform, 10),
                                      plain(RunKind::uniform, 50),
                                      plain(RunKind::trained_mlp, 10),
                                      plain(RunKind::trained_mlp, 50),
                                      plain(RunKind::uniform_mlp, 50),
                                      with_other(RunKind::guided_mlp, 50, fifty),
                                      same,
                                      other};
  train_all(inputs, specs);
  // Adam moves a parameter by at most its learning rate, 0.001, in the one step that there is.
  constexpr float kStep = 0.0011F;
  for (const RunSpec& spec : specs) {
    CAPTURE(run_name("own", spec));
    const ParameterLayout layout(inputs.model(spec));
    const std::vector<float> start = initial_parameters(layout, spec.seed, {});
    CHECK(largest_difference(trained(inputs, spec), start) < kStep);
    CHECK(largest_difference(trained(inputs, spec), start) > 0);
    CHECK(inputs.folder(spec).config()["choices"]["seed"] == spec.seed);
  }
  CHECK(largest_difference(trained(inputs, ten), trained(inputs, fifty)) > 0.1F);
  CHECK(largest_difference(trained(inputs, ten), trained(inputs, same)) < 2 * kStep);
  CHECK(largest_difference(trained(inputs, ten), trained(inputs, other)) > 0.1F);
}

TEST_CASE("a guide is refused if it was written for other texts, even where they are as long") {
  const TemporaryFolder folder;
  const Inputs inputs = small_inputs(folder);
  const RunSpec base = plain(RunKind::base), guided = with_other(RunKind::guided_mlp, 10, base);
  train_all(inputs, {base});
  const auto failure = [&] {
    Jobs jobs;
    jobs.push_back(std::make_unique<Job>(inputs, guided));
    prepare_jobs(jobs, {});
    run_jobs(jobs, {});
    CHECK(jobs[0]->state == JobState::failed);
    return jobs[0]->error ? reason(jobs[0]->error) : "it did not fail";
  };
  for (const SplitName name : kSplitNames) {
    CAPTURE(std::string(to_string(name)));
    const std::string path = inputs.folder(base).attention_path(name).string(), whole = read_file(path);
    Split split = inputs.corpus.dataset.split(name);
    const Attention attention = inputs.folder(base).attention(name);
    std::vector<int64_t> rows = attention.row;
    std::swap(rows[3], rows[5]);
    split.rows = std::move(rows);
    RunWriter(inputs.folder(base)).write_attention(name, split, attention.log_attention, attention.probability);
    CHECK_HAS(failure(), "was written for other texts than this data set's " + std::string(to_string(name)) + " split");
    write_atomically(path, whole);
  }
}

TEST_CASE("the fleet: what the user asks for, or the device's threads, and never more than the jobs that wait") {
  const TemporaryFolder folder;
  Inputs inputs = small_inputs(folder);
  Jobs jobs;
  for (const uint64_t seed : {1, 2, 3}) jobs.push_back(std::make_unique<Job>(inputs, plain(RunKind::base, seed)));
  const auto fleet = [&](int asked) {
    JobOptions options;
    options.fleet = asked;
    return fleet_size(jobs, options);
  };
  CHECK(fleet(2) == 2);
  CHECK(fleet(8) == 3);
  CHECK(fleet(0) == 1);  // one thread
  inputs.settings.threads = 2;
  CHECK(fleet(0) == 2);
  inputs.settings.threads = 5;
  CHECK(fleet(0) == 3);
  jobs[0]->state = JobState::finished;
  CHECK(fleet(8) == 2);
  jobs[1]->state = jobs[2]->state = JobState::finished;
  CHECK(fleet(8) == 1);
}

}  // namespace
}  // namespace notnot
