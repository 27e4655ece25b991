#include "models/attention_classifier.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <optional>

namespace notnot {

/// A batch on the device with what belongs to it. There are two: while the model computes on one, the next batch goes
/// into the other.
struct AttentionClassifier::Slot {
  Span<std::byte> packed;   ///< the upload's block
  Span<float> predictions;  ///< [2 B + N] probability, logit, log_attention: read by the host in one copy

  // In `packed`, from `load` on.
  bool training = false;
  DeviceBatch batch = {};
  Span<const float> given_log_attention = {}, base_log_attention = {}, base_probability = {}, scale = {};
  Span<const int32_t> completed = {};

  /// The host's side, from `allocate` on.
  struct Host {
    Upload upload;
    PinnedMemory results;  ///< the losses, or the predictions
    Event uploaded, attended, finished;
  };
  std::optional<Host> host = {};

  int64_t sequences() const { return batch.ragged.sequences; }
  int64_t tokens() const { return batch.ragged.tokens; }
  Span<float> probability() const { return predictions.subspan(0, sequences()); }
  Span<float> logit() const { return predictions.subspan(sequences(), sequences()); }
  Span<float> log_attention() const { return predictions.subspan(2 * sequences(), tokens()); }
};

/// The device buffers of a model besides those of its slots and its optimiser. `plan` and `plan_training` declare their
/// shapes.
struct AttentionClassifier::Buffers {
  std::vector<Slot> slots;
  Span<float> parameters, projection_weight_transposed, attention_weight_transposed;
  // For the forward pass of evaluation and training: each has the larger size of the two.
  Span<float> table, states, activation, context, contribution, bilstm_workspace;
  // For training only.
  Span<float> gates, cells, previous, rows, dtable, drows, projection_workspace;
  Span<float> loss, divergence, peer_divergence, dlogit, dscore, dhidden, head_workspace;
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
      trains_(capacity.training.sequences > 0),
      table_(options.vocabulary) {
  ModelCapacity roomy = capacity;
  roomy.evaluation.unique = ProjectionRows::most_added(capacity.evaluation.tokens, options.vocabulary);
  roomy.training = with_slack(device, capacity.training);
  plan_slots(roomy);
  plan(roomy);
  if (trains_) plan_training(roomy);
}

std::vector<MemoryRow> AttentionClassifier::memory_table() const {
  std::vector<MemoryRow> rows = arena_.table();
  if (device_.backend != Backend::cuda) return rows;
  const int64_t workspaces = trains_ ? 1 + kBranches : 1;
  const auto workspace_bytes = static_cast<int64_t>(cuda::kGemmWorkspaceBytes);
  rows.push_back({"streams", "GEMM workspaces", {workspaces}, workspaces * workspace_bytes});
  if (trains_) {
    rows.push_back({"streams",
                    "captured steps, at most (estimate)",
                    {CapturedWork::kMostGraphs},
                    CapturedWork::kMostGraphs * CapturedWork::kGraphBytes});
  }
  return rows;
}

AttentionClassifier::AttentionClassifier(AttentionClassifier&&) noexcept = default;

AttentionClassifier::~AttentionClassifier() {
  if (buffers_ != nullptr && running_) wait_for_streams();  // what is in flight uses the memory that is released next
}

void AttentionClassifier::wait_for_streams() noexcept {
  std::vector<Device> streams = {upload_stream_.device(), device_};
  for (const Branch& branch : branches_) streams.push_back(branch.device());
  for (const Device& stream : streams) {
    try {
      synchronize(stream);
    } catch (const Error&) {
      // Its work failed, and the exception that ended it says so.
    }
  }
}

/// Enqueues work of a batch; the slot of the batch before it is `slot_before`. Nobody will wait for a batch that failed,
/// so its work ends here, before its memory is filled again.
void AttentionClassifier::abandon_if_it_fails(int slot_before, const std::function<void()>& enqueue) {
  try {
    enqueue();
  } catch (...) {
    wait_for_streams();
    slot_ = slot_before;
    table_.clear();  // ids may have got rows that nobody computed
    throw;
  }
}

/// The same for the last work of a batch, which is in flight from then on.
void AttentionClassifier::put_in_flight(int slot_before, const std::function<void()>& enqueue) {
  abandon_if_it_fails(slot_before, enqueue);
  slot().host->finished.record(device_);
  ++in_flight_;
}

void AttentionClassifier::drain() {
  while (in_flight_ > 0) finish_oldest(oldest().training);
}

AttentionClassifier::Slot& AttentionClassifier::slot() const { return buffers_->slots[slot_]; }
/// The slot of the batch that has been in flight longest.
const AttentionClassifier::Slot& AttentionClassifier::oldest() const {
  return buffers_->slots[in_flight_ == 2 ? 1 - slot_ : slot_];
}
const RaggedBatch& AttentionClassifier::batch() const { return slot().batch.ragged; }

void AttentionClassifier::plan_slots(const ModelCapacity& capacity) {
  Buffers& b = *buffers_;
  const BatchCapacity c = larger(capacity.evaluation, capacity.training);
  int64_t bytes = packed_bytes(capacity.evaluation, capacity.training);
  for (const int64_t size : {c.tokens, c.tokens, c.sequences, int64_t{1}, int64_t{1}})  // targets, scale, steps
    bytes += Upload::packed_bytes(size);
  b.slots.resize(2);  // the arena keeps the addresses of their spans
  for (Slot& slot : b.slots) {
    const char* const group = &slot == b.slots.data() ? "batch" : "next batch";
    arena_.add(group, "packed", {bytes}, &slot.packed);
    arena_.add(group, "predictions", {2 * c.sequences + c.tokens}, &slot.predictions);
  }
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
  arena_.add("activations", "contribution", {c.tokens}, &b.contribution);
  arena_.add("activations", "context", {c.sequences, d}, &b.context);
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
  arena_.add("training", "peer divergence", {c.sequences}, &b.peer_divergence);
}

void AttentionClassifier::allocate() {
  arena_.allocate(device_);
  running_.emplace(device_);
  optimiser_->start(buffers_->parameters);
  for (Slot& slot : buffers_->slots) {
    const int64_t most = std::max(slot.predictions.size, buffers_->loss.size);
    slot.host.emplace(Slot::Host{.upload = Upload(device_, slot.packed),
                                 .results = PinnedMemory(device_, most * sizeof(float)),
                                 .uploaded = Event(device_),
                                 .attended = Event(device_),
                                 .finished = Event(device_)});
  }
  if (!trains_) return;
  for (int i = 0; i < kBranches; ++i) branches_.emplace_back(device_);
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
  transpose_projection_weight();
  transpose_attention_weight(device_);
}

std::vector<float> AttentionClassifier::parameters() { return to_host(device_, device_parameters()); }

Span<const float> AttentionClassifier::device_parameters() {
  replay_all_rows();
  return buffers_->parameters.subspan(0, layout_.total());
}

OptimiserState AttentionClassifier::optimiser_state() {
  replay_all_rows();
  return optimiser_->state();
}

void AttentionClassifier::set_optimiser_state(const OptimiserState& state) {
  optimiser_->set_state(state);
  table_.clear();
}

void AttentionClassifier::transpose_projection_weight() {
  const Profile::Section section(profile_, device_, "weight transposes");
  const bool lstm = options_.encoder == Encoder::lstm;
  transpose(device_,
            {.rows = options_.projection(),
             .columns = options_.embed,
             .to_stride = weight_stride(options_.projection()),
             .from = lstm ? parameter_pair("encoder.rnn.weight_ih_l0") : parameter("encoder.projection.weight"),
             .to = buffers_->projection_weight_transposed});
}

void AttentionClassifier::transpose_attention_weight(const Device& device) {
  const Profile::Section section(profile_, device, "weight transposes");
  transpose(device, {.rows = options_.attention_width(),
                     .columns = options_.width(),
                     .from = parameter("decoder.attention.attn1.weight"),
                     .to = buffers_->attention_weight_transposed});
}

void AttentionClassifier::check_idle() const { NOTNOT_CHECK(in_flight_ == 0, "{} batches are in flight", in_flight_); }

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

/// How many models share the device decides how the recurrence is shared out, and stands in no key. A worker of a fleet
/// has no model for a moment between two: so a smaller number counts only where nothing is in flight, as when an epoch
/// begins.
void AttentionClassifier::follow_running_models() {
  const int models = running_->on_device();
  if (models == device_.models || (models < device_.models && in_flight_ > 0)) return;
  if (in_flight_ > 0) synchronize(device_);  // captured steps may still run
  captured_.clear();
  device_.models = models;
}

/// Loads the batch into the other slot, because the device may still compute on the current one. What is enqueued from
/// now on waits for it.
void AttentionClassifier::load(const HostBatch& batch, const BatchTargets& targets, bool training, float scale) {
  NOTNOT_CHECK(in_flight_ < 2, "two batches are in flight");
  follow_running_models();
  const Profile::Section section(profile_, device_, "batch upload and distinct ids");
  slot_ = 1 - slot_;
  Slot& s = slot();
  Upload& upload = s.host->upload;
  const Device& device = upload_stream_.device();
  s.host->finished.make_wait(device);  // the last update with this slot may still read it
  upload.restart();
  s.training = training;
  if (training) {
    table_.clear();  // project_batch overwrites the table
    s.batch = pack_for_training(device_, upload, batch, options_.vocabulary);
  } else {
    s.batch = pack_for_evaluation(upload, batch, table_);
  }
  NOTNOT_CHECK(2 * s.sequences() + s.tokens() <= s.predictions.size,
               "{} sequences and {} tokens are more than the model was planned for", s.sequences(), s.tokens());
  s.scale = upload.add(std::vector<float>{scale});
  s.completed = upload.add(std::vector<int32_t>{static_cast<int32_t>(step())});
  pack_targets(batch, targets);
  upload.enqueue(device);
  s.host->uploaded.record(device);
  s.host->uploaded.make_wait(device_);
}

/// Packs the outputs of other models that the batch needs.
void AttentionClassifier::pack_targets(const HostBatch& batch, const BatchTargets& targets) {
  Slot& s = slot();
  Upload& upload = s.host->upload;
  const auto pack = [&](const char* name, const std::vector<float>& from, int32_t expected, int64_t with_slack) {
    if (from.empty()) return Span<const float>{};
    NOTNOT_CHECK(std::ssize(from) == expected, "`{}` has {} values; this batch needs {}", name, from.size(), expected);
    return upload.add(from, with_slack);
  };
  NOTNOT_CHECK(options_.attention != AttentionKind::given || !targets.given_log_attention.empty(),
               "a model with given attention needs given_log_attention for every batch");
  s.given_log_attention = pack("given_log_attention", targets.given_log_attention, batch.tokens(), s.tokens());
  s.base_log_attention = pack("base_log_attention", targets.base_log_attention, batch.tokens(), s.tokens());
  s.base_probability = pack("base_probability", targets.base_probability, batch.sequences(), batch.sequences());
}

void AttentionClassifier::load_for_training(const HostBatch& batch, const ObjectiveOptions& objective,
                                            const BatchTargets& targets) {
  NOTNOT_CHECK(trains_, "this model was planned without training");
  NOTNOT_CHECK(objective.objective == Objective::classify ||
                   (!targets.base_log_attention.empty() && !targets.base_probability.empty()),
               "an adversary needs the base model's attention and probabilities");
  const auto positives = std::accumulate(batch.labels.begin(), batch.labels.end(), int32_t{0});
  const double scale = batch.sequences() - positives + objective.positive_weight * positives;
  load(batch, targets, /*training=*/true, static_cast<float>(scale));
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
  const Span<const int32_t> ids = slot().batch.added_ids;
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

BiLstmBackward AttentionClassifier::recurrence_backward() const {
  const Buffers& b = *buffers_;
  return {.batch = batch(),
          .hidden = options_.hidden,
          .weight_hh = parameter_pair("encoder.rnn.weight_hh_l0"),
          .dstates = b.dhidden,
          .gates = b.gates,
          .cells = b.cells,
          .previous = b.previous,
          .dweight_hh = gradient_pair("encoder.rnn.weight_hh_l0"),
          .workspace = b.bilstm_workspace,
          .precision = options_.precision};
}

TokenProjectionBackward AttentionClassifier::projection_backward() const {
  const Buffers& b = *buffers_;
  const bool lstm = options_.encoder == Encoder::lstm;
  return {.batch = batch(),
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
          .workspace = b.projection_workspace};
}

/// Computes the gradients of everything below the attention head from buffers_->dhidden, those of the states. What
/// nothing else here needs goes on branches; then all branches are joined.
void AttentionClassifier::encode_backward() {
  const Branch &rows_branch = branches_[0], &recurrence_branch = branches_[1];
  const bool lstm = options_.encoder == Encoder::lstm;
  if (lstm) {
    {
      const Profile::Section section(profile_, device_, "BiLSTM, backward", recurrent_flop());
      bilstm_backward(device_, recurrence_backward());
    }
    recurrence_branch.fork();
    const Profile::Section section(profile_, recurrence_branch.device(), "BiLSTM, gradient of W_hh", recurrent_flop());
    add_recurrent_weight_gradient(recurrence_branch.device(), recurrence_backward());
  }
  const double flop = projection_flop(batch().unique);
  const TokenProjectionBackward backward = projection_backward();
  {
    const Profile::Section section(profile_, device_, "input projection, sums per id");
    token_projection_backward(device_, backward);
  }
  rows_branch.fork();
  {
    const Profile::Section section(profile_, rows_branch.device(), "gradients of embeddings", flop);
    embedding_gradients(rows_branch.device(), backward);
  }
  {
    const Profile::Section section(profile_, device_, "input projection, gradients", flop);
    add_projection_gradients(device_, backward);
  }
  rows_branch.join();
  if (lstm) recurrence_branch.join();
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
          .log_attention = slot().log_attention(),
          .context = b.context,
          .logit = slot().logit(),
          .probability = slot().probability()};
}

void AttentionClassifier::enqueue_prediction(const HostBatch& batch, const BatchTargets& targets) {
  put_in_flight(slot_, [&] {
    load(batch, targets, /*training=*/false);
    project_added();
    encode(/*training=*/false);
    {
      const Profile::Section section(profile_, device_, "attention head, forward", head_flop());
      attention_head_forward(device_, head());
    }
    const Slot& s = slot();
    s.host->results.enqueue_copy_of(device_, s.predictions.data, (2 * s.sequences() + s.tokens()) * sizeof(float));
  });
}

AttentionClassifier::Predictions AttentionClassifier::finish_prediction() {
  const Slot& s = finish_oldest(/*training=*/false);
  const auto* values = reinterpret_cast<const float*>(s.host->results.data());
  const float* const logit = values + s.sequences();
  const float* const log_attention = logit + s.sequences();
  return {.probability = {values, logit},
          .logit = {logit, log_attention},
          .log_attention = {log_attention, log_attention + s.tokens()}};
}

AttentionClassifier::Predictions AttentionClassifier::predict(const HostBatch& batch, const BatchTargets& targets) {
  check_idle();
  enqueue_prediction(batch, targets);
  return finish_prediction();
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

AttentionHeadTrain AttentionClassifier::head_training(const ObjectiveOptions& objective,
                                                      const SharedAttention& shared) const {
  const Buffers& b = *buffers_;
  const Slot& s = slot();
  return {.forward = head(),
          .objective = objective.objective,
          .positive_weight = static_cast<float>(objective.positive_weight),
          .labels = s.batch.labels,
          .tvd_factor = static_cast<float>(objective.tvd_factor),
          .lambda = static_cast<float>(objective.lambda),
          .scale = s.scale,
          .base_probability = s.base_probability,
          .base_log_attention = s.base_log_attention,
          .members = shared.members,
          .member = shared.member,
          .group_log_attention = shared.log_attention,
          .attention_weight = parameter("decoder.attention.attn1.weight"),
          .loss = b.loss,
          .divergence = b.divergence,
          .peer_divergence = b.peer_divergence,
          .dlogit = b.dlogit,
          .dscore = b.dscore,
          .dhidden = b.dhidden,
          .dattention_weight = gradient("decoder.attention.attn1.weight"),
          .dattention_bias = gradient("decoder.attention.attn1.bias"),
          .dattention_vector = gradient("decoder.attention.attn2.weight"),
          .doutput_weight = gradient("decoder.linear_1.weight"),
          .doutput_bias = gradient("decoder.linear_1.bias"),
          .workspace = b.head_workspace};
}

/// The states of the loaded batch, and gradients of zero, to which others are added.
void AttentionClassifier::enqueue_states() {
  const Branch& head_branch = branches_[0];
  head_branch.fork();
  fill_zero(head_branch.device(), optimiser_->gradients());
  project_batch();
  encode(/*training=*/true);
  head_branch.join();
}

/// What the gradients of the states need is a chain, which the device's stream computes. The gradients of parameters
/// hang on its links and go beside it: those of the head beside the recurrence, that of W_hh beside the projection's.
void AttentionClassifier::enqueue_gradients(const ObjectiveOptions& objective, const SharedAttention& shared) {
  const Branch& head_branch = branches_[0];
  const Device& beside = head_branch.device();
  const AttentionHeadTrain head = head_training(objective, shared);
  {
    const Profile::Section section(profile_, device_, "attention head, training", 2 * head_flop());
    attention_head_train(device_, head);
  }
  head_branch.fork();
  {
    const Profile::Section section(profile_, beside, "attention head, gradients", head_flop());
    add_head_gradients(beside, head);
  }
  slot().host->results.enqueue_copy_of(beside, buffers_->loss.data, batch().sequences * sizeof(float));
  encode_backward();
}

double AttentionClassifier::loss_of_slot(const Slot& slot) {
  const auto* loss = reinterpret_cast<const float*>(slot.host->results.data());
  return std::accumulate(loss, loss + slot.sequences(), 0.0);
}

double AttentionClassifier::compute_gradients(const HostBatch& batch, const ObjectiveOptions& objective,
                                              const BatchTargets& targets) {
  check_idle();
  put_in_flight(slot_, [&] {
    load_for_training(batch, objective, targets);
    enqueue_states();
    enqueue_gradients(objective, {});
  });
  return finish_step();
}

// --- whole steps -----------------------------------------------------------------------------------------------------

/// Everything on which the enqueued work of a step depends and that does not lie in device memory.
CapturedWork::Key AttentionClassifier::step_key(StepPart part, const ObjectiveOptions& objective,
                                                const SharedAttention& shared) const {
  const Slot& s = slot();
  return {slot_,
          s.sequences(),
          s.tokens(),
          batch().unique,
          s.given_log_attention.size,  // the targets lie one behind the other, as far as there are some
          s.base_log_attention.size,
          s.base_probability.size,
          static_cast<int64_t>(objective.objective),
          std::bit_cast<int64_t>(objective.positive_weight),
          std::bit_cast<int64_t>(objective.tvd_factor),
          std::bit_cast<int64_t>(objective.lambda),
          static_cast<int64_t>(part),
          shared.members,
          shared.member,
          static_cast<int64_t>(reinterpret_cast<uintptr_t>(shared.log_attention.data))};
}

void AttentionClassifier::run_captured(const CapturedWork::Key& key, const std::function<void()>& work) {
  if (profile_ != nullptr) {
    work();  // the sections of a profile wait for the device, which captured work may not
  } else {
    captured_.run(key, work);
  }
}

void AttentionClassifier::enqueue_step(const HostBatch& batch, const ObjectiveOptions& objective,
                                       const BatchTargets& targets) {
  put_in_flight(slot_, [&] {
    load_for_training(batch, objective, targets);
    optimiser_->count_step();
    run_captured(step_key(StepPart::whole, objective, {}), [&] {
      enqueue_states();
      enqueue_gradients(objective, {});
      enqueue_update();
    });
  });
}

void AttentionClassifier::enqueue_attention(const HostBatch& batch, const ObjectiveOptions& objective,
                                            const BatchTargets& targets, const SharedAttention& shared) {
  abandon_if_it_fails(slot_, [&] {
    load_for_training(batch, objective, targets);
    run_captured(step_key(StepPart::attention, objective, shared), [&] {
      enqueue_states();
      const Profile::Section section(profile_, device_, "attention head, forward", head_flop());
      AttentionHeadForward head = this->head();
      head.log_attention =
          shared.log_attention.subspan(int64_t{shared.member} * this->batch().tokens, this->batch().tokens);
      attention_head_forward(device_, head);
    });
    slot().host->attended.record(device_);
  });
}

void AttentionClassifier::wait_for_attention_of(const AttentionClassifier& other) const {
  other.slot().host->attended.make_wait(device_);
}

void AttentionClassifier::enqueue_rest_of_step(const ObjectiveOptions& objective, const SharedAttention& shared) {
  put_in_flight(1 - slot_, [&] {
    optimiser_->count_step();
    run_captured(step_key(StepPart::rest, objective, shared), [&] {
      enqueue_gradients(objective, shared);
      enqueue_update();
    });
  });
}

double AttentionClassifier::finish_step() { return loss_of_slot(finish_oldest(/*training=*/true)); }

const AttentionClassifier::Slot& AttentionClassifier::finish_oldest(bool training) {
  NOTNOT_CHECK(in_flight_ > 0, "nothing is in flight");
  const Slot& slot = oldest();
  NOTNOT_CHECK(slot.training == training, "the oldest batch in flight is {} training step", slot.training ? "a" : "no");
  slot.host->finished.wait();
  --in_flight_;
  return slot;
}

// --- update ----------------------------------------------------------------------------------------------------------

/// One step of Adam with the gradients of the loaded batch; then the transposed copies of the weights that moved. The
/// three groups of parameters move side by side.
void AttentionClassifier::enqueue_update() {
  const Device &attention = branches_[0].device(), &rows = branches_[1].device();
  const Span<const int32_t> completed = slot().completed;
  for (const Branch& branch : branches_) branch.fork();
  {
    const Profile::Section section(profile_, attention, "Adam");
    optimiser_->enqueue_attention_step(attention, completed);
  }
  transpose_attention_weight(attention);
  {
    const Profile::Section section(profile_, rows, "Adam");
    const Span<const int32_t> ids = batch().unique_ids.subspan(0, batch().unique);
    optimiser_->enqueue_rows_step(rows, completed, ids, buffers_->drows);
  }
  {
    const Profile::Section section(profile_, device_, "Adam");
    optimiser_->enqueue_encoder_step(device_, completed);
  }
  transpose_projection_weight();
  for (const Branch& branch : branches_) branch.join();
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
