#pragma once
// One word's part of the divergence, and the pieces of the loss's gradient; formulas in instance_adversary.h.
#include "kernels/base/math.h"

namespace notnot {

/// log(x + 1e-10): so the released code avoids log 0.
template <class Real>
NOTNOT_HD Real shifted_log(Real x) {
  return logarithm(x + Real(1e-10));
}

/// One word's part of JSD(a, b).
template <class Real>
NOTNOT_HD Real divergence_term(Real a, Real b) {
  const Real log_mean = shifted_log(Real(0.5) * (a + b));
  return Real(0.5) * (a * (shifted_log(a) - log_mean) + b * (shifted_log(b) - log_mean));
}

/// g'(x), the derivative of x log(x + 1e-10).
template <class Real>
NOTNOT_HD Real entropy_slope(Real x) {
  const Real shifted = x + Real(1e-10);
  return logarithm(shifted) + x / shifted;
}

/// The derivative of hinge max(0, |p - base| - tolerance) with respect to the logit of p; 0 where the maximum is 0.
template <class Real>
NOTNOT_HD Real hinge_gradient(Real probability, Real base, Real hinge, Real tolerance) {
  const Real difference = probability - base;
  const Real slope = difference > 0 ? hinge : -hinge;
  const bool inside = difference <= tolerance && difference >= -tolerance;
  return inside ? Real(0) : slope * probability * (Real(1) - probability);
}

/// The weights of three terms of dloss / dalpha_kn:
///   dlogit_k (w . h_n) - own g'(alpha_kn) + base g'((alpha_kn + alpha_n) / 2)
///     + cross sum_{j != k} g'((alpha_kn + alpha_jn) / 2).
/// The loss has each pair j, k twice; j = k contributes nothing.
template <class Real>
struct SlopeWeights {
  Real own, base, cross;

  NOTNOT_HD explicit SlopeWeights(int32_t adversaries)
      : own(Real(0.5) + static_cast<Real>(adversaries - 1) / static_cast<Real>(adversaries * adversaries)),
        base(0.5),
        cross(Real(1) / static_cast<Real>(adversaries * adversaries)) {}
};

}  // namespace notnot
