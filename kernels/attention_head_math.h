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

/// scale (tvd_factor |p - p_base| - lambda divergence) of one text. `probability` and `base_probability` are the two
/// models' outputs, `divergence` is KL(alpha || alpha_base), and for adversaries side by side the mean JSD from the
/// others added to it. attention_score_gradient has the gradient of this term.
template <class Real>
NOTNOT_HD LossGradient<Real> adversarial_loss(Real probability, Real base_probability, Real divergence, Real scale,
                                              Real tvd_factor, Real lambda) {
  const Real difference = probability - base_probability;
  const Real sign = difference > 0 ? Real(1) : (difference < 0 ? Real(-1) : Real(0));
  return {scale * (tvd_factor * difference * sign - lambda * divergence),
          scale * tvd_factor * sign * probability * (Real(1) - probability)};
}

/// One token's part of the distance between two attentions alpha and beta; m = (alpha + beta) / 2.
template <class Real>
struct PeerDistance {
  Real log_ratio;   ///< log(alpha / m): twice the derivative of JSD(alpha, beta) at alpha
  Real divergence;  ///< (alpha log(alpha / m) + beta log(beta / m)) / 2; its sum over the words is JSD(alpha, beta)
};

/// From finite natural logs of both weights, which stand beside them. With d = log beta - log alpha, log(alpha / m) is
/// -max(d, 0) - log((1 + e^-|d|) / 2): nothing overflows or cancels, and a weight that underflows to 0 adds exactly 0.
template <class Real>
NOTNOT_HD PeerDistance<Real> peer_distance(Real log_alpha, Real alpha, Real log_beta, Real beta) {
  using std::expm1, std::log1p;  // tests have number types of their own
  const Real d = log_beta - log_alpha;
  const Real common = -log1p(Real(0.5) * expm1(d > 0 ? -d : d));
  const Real of_alpha = d > 0 ? common - d : common, of_beta = d > 0 ? common : common + d;
  return {of_alpha, Real(0.5) * (alpha * of_alpha + beta * of_beta)};
}

/// The gradient at one attention score u_n. `dattention` = dL/dalpha_n through the context, and for
/// adversaries side by side - kl_factor log(alpha_n / m_n), the mean over the others; `mean_dattention` = sum_k
/// alpha_k dalpha_k, `kl_factor` = scale * lambda (0 for classification), `log_ratio` = log alpha_n - log alpha_base,n.
template <class Real>
NOTNOT_HD Real attention_score_gradient(Real attention, Real dattention, Real mean_dattention, Real kl_factor,
                                        Real log_ratio, Real divergence) {
  return attention * (dattention - mean_dattention - kl_factor * (log_ratio - divergence));
}

}  // namespace notnot
