#pragma once
// The LSTM cell and its derivative for one unit at one step; formulas in bilstm.h.
#include "kernels/base/math.h"

namespace notnot {

template <class Real>
struct LstmGates {
  Real i, f, g, o;
};

/// Gates from their pre-activations.
template <class Real>
NOTNOT_HD LstmGates<Real> lstm_gates(Real zi, Real zf, Real zg, Real zo) {
  return {sigmoid(zi), sigmoid(zf), hyperbolic_tangent(zg), sigmoid(zo)};
}

template <class Real>
NOTNOT_HD Real lstm_cell(LstmGates<Real> gates, Real previous_cell) {
  return gates.f * previous_cell + gates.i * gates.g;
}

template <class Real>
NOTNOT_HD Real lstm_output(LstmGates<Real> gates, Real cell) {
  return gates.o * hyperbolic_tangent(cell);
}

template <class Real>
struct LstmCellGradient {
  LstmGates<Real> dz;   ///< gradient at the four pre-activations
  Real dprevious_cell;  ///< gradient handed to the previous step's cell
};

/// `dh`: the whole gradient at this step's h. `dcell`: the gradient that the next step handed back to this step's cell.
template <class Real>
NOTNOT_HD LstmCellGradient<Real> lstm_backward(LstmGates<Real> gates, Real cell, Real previous_cell, Real dh,
                                               Real dcell) {
  const Real tanh_cell = hyperbolic_tangent(cell);
  const Real dc = dcell + dh * gates.o * (Real(1) - tanh_cell * tanh_cell);
  LstmCellGradient<Real> gradient;
  gradient.dz.i = dc * gates.g * gates.i * (Real(1) - gates.i);
  gradient.dz.f = dc * previous_cell * gates.f * (Real(1) - gates.f);
  gradient.dz.g = dc * gates.i * (Real(1) - gates.g * gates.g);
  gradient.dz.o = dh * tanh_cell * gates.o * (Real(1) - gates.o);
  gradient.dprevious_cell = dc * gates.f;
  return gradient;
}

}  // namespace notnot
