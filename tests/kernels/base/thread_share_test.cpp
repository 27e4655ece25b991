// How many threads a loop gets while the thread waits for processors that others use.
#include "kernels/base/thread_share.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

using namespace notnot;

namespace {

constexpr ThreadTimes kCalm{.ran = 10'000'000, .waited = 0}, kCrowded{.ran = 5'000'000, .waited = 5'000'000};

std::vector<int> adapted(ThreadShare& share, int looks, const ThreadTimes& since, int most) {
  std::vector<int> threads;
  for (int look = 0; look < looks; ++look) threads.push_back(share.adapt(since, most));
  return threads;
}

}  // namespace

TEST_CASE("thread share: all threads while the thread hardly waits") {
  ThreadShare share;
  CHECK(adapted(share, 3, kCalm, 8) == std::vector{8, 8, 8});
  CHECK(share.adapt({.ran = 9, .waited = 1}, 8) == 8);
  CHECK(share.adapt({}, 8) == 8);
}

TEST_CASE("thread share: fewer while it waits, down to one") {
  ThreadShare share;
  CHECK(adapted(share, 9, kCrowded, 16) == std::vector{12, 9, 7, 6, 5, 4, 3, 2, 1});
  CHECK(adapted(share, 2, kCrowded, 16) == std::vector{1, 1});
  CHECK(share.adapt({.ran = 85, .waited = 15}, 16) == 1);  // between calm and crowded nothing changes
  CHECK(adapted(share, 3, kCalm, 16) == std::vector{2, 3, 4});
  CHECK(share.adapt(kCalm, 3) == 3);  // a loop that may have fewer
}

TEST_CASE("thread share: one too many is tried again after ever longer pauses") {
  ThreadShare share;
  share.adapt(kCrowded, 2);
  std::vector<int> pauses;
  for (int pause = 0; pauses.size() < 10;) {
    ++pause;
    if (share.adapt(kCalm, 2) == 1) continue;
    pauses.push_back(pause);
    pause = 0;
    CHECK(share.adapt(kCrowded, 2) == 1);
  }
  CHECK(pauses == std::vector{1, 2, 4, 8, 16, 32, 64, 128, 256, 256});
}

TEST_CASE("thread share: a thread's times grow while it runs") {
  const auto before = thread_times();
  if (!before) {
    MESSAGE("skipped: this system has no /proc/thread-self/schedstat");
    return;
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
  while (std::chrono::steady_clock::now() < end) continue;
  const auto after = thread_times();
  REQUIRE(after);
  CHECK(after->ran + after->waited > before->ran + before->waited);
  CHECK(after->waited >= before->waited);
}

TEST_CASE("thread share: the first loops get all that they may have") {
  for (const int most : {1, 2, 7}) CHECK(ThreadShare().next(most) == most);
}
