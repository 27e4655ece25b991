#pragma once
// One Adam/AMSGrad update of one parameter; formulas and sources in adam.h.
#include <cmath>

#include "kernels/base/math.h"

namespace notnot {

template <class Real>
struct AdamHyperOf {
  Real beta1 = Real(0.9), beta2 = Real(0.999), epsilon = Real(1e-8);
  /// Rounded once, from double: 1 - 0.999F is off by 5e-5.
  Real one_minus_beta1 = Real(0.1), one_minus_beta2 = Real(0.001);
  Real decay{0};  ///< L2 coefficient; decay * parameter is added to the gradient
};
using AdamHyper = AdamHyperOf<float>;

/// The factors that depend only on the step's number. The host computes them once per step, in double.
template <class Real>
struct alignas(2 * sizeof(Real)) AdamStepScalarsOf {
  Real step_size{0};                ///< lr / (1 - beta1^t)
  Real inverse_root_correction{0};  ///< 1 / sqrt(1 - beta2^t)
};
using AdamStepScalars = AdamStepScalarsOf<float>;

/// Scalars of step t (1, 2, ...).
template <class Real>
AdamStepScalarsOf<Real> adam_step_scalars(double learning_rate, double beta1, double beta2, int64_t t) {
  const auto steps = static_cast<double>(t);
  return {static_cast<Real>(learning_rate / (1.0 - std::pow(beta1, steps))),
          static_cast<Real>(1.0 / std::sqrt(1.0 - std::pow(beta2, steps)))};
}

template <class Real>
struct AdamElement {
  Real parameter, first_moment, second_moment, largest_second_moment;
};

/// Every sum is an explicit multiply_add, so that a replayed step and a dense step round alike in every compilation.
template <class Real>
NOTNOT_HD void adam_moments(AdamElement<Real>& e, Real gradient, const AdamHyperOf<Real>& hyper) {
  const Real g = multiply_add(hyper.decay, e.parameter, gradient);
  e.first_moment = multiply_add(hyper.beta1, e.first_moment, hyper.one_minus_beta1 * g);
  e.second_moment = multiply_add(hyper.beta2, e.second_moment, hyper.one_minus_beta2 * (g * g));
  e.largest_second_moment = e.largest_second_moment > e.second_moment ? e.largest_second_moment : e.second_moment;
}

/// sqrt(vmax) / sqrt(1 - b2^t) + eps
template <class Real>
NOTNOT_HD Divisor<Real> adam_denominator(Real root_of_largest, const AdamHyperOf<Real>& hyper,
                                         const AdamStepScalarsOf<Real>& scalars) {
  return Divisor<Real>(multiply_add(root_of_largest, scalars.inverse_root_correction, hyper.epsilon));
}

template <class Real>
NOTNOT_HD void adam_move(AdamElement<Real>& e, const Divisor<Real>& denominator,
                         const AdamStepScalarsOf<Real>& scalars) {
  e.parameter = denominator.minus_quotient(e.parameter, scalars.step_size * e.first_moment);
}

template <class Real>
NOTNOT_HD void adam_update(AdamElement<Real>& e, Real gradient, const AdamHyperOf<Real>& hyper,
                           const AdamStepScalarsOf<Real>& scalars) {
  adam_moments(e, gradient, hyper);
  adam_move(e, adam_denominator(root(e.largest_second_moment), hyper, scalars), scalars);
}

/// The form of PyTorch 1.0 and 1.1, with which the authors computed the paper's numbers: eps is added to sqrt(vmax)
/// before the bias correction. It is tested against golden vectors; training uses adam_update.
template <class Real>
NOTNOT_HD void adam_update_torch11(AdamElement<Real>& e, Real gradient, const AdamHyperOf<Real>& hyper,
                                   const AdamStepScalarsOf<Real>& scalars) {
  using std::sqrt;  // for float and double; tests have number types of their own
  adam_moments(e, gradient, hyper);
  const Real step = scalars.step_size / scalars.inverse_root_correction;
  e.parameter -= step * e.first_moment / (sqrt(e.largest_second_moment) + hyper.epsilon);
}

}  // namespace notnot
