#include "experiments/terminal/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "experiments/terminal/interrupt.h"

namespace notnot {

class ProgressDisplay::Monitor : public TrainingMonitor {
 public:
  Monitor(ProgressDisplay& display, size_t index) : display_(display), index_(index) {}
  void batch_done(int32_t epoch, int32_t batch, int32_t batches) override {
    display_.batch_done(index_, epoch, batch, batches);
  }
  void epoch_done(const EpochMetrics& metrics, bool best) override { display_.epoch_done(index_, metrics, best); }
  bool stop_requested() override { return interrupted(); }

 private:
  ProgressDisplay& display_;
  size_t index_;
};

ProgressDisplay::ProgressDisplay(std::vector<Line> lines)
    : lines_(std::move(lines)),
      done_(lines_.size(), 0.0),
      begun_(lines_.size(), -1.0),
      start_(std::chrono::steady_clock::now()) {
  for (size_t i = 0; i < lines_.size(); ++i) monitors_.push_back(std::make_unique<Monitor>(*this, i));
}

ProgressDisplay::~ProgressDisplay() = default;

TrainingMonitor& ProgressDisplay::monitor(size_t index) { return *monitors_[index]; }

void ProgressDisplay::batch_done(size_t index, int32_t epoch, int32_t batch, int32_t batches) {
  const std::lock_guard lock(mutex_);
  done_[index] = epoch - 1 + static_cast<double>(batch) / batches;
  if (begun_[index] < 0) begun_[index] = done_[index];
  if (bar_.due()) draw();
}

void ProgressDisplay::epoch_done(size_t index, const EpochMetrics& metrics, bool best) {
  const std::lock_guard lock(mutex_);
  bar_.clear();
  const Classification& dev = metrics.split[SplitName::dev];
  const Classification& test = metrics.split[SplitName::test];
  fmt::print(
      "{}epoch {}/{}  loss {:.4f}  dev F1 {:.3f} ROC-AUC {:.3f}  test F1 {:.3f} ROC-AUC {:.3f}  {:.1f} s + {:.1f} s "
      "evaluation  {:.0f} tokens/s{}\n",
      lines_.size() > 1 ? lines_[index].name + "  " : "", metrics.epoch, lines_[index].epochs, metrics.loss.train,
      dev.f1, dev.roc_auc, test.f1, test.roc_auc, metrics.train_seconds, metrics.eval_seconds,
      metrics.tokens_per_second, best ? "  best so far" : "");
  std::fflush(stdout);
}

void ProgressDisplay::ended(size_t index, const std::function<void()>& print) {
  const std::lock_guard lock(mutex_);
  lines_[index].epochs = std::floor(done_[index]);
  bar_.clear();
  print();
  std::fflush(stdout);
}

void ProgressDisplay::draw() {
  double done = 0, begun = 0, all = 0;
  for (size_t i = 0; i < lines_.size(); ++i) {
    done += done_[i];
    begun += std::max(begun_[i], 0.0);
    all += lines_[i].epochs;
  }
  const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const double left = done > begun ? elapsed * (all - done) / (done - begun) : 0;
  bar_.draw(done, all, fmt::format("epoch {:.2f} of {:.0f}", done, all), left);
}

}  // namespace notnot
