#include "experiments/study/run_spec.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "tests/experiments/study/run_specs.h"

namespace notnot {
namespace {

TEST_CASE("each spec has a name of its own, and the name gives back the spec") {
  std::set<std::string> names;
  for (const RunSpec& spec : specs()) {
    const std::string name = run_name("sst", spec);
    CAPTURE(name);
    CHECK(names.insert(name).second);
    const std::optional<RunSpec> back = parse_run_name("sst", name);
    REQUIRE(back);
    CHECK(*back == spec);
  }
  CHECK(names.contains("sst-adversary-lambda0.000525-seed10"));
  CHECK(names.contains("sst-adversary-lambda0.000525-seed10-of-lstm-learned-seed50"));
  CHECK(names.contains("sst-adversary-lambda0.000525-seed10-member2of3"));
  CHECK(names.contains("sst-adversary-lambda0.000525-seed10-member2of16-of-lstm-learned-seed50"));
  CHECK(names.contains("sst-tokens-given-seed10-by-lstm-learned-seed10"));
  CHECK(names.contains("sst-tokens-given-seed10-by-external-mine"));
  CHECK(names.contains("sst-attribution-leave-one-out-seed10"));
  CHECK(names.contains("sst-attribution-input-x-gradient-seed10"));
  CHECK(names.contains("sst-attribution-input-x-gradient-held-dev-test-seed10"));
  CHECK(names.contains("sst-attribution-random-train-seed50-of-tokens-uniform-seed50"));
  CHECK(names.contains("sst-attribution-attention-train-dev-test-seed10-of-adversary-lambda0.000525-seed10"));
}

TEST_CASE("a data set's name may look like a part of a run's name") {
  for (const std::string dataset : {"my-lstm-learned", "a-seed10", "x-of-y", "tokens-given-seed1-by-z"}) {
    const RunSpec base = plain(RunKind::base, 5);
    const RunSpec guided{.kind = RunKind::guided_mlp, .seed = 5, .lambda = 0, .other = run_name(dataset, base)};
    CHECK(parse_run_name(dataset, run_name(dataset, base)) == base);
    CHECK(parse_run_name(dataset, run_name(dataset, guided)) == guided);
  }
}

TEST_CASE("the members of a group differ in their number and in their initial seed alone") {
  const std::string base = run_name("sst", plain(RunKind::base));
  const std::vector<RunSpec> group = group_of(member(2, 3, base));
  CHECK(group == std::vector<RunSpec>{member(1, 3, base), member(2, 3, base), member(3, 3, base)});
  CHECK(group_of(plain(RunKind::base)) == std::vector<RunSpec>{plain(RunKind::base)});
  CHECK(initial_seed(group[0]) == 10);  // starts as its base model did
  const std::set<uint64_t> seeds = {initial_seed(group[0]), initial_seed(group[1]), initial_seed(group[2]),
                                    initial_seed(member(2, 3, base, 11))};
  CHECK(seeds.size() == 4);
  CHECK(initial_seed(member(2, 5, base)) == initial_seed(group[1]));
  CHECK(initial_seed(plain(RunKind::base, 7)) == 7);
}

TEST_CASE("two lambdas have two names, and each reads back exactly") {
  const auto adversary = [](double lambda) {
    return RunSpec{
        .kind = RunKind::adversary, .seed = 10, .lambda = lambda, .other = run_name("sst", plain(RunKind::base))};
  };
  const std::vector<std::pair<double, std::string>> names = {{0, "0"},
                                                             {0.001, "0.001"},
                                                             {0.0010000001, "0.0010000001"},
                                                             {0.1 + 0.2, "0.30000000000000004"},
                                                             {1e-5, "1e-05"},
                                                             {0.25, "0.25"},
                                                             {5.25e-4, "0.000525"},
                                                             {1e38, "1e+38"},
                                                             {1.0 / 3, "0.3333333333333333"}};
  for (const auto& entry : names) {
    const std::string name = run_name("sst", adversary(entry.first));
    CHECK(name == "sst-adversary-lambda" + entry.second + "-seed10");
    CHECK(parse_run_name("sst", name) == adversary(entry.first));
  }
}

TEST_CASE("the label of attention from another program stays whole, whatever the data set is called") {
  const RunSpec guided{.kind = RunKind::guided_mlp, .seed = 10, .lambda = 0, .other = "external-mine"};
  CHECK(run_name("external", guided) == "external-tokens-given-seed10-by-external-mine");
  CHECK(parse_run_name("external", run_name("external", guided)) == guided);
}

TEST_CASE("the model that an attribution looks at is part of its choices") {
  for (const RunSpec& spec : specs()) {
    if (!is_attributable(spec.kind)) continue;
    const RunSpec attribution = attribution_of("sst", spec, Measure::gradient_norm_held, {SplitName::dev});
    const nlohmann::json choices = choices_of(attribution);
    CHECK(choices["attribution"] == "gradient-norm-held");
    CHECK(choices["splits"] == nlohmann::json{"dev"});
    CHECK(choices["encoder"] == to_string(encoder_of(spec.kind)));
    CHECK(choices["attention"] == to_string(attention_of(spec.kind)));
    CHECK(choices["seed"] == spec.seed);
    CHECK(choices["other"] == run_name("sst", spec));
    CHECK(spec_of(choices) == attribution);
  }
}

TEST_CASE("other names are no names of runs") {
  for (const char* name : {"",
                           "sst",
                           "sst-",
                           "sst-lstm-learned",
                           "sst-lstm-learned-seed",
                           "sst-lstm-learned-seed10x",
                           "sst-lstm-learned-seed-1",
                           "imdb-lstm-learned-seed10",
                           "sst-adversary-lambda-seed10",
                           "sst-adversary-lambda0.1-seed10-by-x",
                           "sst-tokens-given-seed10",
                           "external-mine",
                           "sst-lstm-learned-seed99999999999999999999",
                           "sst-lstm-learned-seed010",
                           "sst-adversary-lambda1e-3-seed10",
                           "sst-adversary-lambda0.1-seed10-member",
                           "sst-adversary-lambda0.1-seed10-member1of1",
                           "sst-adversary-lambda0.1-seed10-member0of3",
                           "sst-adversary-lambda0.1-seed10-member4of3",
                           "sst-adversary-lambda0.1-seed10-member1of17",
                           "sst-adversary-lambda0.1-seed10-member01of3",
                           "sst-adversary-lambda0.1-seed10-member1of3x",
                           "sst-perturbation-seed10-member1of3",
                           "sst-adversary-lambda0.0010-seed10",
                           "sst-adversary-lambdanan-seed10",
                           "sst-attribution-seed10",
                           "sst-attribution-gradients-seed10",
                           "sst-attribution-random-test-seed10",
                           "sst-attribution-random-dev-train-seed10",
                           "sst-attribution-random-seed10-of-lstm-learned-seed50",
                           "sst-attribution-random-seed10-of-lstm-learned-seed10",
                           "sst-attribution-random-seed10-member1of3",
                           "sst-attribution-random-seed10-of-perturbation-seed10",
                           "sst-attribution-random-seed10-of-external-mine",
                           "sst-attribution-random-seed10-of-tokens-given-seed10-by-lstm-learned-seed10"}) {
    CAPTURE(name);
    CHECK_FALSE(parse_run_name("sst", name));
  }
}

}  // namespace
}  // namespace notnot
