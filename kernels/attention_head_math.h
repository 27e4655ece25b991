#pragma once
// The two losses with their derivative at the logit, and the attention's softmax backward; formulas in
// attention_head.h.
#include "kernels/base/math.h"

namespace notnot {

template <class Real>
struct LossGradient {
  Real loss;
  Real dlogit;
};

/// Weighted binary cross-entropy of one text from its logit. `weight` is positive_weight if label = 1, otherwise 1.
template <class Real>
NOTNOT_HD LossGradient<Real> classification_loss(Real logit, int32_t label, Real weight) {
  const Real y = static_cast<Real>(label);
  return {weight * (softplus(logit) - y * logit), weight * (sigmoid(logit) - y)};
}

/// scale (tvd_factor |p - p_base| - lambda KL) of one text. `probability` and `base_probability` are the two models'
/// outputs, `divergence` is KL(alpha || alpha_base). attention_score_gradient has the gradient of the KL term.
template <class Real>
NOTNOT_HD LossGradient<Real> adversarial_loss(Real probability, Real base_probability, Real divergence, Real scale,
                                              Real tvd_factor, Real lambda) {
  const Real difference = probability - base_probability;
  const Real sign = difference > 0 ? Real(1) : (difference < 0 ? Real(-1) : Real(0));
  return {scale * (tvd_factor * difference * sign - lambda * divergence),
          scale * tvd_factor * sign * probability * (Real(1) - probability)};
}

/// The gradient at one attention score u_n. `dattention` = dL/dalpha_n through the context, `mean_dattention` = sum_k
/// alpha_k dalpha_k, `kl_factor` = scale * lambda (0 for classification), `log_ratio` = log alpha_n - log alpha_base,n.
template <class Real>
NOTNOT_HD Real attention_score_gradient(Real attention, Real dattention, Real mean_dattention, Real kl_factor,
                                        Real log_ratio, Real divergence) {
  return attention * (dattention - mean_dattention - kl_factor * (log_ratio - divergence));
}

}  // namespace notnot
