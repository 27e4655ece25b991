// Two matrix products around one pass over each sequence: the first gives W_a h, the pass does everything from the
// attention's tanh to the gradient before it, the second carries that gradient back to h. Sequences are independent.
#include "kernels/attention_head.h"
#include "kernels/attention_head_math.h"
#include "kernels/base/cpu.h"

namespace notnot::NOTNOT_CPU_NAMESPACE {
namespace {

/// One sequence: its word tokens are begin..end-1, between the two boundary tokens.
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

/// Turns scores in log_attention[words] into log-softmax.
void log_softmax(const Span<float>& log_attention, Words words) {
  float largest = log_attention[words.begin];
  for (int32_t n = words.begin; n < words.end; ++n) largest = log_attention[n] > largest ? log_attention[n] : largest;
  double sum = 0;  // one number per sequence: double keeps 4,000 tokens within an ulp
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

void loss_of_sequence(const AttentionHeadTrain& args, int32_t sequence) {
  LossGradient<float> result;
  if (args.objective == Objective::classify) {
    const int32_t label = args.labels[sequence];
    result = classification_loss(args.forward.logit[sequence], label, label == 1 ? args.positive_weight : 1.0F);
  } else {
    args.divergence[sequence] = divergence_of(args, words_of(args.forward.batch, sequence));
    result = adversarial_loss(args.forward.probability[sequence], args.base_probability[sequence],
                              args.divergence[sequence], args.scale[0], args.tvd_factor, args.lambda);
  }
  args.loss[sequence] = result.loss;
  args.dlogit[sequence] = result.dlogit;
}

/// The direct part of dhidden, g alpha_n w; the boundary tokens get zeros.
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

/// activation := d(W_a h + b_a), and this sequence's part of dv in `dvector` [A].
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

/// Softmax backward with the KL term, for learned attention.
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
    mean += static_cast<double>(attention_of(forward.log_attention[n]) * args.dscore[n]);
  }
  float* dvector = &args.workspace[int64_t{sequence} * forward.attention_width];
  __builtin_memset(dvector, 0, static_cast<size_t>(forward.attention_width) * sizeof(float));
  for (int32_t n = words.begin; n < words.end; ++n) {
    const float log_ratio = adversary ? forward.log_attention[n] - args.base_log_attention[n] : 0.0F;
    args.dscore[n] = attention_score_gradient(attention_of(forward.log_attention[n]), args.dscore[n],
                                              static_cast<float>(mean), kl_factor, log_ratio, divergence);
    activation_gradient(args, n, dvector);
  }
  for (const int32_t boundary : {words.begin - 1, words.end}) {
    args.dscore[boundary] = 0;
    __builtin_memset(&forward.activation[int64_t{boundary} * forward.attention_width], 0,
                     static_cast<size_t>(forward.attention_width) * sizeof(float));
  }
}

/// The workspace behind the per-sequence parts of dv.
Span<float> sum_workspace(const AttentionHeadTrain& args) {
  const int64_t partials = int64_t{args.forward.batch.sequences} * args.forward.attention_width;
  return args.workspace.subspan(partials, args.workspace.size - partials);
}

/// W_a h for all tokens; the bias joins in attention_score.
void attention_projection(const Device& device, const AttentionHeadForward& args) {
  cpu::matmul(device, {.rows = args.batch.tokens,
                       .inner = args.width,
                       .columns = args.attention_width,
                       .a = args.hidden,
                       .b = args.attention_weight_transposed,
                       .c = args.activation});
}

void attention_parameter_gradients(const Device& device, const AttentionHeadTrain& args) {
  const AttentionHeadForward& forward = args.forward;
  const int32_t tokens = forward.batch.tokens, sequences = forward.batch.sequences;
  const int32_t width = forward.width, attention_width = forward.attention_width;
  const int64_t end = forward.batch.offsets[sequences];
  __builtin_memset(forward.activation.data + end * attention_width, 0,
                   static_cast<size_t>((tokens - end) * attention_width) * sizeof(float));
  const Span<float> scratch = sum_workspace(args);
  cpu::column_sum(device, {.rows = sequences,
                           .columns = attention_width,
                           .values = args.workspace,
                           .scale = {},
                           .sums = args.dattention_vector,
                           .second_sums = {},
                           .workspace = scratch});
  cpu::column_sum(device, {.rows = tokens,
                           .columns = attention_width,
                           .values = forward.activation,
                           .scale = {},
                           .sums = args.dattention_bias,
                           .second_sums = {},
                           .workspace = scratch});
  cpu::weight_gradient(device, {.rows = tokens,
                                .outputs = attention_width,
                                .inputs = width,
                                .a_stride = attention_width,
                                .b_stride = width,
                                .a = forward.activation,
                                .b = forward.hidden,
                                .c = args.dattention_weight});
  cpu::matmul(device, {.rows = tokens,
                       .inner = attention_width,
                       .columns = width,
                       .a = forward.activation,
                       .b = args.attention_weight,
                       .c = args.dhidden,
                       .accumulate = true});
}

}  // namespace

void attention_head_forward(const Device& device, const AttentionHeadForward& args) {
  if (args.kind == AttentionKind::learned) attention_projection(device, args);
#pragma omp parallel for num_threads(device.threads) schedule(dynamic)
  for (int32_t b = 0; b < args.batch.sequences; ++b) forward_sequence(args, b);
}

void attention_head_train(const Device& device, const AttentionHeadTrain& args) {
  const AttentionHeadForward& forward = args.forward;
  const bool learned = forward.kind == AttentionKind::learned;
  if (learned) attention_projection(device, forward);
#pragma omp parallel for num_threads(device.threads) schedule(dynamic)
  for (int32_t b = 0; b < forward.batch.sequences; ++b) {
    forward_sequence(forward, b);
    loss_of_sequence(args, b);
    hidden_gradient(args, b);
    if (learned) attention_gradient(args, b);
  }
  const int32_t sequences = forward.batch.sequences;
  const Span<float> scratch = sum_workspace(args);
  cpu::column_sum(device, {.rows = sequences,
                           .columns = 1,
                           .values = args.dlogit,
                           .scale = {},
                           .sums = args.doutput_bias,
                           .second_sums = {},
                           .workspace = scratch});
  cpu::column_sum(device, {.rows = sequences,
                           .columns = forward.width,
                           .values = forward.context,
                           .scale = args.dlogit,
                           .sums = args.doutput_weight,
                           .second_sums = {},
                           .workspace = scratch});
  if (learned) attention_parameter_gradients(device, args);
}

}  // namespace notnot::NOTNOT_CPU_NAMESPACE
