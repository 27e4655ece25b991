#include "experiments/terminal/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "engine/io/stop.h"
#include "experiments/terminal/show.h"

namespace notnot {

class ProgressDisplay::Monitor : public TrainingMonitor {
 public:
  Monitor(ProgressDisplay& display, size_t index) : display_(display), index_(index) {}
  void batch_done(int32_t epoch, int32_t batch, int32_t batches) override {
    display_.batch_done(index_, epoch, batch, batches);
  }
  void epoch_done(const EpochMetrics& metrics, bool best) override { display_.epoch_done(index_, metrics, best); }
  bool stop_requested() override { return notnot::stop_requested(); }

 private:
  ProgressDisplay& display_;
  size_t index_;
};

ProgressDisplay::ProgressDisplay(std::vector<Line> lines)
    : lines_(std::move(lines)), start_(std::chrono::steady_clock::now()) {
  for (size_t i = 0; i < lines_.size(); ++i) {
    monitors_.push_back(std::make_unique<Monitor>(*this, i));
    epochs_.push_back({.all = static_cast<double>(lines_[i].epochs)});
  }
}

ProgressDisplay::~ProgressDisplay() = default;

TrainingMonitor& ProgressDisplay::monitor(size_t index) { return *monitors_[index]; }

void ProgressDisplay::batch_done(size_t index, int32_t epoch, int32_t batch, int32_t batches) {
  const std::lock_guard lock(mutex_);
  Epochs& epochs = epochs_[index];
  epochs.done = epoch - 1 + static_cast<double>(batch) / batches;
  if (epochs.begun < 0) epochs.begun = epochs.done;
  if (bar_.due()) draw();
}

void ProgressDisplay::epoch_done(size_t index, const EpochMetrics& metrics, bool best) {
  const std::lock_guard lock(mutex_);
  bar_.clear();
  const Classification& dev = metrics.split[SplitName::dev];
  const Classification& test = metrics.split[SplitName::test];
  show(
      "{}epoch {}/{}  loss {:.4f}  dev F1 {:.3f} ROC-AUC {:.3f}  test F1 {:.3f} ROC-AUC {:.3f}  {:.1f} s + {:.1f} s "
      "evaluation  {:.0f} tokens/s{}\n",
      lines_.size() > 1 ? lines_[index].name + "  " : "", metrics.epoch, lines_[index].epochs, metrics.loss.train,
      dev.f1, dev.roc_auc, test.f1, test.roc_auc, metrics.train_seconds, metrics.eval_seconds,
      metrics.tokens_per_second, best ? "  best so far" : "");
  std::fflush(stdout);
}

void ProgressDisplay::ended(size_t index, const std::string& line) {
  const std::lock_guard lock(mutex_);
  epochs_[index].all = epochs_[index].done;
  print_in_place_of_bar(line);
}

void ProgressDisplay::print(const std::string& line) {
  const std::lock_guard lock(mutex_);
  print_in_place_of_bar(line);
}

void ProgressDisplay::print_in_place_of_bar(const std::string& line) {
  bar_.clear();
  show("{}\n", line);
  std::fflush(stdout);
}

double ProgressDisplay::share() const {
  const Epochs epochs = sum();
  return epochs.all > 0 ? epochs.done / epochs.all : 1;
}

ProgressDisplay::Epochs ProgressDisplay::sum() const {
  Epochs sum{.begun = 0};
  for (const Epochs& epochs : epochs_) {
    sum.all += epochs.all;
    sum.done += epochs.done;
    sum.begun += std::max(epochs.begun, 0.0);
  }
  return sum;
}

void ProgressDisplay::draw() {
  const auto [all, done, begun] = sum();
  const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const double left = done > begun ? elapsed * (all - done) / (done - begun) : 0;
  bar_.draw(done, all, fmt::format("epoch {:.2f} of {:.0f}", done, all), left);
}

}  // namespace notnot
