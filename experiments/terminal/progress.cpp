#include "experiments/terminal/progress.h"

#include <unistd.h>

#include <algorithm>
#include <numeric>

#include "experiments/terminal/interrupt.h"

namespace notnot {
namespace {

std::string format_time(double seconds) {
  const auto total = static_cast<int64_t>(seconds + 0.5);
  return total < 3600 ? fmt::format("{}:{:02}", total / 60, total % 60)
                      : fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
}

}  // namespace

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
      terminal_(isatty(STDOUT_FILENO) == 1),
      done_(lines_.size(), 0.0),
      begun_(lines_.size(), -1.0),
      start_(std::chrono::steady_clock::now()) {
  for (size_t i = 0; i < lines_.size(); ++i) monitors_.push_back(std::make_unique<Monitor>(*this, i));
}

ProgressDisplay::~ProgressDisplay() { clear(); }

TrainingMonitor& ProgressDisplay::monitor(size_t index) { return *monitors_[index]; }

void ProgressDisplay::batch_done(size_t index, int32_t epoch, int32_t batch, int32_t batches) {
  const std::lock_guard lock(mutex_);
  done_[index] = epoch - 1 + static_cast<double>(batch) / batches;
  if (begun_[index] < 0) begun_[index] = done_[index];
  if (terminal_ && std::chrono::steady_clock::now() - drawn_ > std::chrono::milliseconds(100)) draw();
}

void ProgressDisplay::epoch_done(size_t index, const EpochMetrics& metrics, bool best) {
  const std::lock_guard lock(mutex_);
  clear();
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
  lines_[index].epochs = static_cast<int32_t>(done_[index]);
  clear();
  print();
  std::fflush(stdout);
}

void ProgressDisplay::draw() {
  drawn_ = std::chrono::steady_clock::now();
  const double done = std::accumulate(done_.begin(), done_.end(), 0.0),
               all = std::accumulate(lines_.begin(), lines_.end(), 0.0,
                                     [](double sum, const Line&line) { return sum + line.epochs; });
  double begun = 0;
  for (const double epochs : begun_) begun += std::max(epochs, 0.0);
  const double elapsed = std::chrono::duration<double>(drawn_ - start_).count();
  const double left = done > begun ? elapsed * (all - done) / (done - begun) : 0;
  constexpr int kWidth = 30;
  const int filled = static_cast<int>(kWidth * done / all);
  fmt::print("\r[{}{}] {:3} % epoch {:.2f} of {:.0f}, {} left\033[K", std::string(static_cast<size_t>(filled), '='),
             std::string(static_cast<size_t>(kWidth - filled), ' '), static_cast<int>(100 * done / all), done, all,
             format_time(left));
  std::fflush(stdout);
}

void ProgressDisplay::clear() {
  if (terminal_) fmt::print("\r\033[K");
}

}  // namespace notnot
