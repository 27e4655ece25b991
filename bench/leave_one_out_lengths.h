#pragma once
// How long leave-one-out of a text takes as the text grows: the series for a figure of time against text length.
#include <cstdint>
#include <vector>

#include "kernels/base/device.h"

namespace notnot::bench {

struct LengthTime {
  int32_t words = 0;          ///< of each text
  double stored_seconds = 0;  ///< per text, from stored states
  double rerun_seconds = 0;   ///< per text, by predicting it without each of its words
  double flop = 0;            ///< counted, per text: 8 H^2 + 2 A H for each deleted and kept word
  double difference = 0;      ///< the largest between the logits of both
};

/// The base model with random parameters (E = 300, H = 128) on `texts` texts of so many words, at least 2: medians of
/// `rounds` rounds, both ways in turn.
LengthTime leave_one_out_time(const Device& device, int32_t words, int32_t texts, int32_t rounds);

}  // namespace notnot::bench
