#pragma once
// The derivative of a trained model's logit with respect to the embeddings of a text's words, at the text itself and
// along the path from zero vectors of its words. Explicit, by the backward passes of training: with the logit as the
// loss, and without gradients of parameters.
#include <memory>
#include <vector>

#include "models/attention_classifier.h"

namespace notnot {

/// A text with the embeddings of its words times t; the boundary tokens keep theirs.
struct PathPoint {
  int32_t text = 0;  ///< index into the split
  double t = 1;
};

class InputGradients {
 public:
  /// What is held constant, and what is computed per word. e_n is the word's own embedding, whatever t is.
  enum class Kind : uint8_t {
    product_held,  ///< e_n . dz/de_n with the attention held constant
    product,       ///< e_n . dz/de_n
    norm_held,     ///< ||dz/de_n|| with the attention held constant
    norm           ///< ||dz/de_n||
  };
  /// `model` outlives this, and its parameters stay from the first batch on. Throws Error if its attention is given. For
  /// batches up to `capacity`, and for kinds with norms only if `norms`.
  InputGradients(AttentionClassifier& model, const BatchCapacity& capacity, bool norms);
  ~InputGradients();

  /// The device memory that the first batch allocates.
  std::vector<MemoryRow> memory_table() const;

  struct Result {
    std::vector<float> logit;   ///< [points] z
    std::vector<float> values;  ///< [tokens] of all points, one behind the other; unspecified at boundary tokens
  };
  /// The points stand longest text first. A point's result has the same bits in any company; at t = 1 its logit is that
  /// of AttentionClassifier::predict.
  Result compute(const Split& split, const std::vector<PathPoint>& points, Kind kind);

 private:
  class Work;
  std::unique_ptr<Work> work_;
};

}  // namespace notnot
