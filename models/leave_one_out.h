#pragma once
// The logit of every text without each of its words: the word deleted, everything computed anew. For a BiLSTM from the
// stored states of the whole text (kernels/leave_one_out.h), which is half the work of computing each shortened text;
// for the token-level encoder from the attention and the contributions of the whole text.
#include <memory>
#include <vector>

#include "engine/data/batches.h"
#include "models/attention_classifier.h"

namespace notnot {

/// Device memory, beside the model's own, for a BiLSTM: the projected rows of the split's distinct ids, 32 H bytes
/// each; 64 H bytes per token of the largest batch of prediction_batches; and for the runs of shortened texts some 16 H
/// bytes per token of kRunTokensOnCpu or kRunTokensOnCuda, or of what the split or its longest text needs.
class LeaveOneOut {
 public:
  static constexpr int64_t kRunTokensOnCpu = int64_t{1} << 15, kRunTokensOnCuda = int64_t{1} << 18;

  /// `model` outlives the object, has no attention that is given, and keeps its parameters. `run_tokens` bounds how
  /// many tokens of shortened texts are computed at once; no result depends on it. 0: the device's number above.
  LeaveOneOut(AttentionClassifier& model, const Split& split, int64_t run_tokens = 0);
  ~LeaveOneOut();
  LeaveOneOut(const LeaveOneOut&) = delete;
  LeaveOneOut& operator=(const LeaveOneOut&) = delete;

  /// The device memory that the first batch allocates.
  std::vector<MemoryRow> memory_table() const;
  /// [N] the logit of the text without each word; NaN at boundary tokens. A text's only word leaves the bias of the
  /// output layer. `batch` is one of prediction_batches(device, split), and `whole` what the model says of it. A text's
  /// values do not depend on its batch. Equal words of a text have equal values with the token-level encoder.
  std::vector<float> logit_without(const HostBatch& batch, const AttentionClassifier::Contributions& whole);

 private:
  class Recurrent;
  std::unique_ptr<Recurrent> recurrent_;  ///< null for the token-level encoder
};

}  // namespace notnot
