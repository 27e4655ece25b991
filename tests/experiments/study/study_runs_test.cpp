// Runs of a study on a small corpus, from the queue to their folders.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/io/files.h"
#include "tests/experiments/study/run_specs.h"
#include "tests/experiments/study/small_jobs.h"
#include "tests/support/input_error.h"
#include "tests/support/run_damage.h"

namespace notnot {
namespace {

/// Texts of five words, of which the last tells the label, in three splits of 16 texts.
std::string corpus() {
  std::string csv = "text,label,split\n";
  for (const char* split : {"train", "dev", "test"}) {
    for (int i = 0; i < 16; ++i) {
      csv +=
          fmt::format("a{} b{} c{} d{} {},{},{}\n", i, i % 7, i % 5, i % 3, i % 2 == 1 ? "good" : "bad", i % 2, split);
    }
  }
  return csv;
}

/// One epoch of a single batch: one step of Adam for every run.
Inputs one_step_inputs(const TemporaryFolder& folder) {
  write_atomically(folder / "own.csv", corpus());
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
  Jobs jobs = jobs_of(inputs, specs);
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
  const Inputs inputs = one_step_inputs(folder);
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

/// What a finished run left, as bytes.
std::string outputs_of(const Inputs& inputs, const RunSpec& spec) {
  const RunFolder folder = inputs.folder(spec);
  std::string bytes = read_file(folder.model_path()) + read_file(folder.result_path());
  for (const SplitName split : kSplitNames) bytes += read_file(folder.attention_path(split));
  return bytes;
}

TEST_CASE("adversaries side by side train together, whole or not at all") {
  const TemporaryFolder folder;
  const Inputs inputs = one_step_inputs(folder);
  const RunSpec base = plain(RunKind::base);
  const std::vector<RunSpec> group = group_of(member(1, 3, run_name("own", base)));
  std::vector<RunSpec> specs = {base};
  specs.insert(specs.end(), group.begin(), group.end());
  train_all(inputs, specs);
  std::vector<std::string> outputs;
  for (const RunSpec& spec : group) {
    outputs.push_back(outputs_of(inputs, spec));
    const ParameterLayout layout(inputs.model(spec));
    CHECK(largest_difference(trained(inputs, spec), initial_parameters(layout, initial_seed(spec), {})) < 0.0011F);
    CHECK(inputs.folder(spec).config()["choices"]["side_by_side"] == 3);
    CHECK_FALSE(std::filesystem::exists(inputs.folder(spec).checkpoint_path()));
  }
  CHECK(largest_difference(trained(inputs, group[1]), trained(inputs, group[2])) > 0.1F);
  const auto states = [&] {
    Jobs jobs = jobs_of(inputs, specs);
    std::vector<Existing> result;
    for (const auto& job : jobs) {
      result.push_back(existing_run(jobs, *job, {}));
      if (result.back() == Existing::finished) job->state = JobState::finished;
    }
    return result;
  };
  CHECK(states() == std::vector<Existing>(4, Existing::finished));
  SUBCASE("a member that is gone is trained again with the others, to the same bytes") {
    const int32_t gone = 2;
    std::filesystem::remove_all(inputs.folder(group[gone]).path());
    CHECK(states() ==
          std::vector<Existing>{Existing::finished, Existing::nothing, Existing::nothing, Existing::nothing});
    train_all(inputs, specs);
    for (size_t k = 0; k < group.size(); ++k) CHECK(outputs_of(inputs, group[k]) == outputs[k]);
  }
  SUBCASE("a damaged member is an error, and with --retrain all are trained again") {
    write_atomically(inputs.folder(group[1]).model_path(), "damaged");
    CHECK_HAS(input_error([&] {
                Jobs jobs = jobs_of(inputs, specs);
                prepare_jobs(jobs, {});
              }),
              "add --retrain");
    JobOptions options;
    options.existing.retrain = true;
    Jobs jobs = jobs_of(inputs, specs);
    prepare_jobs(jobs, options);
    CHECK(fleet_size(jobs, options) == 1);  // the group counts as one run
    run_jobs(jobs, options);
    for (size_t k = 0; k < group.size(); ++k) CHECK(outputs_of(inputs, group[k]) == outputs[k]);
  }
  SUBCASE("a base model of other attention makes all of them other runs") {
    std::filesystem::remove_all(inputs.folder(base).path());
    CHECK(states() == std::vector<Existing>(4, Existing::nothing));
  }
}

TEST_CASE("a guide is refused if it was written for other texts, even where they are as long") {
  const TemporaryFolder folder;
  const Inputs inputs = one_step_inputs(folder);
  const RunSpec base = plain(RunKind::base), guided = with_other(RunKind::guided_mlp, 10, base);
  train_all(inputs, {base});
  remove_checksums(inputs.folder(base));
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
  Inputs inputs = one_step_inputs(folder);
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

TEST_CASE(
    "a guided model has its guide's attention in every split; a perturbation has its base's model and its own seed") {
  const TemporaryFolder folder;
  const Inputs inputs = one_step_inputs(folder);
  const RunSpec base = plain(RunKind::base, 10), other_base = plain(RunKind::base, 50);
  const RunSpec adversary = with_other(RunKind::adversary, 10, base, 5);
  const RunSpec by_base = with_other(RunKind::guided_mlp, 10, base),
                by_adversary = with_other(RunKind::guided_mlp, 10, adversary),
                ten = with_other(RunKind::perturbation, 10, base), fifty = with_other(RunKind::perturbation, 50, base),
                of_other = with_other(RunKind::perturbation, 50, other_base);
  train_all(inputs, {base, other_base, adversary, by_base, by_adversary, ten, fifty, of_other});
  for (const SplitName name : kSplitNames) {
    const auto attention = [&](const RunSpec& spec) { return inputs.folder(spec).attention(name).log_attention; };
    CHECK(attention(by_base) == attention(base));
    CHECK(attention(by_adversary) == attention(adversary));
    CHECK(attention(base) != attention(adversary));
  }
  for (const auto& [perturbation, attacked] : {std::pair(ten, base), {fifty, base}, {of_other, other_base}}) {
    const Perturbations result = inputs.folder(perturbation).perturbations();
    const std::vector<float> before = inputs.folder(attacked).attention(SplitName::test).probability;
    REQUIRE(result.size() == 16);
    for (int32_t i = 0; i < result.size(); ++i) {
      const double change = std::fabs(static_cast<double>(result.adversary_probability[i]) - before[i]);
      CHECK(std::fabs(result.adversary_tvd[i] - 0.5 * change) < 1e-5);
    }
    const nlohmann::json summary = nlohmann::json::parse(read_file(inputs.folder(perturbation).result_path()));
    const auto mean = [](const std::vector<float>& values) {
      double sum = 0;
      for (const float value : values) sum += value;
      return sum / static_cast<double>(values.size());
    };
    CHECK(summary["permutation_change"] == doctest::Approx(mean(result.permutation_change)));
    CHECK(summary["adversary_jsd"] == doctest::Approx(mean(result.adversary_jsd)));
    CHECK(summary["adversary_tvd"] == doctest::Approx(mean(result.adversary_tvd)));
  }
  CHECK(inputs.folder(ten).perturbations().permutation_change !=
        inputs.folder(fifty).perturbations().permutation_change);
  CHECK(inputs.folder(base).config()["devices"].size() == 1);
  CHECK(inputs.folder(adversary).config()["choices"]["lambda"] == 5);
}

TEST_CASE(
    "attributions look at each kind of model that has an attention of its own, on the splits that were asked for") {
  const TemporaryFolder folder;
  const Inputs inputs = one_step_inputs(folder);
  const RunSpec base = plain(RunKind::base);
  const std::vector<RunSpec> models = {base, plain(RunKind::uniform), plain(RunKind::trained_mlp),
                                       plain(RunKind::uniform_mlp), with_other(RunKind::adversary, 10, base, 5)};
  std::vector<RunSpec> specs = models;
  for (const RunSpec& model : models) {
    specs.push_back(attribution_of("own", model, Measure::attention, {kSplitNames.begin(), kSplitNames.end()}));
  }
  specs.push_back(attribution_of("own", base, Measure::random, {SplitName::test}));
  train_all(inputs, specs);
  for (const RunSpec& model : models) {
    const RunFolder run =
        inputs.folder(attribution_of("own", model, Measure::attention, {kSplitNames.begin(), kSplitNames.end()}));
    CHECK(run.config()["choices"]["other_checksum"] == inputs.folder(model).attention_checksum());
    CHECK(read_run_config(run).training.objective == inputs.training(model).objective);
    CHECK(read_run_config(run).training.epochs == inputs.training(model).epochs);
    for (const SplitName name : kSplitNames) {
      const Attention attention = inputs.folder(model).attention(name);
      const Attributions scores = run.attributions(name);
      CHECK(scores.probability == attention.probability);
      CHECK(scores.row == attention.row);
      double sum = 0;
      for (int64_t n = 1; n + 1 < scores.offsets[1]; ++n) {
        CHECK(scores.score_probability[n] == std::exp(attention.log_attention[n]));
      }
      for (const float score : scores.score_probability) sum += std::isnan(score) ? 0 : score;
      const auto words = static_cast<double>(scores.score_probability.size() - 2 * scores.label.size());
      CHECK(run.attribution_result().splits[name]->mean_absolute_score == doctest::Approx(sum / words));
    }
  }
  const RunFolder random = inputs.folder(attribution_of("own", base, Measure::random, {SplitName::test}));
  CHECK_FALSE(std::filesystem::exists(random.attribution_path(SplitName::train)));
  CHECK(random.attributions(SplitName::test).size() == 16);
}

}  // namespace
}  // namespace notnot
