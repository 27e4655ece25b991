#include <doctest/doctest.h>

#include "experiments/report/perturbation.h"
#include "tests/experiments/report/small_study.h"

namespace notnot {
namespace {

using Row = std::vector<std::string>;

TEST_CASE("Figure 3 e and f: the per-instance adversary and permuted attention, by text and by class") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  CHECK_FALSE(per_instance_violins(only_study(folder)));
  CHECK_FALSE(permutation_violins(only_study(folder)));
  fake_perturbation(folder, spec(RunKind::perturbation, 10, 0, kBaseName), moved(0.02F, {0, 0, 0, 1}),
                    {0.4F, 0.2F, 0.1F, 0});
  const LoadedStudy study = only_study(folder);
  CHECK(per_instance_violins(study)->divergence == std::vector<double>{kFar, kFar, kFar, 0});
  CHECK(permutation_violins(study)->divergence[0] == doctest::Approx(0.4));
  CHECK(perturbation_table(study).rows[0] == Row{"Permutation, |Δp|", "0.175", "0.150", "0.050", "0.300"});
}

}  // namespace
}  // namespace notnot
