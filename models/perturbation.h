#pragma once
// Jain & Wallace's (2019) two perturbations of a trained model's attention, the baselines of the paper's section 4 and
// Figure 5: the weights permuted at random, and for each text an adversary of its own.
#include "engine/runs/run_folder.h"
#include "models/attention_classifier.h"

namespace notnot {

/// The published choices; `seed` drives permutations and starts.
struct PerturbationOptions {
  uint64_t seed = 10;
  int32_t permutations = 100;  ///< per text
  int32_t adversaries = 5;     ///< free attention vectors per text, 1 to kMaxAdversaries
  int32_t steps = 500;         ///< of Adam with AMSGrad
  double learning_rate = 0.01;
  double hinge = 500;             ///< weight of a change of p beyond the tolerance, in the adversaries' loss
  double tolerance = 0.01;        ///< change of p that costs nothing there
  double accepted_change = 0.05;  ///< change of p up to which an adversary counts
};

/// Perturbs every text of `split` under `model`, which was planned for it (prediction_plan). Of a text's adversaries
/// the one reported has the largest JSD among those with |p_k - p| <= accepted_change; the model's own attention is one
/// of them. A text's result depends on model, options and the text with its row alone. Memory is bounded by the batches
/// of prediction_batches. Throws Error for a model that is not finite, InputError for rows that do not fit 32 bits.
Perturbations perturb_split(AttentionClassifier& model, const Split& split, const PerturbationOptions& options);

}  // namespace notnot
