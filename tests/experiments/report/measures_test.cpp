#include "experiments/report/measures.h"

#include <doctest/doctest.h>

#include "tests/experiments/report/small_study.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

TEST_CASE("a part of the paper's training texts is said at each number") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8, {{"dataset", "agnews"}});
  CHECK_HAS(conditions(only_study(folder)),
            "Data: agnews, not the paper's test split, PARTIAL: 7,176 training and development texts where the paper's "
            "Table 1 has 60,000. Start:");
}

/// A study of one run in memory, with these texts.
LoadedStudy study_of(const std::string& dataset, const BySplit<SplitSizes>& texts) {
  LoadedRun run;
  run.config.data.dataset = dataset;
  run.config.data.corpus = dataset;
  run.config.texts = texts;
  run.config.embed = 300;
  run.result.selected_on = "test";
  LoadedStudy study;
  study.dataset = dataset;
  study.runs.push_back(std::move(run));
  return study;
}

TEST_CASE("PARTIAL is said of fewer than four fifths of the training and development texts of Table 1") {
  const auto words = [](int64_t a, int64_t b, int64_t c, int64_t d) {
    return data_in_words(study_of("agnews", {{a, b, 9}, {c, d, 9}, {1900, 1900, 9}}));
  };
  const std::string whole = "agnews, as many test texts of each class as in the paper";
  CHECK(words(30000, 30000, 0, 0) == whole);
  CHECK(words(20000, 20000, 4000, 4000) == whole);  // 48,000 of 60,000
  const std::string partial =
      whole + ", PARTIAL: 47,999 training and development texts where the paper's Table 1 has 60,000";
  CHECK(words(19999, 20000, 4000, 4000) == partial);
  CHECK(words(20000, 19999, 4000, 4000) == partial);
  CHECK(words(20000, 20000, 3999, 4000) == partial);
  CHECK(words(20000, 20000, 4000, 3999) == partial);
  // The length filter leaves 21,497 of IMDb's 25,000 texts: less than 90 %, and still the paper's data.
  CHECK(data_in_words(study_of("imdb", {{8667, 8533, 9}, {2153, 2144, 9}, {2184, 2172, 9}})) ==
        "imdb, as many test texts of each class as in the paper");
}

TEST_CASE("the paper's test split is recognised by its classes, not by its size") {
  const auto is_papers = [](int64_t negative, int64_t positive) {
    const LoadedStudy study = study_of("sst", {{3034, 3321, 9}, {397, 424, 9}, {negative, positive, 9}});
    CHECK(
        (data_in_words(study) == (is_papers_test_split(study) ? "sst, as many test texts of each class as in the paper"
                                                              : "sst, not the paper's test split")));
    return is_papers_test_split(study);
  };
  CHECK(is_papers(863, 862));
  CHECK_FALSE(is_papers(862, 863));
  CHECK_FALSE(is_papers(864, 861));
  CHECK_FALSE(is_papers(863, 861));
  CHECK_FALSE(is_papers(862, 862));
  CHECK(is_papers_test_split(study_of("own", {})));
}

TEST_CASE("the data of made-up texts are never called the paper's") {
  LoadedStudy study = study_of("sst", {{3034, 3321, 9}, {397, 424, 9}, {863, 862, 9}});
  study.runs[0].config.data.synthetic = true;
  CHECK(data_in_words(study) == "SYNTHETIC texts in place of the real ones");
  study = study_of("planted", {});
  CHECK(data_in_words(study) == "the built-in planted corpus");
  study.runs[0].config.data.corpus = "csv";
  CHECK(data_in_words(study) == "planted");  // a user's file of that name
}

TEST_CASE("where the numbers come from: the start, and what chose the epoch, of every run once") {
  LoadedStudy study = study_of("own", {});
  CHECK(conditions(study) ==
        "Data: own. Start: random word vectors, 300 wide. Epoch chosen by the test split's ROC-AUC (as published; this "
        "leaks).");
  LoadedRun other = study.runs[0];
  other.config.paths.vectors = "some/wiki.vec";
  other.config.embed = 100;
  other.config.words_with_vectors = 11171;
  other.config.vocabulary = 13826;
  other.result.selected_on = "dev";
  study.runs.push_back(other);
  study.runs.push_back(other);
  CHECK(conditions(study) ==
        "Data: own. Start: random word vectors, 300 wide; word vectors wiki.vec, 100 wide, for 11,171 of 13,826 words. "
        "Epoch chosen by the test split's ROC-AUC (as published; this leaks); the dev split's ROC-AUC.");
  study.runs = {other};
  study.runs[0].config.paths.init = "other/start.safetensors";
  study.runs[0].config.spec.kind = RunKind::adversary;
  CHECK(conditions(study) == "Data: own. Start: parameters from start.safetensors.");
}

TEST_CASE("the distance of predictions in words") {
  LoadedStudy study;
  study.tvd_factor = 0.5;
  CHECK(tvd_note(study) == "TVD: total variation distance of the predictions, 0.5 |Δp| as in the published numbers. ");
  study.tvd_factor = 1;
  CHECK(tvd_note(study) == "TVD: total variation distance of the predictions, |Δp|. ");
}

LoadedRun measured(uint64_t seed, const Classification& test) {
  LoadedRun run;
  run.config.spec.seed = seed;
  run.result.split.test = test;
  return run;
}

TEST_CASE("rows of F1: the first run, the mean over the seeds, and ours minus the paper's") {
  using Row = std::vector<std::string>;
  const LoadedRun ten = measured(10, {0.8, 0.7, 0.9, 0.6}), two = measured(2, {0.9, 0.72, 0.94, 0.5}),
                  undefined = measured(3, {0.85, 0.71, kNoNumber, 0.4});
  ModelGroup group{.name = "Base", .runs = {&ten}, .paper_f1 = 0.831};
  CHECK(f1_rows(group, {}, true) == std::vector<Row>{{"Base", "10", "0.800", "0.831", "-0.031", "0.900", "0.700"}});
  CHECK(f1_rows(group, {}, false) == std::vector<Row>{{"Base", "10", "0.800", "0.900", "0.700"}});
  CHECK(seeds_note({group}).empty());
  group.runs.push_back(&two);
  CHECK(f1_rows(group, {}, true)[1] ==
        Row{"Base", "mean of 2", "0.850 ± 0.071", "0.831", "+0.019", "0.920 ± 0.028", "0.710 ± 0.014"});
  CHECK(f1_rows(group, {}, false)[1] == Row{"Base", "mean of 2", "0.850 ± 0.071", "0.920 ± 0.028", "0.710 ± 0.014"});
  ModelGroup other = group;
  other.name = "Uniform";
  CHECK(seeds_note({group, {.name = "Alone", .runs = {&ten}}, other}) ==
        " Means over the seeds with the sample's standard deviation. Base: seeds 10 and 2. Uniform: seeds 10 and 2.");
  group.runs.push_back(&undefined);
  group.paper_f1 = kNoNumber;
  CHECK(f1_rows(group, {}, true)[1] == Row{"Base", "mean of 3", "0.850 ± 0.050", "-", "-", "-", "0.710 ± 0.010"});
}

TEST_CASE("the table of differences, cell by cell") {
  using Row = std::vector<std::string>;
  const LoadedStudy study = study_of("own", {});
  const auto rows = [&](const std::vector<double>& f1, const std::optional<UncertainMean>& roc_auc) {
    return comparison_table(study, "x", "Differences", {{"A", "B", {f1, 4e-6, 100}, roc_auc}}).rows;
  };
  CHECK(rows({0.03}, {}) == std::vector<Row>{{"A - B", "F1", "1", "+0.030", "-", "0.002", "-", "-"}});
  CHECK(rows({0.03, -0.05}, {})[0] == Row{"A - B", "F1", "2", "-0.010", "-", "0.002", "-", "-"});
  // S = 1e-4 / 3, V = 4e-6: df = (S + V)**2 / (S**2 / 2 + V**2 / 99) = 2.508, and t(2) sqrt(S) = 0.0248 is more than
  // scipy.stats.t.ppf(.975, df) * (S + V)**.5 = 0.0218.
  const auto both = rows({0.01, 0.02, 0.03}, UncertainMean{{0.1, 0.1, 0.1}, 1e-4, 100});
  CHECK(both == std::vector<Row>{{"A - B", "F1", "3", "+0.020", "0.006", "0.002", "2.5", "-0.005 to +0.045"},
                                 {"A - B", "ROC-AUC", "3", "+0.100", "0.000", "0.010", "99.0", "+0.080 to +0.120"}});
  const ResultTable table = comparison_table(study, "x", "Differences", {});
  CHECK(table.header ==
        Row{"Difference", "Measure", "n", "Mean", "Error of seeds", "Error of texts", "df", "95% interval"});
  CHECK_HAS(table.note, "(bootstrap, 2,000 resamples of the texts, the same for all models)");
  CHECK(table.caption == "Differences on own");
}

}  // namespace
}  // namespace notnot
