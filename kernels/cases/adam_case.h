#pragma once
// The arrays of adam_step, adam_rows_replay and adam_rows_step.
#include "kernels/adam.h"
#include "kernels/cases/device_data.h"

namespace notnot {

/// The scalars of the steps 1 .. `steps`, with beta1 = 0.9 and beta2 = 0.999.
std::vector<AdamStepScalars> adam_scalars(double learning_rate, int32_t steps);

/// Parameters with their state, which starts at zero.
struct AdamCase {
  AdamCase(const Device& device, const std::vector<float>& start);
  AdamStep step(const AdamHyper& hyper, Span<const AdamStepScalars> scalars, Span<const int32_t> completed,
                Span<const float> gradient) const;

  DeviceArray<float> parameter, first_moment, second_moment, largest_second_moment;
};

/// An embedding [rows, columns] with its state. All rows are at step 0.
struct AdamRowsCase : AdamCase {
  AdamRowsCase(const Device& device, const std::vector<float>& start, int32_t its_columns,
               const std::vector<AdamStepScalars>& its_scalars);
  AdamRows state(const AdamHyper& hyper, Span<const int32_t> completed) const;

  int32_t rows, columns;
  DeviceArray<int32_t> last_step;
  DeviceArray<AdamStepScalars> scalars;
};

}  // namespace notnot
