#include "experiments/report/findings.h"

#include <doctest/doctest.h>

#include "experiments/report/page.h"
#include "tests/experiments/report/small_study.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

TEST_CASE("findings say what the numbers say") {
  const TemporaryFolder folder;
  // The base model is right on all of 40 texts; the others fail on half of the positive ones.
  std::vector<FakeText> right, wrong;
  for (int i = 0; i < 40; ++i) {
    right.push_back({"a b", i % 2, i % 2 == 1 ? 0.9F : 0.1F, {1, 0}});
    wrong.push_back({"a b", i % 2, i % 4 == 1 ? 0.9F : 0.1F, {1, 0}});
  }
  fake_run(folder, spec(RunKind::base), right, 1);
  for (const Finding& finding : findings(only_study(folder))) {
    CHECK(finding.verdict == Verdict::cannot_be_told);
    CHECK_HAS(finding.reason, "`notnot ");
  }
  fake_run(folder, spec(RunKind::uniform), wrong, 0.667);
  CHECK(findings(only_study(folder))[0].verdict == Verdict::agrees);
  fake_run(folder, spec(RunKind::uniform), right, 1);
  CHECK(findings(only_study(folder))[0].verdict == Verdict::cannot_be_told);
  fake_run(folder, spec(RunKind::base), wrong, 0.667);
  CHECK(findings(only_study(folder))[0].verdict == Verdict::disagrees);

  fake_run(folder, spec(RunKind::uniform_mlp), wrong, 0.667);
  fake_run(folder, spec(RunKind::trained_mlp), right, 1);
  fake_run(folder, spec(RunKind::guided_mlp, 10, 0, kBaseName), right, 1);
  CHECK(findings(only_study(folder))[1].verdict == Verdict::cannot_be_told);  // the last two are equal
  fake_run(folder, spec(RunKind::guided_mlp, 10, 0, kBaseName), wrong, 0.667);
  CHECK(findings(only_study(folder))[1].verdict == Verdict::disagrees);

  const std::string adversary = run_name("sst", spec(RunKind::adversary, 10, 1e-3, kBaseName));
  fake_run(folder, spec(RunKind::guided_mlp, 10, 0, adversary), right, 1);
  CHECK(findings(only_study(folder))[2].verdict == Verdict::disagrees);
  for (const RunSpec& each :
       {spec(RunKind::uniform_mlp), spec(RunKind::trained_mlp), spec(RunKind::guided_mlp, 10, 0, kBaseName)}) {
    fake_run(folder, each, right, 1);
  }
  fake_run(folder, spec(RunKind::guided_mlp, 10, 0, adversary), wrong, 0.667);
  CHECK(findings(only_study(folder))[2].verdict == Verdict::agrees);
}

}  // namespace
}  // namespace notnot
