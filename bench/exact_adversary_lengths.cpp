#include "bench/exact_adversary_lengths.h"

#include <cmath>

#include "bench/measuring.h"
#include "engine/math/statistics.h"
#include "kernels/cases/exact_adversary_case.h"

namespace notnot::bench {
namespace {

/// A text on which most words are records: attention falls with the distance from the mean of the contributions.
void add_worst(ExactAdversaryInputs& inputs, int32_t words) {
  std::vector<double> scores, contributions;
  for (int32_t n = 0; n < words; ++n) {
    const double place = words == 1 ? 0 : 2.0 * n / (words - 1) - 1;  // from -1 to 1
    scores.push_back(-2 * std::fabs(place));
    contributions.push_back(3 * place);
  }
  inputs.add(scores, contributions);
}

ExactAdversaryInputs inputs_of(ExactSeries series, int32_t words, int32_t texts) {
  ExactAdversaryInputs inputs;
  inputs.all_pairs = series == ExactSeries::all_pairs;
  for (int32_t text = 1; text <= texts; ++text) {
    if (series == ExactSeries::worst_records) {
      add_worst(inputs, words);
    } else {
      inputs.add_random(text, words);
    }
  }
  return inputs;
}

}  // namespace

std::vector<ExactTime> exact_adversary_times(const Device& device, ExactSeries series,
                                             const std::vector<int32_t>& words, int32_t texts, int32_t rounds) {
  std::vector<ExactTime> result;
  Timer timer(device);
  for (const int32_t length : words) {
    const ExactAdversaryInputs inputs = inputs_of(series, length, texts);
    ExactAdversaryCase run(device, inputs);
    std::vector<double> seconds;
    for (int32_t round = 0; round <= rounds; ++round) {
      timer.start();
      exact_adversary(device, run.arguments());
      const double microseconds = timer.stop();
      if (round > 0) seconds.push_back(1e-6 * microseconds / texts);
    }
    ExactTime& time = result.emplace_back();
    time.words = length;
    time.seconds = median(seconds);
    const std::vector<ExactOptimum> optima = run.optima.host();
    for (const ExactOptimum& optimum : optima) time.pairs += optimum.pairs / static_cast<double>(optima.size());
  }
  return result;
}

}  // namespace notnot::bench
