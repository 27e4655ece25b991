#include "experiments/study/queue.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/io/files.h"
#include "tests/experiments/study/run_specs.h"
#include "tests/experiments/study/small_jobs.h"
#include "tests/support/input_error.h"
#include "tests/support/run_damage.h"

namespace notnot {
namespace {

const RunSpec kBase = plain(RunKind::base);
const RunSpec kGuided = {.kind = RunKind::guided_mlp, .seed = 10, .lambda = 0, .other = run_name("own", kBase)};

/// Runs them to their end; returns how they ended.
std::vector<JobState> run_all(Jobs& jobs, bool retrain = false) {
  const JobOptions options{.existing = {.resume = true, .retrain = retrain}, .fleet = 1};
  prepare_jobs(jobs, options);
  run_jobs(jobs, options);
  std::vector<JobState> states;
  for (const auto& job : jobs) states.push_back(job->state);
  return states;
}

using States = std::vector<JobState>;
const States kAllFinished = {JobState::finished, JobState::finished};

/// The same texts, one of which has the other label, and one more.
std::string corrected() {
  std::string csv(kSmallCsv);
  csv.replace(csv.find("a bad film,0"), 12, "a bad film,1");
  return csv + "dull,0,train\n";
}

/// Writes the base model's attention on the training split again, as if `change` had been made to the texts.
void change_texts(const Inputs& inputs, void (*change)(Split& texts)) {
  const RunFolder base = inputs.folder(kBase);
  remove_checksums(base);
  const Attention attention = base.attention(SplitName::train);
  Split texts = inputs.corpus.dataset.split(SplitName::train);
  change(texts);
  RunWriter(base).write_attention(SplitName::train, texts, attention.log_attention, attention.probability);
}

}  // namespace

TEST_CASE("a guide that was written for other texts is refused") {
  const TemporaryFolder folder;
  const Inputs inputs = small_inputs(folder);
  Jobs base = jobs_of(inputs, {kBase});
  REQUIRE(run_all(base) == States{JobState::finished});
  void (*change)(Split&) = nullptr;
  SUBCASE("other rows") {
    change = [](Split& texts) { texts.rows = {2, 1}; };
  }
  SUBCASE("other labels") {
    change = [](Split& texts) { texts.labels = {0, 1}; };
  }
  change_texts(inputs, change);
  Jobs guided = jobs_of(inputs, {kGuided});
  CHECK(run_all(guided) == States{JobState::failed});
  CHECK_HAS(reason(guided.front()->error), "was written for other texts than this data set's train split");
}

TEST_CASE("a guide of the same texts is taken; whoever uses it knows its checksum") {
  const TemporaryFolder folder;
  const Inputs inputs = small_inputs(folder);
  Jobs jobs = jobs_of(inputs, {kBase, kGuided});
  CHECK(run_all(jobs) == kAllFinished);
  CHECK(read_run_config(inputs.folder(kGuided)).other_checksum == inputs.folder(kBase).attention_checksum());
}

TEST_CASE("after a correction of the data nothing is touched without --retrain, and all is replaced with it") {
  const TemporaryFolder folder;
  const Inputs before = small_inputs(folder);
  Jobs first = jobs_of(before, {kBase, kGuided});
  REQUIRE(run_all(first) == kAllFinished);
  const std::string attention = before.folder(kBase).attention_checksum();
  const Inputs after = small_inputs(folder, corrected());
  Jobs refused = jobs_of(after, {kBase, kGuided});
  CHECK_HAS(input_error([&] { run_all(refused); }),
            "data_checksum: the bytes of the data have changed (content, packing or line ends)");
  CHECK(before.folder(kBase).attention_checksum() == attention);

  Jobs again = jobs_of(after, {kBase, kGuided});
  prepare_jobs(again, {.existing = {.resume = true, .retrain = true}, .fleet = 1});
  CHECK(again[1]->state == JobState::waiting);
  CHECK(before.folder(kBase).attention_checksum() == attention);  // nothing is replaced yet
  again.clear();
  again = jobs_of(after, {kBase, kGuided});
  CHECK(run_all(again, true) == kAllFinished);
  CHECK(before.folder(kBase).attention_checksum() != attention);
  for (const RunSpec& spec : {kBase, kGuided}) {
    CHECK(read_run_config(after.folder(spec)).data.checksum == after.corpus.checksum);
  }
  CHECK(read_run_config(after.folder(kGuided)).other_checksum == after.folder(kBase).attention_checksum());
  Jobs finished = jobs_of(after, {kBase, kGuided});
  prepare_jobs(finished, {});
  for (const auto& job : finished) CHECK(job->state == JobState::finished);
}

TEST_CASE("a run whose base model is replaced waits for the new one, and stays as it is if that is the same") {
  const TemporaryFolder folder;
  const Inputs inputs = small_inputs(folder);
  Jobs first = jobs_of(inputs, {kBase, kGuided});
  REQUIRE(run_all(first) == kAllFinished);
  write_atomically(inputs.folder(kBase).config_path(), "{");
  const auto written = std::filesystem::last_write_time(inputs.folder(kGuided).result_path());
  Jobs again = jobs_of(inputs, {kBase, kGuided});
  CHECK(run_all(again, true) == kAllFinished);
  CHECK(read_run_config(inputs.folder(kBase)).hidden == 2);
  CHECK(std::filesystem::last_write_time(inputs.folder(kGuided).result_path()) == written);
}

TEST_CASE("a run does not learn from a damaged one; --retrain trains that again, and those that learnt from it stay") {
  const TemporaryFolder folder;
  const Inputs inputs = small_inputs(folder);
  Jobs first = jobs_of(inputs, {kBase, kGuided});
  REQUIRE(run_all(first) == kAllFinished);
  const RunFolder base = inputs.folder(kBase);
  for (const auto& file : {base.model_path(), base.attention_path(SplitName::train)}) {
    flip_a_bit(file);
    Jobs both = jobs_of(inputs, {kBase, kGuided}), guided = jobs_of(inputs, {kGuided});
    for (Jobs* jobs : {&both, &guided}) {
      if (jobs == &guided && file == base.model_path()) continue;  // which it does not read
      CHECK_HAS(input_error([&] { run_all(*jobs); }), file.string() + ": its checksum is not the one in result.json");
    }
    const auto written = std::filesystem::last_write_time(inputs.folder(kGuided).result_path());
    Jobs again = jobs_of(inputs, {kBase, kGuided});
    CHECK(run_all(again, true) == kAllFinished);
    CHECK(base.damage(true).empty());
    CHECK(std::filesystem::last_write_time(inputs.folder(kGuided).result_path()) == written);
  }
}

TEST_CASE("a run does not learn from another one on other data, though that has the right name") {
  const TemporaryFolder folder;
  const Inputs before = small_inputs(folder);
  Jobs base = jobs_of(before, {kBase});
  REQUIRE(run_all(base) == States{JobState::finished});
  // As many texts, of as many words, with the same labels.
  std::string csv(kSmallCsv);
  csv.replace(csv.find("a bad film"), 10, "a sad film");
  const Inputs after = small_inputs(folder, csv);
  Jobs guided = jobs_of(after, {kGuided});
  CHECK(run_all(guided, true) == States{JobState::failed});
  CHECK_HAS(reason(guided.front()->error), "which it needs, is a run with other choices or on other data");
  CHECK_FALSE(std::filesystem::exists(after.folder(kGuided).model_path()));
}

TEST_CASE("a run does not start beside runs on another data set of the same name") {
  const TemporaryFolder folder;
  const Inputs before = small_inputs(folder);
  Jobs first = jobs_of(before, {kBase});
  REQUIRE(run_all(first) == States{JobState::finished});
  const Inputs after = small_inputs(folder, corrected());
  Jobs uniform = jobs_of(after, {plain(RunKind::uniform)});
  const std::string message = input_error([&] { run_all(uniform); });
  CHECK_HAS(message, before.folder(kBase).path().string() + " is a run on another data set of the name own");
  CHECK_HAS(message, "give another --runs folder");
  CHECK_FALSE(std::filesystem::exists(after.folder(plain(RunKind::uniform)).path()));
  Jobs all_the_same = jobs_of(after, {plain(RunKind::uniform)});
  CHECK(run_all(all_the_same, true) == States{JobState::finished});
}

}  // namespace notnot
