#include "experiments/report/findings.h"

#include <doctest/doctest.h>

#include <functional>

#include "experiments/report/page.h"
#include "tests/experiments/report/small_study.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

UncertainMean certain(double value) { return {{value, value, value}, 0, 100}; }
/// Of three seeds, with this mean, the standard error 0.001 / sqrt(3) of the seeds, and none of the texts.
UncertainMean around(double value) { return {{value - 0.001, value, value + 0.001}, 0, 100}; }

Finding judged(std::vector<Test> tests) {
  std::vector<std::vector<Finding>> all = {{Finding{.title = "T", .claim = "C", .tests = std::move(tests)}}};
  judge(all);
  return all[0][0];
}

TEST_CASE("a claim of a difference is two-sided") {
  CHECK(judged({above_zero("A minus B", certain(0.01))}).verdict == Verdict::agrees);
  CHECK(judged({above_zero("A minus B", certain(-0.01))}).verdict == Verdict::disagrees);
  CHECK(judged({above_zero("A minus B", certain(0))}).verdict == Verdict::cannot_be_told);
  const Test test = above_zero("A minus B", {{0.10, 0.09, 0.08}, 0, 100});
  CHECK(test.p_agrees == doctest::Approx(2 * 0.0020449983447606863));  // scipy.stats.t.sf(.09 / (.01 / 3**.5), 2)
  CHECK(test.p_disagrees == 1);
  // t(2) = 4.303
  CHECK(test.interval.low == doctest::Approx(0.09 - 0.024842).epsilon(1e-4));
  CHECK(test.coverage == 0.95);
}

TEST_CASE("a claim of a bound is one-sided") {
  CHECK(judged({above("JSD", around(0.45), 0.4)}).verdict == Verdict::agrees);
  CHECK(judged({above("JSD", around(0.35), 0.4)}).verdict == Verdict::disagrees);
  CHECK(judged({above("JSD", around(0.401), 0.4)}).verdict == Verdict::cannot_be_told);
  CHECK(judged({below("TVD", around(0.03), 0.04)}).verdict == Verdict::agrees);
  CHECK(judged({below("TVD", around(0.05), 0.04)}).verdict == Verdict::disagrees);
  // scipy.stats.t.sf(.002 / (.001 / 3**.5), 2); t.ppf(.95, 2) = 2.920
  const Test test = above("JSD", around(0.402), 0.4);
  CHECK(test.p_agrees == doctest::Approx(0.037089950113724277));
  CHECK(test.interval.low == doctest::Approx(0.402 - 2.91999 * 0.001 / std::sqrt(3.0)));
  CHECK(test.coverage == 0.9);
}

TEST_CASE("a claim of no difference needs both of its tests") {
  CHECK(judged({equal_within("A minus B", around(0.003), 0.01)}).verdict == Verdict::agrees);
  CHECK(judged({equal_within("A minus B", around(0.03), 0.01)}).verdict == Verdict::disagrees);
  CHECK(judged({equal_within("A minus B", around(-0.03), 0.01)}).verdict == Verdict::disagrees);
  CHECK(judged({equal_within("A minus B", around(0.0095), 0.01)}).verdict == Verdict::cannot_be_told);
  // se = .001 / 3**.5; scipy.stats.t.cdf((.003 - .01) / se, 2), the larger of the two
  CHECK(equal_within("A minus B", around(0.003), 0.01).p_agrees == doctest::Approx(0.0033670416675777833));
  CHECK(equal_within("A minus B", around(0.032), 0.01).p_disagrees == doctest::Approx(0.0003439972887426403));
}

TEST_CASE("the runs agree if all tests do, and disagree if one does") {
  const Test right = above_zero("A", certain(0.1)), wrong = above_zero("B", certain(-0.1)),
             untold = above_zero("C", certain(0));
  CHECK(judged({right, right}).verdict == Verdict::agrees);
  CHECK(judged({right, untold}).verdict == Verdict::cannot_be_told);
  CHECK(judged({right, wrong}).verdict == Verdict::disagrees);
  CHECK(judged({untold, wrong}).verdict == Verdict::disagrees);
  CHECK(judged({}).verdict == Verdict::cannot_be_told);
}

TEST_CASE("no verdict from one seed or two, whatever the difference") {
  for (const size_t n : {1, 2}) {
    const Finding finding = judged({above_zero("A minus B", {std::vector<double>(n, 0.5), 1e-8, 1000})});
    CHECK(finding.verdict == Verdict::cannot_be_told);
    CHECK(finding.why == (n == 1 ? "one seed; `--repeats 5` trains more" : "two seeds; `--repeats 5` trains more"));
    CHECK(finding.reason == fmt::format("n = {}: A minus B +0.500 (error of texts 0.000).", n));
  }
}

TEST_CASE("all tests of a report are corrected together") {
  const auto finding = [](double difference, const std::string& obstacle = "", bool of_paper = true) {
    return Finding{.title = "T",
                   .claim = "C",
                   .of_paper = of_paper,
                   .obstacle = obstacle,
                   .tests = {above_zero("A minus B", {{difference - 0.01, difference, difference + 0.01}, 0, 100})}};
  };
  // p of 0.05 +- 0.01 is 0.0131 (scipy.stats.t.sf(.05 / (.01 / 3**.5), 2) * 2): three tests make it 0.0393, four
  // 0.0524.
  std::vector<std::vector<Finding>> three = {{finding(0.05), finding(0)}, {finding(0)}}, four = three, others = three;
  CHECK(judge(three) == 3);
  CHECK(three[0][0].verdict == Verdict::agrees);
  CHECK_HAS(three[0][0].reason, "; p = 0.013, Holm's p = 0.039).");
  four[1].push_back(finding(0));
  CHECK(judge(four) == 4);
  CHECK(four[0][0].verdict == Verdict::cannot_be_told);
  CHECK(four[0][0].reason.ends_with(" Alone, but not among so many tests, it would be told (A minus B)."));
  // What is not judged does not count.
  others[1].push_back(finding(0, "something is missing"));
  others[1].push_back(finding(0, "", false));
  CHECK(judge(others) == 3);
  CHECK(others[0][0].verdict == Verdict::agrees);
  CHECK(others[1][1].verdict == Verdict::cannot_be_told);
  CHECK(others[1][1].why == "something is missing");
  CHECK(others[1][2].verdict == Verdict::no_claim);
  CHECK(others[1][2].reason ==
        "n = 3: A minus B 0.000 (95% interval -0.025 to +0.025; error of seeds 0.006, of texts 0.000).");
}

TEST_CASE("what could have been seen, in words") {
  // t(2) = 4.303 times 0.01 / sqrt(3)
  const Finding finding = judged({above_zero("A minus B", {{-0.01, 0, 0.01}, 0, 100})});
  CHECK(finding.reason ==
        "n = 3: A minus B 0.000 (95% interval -0.025 to +0.025; error of seeds 0.006, of texts 0.000; "
        "p = 1.000, Holm's p = 1.000). A minus B is known to within 0.025, which is too little to tell its side of "
        "zero.");
  CHECK(finding.why.empty());
}

TEST_CASE("each number of seeds is said where it changes") {
  const Finding finding = judged(
      {above_zero("A", certain(1)), above_zero("B", {{1, 1, 1, 1}, 0, 100}), above_zero("C", {{1, 1, 1, 1}, 0, 100})});
  CHECK_HAS(finding.reason, "n = 3: A 1.000 (");
  CHECK_HAS(finding.reason, "); n = 4: B 1.000 (");
  CHECK_HAS(finding.reason, "); C 1.000 (");
}

TEST_CASE("a doubt keeps a contrary result from a verdict, and no other") {
  std::vector<std::vector<Finding>> all(1);
  for (const double value : {-0.1, 0.1}) {
    all[0].push_back({.title = "T",
                      .claim = "C",
                      .doubt = "train longer",
                      .tests = {above_zero("A", certain(value))},
                      .by_roc_auc = {above_zero("A", certain(value))}});
  }
  judge(all);
  CHECK(all[0][0].verdict == Verdict::cannot_be_told);
  CHECK(all[0][0].why == "train longer");
  CHECK(all[0][0].verdict_by_roc_auc == Verdict::cannot_be_told);
  CHECK(all[0][1].verdict == Verdict::agrees);
  CHECK(all[0][1].why.empty());
}

TEST_CASE("ROC-AUC has its own verdict beside that of F1") {
  std::vector<std::vector<Finding>> all = {{{.title = "T",
                                             .claim = "C",
                                             .remark = "The end.",
                                             .tests = {above_zero("A minus B", certain(0.1))},
                                             .by_roc_auc = {above_zero("A minus B", certain(-0.1))}}}};
  CHECK(judge(all) == 2);
  CHECK(all[0][0].verdict == Verdict::agrees);
  CHECK(all[0][0].verdict_by_roc_auc == Verdict::disagrees);
  CHECK_HAS(all[0][0].reason, "; p < 0.001, Holm's p < 0.001).\nBy ROC-AUC: does not agree. n = 3: A minus");
  CHECK(all[0][0].reason.ends_with(".\nThe end."));
}

TEST_CASE("a published number agrees unless a further run would hardly have it") {
  // v = [.80, .82, .84]: mean .82, sd .02; t.ppf(.975, 2) * .02 * (1 + 1 / 3)**.5 = 0.0994
  const Test inside = predicts("Base", {0.80, 0.82, 0.84}, 0.9);
  CHECK(inside.interval.low == doctest::Approx(0.82 - 0.099366).epsilon(1e-5));
  CHECK(inside.interval.high == doctest::Approx(0.82 + 0.099366).epsilon(1e-5));
  // 2 * t.sf(.08 / (.02 * (4 / 3)**.5), 2)
  CHECK(inside.p_disagrees == doctest::Approx(0.07417990022744854));
  CHECK(judged({inside}).verdict == Verdict::agrees);
  CHECK_HAS(judged({inside}).reason,
            "n = 3: Base 0.820 (a further run: 95% interval 0.721 to 0.919; p = 0.074, Holm's");
  CHECK(judged({predicts("Base", {0.80, 0.82, 0.84}, 0.925)}).verdict == Verdict::disagrees);
  CHECK(judged({predicts("Base", {0.80, 0.82}, 0.81)}).verdict == Verdict::cannot_be_told);
  // Outside (p = 0.04), but not beyond what two tests allow: neither agrees nor disagrees.
  const Test outside = predicts("Base", {0.80, 0.82, 0.84}, 0.933);
  CHECK(outside.p_disagrees < 0.05);
  CHECK(judged({outside, inside}).verdict == Verdict::cannot_be_told);
}

TEST_CASE("verdicts in words and as HTML") {
  CHECK(to_string(Verdict::agrees) == "agrees");
  CHECK(to_string(Verdict::disagrees) == "does not agree");
  CHECK(to_string(Verdict::cannot_be_told) == "cannot be told");
  CHECK(to_string(Verdict::no_claim) == "no claim");
  const auto html = [](const char* name, const char* mark, const char* words) {
    return fmt::format(R"(<span class="verdict {}"><span aria-hidden="true">{}</span> {}</span>)", name, mark, words);
  };
  CHECK(verdict_html(Verdict::agrees) == html("agrees", "&#10003;", "agrees"));                // a tick
  CHECK(verdict_html(Verdict::disagrees) == html("disagrees", "&#10007;", "does not agree"));  // a cross
  CHECK(verdict_html(Verdict::cannot_be_told) == html("untold", "?", "cannot be told"));
  CHECK(verdict_html(Verdict::no_claim) == html("no-claim", "&#8211;", "no claim"));
}

TEST_CASE("without runs to compare, every finding says which command trains them") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  std::vector<LoadedStudy> studies = load_studies({folder.path()});
  const JudgedFindings all = findings(studies);
  CHECK(all.tests == 0);
  REQUIRE(all.of_study.size() == 1);
  for (const Finding& finding : all.of_study[0]) {
    CAPTURE(finding.title);
    if (finding.verdict == Verdict::no_claim) continue;
    CHECK(finding.verdict == Verdict::cannot_be_told);
    CHECK_HAS(finding.why, finding.title == "Published F1, Table 2" ? "`--repeats 5`" : "`notnot ");
  }
}

}  // namespace
}  // namespace notnot
