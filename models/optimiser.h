#pragma once
// The optimiser of one model: the gradients, Adam's moments, and the steps taken so far. The operations are those of
// kernels/adam.h: a dense step for most parameters, and lazy rows for the embedding.
#include <vector>

#include "engine/device/arena.h"
#include "kernels/adam.h"
#include "models/parameters.h"

namespace notnot {

/// Adam with AMSGrad; the defaults are the published protocol's.
struct OptimiserOptions {
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double weight_decay = 1e-5;  ///< L2 on embedding, encoder and output layer; the attention has none
};

/// The state of an optimiser between two steps, as a checkpoint holds it.
struct OptimiserState {
  int64_t step = 0;
  std::vector<float> first_moment, second_moment, largest_second_moment;  ///< [layout.total()] each
};

/// The work of a step is only enqueued on the device's stream. A row of the embedding is brought up to date (replayed)
/// when somebody needs it; this changes no bits.
class Optimiser {
 public:
  Optimiser(const Device& device, const ModelOptions& model, const OptimiserOptions& options);
  // The arena keeps the addresses of the spans.
  Optimiser(const Optimiser&) = delete;
  Optimiser& operator=(const Optimiser&) = delete;
  ~Optimiser() = default;

  /// Declares gradients and state in `arena`, for at most `steps` steps. A model that only predicts leaves it out.
  void plan(Arena& arena, int64_t steps);
  /// Begins the training at step 0, once the arena is allocated. The steps move `parameters` [layout.total()].
  void start(Span<float> parameters);
  bool trains() const { return !gradients_.empty(); }

  /// The number of steps taken, those that are only enqueued included.
  int64_t step() const { return step_; }
  /// [layout.total() - layout.embedding_size()] the gradients of all parameters behind the embedding.
  Span<float> gradients() const { return gradients_; }

  /// Counts the step that is enqueued next. Throws Error if there are more steps than planned.
  void count_step();
  /// Enqueues a step. `completed` [1] holds the number of steps before it, `ids` [n] the distinct ids of the batch,
  /// and `row_gradients` [n, E] the gradients of their embedding rows, which must be up to date. These and gradients()
  /// lie on the device.
  void enqueue_step(Span<const int32_t> completed, Span<const int32_t> ids, Span<const float> row_gradients);

  /// Brings the embedding rows of `ids` [1 or more] up to the step in `completed` [1], both on the device.
  void replay_rows(Span<const int32_t> completed, Span<const int32_t> ids);
  /// Brings all embedding rows up to step().
  void replay_all_rows();
  /// Tells the optimiser that the parameters were replaced: they are the values after step().
  void mark_rows_current();

  /// All rows must be up to date.
  OptimiserState state() const;
  /// The parameters must be those of this state. Throws Error if a moment has another size.
  void set_state(const OptimiserState& state);

 private:
  AdamHyper hyper(double decay) const;
  AdamRows embedding_rows(Span<const int32_t> completed) const;
  void step_range(Span<const int32_t> completed, int64_t begin, int64_t end, double decay);

  Device device_;
  ModelOptions model_;
  OptimiserOptions options_;
  ParameterLayout layout_;
  int64_t step_ = 0;
  Span<float> parameters_;
  Span<float> gradients_;
  Span<float> first_moment_, second_moment_, largest_second_moment_;
  Span<int32_t> last_step_;        ///< [V] the step up to which each embedding row is current
  Span<int32_t> completed_;        ///< [1] for replay_all_rows
  Span<AdamStepScalars> scalars_;  ///< [steps] scalars_[s - 1] belongs to step s
};

}  // namespace notnot
