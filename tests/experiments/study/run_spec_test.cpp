#include "experiments/study/run_spec.h"

#include <doctest/doctest.h>

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
  CHECK(names.contains("sst-tokens-given-seed10-by-lstm-learned-seed10"));
  CHECK(names.contains("sst-tokens-given-seed10-by-external-mine"));
}

TEST_CASE("a data set's name may look like a part of a run's name") {
  for (const std::string dataset : {"my-lstm-learned", "a-seed10", "x-of-y", "tokens-given-seed1-by-z"}) {
    const RunSpec base = plain(RunKind::base, 5);
    const RunSpec guided{.kind = RunKind::guided_mlp, .seed = 5, .lambda = 0, .other = run_name(dataset, base)};
    CHECK(parse_run_name(dataset, run_name(dataset, base)) == base);
    CHECK(parse_run_name(dataset, run_name(dataset, guided)) == guided);
  }
}

TEST_CASE("other names are no names of runs") {
  for (const char* name : {"", "sst", "sst-", "sst-lstm-learned", "sst-lstm-learned-seed", "sst-lstm-learned-seed10x",
                           "sst-lstm-learned-seed-1", "imdb-lstm-learned-seed10", "sst-adversary-lambda-seed10",
                           "sst-adversary-lambda0.1-seed10-by-x", "sst-tokens-given-seed10", "external-mine",
                           "sst-lstm-learned-seed99999999999999999999"}) {
    CAPTURE(name);
    CHECK_FALSE(parse_run_name("sst", name));
  }
}

}  // namespace
}  // namespace notnot
