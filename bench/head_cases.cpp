// The attention head.
#include "bench/kernel_sizes.h"
#include "kernels/attention_head.h"

namespace notnot::bench {
namespace {

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

}  // namespace

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

}  // namespace notnot::bench
