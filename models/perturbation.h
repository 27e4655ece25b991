#pragma once
// Perturbations of a trained model's attention. Two are Jain & Wallace's (2019), the baselines of the paper's section 4
// and Figure 5: the weights permuted at random, and for each text an adversary of its own, which is searched. The third
// is the exact adversary of each text (kernels/exact_adversary.h): how far any adversary can go.
#include <array>

#include "engine/runs/run_folder.h"
#include "models/attention_classifier.h"

namespace notnot {

/// The changes of the probability that the exact adversaries may make. Jain & Wallace's adversaries may make one of 0.05.
inline constexpr std::array kExactEpsilons = {0.001, 0.005, 0.01, 0.05, 0.1};

/// The defaults are the published choices. `seed` drives the permutations and the adversaries' starts.
struct PerturbationOptions {
  uint64_t seed = 10;
  int32_t permutations = 100;  ///< per text
  int32_t adversaries = 5;     ///< free attention vectors per text, 1 to kMaxAdversaries
  int32_t steps = 500;         ///< of Adam with AMSGrad
  double learning_rate = 0.01;
  double hinge = 500;             ///< the loss's weight of a change of p beyond `tolerance`
  double tolerance = 0.01;        ///< a change of p up to this adds nothing to the loss
  double accepted_change = 0.05;  ///< an adversary that changes p by more is not reported
};

/// Perturbs every text of `split` under `model`, which was planned for it (prediction_plan). It reports for each text
/// the adversary with the largest JSD among those with |p_k - p| <= accepted_change; the model's own attention is a
/// candidate, too. The exact adversaries are those for kExactEpsilons. A text's result depends only on the model, the options and the text. The largest batch of
/// prediction_batches bounds the memory. Throws Error for a model that is not finite, Interrupted when the user asks to
/// stop.
Perturbations perturb_split(AttentionClassifier& model, const Split& split, const PerturbationOptions& options);

}  // namespace notnot
