#pragma once
// The optimiser of one model: the gradients, Adam's moments, and the number of steps. The operations are those of
// kernels/adam.h: dense steps for most parameters, and lazy rows for the embedding.
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

/// Steps are only enqueued. A row of the embedding that a batch lacks stays behind; before its
/// next use the steps that it missed are replayed, which gives the bits that a dense step would have given.
class Optimiser {
 public:
  Optimiser(const Device& device, const ModelOptions& model, const OptimiserOptions& options);
  // The arena keeps the addresses of the spans.
  Optimiser(const Optimiser&) = delete;
  Optimiser& operator=(const Optimiser&) = delete;
  ~Optimiser() = default;

  /// Declares gradients and state in `arena`, for at most `steps` steps. A model that only predicts leaves it out.
  void plan(Arena& arena, int64_t steps);
  /// To be called once the arena is allocated. The steps will move `parameters` [layout.total()].
  void start(Span<float> parameters);

  /// The number of steps taken, those that are only enqueued included.
  int64_t step() const { return step_; }
  /// [layout.total() - layout.encoder_begin()] The gradients of all parameters but the embedding.
  Span<float> gradients() const { return gradients_; }

  /// Counts the step that is enqueued next. Throws Error if there are more steps than planned.
  void count_step();
  // A step has three parts, which share nothing: each may be enqueued on a stream of its own. `completed` [1] holds the
  // number of steps before this one.
  /// Moves the embedding rows of `ids` [n], the distinct ids of the batch, by their gradients `row_gradients` [n, E].
  /// The rows must be up to date.
  void enqueue_rows_step(const Device& device, Span<const int32_t> completed, Span<const int32_t> ids,
                         Span<const float> row_gradients);
  /// Moves encoder and output layer by gradients().
  void enqueue_encoder_step(const Device& device, Span<const int32_t> completed);
  /// Moves the attention by gradients(), where it is learned.
  void enqueue_attention_step(const Device& device, Span<const int32_t> completed);

  /// Brings the embedding rows of `ids` (at least one) up to the step in `completed` [1].
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
  void step_range(const Device& device, Span<const int32_t> completed, int64_t begin, int64_t end, double decay);

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
