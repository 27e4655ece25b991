#pragma once
// The paper's classifier, on one device, with explicit forward, backward and update: embedding, encoder (BiLSTM or
// token-level), additive attention, output layer (paper section 3.1). A fleet is several of these on one device, each
// with a stream or a share of the threads of its own: nothing is shared, so a model trains to the same bytes alone and
// in company.
#include <memory>
#include <vector>

#include "engine/data/batches.h"
#include "engine/device/arena.h"
#include "engine/device/profile.h"
#include "engine/device/streams.h"
#include "kernels/attention_head.h"
#include "kernels/bilstm.h"
#include "kernels/token_projection.h"
#include "models/optimiser.h"
#include "models/parameters.h"

namespace notnot {

/// What a model trains towards.
struct ObjectiveOptions {
  Objective objective = Objective::classify;
  double positive_weight = 1;  ///< of class 1; also makes the adversary's batch scale W
  double tvd_factor = 0.5;     ///< adversary: 0.5 for the single sigmoid output, 1 for both classes
  double lambda = 0;           ///< adversary: weight of KL(alpha || alpha_base)
};

/// What some models need per batch besides the texts, in the order of the batch's tokens and sequences.
struct BatchTargets {
  std::vector<float> given_log_attention;  ///< [N] AttentionKind::given
  std::vector<float> base_log_attention;   ///< [N] Objective::adversary
  std::vector<float> base_probability;     ///< [B] Objective::adversary
};

struct ModelCapacity {
  BatchCapacity evaluation;
  BatchCapacity training;  ///< zeros: a model that only predicts
  int64_t steps = 0;       ///< optimiser steps that will be taken at most
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
  const std::vector<MemoryRow>& memory_table() const { return arena_.table(); }
  void allocate();
  void attach(Profile* profile) { profile_ = profile; }

  /// [layout().total()] in the layout's order.
  void set_parameters(const std::vector<float>& values);
  std::vector<float> parameters();

  /// Adam's state, as it is checkpointed; reading it brings lazily updated embedding rows up to date, which changes no
  /// bits.
  OptimiserState optimiser_state();
  void set_optimiser_state(const OptimiserState& state);
  int64_t step() const { return optimiser_->step(); }

  struct Predictions {
    std::vector<float> probability;    ///< [B]
    std::vector<float> logit;          ///< [B]
    std::vector<float> log_attention;  ///< [N], -infinity at boundary tokens
  };
  Predictions predict(const HostBatch& batch, const BatchTargets& targets = {});

  /// What the logit is made of once states and output layer are frozen: logit = bias + sum_n alpha_n contribution_n.
  struct Contributions {
    Predictions predictions;
    std::vector<float> contribution;  ///< [N] w . h_n, at boundary tokens too
    float bias = 0;                   ///< b
  };
  Contributions contributions(const HostBatch& batch);

  /// A training step: gradients and update. On CUDA it only enqueues, so that the host can put the next batch together
  /// meanwhile; the batch goes to the device beside the step before it, and steps of like sizes are captured. At most
  /// two steps may be in flight, none when anything else here is called.
  void enqueue_step(const HostBatch& batch, const ObjectiveOptions& objective, const BatchTargets& targets = {});
  /// Waits for the oldest step in flight and returns its loss, as compute_gradients does.
  double finish_step();
  int steps_in_flight() const { return in_flight_; }
  /// Sizes of steps that are one launch by now; 0 on the CPU.
  int64_t captured_steps() const { return captured_.captured(); }

  /// The two halves of a step, one by one. Forward, loss, gradients; parameters do not move. Returns the loss summed
  /// over the batch (base loss, or the adversarial loss with its scale W).
  double compute_gradients(const HostBatch& batch, const ObjectiveOptions& objective, const BatchTargets& targets = {});
  /// One optimiser step with the gradients of the last compute_gradients.
  void apply_gradients();
  /// Gradients of the last compute_gradients, [layout().total()], embedding rows that the batch lacks being zero.
  std::vector<float> gradients();

 private:
  struct Slot;
  struct Buffers;
  Slot& slot() const;
  const RaggedBatch& batch() const;
  void plan_slots(const ModelCapacity& capacity);
  void plan(const ModelCapacity& capacity);
  void plan_training(const ModelCapacity& capacity);
  Span<float> parameter(const char* name) const;
  Span<float> parameter_pair(const char* name) const;
  Span<float> gradient(const char* name) const;
  Span<float> gradient_pair(const char* name) const;
  void refresh_transposes();
  void check_idle() const;
  void replay_all_rows();
  void replay_rows(Span<const int32_t> ids);
  void project(Span<const int32_t> ids, int64_t first_row);
  void project_added();
  void project_batch();
  void encode(bool training);
  void encode_backward();
  AttentionHeadForward head() const;
  void load(const HostBatch& batch, const BatchTargets& targets, bool training);
  void await_load();
  void load_for_training(const HostBatch& batch, const ObjectiveOptions& objective, const BatchTargets& targets);
  void enqueue_gradients(const ObjectiveOptions& objective);
  void enqueue_update();
  static double loss_of_slot(const Slot& slot);
  CapturedWork::Key step_key(const ObjectiveOptions& objective) const;
  double projection_flop(int64_t ids) const;
  double recurrent_flop() const;
  double head_flop() const;

  Device device_;
  ModelOptions options_;
  ParameterLayout layout_;
  Arena arena_;
  SideStream upload_stream_;
  CapturedWork captured_;
  // The arena keeps addresses in these two, so that they stay where they are when the model moves.
  std::unique_ptr<Buffers> buffers_;
  std::unique_ptr<Optimiser> optimiser_;
  Profile* profile_ = nullptr;
  int slot_ = 0;          ///< the batch that was loaded last
  int in_flight_ = 0;     ///< steps enqueued and not finished
  ProjectionRows table_;  ///< what predictions have projected with the parameters as they are
};

}  // namespace notnot
