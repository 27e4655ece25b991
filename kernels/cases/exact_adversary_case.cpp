#include "kernels/cases/exact_adversary_case.h"

#include <algorithm>
#include <cmath>

namespace notnot {

void ExactAdversaryInputs::add(const std::vector<double>& scores, const std::vector<double>& word_contributions) {
  const double largest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (const double score : scores) sum += std::exp(score - largest);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  contributions.push_back(nan);
  log_attention.push_back(-std::numeric_limits<float>::infinity());
  for (size_t n = 0; n < scores.size(); ++n) {
    contributions.push_back(static_cast<float>(word_contributions[n]));
    log_attention.push_back(static_cast<float>(scores[n] - largest - std::log(sum)));
  }
  contributions.push_back(nan);
  log_attention.push_back(-std::numeric_limits<float>::infinity());
  offsets.push_back(static_cast<int32_t>(contributions.size()));
}

void ExactAdversaryInputs::add_random(uint64_t seed, int32_t words) {
  add(as_double(random_floats(words, 2 * seed, 2)), as_double(random_floats(words, 2 * seed + 1, 3)));
}

ExactAdversaryCase::ExactAdversaryCase(const Device& device, const ExactAdversaryInputs& inputs)
    : all_pairs(inputs.all_pairs),
      longest(longest_sequence(inputs.offsets)),
      offsets(device, inputs.offsets),
      epsilons(device, inputs.epsilons),
      contributions(device, inputs.contributions),
      output_bias(device, inputs.output_bias),
      log_attention(device, inputs.log_attention),
      optima(device, static_cast<int64_t>(inputs.epsilons.size()) * inputs.sequences()),
      scores(device, inputs.tokens()),
      order(device, int64_t{2} * inputs.tokens()),
      records(device, exact_adversary_records(epsilons.span().size, inputs.tokens())) {}

ExactAdversary ExactAdversaryCase::arguments() const {
  return {.sequences = static_cast<int32_t>(offsets.span().size - 1),
          .tokens = static_cast<int32_t>(contributions.span().size),
          .longest = longest,
          .all_pairs = all_pairs,
          .offsets = offsets,
          .epsilons = epsilons,
          .contributions = contributions,
          .output_bias = output_bias,
          .log_attention = log_attention,
          .optima = optima,
          .scores = scores,
          .order = order,
          .records = records};
}

}  // namespace notnot
