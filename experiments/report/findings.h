#pragma once
// A finding of the paper, and whether the runs of a study agree with it. The findings themselves stand in the files of the
// paper's tests (part.h).
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/report/model_groups.h"

namespace notnot {

enum class Verdict : uint8_t { agrees, disagrees, cannot_be_told };
/// "agrees", "does not agree", "cannot be told".
std::string_view to_string(Verdict verdict);
/// The same in HTML, with a mark for readers who do not see the colour.
std::string verdict_html(Verdict verdict);

/// All texts are plain text.
struct Finding {
  std::string title;  ///< "Attention helps"
  std::string claim;  ///< what the paper finds
  Verdict verdict = Verdict::cannot_be_told;
  std::string reason;  ///< the numbers behind the verdict
};

/// "F1 differences (METHOD): A minus B ..., C minus D ...." One sentence per method.
std::string sentences(const std::vector<F1Comparison>& differences);
/// Sets verdict and reason. The runs agree when all differences point the paper's way, and disagree when one points the
/// other way.
void judge(const std::vector<F1Comparison>& differences, Finding& finding);

}  // namespace notnot
