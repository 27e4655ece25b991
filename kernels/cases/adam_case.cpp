#include "kernels/cases/adam_case.h"

namespace notnot {

std::vector<AdamStepScalars> adam_scalars(double learning_rate, int32_t steps) {
  std::vector<AdamStepScalars> scalars;
  for (int32_t t = 1; t <= steps; ++t) scalars.push_back(adam_step_scalars<float>(learning_rate, 0.9, 0.999, t));
  return scalars;
}

AdamCase::AdamCase(const Device& device, const std::vector<float>& start)
    : parameter(device, start),
      first_moment(device, std::vector<float>(start.size())),
      second_moment(device, std::vector<float>(start.size())),
      largest_second_moment(device, std::vector<float>(start.size())) {}

AdamStep AdamCase::step(const AdamHyper& hyper, Span<const AdamStepScalars> scalars, Span<const int32_t> completed,
                        Span<const float> gradient) const {
  return {.hyper = hyper,
          .scalars = scalars,
          .completed = completed,
          .gradient = gradient,
          .parameter = parameter,
          .first_moment = first_moment,
          .second_moment = second_moment,
          .largest_second_moment = largest_second_moment};
}

AdamRowsCase::AdamRowsCase(const Device& device, const std::vector<float>& start, int32_t its_columns,
                           const std::vector<AdamStepScalars>& its_scalars)
    : AdamCase(device, start),
      rows(static_cast<int32_t>(start.size()) / its_columns),
      columns(its_columns),
      last_step(device, std::vector<int32_t>(start.size() / columns)),
      scalars(device, its_scalars) {}

AdamRows AdamRowsCase::state(const AdamHyper& hyper, Span<const int32_t> completed) const {
  return {.hyper = hyper,
          .rows = rows,
          .columns = columns,
          .parameter = parameter,
          .first_moment = first_moment,
          .second_moment = second_moment,
          .largest_second_moment = largest_second_moment,
          .last_step = last_step,
          .scalars = scalars,
          .completed = completed};
}

}  // namespace notnot
