#pragma once
// Scalar functions that every backend shares. On the CPU the float versions are branch-free polynomials that compilers
// turn into SIMD code (std::exp is a call per element). On CUDA they are the toolkit's accurate expf, tanhf and logf.
// The double versions are the standard library's.
#include <cmath>
#include <cstdint>

#include "kernels/base/span.h"

namespace notnot {

#if defined(__CUDA_ARCH__)
NOTNOT_HD float exponential(float x) { return expf(x); }
NOTNOT_HD float hyperbolic_tangent(float x) { return tanhf(x); }
NOTNOT_HD float logarithm(float x) { return logf(x); }
#else
/// e^x within 2 ulp for -87 <= x <= 88, clamped to that range. Range reduction by Cody & Waite; polynomial from
/// Moshier's Cephes.
NOTNOT_HD float exponential(float x) {
  x = x < -87.0F ? -87.0F : x;
  x = x > 88.0F ? 88.0F : x;
  // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer; the integer then stands in the low bits.
  const float shifted = x * 1.44269504F + 12582912.0F;
  const float n = shifted - 12582912.0F;
  const float r = (x - n * 0.693359375F) - n * -2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * (r * r) + r + 1.0F;
  const int32_t exponent = (static_cast<int32_t>(n) + 127) << 23;
  return p * __builtin_bit_cast(float, exponent);
}

/// tanh within 3 ulp: an odd polynomial (Cephes) near 0, where 1 - 2 / (e^2x + 1) would cancel.
NOTNOT_HD float hyperbolic_tangent(float x) {
  const float square = x * x;
  float p = -5.70498872745e-3F;
  p = p * square + 2.06390887954e-2F;
  p = p * square + -5.37397155531e-2F;
  p = p * square + 1.33314422036e-1F;
  p = p * square + -3.33332819422e-1F;
  const float near_zero = p * square * x + x;
  const float far = 1.0F - 2.0F / (exponential(2.0F * x) + 1.0F);
  return square < 0.390625F ? near_zero : far;
}

/// ln x within 2 ulp for normal, finite x > 0; NaN stays NaN. x = 2^n (1 + r) with sqrt(1/2) <= 1 + r < sqrt(2);
/// polynomial from Cephes.
NOTNOT_HD float logarithm(float x) {
  constexpr int32_t kRootOfHalf = 0x3F3504F3;  // the bits of sqrt(1/2)
  const auto bits = __builtin_bit_cast(int32_t, x);
  const int32_t exponent = (bits - kRootOfHalf) >> 23;
  const auto n = static_cast<float>(exponent);
  const float r = __builtin_bit_cast(float, bits - exponent * (1 << 23)) - 1.0F;
  float p = 7.0376836292E-2F;
  p = p * r + -1.1514610310E-1F;
  p = p * r + 1.1676998740E-1F;
  p = p * r + -1.2420140846E-1F;
  p = p * r + 1.4249322787E-1F;
  p = p * r + -1.6668057665E-1F;
  p = p * r + 2.0000714765E-1F;
  p = p * r + -2.4999993993E-1F;
  p = p * r + 3.3333331174E-1F;
  const float square = r * r;
  const float tail = p * r * square + n * -2.12194440e-4F - 0.5F * square;
  const float result = (r + tail) + n * 0.693359375F;
  return x == x ? result : x;
}
#endif
/// The square root of x >= 0: correctly rounded on the CPU; on CUDA within 1 ulp, and 0 for subnormal x. (CUDA's
/// correctly rounded root and quotient call a subroutine for some arguments. Such a call ends the basic block, so that
/// nothing else can run in their latency.)
NOTNOT_HD float root(float x) {
#if defined(__CUDA_ARCH__)
  float result;
  asm("sqrt.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
#else
  return std::sqrt(x);
#endif
}
template <class Real>
NOTNOT_HD Real root(Real x) {
  using std::sqrt;  // for double; tests have number types of their own
  return sqrt(x);
}

#if defined(__CUDA_ARCH__)
/// 1 / x within 1 ulp; 0 where that is subnormal.
NOTNOT_HD float reciprocal(float x) {
  float result;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}
#endif

/// A number > 0 to divide by. On CUDA it is the reciprocal, which can be computed ahead; quotients are within 2 ulp.
template <class Real>
struct Divisor {
  Divisor() = default;
  NOTNOT_HD explicit Divisor(Real x) : value(x) {}
  /// c - a / x
  NOTNOT_HD Real minus_quotient(Real c, Real a) const { return c - a / value; }
  Real value;
};
#if defined(__CUDA_ARCH__)
template <>
struct Divisor<float> {
  Divisor() = default;
  NOTNOT_HD explicit Divisor(float x) : inverse(reciprocal(x)) {}
  NOTNOT_HD float minus_quotient(float c, float a) const { return fmaf(-a, inverse, c); }
  float inverse;
};
#endif

/// a b + c, with one rounding where the instruction set has such an instruction. Code that must round as other code
/// does calls it, so that the compiler does not choose what is fused.
NOTNOT_HD float multiply_add(float a, float b, float c) {
#if defined(__CUDA_ARCH__) || defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return fmaf(a, b, c);
#else
  return a * b + c;
#endif
}
NOTNOT_HD double multiply_add(double a, double b, double c) { return a * b + c; }

NOTNOT_HD double exponential(double x) { return std::exp(x); }
NOTNOT_HD double hyperbolic_tangent(double x) { return std::tanh(x); }
NOTNOT_HD double logarithm(double x) { return std::log(x); }

/// The weight e^x of a log-attention x. Below -87 it is 0 (e^x would be under 1.7e-38, about the smallest normal
/// float); NaN stays NaN.
template <class Real>
NOTNOT_HD Real attention_weight(Real x) {
  return x < Real(-87) ? Real(0) : exponential(x);
}

template <class Real>
NOTNOT_HD Real sigmoid(Real x) {
  return Real(1) / (Real(1) + exponential(-x));
}
#if defined(__CUDA_ARCH__)
NOTNOT_HD float sigmoid(float x) { return reciprocal(1.0F + exponential(-x)); }
#endif

/// log(1 + e^x) without overflow.
template <class Real>
NOTNOT_HD Real softplus(Real x) {
  return (x > 0 ? x : Real(0)) + std::log1p(exponential(x > 0 ? -x : x));
}

}  // namespace notnot
