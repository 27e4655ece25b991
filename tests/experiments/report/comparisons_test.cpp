#include "experiments/report/comparisons.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "tests/experiments/report/small_study.h"

namespace notnot {
namespace {

/// The texts of base_texts under a model that is right everywhere. Labels: 1, 0, 0, 1; base_texts predicts 1, 1, 0, 0.
std::vector<FakeText> right_texts() {
  std::vector<FakeText> right = base_texts();
  for (FakeText& text : right) text.probability = text.label == 1 ? 0.9F : 0.1F;
  return right;
}

TEST_CASE("a comparison pairs the runs of one seed, and takes the second model from the first") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.80);
  fake_run(folder, spec(RunKind::base, 2), right_texts(), 0.81);
  fake_run(folder, spec(RunKind::base, 50), base_texts(), 0.83);
  fake_run(folder, spec(RunKind::uniform, 50), base_texts(), 0.70);
  fake_run(folder, spec(RunKind::uniform, 7), base_texts(), 0.10);
  fake_run(folder, spec(RunKind::uniform, 2), base_texts(), 0.75);
  const LoadedStudy study = only_study(folder);
  auto groups = attention_groups(study);
  const auto difference = compare(study, groups[0], groups[1]);
  REQUIRE(difference);
  CHECK(difference->name() == "Base minus Uniform");
  REQUIRE(difference->f1.seeds() == 2);  // 2 and 50
  CHECK(difference->f1.by_seed[0] == doctest::Approx(0.06));
  CHECK(difference->f1.by_seed[1] == doctest::Approx(0.13));
  CHECK(difference->roc_auc->by_seed == std::vector<double>{0, 0});
  CHECK(difference->f1.clusters == 4);
  CHECK(compare(study, groups[1], groups[0])->f1.value() == doctest::Approx(-0.095));
  const auto neighbours = compare_neighbours(study, groups);
  REQUIRE(neighbours.size() == 1);
  CHECK(neighbours[0].a == "Uniform");  // the later minus the earlier
  groups[1].runs = {groups[0].runs[1]};
  groups[0].runs = {groups[0].runs[0]};
  CHECK_FALSE(compare(study, groups[0], groups[1]));
}

TEST_CASE("the texts' variance is that of the mean over the seeds, from one resample for all of them") {
  // One model is right everywhere, the other one misses one text of label 1 and one of label 0. With Python:
  //   y = numpy.array([1, 0, 0, 1]); b = numpy.array([1, 1, 0, 0]); f = sklearn.metrics.f1_score
  //   d = [(f(y[i], y[i], zero_division=0) - f(y[i], b[i], zero_division=0)) for i in map(list,
  //        itertools.product(range(4), repeat=4))]; numpy.var(d)
  const double of_one = 0.112562;
  const TemporaryFolder folder;
  for (const uint64_t seed : {10, 2}) {
    fake_run(folder, spec(RunKind::base, seed), right_texts(), 0.8);
    fake_run(folder, spec(RunKind::uniform, seed), base_texts(), 0.7);
  }
  // Two equal seeds are as one: their texts' errors do not cancel. Within four standard errors of 2000 resamples.
  const auto variance = [&] {
    const LoadedStudy study = only_study(folder);
    const auto groups = attention_groups(study);
    return compare(study, groups[0], groups[1])->f1.texts_variance;
  };
  CHECK(variance() == doctest::Approx(of_one).epsilon(0.13));
  // A second seed without a difference halves the mean, on the same texts.
  const double of_both = variance();
  fake_run(folder, spec(RunKind::base, 2), base_texts(), 0.7);
  CHECK(variance() == doctest::Approx(of_both / 4));
}

TEST_CASE("the variances do not depend on the order of the texts in the file") {
  const auto variance = [](const std::vector<size_t>& order) {
    const TemporaryFolder folder;
    const auto ordered = [&](const std::vector<FakeText>& texts) {
      std::vector<FakeText> result;
      for (const size_t i : order) result.push_back(texts[i]);
      return result;
    };
    fake_run(folder, spec(RunKind::base), ordered(base_texts()), 0.8);
    fake_run(folder, spec(RunKind::uniform), ordered(right_texts()), 0.7);
    const LoadedStudy study = only_study(folder);
    const auto groups = attention_groups(study);
    const auto difference = compare(study, groups[0], groups[1]);
    return std::pair(difference->f1.texts_variance, difference->roc_auc->texts_variance);
  };
  CHECK(variance({0, 1, 2, 3}) == variance({3, 1, 0, 2}));
}

TEST_CASE("texts of one patient are drawn together") {
  const TemporaryFolder folder;
  std::vector<FakeText> texts = base_texts();
  for (size_t i = 0; i < texts.size(); ++i) texts[i].group = i < 2 ? 7 : 8;
  fake_run(folder, spec(RunKind::base), texts, 0.8);
  const LoadedStudy study = only_study(folder);
  CHECK(study.clusters() == 2);
  CHECK(study.cluster[0] == study.cluster[1]);
  CHECK(study.cluster[2] == study.cluster[3]);
  // Two patients with the means 0 and 1: variance 1/2 (divided by 2 - 1), over 2. As four texts: 1/3 over 4.
  const UncertainMean grouped = mean_over_seeds(study, {{0, 0, 1, 1}});
  CHECK(grouped.clusters == 2);
  CHECK(grouped.texts_variance == doctest::Approx(0.25).epsilon(0.13));
}

TEST_CASE("means over texts and seeds") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  const LoadedStudy study = only_study(folder);
  const UncertainMean all = mean_over_seeds(study, {{0.1, 0.3, 0.5, 0.5}, {0.3, 0.5, 0.5, 0.5}});
  CHECK(all.by_seed[0] == doctest::Approx(0.35));
  CHECK(all.by_seed[1] == doctest::Approx(0.45));
  // Over the seeds the texts have 0.2, 0.4, 0.5 and 0.5: variance 0.02 (divided by 3), so 0.005 for the mean of 4.
  CHECK(all.texts_variance == doctest::Approx(0.005).epsilon(0.13));
  const std::vector<int32_t> times = {2, 0, 1, 1};
  CHECK(resampled_mean({0.1, 0.3, 0.5, 0.9}, times) == doctest::Approx(0.4));
  CHECK(resampled_mean({0.1, 0.3, 0.5, 0.9}, times, {false, true, true, true}) == doctest::Approx(0.7));
  CHECK(std::isnan(resampled_mean({0.1, 0.3, 0.5, 0.9}, times, {false, true, false, false})));
}

}  // namespace
}  // namespace notnot
