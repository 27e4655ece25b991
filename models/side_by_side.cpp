#include "models/side_by_side.h"

namespace notnot {

SideBySide::SideBySide(const std::vector<Device>& devices, const ModelOptions& options, const ModelCapacity& capacity,
                       const OptimiserOptions& optimiser) {
  NOTNOT_CHECK(!devices.empty() && std::ssize(devices) <= kMostSideBySide, "{} models side by side", devices.size());
  models_.reserve(devices.size());
  for (const Device& device : devices) models_.emplace_back(device, options, capacity, optimiser);
  if (size() == 1) return;
  const int64_t tokens = with_slack(devices.front(), capacity.training).tokens;
  for (Span<float>& place : attention_) arena_.add("side by side", "attention of all", {size(), tokens}, &place);
}

std::vector<MemoryRow> SideBySide::memory_table() const {
  std::vector<MemoryRow> rows = arena_.table();
  for (const AttentionClassifier& model : models_) {
    const std::vector<MemoryRow> of_model = model.memory_table();
    rows.insert(rows.end(), of_model.begin(), of_model.end());
  }
  return rows;
}

void SideBySide::allocate() {
  if (size() > 1) arena_.allocate(models_.front().device());
  for (AttentionClassifier& model : models_) model.allocate();
}

void SideBySide::enqueue_step(const HostBatch& batch, const ObjectiveOptions& objective, const BatchTargets& targets) {
  if (size() == 1) return models_.front().enqueue_step(batch, objective, targets);
  place_ = 1 - place_;
  for (int32_t k = 0; k < size(); ++k) models_[k].enqueue_attention(batch, objective, targets, shared(k));
  for (int32_t k = 0; k < size(); ++k) {
    for (int32_t other = 0; other < size(); ++other) {
      if (other != k) models_[k].wait_for_attention_of(models_[other]);
    }
    models_[k].enqueue_rest_of_step(objective, shared(k));
  }
}

std::vector<double> SideBySide::finish_step() {
  std::vector<double> losses;
  for (AttentionClassifier& model : models_) losses.push_back(model.finish_step());
  return losses;
}

void SideBySide::drain() {
  for (AttentionClassifier& model : models_) model.drain();
}

}  // namespace notnot
