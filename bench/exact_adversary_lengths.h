#pragma once
// How long the exact adversary of a text takes as the text grows: the series for a figure of time against text length.
#include <cstdint>
#include <vector>

#include "kernels/base/device.h"

namespace notnot::bench {

enum class ExactSeries : uint8_t {
  records,        ///< as it is used: words that cannot be needed are left out; attention and contributions are random
  all_pairs,      ///< of the same texts every pair of words, which is what the records save
  worst_records,  ///< as it is used, where attention falls with the distance from the mean on both sides: most words stay
};

struct ExactTime {
  int32_t words = 0;   ///< of each text
  double seconds = 0;  ///< per text, for all epsilons of ExactAdversaryInputs together: the median of the rounds
  double pairs = 0;    ///< whose cost was computed, per text and epsilon
};

/// A measurement for each length, each above 0, of `texts` texts at once, after one round that does not count.
std::vector<ExactTime> exact_adversary_times(const Device& device, ExactSeries series,
                                             const std::vector<int32_t>& words, int32_t texts, int32_t rounds);

}  // namespace notnot::bench
