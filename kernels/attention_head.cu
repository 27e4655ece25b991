// Two matrix products around one pass over each sequence, as on the CPU. The first product gives W_a h. The pass goes
// from the attention's tanh to the loss and back to the gradient before the tanh. The second product carries that
// gradient back to h. A sequence has one block, also in training: so the loss needs no second launch, and no sum leaves
// the block. The order of the sums depends only on the sequence's length and the widths.
//
// Floor, bytes per token: forward reads and writes the activations and reads h, 4 (2 A + D) = 2 KiB at D = 256, A =
// 128; training reads h, reads and writes the activations and writes dh, 3 KiB more. A block has some 16 KiB of loads
// in flight, that is about 25 GB/s. So 20 tokens take a microsecond and the launch dominates; 4,000 tokens take some
// 0.5 ms beside 4 ms of recurrence (estimates).
#include "kernels/attention_head.h"
#include "kernels/attention_head_math.h"
#include "kernels/base/launch.cuh"

namespace notnot::cuda {
namespace {

constexpr int kThreads = 512;
constexpr int kBlocksPerSm = 2;  // one computes while the other waits at a barrier or for memory
constexpr int kRegisters = 64;   // per thread; tests/scripts/kernel_budgets.py holds them to it
constexpr int kWarps = kThreads / 32;
constexpr int kInFlight = 8;  // loads that a thread issues before it stores over what it read
constexpr unsigned kFullWarp = 0xFFFFFFFFU;
static_assert(kBlocksPerSm * kThreads * kRegisters <= 64 * 1024, "the registers of an SM");
static_assert(2 * kInFlight + 46 <= kRegisters, "values and score gradients in flight, 46 for all else");

/// Dynamic shared memory of a block.
struct Shared {
  float of_warp[kWarps];      // block reductions
  float of_thread[kThreads];  // partial sums of a column
  float attention[kThreads];  // weights of a tile of tokens
};
static_assert(sizeof(Shared) == 4'160, "as in kernels/budgets.md");
static_assert(sizeof(Shared) <= 48 * 1024, "what every device has");

// --- block-wide helpers ----------------------------------------------------------------------------------------------

struct Sum {
  static __device__ float combine(float a, float b) { return a + b; }
};
struct Largest {
  static __device__ float combine(float a, float b) { return a > b ? a : b; }
};

/// A butterfly over the warp: every lane gets the same value.
template <class Operation>
__device__ float reduce_warp(float value) {
  for (int mask = 16; mask > 0; mask /= 2) {
    value = Operation::combine(value, __shfl_xor_sync(kFullWarp, value, mask));
  }
  return value;
}

/// Every thread of the block gets the same value. It is a barrier, too: all threads see what any wrote before.
template <class Operation>
__device__ float reduce_block(float value, Shared& shared) {
  value = reduce_warp<Operation>(value);
  __syncthreads();  // another warp may still read the partial values of the last reduction
  if (threadIdx.x % 32 == 0) shared.of_warp[threadIdx.x / 32] = value;
  __syncthreads();
  value = shared.of_warp[0];
  for (int warp = 1; warp < kWarps; ++warp) value = Operation::combine(value, shared.of_warp[warp]);
  return value;
}

/// The block as `groups` groups of `columns` threads. A group takes every groups-th token, a thread one column of it.
struct ColumnGroups {
  int columns, groups, group, column;

  explicit __device__ ColumnGroups(int width)
      : columns(width < kThreads ? width : kThreads),
        groups(kThreads / columns),
        group(static_cast<int>(threadIdx.x) / columns),
        column(static_cast<int>(threadIdx.x) % columns) {}
  __device__ bool has_work(int first, int width) const { return group < groups && first + column < width; }
  /// Adds the groups' partial sums in order. Only group 0 gets the sum.
  __device__ float add_groups(float partial, Shared& shared) const {
    __syncthreads();
    shared.of_thread[threadIdx.x] = partial;
    __syncthreads();
    if (group > 0) return 0;
    float sum = 0;
    for (int g = 0; g < groups; ++g) sum += shared.of_thread[g * columns + column];
    return sum;
  }
};

/// The tokens begin..end-1 of a block's sequence. The first and the last one are no words.
struct Tokens {
  int begin, end;
  __device__ bool is_word(int token) const { return token > begin && token + 1 < end; }
};

/// Exactly 0 at boundary tokens, and where a given weight is 0.
__device__ float attention_of(float log_attention) {
  return log_attention > -INFINITY ? exponential(log_attention) : 0.0F;
}

// --- forward ---------------------------------------------------------------------------------------------------------

/// activation = tanh(activation + b_a); returns v . activation. One warp does it.
__device__ float activate_token(const AttentionHeadForward& args, int token) {
  const int lane = static_cast<int>(threadIdx.x) % 32, width = args.attention_width;
  float* const activation = args.activation.data + int64_t{token} * width;
  float score = 0;
  for (int first = lane; first < width; first += 32 * kInFlight) {
    float values[kInFlight];
#pragma unroll
    for (int i = 0; i < kInFlight; ++i) values[i] = first + 32 * i < width ? activation[first + 32 * i] : 0;
#pragma unroll
    for (int i = 0; i < kInFlight; ++i) {
      const int j = first + 32 * i;
      if (j >= width) break;
      activation[j] = values[i] = hyperbolic_tangent(values[i] + args.attention_bias[j]);
      score = fmaf(args.attention_vector[j], values[i], score);
    }
  }
  return reduce_warp<Sum>(score);
}

/// Computes the activations of all tokens, and their scores into log_attention; a warp per token.
__device__ void score_tokens(const AttentionHeadForward& args, Tokens tokens) {
  for (int n = tokens.begin + static_cast<int>(threadIdx.x) / 32; n < tokens.end; n += kWarps) {
    const float score = activate_token(args, n);
    if (threadIdx.x % 32 == 0) args.log_attention[n] = score;
  }
  __syncthreads();
}

/// Turns the scores into their log-softmax over the words.
__device__ void log_softmax(const AttentionHeadForward& args, Tokens tokens, Shared& shared) {
  const int first = tokens.begin + 1 + static_cast<int>(threadIdx.x), end = tokens.end - 1;
  float largest = -INFINITY;
  for (int n = first; n < end; n += kThreads) largest = Largest::combine(largest, args.log_attention[n]);
  largest = reduce_block<Largest>(largest, shared);
  float sum = 0;
  for (int n = first; n < end; n += kThreads) sum += exponential(args.log_attention[n] - largest);
  const float log_sum = std::log(reduce_block<Sum>(sum, shared));
  for (int n = first; n < end; n += kThreads) args.log_attention[n] = args.log_attention[n] - largest - log_sum;
}

__device__ void attend(const AttentionHeadForward& args, Tokens tokens, Shared& shared) {
  if (args.kind == AttentionKind::learned) {
    score_tokens(args, tokens);
    log_softmax(args, tokens, shared);
  } else {
    const float uniform = -std::log(static_cast<float>(tokens.end - tokens.begin - 2));
    for (int n = tokens.begin + 1 + static_cast<int>(threadIdx.x); n < tokens.end - 1; n += kThreads) {
      args.log_attention[n] = args.kind == AttentionKind::uniform ? uniform : args.given_log_attention[n];
    }
  }
  if (threadIdx.x == 0) args.log_attention[tokens.begin] = args.log_attention[tokens.end - 1] = -INFINITY;
  __syncthreads();
}

/// Returns this thread's part of sum_n alpha_n h_n at one column. All threads of the block call it.
__device__ float weighted_column(const AttentionHeadForward& args, Tokens tokens, const ColumnGroups& groups, int first,
                                 Shared& shared) {
  float sum = 0;
  for (int tile = tokens.begin; tile < tokens.end; tile += kThreads) {
    const int count = min(kThreads, tokens.end - tile), own = static_cast<int>(threadIdx.x);
    __syncthreads();
    if (own < count) shared.attention[own] = attention_of(args.log_attention[tile + own]);
    __syncthreads();
    if (!groups.has_work(first, args.width)) continue;
    const float* const hidden = args.hidden.data + int64_t{tile} * args.width + first + groups.column;
#pragma unroll 8
    for (int i = groups.group; i < count; i += groups.groups) {
      sum = fmaf(shared.attention[i], hidden[int64_t{i} * args.width], sum);
    }
  }
  return sum;
}

/// Computes context, logit and probability; returns w . context in all threads.
__device__ float read_out(const AttentionHeadForward& args, Tokens tokens, Shared& shared) {
  const ColumnGroups groups(args.width);
  float part = 0;
  for (int first = 0; first < args.width; first += groups.columns) {
    const float sum = groups.add_groups(weighted_column(args, tokens, groups, first, shared), shared);
    if (groups.group > 0 || !groups.has_work(first, args.width)) continue;
    const int column = first + groups.column;
    args.context[int64_t{blockIdx.x} * args.width + column] = sum;
    part = fmaf(args.output_weight[column], sum, part);
  }
  const float product = reduce_block<Sum>(part, shared);
  if (threadIdx.x == 0) {
    args.logit[blockIdx.x] = product + args.output_bias[0];
    args.probability[blockIdx.x] = sigmoid(product + args.output_bias[0]);
  }
  return product;
}

__device__ float forward_sequence(const AttentionHeadForward& args, Tokens tokens, Shared& shared) {
  attend(args, tokens, shared);
  return read_out(args, tokens, shared);
}

__device__ Tokens block_tokens(const RaggedBatch& batch) {
  return {batch.offsets[blockIdx.x], batch.offsets[blockIdx.x + 1]};
}

__global__ void __launch_bounds__(kThreads) forward_kernel(const AttentionHeadForward args) {
  forward_sequence(args, block_tokens(args.batch), *dynamic_shared<Shared>());
}

// --- loss and gradients ----------------------------------------------------------------------------------------------

/// The numbers of a sequence that the gradients of its tokens need; the same in all threads.
struct SequenceGradient {
  float dlogit;
  float mean_dattention;  // sum_k alpha_k dalpha_k: dlogit (w . context), and the part of the other members
  float kl_factor, divergence;
};

__device__ float divergence_of(const AttentionHeadTrain& args, Tokens tokens, Shared& shared) {
  float sum = 0;
  for (int n = tokens.begin + 1 + static_cast<int>(threadIdx.x); n < tokens.end - 1; n += kThreads) {
    const float log_attention = args.forward.log_attention[n];
    sum = fmaf(attention_of(log_attention), log_attention - args.base_log_attention[n], sum);
  }
  return reduce_block<Sum>(sum, shared);
}

/// Returns the mean JSD from the other members of the group, and takes their part off gradient.mean_dattention. Leaves
/// the mean log(alpha_n / m_n) in dscore for score_gradient; the reductions are the barrier before it.
__device__ float divergence_from_peers(const AttentionHeadTrain& args, Tokens tokens, SequenceGradient& gradient,
                                       Shared& shared) {
  const Divisor<float> others(static_cast<float>(args.members - 1));
  float divergence = 0, mean_log_ratio = 0;
  for (int n = tokens.begin + 1 + static_cast<int>(threadIdx.x); n < tokens.end - 1; n += kThreads) {
    const float log_attention = args.forward.log_attention[n], attention = attention_of(log_attention);
    PeerDistance<float> sum = {0, 0};
    for (int k = 0; k < args.members; ++k) {
      if (k == args.member) continue;
      const float peer = args.group_log_attention[int64_t{k} * args.forward.batch.tokens + n];
      const PeerDistance<float> distance = peer_distance(log_attention, attention, peer, attention_of(peer));
      sum.log_ratio += distance.log_ratio;
      sum.divergence += distance.divergence;
    }
    args.dscore[n] = others.minus_quotient(0, -sum.log_ratio);
    mean_log_ratio = fmaf(attention, args.dscore[n], mean_log_ratio);
    divergence = others.minus_quotient(divergence, -sum.divergence);
  }
  gradient.mean_dattention -= gradient.kl_factor * reduce_block<Sum>(mean_log_ratio, shared);
  return reduce_block<Sum>(divergence, shared);
}

__device__ SequenceGradient sequence_loss(const AttentionHeadTrain& args, Tokens tokens, float product,
                                          Shared& shared) {
  const int b = blockIdx.x;
  const float logit = product + args.forward.output_bias[0];
  LossGradient<float> result;
  SequenceGradient gradient = {};
  if (args.objective == Objective::classify) {
    result = classification_loss(logit, args.labels[b], args.labels[b] == 1 ? args.positive_weight : 1.0F);
  } else if (args.objective == Objective::logit) {
    result = {logit, 1.0F};
  } else {
    gradient.kl_factor = args.scale[0] * args.lambda;
    gradient.divergence = divergence_of(args, tokens, shared);
    float divergence = gradient.divergence;
    if (args.members > 1) {
      const float from_peers = divergence_from_peers(args, tokens, gradient, shared);
      divergence += from_peers;
      if (threadIdx.x == 0) args.peer_divergence[b] = from_peers;
    }
    result = adversarial_loss(sigmoid(logit), args.base_probability[b], divergence, args.scale[0], args.tvd_factor,
                              args.lambda);
    if (threadIdx.x == 0) args.divergence[b] = gradient.divergence;
  }
  gradient.dlogit = result.dlogit;
  gradient.mean_dattention += result.dlogit * product;
  if (threadIdx.x == 0) {
    args.loss[b] = result.loss;
    args.dlogit[b] = result.dlogit;
  }
  return gradient;
}

/// Returns du_n; `dattention` is dalpha_n.
__device__ float score_gradient(const AttentionHeadTrain& args, Tokens tokens, const SequenceGradient& gradient,
                                int token, float dattention) {
  if (!tokens.is_word(token)) return 0;
  if (args.members > 1) dattention -= gradient.kl_factor * args.dscore[token];
  const float log_attention = args.forward.log_attention[token];
  const float log_ratio = args.objective == Objective::adversary ? log_attention - args.base_log_attention[token] : 0;
  return attention_score_gradient(attention_of(log_attention), dattention, gradient.mean_dattention, gradient.kl_factor,
                                  log_ratio, gradient.divergence);
}

/// The part of dhidden that comes through the context, dlogit alpha_n w, and the scores' gradients; a warp per token.
__device__ void token_gradients(const AttentionHeadTrain& args, Tokens tokens, const SequenceGradient& gradient) {
  const AttentionHeadForward& forward = args.forward;
  const int lane = static_cast<int>(threadIdx.x) % 32, width = forward.width;
  const float* const weight = forward.output_weight.data;
  for (int n = tokens.begin + static_cast<int>(threadIdx.x) / 32; n < tokens.end; n += kWarps) {
    if (forward.kind == AttentionKind::learned) {
      const float* const hidden = forward.hidden.data + int64_t{n} * width;
      float dot = 0;
#pragma unroll 8
      for (int j = lane; j < width; j += 32) dot = fmaf(weight[j], hidden[j], dot);
      dot = reduce_warp<Sum>(dot);
      if (lane == 0) args.dscore[n] = score_gradient(args, tokens, gradient, n, gradient.dlogit * dot);
    }
    float* const dhidden = args.dhidden.data + int64_t{n} * width;
    const float factor = gradient.dlogit * attention_of(forward.log_attention[n]);
    for (int j = lane; j < width; j += 32) dhidden[j] = factor * weight[j];
  }
  __syncthreads();
}

/// activation := d(W_a h + b_a) at one column of this thread's tokens; returns their part of dattention_vector.
__device__ float activation_gradient(const AttentionHeadTrain& args, Tokens tokens, const ColumnGroups& groups,
                                     int column) {
  const int width = args.forward.attention_width;
  float* const activations = args.forward.activation.data + column;
  const float vector = args.forward.attention_vector[column];
  float dvector = 0;
  for (int first = tokens.begin + groups.group; first < tokens.end; first += groups.groups * kInFlight) {
    float values[kInFlight], dscores[kInFlight];
#pragma unroll
    for (int i = 0; i < kInFlight; ++i) {
      const int n = first + groups.groups * i;
      values[i] = n < tokens.end ? activations[int64_t{n} * width] : 0;
      dscores[i] = n < tokens.end ? args.dscore[n] : 0;
    }
#pragma unroll
    for (int i = 0; i < kInFlight; ++i) {
      const int n = first + groups.groups * i;
      if (n >= tokens.end) break;
      dvector = fmaf(dscores[i], values[i], dvector);
      activations[int64_t{n} * width] = dscores[i] * vector * (1.0F - values[i] * values[i]);
    }
  }
  return dvector;
}

/// The activations' gradients, zero at boundary tokens, and the sequence's part of dattention_vector into the workspace
/// [B, A].
__device__ void activation_gradients(const AttentionHeadTrain& args, Tokens tokens, Shared& shared) {
  const int width = args.forward.attention_width;
  const ColumnGroups groups(width);
  for (int first = 0; first < width; first += groups.columns) {
    const int column = first + groups.column;
    const bool work = groups.has_work(first, width);
    const float dvector = groups.add_groups(work ? activation_gradient(args, tokens, groups, column) : 0, shared);
    if (work && groups.group == 0) args.workspace[int64_t{blockIdx.x} * width + column] = dvector;
  }
}

__global__ void __launch_bounds__(kThreads, kBlocksPerSm) train_kernel(const AttentionHeadTrain args) {
  Shared& shared = *dynamic_shared<Shared>();
  const Tokens tokens = block_tokens(args.forward.batch);
  const float product = forward_sequence(args.forward, tokens, shared);
  token_gradients(args, tokens, sequence_loss(args, tokens, product, shared));
  const RaggedBatch& batch = args.forward.batch;
  const int end = batch.offsets[batch.sequences];
  if (args.forward.kind == AttentionKind::learned) {
    activation_gradients(args, tokens, shared);
    clear_rows(args.forward.activation.data, args.forward.attention_width, end, batch.tokens);
  }
  // The product that adds to dhidden reads whole tiles of rows.
  clear_rows(args.dhidden.data, args.forward.width, end, padded_rows(batch.tokens));
}

}  // namespace

// --- launchers -------------------------------------------------------------------------------------------------------

void attention_head_forward(const Device& device, const AttentionHeadForward& args) {
  const ProfileRange range("attention_head_forward");
  multiply_hidden(device, args);
  launch(device, "attention_head_forward", {dim3(args.batch.sequences), dim3(kThreads), sizeof(Shared)}, forward_kernel,
         args);
}

void attention_head_train(const Device& device, const AttentionHeadTrain& args) {
  const ProfileRange range("attention_head_train");
  multiply_hidden(device, args.forward);
  launch(device, "attention_head_train", {dim3(args.forward.batch.sequences), dim3(kThreads), sizeof(Shared)},
         train_kernel, args);
  add_to_dhidden(device, args);
}

}  // namespace notnot::cuda
