#pragma once
// Progress of one training or of a fleet (several models that train at once on one device): a line per epoch and, where
// the output is a terminal, a bar with the time left.
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "experiments/terminal/progress_bar.h"
#include "models/training.h"

namespace notnot {

/// One display for all models of a fleet, one bar for the sum of their epochs. Each model reports through a
/// TrainingMonitor of its own, from any thread.
class ProgressDisplay {
 public:
  struct Line {
    std::string name;  ///< begins each line about the model when there are several models
    int32_t epochs;    ///< the most that the model will train
  };
  explicit ProgressDisplay(std::vector<Line> lines);
  ~ProgressDisplay();
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  /// The monitor of model `index`, which belongs to the display. It asks stop_requested() of
  /// engine/io/stop.h when to stop.
  TrainingMonitor& monitor(size_t index);
  /// Call it when model `index` has ended, perhaps before its last epoch. Prints `line`, which is about its end.
  void ended(size_t index, const std::string& line);
  /// Prints a line while no bar is drawn.
  void print(const std::string& line);
  /// The share of all epochs that is done, as the bar shows it: 0 to 1.
  double share() const;

 private:
  class Monitor;
  /// Of one model, with fractions.
  struct Epochs {
    double all = 0;     ///< the most that it will train; what it has trained if it has ended
    double done = 0;    ///< what it has trained
    double begun = -1;  ///< `done` after its first batch in this process; -1 before that
  };
  /// The sums over the models, where begun is 0 before a model's first batch.
  Epochs sum() const;
  void batch_done(size_t index, int32_t epoch, int32_t batch, int32_t batches);
  void epoch_done(size_t index, const EpochMetrics& metrics, bool best);
  void draw();
  void print_in_place_of_bar(const std::string& line);

  std::vector<Line> lines_;
  std::vector<std::unique_ptr<Monitor>> monitors_;
  std::mutex mutex_;
  ProgressBar bar_;
  std::vector<Epochs> epochs_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace notnot
