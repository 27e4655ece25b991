// Two matrix products around one pass over each sequence. The first product gives W_a h. The pass goes from the
// attention's tanh to the loss and back to the gradient before the tanh. The second product carries that gradient back
// to h. Sequences are independent.
#include "kernels/attention_head.h"
#include "kernels/attention_head_math.h"
#include "kernels/base/cpu.h"

namespace notnot::NOTNOT_CPU_NAMESPACE {
namespace {

/// The word tokens begin..end-1 of one sequence. A boundary token stands before them and one behind them.
struct Words {
  int32_t begin = 0, end = 0;
};
Words words_of(const RaggedBatch& batch, int32_t sequence) {
  return {batch.offsets[sequence] + 1, batch.offsets[sequence + 1] - 1};
}

/// activation[n] = tanh(W_a h_n + b_a); returns v . activation[n].
float attention_score(const AttentionHeadForward& args, int32_t token) {
  float* activation = &args.activation[int64_t{token} * args.attention_width];
  const float* bias = args.attention_bias.data;
  NOTNOT_SIMD
  for (int32_t j = 0; j < args.attention_width; ++j) activation[j] = hyperbolic_tangent(activation[j] + bias[j]);
  return dot(activation, args.attention_vector.data, args.attention_width);
}

/// Turns the scores in log_attention[words] into their log-softmax.
void log_softmax(const Span<float>& log_attention, Words words) {
  float largest = log_attention[words.begin];
  for (int32_t n = words.begin; n < words.end; ++n) largest = log_attention[n] > largest ? log_attention[n] : largest;
  double sum = 0;  // in double, a sum over 4,000 tokens is right to an ulp of float
  for (int32_t n = words.begin; n < words.end; ++n) sum += static_cast<double>(exponential(log_attention[n] - largest));
  const auto log_sum = static_cast<float>(__builtin_log(sum));
  for (int32_t n = words.begin; n < words.end; ++n) log_attention[n] = log_attention[n] - largest - log_sum;
}

float attention_of(float log_attention) {
  return log_attention > -87.0F ? exponential(log_attention) : __builtin_expf(log_attention);
}

/// Log-attention, context, logit and probability of one sequence.
void forward_sequence(const AttentionHeadForward& args, int32_t sequence) {
  const Words words = words_of(args.batch, sequence);
  const int32_t width = args.width;
  args.log_attention[words.begin - 1] = args.log_attention[words.end] = -__builtin_inff();
  if (args.kind == AttentionKind::learned) {
    for (int32_t n = words.begin; n < words.end; ++n) args.log_attention[n] = attention_score(args, n);
    log_softmax(args.log_attention, words);
  } else {
    const float uniform = -__builtin_logf(static_cast<float>(words.end - words.begin));
    for (int32_t n = words.begin; n < words.end; ++n) {
      args.log_attention[n] = args.kind == AttentionKind::uniform ? uniform : args.given_log_attention[n];
    }
  }
  float* context = &args.context[int64_t{sequence} * width];
  for (int32_t j = 0; j < width; ++j) context[j] = 0;
  for (int32_t n = words.begin; n < words.end; ++n) {
    const float* hidden = &args.hidden[int64_t{n} * width];
    const float attention = attention_of(args.log_attention[n]);
    NOTNOT_SIMD
    for (int32_t j = 0; j < width; ++j) context[j] += attention * hidden[j];
  }
  args.logit[sequence] = dot(context, args.output_weight.data, width) + args.output_bias[0];
  args.probability[sequence] = sigmoid(args.logit[sequence]);
}

float divergence_of(const AttentionHeadTrain& args, Words words) {
  double sum = 0;
  for (int32_t n = words.begin; n < words.end; ++n) {
    const float log_attention = args.forward.log_attention[n];
    sum += static_cast<double>(attention_of(log_attention) * (log_attention - args.base_log_attention[n]));
  }
  return static_cast<float>(sum);
}

/// The means over the other members of the group, at one word.
PeerDistance<float> distance_from_peers(const AttentionHeadTrain& args, int32_t token) {
  const float log_attention = args.forward.log_attention[token], attention = attention_of(log_attention);
  PeerDistance<float> sum = {0, 0};
  for (int32_t k = 0; k < args.members; ++k) {
    if (k == args.member) continue;
    const float peer = args.group_log_attention[int64_t{k} * args.forward.batch.tokens + token];
    const PeerDistance<float> distance = peer_distance(log_attention, attention, peer, attention_of(peer));
    sum.log_ratio += distance.log_ratio;
    sum.divergence += distance.divergence;
  }
  const auto others = static_cast<float>(args.members - 1);
  return {sum.log_ratio / others, sum.divergence / others};
}

float peer_divergence_of(const AttentionHeadTrain& args, Words words) {
  double sum = 0;
  for (int32_t n = words.begin; n < words.end; ++n) sum += static_cast<double>(distance_from_peers(args, n).divergence);
  return static_cast<float>(sum);
}

void loss_of_sequence(const AttentionHeadTrain& args, int32_t sequence) {
  LossGradient<float> result;
  if (args.objective == Objective::classify) {
    const int32_t label = args.labels[sequence];
    result = classification_loss(args.forward.logit[sequence], label, label == 1 ? args.positive_weight : 1.0F);
  } else if (args.objective == Objective::logit) {
    result = {args.forward.logit[sequence], 1.0F};
  } else {
    const Words words = words_of(args.forward.batch, sequence);
    float divergence = args.divergence[sequence] = divergence_of(args, words);
    if (args.members > 1) divergence += args.peer_divergence[sequence] = peer_divergence_of(args, words);
    result = adversarial_loss(args.forward.probability[sequence], args.base_probability[sequence], divergence,
                              args.scale[0], args.tvd_factor, args.lambda);
  }
  args.loss[sequence] = result.loss;
  args.dlogit[sequence] = result.dlogit;
}

/// The part of dhidden that comes through the context, dlogit alpha_n w; zeros at the boundary tokens.
void hidden_gradient(const AttentionHeadTrain& args, int32_t sequence) {
  const AttentionHeadForward& forward = args.forward;
  const int32_t width = forward.width;
  for (int32_t n = forward.batch.offsets[sequence]; n < forward.batch.offsets[sequence + 1]; ++n) {
    const float factor = args.dlogit[sequence] * attention_of(forward.log_attention[n]);
    float* dhidden = &args.dhidden[int64_t{n} * width];
    NOTNOT_SIMD
    for (int32_t j = 0; j < width; ++j) dhidden[j] = factor * forward.output_weight[j];
  }
}

/// activation := d(W_a h + b_a); adds the token's part of dattention_vector to `dvector` [A].
void activation_gradient(const AttentionHeadTrain& args, int32_t token, float* dvector) {
  const int32_t width = args.forward.attention_width;
  float* activation = &args.forward.activation[int64_t{token} * width];
  const float* vector = args.forward.attention_vector.data;
  const float dscore = args.dscore[token];
  NOTNOT_SIMD
  for (int32_t j = 0; j < width; ++j) {
    dvector[j] += dscore * activation[j];
    activation[j] = dscore * vector[j] * (1.0F - activation[j] * activation[j]);
  }
}

/// The gradients of the scores (softmax backward with the KL term) and of the activations; only for learned attention.
void attention_gradient(const AttentionHeadTrain& args, int32_t sequence) {
  const AttentionHeadForward& forward = args.forward;
  const Words words = words_of(forward.batch, sequence);
  const bool adversary = args.objective == Objective::adversary;
  const float kl_factor = adversary ? args.scale[0] * args.lambda : 0.0F;
  const float divergence = adversary ? args.divergence[sequence] : 0.0F;
  double mean = 0;
  for (int32_t n = words.begin; n < words.end; ++n) {
    args.dscore[n] = args.dlogit[sequence] *
                     dot(forward.output_weight.data, &forward.hidden[int64_t{n} * forward.width], forward.width);
    if (adversary && args.members > 1) args.dscore[n] -= kl_factor * distance_from_peers(args, n).log_ratio;
    mean += static_cast<double>(attention_of(forward.log_attention[n]) * args.dscore[n]);
  }
  float* dvector = &args.workspace[int64_t{sequence} * forward.attention_width];
  __builtin_memset(dvector, 0, forward.attention_width * sizeof(float));
  for (int32_t n = words.begin; n < words.end; ++n) {
    const float log_ratio = adversary ? forward.log_attention[n] - args.base_log_attention[n] : 0.0F;
    args.dscore[n] = attention_score_gradient(attention_of(forward.log_attention[n]), args.dscore[n],
                                              static_cast<float>(mean), kl_factor, log_ratio, divergence);
    activation_gradient(args, n, dvector);
  }
  for (const int32_t boundary : {words.begin - 1, words.end}) {
    args.dscore[boundary] = 0;
    __builtin_memset(&forward.activation[int64_t{boundary} * forward.attention_width], 0,
                     forward.attention_width * sizeof(float));
  }
}

/// What the forward pass of a text of mean length costs, for parallel_for: a tanh is worth some eight operations.
int64_t cost_of_text(const AttentionHeadForward& args) {
  const int64_t words = args.batch.tokens / (args.batch.sequences + 1);
  return words * (2 * args.width + 8 * args.attention_width);
}

/// The products of add_head_gradients sum all rows of the activations.
void clear_slack(const AttentionHeadForward& args) {
  const int64_t width = args.attention_width, end = args.batch.offsets[args.batch.sequences];
  __builtin_memset(args.activation.data + end * width, 0, (args.batch.tokens - end) * width * sizeof(float));
}

}  // namespace

void attention_head_forward(const Device& device, const AttentionHeadForward& args) {
  multiply_hidden(device, args);
  parallel_for(device.threads, args.batch.sequences, cost_of_text(args), [&](int32_t b) { forward_sequence(args, b); });
}

void attention_head_train(const Device& device, const AttentionHeadTrain& args) {
  const AttentionHeadForward& forward = args.forward;
  const bool learned = forward.kind == AttentionKind::learned;
  multiply_hidden(device, forward);
  parallel_for(device.threads, forward.batch.sequences, 3 * cost_of_text(forward), [&](int32_t b) {
    forward_sequence(forward, b);
    loss_of_sequence(args, b);
    hidden_gradient(args, b);
    if (learned) attention_gradient(args, b);
  });
  if (learned) clear_slack(forward);
  add_to_dhidden(device, args);
}

}  // namespace notnot::NOTNOT_CPU_NAMESPACE
