#include "engine/runs/attributions.h"

#include <algorithm>

namespace notnot {

std::string_view to_string(Measure measure) {
  switch (measure) {
    case Measure::attention:
      return "attention";
    case Measure::contribution:
      return "contribution";
    case Measure::input_x_gradient_held:
      return "input-x-gradient-held";
    case Measure::input_x_gradient:
      return "input-x-gradient";
    case Measure::gradient_norm_held:
      return "gradient-norm-held";
    case Measure::gradient_norm:
      return "gradient-norm";
    case Measure::integrated_gradients:
      return "integrated-gradients";
    case Measure::leave_one_out:
      return "leave-one-out";
    case Measure::random:
      return "random";
  }
  return "";
}

std::optional<Measure> measure_named(std::string_view name) {
  const auto* found = std::find_if(kMeasures.begin(), kMeasures.end(), [&](Measure m) { return to_string(m) == name; });
  return found == kMeasures.end() ? std::nullopt : std::optional(*found);
}

}  // namespace notnot
