#include "models/attention_classifier.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <optional>

namespace notnot {

/// A batch on the device with what belongs to it. A model that trains has two: while a step computes on one, the next
/// batch goes into the other.
struct AttentionClassifier::Slot {
  DeviceBatch batch;
  Span<float> given_log_attention = {}, base_log_attention = {}, base_probability = {}, scale = {};
  Span<int32_t> completed = {};

  /// The host's side, from `allocate` on.
  struct Host {
    Upload upload;
    PinnedMemory loss;
    Event uploaded, finished;
  };
  std::optional<Host> host = {};
};

/// The device buffers of a model besides those of its slots and its optimiser. `plan` and `plan_training` declare their
/// shapes.
struct AttentionClassifier::Buffers {
  std::vector<Slot> slots;
  size_t upload_bytes = 0, loss_bytes = 0;
  Span<float> parameters, projection_weight_transposed, attention_weight_transposed;
  // For the forward pass of evaluation and training: each has the larger size of the two.
  Span<float> table, states, activation, log_attention, context, logit, probability, contribution, bilstm_workspace;
  // For training only.
  Span<float> gates, cells, previous, rows, dtable, drows, projection_workspace;
  Span<float> loss, divergence, dlogit, dscore, dhidden, head_workspace;
};

AttentionClassifier::AttentionClassifier(const Device& device, const ModelOptions& options,
                                         const ModelCapacity& capacity, const OptimiserOptions& optimiser)
    : device_(device),
      options_(options),
      layout_(options),
      upload_stream_(device),
      captured_(device),
      buffers_(std::make_unique<Buffers>()),
      optimiser_(std::make_unique<Optimiser>(device, options, optimiser)),
      table_(options.vocabulary) {
  ModelCapacity roomy = capacity;
  roomy.evaluation.unique = ProjectionRows::most_added(capacity.evaluation.tokens, options.vocabulary);
  roomy.training = with_slack(device, capacity.training);
  plan_slots(roomy);
  plan(roomy);
  if (capacity.training.sequences > 0) plan_training(roomy);
}

AttentionClassifier::AttentionClassifier(AttentionClassifier&&) noexcept = default;

AttentionClassifier::~AttentionClassifier() {
  if (in_flight_ == 0) return;
  try {
    synchronize(device_);  // the steps in flight use the memory that is released next
  } catch (const Error&) {
    // The steps failed, and the exception that ended the training says so.
  }
}

AttentionClassifier::Slot& AttentionClassifier::slot() const { return buffers_->slots[slot_]; }
const RaggedBatch& AttentionClassifier::batch() const { return slot().batch.ragged(); }

void AttentionClassifier::plan_slots(const ModelCapacity& capacity) {
  const bool trains = capacity.training.sequences > 0;
  Buffers& b = *buffers_;
  b.slots.reserve(2);  // the arena keeps the addresses of their spans
  for (const char* group : {"batch", "next batch"}) {
    const BatchCapacity evaluation = b.slots.empty() ? capacity.evaluation : BatchCapacity{};
    const BatchCapacity c = larger(evaluation, capacity.training);
    Slot& slot = b.slots.emplace_back(
        Slot{.batch = DeviceBatch(arena_, group, evaluation, capacity.training, options_.vocabulary)});
    if (options_.attention == AttentionKind::given)
      arena_.add(group, "given_log_attention", {c.tokens}, &slot.given_log_attention);
    if (!trains) break;
    arena_.add(group, "base_log_attention", {capacity.training.tokens}, &slot.base_log_attention);
    arena_.add(group, "base_probability", {capacity.training.sequences}, &slot.base_probability);
    arena_.add(group, "scale", {1}, &slot.scale);
    arena_.add(group, "completed steps", {1}, &slot.completed);
  }
  const BatchCapacity c = larger(capacity.evaluation, capacity.training);
  b.upload_bytes =
      DeviceBatch::upload_bytes(c) + (2 * c.tokens + c.sequences + 2) * sizeof(float) + 5 * Upload::kAlignment;
  b.loss_bytes = capacity.training.sequences * sizeof(float);
}

void AttentionClassifier::plan(const ModelCapacity& capacity) {
  const BatchCapacity c = larger(capacity.evaluation, capacity.training);
  const int64_t e = options_.embed, p = options_.projection(), d = options_.width(), a = options_.attention_width();
  const int64_t token_rows = padded_rows(c.tokens);
  const int64_t table_rows = padded_rows(std::max<int64_t>(options_.vocabulary, capacity.training.unique));
  Buffers& b = *buffers_;
  arena_.add("parameters", "values", {layout_.total()}, &b.parameters);
  arena_.add("parameters", "projection weight^T", {e, weight_stride(p)}, &b.projection_weight_transposed);
  arena_.add("parameters", "attention weight^T", {d, a}, &b.attention_weight_transposed);
  arena_.add("activations", "rows", {padded_rows(c.unique), e}, &b.rows);
  arena_.add("activations", "table", {table_rows, p}, &b.table);
  arena_.add("activations", "states", {token_rows, d}, &b.states);
  if (options_.attention == AttentionKind::learned)
    arena_.add("activations", "activation", {token_rows, a}, &b.activation);
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
  optimiser_->plan(arena_, capacity.steps);
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
}

void AttentionClassifier::allocate() {
  arena_.allocate(device_);
  for (Slot& slot : buffers_->slots) {
    slot.host.emplace(Slot::Host{.upload = Upload(device_, buffers_->upload_bytes),
                                 .loss = PinnedMemory(device_, buffers_->loss_bytes),
                                 .uploaded = Event(device_),
                                 .finished = Event(device_)});
  }
  optimiser_->start(buffers_->parameters);
}

// --- parameters ------------------------------------------------------------------------------------------------------

Span<float> AttentionClassifier::parameter(const char* name) const {
  const Parameter& p = layout_.find(name);
  return buffers_->parameters.subspan(p.offset, p.size);
}

/// Both directions of an LSTM parameter as one matrix; `name` is that of the first. They are neighbours in the layout.
Span<float> AttentionClassifier::parameter_pair(const char* name) const {
  const Parameter& p = layout_.find(name);
  return buffers_->parameters.subspan(p.offset, 2 * p.size);
}

Span<float> AttentionClassifier::gradient(const char* name) const {
  const Parameter& p = layout_.find(name);
  return optimiser_->gradients().subspan(p.offset - layout_.encoder_begin(), p.size);
}

Span<float> AttentionClassifier::gradient_pair(const char* name) const {
  const Parameter& p = layout_.find(name);
  return optimiser_->gradients().subspan(p.offset - layout_.encoder_begin(), 2 * p.size);
}

void AttentionClassifier::set_parameters(const std::vector<float>& values) {
  NOTNOT_CHECK(static_cast<int64_t>(values.size()) == layout_.total(), "{} values for {} parameters", values.size(),
               layout_.total());
  copy_to_device(device_, buffers_->parameters.data, values.data(), values.size() * sizeof(float));
  optimiser_->mark_rows_current();
  table_.clear();
  refresh_transposes();
}

std::vector<float> AttentionClassifier::parameters() {
  replay_all_rows();
  return to_host(device_, buffers_->parameters.subspan(0, layout_.total()));
}

OptimiserState AttentionClassifier::optimiser_state() {
  replay_all_rows();
  return optimiser_->state();
}

void AttentionClassifier::set_optimiser_state(const OptimiserState& state) {
  optimiser_->set_state(state);
  table_.clear();
}

void AttentionClassifier::refresh_transposes() {
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
}

void AttentionClassifier::check_idle() const {
  NOTNOT_CHECK(in_flight_ == 0, "{} training steps are in flight", in_flight_);
}

/// Brings every embedding row up to the current step, which changes no bits.
void AttentionClassifier::replay_all_rows() {
  check_idle();
  if (step() == 0) return;
  const Profile::Section section(profile_, device_, "embedding Adam, missed steps");
  optimiser_->replay_all_rows();
}

/// Brings the embedding rows of `ids` up to the step that came with the loaded batch.
void AttentionClassifier::replay_rows(Span<const int32_t> ids) {
  const Profile::Section section(profile_, device_, "embedding Adam, missed steps");
  optimiser_->replay_rows(slot().completed, ids);
}

// --- forward and backward --------------------------------------------------------------------------------------------

/// Loads the batch into the current slot, on the stream for uploads.
void AttentionClassifier::load(const HostBatch& batch, const BatchTargets& targets, bool training) {
  const Profile::Section section(profile_, device_, "batch upload and unique tokens");
  const Device& device = upload_stream_.device();
  Slot& s = slot();
  s.host->finished.make_wait(device);  // the last update with this slot may still read it
  s.host->upload.restart();
  const auto upload = [&](const char* name, const Span<float>& to, const std::vector<float>& from, int32_t expected) {
    if (from.empty()) return;
    NOTNOT_CHECK(static_cast<int32_t>(from.size()) == expected && to.size >= expected,
                 "`{}` has {} values; this batch needs {}, and the model has space for {}", name, from.size(), expected,
                 to.size);
    s.host->upload.add(device, to, from);
  };
  upload("given_log_attention", s.given_log_attention, targets.given_log_attention, batch.tokens());
  upload("base_log_attention", s.base_log_attention, targets.base_log_attention, batch.tokens());
  upload("base_probability", s.base_probability, targets.base_probability, batch.sequences());
  NOTNOT_CHECK(options_.attention != AttentionKind::given || !targets.given_log_attention.empty(),
               "a model with given attention needs given_log_attention for every batch");
  if (optimiser_->trains()) {
    s.host->upload.add(device, s.completed, std::vector<int32_t>{static_cast<int32_t>(step())});
  }
  if (training) {
    table_.clear();  // project_batch overwrites the table
    s.batch.load_for_training(device, s.host->upload, batch);
  } else {
    s.batch.load_for_evaluation(device, s.host->upload, batch, table_);
  }
}

/// Makes the work that is enqueued from now on wait for the loaded batch.
void AttentionClassifier::await_load() {
  slot().host->uploaded.record(upload_stream_.device());
  slot().host->uploaded.make_wait(device_);
}

/// Loads the batch into the other slot, because a step may still compute on the current one.
void AttentionClassifier::load_for_training(const HostBatch& batch, const ObjectiveOptions& objective,
                                            const BatchTargets& targets) {
  NOTNOT_CHECK(optimiser_->trains(), "this model was planned without training");
  NOTNOT_CHECK(objective.objective == Objective::classify ||
                   (!targets.base_log_attention.empty() && !targets.base_probability.empty()),
               "an adversary needs the base model's attention and probabilities");
  NOTNOT_CHECK(in_flight_ < 2, "two training steps are in flight");
  slot_ = 1 - slot_;
  load(batch, targets, /*training=*/true);
  const auto positives = std::accumulate(batch.labels.begin(), batch.labels.end(), int32_t{0});
  const double scale = batch.sequences() - positives + objective.positive_weight * positives;
  const Device& device = upload_stream_.device();
  slot().host->upload.add(device, slot().scale, std::vector<float>{static_cast<float>(scale)});
  await_load();
}

/// Computes the table's rows from `first_row` on, from the embeddings of `ids`.
void AttentionClassifier::project(Span<const int32_t> ids, int64_t first_row) {
  const bool lstm = options_.encoder == Encoder::lstm;
  const int32_t count = ids.size;
  const int64_t before = first_row * options_.projection();
  gather_rows(device_, {.count = count,
                        .columns = options_.embed,
                        .from_rows = options_.vocabulary,
                        .from = parameter("encoder.embedding.weight"),
                        .rows = ids,
                        .to = buffers_->rows});
  token_projection_forward(
      device_, {.count = count,
                .embed = options_.embed,
                .width = options_.projection(),
                .activation = lstm ? Activation::identity : Activation::tanh,
                .rows = buffers_->rows,
                .weight_transposed = buffers_->projection_weight_transposed,
                .bias = lstm ? parameter_pair("encoder.rnn.bias_ih_l0") : parameter("encoder.projection.bias"),
                .second_bias = lstm ? parameter_pair("encoder.rnn.bias_hh_l0") : Span<float>{},
                .table = buffers_->table.subspan(before, buffers_->table.size - before)});
}

/// Computes the rows of the ids that the loaded batch added to the table. A row has the bits that its id would get in a
/// training batch's table.
void AttentionClassifier::project_added() {
  const Span<const int32_t> ids = slot().batch.added_ids();
  if (ids.empty()) return;
  if (step() > 0) replay_rows(ids);
  const Profile::Section section(profile_, device_, "input projection, evaluation", projection_flop(ids.size));
  project(ids, table_.size() - ids.size);
}

/// Computes the table anew: a row for each distinct id of the loaded batch.
void AttentionClassifier::project_batch() {
  const Span<const int32_t> ids = batch().unique_ids.subspan(0, batch().unique);
  replay_rows(ids);
  const Profile::Section section(profile_, device_, "input projection, forward", projection_flop(ids.size));
  project(ids, 0);
}

/// Computes the state of every token of the loaded batch from the table.
void AttentionClassifier::encode(bool training) {
  const Buffers& b = *buffers_;
  const RaggedBatch& batch = this->batch();
  const bool lstm = options_.encoder == Encoder::lstm;
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

/// Computes the gradients of everything below the attention head from buffers_->dhidden, those of the states.
void AttentionClassifier::encode_backward() {
  const Buffers& b = *buffers_;
  const RaggedBatch& batch = this->batch();
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
  const Profile::Section section(profile_, device_, "input projection, backward", 2 * projection_flop(batch.unique));
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
  return {.batch = batch(),
          .width = options_.width(),
          .attention_width = options_.attention_width(),
          .kind = options_.attention,
          .hidden = b.states,
          .attention_weight_transposed = b.attention_weight_transposed,
          .attention_bias = parameter("decoder.attention.attn1.bias"),
          .attention_vector = parameter("decoder.attention.attn2.weight"),
          .output_weight = parameter("decoder.linear_1.weight"),
          .output_bias = parameter("decoder.linear_1.bias"),
          .given_log_attention = slot().given_log_attention,
          .activation = b.activation,
          .log_attention = b.log_attention,
          .context = b.context,
          .logit = b.logit,
          .probability = b.probability};
}

AttentionClassifier::Predictions AttentionClassifier::predict(const HostBatch& batch, const BatchTargets& targets) {
  check_idle();
  slot_ = 0;
  load(batch, targets, /*training=*/false);
  await_load();
  project_added();
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

void AttentionClassifier::enqueue_gradients(const ObjectiveOptions& objective) {
  const Buffers& b = *buffers_;
  const Slot& s = slot();
  project_batch();
  encode(/*training=*/true);
  fill_zero(device_, optimiser_->gradients());
  {
    const Profile::Section section(profile_, device_, "attention head, training", 3 * head_flop());
    attention_head_train(device_, {.forward = head(),
                                   .objective = objective.objective,
                                   .positive_weight = static_cast<float>(objective.positive_weight),
                                   .labels = s.batch.labels(),
                                   .tvd_factor = static_cast<float>(objective.tvd_factor),
                                   .lambda = static_cast<float>(objective.lambda),
                                   .scale = s.scale,
                                   .base_probability = s.base_probability,
                                   .base_log_attention = s.base_log_attention,
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
  slot().host->loss.enqueue_copy_of(b.loss.data, batch().sequences * sizeof(float));
}

double AttentionClassifier::loss_of_slot(const Slot& slot) {
  const auto* loss = reinterpret_cast<const float*>(slot.host->loss.data());
  return std::accumulate(loss, loss + slot.batch.ragged().sequences, 0.0);
}

double AttentionClassifier::compute_gradients(const HostBatch& batch, const ObjectiveOptions& objective,
                                              const BatchTargets& targets) {
  check_idle();
  load_for_training(batch, objective, targets);
  enqueue_gradients(objective);
  synchronize(device_);
  return loss_of_slot(slot());
}

// --- whole steps -----------------------------------------------------------------------------------------------------

/// Everything on which the enqueued work of a step depends and that does not lie in device memory.
CapturedWork::Key AttentionClassifier::step_key(const ObjectiveOptions& objective) const {
  return {slot_,
          batch().sequences,
          batch().tokens,
          batch().unique,
          static_cast<int64_t>(objective.objective),
          std::bit_cast<int64_t>(objective.positive_weight),
          std::bit_cast<int64_t>(objective.tvd_factor),
          std::bit_cast<int64_t>(objective.lambda)};
}

void AttentionClassifier::enqueue_step(const HostBatch& batch, const ObjectiveOptions& objective,
                                       const BatchTargets& targets) {
  load_for_training(batch, objective, targets);
  optimiser_->count_step();
  const auto step = [&] {
    enqueue_gradients(objective);
    enqueue_update();
  };
  if (profile_ != nullptr) {
    step();  // the sections of a profile wait for the device, which captured work may not
  } else {
    captured_.run(step_key(objective), step);
  }
  slot().host->finished.record(device_);
  ++in_flight_;
}

double AttentionClassifier::finish_step() {
  NOTNOT_CHECK(in_flight_ > 0, "no training step is in flight");
  const Slot& oldest = buffers_->slots[in_flight_ == 2 ? 1 - slot_ : slot_];
  oldest.host->finished.wait();
  --in_flight_;
  return loss_of_slot(oldest);
}

// --- update ----------------------------------------------------------------------------------------------------------

/// One step of Adam with the gradients of the loaded batch; then the transposed copies of the weights that moved.
void AttentionClassifier::enqueue_update() {
  {
    const Profile::Section section(profile_, device_, "Adam");
    optimiser_->enqueue_step(slot().completed, batch().unique_ids.subspan(0, batch().unique), buffers_->drows);
  }
  refresh_transposes();
}

void AttentionClassifier::apply_gradients() {
  optimiser_->count_step();
  enqueue_update();
  slot().host->finished.record(device_);
}

std::vector<float> AttentionClassifier::gradients() {
  const RaggedBatch& batch = this->batch();
  std::vector<float> values(layout_.total());
  const std::vector<float> rest = to_host(device_, optimiser_->gradients());
  std::copy(rest.begin(), rest.end(), values.begin() + layout_.encoder_begin());
  NOTNOT_CHECK(!batch.unique_ids.empty(), "the last batch was not one of compute_gradients");
  const std::vector<int32_t> ids = to_host(device_, batch.unique_ids.subspan(0, batch.unique));
  const std::vector<float> rows = to_host(device_, buffers_->drows);
  for (size_t i = 0; i < ids.size(); ++i) {
    std::copy_n(rows.begin() + i * options_.embed, options_.embed, values.begin() + int64_t{ids[i]} * options_.embed);
  }
  return values;
}

// --- counted work, for the profile -----------------------------------------------------------------------------------

double AttentionClassifier::projection_flop(int64_t ids) const {
  return 2.0 * ids * options_.embed * options_.projection();
}
double AttentionClassifier::recurrent_flop() const {
  return 2.0 * batch().tokens * 8 * options_.hidden * options_.hidden;
}
double AttentionClassifier::head_flop() const {
  const bool learned = options_.attention == AttentionKind::learned;
  return learned ? 2.0 * batch().tokens * options_.width() * options_.attention_width() : 0.0;
}

}  // namespace notnot
