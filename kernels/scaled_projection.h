#pragma once
// The projection of a scaled embedding, token by token: W (t e) + b, or tanh of it, where t is a number of the token's
// own. Attributions differentiate the model along the path from zero vectors (t = 0) to a text's own (t = 1). As W is
// linear, the product W e of each distinct id serves every t and also the derivative at t: it is
// dz . (W e), where z is the value before the activation. So nothing is E wide.
//   forward:   values[n] = activation(t_n products[row_n] + b)
//   backward:  dz_n = dvalues[n] activation'(values[n]),  dscale[n] = dz_n . products[row_n] = e . (W^T dz_n)
// dscale is input x gradient: the gradient at the scaled embedding times the embedding itself. At t = 1 values have the
// bits of token_projection_forward. An id whose embedding is zero has dscale exactly 0.
#include "kernels/base/operation.h"
#include "kernels/token_projection.h"

namespace notnot {

struct ScaledProjectionForward {
  int32_t tokens = 0, width = 0;  ///< N, P
  Activation activation = Activation::identity;
  Span<const float> products;     ///< [U, P] W e of each id
  Span<const int32_t> rows;       ///< [N] every token's row of `products`
  Span<const float> scale;        ///< [N] t
  Span<const float> bias;         ///< [P]
  Span<const float> second_bias;  ///< [P], also added, or empty
  Span<float> values;             ///< out [N, P]

  void check() const {
    NOTNOT_CHECK(tokens > 0 && width > 0 && products.size >= width, "N {}, P {}, {} products", tokens, width,
                 products.size);
    NOTNOT_CHECK_SIZE(rows, tokens);
    NOTNOT_CHECK_SIZE(scale, tokens);
    NOTNOT_CHECK_SIZE(bias, width);
    NOTNOT_CHECK(second_bias.empty() || second_bias.size >= width, "`second_bias` has {} elements, needs {}",
                 second_bias.size, width);
    NOTNOT_CHECK_SIZE(values, int64_t{tokens} * width);
  }
};
NOTNOT_OPERATION(scaled_projection_forward, ScaledProjectionForward)

struct ScaledProjectionBackward {
  int32_t tokens = 0, width = 0;  ///< N, P
  Activation activation = Activation::identity;
  Span<const float> products;  ///< [U, P] as for forward
  Span<const int32_t> rows;    ///< [N]
  Span<const float> values;    ///< [N, P] from forward; read only for Activation::tanh
  Span<float> dvalues;         ///< [N, P] in: the gradient at `values`; out: dz
  Span<float> dscale;          ///< out [N]

  void check() const {
    NOTNOT_CHECK(tokens > 0 && width > 0 && products.size >= width, "N {}, P {}, {} products", tokens, width,
                 products.size);
    NOTNOT_CHECK_SIZE(rows, tokens);
    if (activation == Activation::tanh) NOTNOT_CHECK_SIZE(values, int64_t{tokens} * width);
    NOTNOT_CHECK_SIZE(dvalues, int64_t{tokens} * width);
    NOTNOT_CHECK_SIZE(dscale, tokens);
  }
};
NOTNOT_OPERATION(scaled_projection_backward, ScaledProjectionBackward)

}  // namespace notnot
