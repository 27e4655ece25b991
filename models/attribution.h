#pragma once
// How much each word of a text matters to a trained model's prediction, by several measures (models/README.md,
// "Attributions").
#include "engine/runs/attributions.h"
#include "models/attention_classifier.h"

namespace notnot {

struct AttributionOptions {
  uint64_t seed = 10;          ///< of Measure::random
  double completeness = 0.01;  ///< integrated gradients: nodes are doubled until the error is below this
  int32_t most_nodes = 512;    ///< but not beyond this
};

/// The scores of all words of `split` under `model`, which was planned for it (prediction_plan) and has no attention
/// that is given. A text's scores depend only on the model, the options and the text. Throws Error for a model that is
/// not finite, Interrupted when the user asks to stop.
Attributions attribute_split(AttentionClassifier& model, const Split& split, Measure measure,
                             const AttributionOptions& options = {});

/// The device memory that attribute_split takes beside the model's own. The model need not be allocated.
std::vector<MemoryRow> attribution_memory(AttentionClassifier& model, const Split& split, Measure measure);

}  // namespace notnot
