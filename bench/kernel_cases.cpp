#include "bench/kernel_cases.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "kernels/adam.h"
#include "kernels/attention_head.h"
#include "kernels/attention_permutation.h"
#include "kernels/bilstm.h"
#include "kernels/gemm.h"
#include "kernels/instance_adversary.h"
#include "kernels/matrix.h"
#include "kernels/token_projection.h"
#include "kernels/unique_tokens.h"
#include "tests/backends/device_data.h"

namespace notnot::bench {
namespace {

using Array = DeviceArray<float>;

// The largest differences are of sums of some hundred to thousand products, in another order: sqrt(1000) roundings.
constexpr double kSumTolerance = 5e-6, kElementTolerance = 1e-6;
// Clocks per step of kernels/bilstm_tensor.cu with eight sequences per block.
constexpr double kBf16x3ForwardClocks = 2350, kBf16x3BackwardClocks = 2450;
// Three products of bf16 for one of fp32, as tests/backends/bilstm_test.cpp counts their error.
constexpr double kBf16x3Tolerance = 1e-5;
// Clocks per step of kernels/instance_adversary.cu on up to 32 words.
constexpr double kAdversaryClocks = 1000;

double floats(double count) { return sizeof(float) * count; }

/// A batch on the host with the sizes that shapes and floors are made of.
struct Batch {
  explicit Batch(const Workload& w)
      : ragged(make_ragged(w.lengths, w.vocabulary, 1)),
        n(ragged.tokens()),
        u(ragged.unique()),
        b(ragged.sequences()) {}
  HostRagged ragged;
  int64_t n, u, b;
};

/// Workload and batch, shared by the cases.
struct Sizes : Workload {
  explicit Sizes(const Workload& w) : Workload(w), batch(w), e(w.embed), h(w.hidden), p(8 * h), d(2 * h), a(h) {}
  Batch batch;
  int64_t e, h, p, d, a;  ///< E, H, width of the projection, of a state, of the attention layer
  std::string tokens() const { return fmt::format("{} N={} U={}", name, batch.n, batch.u); }
};
using SizesPointer = std::shared_ptr<const Sizes>;

/// A Prepared whose closures keep `arrays` alive.
template <class Arrays>
Prepared prepared(const Device& device, std::shared_ptr<Arrays> arrays) {
  Prepared p;
  p.launch = [device, arrays] { arrays->launch(device); };
  p.result = [arrays] { return arrays->result(); };
  if constexpr (requires { arrays->reset(device); }) p.reset = [device, arrays] { arrays->reset(device); };
  return p;
}

template <class Arrays>
std::function<Prepared(const Device&)> preparing(const SizesPointer& sizes) {
  return [sizes](const Device& device) { return prepared(device, std::make_shared<Arrays>(device, *sizes)); };
}

Array normal_scale(const Device& device, int64_t size, uint64_t seed, int64_t fan_in) {
  return Array(device, random_floats(size, seed, 1 / std::sqrt(static_cast<float>(fan_in))));
}

// --- ids and embeddings ----------------------------------------------------------------------------------------------

struct FindUnique {
  FindUnique(const Device& device, const Sizes& sizes)
      : s(sizes),
        ids(device, s.batch.ragged.token_ids),
        unique_ids(device, s.batch.u),
        row(device, s.batch.n),
        offsets(device, s.batch.u + 1),
        occurrences(device, s.batch.n),
        workspace(device, unique_tokens_workspace(s.batch.n, s.vocabulary)) {}
  void launch(const Device& device) {
    unique_tokens(device, {.tokens = static_cast<int32_t>(s.batch.n),
                           .vocabulary = s.vocabulary,
                           .unique = static_cast<int32_t>(s.batch.u),
                           .token_ids = ids,
                           .unique_ids = unique_ids,
                           .unique_row = row,
                           .occurrence_offsets = offsets,
                           .occurrences = occurrences,
                           .workspace = workspace});
  }
  std::vector<float> result() {
    std::vector<float> all;
    for (const auto* array : {&unique_ids, &row, &offsets, &occurrences}) {
      for (const int32_t value : array->host()) all.push_back(static_cast<float>(value));
    }
    return all;
  }
  const Sizes& s;
  DeviceArray<int32_t> ids, unique_ids, row, offsets, occurrences, workspace;
};

struct ProjectForward {
  ProjectForward(const Device& device, const Sizes& sizes)
      : s(sizes),
        rows(device, random_floats(padded_rows(s.batch.u) * s.e, 2)),
        weight_transposed(normal_scale(device, s.e * weight_stride(s.p), 3, s.h)),
        bias(normal_scale(device, s.p, 4, s.h)),
        table(device, padded_rows(s.batch.u) * s.p) {}
  void launch(const Device& device) {
    token_projection_forward(device, {.count = static_cast<int32_t>(s.batch.u),
                                      .embed = s.embed,
                                      .width = static_cast<int32_t>(s.p),
                                      .rows = rows,
                                      .weight_transposed = weight_transposed,
                                      .bias = bias,
                                      .second_bias = {},
                                      .table = table});
  }
  std::vector<float> result() { return head(table.host(), s.batch.u * s.p); }
  const Sizes& s;
  Array rows, weight_transposed, bias, table;
};

/// The product of the projection for every token, which is what the distinct ids replace.
struct ProjectEveryToken {
  ProjectEveryToken(const Device& device, const Sizes& sizes)
      : s(sizes),
        words(device, random_floats(padded_rows(s.batch.n) * s.e, 2)),
        weight_transposed(normal_scale(device, s.e * weight_stride(s.p), 3, s.h)),
        values(device, padded_rows(s.batch.n) * s.p) {}
  void launch(const Device& device) {
    matmul(device, {.rows = static_cast<int32_t>(s.batch.n),
                    .inner = s.embed,
                    .columns = static_cast<int32_t>(s.p),
                    .b_stride = weight_stride(s.p),
                    .a = words,
                    .b = weight_transposed,
                    .c = values});
  }
  std::vector<float> result() { return head(values.host(), s.batch.n * s.p); }
  const Sizes& s;
  Array words, weight_transposed, values;
};

struct ProjectBackward {
  ProjectBackward(const Device& device, const Sizes& sizes)
      : s(sizes),
        batch(device, s.batch.ragged),
        rows(device, random_floats(padded_rows(s.batch.u) * s.e, 2)),
        table(device, padded_rows(s.batch.u) * s.p),
        weight(normal_scale(device, s.p * s.e, 3, s.h)),
        dvalues(device, random_floats(s.batch.n * s.p, 4)),
        dtable(device, padded_rows(s.batch.u) * s.p),
        dweight(device, std::vector<float>(static_cast<size_t>(s.p * s.e))),
        dbias(device, std::vector<float>(static_cast<size_t>(s.p))),
        drows(device, padded_rows(s.batch.u) * s.e),
        workspace(device, column_sum_workspace(s.batch.u, s.p)) {}
  void launch(const Device& device) {
    token_projection_backward(device, {.batch = batch.batch(),
                                       .embed = s.embed,
                                       .width = static_cast<int32_t>(s.p),
                                       .rows = rows,
                                       .table = table,
                                       .weight = weight,
                                       .dvalues = dvalues,
                                       .dtable = dtable,
                                       .dweight = dweight,
                                       .dbias = dbias,
                                       .second_dbias = {},
                                       .drows = drows,
                                       .workspace = workspace});
  }
  std::vector<float> result() {
    std::vector<float> all = dweight.host();
    const std::vector<float> more = head(drows.host(), s.batch.u * s.e);
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  const Sizes& s;
  DeviceRagged batch;
  Array rows, table, weight, dvalues, dtable, dweight, dbias, drows, workspace;
};

void add_token_cases(std::vector<KernelCase>& cases, const SizesPointer& s) {
  const auto n = static_cast<double>(s->batch.n), u = static_cast<double>(s->batch.u);
  const auto e = static_cast<double>(s->e), p = static_cast<double>(s->p);
  cases.push_back({.name = "unique_tokens",
                   .shape = s->tokens(),
                   .bytes = floats(3 * n + 2 * u),
                   .prepare = preparing<FindUnique>(s)});
  cases.push_back({.name = "token_projection_forward",
                   .shape = fmt::format("{} [U,{}]x[{},{}]", s->tokens(), s->e, s->e, s->p),
                   .flop = 2 * u * e * p,
                   .bytes = floats(u * e + e * p + u * p),
                   .tolerance = kSumTolerance,
                   .prepare = preparing<ProjectForward>(s)});
  cases.push_back({.name = "matmul, every token's projection (before: distinct ids)",
                   .shape = fmt::format("{} [N,{}]x[{},{}]", s->tokens(), s->e, s->e, s->p),
                   .flop = 2 * n * e * p,
                   .bytes = floats(n * e + e * p + n * p),
                   .tolerance = kSumTolerance,
                   .prepare = preparing<ProjectEveryToken>(s)});
  cases.push_back({.name = "token_projection_backward",
                   .shape = fmt::format("{} [U,{}]x[{},{}]", s->tokens(), s->p, s->p, s->e),
                   .flop = 4 * u * e * p,
                   .bytes = floats(n * p + u * p + 2 * u * e + 3 * e * p),
                   .tolerance = kSumTolerance,
                   .prepare = preparing<ProjectBackward>(s)});
}

// --- BiLSTM ----------------------------------------------------------------------------------------------------------

/// The CPU, which is the oracle of all, has fp32 alone.
Precision available(const Device& device, Precision precision) {
  return device.backend == Backend::cuda ? precision : Precision::fp32;
}

template <bool kTraining, Precision kPrecision = Precision::fp32>
struct RecurForward {
  RecurForward(const Device& device, const Sizes& sizes)
      : s(sizes),
        batch(device, s.batch.ragged),
        table(device, random_floats(padded_rows(s.batch.u) * s.p, 2)),
        weight(normal_scale(device, s.p * s.h, 3, s.h)),
        states(device, padded_rows(s.batch.n) * s.d),
        gates(device, kTraining ? s.batch.n * s.p : 0),
        cells(device, kTraining ? s.batch.n * s.d : 0),
        previous(device, kTraining ? s.batch.n * s.d : 0),
        workspace(device, bilstm_workspace(s.h, s.batch.b)) {}
  void launch(const Device& device) {
    bilstm_forward(device, {.batch = batch.batch(),
                            .hidden = s.hidden,
                            .table = table,
                            .weight_hh = weight,
                            .states = states,
                            .gates = gates,
                            .cells = cells,
                            .previous = previous,
                            .workspace = workspace,
                            .precision = available(device, kPrecision)});
  }
  std::vector<float> result() { return head(states.host(), s.batch.n * s.d); }
  const Sizes& s;
  DeviceRagged batch;
  Array table, weight, states, gates, cells, previous, workspace;
};

/// After forward in fp32.
template <Precision kPrecision>
struct RecurBackward : RecurForward<true> {
  RecurBackward(const Device& device, const Sizes& sizes)
      : RecurForward<true>(device, sizes),
        dstates(device, random_floats(s.batch.n * s.d, 4)),
        dweight(device, std::vector<float>(static_cast<size_t>(s.p * s.h))) {
    RecurForward<true>::launch(device);
    forward_gates = gates.host();
  }
  void launch(const Device& device) {
    bilstm_backward(device, {.batch = batch.batch(),
                             .hidden = s.hidden,
                             .weight_hh = weight,
                             .dstates = dstates,
                             .gates = gates,
                             .cells = cells,
                             .previous = previous,
                             .dweight_hh = dweight,
                             .workspace = workspace,
                             .precision = available(device, kPrecision)});
  }
  /// Backward turns the gates into their gradients.
  void reset(const Device& device) {
    copy_to_device(device, gates.span().data, forward_gates.data(), forward_gates.size() * sizeof(float));
  }
  std::vector<float> result() {
    std::vector<float> all = gates.host();
    const std::vector<float> more = dweight.host();
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Array dstates, dweight;
  std::vector<float> forward_gates;
};

/// Forward for evaluation, forward for training and backward at the workload's H.
std::array<KernelCase, 3> bilstm_cases(const SizesPointer& s) {
  const auto n = static_cast<double>(s->batch.n), u = static_cast<double>(s->batch.u);
  const auto h = static_cast<double>(s->h), longest = static_cast<double>(s->batch.ragged.longest);
  const double weights = 8 * h * h;
  const std::string shape = fmt::format("{} B={} T={} H={}", s->tokens(), s->batch.b, s->batch.ragged.longest, s->h);
  const KernelCase forward = {.name = "bilstm_forward, evaluation",
                              .shape = shape,
                              .flop = 2 * n * weights,
                              .bytes = floats(u * 8 * h + weights + n * 2 * h),
                              .clocks = longest * kForwardClocks,
                              .tolerance = kSumTolerance,
                              .prepare = preparing<RecurForward<false>>(s)};
  KernelCase training = forward;
  training.name = "bilstm_forward, training";
  training.bytes += floats(n * 12 * h);
  training.prepare = preparing<RecurForward<true>>(s);
  const KernelCase backward = {.name = "bilstm_backward",
                               .shape = shape,
                               .flop = 4 * n * weights,
                               .bytes = floats(n * 22 * h + 2 * weights),
                               .clocks = longest * kBackwardClocks,
                               .tolerance = kSumTolerance,
                               .prepare = preparing<RecurBackward<Precision::fp32>>(s)};
  return {forward, training, backward};
}

/// The same for training in bf16x3.
std::array<KernelCase, 2> bf16x3_bilstm_cases(const SizesPointer& s) {
  const double product = 16.0 * static_cast<double>(s->batch.n * s->h * s->h);
  const auto longest = static_cast<double>(s->batch.ragged.longest);
  auto [evaluation, training, backward] = bilstm_cases(s);
  for (KernelCase* bilstm : {&training, &backward}) {
    bilstm->flop -= product;  // leaves the gradient of the weights
    bilstm->tensor_flop = 3 * product;
    bilstm->cuda_only = true;
    bilstm->tolerance = kBf16x3Tolerance;
  }
  training.name = "bilstm_forward, bf16x3";
  training.clocks = longest * kBf16x3ForwardClocks;
  training.prepare = preparing<RecurForward<true, Precision::bf16x3>>(s);
  backward.name = "bilstm_backward, bf16x3";
  backward.clocks = longest * kBf16x3BackwardClocks;
  backward.prepare = preparing<RecurBackward<Precision::bf16x3>>(s);
  return {training, backward};
}

/// Training on CUDA's general kernels, which every H but 128 takes: the nearest one shows what they would cost at 128.
std::array<KernelCase, 2> general_bilstm_cases(Workload workload) {
  --workload.hidden;
  auto [evaluation, training, backward] = bilstm_cases(std::make_shared<const Sizes>(workload));
  for (KernelCase* bilstm : {&training, &backward}) {
    bilstm->name += ", general (before: persistent)";
    bilstm->cuda_only = true;
  }
  return {training, backward};
}

void add_bilstm_cases(std::vector<KernelCase>& cases, const SizesPointer& s) {
  for (KernelCase& bilstm : bilstm_cases(s)) cases.push_back(std::move(bilstm));
  for (KernelCase& bilstm : bf16x3_bilstm_cases(s)) cases.push_back(std::move(bilstm));
  for (KernelCase& bilstm : general_bilstm_cases(*s)) cases.push_back(std::move(bilstm));
}

// --- attention head --------------------------------------------------------------------------------------------------

struct HeadForward {
  HeadForward(const Device& device, const Sizes& sizes)
      : s(sizes),
        batch(device, s.batch.ragged),
        hidden(device, random_floats(padded_rows(s.batch.n) * s.d, 2)),
        weight_transposed(normal_scale(device, s.d * s.a, 3, s.d)),
        bias(normal_scale(device, s.a, 4, s.d)),
        vector(normal_scale(device, s.a, 5, s.a)),
        output_weight(normal_scale(device, s.d, 6, s.d)),
        output_bias(device, std::vector<float>{0.1F}),
        activation(device, padded_rows(s.batch.n) * s.a),
        log_attention(device, s.batch.n),
        context(device, s.batch.b * s.d),
        logit(device, s.batch.b),
        probability(device, s.batch.b) {}
  AttentionHeadForward arguments() {
    return {.batch = batch.batch(),
            .width = static_cast<int32_t>(s.d),
            .attention_width = static_cast<int32_t>(s.a),
            .hidden = hidden,
            .attention_weight_transposed = weight_transposed,
            .attention_bias = bias,
            .attention_vector = vector,
            .output_weight = output_weight,
            .output_bias = output_bias,
            .given_log_attention = {},
            .activation = activation,
            .log_attention = log_attention,
            .context = context,
            .logit = logit,
            .probability = probability};
  }
  void launch(const Device& device) { attention_head_forward(device, arguments()); }
  std::vector<float> result() { return context.host(); }
  const Sizes& s;
  DeviceRagged batch;
  Array hidden, weight_transposed, bias, vector, output_weight, output_bias, activation, log_attention, context, logit,
      probability;
};

template <Objective kObjective>
struct HeadTrain : HeadForward {
  HeadTrain(const Device& device, const Sizes& sizes)
      : HeadForward(device, sizes),
        labels(device, std::vector<int32_t>(static_cast<size_t>(s.batch.b), 1)),
        base_probability(device, std::vector<float>(static_cast<size_t>(s.batch.b), 0.25F)),
        base_log_attention(device, std::vector<float>(static_cast<size_t>(s.batch.n), -3)),
        weight(normal_scale(device, s.d * s.a, 3, s.d)),
        scale(device, std::vector<float>{1}),
        loss(device, s.batch.b),
        divergence(device, s.batch.b),
        dlogit(device, s.batch.b),
        dscore(device, s.batch.n),
        dhidden(device, padded_rows(s.batch.n) * s.d),
        dweight(device, std::vector<float>(static_cast<size_t>(s.d * s.a))),
        dbias(device, std::vector<float>(static_cast<size_t>(s.a))),
        dvector(device, std::vector<float>(static_cast<size_t>(s.a))),
        doutput_weight(device, std::vector<float>(static_cast<size_t>(s.d))),
        doutput_bias(device, std::vector<float>{0}),
        workspace(device, attention_head_workspace(s.batch.b, s.batch.n, s.d, s.a)) {}
  void launch(const Device& device) {
    attention_head_train(device, {.forward = arguments(),
                                  .objective = kObjective,
                                  .labels = labels,
                                  .lambda = 1e-3F,
                                  .scale = scale,
                                  .base_probability = base_probability,
                                  .base_log_attention = base_log_attention,
                                  .attention_weight = weight,
                                  .loss = loss,
                                  .divergence = divergence,
                                  .dlogit = dlogit,
                                  .dscore = dscore,
                                  .dhidden = dhidden,
                                  .dattention_weight = dweight,
                                  .dattention_bias = dbias,
                                  .dattention_vector = dvector,
                                  .doutput_weight = doutput_weight,
                                  .doutput_bias = doutput_bias,
                                  .workspace = workspace});
  }
  std::vector<float> result() { return head(dhidden.host(), s.batch.n * s.d); }
  DeviceArray<int32_t> labels;
  Array base_probability, base_log_attention, weight, scale, loss, divergence, dlogit, dscore, dhidden, dweight, dbias,
      dvector, doutput_weight, doutput_bias, workspace;
};

void add_head_cases(std::vector<KernelCase>& cases, const SizesPointer& s) {
  const auto n = static_cast<double>(s->batch.n), d = static_cast<double>(s->d), a = static_cast<double>(s->a);
  const std::string shape = fmt::format("{} B={} D={} A={}", s->tokens(), s->batch.b, s->d, s->a);
  const KernelCase train = {.name = "attention_head_train, classify",
                            .shape = shape,
                            .flop = 6 * n * d * a,
                            .bytes = floats(2 * n * d + 3 * d * a),
                            .tolerance = kSumTolerance,
                            .prepare = preparing<HeadTrain<Objective::classify>>(s)};
  KernelCase adversary = train;
  adversary.name = "attention_head_train, adversary";
  adversary.prepare = preparing<HeadTrain<Objective::adversary>>(s);
  cases.push_back({.name = "attention_head_forward",
                   .shape = shape,
                   .flop = 2 * n * d * a,
                   .bytes = floats(n * d + d * a + n),
                   .tolerance = kSumTolerance,
                   .prepare = preparing<HeadForward>(s)});
  cases.push_back(train);
  cases.push_back(adversary);
}

// --- perturbations of the attention ----------------------------------------------------------------------------------

constexpr int32_t kAdversaries = 5, kAdversarySteps = 20, kPermutations = 100;

/// Texts as one number per word, with uniform attention.
struct Contributions {
  Contributions(const Device& device, const Sizes& sizes)
      : s(sizes),
        offsets(device, s.batch.ragged.offsets),
        contributions(device, random_floats(s.batch.n, 2)),
        bias(device, std::vector<float>{0.1F}),
        log_attention(device, uniform(s.batch.ragged)) {}
  static std::vector<float> uniform(const HostRagged& batch) {
    std::vector<float> logs;
    for (int32_t b = 0; b < batch.sequences(); ++b) {
      const auto length = batch.offsets[static_cast<size_t>(b) + 1] - batch.offsets[static_cast<size_t>(b)];
      logs.insert(logs.end(), static_cast<size_t>(length), -std::log(static_cast<float>(length - 2)));
    }
    return logs;
  }
  int32_t b() const { return static_cast<int32_t>(s.batch.b); }
  int32_t n() const { return static_cast<int32_t>(s.batch.n); }
  const Sizes& s;
  DeviceArray<int32_t> offsets;
  Array contributions, bias, log_attention;
};

struct Permute : Contributions {
  Permute(const Device& device, const Sizes& sizes)
      : Contributions(device, sizes),
        keys(device, std::vector<uint32_t>(s.batch.ragged.offsets.begin(), s.batch.ragged.offsets.end())),
        shares(device, random_floats(s.batch.n, 3)),
        change(device, s.batch.b * kPermutations),
        median(device, s.batch.b),
        workspace(device, attention_permutation_workspace(s.batch.n)) {}
  void launch(const Device& device) {
    attention_permutation(device, {.sequences = b(),
                                   .tokens = n(),
                                   .longest = s.batch.ragged.longest,
                                   .permutations = kPermutations,
                                   .seed = 1,
                                   .offsets = offsets,
                                   .keys = keys,
                                   .contributions = contributions,
                                   .output_bias = bias,
                                   .log_attention = shares,
                                   .change = change,
                                   .median = median,
                                   .workspace = workspace});
  }
  std::vector<float> result() { return change.host(); }
  DeviceArray<uint32_t> keys;
  Array shares, change, median, workspace;
};

struct Attack : Contributions {
  Attack(const Device& device, const Sizes& sizes)
      : Contributions(device, sizes),
        starts(random_floats(kAdversaries * s.batch.n, 3, 6)),
        scalars(device, step_scalars()),
        base_probability(device, std::vector<float>(static_cast<size_t>(s.batch.b), 0.5F)),
        logs(device, starts),
        probability(device, kAdversaries * s.batch.b),
        divergence(device, kAdversaries * s.batch.b),
        workspace(device, instance_adversary_workspace(kAdversaries, s.batch.b, s.batch.n)) {}
  static std::vector<AdamStepScalars> step_scalars() {
    std::vector<AdamStepScalars> scalars;
    for (int t = 1; t <= kAdversarySteps; ++t) scalars.push_back(adam_step_scalars<float>(0.01, 0.9, 0.999, t));
    return scalars;
  }
  void launch(const Device& device) {
    instance_adversary(device, {.sequences = b(),
                                .tokens = n(),
                                .longest = s.batch.ragged.longest,
                                .adversaries = kAdversaries,
                                .steps = kAdversarySteps,
                                .offsets = offsets,
                                .scalars = scalars,
                                .contributions = contributions,
                                .output_bias = bias,
                                .base_log_attention = log_attention,
                                .base_probability = base_probability,
                                .log_attention = logs,
                                .probability = probability,
                                .divergence = divergence,
                                .workspace = workspace});
  }
  /// The operation turns its starts into its result.
  void reset(const Device& device) {
    copy_to_device(device, logs.span().data, starts.data(), starts.size() * sizeof(float));
  }
  std::vector<float> result() { return probability.host(); }
  std::vector<float> starts;
  DeviceArray<AdamStepScalars> scalars;
  Array base_probability, logs, probability, divergence, workspace;
};

void add_perturbation_cases(std::vector<KernelCase>& cases, const SizesPointer& s) {
  const auto n = static_cast<double>(s->batch.n), b = static_cast<double>(s->batch.b);
  cases.push_back({.name = fmt::format("attention_permutation, {} times", kPermutations),
                   .shape = fmt::format("{} B={}", s->tokens(), s->batch.b),
                   .flop = 2 * kPermutations * n,
                   .bytes = floats(2 * n + kPermutations * b),
                   .tolerance = kSumTolerance,
                   .prepare = preparing<Permute>(s)});
  // Softmax, p and the gradient's mean: three sums of products over the words.
  cases.push_back({.name = fmt::format("instance_adversary, {} steps", kAdversarySteps),
                   .shape = fmt::format("{} B={} K={}", s->tokens(), s->batch.b, kAdversaries),
                   .flop = 2.0 * 3 * kAdversarySteps * kAdversaries * n,
                   .bytes = floats((2 + 2 * kAdversaries) * n),
                   .clocks = kAdversarySteps * kAdversaryClocks,
                   .tolerance = kSumTolerance,
                   .prepare = preparing<Attack>(s)});
}

// --- optimiser -------------------------------------------------------------------------------------------------------

constexpr int32_t kMissedSteps = 10;

/// Optimiser state of `elements` parameters.
struct AdamState {
  AdamState(const Device& device, int64_t elements)
      : parameter(device, random_floats(elements, 2)),
        first_moment(device, random_floats(elements, 3, 1e-3F)),
        second_moment(device, std::vector<float>(static_cast<size_t>(elements), 1e-6F)),
        largest_second_moment(device, std::vector<float>(static_cast<size_t>(elements), 2e-6F)),
        gradient(device, random_floats(elements, 4)) {}
  Array parameter, first_moment, second_moment, largest_second_moment, gradient;
};

std::vector<AdamStepScalars> step_scalars() {
  std::vector<AdamStepScalars> scalars;
  for (int step = 1; step <= kMissedSteps; ++step) scalars.push_back(adam_step_scalars<float>(1e-3, 0.9, 0.999, step));
  return scalars;
}

int64_t dense_parameters(const Sizes& s) { return s.p * (s.e + s.h + 2) + s.a * (s.d + 2) + s.d + 1; }

struct DenseStep : AdamState {
  DenseStep(const Device& device, const Sizes& s) : DenseStep(device, dense_parameters(s)) {}
  DenseStep(const Device& device, int64_t elements)
      : AdamState(device, elements), scalars(device, step_scalars()), completed(device, std::vector<int32_t>{0}) {}
  void launch(const Device& device) {
    adam_step(device, {.hyper = {.decay = 1e-5F},
                       .scalars = scalars,
                       .completed = completed,
                       .gradient = gradient,
                       .parameter = parameter,
                       .first_moment = first_moment,
                       .second_moment = second_moment,
                       .largest_second_moment = largest_second_moment});
  }
  std::vector<float> result() { return parameter.host(); }
  DeviceArray<AdamStepScalars> scalars;
  DeviceArray<int32_t> completed;
};

struct RowsReplay : AdamState {
  RowsReplay(const Device& device, const Sizes& sizes, int32_t steps = kMissedSteps)
      : AdamState(device, sizes.vocabulary * sizes.e),
        s(sizes),
        ids(device, s.batch.ragged.unique_ids),
        last_step(device, std::vector<int32_t>(static_cast<size_t>(s.vocabulary))),
        completed(device, std::vector<int32_t>{steps}),
        scalars(device, step_scalars()) {}
  AdamRows state() {
    return {.hyper = {.decay = 1e-5F},
            .rows = s.vocabulary,
            .columns = s.embed,
            .parameter = parameter,
            .first_moment = first_moment,
            .second_moment = second_moment,
            .largest_second_moment = largest_second_moment,
            .last_step = last_step,
            .scalars = scalars,
            .completed = completed};
  }
  void launch(const Device& device) {
    adam_rows_replay(device, {.state = state(), .count = static_cast<int32_t>(s.batch.u), .ids = ids});
  }
  void reset(const Device& device) { fill_zero(device, last_step.span()); }
  std::vector<float> result() { return parameter.host(); }
  const Sizes& s;
  DeviceArray<int32_t> ids, last_step, completed;
  DeviceArray<AdamStepScalars> scalars;
};

struct RowsStep : RowsReplay {
  RowsStep(const Device& device, const Sizes& sizes) : RowsReplay(device, sizes, 0) {}
  void launch(const Device& device) {
    adam_rows_step(device, {.state = state(),
                            .count = static_cast<int32_t>(s.batch.u),
                            .ids = ids,
                            .gradients = gradient.span().subspan(0, s.batch.u * s.e)});
  }
};

/// A dense step over the embedding, which is what the lazy rows replace.
struct EmbeddingStep : DenseStep {
  EmbeddingStep(const Device& device, const Sizes& s) : DenseStep(device, s.vocabulary * s.e) {}
};

void add_adam_cases(std::vector<KernelCase>& cases, const SizesPointer& s) {
  const auto dense = static_cast<double>(dense_parameters(*s));
  const double rows = static_cast<double>(s->batch.u) * static_cast<double>(s->e);
  const int64_t embedding = s->vocabulary * s->e;
  cases.push_back({.name = "adam_step",
                   .shape = fmt::format("{} n={}", s->name, dense_parameters(*s)),
                   .bytes = floats(9 * dense),
                   .tolerance = kElementTolerance,
                   .prepare = preparing<DenseStep>(s)});
  cases.push_back({.name = "adam_step, whole embedding (before: lazy rows)",
                   .shape = fmt::format("{} n={}", s->name, embedding),
                   .bytes = floats(9 * static_cast<double>(embedding)),
                   .tolerance = kElementTolerance,
                   .prepare = preparing<EmbeddingStep>(s)});
  cases.push_back({.name = fmt::format("adam_rows_replay, {} steps", kMissedSteps),
                   .shape = fmt::format("{} [U,{}]", s->tokens(), s->e),
                   .bytes = floats(8 * rows),
                   .tolerance = kElementTolerance,
                   .prepare = preparing<RowsReplay>(s)});
  cases.push_back({.name = "adam_rows_step",
                   .shape = fmt::format("{} [U,{}]", s->tokens(), s->e),
                   .bytes = floats(9 * rows),
                   .tolerance = kElementTolerance,
                   .prepare = preparing<RowsStep>(s)});
}

// --- matrices --------------------------------------------------------------------------------------------------------

struct Matrices {
  Matrices(const Device& device, const Sizes& sizes)
      : s(sizes),
        states(device, random_floats(padded_rows(s.batch.n) * s.d, 2)),
        weight(normal_scale(device, s.d * s.a, 3, s.d)),
        products(device, random_floats(padded_rows(s.batch.n) * s.a, 4)),
        gradient(device, std::vector<float>(static_cast<size_t>(s.d * s.a))),
        rows(device, s.batch.ragged.unique_row),
        gathered(device, s.batch.n * s.d),
        sums(device, std::vector<float>(static_cast<size_t>(s.d))),
        workspace(device, column_sum_workspace(s.batch.n, s.d)) {}
  int32_t n() const { return static_cast<int32_t>(s.batch.n); }
  int32_t d() const { return static_cast<int32_t>(s.d); }
  int32_t a() const { return static_cast<int32_t>(s.a); }
  const Sizes& s;
  Array states, weight, products, gradient;
  DeviceArray<int32_t> rows;
  Array gathered, sums, workspace;
};

struct Multiply : Matrices {
  using Matrices::Matrices;
  void launch(const Device& device) {
    matmul(device, {.rows = n(), .inner = d(), .columns = a(), .a = states, .b = weight, .c = products});
  }
  std::vector<float> result() { return head(products.host(), s.batch.n * s.a); }
};

struct GradientOfWeight : Matrices {
  using Matrices::Matrices;
  void launch(const Device& device) {
    weight_gradient(device, {.rows = n(),
                             .outputs = a(),
                             .inputs = d(),
                             .a_stride = a(),
                             .b_stride = d(),
                             .a = products,
                             .b = states,
                             .c = gradient});
  }
  std::vector<float> result() { return gradient.host(); }
};

struct Gather : Matrices {
  using Matrices::Matrices;
  void launch(const Device& device) {
    gather_rows(device, {.count = n(), .columns = d(), .from_rows = n(), .from = states, .rows = rows, .to = gathered});
  }
  std::vector<float> result() { return gathered.host(); }
};

struct SumColumns : Matrices {
  using Matrices::Matrices;
  void launch(const Device& device) {
    column_sum(device, {.rows = n(),
                        .columns = d(),
                        .values = states,
                        .scale = {},
                        .sums = sums,
                        .second_sums = {},
                        .workspace = workspace});
  }
  std::vector<float> result() { return sums.host(); }
};

struct DotRows : Matrices {
  DotRows(const Device& device, const Sizes& sizes)
      : Matrices(device, sizes), vector(normal_scale(device, s.d, 5, s.d)), dots(device, s.batch.n) {}
  void launch(const Device& device) {
    row_dot(device, {.rows = n(), .columns = d(), .values = states, .vector = vector, .products = dots});
  }
  std::vector<float> result() { return dots.host(); }
  Array vector, dots;
};

struct TransposeWeight {
  TransposeWeight(const Device& device, const Sizes& sizes)
      : s(sizes), from(device, random_floats(s.p * s.e, 2)), to(device, s.p * s.e) {}
  void launch(const Device& device) {
    transpose(device, {.rows = static_cast<int32_t>(s.p), .columns = s.embed, .from = from, .to = to});
  }
  std::vector<float> result() { return to.host(); }
  const Sizes& s;
  Array from, to;
};

void add_matrix_cases(std::vector<KernelCase>& cases, const SizesPointer& s) {
  const auto n = static_cast<double>(s->batch.n), d = static_cast<double>(s->d), a = static_cast<double>(s->a);
  const std::string shape = fmt::format("{} [N,{}]", s->tokens(), s->d);
  cases.push_back({.name = "matmul",
                   .shape = fmt::format("{}x[{},{}]", shape, s->d, s->a),
                   .flop = 2 * n * d * a,
                   .bytes = floats(n * d + d * a + n * a),
                   .tolerance = kSumTolerance,
                   .prepare = preparing<Multiply>(s)});
  cases.push_back({.name = "weight_gradient",
                   .shape = fmt::format("{} [{},N]x[N,{}]", s->tokens(), s->a, s->d),
                   .flop = 2 * n * d * a,
                   .bytes = floats(n * d + 2 * d * a + n * a),
                   .tolerance = kSumTolerance,
                   .prepare = preparing<GradientOfWeight>(s)});
  cases.push_back({.name = "gather_rows", .shape = shape, .bytes = floats(2 * n * d), .prepare = preparing<Gather>(s)});
  cases.push_back({.name = "column_sum",
                   .shape = shape,
                   .bytes = floats(n * d),
                   .tolerance = kSumTolerance,
                   .prepare = preparing<SumColumns>(s)});
  cases.push_back({.name = "row_dot",
                   .shape = shape,
                   .flop = 2 * n * d,
                   .bytes = floats(n * d + d + n),
                   .tolerance = kSumTolerance,
                   .prepare = preparing<DotRows>(s)});
  cases.push_back({.name = "transpose",
                   .shape = fmt::format("{} [{},{}]", s->name, s->p, s->e),
                   .bytes = floats(2.0 * static_cast<double>(s->p * s->e)),
                   .prepare = preparing<TransposeWeight>(s)});
}

/// 32 lengths around `mean`, a tenth of it apart at most.
std::vector<int32_t> batch_lengths(int32_t mean) {
  std::vector<int32_t> lengths;
  for (int32_t i = 0; i < 32; ++i) lengths.push_back(mean - mean / 20 + i * std::max(mean / 10, 1) / 32);
  return lengths;
}

}  // namespace

Workload sst_workload() { return {.name = "SST", .lengths = batch_lengths(19 + 2), .vocabulary = 13826}; }
Workload imdb_workload() { return {.name = "IMDb", .lengths = batch_lengths(179 + 2), .vocabulary = 12487}; }

std::vector<KernelCase> kernel_cases(const Workload& workload) {
  const auto sizes = std::make_shared<const Sizes>(workload);
  std::vector<KernelCase> cases;
  add_token_cases(cases, sizes);
  add_bilstm_cases(cases, sizes);
  add_head_cases(cases, sizes);
  add_perturbation_cases(cases, sizes);
  add_adam_cases(cases, sizes);
  add_matrix_cases(cases, sizes);
  return cases;
}

}  // namespace notnot::bench
