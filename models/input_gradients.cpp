#include "models/input_gradients.h"

#include <algorithm>
#include <numeric>

#include "kernels/scaled_projection.h"

namespace notnot {

class InputGradients::Work {
 public:
  Work(AttentionClassifier& model, const BatchCapacity& capacity, bool norms)
      : model_(model),
        device_(model.device()),
        options_(model.options()),
        layout_(model.layout()),
        projected_(options_.vocabulary) {
    NOTNOT_CHECK(options_.attention != AttentionKind::given, "the attention of this model is given");
    plan(capacity, norms);
  }

  std::vector<MemoryRow> memory_table() const { return arena_.table(); }

  Result compute(const Split& split, const std::vector<PathPoint>& points, Kind kind) {
    if (!allocated_) allocate();
    load(split, points);
    encode();
    const bool held = kind == Kind::product_held || kind == Kind::norm_held;
    head_backward(held);
    if (lstm()) recurrence_backward();
    scaled_projection_backward(device_, {.tokens = batch_.tokens,
                                         .width = options_.projection(),
                                         .activation = activation(),
                                         .products = products_,
                                         .rows = rows_,
                                         .values = states_,
                                         .dvalues = dvalues(),
                                         .dscale = values_});
    if (kind == Kind::norm_held || kind == Kind::norm) take_norms();
    return {to_host(device_, logit_.subspan(0, batch_.sequences)), to_host(device_, values_.subspan(0, batch_.tokens))};
  }

 private:
  /// Allocates what was planned, and fills in what all batches share.
  void allocate() {
    parameters_ = model_.device_parameters();
    arena_.allocate(device_);
    allocated_ = true;
    std::vector<int32_t> places(places_.size);
    std::iota(places.begin(), places.end(), 0);
    copy_to_device(device_, places_.data, places.data(), places.size() * sizeof(int32_t));
    transpose(device_, {.rows = options_.projection(),
                        .columns = options_.embed,
                        .to_stride = weight_stride(options_.projection()),
                        .from = projection_weight(),
                        .to = projection_weight_transposed_});
    transpose(device_, {.rows = options_.attention_width(),
                        .columns = options_.width(),
                        .from = parameter("decoder.attention.attn1.weight"),
                        .to = attention_weight_transposed_});
  }

  bool lstm() const { return options_.encoder == Encoder::lstm; }
  Activation activation() const { return lstm() ? Activation::identity : Activation::tanh; }
  /// The token encoder's states are the projected values themselves.
  Span<float> projected_values() const { return lstm() ? table_ : states_; }
  Span<float> dvalues() const { return lstm() ? gates_ : dhidden_; }

  Span<const float> parameter(const char* name) const {
    const Parameter& p = layout_.find(name);
    return parameters_.subspan(p.offset, p.size);
  }
  Span<const float> parameter_pair(const char* name) const {
    const Parameter& p = layout_.find(name);
    return parameters_.subspan(p.offset, 2 * p.size);
  }
  Span<const float> projection_weight() const {
    return lstm() ? parameter_pair("encoder.rnn.weight_ih_l0") : parameter("encoder.projection.weight");
  }

  void plan(const BatchCapacity& c, bool norms) {
    const int64_t n = padded_rows(c.tokens), d = options_.width(), e = options_.embed, p = options_.projection(),
                  h = options_.hidden, a = options_.attention_width();
    const char* const group = "input gradients";
    arena_.add(group, "projection weight^T", {e, weight_stride(p)}, &projection_weight_transposed_);
    arena_.add(group, "attention weight^T", {d, a}, &attention_weight_transposed_);
    arena_.add(group, "places", {c.tokens}, &places_);
    arena_.add(group, "offsets", {c.sequences + 1}, &offsets_);
    arena_.add(group, "rows", {c.tokens}, &rows_);
    arena_.add(group, "scale", {c.tokens}, &scale_);
    const int64_t added = ProjectionRows::most_added(c.tokens, options_.vocabulary);
    arena_.add(group, "added ids", {added}, &added_);
    arena_.add(group, "embeddings", {padded_rows(added), e}, &embeddings_);
    arena_.add(group, "products", {padded_rows(options_.vocabulary), p}, &products_);
    arena_.add(group, "states", {n, d}, &states_);
    if (lstm()) {
      arena_.add(group, "table", {c.tokens, p}, &table_);
      arena_.add(group, "gates", {n, p}, &gates_);
      arena_.add(group, "cells", {c.tokens, 2, h}, &cells_);
      arena_.add(group, "previous", {c.tokens, 2, h}, &previous_);
      arena_.add(group, "bilstm workspace", {bilstm_workspace(h, c.sequences)}, &workspace_);
    }
    arena_.add(group, "activation", {n, a}, &activation_);
    arena_.add(group, "log_attention", {c.tokens}, &log_attention_);
    arena_.add(group, "held log_attention", {c.tokens}, &held_log_attention_);
    arena_.add(group, "context", {c.sequences, d}, &context_);
    for (Span<float>* of_sequences : {&logit_, &probability_, &loss_, &dlogit_}) {
      arena_.add(group, "of sequences", {c.sequences}, of_sequences);
    }
    arena_.add(group, "dscore", {c.tokens}, &dscore_);
    arena_.add(group, "dhidden", {n, d}, &dhidden_);
    arena_.add(group, "head workspace", {c.sequences, a}, &head_workspace_);
    arena_.add(group, "values", {c.tokens}, &values_);
    if (norms) arena_.add(group, "gradients", {n, e}, &gradients_);
  }

  template <class T>
  void upload(const Span<T>& to, const std::vector<T>& from) {
    NOTNOT_CHECK(std::ssize(from) <= to.size, "{} values for {}", from.size(), to.size);
    copy_to_device(device_, to.data, from.data(), from.size() * sizeof(T));
  }

  /// Brings the batch to the device, and the products of ids that had none.
  void load(const Split& split, const std::vector<PathPoint>& points) {
    std::vector<int32_t> texts(points.size());
    std::transform(points.begin(), points.end(), texts.begin(), [](const PathPoint& point) { return point.text; });
    const HostBatch host = assemble_batch(split, texts, options_.vocabulary);
    NOTNOT_CHECK(host.texts == texts, "the longest text of a batch stands first");
    std::vector<float> scale;
    for (size_t b = 0; b < points.size(); ++b) {
      const int32_t length = host.offsets[b + 1] - host.offsets[b];
      scale.insert(scale.end(), length, static_cast<float>(points[b].t));
      scale.end()[-length] = scale.back() = 1;
    }
    std::vector<int32_t> added;
    upload(rows_, projected_.rows_of(host.token_ids, added));
    upload(offsets_, host.offsets);
    upload(scale_, scale);
    batch_ = {.sequences = host.sequences(),
              .tokens = host.tokens(),
              .longest = host.longest,
              .unique = host.tokens(),
              .offsets = offsets_,
              .unique_ids = {},
              .unique_row = places_,
              .occurrence_offsets = {},
              .occurrences = {}};
    if (added.empty()) return;
    upload(added_, added);
    const auto count = static_cast<int32_t>(added.size());
    const int64_t before = int64_t{projected_.size() - count} * options_.projection();
    gather_rows(device_, {.count = count,
                          .columns = options_.embed,
                          .from_rows = options_.vocabulary,
                          .from = parameter("encoder.embedding.weight"),
                          .rows = added_,
                          .to = embeddings_});
    matmul(device_, {.rows = count,
                     .inner = options_.embed,
                     .columns = options_.projection(),
                     .b_stride = weight_stride(options_.projection()),
                     .a = embeddings_,
                     .b = projection_weight_transposed_,
                     .c = products_.subspan(before, products_.size - before)});
  }

  void encode() {
    scaled_projection_forward(
        device_, {.tokens = batch_.tokens,
                  .width = options_.projection(),
                  .activation = activation(),
                  .products = products_,
                  .rows = rows_,
                  .scale = scale_,
                  .bias = lstm() ? parameter_pair("encoder.rnn.bias_ih_l0") : parameter("encoder.projection.bias"),
                  .second_bias = lstm() ? parameter_pair("encoder.rnn.bias_hh_l0") : Span<const float>{},
                  .values = projected_values()});
    if (!lstm()) return;
    bilstm_forward(device_, {.batch = batch_,
                             .hidden = options_.hidden,
                             .table = table_,
                             .weight_hh = parameter_pair("encoder.rnn.weight_hh_l0"),
                             .states = states_,
                             .gates = gates_,
                             .cells = cells_,
                             .previous = previous_,
                             .workspace = workspace_,
                             .precision = options_.precision});
  }

  AttentionHeadForward head(AttentionKind kind) const {
    return {.batch = batch_,
            .width = options_.width(),
            .attention_width = options_.attention_width(),
            .kind = kind,
            .hidden = states_,
            .attention_weight_transposed = attention_weight_transposed_,
            .attention_bias = parameter("decoder.attention.attn1.bias"),
            .attention_vector = parameter("decoder.attention.attn2.weight"),
            .output_weight = parameter("decoder.linear_1.weight"),
            .output_bias = parameter("decoder.linear_1.bias"),
            .given_log_attention = held_log_attention_,
            .activation = activation_,
            .log_attention = log_attention_,
            .context = context_,
            .logit = logit_,
            .probability = probability_};
  }

  /// dhidden from a logit's derivative of 1. Held attention is given attention with the model's own weights.
  void head_backward(bool held) {
    AttentionKind kind = options_.attention;
    if (held && kind == AttentionKind::learned) {
      AttentionHeadForward own = head(kind);
      own.log_attention = held_log_attention_;
      attention_head_forward(device_, own);
      kind = AttentionKind::given;
    }
    attention_head_train(device_, {.forward = head(kind),
                                   .objective = Objective::logit,
                                   .labels = {},
                                   .scale = {},
                                   .base_probability = {},
                                   .base_log_attention = {},
                                   .group_log_attention = {},
                                   .attention_weight = parameter("decoder.attention.attn1.weight"),
                                   .loss = loss_,
                                   .divergence = {},
                                   .peer_divergence = {},
                                   .dlogit = dlogit_,
                                   .dscore = dscore_,
                                   .dhidden = dhidden_,
                                   .dattention_weight = {},
                                   .dattention_bias = {},
                                   .dattention_vector = {},
                                   .doutput_weight = {},
                                   .doutput_bias = {},
                                   .workspace = head_workspace_});
  }

  void recurrence_backward() {
    bilstm_backward(device_, {.batch = batch_,
                              .hidden = options_.hidden,
                              .weight_hh = parameter_pair("encoder.rnn.weight_hh_l0"),
                              .dstates = dhidden_,
                              .gates = gates_,
                              .cells = cells_,
                              .previous = previous_,
                              .dweight_hh = {},
                              .workspace = workspace_,
                              .precision = options_.precision});
  }

  /// values = the lengths of W^T dz. The gradient at the scaled embedding is asked for, so nothing is scaled.
  void take_norms() {
    NOTNOT_CHECK(!gradients_.empty(), "planned without norms");
    matmul(device_, {.rows = batch_.tokens,
                     .inner = options_.projection(),
                     .columns = options_.embed,
                     .a = dvalues(),
                     .b = projection_weight(),
                     .c = gradients_});
    row_norm(device_, {.rows = batch_.tokens, .columns = options_.embed, .values = gradients_, .norms = values_});
  }

  AttentionClassifier& model_;
  Device device_;
  ModelOptions options_;
  const ParameterLayout& layout_;
  Span<const float> parameters_;
  ProjectionRows projected_;  ///< the ids whose products are computed
  RaggedBatch batch_;         ///< every token has a row of the table
  Arena arena_;
  bool allocated_ = false;
  Span<float> projection_weight_transposed_, attention_weight_transposed_, embeddings_, products_, scale_;
  Span<int32_t> places_, offsets_, rows_, added_;
  Span<float> table_, states_, gates_, cells_, previous_, workspace_, activation_, log_attention_, held_log_attention_;
  Span<float> context_, logit_, probability_, loss_, dlogit_, dscore_, dhidden_, head_workspace_, values_, gradients_;
};

InputGradients::InputGradients(AttentionClassifier& model, const BatchCapacity& capacity, bool norms)
    : work_(std::make_unique<Work>(model, capacity, norms)) {}
InputGradients::~InputGradients() = default;

std::vector<MemoryRow> InputGradients::memory_table() const { return work_->memory_table(); }

InputGradients::Result InputGradients::compute(const Split& split, const std::vector<PathPoint>& points, Kind kind) {
  return work_->compute(split, points, kind);
}

}  // namespace notnot
