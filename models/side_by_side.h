#pragma once
// Adversaries side by side: several models of one shape that train in step, each with a loss that depends on the
// attention of the others (models/README.md). A single model is a group of one, and its steps are those of
// AttentionClassifier.
//
// In a step every model first computes its attention; then each computes its loss and gradients with the attention of
// all, and moves. On CUDA the models have streams of their own, and events between the halves of a step order them. The
// attention of a batch lies in one of two places in turn. When a model writes to a place again, nobody reads it any
// more: its step before had waited for the attention of every other model, which that had computed after it had read
// the place.
#include <array>
#include <vector>

#include "models/attention_classifier.h"

namespace notnot {

/// The most models of a group. The loss of each takes the attention of all others, and all lie in the device's memory
/// together.
inline constexpr int32_t kMostSideBySide = 16;

class SideBySide {
 public:
  /// A model per context of `devices`, all on one device. Plans the memory, as AttentionClassifier does.
  SideBySide(const std::vector<Device>& devices, const ModelOptions& options, const ModelCapacity& capacity,
             const OptimiserOptions& optimiser = {});
  SideBySide(const SideBySide&) = delete;
  SideBySide& operator=(const SideBySide&) = delete;

  int32_t size() const { return static_cast<int32_t>(models_.size()); }
  AttentionClassifier& operator[](int32_t k) { return models_[k]; }
  const ParameterLayout& layout() const { return models_.front().layout(); }
  /// What all models and their shared attention take.
  std::vector<MemoryRow> memory_table() const;
  void allocate();

  /// A step of every model on one batch, as AttentionClassifier::enqueue_step.
  void enqueue_step(const HostBatch& batch, const ObjectiveOptions& objective, const BatchTargets& targets = {});
  /// Waits for the oldest step in flight and returns each model's loss.
  std::vector<double> finish_step();
  int batches_in_flight() const { return models_.front().batches_in_flight(); }
  void drain();

 private:
  SharedAttention shared(int32_t member) const { return {size(), member, attention_[place_]}; }

  Arena arena_;  ///< outlives the models, whose work in flight uses it
  std::array<Span<float>, 2> attention_ = {};
  int place_ = 0;
  std::vector<AttentionClassifier> models_;
};

}  // namespace notnot
