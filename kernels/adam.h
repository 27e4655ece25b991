#pragma once
// Adam with AMSGrad (Kingma & Ba 2015; Reddi et al. 2018) and L2 added to the gradient, in the form PyTorch has used
// since 1.3:
//   g += decay p;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  vmax = max(vmax, v)
//   p -= lr / (1 - b1^t) * m / (sqrt(vmax) / sqrt(1 - b2^t) + eps)
// Every row of an embedding moves at every step, whether the batch has its id or not (L2 and the moments). Rows are
// brought up to date lazily: when a row is next needed, the steps that it missed are replayed in registers, with the
// bits that a dense update would have given.
#include "kernels/adam_math.h"
#include "kernels/base/operation.h"
#include "kernels/base/ragged.h"

namespace notnot {

/// One step of a dense group of parameters.
struct AdamStep {
  AdamHyper hyper;
  Span<const AdamStepScalars> scalars;                                        ///< [t + 1 or more] as in AdamRows
  Span<const int32_t> completed;                                              ///< [1] t, the steps taken before
  Span<const float> gradient;                                                 ///< [n]
  Span<float> parameter, first_moment, second_moment, largest_second_moment;  ///< [n] each

  void check() const {
    NOTNOT_CHECK_SIZE(completed, 1);
    for (const auto& span : {parameter, first_moment, second_moment, largest_second_moment}) {
      NOTNOT_CHECK(span.size == gradient.size, "a state has {} elements for {} gradients", span.size, gradient.size);
    }
  }
};
NOTNOT_OPERATION(adam_step, AdamStep)

/// An embedding with the state that its rows carry between steps.
struct AdamRows {
  AdamHyper hyper;
  int32_t rows = 0, columns = 0;                                              ///< V, E
  Span<float> parameter, first_moment, second_moment, largest_second_moment;  ///< [V, E] each
  Span<int32_t> last_step;              ///< [V] the step up to which each row is current
  Span<const AdamStepScalars> scalars;  ///< [t + 1 or more]; scalars[s - 1] belongs to step s, see adam_step_scalars
  /// [1] t, the number of completed steps. It lies on the device, so that a captured step can be launched as the next
  /// one.
  Span<const int32_t> completed;

  void check() const {
    const int64_t elements = int64_t{rows} * columns;
    NOTNOT_CHECK(rows > 0 && columns > 0, "[{}, {}]", rows, columns);
    NOTNOT_CHECK_SIZE(parameter, elements);
    NOTNOT_CHECK_SIZE(first_moment, elements);
    NOTNOT_CHECK_SIZE(second_moment, elements);
    NOTNOT_CHECK_SIZE(largest_second_moment, elements);
    NOTNOT_CHECK_SIZE(last_step, rows);
    NOTNOT_CHECK_SIZE(completed, 1);
  }
};

/// Replays the steps that the rows `ids` missed, up to and including step t; in a missed step the gradient has only the
/// L2 term. Without ids it replays those of all rows. The ids must be distinct, except kPaddingId, whose row never
/// moves.
struct AdamRowsReplay {
  AdamRows state;
  int32_t count = 0;        ///< number of ids; 0 = all rows
  Span<const int32_t> ids;  ///< [count]

  void check() const {
    state.check();
    NOTNOT_CHECK_SIZE(ids, count);
  }
};
NOTNOT_OPERATION(adam_rows_replay, AdamRowsReplay)

/// Step t + 1 of the rows `ids`, which are current up to step t, with a gradient row each.
struct AdamRowsStep {
  AdamRows state;
  int32_t count = 0;
  Span<const int32_t> ids;      ///< [count], distinct except kPaddingId, whose row never moves
  Span<const float> gradients;  ///< [count, E]

  void check() const {
    state.check();
    NOTNOT_CHECK(count > 0, "{} rows", count);
    NOTNOT_CHECK_SIZE(ids, count);
    NOTNOT_CHECK_SIZE(gradients, int64_t{count} * state.columns);
  }
};
NOTNOT_OPERATION(adam_rows_step, AdamRowsStep)

}  // namespace notnot
