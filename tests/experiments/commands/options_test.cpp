// The options of the commands, through the real parser: each changes its own setting and nothing else.
#include "experiments/commands/options.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/io/checksum.h"
#include "engine/io/files.h"
#include "experiments/commands/study_arguments.h"
#include "experiments/study/inputs.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

namespace notnot {
namespace {

using Json = nlohmann::json;
using Words = std::vector<std::string>;

/// Parses `words` with all options that the commands of the paper's tests have.
StudyArguments parsed(Words words) {
  StudyArguments arguments;
  CLI::App app;
  add_dataset_option(app, arguments.settings);
  add_study_options(app, arguments);
  add_repeats_option(app, arguments);
  add_seeds_option(app, arguments);
  add_adversary_options(app, arguments);
  add_lambdas_option(app, arguments);
  words.insert(words.begin(), {"--dataset", "planted"});
  std::reverse(words.begin(), words.end());
  app.parse(words);
  return arguments;
}

/// The choices that become a run's config.json.
Json choices_of_run(const Words& words, RunKind kind) {
  const RunSpec spec{.kind = kind,
                     .seed = 10,
                     .lambda = kind == RunKind::adversary ? 1e-3 : 0,
                     .other = kind == RunKind::adversary ? "planted-lstm-learned-seed10" : ""};
  return to_json(load_inputs(parsed(words).settings).config(spec)).at("choices");
}

/// The choices that `words` change.
Json changes(const Words& words, RunKind kind) {
  const Json before = choices_of_run({}, kind), after = choices_of_run(words, kind);
  Json result = Json::object();
  for (const auto& [key, value] : after.items()) {
    if (!before.contains(key) || before[key] != value) result[key] = value;
  }
  for (const auto& [key, value] : before.items()) CHECK(after.contains(key));
  return result;
}

TEST_CASE("each option changes exactly its own choices of a run") {
  const TemporaryFolder folder;
  const std::string vectors = (folder / "mine.vec").string();
  write_atomically(vectors, "word1 0.5 -2\npraise0 3 4\n");
  const auto check = [](const Words& words, const Json& of_base, const Json& of_adversary) {
    CAPTURE(words.front());
    CHECK(changes(words, RunKind::base) == of_base);
    CHECK(changes(words, RunKind::adversary) == of_adversary);
  };
  const auto check_both = [&](const Words& words, const Json& of_any) { check(words, of_any, of_any); };
  check_both({"--min-df", "3"}, {{"min_df", 3}});
  check_both({"--min-length", "4", "--max-length", "90"},
             {{"length_filter", true}, {"min_length", 4}, {"max_length", 90}});
  check_both({"--difficulty", "0.75"}, {{"difficulty", 0.75}});
  check_both({"--corpus-seed", "7"}, {{"corpus_seed", 7}});
  check_both({"--evidence", "single"}, Json::object());
  check_both({"--evidence", "negated"}, {{"evidence", "negated"}});
  check_both({"--evidence-weights", "1,2,4"}, {{"evidence_weights", {1, 2, 4}}});
  check_both({"--spurious", "0.5"}, {{"spurious", 0.5}});
  check_both({"--label-noise", "0.1"}, {{"label_noise", 0.1}});
  check_both({"--lengths", "9:200"}, {{"min_words", 9}, {"max_words", 200}});
  check_both({"--hidden", "8"}, {{"hidden", 8}});
  check_both({"--batch", "16"}, {{"batch", 16}});
  check({"--epochs", "3"}, {{"epochs", 3}}, Json::object());
  check({"--adversary-epochs", "5"}, Json::object(), {{"epochs", 5}});
  check({"--select", "dev"}, {{"select", "dev"}}, Json::object());  // an adversary's loss chooses
  check({"--tvd", "two-class"}, Json::object(), {{"tvd_factor", 1.0}});
  check({"--protocol", "careful"}, {{"select", "dev"}}, Json::object());
  check({"--protocol", "careful", "--select", "test"}, Json::object(), Json::object());
  for (const Words& words : {Words{"--threads", "3"},
                             {"--runs", "elsewhere"},
                             {"--fleet", "2"},
                             {"--plan"},
                             {"--device", "cpu"},
                             {"--seeds", "3,4"},
                             {"--repeats", "2"},
                             {"--lambdas", "1,2"}}) {
    check_both(words, Json::object());
  }
  Json of_vectors = changes({"--vectors", vectors}, RunKind::base);
  CHECK(of_vectors["vectors_checksum"] == sha256_of_file(vectors));
  CHECK(of_vectors["embed"] == 2);
}

TEST_CASE("each option of a study sets its own member") {
  const StudyArguments defaults = parsed({});
  CHECK(defaults.study.seed == 10);
  CHECK(defaults.study.repeats == 1);
  CHECK(defaults.study.seeds == StudyOptions().seeds);
  CHECK(defaults.study.lambdas == StudyOptions().lambdas);
  CHECK_FALSE(defaults.study.adversary_seed);
  CHECK(defaults.jobs.fleet == 0);
  CHECK_FALSE(defaults.plan);
  CHECK(defaults.settings.runs == "runs");
  CHECK(defaults.settings.threads == 0);
  CHECK(defaults.settings.device == "auto");

  const StudyArguments all = parsed({"--seed", "3", "--seeds", "4,18446744073709551615", "--repeats", "2", "--lambdas",
                                     "0.5,0,2", "--adversary-seed", "6", "--fleet", "7", "--plan", "--threads", "8",
                                     "--runs", "there", "--device", "cpu"});
  CHECK(all.study.seed == 3);
  CHECK(all.study.seeds == std::vector<uint64_t>{4, 18446744073709551615U});
  CHECK(all.study.repeats == 2);
  CHECK(all.study.lambdas == std::vector<double>{0.5, 0, 2});
  CHECK(all.study.adversary_seed == 6);
  CHECK(all.jobs.fleet == 7);
  CHECK(all.plan);
  CHECK(all.settings.runs == "there");
  CHECK(all.settings.threads == 8);
  CHECK(all.settings.device == "cpu");
}

TEST_CASE("the careful protocol repeats five times unless the user says otherwise") {
  CHECK(parsed({"--protocol", "careful"}).study.repeats == 5);
  CHECK(parsed({"--protocol", "careful", "--repeats", "2"}).study.repeats == 2);
  CHECK(parsed({"--protocol", "paper"}).study.repeats == 1);
  CHECK(parsed({"--protocol", "careful"}).settings.select == "dev");
  CHECK(parsed({"--protocol", "paper"}).settings.select == "test");
}

TEST_CASE("seeds: each once, and as many as the repeats") {
  const auto complaint = [](const Words& words) { return input_error([&] { check_arguments(parsed(words)); }); };
  CHECK_NOTHROW(check_arguments(parsed({"--seeds", "50,257", "--repeats", "3"})));
  CHECK_HAS(complaint({"--seeds", "50,257", "--repeats", "4"}), "--seed and --seeds give 3");
  CHECK_HAS(complaint({"--seeds", "50,50"}), "seed 50 is given twice");
  CHECK_HAS(complaint({"--seed", "50", "--seeds", "257,50"}), "seed 50 is given twice");
  // The paper's other seeds are the default; one of them may be --seed.
  CHECK_NOTHROW(check_arguments(parsed({"--seed", "50"})));
  CHECK(parsed({"--seed", "50"}).study.seeds ==
        std::vector<uint64_t>{257, 500231, 100078, 12504, 90754789, 8988812, 2});
  CHECK(given_twice<int>({3, 1, 2}) == std::nullopt);
  CHECK(given_twice<int>({9, 3, 9, 3}) == 3);
}

}  // namespace
}  // namespace notnot
