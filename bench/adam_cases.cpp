// The optimiser.
#include "bench/kernel_sizes.h"
#include "kernels/cases/adam_case.h"

namespace notnot::bench {
namespace {

constexpr int32_t kMissedSteps = 10;
constexpr double kLearningRate = 1e-3;

int64_t dense_parameters(const Sizes& s) { return s.p * (s.e + s.h + 2) + s.a * (s.d + 2) + s.d + 1; }

struct DenseStep : AdamCase {
  DenseStep(const Device& device, const Sizes& s) : DenseStep(device, dense_parameters(s)) {}
  DenseStep(const Device& device, int64_t elements)
      : AdamCase(device, random_floats(elements, 2)),
        gradient(device, random_floats(elements, 4)),
        scalars(device, adam_scalars(kLearningRate, kMissedSteps)),
        completed(device, std::vector<int32_t>{0}) {}
  void launch(const Device& device) { adam_step(device, step({.decay = 1e-5F}, scalars, completed, gradient)); }
  std::vector<float> result() { return parameter.host(); }
  Array gradient;
  DeviceArray<AdamStepScalars> scalars;
  DeviceArray<int32_t> completed;
};

struct RowsReplay : AdamRowsCase {
  RowsReplay(const Device& device, const Sizes& s, int32_t steps = kMissedSteps)
      : AdamRowsCase(device, random_floats(s.vocabulary * s.e, 2), s.embed, adam_scalars(kLearningRate, kMissedSteps)),
        ids(device, s.batch.ragged.unique_ids),
        completed(device, std::vector<int32_t>{steps}) {}
  AdamRows arguments() const { return state({.decay = 1e-5F}, completed); }
  int32_t count() const { return ids.span().size; }
  void launch(const Device& device) { adam_rows_replay(device, {.state = arguments(), .count = count(), .ids = ids}); }
  void reset(const Device& device) { fill_zero(device, last_step.span()); }
  std::vector<float> result() { return parameter.host(); }
  DeviceArray<int32_t> ids, completed;
};

struct RowsStep : RowsReplay {
  RowsStep(const Device& device, const Sizes& s)
      : RowsReplay(device, s, 0), gradients(device, random_floats(s.batch.u * s.e, 4)) {}
  void launch(const Device& device) {
    adam_rows_step(device, {.state = arguments(), .count = count(), .ids = ids, .gradients = gradients});
  }
  Array gradients;
};

/// A dense step over the whole embedding: the lazy rows replace it.
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
