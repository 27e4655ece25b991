#include "kernels/base/thread_share.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

namespace notnot {
namespace {

constexpr auto kBetweenLooks = std::chrono::milliseconds(10);
constexpr int kMostPatience = 256;  // looks

}  // namespace

std::optional<ThreadTimes> thread_times() {
  std::FILE* file = std::fopen("/proc/thread-self/schedstat", "re");
  if (file == nullptr) return std::nullopt;
  ThreadTimes times;
  const bool read = std::fscanf(file, "%" SCNd64 " %" SCNd64, &times.ran, &times.waited) == 2;
  std::fclose(file);
  return read ? std::optional(times) : std::nullopt;
}

int ThreadShare::next(int most) {
  if (most <= 1) return most;
  const auto now = std::chrono::steady_clock::now();
  if (now >= next_look_) {
    next_look_ = now + kBetweenLooks;
    const auto times = thread_times();
    if (times && threads_ > 0) adapt({times->ran - last_.ran, times->waited - last_.waited}, most);
    last_ = times.value_or(last_);
    if (threads_ == 0) threads_ = most;
  }
  return std::min(threads_, most);
}

int ThreadShare::adapt(const ThreadTimes& since, int most) {
  const auto waited = static_cast<double>(since.waited);
  const auto time = waited + static_cast<double>(since.ran);
  if (threads_ == 0) threads_ = most;
  if (waited > time / 6) {
    if (rose_) patience_ = std::min(2 * patience_, kMostPatience);
    threads_ = std::max(1, threads_ - std::max(1, threads_ / 4));
    rose_ = false;
    calm_ = 0;
  } else if (waited < time / 10 && threads_ < most && ++calm_ >= patience_) {
    ++threads_;
    rose_ = true;
    calm_ = 0;
  }
  return std::min(threads_, most);
}

}  // namespace notnot
