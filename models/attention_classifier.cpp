#include "models/attention_classifier.h"

#include <algorithm>
#include <numeric>

namespace notnot {

/// Every device buffer of a model but the batch itself; shapes are declared in plan and plan_training.
struct AttentionClassifier::Buffers {
  Span<float> parameters, projection_weight_transposed, attention_weight_transposed;
  // Forward. N, U and B are the larger of evaluation's and training's.
  Span<float> rows, table, states, activation, log_attention, context, logit, probability, contribution,
      given_log_attention, bilstm_workspace;
  // Training only.
  Span<float> gradients, first_moment, second_moment, largest_second_moment;
  Span<int32_t> last_step;
  Span<AdamStepScalars> scalars;
  Span<float> gates, cells, previous, dtable, drows, projection_workspace;
  Span<float> loss, divergence, dlogit, dscore, dhidden, head_workspace, base_probability, base_log_attention;
};

AttentionClassifier::AttentionClassifier(const Device& device, const ModelOptions& options,
                                         const ModelCapacity& capacity, const OptimiserOptions& optimiser)
    : device_(device),
      options_(options),
      optimiser_(optimiser),
      layout_(options),
      batch_(arena_, larger(capacity.evaluation, capacity.training), options.vocabulary),
      buffers_(std::make_unique<Buffers>()) {
  plan(capacity);
  if (capacity.training.sequences > 0) plan_training(capacity);
}

AttentionClassifier::AttentionClassifier(AttentionClassifier&&) noexcept = default;
AttentionClassifier::~AttentionClassifier() = default;

void AttentionClassifier::plan(const ModelCapacity& capacity) {
  const BatchCapacity c = larger(capacity.evaluation, capacity.training);
  const int64_t e = options_.embed, p = options_.projection(), d = options_.width(), a = options_.attention_width();
  const int64_t token_rows = padded_rows(c.tokens), unique_rows = padded_rows(c.unique);
  Buffers& b = *buffers_;
  arena_.add("parameters", "values", {layout_.total()}, &b.parameters);
  arena_.add("parameters", "projection weight^T", {e, weight_stride(p)}, &b.projection_weight_transposed);
  arena_.add("parameters", "attention weight^T", {d, a}, &b.attention_weight_transposed);
  arena_.add("activations", "rows", {unique_rows, e}, &b.rows);
  arena_.add("activations", "table", {unique_rows, p}, &b.table);
  arena_.add("activations", "states", {token_rows, d}, &b.states);
  if (options_.attention == AttentionKind::learned)
    arena_.add("activations", "activation", {token_rows, a}, &b.activation);
  if (options_.attention == AttentionKind::given)
    arena_.add("activations", "given_log_attention", {c.tokens}, &b.given_log_attention);
  arena_.add("activations", "log_attention", {c.tokens}, &b.log_attention);
  arena_.add("activations", "contribution", {c.tokens}, &b.contribution);
  arena_.add("activations", "context", {c.sequences, d}, &b.context);
  arena_.add("activations", "logit", {c.sequences}, &b.logit);
  arena_.add("activations", "probability", {c.sequences}, &b.probability);
  if (options_.encoder == Encoder::lstm) {
    arena_.add("activations", "bilstm workspace", {bilstm_workspace(options_.hidden, c.sequences)},
               &b.bilstm_workspace);
  }
}

void AttentionClassifier::plan_training(const ModelCapacity& capacity) {
  const BatchCapacity& c = capacity.training;
  const int64_t e = options_.embed, h = options_.hidden, p = options_.projection(), d = options_.width(),
                a = options_.attention_width();
  Buffers& b = *buffers_;
  arena_.add("optimiser", "gradients", {layout_.total() - layout_.embedding_size()}, &b.gradients);
  arena_.add("optimiser", "first_moment", {layout_.total()}, &b.first_moment);
  arena_.add("optimiser", "second_moment", {layout_.total()}, &b.second_moment);
  arena_.add("optimiser", "largest_second_moment", {layout_.total()}, &b.largest_second_moment);
  arena_.add("optimiser", "last_step", {options_.vocabulary}, &b.last_step);
  arena_.add("optimiser", "step scalars", {capacity.steps}, &b.scalars);
  if (options_.encoder == Encoder::lstm) {
    arena_.add("training", "gates", {c.tokens, 2, 4, h}, &b.gates);
    arena_.add("training", "cells", {c.tokens, 2, h}, &b.cells);
    arena_.add("training", "previous", {c.tokens, 2, h}, &b.previous);
  }
  arena_.add("training", "dtable", {padded_rows(c.unique), p}, &b.dtable);
  arena_.add("training", "drows", {padded_rows(c.unique), e}, &b.drows);
  arena_.add("training", "projection workspace", {column_sum_workspace(c.unique, p)}, &b.projection_workspace);
  arena_.add("training", "dhidden", {padded_rows(c.tokens), d}, &b.dhidden);
  arena_.add("training", "dscore", {c.tokens}, &b.dscore);
  arena_.add("training", "head workspace", {attention_head_workspace(c.sequences, c.tokens, d, a)}, &b.head_workspace);
  arena_.add("training", "loss", {c.sequences}, &b.loss);
  arena_.add("training", "dlogit", {c.sequences}, &b.dlogit);
  arena_.add("training", "divergence", {c.sequences}, &b.divergence);
  arena_.add("training", "base_probability", {c.sequences}, &b.base_probability);
  arena_.add("training", "base_log_attention", {c.tokens}, &b.base_log_attention);
}

void AttentionClassifier::allocate() {
  arena_.allocate(device_);
  std::vector<AdamStepScalars> scalars;
  for (int64_t step = 1; step <= buffers_->scalars.size; ++step) {
    scalars.push_back(adam_step_scalars<float>(optimiser_.learning_rate, optimiser_.beta1, optimiser_.beta2, step));
  }
  copy_to_device(device_, buffers_->scalars.data, scalars.data(), scalars.size() * sizeof(AdamStepScalars));
  synchronize(device_);
}

// --- parameters
// ----------------------------------------------------------------------------------------------------------

Span<float> AttentionClassifier::parameter(const char* name) const {
  const Parameter& p = layout_.find(name);
  return buffers_->parameters.subspan(p.offset, p.size);
}

/// Both directions of an LSTM parameter, which are neighbours.
Span<float> AttentionClassifier::parameter_pair(const char* name) const {
  const Parameter& p = layout_.find(name);
  return buffers_->parameters.subspan(p.offset, 2 * p.size);
}

Span<float> AttentionClassifier::gradient(const char* name) const {
  const Parameter& p = layout_.find(name);
  return buffers_->gradients.subspan(p.offset - layout_.embedding_size(), p.size);
}

Span<float> AttentionClassifier::gradient_pair(const char* name) const {
  const Parameter& p = layout_.find(name);
  return buffers_->gradients.subspan(p.offset - layout_.embedding_size(), 2 * p.size);
}

void AttentionClassifier::mark_rows_current() {
  transposes_stale_ = true;
  const std::vector<int32_t> steps(static_cast<size_t>(buffers_->last_step.size), static_cast<int32_t>(step_));
  copy_to_device(device_, buffers_->last_step.data, steps.data(), steps.size() * sizeof(int32_t));
  synchronize(device_);
}

void AttentionClassifier::set_parameters(const std::vector<float>& values) {
  NOTNOT_CHECK(static_cast<int64_t>(values.size()) == layout_.total(), "{} values for {} parameters", values.size(),
               layout_.total());
  copy_to_device(device_, buffers_->parameters.data, values.data(), values.size() * sizeof(float));
  mark_rows_current();
}

std::vector<float> AttentionClassifier::parameters() {
  replay_embedding(0, {});
  return to_host(device_, buffers_->parameters);
}

AttentionClassifier::OptimiserState AttentionClassifier::optimiser_state() {
  replay_embedding(0, {});
  return {step_, to_host(device_, buffers_->first_moment), to_host(device_, buffers_->second_moment),
          to_host(device_, buffers_->largest_second_moment)};
}

void AttentionClassifier::set_optimiser_state(const OptimiserState& state) {
  const auto upload = [&](const Span<float>& to, const std::vector<float>& from) {
    NOTNOT_CHECK(static_cast<int64_t>(from.size()) == to.size, "an optimiser state of {} values for {}", from.size(),
                 to.size);
    copy_to_device(device_, to.data, from.data(), from.size() * sizeof(float));
  };
  upload(buffers_->first_moment, state.first_moment);
  upload(buffers_->second_moment, state.second_moment);
  upload(buffers_->largest_second_moment, state.largest_second_moment);
  step_ = state.step;
  mark_rows_current();
}

void AttentionClassifier::refresh_transposes() {
  if (!transposes_stale_) return;
  const Profile::Section section(profile_, device_, "weight transposes");
  const bool lstm = options_.encoder == Encoder::lstm;
  transpose(device_,
            {.rows = options_.projection(),
             .columns = options_.embed,
             .to_stride = weight_stride(options_.projection()),
             .from = lstm ? parameter_pair("encoder.rnn.weight_ih_l0") : parameter("encoder.projection.weight"),
             .to = buffers_->projection_weight_transposed});
  transpose(device_, {.rows = options_.attention_width(),
                      .columns = options_.width(),
                      .from = parameter("decoder.attention.attn1.weight"),
                      .to = buffers_->attention_weight_transposed});
  transposes_stale_ = false;
}

AdamRows AttentionClassifier::embedding_rows() const {
  const Buffers& b = *buffers_;
  const int64_t size = layout_.embedding_size();
  return {.hyper = hyper(optimiser_.weight_decay),
          .rows = options_.vocabulary,
          .columns = options_.embed,
          .parameter = b.parameters.subspan(0, size),
          .first_moment = b.first_moment.subspan(0, size),
          .second_moment = b.second_moment.subspan(0, size),
          .largest_second_moment = b.largest_second_moment.subspan(0, size),
          .last_step = b.last_step,
          .scalars = b.scalars};
}

/// Brings the embedding rows `ids` (all rows: count 0) up to the current step.
void AttentionClassifier::replay_embedding(int32_t count, Span<const int32_t> ids) {
  if (step_ == 0) return;
  const Profile::Section section(profile_, device_, "embedding Adam, missed steps");
  adam_rows_replay(device_,
                   {.state = embedding_rows(), .step = static_cast<int32_t>(step_), .count = count, .ids = ids});
}

// --- forward and backward
// ------------------------------------------------------------------------------------------------

void AttentionClassifier::load(const HostBatch& batch, const BatchTargets& targets) {
  const Profile::Section section(profile_, device_, "batch upload and unique tokens");
  batch_.load(device_, batch);
  const auto upload = [&](const char* name, const Span<float>& to, const std::vector<float>& from, int32_t expected) {
    if (from.empty()) return;
    NOTNOT_CHECK(static_cast<int32_t>(from.size()) == expected && to.size >= expected,
                 "`{}` has {} values, this batch {} and the model room for {}", name, from.size(), expected, to.size);
    copy_to_device(device_, to.data, from.data(), from.size() * sizeof(float));
  };
  upload("given_log_attention", buffers_->given_log_attention, targets.given_log_attention, batch.tokens());
  upload("base_log_attention", buffers_->base_log_attention, targets.base_log_attention, batch.tokens());
  upload("base_probability", buffers_->base_probability, targets.base_probability, batch.sequences());
  NOTNOT_CHECK(options_.attention != AttentionKind::given || !targets.given_log_attention.empty(),
               "a model with given attention needs given_log_attention for every batch");
}

/// States of every token of the loaded batch.
void AttentionClassifier::encode(bool training) {
  const Buffers& b = *buffers_;
  const RaggedBatch& batch = batch_.ragged();
  const bool lstm = options_.encoder == Encoder::lstm;
  refresh_transposes();
  replay_embedding(batch.unique, batch.unique_ids);
  {
    const Profile::Section section(profile_, device_, "input projection, forward", projection_flop());
    token_projection_forward(
        device_, {.batch = batch,
                  .vocabulary = options_.vocabulary,
                  .embed = options_.embed,
                  .width = options_.projection(),
                  .activation = lstm ? Activation::identity : Activation::tanh,
                  .embedding = parameter("encoder.embedding.weight"),
                  .weight_transposed = b.projection_weight_transposed,
                  .bias = lstm ? parameter_pair("encoder.rnn.bias_ih_l0") : parameter("encoder.projection.bias"),
                  .second_bias = lstm ? parameter_pair("encoder.rnn.bias_hh_l0") : Span<float>{},
                  .rows = b.rows,
                  .table = b.table});
  }
  const Profile::Section section(profile_, device_, lstm ? "BiLSTM, forward" : "token states",
                                 lstm ? recurrent_flop() : 0);
  if (lstm) {
    bilstm_forward(device_, {.batch = batch,
                             .hidden = options_.hidden,
                             .table = b.table,
                             .weight_hh = parameter_pair("encoder.rnn.weight_hh_l0"),
                             .states = b.states,
                             .gates = training ? b.gates : Span<float>{},
                             .cells = training ? b.cells : Span<float>{},
                             .previous = training ? b.previous : Span<float>{},
                             .workspace = b.bilstm_workspace,
                             .precision = options_.precision});
  } else {
    gather_rows(device_, {.count = batch.tokens,
                          .columns = options_.hidden,
                          .from_rows = batch.unique,
                          .from = b.table,
                          .rows = batch.unique_row,
                          .to = b.states});
  }
}

/// Gradients of everything below the head, from buffers_->dhidden.
void AttentionClassifier::encode_backward() {
  const Buffers& b = *buffers_;
  const RaggedBatch& batch = batch_.ragged();
  const bool lstm = options_.encoder == Encoder::lstm;
  if (lstm) {
    const Profile::Section section(profile_, device_, "BiLSTM, backward", 2 * recurrent_flop());
    bilstm_backward(device_, {.batch = batch,
                              .hidden = options_.hidden,
                              .weight_hh = parameter_pair("encoder.rnn.weight_hh_l0"),
                              .dstates = b.dhidden,
                              .gates = b.gates,
                              .cells = b.cells,
                              .previous = b.previous,
                              .dweight_hh = gradient_pair("encoder.rnn.weight_hh_l0"),
                              .workspace = b.bilstm_workspace,
                              .precision = options_.precision});
  }
  const Profile::Section section(profile_, device_, "input projection, backward", 2 * projection_flop());
  token_projection_backward(
      device_, {.batch = batch,
                .embed = options_.embed,
                .width = options_.projection(),
                .activation = lstm ? Activation::identity : Activation::tanh,
                .rows = b.rows,
                .table = b.table,
                .weight = lstm ? parameter_pair("encoder.rnn.weight_ih_l0") : parameter("encoder.projection.weight"),
                .dvalues = lstm ? b.gates : b.dhidden,
                .dtable = b.dtable,
                .dweight = lstm ? gradient_pair("encoder.rnn.weight_ih_l0") : gradient("encoder.projection.weight"),
                .dbias = lstm ? gradient_pair("encoder.rnn.bias_ih_l0") : gradient("encoder.projection.bias"),
                .second_dbias = lstm ? gradient_pair("encoder.rnn.bias_hh_l0") : Span<float>{},
                .drows = b.drows,
                .workspace = b.projection_workspace});
}

AttentionHeadForward AttentionClassifier::head() const {
  const Buffers& b = *buffers_;
  return {.batch = batch_.ragged(),
          .width = options_.width(),
          .attention_width = options_.attention_width(),
          .kind = options_.attention,
          .hidden = b.states,
          .attention_weight_transposed = b.attention_weight_transposed,
          .attention_bias = parameter("decoder.attention.attn1.bias"),
          .attention_vector = parameter("decoder.attention.attn2.weight"),
          .output_weight = parameter("decoder.linear_1.weight"),
          .output_bias = parameter("decoder.linear_1.bias"),
          .given_log_attention = b.given_log_attention,
          .activation = b.activation,
          .log_attention = b.log_attention,
          .context = b.context,
          .logit = b.logit,
          .probability = b.probability};
}

AttentionClassifier::Predictions AttentionClassifier::predict(const HostBatch& batch, const BatchTargets& targets) {
  load(batch, targets);
  encode(/*training=*/false);
  {
    const Profile::Section section(profile_, device_, "attention head, forward", head_flop());
    attention_head_forward(device_, head());
  }
  return {to_host(device_, buffers_->probability.subspan(0, batch.sequences())),
          to_host(device_, buffers_->logit.subspan(0, batch.sequences())),
          to_host(device_, buffers_->log_attention.subspan(0, batch.tokens()))};
}

AttentionClassifier::Contributions AttentionClassifier::contributions(const HostBatch& batch) {
  Contributions result{.predictions = predict(batch), .contribution = {}, .bias = 0};
  const Span<float> contribution = buffers_->contribution.subspan(0, batch.tokens());
  row_dot(device_, {.rows = batch.tokens(),
                    .columns = options_.width(),
                    .values = buffers_->states,
                    .vector = parameter("decoder.linear_1.weight"),
                    .products = contribution});
  result.contribution = to_host(device_, contribution);
  result.bias = to_host(device_, parameter("decoder.linear_1.bias")).front();
  return result;
}

double AttentionClassifier::compute_gradients(const HostBatch& batch, const ObjectiveOptions& objective,
                                              const BatchTargets& targets) {
  const Buffers& b = *buffers_;
  NOTNOT_CHECK(!b.gradients.empty(), "this model was planned without training");
  NOTNOT_CHECK(objective.objective == Objective::classify ||
                   (!targets.base_log_attention.empty() && !targets.base_probability.empty()),
               "an adversary needs the base model's attention and probabilities");
  load(batch, targets);
  encode(/*training=*/true);
  fill_zero(device_, b.gradients);
  const auto positives = std::accumulate(batch.labels.begin(), batch.labels.end(), int32_t{0});
  const double scale = batch.sequences() - positives + objective.positive_weight * positives;
  {
    const Profile::Section section(profile_, device_, "attention head, training", 3 * head_flop());
    attention_head_train(device_, {.forward = head(),
                                   .objective = objective.objective,
                                   .positive_weight = static_cast<float>(objective.positive_weight),
                                   .labels = batch_.labels(),
                                   .scale = static_cast<float>(scale),
                                   .tvd_factor = static_cast<float>(objective.tvd_factor),
                                   .lambda = static_cast<float>(objective.lambda),
                                   .base_probability = b.base_probability,
                                   .base_log_attention = b.base_log_attention,
                                   .attention_weight = parameter("decoder.attention.attn1.weight"),
                                   .loss = b.loss,
                                   .divergence = b.divergence,
                                   .dlogit = b.dlogit,
                                   .dscore = b.dscore,
                                   .dhidden = b.dhidden,
                                   .dattention_weight = gradient("decoder.attention.attn1.weight"),
                                   .dattention_bias = gradient("decoder.attention.attn1.bias"),
                                   .dattention_vector = gradient("decoder.attention.attn2.weight"),
                                   .doutput_weight = gradient("decoder.linear_1.weight"),
                                   .doutput_bias = gradient("decoder.linear_1.bias"),
                                   .workspace = b.head_workspace});
  }
  encode_backward();
  const std::vector<float> loss = to_host(device_, b.loss.subspan(0, batch.sequences()));
  return std::accumulate(loss.begin(), loss.end(), 0.0);
}

// --- update
// --------------------------------------------------------------------------------------------------------------

AdamHyper AttentionClassifier::hyper(double decay) const {
  return {.beta1 = static_cast<float>(optimiser_.beta1),
          .beta2 = static_cast<float>(optimiser_.beta2),
          .epsilon = static_cast<float>(optimiser_.epsilon),
          .one_minus_beta1 = static_cast<float>(1 - optimiser_.beta1),
          .one_minus_beta2 = static_cast<float>(1 - optimiser_.beta2),
          .decay = static_cast<float>(decay)};
}

void AttentionClassifier::step_range(int64_t begin, int64_t end, double decay) {
  const Buffers& b = *buffers_;
  adam_step(device_,
            {.hyper = hyper(decay),
             .scalars = adam_step_scalars<float>(optimiser_.learning_rate, optimiser_.beta1, optimiser_.beta2, step_),
             .gradient = b.gradients.subspan(begin - layout_.embedding_size(), end - begin),
             .parameter = b.parameters.subspan(begin, end - begin),
             .first_moment = b.first_moment.subspan(begin, end - begin),
             .second_moment = b.second_moment.subspan(begin, end - begin),
             .largest_second_moment = b.largest_second_moment.subspan(begin, end - begin)});
}

void AttentionClassifier::apply_gradients() {
  const RaggedBatch& batch = batch_.ragged();
  NOTNOT_CHECK(step_ < buffers_->scalars.size, "step {} exceeds the {} steps that this model was planned for",
               step_ + 1, buffers_->scalars.size);
  ++step_;
  const Profile::Section section(profile_, device_, "Adam");
  adam_rows_step(device_, {.state = embedding_rows(),
                           .step = static_cast<int32_t>(step_),
                           .count = batch.unique,
                           .ids = batch.unique_ids,
                           .gradients = buffers_->drows});
  step_range(layout_.embedding_size(), layout_.attention_begin(), optimiser_.weight_decay);
  if (options_.attention == AttentionKind::learned) step_range(layout_.attention_begin(), layout_.total(), 0.0);
  transposes_stale_ = true;
}

std::vector<float> AttentionClassifier::gradients() {
  const RaggedBatch& batch = batch_.ragged();
  std::vector<float> values(static_cast<size_t>(layout_.total()));
  const std::vector<float> rest = to_host(device_, buffers_->gradients);
  std::copy(rest.begin(), rest.end(), values.begin() + layout_.embedding_size());
  const std::vector<int32_t> ids = to_host(device_, batch.unique_ids.subspan(0, batch.unique));
  const std::vector<float> rows = to_host(device_, buffers_->drows);
  for (size_t i = 0; i < ids.size(); ++i) {
    std::copy_n(rows.begin() + static_cast<int64_t>(i) * options_.embed, options_.embed,
                values.begin() + int64_t{ids[i]} * options_.embed);
  }
  return values;
}

// --- counted work, for the profile
// ---------------------------------------------------------------------------------------

double AttentionClassifier::projection_flop() const {
  return 2.0 * batch_.ragged().unique * options_.embed * options_.projection();
}
double AttentionClassifier::recurrent_flop() const {
  return 2.0 * batch_.ragged().tokens * 8 * options_.hidden * options_.hidden;
}
double AttentionClassifier::head_flop() const {
  const bool learned = options_.attention == AttentionKind::learned;
  return learned ? 2.0 * batch_.ragged().tokens * options_.width() * options_.attention_width() : 0.0;
}

}  // namespace notnot
