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

TEST_CASE("perturbations: each measure in its row, each figure with its own range") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  fake_run(folder, spec(RunKind::base, 2), base_texts(), 0.8);
  // The perturbation of another base model does not count.
  fake_perturbation(folder, spec(RunKind::perturbation, 2, 0, "sst-lstm-learned-seed2"), moved(0, {1, 1, 1, 1}),
                    {0, 0, 0, 0});
  std::vector<FakeText> texts = moved(0, {0, 0, 0.5F, 1});
  texts[0].probability += 0.04F;
  texts[3].probability += 0.08F;
  fake_perturbation(folder, spec(RunKind::perturbation, 10, 0, kBaseName), texts, {0.4F, 0.2F, 0.1F, 0});
  const LoadedStudy study = only_study(folder);
  // By text: JSD ln 2, ln 2, 0.2158, 0; TVD 0.02, 0, 0, 0.04. Texts 0 and 1 are predicted positive.
  CHECK(perturbation_table(study).rows ==
        std::vector<Row>{{"Permutation, |Δp|", "0.175", "0.150", "0.050", "0.300"},
                         {"Per-instance adversary, JSD", "0.401", "0.454", "0.108", "0.693"},
                         {"Per-instance adversary, TVD", "0.015", "0.010", "0.020", "0.010"}});
  const auto adversary = per_instance_violins(study), permutation = permutation_violins(study);
  CHECK(adversary->x_label == "Largest JSD at the same prediction");
  CHECK(adversary->high == std::numbers::ln2);
  CHECK(permutation->x_label == "Median change of the prediction under 100 permutations");
  CHECK(permutation->high == 1);
  const std::vector<double> change = {0.4, 0.2, 0.1, 0};
  for (size_t i = 0; i < 4; ++i) CHECK(permutation->divergence[i] == doctest::Approx(change[i]));
}

}  // namespace
}  // namespace notnot
