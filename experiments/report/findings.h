#pragma once
// The paper's findings, and whether the runs of a study agree with them.
#include <string>
#include <string_view>
#include <vector>

#include "experiments/report/model_groups.h"

namespace notnot {

enum class Verdict : uint8_t { agrees, disagrees, cannot_be_told };
/// "agrees", "does not agree", "cannot be told".
std::string_view to_string(Verdict verdict);

/// Plain text throughout.
struct Finding {
  std::string title;  ///< "Attention helps"
  std::string claim;  ///< what the paper finds
  Verdict verdict = Verdict::cannot_be_told;
  std::string reason;  ///< the numbers behind the verdict
};

/// An adversary's F1 is near the base model's when it is at most this much below it; fixed before any run was looked
/// at. The paper's largest shortfall in Table 4 is 0.008.
inline constexpr double kNearF1 = 0.02;

/// The same four findings for every study, in the paper's order.
std::vector<Finding> findings(const LoadedStudy& study);

}  // namespace notnot
