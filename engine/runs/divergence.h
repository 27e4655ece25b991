#pragma once
// How far two models are apart on the same texts: in what they predict and in where their attention lies (paper section
// 3.3 and 4).
#include <vector>

#include "engine/runs/run_folder.h"

namespace notnot {

/// Per text, in the order of the split.
struct Divergences {
  std::vector<double> tvd;  ///< total variation distance of the predictions, 0 to tvd_factor
  std::vector<double> jsd;  ///< Jensen-Shannon divergence of the attention, natural log, 0 to ln 2

  double mean_tvd() const;
  double mean_jsd() const;
};

/// tvd = tvd_factor |p_a - p_b|: 0.5 for the single output of the released code, 1 for the paper's sum over both
/// classes. Throws InputError when the two were not computed on the same texts.
Divergences divergences(const Attention& a, const Attention& b, double tvd_factor);

}  // namespace notnot
