// The optimiser.
#include "bench/kernel_sizes.h"
#include "kernels/adam.h"

namespace notnot::bench {
namespace {

constexpr int32_t kMissedSteps = 10;
constexpr double kLearningRate = 1e-3;

/// Optimiser state of `elements` parameters.
struct AdamState {
  AdamState(const Device& device, int64_t elements)
      : parameter(device, random_floats(elements, 2)),
        first_moment(device, random_floats(elements, 3, 1e-3F)),
        second_moment(device, std::vector<float>(static_cast<size_t>(elements), 1e-6F)),
        largest_second_moment(device, std::vector<float>(static_cast<size_t>(elements), 2e-6F)),
        gradient(device, random_floats(elements, 4)) {}
  Array parameter, first_moment, second_moment, largest_second_moment, gradient;
};

int64_t dense_parameters(const Sizes& s) { return s.p * (s.e + s.h + 2) + s.a * (s.d + 2) + s.d + 1; }

struct DenseStep : AdamState {
  DenseStep(const Device& device, const Sizes& s) : DenseStep(device, dense_parameters(s)) {}
  DenseStep(const Device& device, int64_t elements)
      : AdamState(device, elements),
        scalars(device, step_scalars(kLearningRate, kMissedSteps)),
        completed(device, std::vector<int32_t>{0}) {}
  void launch(const Device& device) {
    adam_step(device, {.hyper = {.decay = 1e-5F},
                       .scalars = scalars,
                       .completed = completed,
                       .gradient = gradient,
                       .parameter = parameter,
                       .first_moment = first_moment,
                       .second_moment = second_moment,
                       .largest_second_moment = largest_second_moment});
  }
  std::vector<float> result() { return parameter.host(); }
  DeviceArray<AdamStepScalars> scalars;
  DeviceArray<int32_t> completed;
};

struct RowsReplay : AdamState {
  RowsReplay(const Device& device, const Sizes& sizes, int32_t steps = kMissedSteps)
      : AdamState(device, sizes.vocabulary * sizes.e),
        s(sizes),
        ids(device, s.batch.ragged.unique_ids),
        last_step(device, std::vector<int32_t>(static_cast<size_t>(s.vocabulary))),
        completed(device, std::vector<int32_t>{steps}),
        scalars(device, step_scalars(kLearningRate, kMissedSteps)) {}
  AdamRows state() {
    return {.hyper = {.decay = 1e-5F},
            .rows = s.vocabulary,
            .columns = s.embed,
            .parameter = parameter,
            .first_moment = first_moment,
            .second_moment = second_moment,
            .largest_second_moment = largest_second_moment,
            .last_step = last_step,
            .scalars = scalars,
            .completed = completed};
  }
  void launch(const Device& device) {
    adam_rows_replay(device, {.state = state(), .count = static_cast<int32_t>(s.batch.u), .ids = ids});
  }
  void reset(const Device& device) { fill_zero(device, last_step.span()); }
  std::vector<float> result() { return parameter.host(); }
  const Sizes& s;
  DeviceArray<int32_t> ids, last_step, completed;
  DeviceArray<AdamStepScalars> scalars;
};

struct RowsStep : RowsReplay {
  RowsStep(const Device& device, const Sizes& sizes) : RowsReplay(device, sizes, 0) {}
  void launch(const Device& device) {
    adam_rows_step(device, {.state = state(),
                            .count = static_cast<int32_t>(s.batch.u),
                            .ids = ids,
                            .gradients = gradient.span().subspan(0, s.batch.u * s.e)});
  }
};

/// A dense step over the embedding, which is what the lazy rows replace.
struct EmbeddingStep : DenseStep {
  EmbeddingStep(const Device& device, const Sizes& s) : DenseStep(device, s.vocabulary * s.e) {}
};

}  // namespace

void add_adam_cases(std::vector<KernelCase>& cases, const SizesPointer& s) {
  const auto dense = static_cast<double>(dense_parameters(*s));
  const double rows = static_cast<double>(s->batch.u) * static_cast<double>(s->e);
  const int64_t embedding = s->vocabulary * s->e;
  cases.push_back({.name = "adam_step",
                   .shape = fmt::format("{} n={}", s->name, dense_parameters(*s)),
                   .bytes = floats(9 * dense),
                   .tolerance = kElementTolerance,
                   .prepare = preparing<DenseStep>(s)});
  cases.push_back({.name = "adam_step, whole embedding (before: lazy rows)",
                   .shape = fmt::format("{} n={}", s->name, embedding),
                   .bytes = floats(9 * static_cast<double>(embedding)),
                   .tolerance = kElementTolerance,
                   .prepare = preparing<EmbeddingStep>(s)});
  cases.push_back({.name = fmt::format("adam_rows_replay, {} steps", kMissedSteps),
                   .shape = fmt::format("{} [U,{}]", s->tokens(), s->e),
                   .bytes = floats(8 * rows),
                   .tolerance = kElementTolerance,
                   .prepare = preparing<RowsReplay>(s)});
  cases.push_back({.name = "adam_rows_step",
                   .shape = fmt::format("{} [U,{}]", s->tokens(), s->e),
                   .bytes = floats(9 * rows),
                   .tolerance = kElementTolerance,
                   .prepare = preparing<RowsStep>(s)});
}

}  // namespace notnot::bench
