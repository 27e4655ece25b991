#include "kernels/base/share_out.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <thread>
#include <vector>

using namespace notnot;

namespace {

constexpr int64_t kCostly = int64_t{1} << 40;  // every iteration is worth a thread

/// How often each iteration of a loop was done.
std::vector<int> times_done(int threads, int32_t count, int64_t cost) {
  std::vector<std::atomic<int>> times(std::max(count, 0));
  parallel_for(threads, count, cost, [&](int32_t i) { ++times[i]; });
  return {times.begin(), times.end()};
}

bool all_once(const std::vector<int>& times) {
  return std::all_of(times.begin(), times.end(), [](int time) { return time == 1; });
}

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace

TEST_CASE("share out: every iteration is done once") {
  for (const int threads : {1, 2, 3, 16}) {
    for (const int32_t count : {0, 1, 2, 3, 16, 1000, 100003}) {
      for (const int64_t cost : {int64_t{0}, int64_t{1}, int64_t{1000}, kCostly}) {
        CAPTURE(threads);
        CAPTURE(count);
        CAPTURE(cost);
        CHECK(all_once(times_done(threads, count, cost)));
      }
    }
  }
  CHECK(times_done(2, -1, 1).empty());
}

TEST_CASE("share out: many loops in a row, of other lengths and with other numbers of threads") {
  for (int32_t loop = 0; loop < 20000; ++loop) {
    const auto times = times_done(1 + loop % 4, 1 + loop % 7, kCostly);
    if (!all_once(times)) FAIL("loop " << loop);
  }
}

TEST_CASE("share out: a short loop stays on the calling thread, a costly one does not") {
  const auto here = std::this_thread::get_id();
  parallel_for(8, 100, 1, [&](int32_t) { CHECK(std::this_thread::get_id() == here); });

  // Each of two iterations waits for the other one, so that one thread alone would never end. A new thread's first loop
  // gets all the helpers that it may have.
  std::atomic<int> arrived{0};
  const auto meet = [&] {
    parallel_for(2, 2, kCostly, [&](int32_t) {
      ++arrived;
      while (arrived < 2) std::this_thread::yield();
    });
  };
  std::thread(meet).join();
  CHECK(arrived == 2);
}

TEST_CASE("share out: one thread gets no helper, and two get one") {
  for (const int threads : {1, 2, 3}) {
    std::vector<std::thread::id> ids(1000);
    const auto fill = [&] {
      parallel_for(threads, static_cast<int32_t>(ids.size()), kCostly,
                   [&](int32_t i) { ids[i] = std::this_thread::get_id(); });
    };
    std::thread(fill).join();  // no earlier loop has helpers there
    std::sort(ids.begin(), ids.end());
    CHECK(std::unique(ids.begin(), ids.end()) - ids.begin() <= threads);
  }
}

TEST_CASE("share out: a thread that ends takes its helpers along, whatever they are doing") {
  for (int round = 0; round < 1000; ++round) std::thread([] { times_done(17, 17, kCostly); }).join();
}

TEST_CASE("share out: several threads share out loops at once") {
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> callers;
    for (int caller = 0; caller < 4; ++caller) {
      callers.emplace_back([&] {
        for (int loop = 0; loop < 500; ++loop) wrong += all_once(times_done(3, 64, kCostly)) ? 0 : 1;
      });
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("share out: the caller sees what every thread wrote") {
  std::vector<int> values(4096);
  for (int round = 1; round <= 500; ++round) {
    parallel_for(4, static_cast<int32_t>(values.size()), 1000, [&](int32_t i) { values[i] += i; });
    const auto wrong = [&](const int& value) { return value != round * static_cast<int>(&value - values.data()); };
    if (std::any_of(values.begin(), values.end(), wrong)) FAIL("round " << round);
  }
}

TEST_CASE("share out: a thread that waits takes no processor time") {
  times_done(8, 64, kCostly);  // seven helpers
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const double before = cpu_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  CHECK(cpu_seconds() - before < 0.1);  // seven threads that spin take 2.8 s, one takes 0.4 s
}
