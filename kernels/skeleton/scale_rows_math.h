#pragma once
// One element of scale_rows and its derivative; formulas in scale_rows.h. Templates, so that the test runs them in
// double.
#include "kernels/base/span.h"

namespace notnot {

template <class Real>
NOTNOT_HD Real scaled_value(Real value, Real scale) {
  return scale * value;
}

template <class Real>
struct ScaleGradient {
  Real dvalue;
  Real dscale;  ///< this element's term of the row's sum
};

template <class Real>
NOTNOT_HD ScaleGradient<Real> scale_gradient(Real value, Real scale, Real dscaled) {
  return {scale * dscaled, value * dscaled};
}

}  // namespace notnot
