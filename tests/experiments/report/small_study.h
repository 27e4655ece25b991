#pragma once
// A study of four texts whose distances are worked out by hand. Each test case adds the runs that it needs.
#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "experiments/report/loaded_study.h"
#include "experiments/report/page.h"
#include "tests/support/fake_runs.h"

namespace notnot {

/// The JSD of the attention (1, 0) from (0, 1).
inline constexpr double kFar = std::numbers::ln2;
/// The JSD of either of them from (0.5, 0.5).
inline const double kHalfway = 0.75 * std::log(4.0 / 3);

/// The name of the base model's run.
inline const std::string kBaseName = "sst-lstm-learned-seed10";

/// The texts under the base model, which looks only at the first word. It predicts class 1 for the first two.
inline std::vector<FakeText> base_texts() {
  return {{"a b", 1, 0.9F, {1, 0}}, {"c d", 0, 0.8F, {1, 0}}, {"e f", 0, 0.3F, {1, 0}}, {"g h", 1, 0.1F, {1, 0}}};
}

/// The texts under another model: its probabilities are `change` above the base model's, and `first` holds its
/// attention weight of the first word of each text.
inline std::vector<FakeText> moved(float change, const std::vector<float>& first) {
  std::vector<FakeText> texts = base_texts();
  for (size_t i = 0; i < texts.size(); ++i) {
    texts[i].probability += change;
    texts[i].attention = {first[i], 1 - first[i]};
  }
  return texts;
}

/// The runs in the folder, which are all on one data set.
inline LoadedStudy only_study(const TemporaryFolder& folder) {
  std::vector<LoadedStudy> studies = load_studies({folder.path()});
  REQUIRE(studies.size() == 1);
  return std::move(studies.front());
}

/// The findings on the runs in the folder, judged alone.
inline std::vector<Finding> judged_findings(const TemporaryFolder& folder) {
  const std::vector<LoadedStudy> studies = load_studies({folder.path()});
  REQUIRE(studies.size() == 1);
  return findings(studies).of_study.front();
}
/// That of this title.
inline Finding judged_finding(const TemporaryFolder& folder, const std::string& title) {
  for (const Finding& finding : judged_findings(folder)) {
    if (finding.title == title) return finding;
  }
  FAIL(("no finding " + title));
  return {};
}

}  // namespace notnot
