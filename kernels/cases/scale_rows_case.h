#pragma once
// The arrays of scale_rows, the operation to copy (kernels/skeleton).
#include "kernels/cases/device_data.h"
#include "kernels/skeleton/scale_rows.h"

namespace notnot {

struct ScaleRowsInputs {
  int32_t rows = 0, columns = 0;     ///< R, C
  std::vector<float> values, scale;  ///< [R, C], [R]
  std::vector<float> dscaled;        ///< [R, C]
};
inline ScaleRowsInputs random_scale_rows_inputs(int32_t rows, int32_t columns, uint64_t seed) {
  const int64_t size = int64_t{rows} * columns;
  return {.rows = rows,
          .columns = columns,
          .values = random_floats(size, seed),
          .scale = random_floats(rows, seed + 1),
          .dscaled = random_floats(size, seed + 2)};
}

/// These arrays on a device, with the outputs.
struct ScaleRowsCase {
  ScaleRowsCase(const Device& device, const ScaleRowsInputs& inputs)
      : rows(inputs.rows),
        columns(inputs.columns),
        values(device, inputs.values),
        scale(device, inputs.scale),
        dscaled(device, inputs.dscaled),
        scaled(device, int64_t{rows} * columns),
        dvalues(device, int64_t{rows} * columns),
        dscale(started_gradient(device, rows)) {}

  ScaleRowsForward forward() const {
    return {.rows = rows, .columns = columns, .values = values, .scale = scale, .scaled = scaled};
  }
  ScaleRowsBackward backward() const {
    return {.rows = rows,
            .columns = columns,
            .values = values,
            .scale = scale,
            .dscaled = dscaled,
            .dvalues = dvalues,
            .dscale = dscale};
  }

  int32_t rows, columns;
  DeviceArray<float> values, scale, dscaled, scaled, dvalues, dscale;
};

}  // namespace notnot
