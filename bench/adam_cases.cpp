// The optimiser.
#include <cmath>

#include "bench/kernel_sizes.h"
#include "kernels/cases/adam_case.h"

namespace notnot::bench {
namespace {

constexpr double kLearningRate = 1e-3;
constexpr int32_t kCompleted = 300;    // steps
constexpr double kClocksPerMiss = 20;  // CUDA: five dependent operations

/// The steps that the row of the batch's i-th of `u` ids has missed, as in batches of SST from the second epoch on (the
/// texts counted: 285 steps for the rarest of 356 words, 204, 136, 54, 12, 3 and 0 at 5, 10, 20, 40, 60 and 80 %).
int32_t missed_steps(int64_t i, int64_t u) {
  return static_cast<int32_t>(std::lround(285 * std::exp(-8.0 * static_cast<double>(i) / static_cast<double>(u))));
}

int64_t dense_parameters(const Sizes& s) { return s.p * (s.e + s.h + 2) + s.a * (s.d + 2) + s.d + 1; }

struct DenseStep : AdamCase {
  DenseStep(const Device& device, const Sizes& s) : DenseStep(device, dense_parameters(s)) {}
  DenseStep(const Device& device, int64_t elements)
      : AdamCase(device, random_floats(elements, 2)),
        gradient(device, random_floats(elements, 4)),
        scalars(device, adam_scalars(kLearningRate, 1)),
        completed(device, std::vector<int32_t>{0}) {}
  void launch(const Device& device) { adam_step(device, step({.decay = 1e-5F}, scalars, completed, gradient)); }
  std::vector<float> result() { return parameter.host(); }
  Array gradient;
  DeviceArray<AdamStepScalars> scalars;
  DeviceArray<int32_t> completed;
};

/// The batch's rows after a step with a gradient, `steps` steps being completed.
struct Rows : AdamRowsCase {
  Rows(const Device& device, const Sizes& s, int32_t steps)
      : AdamRowsCase(device, random_floats(s.vocabulary * s.e, 2), s.embed, adam_scalars(kLearningRate, steps + 1)),
        ids(device, s.batch.ragged.unique_ids),
        completed(device, std::vector<int32_t>{steps}),
        gradients(device, random_floats(s.batch.u * s.e, 4)) {}
  AdamRows arguments() const { return state({.decay = 1e-5F}, completed); }
  int32_t count() const { return ids.span().size; }
  void step(const Device& device) {
    adam_rows_step(device, {.state = arguments(), .count = count(), .ids = ids, .gradients = gradients});
  }
  std::vector<float> result() { return parameter.host(); }
  DeviceArray<int32_t> ids, completed;
  Array gradients;
};

struct RowsStep : Rows {
  RowsStep(const Device& device, const Sizes& s) : Rows(device, s, 0) {}
  void launch(const Device& device) { step(device); }
};

struct RowsReplay : Rows {
  RowsReplay(const Device& device, const Sizes& s) : Rows(device, s, kCompleted), current(s.vocabulary, kCompleted) {
    step(device);
    const std::vector<int32_t>& its_ids = s.batch.ragged.unique_ids;
    for (size_t i = 0; i < its_ids.size(); ++i) {
      current[its_ids[i]] = kCompleted - missed_steps(static_cast<int64_t>(i), s.batch.u);
    }
    reset(device);
  }
  void launch(const Device& device) { adam_rows_replay(device, {.state = arguments(), .count = count(), .ids = ids}); }
  void reset(const Device& device) {
    copy_to_device(device, last_step.span().data, current.data(), current.size() * sizeof(int32_t));
  }
  std::vector<int32_t> current;  ///< [V] the step up to which each row is current
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
  cases.push_back({.name = "adam_rows_replay, gaps as SST's",
                   .shape = fmt::format("{} [U,{}]", s->tokens(), s->e),
                   .bytes = floats(8 * rows),
                   .clocks = missed_steps(0, s->batch.u) * kClocksPerMiss,
                   .tolerance = kElementTolerance,
                   .prepare = preparing<RowsReplay>(s)});
  cases.push_back({.name = "adam_rows_step",
                   .shape = fmt::format("{} [U,{}]", s->tokens(), s->e),
                   .bytes = floats(9 * rows),
                   .tolerance = kElementTolerance,
                   .prepare = preparing<RowsStep>(s)});
}

}  // namespace notnot::bench
