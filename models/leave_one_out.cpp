#include "models/leave_one_out.h"

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "engine/device/arena.h"
#include "engine/io/stop.h"
#include "kernels/leave_one_out_math.h"
#include "models/training.h"

namespace notnot {
namespace {

/// The distinct ids of a split and every id's place among them.
struct DistinctIds {
  DistinctIds(const Split& split, int32_t vocabulary) : row(vocabulary, -1) {
    for (const int32_t id : split.token_ids) {
      if (row[id] >= 0) continue;
      row[id] = static_cast<int32_t>(ids.size());
      ids.push_back(id);
    }
  }
  std::vector<int32_t> ids, row;
};

/// Runs that are computed together: consecutive ones of a batch's list, which is the longest first.
struct RunBatch {
  struct Deletion {
    int32_t text, word;  ///< counted from 0 among the batch's texts, and from 0 within the text
  };
  std::vector<int32_t> offsets = {0};       ///< [S + 1]
  std::vector<int32_t> rows;                ///< [2, V] of the table, for each direction
  std::vector<int32_t> first_token;         ///< [S, 2]
  std::vector<int32_t> start;               ///< [S, 2] the stored state before the first step: a row of [2 N, H]
  std::vector<Deletion> forward, backward;  ///< [S] what each direction deletes

  int32_t sequences() const { return static_cast<int32_t>(forward.size()); }
  int32_t tokens() const { return offsets.back(); }

  /// The run of `length` tokens of a text with `words` words whose first token stands at `begin`.
  void add(int32_t text, int32_t begin, int32_t words, int32_t length) {
    forward.push_back({text, words - length - 1});
    backward.push_back({text, length});
    const int32_t first_forward = begin + words - length + 1, first_backward = begin + 1;
    first_token.insert(first_token.end(), {first_forward, first_backward});
    start.insert(start.end(), {(first_forward - 2) * 2, (first_backward + length + 1) * 2 + 1});
    offsets.push_back(offsets.back() + length);
  }
  /// Once all runs are there. `row_of_token` [N] are the texts' rows of the table.
  void find_rows(const std::vector<int32_t>& row_of_token) {
    rows.resize(int64_t{2} * tokens());
    for (int32_t s = 0; s < sequences(); ++s) {
      const int32_t length = offsets[s + 1] - offsets[s];
      for (int64_t direction = 0; direction < 2; ++direction) {
        std::copy_n(row_of_token.begin() + first_token[2 * s + direction], length,
                    rows.begin() + direction * tokens() + offsets[s]);
      }
    }
  }
};

/// The most that a batch of runs may have.
struct RunCapacity {
  int64_t sequences = 1, tokens = 1;
};

/// Room for `run_tokens` tokens, if the split has so many, and for the longest run of its longest text.
RunCapacity run_capacity(const Split& split, int64_t run_tokens) {
  int64_t longest = 1, all = 1;
  for (int32_t text = 0; text < split.size(); ++text) {
    const int64_t words = split.length(text) - 2;
    longest = std::max(longest, words - 1);
    all += words * (words - 1) / 2;
  }
  const int64_t tokens = std::max(longest, std::min(run_tokens, all));
  return {std::max<int64_t>(1, tokens / 8), tokens};
}

/// Calls visit(RunBatch&) for all runs of a batch of texts, in parts.
template <class Visit>
void for_each_run_batch(const HostBatch& batch, const RunCapacity& capacity, const Visit& visit) {
  RunBatch runs;
  for (int32_t length = batch.longest - 3; length > 0; --length) {
    for (int32_t text = 0; text < batch.sequences(); ++text) {
      const int32_t begin = batch.offsets[text], words = batch.offsets[text + 1] - begin - 2;
      if (words <= length) break;  // texts stand longest first
      if (runs.sequences() == capacity.sequences || runs.tokens() + length > capacity.tokens) {
        visit(runs);
        runs = {};
      }
      runs.add(text, begin, words, length);
    }
  }
  if (runs.sequences() > 0) visit(runs);
}

}  // namespace

/// The deletions of a model with a BiLSTM.
class LeaveOneOut::Recurrent {
 public:
  Recurrent(AttentionClassifier& model, const Split& split, int64_t run_tokens)
      : model_(model),
        device_(model.device()),
        options_(model.options()),
        layout_(model.layout()),
        ids_(split, options_.vocabulary),
        runs_(run_capacity(split, run_tokens)) {
    plan(prediction_plan(device_, split).evaluation);
  }

  std::vector<MemoryRow> memory_table() const { return arena_.table(); }

  /// The sums of each token's deletion; those of boundary tokens mean nothing.
  std::vector<AttentionSums> sums(const HostBatch& batch) {
    if (!allocated_) allocate();
    std::vector<int32_t> row_of_token;
    row_of_token.reserve(batch.token_ids.size());
    for (const int32_t id : batch.token_ids) row_of_token.push_back(ids_.row[id]);
    store_states(batch, row_of_token);
    std::vector<AttentionSums> result(batch.token_ids.size());
    for_each_run_batch(batch, runs_, [&](RunBatch& runs) {
      check_stop();
      runs.find_rows(row_of_token);
      compute(batch, runs);
      const std::vector<AttentionSums> sums = to_host(device_, sums_.subspan(0, int64_t{2} * runs.sequences()));
      const auto put = [&](const RunBatch::Deletion& deletion, const AttentionSums& part) {
        AttentionSums& whole = result[batch.offsets[deletion.text] + 1 + deletion.word];
        whole = merge(whole, part);
      };
      for (int32_t s = 0; s < runs.sequences(); ++s) {
        put(runs.forward[s], sums[2 * s]);
        put(runs.backward[s], sums[2 * s + 1]);
      }
    });
    return result;
  }

 private:
  static constexpr int64_t kProjectedAtOnce = 4800;
  static_assert(kProjectedAtOnce % kRowTile == 0);

  /// Allocates what was planned, and fills in what all batches share.
  void allocate() {
    parameters_ = model_.device_parameters();
    arena_.allocate(device_);
    allocated_ = true;
    prepare_weights();
    project_ids();
  }

  bool learned() const { return options_.attention == AttentionKind::learned; }
  Span<const float> parameter(const char* name, int64_t count = 1) const {
    const Parameter& p = layout_.find(name);
    return parameters_.subspan(p.offset, count * p.size);
  }
  int64_t hidden() const { return options_.hidden; }
  int64_t attention_width() const { return options_.attention_width(); }

  void plan(const BatchCapacity& texts) {
    const int64_t e = options_.embed, h = hidden(), p = options_.projection(), a = learned() ? attention_width() : 0,
                  ids = padded_rows(std::ssize(ids_.ids)), text_rows = padded_rows(texts.tokens),
                  run_rows = padded_rows(runs_.tokens);
    arena_.add("words", "ids", {ids}, &id_list_);
    arena_.add("words", "rows", {std::min(ids, kProjectedAtOnce), e}, &rows_);
    arena_.add("words", "table", {ids, p}, &table_);
    arena_.add("weights", "projection weight^T", {e, weight_stride(p)}, &projection_weight_);
    arena_.add("weights", "attention weight^T", {2 * h, a}, &attention_weight_);
    arena_.add("texts", "offsets", {texts.sequences + 1}, &text_.offsets);
    arena_.add("texts", "rows of the table", {texts.tokens}, &text_.rows);
    arena_.add("texts", "states", {text_rows, 2, h}, &text_.states);
    arena_.add("texts", "gates", {texts.tokens, 2, 4, h}, &gates_);
    arena_.add("texts", "cells", {texts.tokens, 2, h}, &cells_);
    arena_.add("texts", "previous", {texts.tokens, 2, h}, &previous_);
    arena_.add("texts", "projected", {2, text_rows, a}, &text_.projected);
    arena_.add("runs", "offsets", {runs_.sequences + 1}, &run_.offsets);
    arena_.add("runs", "rows of the table", {2, runs_.tokens}, &run_.rows);
    arena_.add("runs", "states", {run_rows, 2, h}, &run_.states);
    arena_.add("runs", "projected", {2, run_rows, a}, &run_.projected);
    arena_.add("runs", "first tokens", {runs_.sequences, 2}, &first_token_);
    arena_.add("runs", "starts", {runs_.sequences, 2}, &start_);
    arena_.add("runs", "initial states", {runs_.sequences, 2, h}, &initial_states_);
    arena_.add("runs", "initial cells", {runs_.sequences, 2, h}, &initial_cells_);
    arena_.add("runs", "sums", {runs_.sequences, 2}, &sums_);
    arena_.add("runs", "bilstm workspace", {bilstm_workspace(h, std::max(texts.sequences, runs_.sequences))},
               &workspace_);
  }

  void prepare_weights() {
    const int32_t p = options_.projection();
    transpose(device_, {.rows = p,
                        .columns = options_.embed,
                        .to_stride = weight_stride(p),
                        .from = parameter("encoder.rnn.weight_ih_l0", 2),
                        .to = projection_weight_});
    if (!learned()) return;
    transpose(device_, {.rows = options_.attention_width(),
                        .columns = options_.width(),
                        .from = parameter("decoder.attention.attn1.weight"),
                        .to = attention_weight_});
  }

  /// Computes a row of the table for every distinct id of the split.
  void project_ids() {
    const int64_t count = std::ssize(ids_.ids), p = options_.projection();
    upload(id_list_, ids_.ids);
    for (int64_t first = 0; first < count; first += kProjectedAtOnce) {
      const auto rows = static_cast<int32_t>(std::min(kProjectedAtOnce, count - first));
      gather_rows(device_, {.count = rows,
                            .columns = options_.embed,
                            .from_rows = options_.vocabulary,
                            .from = parameter("encoder.embedding.weight"),
                            .rows = id_list_.subspan(first, rows),
                            .to = rows_});
      token_projection_forward(device_, {.count = rows,
                                         .embed = options_.embed,
                                         .width = options_.projection(),
                                         .rows = rows_,
                                         .weight_transposed = projection_weight_,
                                         .bias = parameter("encoder.rnn.bias_ih_l0", 2),
                                         .second_bias = parameter("encoder.rnn.bias_hh_l0", 2),
                                         .table = table_.subspan(first * p, table_.size - first * p)});
    }
  }

  template <class T>
  void upload(const Span<T>& to, const std::vector<T>& from) {
    NOTNOT_CHECK(std::ssize(from) <= to.size, "{} elements are more than the {} that were planned", from.size(),
                 to.size);
    copy_to_device(device_, to.data, from.data(), from.size() * sizeof(T));
  }

  /// Sequences on the device: the texts of a batch, or runs.
  struct Sequences {
    Span<int32_t> offsets, rows;  ///< [B + 1]; [N] or [2, N] rows of the table
    Span<float> states;           ///< [padded_rows(N), 2, H]
    Span<float> projected;        ///< [2, padded_rows(N), A]
  };

  BiLstmForward recurrence(const Sequences& sequences, const std::vector<int32_t>& offsets) const {
    const int32_t count = static_cast<int32_t>(offsets.size()) - 1;
    return {.batch = {.sequences = count,
                      .tokens = offsets.back(),
                      .longest = offsets[1],
                      .unique = static_cast<int32_t>(ids_.ids.size()),
                      .offsets = sequences.offsets,
                      .unique_ids = {},
                      .unique_row = sequences.rows,
                      .occurrence_offsets = {},
                      .occurrences = {}},
            .hidden = options_.hidden,
            .table = table_,
            .weight_hh = parameter("encoder.rnn.weight_hh_l0", 2),
            .states = sequences.states,
            .gates = {},
            .cells = {},
            .previous = {},
            .workspace = workspace_};
  }

  /// W_f f and W_b b of all tokens.
  void project_halves(const Sequences& sequences, int32_t tokens) {
    if (!learned()) return;
    const int64_t h = hidden(), a = attention_width(), size = padded_rows(tokens) * a;
    for (int64_t direction = 0; direction < 2; ++direction) {
      matmul(device_, {.rows = tokens,
                       .inner = options_.hidden,
                       .columns = options_.attention_width(),
                       .a_stride = 2 * h,
                       .a = sequences.states.subspan(direction * h, sequences.states.size - direction * h),
                       .b = attention_weight_.subspan(direction * h * a, h * a),
                       .c = sequences.projected.subspan(direction * size, size)});
    }
  }

  /// The states and cells of the whole texts.
  void store_states(const HostBatch& batch, const std::vector<int32_t>& row_of_token) {
    upload(text_.offsets, batch.offsets);
    upload(text_.rows, row_of_token);
    BiLstmForward forward = recurrence(text_, batch.offsets);
    forward.gates = gates_;
    forward.cells = cells_;
    forward.previous = previous_;
    bilstm_forward(device_, forward);
    project_halves(text_, batch.tokens());
  }

  void gather_starts(const HostBatch& batch, int32_t count, const Span<float>& from, const Span<float>& to) {
    gather_rows(device_, {.count = count,
                          .columns = options_.hidden,
                          .from_rows = 2 * batch.tokens(),
                          .from = from,
                          .rows = start_,
                          .to = to});
  }

  void compute(const HostBatch& batch, const RunBatch& runs) {
    upload(run_.offsets, runs.offsets);
    upload(run_.rows, runs.rows);
    upload(first_token_, runs.first_token);
    upload(start_, runs.start);
    gather_starts(batch, 2 * runs.sequences(), text_.states, initial_states_);
    gather_starts(batch, 2 * runs.sequences(), cells_, initial_cells_);
    BiLstmForward forward = recurrence(run_, runs.offsets);
    forward.backward_row_shift = runs.tokens();
    forward.initial_states = initial_states_;
    forward.initial_cells = initial_cells_;
    bilstm_forward(device_, forward);
    project_halves(run_, runs.tokens());
    leave_one_out_sums(device_, {.sequences = runs.sequences(),
                                 .tokens = runs.tokens(),
                                 .text_tokens = batch.tokens(),
                                 .hidden = options_.hidden,
                                 .attention_width = options_.attention_width(),
                                 .kind = options_.attention,
                                 .offsets = run_.offsets,
                                 .first_token = first_token_,
                                 .states = run_.states,
                                 .projected = run_.projected,
                                 .text_projected = text_.projected,
                                 .attention_bias = parameter("decoder.attention.attn1.bias"),
                                 .attention_vector = parameter("decoder.attention.attn2.weight"),
                                 .text_states = text_.states,
                                 .output_weight = parameter("decoder.linear_1.weight"),
                                 .sums = sums_});
  }

  AttentionClassifier& model_;
  const Device& device_;
  const ModelOptions& options_;
  const ParameterLayout& layout_;
  Span<const float> parameters_;
  DistinctIds ids_;
  RunCapacity runs_;
  Arena arena_;
  bool allocated_ = false;
  Sequences text_, run_;
  Span<int32_t> id_list_, first_token_, start_;
  Span<float> rows_, table_, projection_weight_, attention_weight_, gates_, cells_, previous_, initial_states_,
      initial_cells_, workspace_;
  Span<AttentionSums> sums_;
};

namespace {

/// As Recurrent::sums, for a model whose states do not depend on the other words: from the text's own scores and
/// contributions, added up from both ends. Equal words get the sums of the first of them, hence equal bits.
std::vector<AttentionSums> sums_of_states_alone(const HostBatch& batch,
                                                const AttentionClassifier::Contributions& whole) {
  std::vector<AttentionSums> result(batch.token_ids.size());
  for (int32_t text = 0; text < batch.sequences(); ++text) {
    const int32_t begin = batch.offsets[text] + 1, end = batch.offsets[text + 1] - 1;
    std::vector<AttentionSums> before(end - begin);  // of the words before each
    AttentionSums sums;
    const auto add = [&](int32_t n) { add_word(sums, whole.predictions.log_attention[n], whole.contribution[n]); };
    for (int32_t n = begin; n < end; ++n) {
      before[n - begin] = sums;
      add(n);
    }
    sums = {};
    std::unordered_map<int32_t, AttentionSums> of_id;
    for (int32_t n = end - 1; n >= begin; --n) {
      of_id[batch.token_ids[n]] = merge(before[n - begin], sums);
      add(n);
    }
    for (int32_t n = begin; n < end; ++n) result[n] = of_id.at(batch.token_ids[n]);
  }
  return result;
}

}  // namespace

LeaveOneOut::LeaveOneOut(AttentionClassifier& model, const Split& split, int64_t run_tokens) {
  NOTNOT_CHECK(
      model.options().attention != AttentionKind::given,
      "a text without a word has no attention that was given: leave-one-out needs a model that computes its own");
  if (model.options().encoder == Encoder::tokens) return;
  const int64_t usual = model.device().backend == Backend::cuda ? kRunTokensOnCuda : kRunTokensOnCpu;
  recurrent_ = std::make_unique<Recurrent>(model, split, run_tokens == 0 ? usual : run_tokens);
}

LeaveOneOut::~LeaveOneOut() = default;

std::vector<MemoryRow> LeaveOneOut::memory_table() const {
  return recurrent_ != nullptr ? recurrent_->memory_table() : std::vector<MemoryRow>{};
}

std::vector<float> LeaveOneOut::logit_without(const HostBatch& batch, const AttentionClassifier::Contributions& whole) {
  const std::vector<AttentionSums> sums =
      recurrent_ != nullptr ? recurrent_->sums(batch) : sums_of_states_alone(batch, whole);
  std::vector<float> result(sums.size(), std::numeric_limits<float>::quiet_NaN());
  for (int32_t text = 0; text < batch.sequences(); ++text) {
    for (int32_t n = batch.offsets[text] + 1; n < batch.offsets[text + 1] - 1; ++n) {
      result[n] = static_cast<float>(logit_of(sums[n], whole.bias));
    }
  }
  return result;
}

}  // namespace notnot
