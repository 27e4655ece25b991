#include "experiments/report/limits.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/experiments/report/small_study.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

/// The sentence that has `part`; empty without one.
std::string sentence_with(const std::vector<std::string>& sentences, const std::string& part) {
  const auto found = std::find_if(sentences.begin(), sentences.end(), [&](const std::string& sentence) {
    return sentence.find(part) != std::string::npos;
  });
  return found == sentences.end() ? "" : *found;
}

std::vector<std::string> limits_of(const TemporaryFolder& folder) {
  const std::vector<LoadedStudy> studies = load_studies({folder.path()});
  return limits(studies.front(), findings(studies).of_study.front());
}

/// Base and uniform models of three seeds, whose F1 differs by 0.1, 0.2 and 0.3.
void fake_twins(const TemporaryFolder& folder) {
  double difference = 0;
  for (const uint64_t seed : {10, 2, 50}) {
    difference += 0.1;
    fake_run(folder, spec(RunKind::base, seed), base_texts(), 0.8);
    fake_run(folder, spec(RunKind::uniform, seed), base_texts(), 0.8 - difference);
  }
}

}  // namespace

TEST_CASE("models of few seeds are named") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  fake_run(folder, spec(RunKind::uniform), base_texts(), 0.7);
  CHECK(sentence_with(limits_of(folder), "no verdict") ==
        "There is no verdict on models of fewer than 3 seeds: Base (1 seed) and Uniform (1 seed).");
}

TEST_CASE("with enough seeds the smallest difference that could have been seen is told") {
  const TemporaryFolder folder;
  fake_twins(folder);
  CHECK(sentence_with(limits_of(folder), "no verdict").empty());
  CHECK_HAS(sentence_with(limits_of(folder), "could not have been seen"), "Differences of F1 smaller than ");
}

TEST_CASE("how many epochs were chosen on the test split, and what that gains") {
  const TemporaryFolder folder;
  fake_twins(folder);
  CHECK_HAS(sentence_with(limits_of(folder), "test split itself"),
            "The epoch of 6 of 6 classifiers was chosen on the test split itself. Against the choice on the "
            "development split that "
            "changes F1 by 0.000 on average.");
}

TEST_CASE("adversaries at their limit of epochs are counted, with how far they were") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  CHECK(sentence_with(limits_of(folder), "the limit of epochs").empty());
  // It looks at the other word in every text, so that its JSD is ln 2. Its best epoch is the last of its 5.
  fake_run(folder, spec(RunKind::adversary, 10, 1e-3, kBaseName), moved(0, {0, 0, 0, 0}), 0.8, {{"epochs", 5}});
  CHECK_HAS(sentence_with(limits_of(folder), "the limit of epochs"),
            "Of 1 adversaries, 1 reached the limit of epochs soon after their best epoch, at a JSD of 0.693: how far");
}

TEST_CASE("a guide that is an adversary near its base model tells nothing") {
  const TemporaryFolder folder;
  const RunSpec adversary = spec(RunKind::adversary, 10, 1e-3, kBaseName);
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  fake_run(folder, adversary, moved(0, {0, 1, 1, 1}), 0.8, {{"epochs", 5}});  // ln 2 in one text of four
  fake_run(folder, spec(RunKind::guided_mlp, 10, 0, run_name("sst", adversary)), base_texts(), 0.5);
  CHECK_HAS(sentence_with(limits_of(folder), "that guides an MLP"),
            "has moved to a JSD of 0.173 only, where 0.400 is needed");
  CHECK_HAS(sentence_with(limits_of(folder), "faithfulness"), "This is not faithfulness");
}

TEST_CASE("texts that belong together are counted, also those whose groups were trained on") {
  const TemporaryFolder folder;
  std::vector<FakeText> texts = base_texts();
  texts[0].group = texts[1].group = 7;
  fake_run(folder, spec(RunKind::base), texts, 0.8);
  // Sizes 2, 1 and 1: 16 / 6 of equal size.
  CHECK(
      sentence_with(limits_of(folder), "belong together") ==
      "Of the 4 test texts some belong together, such as those of one patient: intervals are those of 3 groups, which "
      "say "
      "as much as 2.7 of equal size; a verdict needs 10. 2 of the texts belong to groups that have training texts, "
      "too: what is measured on "
      "them says little about new groups.");
  const TemporaryFolder alone;
  fake_run(alone, spec(RunKind::base), base_texts(), 0.8);
  CHECK(sentence_with(limits_of(alone), "belong together").empty());
}

TEST_CASE("too few groups of texts allow no verdict") {
  const TemporaryFolder folder;
  for (const uint64_t seed : {10, 2, 50}) {
    std::vector<FakeText> texts = base_texts();
    texts[0].group = texts[1].group = 7;
    fake_run(folder, spec(RunKind::base, seed), texts, 0.8);
    fake_run(folder, spec(RunKind::uniform, seed), texts, 0.8);
  }
  const Finding finding = judged_finding(folder, "What attention adds");
  CHECK(finding.verdict == Verdict::cannot_be_told);
  CHECK(finding.why == "too few groups of texts (as many as 2.7 of equal size; 10 are needed)");
}

TEST_CASE("the box is part of the page") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  const std::vector<LoadedStudy> studies = load_studies({folder.path()});
  CHECK_HAS(limits_html(studies.front(), {}),
            "<li>All distances of attention are from one base model, that of seed 10.");
}

}  // namespace notnot
