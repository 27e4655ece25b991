#include "engine/runs/divergence.h"

#include "engine/io/input_error.h"
#include "engine/math/statistics.h"

namespace notnot {

double Divergences::mean_tvd() const { return mean(tvd); }
double Divergences::mean_jsd() const { return mean(jsd); }

Divergences divergences(const Attention& a, const Attention& b, double tvd_factor) {
  if (a.offsets != b.offsets || a.row != b.row || a.label != b.label) {
    throw InputError(
        "the two models were not evaluated on the same texts; train both on the same data set with the "
        "same options");
  }
  Divergences result;
  for (size_t i = 0; i < a.label.size(); ++i) {
    const auto begin = static_cast<size_t>(a.offsets[i]), size = static_cast<size_t>(a.offsets[i + 1]) - begin;
    result.tvd.push_back(total_variation(a.probability[i], b.probability[i], tvd_factor));
    result.jsd.push_back(jensen_shannon(std::span(a.log_attention).subspan(begin, size),
                                        std::span(b.log_attention).subspan(begin, size)));
  }
  return result;
}

}  // namespace notnot
