#pragma once
// A finding of the paper, and whether the runs of a study agree with it. The findings themselves stand in the files of
// the paper's tests, such as uniform.cpp (see part.h).
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/report/model_groups.h"

namespace notnot {

enum class Verdict : uint8_t { agrees, disagrees, cannot_be_told };
/// "agrees", "does not agree", "cannot be told".
std::string_view to_string(Verdict verdict);
/// to_string as HTML, with a mark for readers who do not see the colour.
std::string verdict_html(Verdict verdict);

/// The members are plain text, without HTML.
struct Finding {
  std::string title;  ///< "Attention helps"
  std::string claim;  ///< what the paper finds
  Verdict verdict = Verdict::cannot_be_told;
  std::string reason;  ///< the numbers behind the verdict
};

/// "F1 differences (METHOD). A minus B: ...; C minus D: ...." Differences with the same method share a sentence.
std::string sentences(const std::vector<F1Comparison>& differences);
/// Sets verdict and reason. `differences` are positive where the paper is right. The runs agree when every interval
/// lies above zero, and disagree when one lies below zero.
void judge(const std::vector<F1Comparison>& differences, Finding& finding);

}  // namespace notnot
