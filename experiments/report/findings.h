#pragma once
// A claim of the paper, the tests by which the runs of a study are judged, and the verdict. The findings themselves
// stand in the files of the paper's tests, such as uniform.cpp (see part.h).
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/report/comparisons.h"

namespace notnot {

enum class Verdict : uint8_t { agrees, disagrees, cannot_be_told, no_claim };
/// "agrees", "does not agree", "cannot be told"; "no claim" where the paper says nothing about the data set.
std::string_view to_string(Verdict verdict);
/// to_string as HTML, with a mark for readers who do not see the colour.
std::string verdict_html(Verdict verdict);

/// What the paper's claim says about one quantity. Each p is compared with 0.05.
struct Test {
  std::string quantity;  ///< "Base minus Uniform"
  UncertainMean estimate;
  std::string bound;      ///< of the claim, in words: "zero"
  double coverage = 0.9;  ///< of the interval that decides; the ends of that of 90 % are one-sided bounds of 95 %
  Interval interval = {};
  double p_agrees = 1;  ///< small if the claim holds
  double p_disagrees = 1;
  double p_holm = 1;                            ///< the smaller of the two, corrected by judge
  Verdict otherwise = Verdict::cannot_be_told;  ///< if neither is small
  bool of_one_run = false;                      ///< the interval is that of a further run, not that of the mean
  bool of_f1_difference = false;                ///< the quantity is a difference of F1 between two models

  Verdict verdict() const;
};
// With fewer than kSeedsForVerdict seeds, both p are 1.

/// The quantity is above zero: two-sided, so that it agrees if the interval of 95 % is above zero, and disagrees if it
/// is below.
Test above_zero(std::string quantity, UncertainMean estimate);
/// The quantity is above `bound`, or below it: one-sided on either side.
Test above(std::string quantity, UncertainMean estimate, double bound);
Test below(std::string quantity, UncertainMean estimate, double bound);
/// The quantity differs from zero by at most `margin`: two one-sided tests (Schuirmann 1987), so that it agrees if the
/// interval of 90 % lies inside the margin, and disagrees if it lies outside.
Test equal_within(std::string quantity, UncertainMean estimate, double margin);
/// `published` lies in the interval of 95 % in which a further run is expected: mean +- t s sqrt(1 + 1/n), of values
/// `by_seed` on the published texts. It agrees if it lies inside, and disagrees if it lies outside beyond what many tests
/// allow.
Test predicts(std::string quantity, std::vector<double> by_seed, double published);

/// The test, marked as one of a difference of F1.
Test of_f1_difference(Test test);

/// Whether the paper's claims can be tried on the study: the paper has the corpus, and the texts are no made-up ones.
bool has_claims(const LoadedStudy& study);
/// The same for the tests after the first one, from which the paper leaves the news sets out.
bool has_further_claims(const LoadedStudy& study);
/// Why there is no claim; empty where the page says it of the whole study.
std::string no_claim_in_words(const LoadedStudy& study);

/// The members are plain text, without HTML.
struct Finding {
  std::string title = {};     ///< "What attention adds", the same on every data set
  std::string claim = {};     ///< what the paper says about this data set; without a claim, why it has none
  bool of_paper = true;       ///< whether the paper has a claim. Without one, the numbers are shown and not judged
  std::string obstacle = {};  ///< why nothing can be told, whatever the tests say; empty if nothing is in the way
  std::string doubt = {};     ///< why a result against the claim would tell nothing; empty if it would
  std::string remark = {};    ///< stands behind the numbers
  std::string more_seeds = "`--repeats 5` trains more";  ///< where there are too few
  std::vector<Test> tests = {};                          ///< the runs agree if all do; they disagree if one does
  std::vector<Test> by_roc_auc = {};                     ///< the same with ROC-AUC in place of F1: judged beside it

  // Set by judge.
  Verdict verdict = Verdict::cannot_be_told, verdict_by_roc_auc = Verdict::cannot_be_told;
  std::string why = {};     ///< a few words behind "cannot be told"; empty if the numbers say it
  std::string reason = {};  ///< the numbers, in lines
};

/// Whether the F1 that the paper has for each of the groups is what a further run would have. `of_paper` says whether
/// it has any.
Finding published_f1(const LoadedStudy& study, const std::string& table, const std::vector<ModelGroup>& groups,
                     bool of_paper);

/// Judges all findings of a report together: Holm's correction over the tests of all findings that the paper makes and
/// that nothing is in the way of. So the chance of any false verdict in the report is about 5 %. Returns the number of
/// tests.
size_t judge(std::vector<std::vector<Finding>>& findings);

}  // namespace notnot
