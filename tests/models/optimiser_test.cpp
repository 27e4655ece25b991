// Steps of training against Adam with AMSGrad as PyTorch documents it, in double, with options that are no defaults:
//   g = gradient + weight_decay * parameter       no decay for the attention
//   m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2, vmax = max(vmax, v)
//   parameter -= learning_rate * m / (1 - beta1^t) / (sqrt(vmax) / sqrt(1 - beta2^t) + epsilon)
#include "models/optimiser.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "kernels/base/device.h"
#include "models/attention_classifier.h"

namespace notnot {
namespace {

/// Six texts; the third batch has words that the first two lack, and the other way round.
Split six_texts() {
  Split split;
  const std::vector<std::vector<int32_t>> texts = {{4, 5, 6}, {5, 7}, {8, 4, 4}, {6}, {9, 10}, {10, 11, 9}};
  for (const auto& words : texts) {
    split.token_ids.push_back(2);
    for (const int32_t id : words) split.token_ids.push_back(id);
    split.token_ids.push_back(3);
    split.offsets.push_back(split.token_ids.size());
    split.labels.push_back(split.size() % 2);
    split.rows.push_back(split.size());
  }
  return split;
}

constexpr int32_t kVocabulary = 13;  // of which 1 and 12 never occur

/// The parameters and the moments, in double.
struct PlainAdam {
  explicit PlainAdam(const std::vector<float>& start)
      : values(start.begin(), start.end()), m(start.size()), v(start.size()), vmax(start.size()) {}

  void step(const ParameterLayout& layout, const OptimiserOptions& o, const std::vector<float>& gradients) {
    ++t;
    for (const Parameter& p : layout.parameters()) {
      const double decay = p.group == ParameterGroup::attention ? 0 : o.weight_decay;
      for (int64_t i = p.offset; i < p.offset + p.size; ++i) {
        const double g = gradients[i] + decay * values[i];
        m[i] = o.beta1 * m[i] + (1 - o.beta1) * g;
        v[i] = o.beta2 * v[i] + (1 - o.beta2) * g * g;
        vmax[i] = std::max(vmax[i], v[i]);
        const double denominator = std::sqrt(vmax[i]) / std::sqrt(1 - std::pow(o.beta2, t)) + o.epsilon;
        values[i] -= o.learning_rate * m[i] / (1 - std::pow(o.beta1, t)) / denominator;
      }
    }
  }

  int t = 0;
  std::vector<double> values, m, v, vmax;
};

/// The values of the elements that belong to no parameter.
std::set<float> between_parameters(const ParameterLayout& layout, const std::vector<float>& values) {
  std::set<float> found;
  auto at = values.begin();
  for (const Parameter& p : layout.parameters()) {
    found.insert(at, values.begin() + p.offset);
    at = values.begin() + p.offset + p.size;
  }
  found.insert(at, values.end());
  return found;
}

TEST_CASE("steps of training are PyTorch's Adam with AMSGrad, whatever the options") {
  const Split split = six_texts();
  const BatchCapacity capacity{.sequences = 2, .tokens = 10, .unique = 10};
  for (const Encoder encoder : {Encoder::lstm, Encoder::tokens}) {
    const ModelOptions model_options{.encoder = encoder, .vocabulary = kVocabulary, .embed = 3, .hidden = 4};
    for (const OptimiserOptions& options :
         {OptimiserOptions{}, OptimiserOptions{.learning_rate = 0.02, .beta1 = 0.5, .beta2 = 0.7, .epsilon = 0.001},
          OptimiserOptions{.learning_rate = 0.01, .weight_decay = 0.1}}) {
      CAPTURE(options.weight_decay);
      CAPTURE(options.beta1);
      AttentionClassifier model(open_cpu(1), model_options, {.evaluation = capacity, .training = capacity, .steps = 9},
                                options);
      model.allocate();
      const std::vector<float> start = initial_parameters(model.layout(), 5, {});
      model.set_parameters(start);
      PlainAdam plain(start);
      for (const int32_t first : {0, 2, 4, 0, 4, 4, 2, 0, 2}) {
        model.compute_gradients(assemble_batch(split, {first, first + 1}, kVocabulary), {.positive_weight = 2});
        plain.step(model.layout(), options, model.gradients());
        model.apply_gradients();
      }
      CHECK(model.step() == 9);
      const std::vector<float> actual = model.parameters();
      const OptimiserState state = model.optimiser_state();
      for (const auto* values : {&actual, &state.first_moment, &state.second_moment, &state.largest_second_moment}) {
        CHECK(between_parameters(model.layout(), *values) == std::set<float>{0});
      }
      for (const Parameter& p : model.layout().parameters()) {
        CAPTURE(p.name);
        double worst = 0, moved = 0;
        for (int64_t i = p.offset; i < p.offset + p.size; ++i) {
          worst = std::max(worst, std::fabs(actual[i] - plain.values[i]));
          moved = std::max(moved, std::fabs(actual[i] - double{start[i]}));
        }
        // Each of nine steps rounds a parameter below 4 by at most 1.2e-7, and its own length by a few 1e-7 of it.
        CHECK(worst < 9 * (1.2e-7 + 1e-6 * options.learning_rate));
        CHECK(moved > options.learning_rate / 100);
      }
    }
  }
}

}  // namespace
}  // namespace notnot
