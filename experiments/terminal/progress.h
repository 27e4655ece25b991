#pragma once
// Progress of one training or of a fleet: a bar with the time left where the output is a terminal, otherwise a line per
// epoch.
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "models/training.h"

namespace notnot {

/// Shared by the models of a fleet, each of which reports through a TrainingMonitor of its own (`monitor`).
class ProgressDisplay {
 public:
  struct Line {
    std::string name;  ///< shown before the model's lines when there are several
    int32_t epochs;    ///< what it will train at most
  };
  explicit ProgressDisplay(std::vector<Line> lines);
  ~ProgressDisplay();
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  /// The monitor of model `index`; belongs to the display.
  TrainingMonitor& monitor(size_t index);
  /// The model ended, perhaps before its last epoch. `print` writes what is to be said of it, undisturbed by the bar.
  void ended(size_t index, const std::function<void()>& print);

 private:
  class Monitor;
  void batch_done(size_t index, int32_t epoch, int32_t batch, int32_t batches);
  void epoch_done(size_t index, const EpochMetrics& metrics, bool best);
  void draw();
  void clear();

  std::vector<Line> lines_;
  const bool terminal_;
  std::vector<std::unique_ptr<Monitor>> monitors_;
  std::mutex mutex_;
  std::vector<double> done_, begun_;  // epochs per model, fractional: now, and where it (re)started
  std::chrono::steady_clock::time_point start_, drawn_;
};

}  // namespace notnot
