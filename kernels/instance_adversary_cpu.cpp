// A text's state takes a few kilobytes, which stay in the first-level cache for all steps. Loops run over the words, in
// whole vector registers.
#include "kernels/base/cpu.h"
#include "kernels/instance_adversary.h"
#include "kernels/instance_adversary_math.h"

namespace notnot::NOTNOT_CPU_NAMESPACE {
namespace {

static_assert(kLanes <= kWordPadding);
/// x of padding: it gets no attention, and is finite because adam_update multiplies it by a decay of 0.
constexpr float kNoWord = -1e30F;

/// One text. Its arrays have rows of `width` floats: the words, then padding up to a whole vector register.
struct Instance {
  int32_t begin, words, width;
  float *contribution, *base;
  float *logs, *first_moment, *second_moment, *largest_second_moment, *attention, *slope;  // [K, width]

  Instance(const InstanceAdversary& args, int32_t sequence)
      : begin(args.offsets[sequence] + 1),
        words(args.offsets[sequence + 1] - args.offsets[sequence] - 2),
        width((words + kLanes - 1) / kLanes * kLanes) {
    const int64_t before = args.offsets[sequence] + int64_t{kWordPadding} * sequence;
    const int64_t array = int64_t{args.adversaries} * width;
    contribution = args.workspace.data + instance_adversary_state(args.adversaries) * before;
    base = contribution + width;
    logs = base + width;
    first_moment = logs + array;
    second_moment = first_moment + array;
    largest_second_moment = second_moment + array;
    attention = largest_second_moment + array;
    slope = attention + array;
  }
};

void read_text(const InstanceAdversary& args, const Instance& text) {
  for (int32_t n = 0; n < text.width; ++n) {
    const bool word = n < text.words;
    text.contribution[n] = word ? args.contributions[text.begin + n] : 0.0F;
    text.base[n] = word ? attention_weight(args.base_log_attention[text.begin + n]) : 0.0F;
  }
  for (int32_t k = 0; k < args.adversaries; ++k) {
    const float* logs = &args.log_attention[int64_t{k} * args.tokens + text.begin];
    for (int32_t n = 0; n < text.width; ++n) {
      text.logs[k * text.width + n] = n < text.words ? logs[n] : kNoWord;
    }
  }
  const size_t bytes = static_cast<size_t>(args.adversaries) * text.width * sizeof(float);
  __builtin_memset(text.first_moment, 0, bytes);
  __builtin_memset(text.second_moment, 0, bytes);
  __builtin_memset(text.largest_second_moment, 0, bytes);
}

float sum_of_lanes(Lanes sum) {
  float total = 0;
  for (int32_t lane = 0; lane < kLanes; ++lane) total += sum[lane];
  return total;
}

float sum_of(const float* values, int32_t width) {
  Lanes sum = {};
  for (int32_t n = 0; n < width; n += kLanes) sum += load(values + n);
  return sum_of_lanes(sum);
}

float sum_of_products(const float* a, const float* b, int32_t width) {
  Lanes sum = {};
  for (int32_t n = 0; n < width; n += kLanes) sum += load(a + n) * load(b + n);
  return sum_of_lanes(sum);
}

float largest_of(const float* values, int32_t width) {
  Lanes largest = load(values);
  for (int32_t n = kLanes; n < width; n += kLanes) {
    const Lanes next = load(values + n);
    largest = next > largest ? next : largest;
  }
  float result = largest[0];
  for (int32_t lane = 1; lane < kLanes; ++lane) result = largest[lane] > result ? largest[lane] : result;
  return result;
}

/// Computes the attention of adversary k; returns the log of the sum of e^x.
float attend(const Instance& text, int32_t k) {
  const float* logs = text.logs + k * text.width;
  float* attention = text.attention + k * text.width;
  const float largest = largest_of(logs, text.width);
  NOTNOT_SIMD
  for (int32_t n = 0; n < text.width; ++n) attention[n] = attention_weight(logs[n] - largest);
  const float sum = sum_of(attention, text.width), factor = 1.0F / sum;
  NOTNOT_SIMD
  for (int32_t n = 0; n < text.width; ++n) attention[n] *= factor;
  return largest + logarithm(sum);
}

float probability_of(const InstanceAdversary& args, const Instance& text, int32_t k) {
  return sigmoid(args.output_bias[0] + sum_of_products(text.attention + k * text.width, text.contribution, text.width));
}

/// dloss / dalpha of all adversaries: for each its own terms, and for each pair one term that both get.
void slopes(const InstanceAdversary& args, const Instance& text, float base_probability) {
  const SlopeWeights<float> weights(args.adversaries);
  for (int32_t k = 0; k < args.adversaries; ++k) {
    const float* attention = text.attention + k * text.width;
    float* slope = text.slope + k * text.width;
    const float dlogit = hinge_gradient(probability_of(args, text, k), base_probability, args.hinge, args.tolerance);
    NOTNOT_SIMD
    for (int32_t n = 0; n < text.width; ++n) {
      slope[n] = dlogit * text.contribution[n] - weights.own * entropy_slope(attention[n]) +
                 weights.base * entropy_slope(0.5F * (attention[n] + text.base[n]));
    }
    for (int32_t j = 0; j < k; ++j) {
      const float* other = text.attention + j * text.width;
      float* other_slope = text.slope + j * text.width;
      NOTNOT_SIMD
      for (int32_t n = 0; n < text.width; ++n) {
        const float shared = weights.cross * entropy_slope(0.5F * (attention[n] + other[n]));
        slope[n] += shared;
        other_slope[n] += shared;
      }
    }
  }
}

/// Softmax backward and one step of Adam for adversary k.
void step(const Instance& text, int32_t k, const AdamStepScalars& scalars) {
  const AdamHyper hyper;
  const int32_t row = k * text.width;
  const float *attention = text.attention + row, *slope = text.slope + row;
  float *logs = text.logs + row, *first = text.first_moment + row, *second = text.second_moment + row,
        *largest = text.largest_second_moment + row;
  const float mean = sum_of_products(attention, slope, text.width);
  NOTNOT_SIMD
  for (int32_t n = 0; n < text.width; ++n) {
    AdamElement<float> element{logs[n], first[n], second[n], largest[n]};
    adam_update(element, attention[n] * (slope[n] - mean), hyper, scalars);
    logs[n] = element.parameter;
    first[n] = element.first_moment;
    second[n] = element.second_moment;
    largest[n] = element.largest_second_moment;
  }
}

void finish(const InstanceAdversary& args, const Instance& text, int32_t sequence) {
  for (int32_t k = 0; k < args.adversaries; ++k) {
    const float log_sum = attend(text, k);
    const float *logs = text.logs + k * text.width, *attention = text.attention + k * text.width;
    float* result = &args.log_attention[int64_t{k} * args.tokens + text.begin];
    result[-1] = result[text.words] = -__builtin_inff();
    for (int32_t n = 0; n < text.words; ++n) result[n] = logs[n] - log_sum;
    const int64_t out = int64_t{k} * args.sequences + sequence;
    args.probability[out] = probability_of(args, text, k);
    NOTNOT_SIMD
    for (int32_t n = 0; n < text.width; ++n) text.slope[n] = divergence_term(attention[n], text.base[n]);
    args.divergence[out] = sum_of(text.slope, text.width);
  }
}

}  // namespace

void instance_adversary(const Device& device, const InstanceAdversary& args) {
  const int64_t cost = int64_t{args.steps + 1} * args.adversaries * args.adversaries * (args.tokens / args.sequences);
  parallel_for(device.threads, args.sequences, cost, [&](int32_t b) {
    const Instance text(args, b);
    read_text(args, text);
    for (int32_t t = 0; t < args.steps; ++t) {
      for (int32_t k = 0; k < args.adversaries; ++k) attend(text, k);
      slopes(args, text, args.base_probability[b]);
      for (int32_t k = 0; k < args.adversaries; ++k) step(text, k, args.scalars[t]);
    }
    finish(args, text, b);
  });
}

}  // namespace notnot::NOTNOT_CPU_NAMESPACE
