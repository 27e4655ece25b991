#pragma once
// What a trained model loses when the words of a text are erased in the order of an attribution (models/README.md,
// "Erasure"): how many until its decision flips (Serrano & Smith 2019), and comprehensiveness and sufficiency (DeYoung
// et al. 2020).
#include "engine/runs/attributions.h"
#include "engine/runs/erasure.h"
#include "models/attention_classifier.h"

namespace notnot {

/// Of all texts of `split` under `model`, which was planned for it (prediction_plan); `attributions` are that model's,
/// of this split. At most ten shortened copies of a text are predicted. They go in batches of that plan, and no result
/// depends on the batches. Throws Error for attributions of other texts, with a NaN, or of a model that is not finite,
/// Interrupted when the user asks to stop.
Erasure erase_split(AttentionClassifier& model, const Split& split, const Attributions& attributions);

}  // namespace notnot
