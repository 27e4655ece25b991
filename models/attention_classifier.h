#pragma once
// The paper's classifier on one device, with explicit forward pass, backward pass and update: embedding, encoder
// (BiLSTM or token-level), additive attention, output layer (paper section 3.1). A fleet is several of these on one
// device. Each has its own stream or its own share of the threads, and they share no state, so that a model trains to
// the same bytes alone and in a fleet.
#include <memory>
#include <optional>
#include <vector>

#include "engine/data/batches.h"
#include "engine/device/arena.h"
#include "engine/device/profile.h"
#include "engine/device/running_models.h"
#include "engine/device/streams.h"
#include "kernels/attention_head.h"
#include "kernels/bilstm.h"
#include "kernels/token_projection.h"
#include "models/optimiser.h"
#include "models/parameters.h"

namespace notnot {

/// The loss that a model is trained with; the formulas are in models/README.md.
struct ObjectiveOptions {
  Objective objective = Objective::classify;
  /// The weight of texts of class 1; those of class 0 have 1. The sum of these weights is the scale W of an adversary's
  /// batch.
  double positive_weight = 1;
  double tvd_factor = 0.5;  ///< adversary: 0.5 for the single sigmoid output, 1 for both classes
  double lambda = 0;        ///< adversary: weight of KL(alpha || alpha_base)
};

/// Outputs of another model on the batch, in the order of its tokens and sequences. The comment names who needs each;
/// for others it stays empty.
struct BatchTargets {
  std::vector<float> given_log_attention;  ///< [N] AttentionKind::given
  std::vector<float> base_log_attention;   ///< [N] Objective::adversary
  std::vector<float> base_probability;     ///< [B] Objective::adversary
};

/// What models that train side by side know of each other (models/side_by_side.h).
struct SharedAttention {
  int32_t members = 1, member = 0;  ///< how many they are, and which of them a model is
  /// The members' log attention of one batch, [members, N]; there is room for the largest batch with its slack.
  Span<float> log_attention = {};
};

struct ModelCapacity {
  BatchCapacity evaluation;
  BatchCapacity training;  ///< zeros for a model that only predicts
  int64_t steps = 0;       ///< the most optimiser steps that the model will take
};

class AttentionClassifier {
 public:
  /// Plans the memory; nothing is allocated until `allocate`, so `memory_table` can be printed first.
  AttentionClassifier(const Device& device, const ModelOptions& options, const ModelCapacity& capacity,
                      const OptimiserOptions& optimiser = {});
  AttentionClassifier(AttentionClassifier&&) noexcept;
  ~AttentionClassifier();

  const Device& device() const { return device_; }
  const ModelOptions& options() const { return options_; }
  const ParameterLayout& layout() const { return layout_; }
  /// What the model takes of the device's memory. On CUDA the memory of its streams is part of it: workspaces of matrix
  /// products, and captured steps, of which only an estimate is known.
  std::vector<MemoryRow> memory_table() const;
  void allocate();
  void attach(Profile* profile) { profile_ = profile; }

  /// [layout().total()] in the layout's order.
  void set_parameters(const std::vector<float>& values);
  std::vector<float> parameters();
  /// The same where they lie on the device, until they next change. All embedding rows are up to date.
  Span<const float> device_parameters();

  /// For checkpoints. Reading brings all embedding rows up to date, which changes no bits. Throws Error while a batch
  /// is in flight, as does parameters().
  OptimiserState optimiser_state();
  void set_optimiser_state(const OptimiserState& state);
  int64_t step() const { return optimiser_->step(); }

  struct Predictions {
    std::vector<float> probability;    ///< [B]
    std::vector<float> logit;          ///< [B]
    std::vector<float> log_attention;  ///< [N], -infinity at boundary tokens
  };
  Predictions predict(const HostBatch& batch, const BatchTargets& targets = {});
  /// The same in two halves: on CUDA the first only enqueues the work, so that the host can take care of the batches
  /// before and after it. At most two batches may be in flight.
  void enqueue_prediction(const HostBatch& batch, const BatchTargets& targets = {});
  /// Waits for the oldest batch in flight.
  Predictions finish_prediction();
  /// Waits for every batch in flight and forgets its results.
  void drain();

  /// The parts of the logit for fixed states and output layer: logit = bias + sum_n alpha_n contribution_n.
  struct Contributions {
    Predictions predictions;
    std::vector<float> contribution;  ///< [N] w . h_n, at boundary tokens too
    float bias = 0;                   ///< b
  };
  Contributions contributions(const HostBatch& batch);

  /// A training step: gradients and update. On CUDA the call only enqueues the step, so that the host can assemble the
  /// next batch meanwhile. The batch is uploaded while the step before it computes, and steps of equal sizes are
  /// captured (engine/device/streams.h). At most two steps may be in flight; every other computation here needs none in
  /// flight.
  void enqueue_step(const HostBatch& batch, const ObjectiveOptions& objective, const BatchTargets& targets = {});
  /// A step in two halves, so that others come between: the first leaves this model's attention in its row of `shared`,
  /// the second needs those of all. What lies in `shared` must stay until the step is done.
  void enqueue_attention(const HostBatch& batch, const ObjectiveOptions& objective, const BatchTargets& targets,
                         const SharedAttention& shared);
  /// What is enqueued here from now on waits until the first half of the other model's step is done.
  void wait_for_attention_of(const AttentionClassifier& other) const;
  void enqueue_rest_of_step(const ObjectiveOptions& objective, const SharedAttention& shared);
  /// Waits for the oldest step in flight and returns its loss, as compute_gradients does.
  double finish_step();
  /// Steps and predictions.
  int batches_in_flight() const { return in_flight_; }
  /// The number of step sizes that are captured, so that such a step is one launch; 0 on the CPU.
  int64_t captured_steps() const { return captured_.captured(); }

  /// The first half of a step: forward pass, loss, gradients; the parameters do not move. Returns the loss summed over
  /// the batch (base loss, or the adversarial loss with its scale W).
  double compute_gradients(const HostBatch& batch, const ObjectiveOptions& objective, const BatchTargets& targets = {});
  /// The second half: one optimiser step with the gradients of the last compute_gradients.
  void apply_gradients();
  /// The gradients of the last compute_gradients, [layout().total()]. Embedding rows of ids that the batch lacks are 0.
  std::vector<float> gradients();

 private:
  struct Slot;
  struct Buffers;
  Slot& slot() const;
  const Slot& oldest() const;
  const RaggedBatch& batch() const;
  void plan_slots(const ModelCapacity& capacity);
  void plan(const ModelCapacity& capacity);
  void plan_training(const ModelCapacity& capacity);
  Span<float> parameter(const char* name) const;
  Span<float> parameter_pair(const char* name) const;
  Span<float> gradient(const char* name) const;
  Span<float> gradient_pair(const char* name) const;
  void transpose_projection_weight();
  void transpose_attention_weight(const Device& device);
  void check_idle() const;
  void replay_all_rows();
  void replay_rows(Span<const int32_t> ids);
  void project(Span<const int32_t> ids, int64_t first_row);
  void project_added();
  void project_batch();
  void encode(bool training);
  void encode_backward();
  BiLstmBackward recurrence_backward() const;
  TokenProjectionBackward projection_backward() const;
  AttentionHeadForward head() const;
  AttentionHeadTrain head_training(const ObjectiveOptions& objective, const SharedAttention& shared) const;
  void wait_for_streams() noexcept;
  void abandon_if_it_fails(int slot_before, const std::function<void()>& enqueue);
  void put_in_flight(int slot_before, const std::function<void()>& enqueue);
  void follow_running_models();
  void load(const HostBatch& batch, const BatchTargets& targets, bool training, float scale = 1);
  void pack_targets(const HostBatch& batch, const BatchTargets& targets);
  void load_for_training(const HostBatch& batch, const ObjectiveOptions& objective, const BatchTargets& targets);
  void enqueue_states();
  void enqueue_gradients(const ObjectiveOptions& objective, const SharedAttention& shared);
  void enqueue_update();
  void run_captured(const CapturedWork::Key& key, const std::function<void()>& work);
  const Slot& finish_oldest(bool training);
  static double loss_of_slot(const Slot& slot);
  enum class StepPart : uint8_t { whole, attention, rest };
  CapturedWork::Key step_key(StepPart part, const ObjectiveOptions& objective, const SharedAttention& shared) const;
  double projection_flop(int64_t ids) const;
  double recurrent_flop() const;
  double head_flop() const;

  Device device_;
  ModelOptions options_;
  ParameterLayout layout_;
  Arena arena_;
  SideStream upload_stream_;
  static constexpr int kBranches = 2;
  std::vector<Branch> branches_;  ///< of a model that trains, from `allocate` on
  CapturedWork captured_;
  std::optional<RunningModel> running_;  ///< from `allocate` on
  // The arena keeps addresses in these two, so that they stay where they are when the model moves.
  std::unique_ptr<Buffers> buffers_;
  std::unique_ptr<Optimiser> optimiser_;
  Profile* profile_ = nullptr;
  int slot_ = 0;       ///< index of the slot that was loaded last
  int in_flight_ = 0;  ///< steps or predictions enqueued and not finished
  const bool trains_;
  ProjectionRows table_;  ///< the ids that predictions projected since the parameters last changed
};

}  // namespace notnot
