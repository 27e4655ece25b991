#include <cmath>

#include "engine/io/input_error.h"
#include "experiments/report/erasure.h"
#include "tests/experiments/report/report_page.h"
#include "tests/experiments/report/small_study.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

using Json = nlohmann::json;
using Row = std::vector<std::string>;
using Values = std::vector<double>;

RunSpec attribution(Measure measure, uint64_t seed = 10, const std::string& dataset = "sst") {
  return attribution_of(dataset, spec(RunKind::base, seed), measure, {SplitName::test});
}

/// The first share's change of each text, the others 0; a mean is a fifth of it.
std::vector<float> changes(const std::vector<float>& of_texts) {
  std::vector<float> result;
  for (const float change : of_texts) result.insert(result.end(), {change, 0, 0, 0, 0});
  return result;
}

/// Two words in each of four texts: flips of these sizes, and changes of p that are these.
auto erasing(const std::vector<int32_t>& sizes, const std::vector<float>& changes_of_p) {
  return [sizes, changes_of_p](Erasure& erasure) {
    erasure.flip_size = sizes;
    erasure.smallest_flip_size = {1, 1, 2, -1};
    erasure.comprehensiveness_probability = changes(changes_of_p);
    erasure.sufficiency_logit = changes({-5, -5, -5, -5});
  };
}

TEST_CASE("the means of flips, comprehensiveness and sufficiency, worked by hand") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  CHECK(erased_measures(only_study(folder)).empty());
  fake_attribution(folder, attribution(Measure::random), base_texts(), Json::object(),
                   erasing({2, 2, -1, -1}, {0, 0, 0, 0}));
  fake_attribution(folder, attribution(Measure::attention), base_texts(), Json::object(),
                   erasing({1, 2, 2, -1}, {1, 0.5F, 0.5F, 0}));
  const LoadedStudy study = only_study(folder);
  const std::vector<ErasedMeasure> measures = erased_measures(study);
  REQUIRE(measures.size() == 2);
  CHECK(measures[0].measure == Measure::attention);
  CHECK(measures[1].measure == Measure::random);
  CHECK(measures[0].seeds == std::vector<uint64_t>{10});
  CHECK(measures[0].flip_share == Values{0.5, 1, 1, 1});
  CHECK(measures[0].smallest_flip_share == Values{0.5, 0.5, 1, 1});
  CHECK(measures[0].never == Values{0, 0, 0, 1});
  CHECK(measures[1].never == Values{0, 0, 1, 1});
  CHECK(measures[0].comprehensiveness_probability == Values{0.2, 0.1, 0.1, 0});
  CHECK(measures[0].sufficiency_logit == Values{-1, -1, -1, -1});
  CHECK(measures[0].average_precision.empty());

  const ResultTable flips = flip_table(study, measures);
  REQUIRE(flips.rows.size() == 3);
  CHECK(flips.rows[0][0] == "Optimum");
  CHECK(flips.rows[0][2] == "0.750");
  CHECK(flips.rows[0][3].starts_with("[0."));
  CHECK(flips.rows[0][6] == "0.250");
  CHECK(flips.rows[1][0] == "Attention");
  CHECK(flips.rows[1][2] == "0.875");
  CHECK(flips.rows[1][4] == "0.125");
  CHECK(flips.rows[2] == Row{"Random order", "1", "1.000", "[1.000, 1.000]", "0.250", flips.rows[2][5], "0.500"});
  const ResultTable eraser = eraser_table(study, measures);
  CHECK(eraser.header[2] == "Comprehensiveness, p");
  CHECK(eraser.rows[0][2] == "0.100");
  CHECK(eraser.rows[1][2] == "0.000");
  CHECK(eraser.rows[1][3] == "[0.000, 0.000]");
  CHECK(eraser.header[8] == "Sufficiency, logit");
  CHECK(eraser.header[9] == "Interval (sufficiency, logit)");
  CHECK(eraser.rows[0][8] == "-1.000");
  CHECK(eraser.rows[0][9] == "[-1.000, -1.000]");
  const ResultTable differences = erasure_difference_table(study, measures);
  REQUIRE(differences.rows.size() == 5);
  for (const Row& row : differences.rows) CHECK(row[0] == "Random order");
  CHECK(differences.rows[0][1] == "Words erased");
  CHECK(differences.rows[0][3] == "+0.125");
  CHECK(differences.rows[1][1] == "Comprehensiveness, p");
  CHECK(differences.rows[1][3] == "-0.100");
  // One seed says nothing about others, so that there is no p.
  CHECK(differences.rows[4] == Row{"Random order", "Sufficiency, logit", "1", "0.000", "[0.000, 0.000]", "-"});
  CHECK_HAS(differences.note, "over test texts alone: with fewer than three seeds they say nothing about other seeds");
  CHECK(rationale_table(study, measures).rows.empty());
}

TEST_CASE("differences are taken on the seeds that both have; without attention there are none") {
  const TemporaryFolder folder;
  for (const uint64_t seed : {10, 2, 3}) fake_run(folder, spec(RunKind::base, seed), base_texts(), 0.8);
  fake_attribution(folder, attribution(Measure::contribution, 2), base_texts(), Json::object(),
                   erasing({1, 1, 2, -1}, {0, 0, 0, 0}));
  fake_attribution(folder, attribution(Measure::contribution, 10), base_texts(), Json::object(),
                   erasing({1, 1, 2, -1}, {1, 1, 1, 1}));
  const LoadedStudy without = only_study(folder);
  CHECK(erasure_difference_table(without, erased_measures(without)).rows.empty());
  for (const uint64_t seed : {10, 3}) {
    fake_attribution(folder, attribution(Measure::attention, seed), base_texts(), Json::object(),
                     erasing({2, 2, 2, -1}, {0.5F, 0.5F, 0.5F, 0.5F}));
  }
  const LoadedStudy study = only_study(folder);
  const std::vector<ErasedMeasure> measures = erased_measures(study);
  CHECK(measures[1].seeds == std::vector<uint64_t>{10, 2});  // the base seed first
  CHECK(measures[1].comprehensiveness_probability == Values{0.2, 0.2, 0.2, 0.2, 0, 0, 0, 0});
  const ResultTable differences = erasure_difference_table(study, measures);
  REQUIRE(differences.rows.size() == 5);
  CHECK(differences.rows[1] == Row{"Contribution", "Comprehensiveness, p", "1", "+0.100", "[+0.100, +0.100]", "-"});
}

TEST_CASE("with three seeds differences have p values, which are corrected together") {
  const TemporaryFolder folder;
  for (const uint64_t seed : {10, 2, 3}) {
    fake_run(folder, spec(RunKind::base, seed), base_texts(), 0.8);
    fake_attribution(folder, attribution(Measure::attention, seed), base_texts(), Json::object(),
                     erasing({2, 2, 2, -1}, {0.5F, 0.5F, 0.5F, 0.5F}));
    fake_attribution(folder, attribution(Measure::contribution, seed), base_texts(), Json::object(),
                     erasing({2, 2, 2, -1}, {1, 1, 1, 1}));
  }
  const LoadedStudy study = only_study(folder);
  const ResultTable differences = erasure_difference_table(study, erased_measures(study));
  REQUIRE(differences.rows.size() == 5);
  // No replicate is another one, so that all of them are as far from a mean of 0 as 0 is. Of the mean 0.1 none is, so
  // that p is as small as it can be, 1 / 2001, times the five of the table.
  CHECK(differences.rows[0] == Row{"Contribution", "Words erased", "3", "0.000", "[0.000, 0.000]", "1.000"});
  CHECK(differences.rows[1] == Row{"Contribution", "Comprehensiveness, p", "3", "+0.100", "[+0.100, +0.100]", "0.002"});
  CHECK_HAS(differences.note, "over seeds and test texts (bootstrap of both)");
}

TEST_CASE("with few groups of texts there is no p") {
  std::vector<FakeText> texts = base_texts();
  for (FakeText& text : texts) text.group = text.words < "e" ? 1 : 2;
  const TemporaryFolder folder;
  for (const uint64_t seed : {10, 2, 3}) {
    fake_run(folder, spec(RunKind::base, seed), texts, 0.8);
    for (const Measure measure : {Measure::attention, Measure::random}) {
      const float change = measure == Measure::random ? 0 : 1;
      fake_attribution(folder, attribution(measure, seed), texts, Json::object(),
                       erasing({1, 1, 2, -1}, {change, change, 0, 0}));
    }
  }
  const LoadedStudy study = only_study(folder);
  REQUIRE(study.has_groups());
  const ResultTable differences = erasure_difference_table(study, erased_measures(study));
  CHECK(differences.rows[1][5] == "-");
  CHECK_HAS(differences.note, "Texts of one group are drawn together. There are too few groups (fewer than 10)");
}

TEST_CASE("a measure counts once per base model, and attributions of other models not at all") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  fake_run(folder, spec(RunKind::trained_mlp), base_texts(), 0.8);
  fake_attribution(folder, attribution_of("sst", spec(RunKind::trained_mlp), Measure::attention, {SplitName::test}),
                   base_texts());
  CHECK(erased_measures(only_study(folder)).empty());
  fake_attribution(folder, attribution(Measure::attention), base_texts());
  RunSpec more = attribution(Measure::attention);
  more.splits = {SplitName::train, SplitName::dev, SplitName::test};
  fake_attribution(folder, more, base_texts());
  const std::vector<ErasedMeasure> measures = erased_measures(only_study(folder));
  REQUIRE(measures.size() == 1);
  CHECK(measures[0].seeds == std::vector<uint64_t>{10});
  CHECK(measures[0].flip_share.size() == 4);
}

TEST_CASE("orders are held against the words of a rationale") {
  const TemporaryFolder folder;
  const std::vector<FakeText> texts = {{"a b c", 1, 0.9F, {0.5F, 0.25F, 0.25F}},
                                       {"d e", 0, 0.2F, {0.75F, 0.25F}},
                                       {"f g", 0, 0.1F, {0.75F, 0.25F}},
                                       {"h i", 1, 0.6F, {0.5F, 0.5F}}};
  fake_run(folder, spec(RunKind::base), texts, 0.8);
  fake_attribution(folder, attribution(Measure::attention), texts, Json::object(), [](Erasure& erasure) {
    erasure.rationale = {0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0};  // b; e; nothing; both
  });
  const LoadedStudy study = only_study(folder);
  const std::vector<ErasedMeasure> measures = erased_measures(study);
  const Values& precision = measures[0].average_precision;
  REQUIRE(precision.size() == 4);
  CHECK(precision[0] == doctest::Approx(1.0 / 3));  // b and c are one threshold, behind a
  CHECK(precision[1] == 0.5);
  CHECK(std::isnan(precision[2]));
  CHECK(std::isnan(precision[3]));
  CHECK(measures[0].token_f1[0] == 0);
  const ResultTable table = rationale_table(study, measures);
  REQUIRE(table.rows.size() == 2);
  CHECK(table.rows[0][2] == "0.417");
  CHECK(table.rows[1] == Row{"Chance", "-", "-", "-", "0.417", "-"});
  CHECK_HAS(table.note, "the words that the column rationale marks");
  CHECK_HAS(table.note, "over the 2 texts that have evidence words and others; 2 have not");
}

TEST_CASE("on the planted corpus orders are held against its rule") {
  const TemporaryFolder folder, out;
  const std::vector<FakeText> texts = {{"praise0 word1 blame3", 1, 0.9F, {0.5F, 0.3F, 0.2F}},
                                       {"word2 blame1 chatter0", 0, 0.1F, {0.5F, 0.25F, 0.25F}}};
  const Json planted = {{"dataset", "planted"}};
  fake_run(folder, spec(RunKind::base), texts, 0.8, planted);
  fake_attribution(folder, attribution(Measure::attention, 10, "planted"), texts, planted);
  const LoadedStudy study = only_study(folder);
  const std::vector<ErasedMeasure> measures = erased_measures(study);
  CHECK(measures[0].average_precision[0] == doctest::Approx((1 + 2.0 / 3) / 2));
  CHECK(measures[0].average_precision[1] == doctest::Approx(1.0 / 3));
  CHECK_HAS(rationale_table(study, measures).note, "have importance by the rule of the corpus");
  const std::string page = page_of({folder.path()}, out);
  check_well_formed(page);
  check_links(page, out / "report");
  CHECK(has(page, "<h3 id=\"planted-erasure\">Erasure</h3>"));
  for (const char* name : {"flips", "comprehensiveness", "rationales"}) {
    CHECK(std::filesystem::exists(out / "report" / "tables" / fmt::format("planted-{}.csv", name)));
  }
}

TEST_CASE("an attribution of other texts is refused") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  std::vector<FakeText> texts = base_texts();
  texts[1].label = 1;
  fake_attribution(folder, attribution(Measure::attention), texts);
  const LoadedStudy study = only_study(folder);
  CHECK_HAS(input_error([&] { (void)erased_measures(study); }),
            "are not of the same texts; make the attribution again");
}

}  // namespace
}  // namespace notnot
