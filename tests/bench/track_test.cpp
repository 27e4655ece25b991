#include "bench/track.h"

#include <doctest/doctest.h>

#include <set>

namespace notnot::bench {
namespace {

const Track& small_track() {
  static const Track track({.mean = 3, .longest = 5, .vocabulary = 20}, 2, 2, 10);
  return track;
}

TEST_CASE("a fleet's round works on every model once, and a model keeps its thread") {
  for (const int threads : {1, 2, 8}) {
    constexpr int kModels = 3;
    Fleet fleet(small_track(), "cpu", threads, kModels);
    std::vector<std::thread::id> first;
    for (int round = 0; round < 5; ++round) {
      std::vector<int> calls(kModels);
      std::vector<std::thread::id> ids(kModels);
      fleet.run([&](AttentionClassifier& model, int number) {
        ++calls[number];
        ids[number] = std::this_thread::get_id();
        train_batches(small_track(), model);
        CHECK(model.step() == 2 * (round + 1));
      });
      CHECK(calls == std::vector<int>(kModels, 1));
      if (round == 0) first = ids;
      CHECK(ids == first);
    }
    CHECK(std::set(first.begin(), first.end()).size() == size_t(std::min(threads, kModels)));
  }
}

TEST_CASE("a failure in a fleet's round is the caller's, after all have worked; the next round works again") {
  for (const int threads : {1, 3}) {
    Fleet fleet(small_track(), "cpu", threads, 3);
    const auto fails = [](AttentionClassifier&, int number) {
      if (number == 2) throw Error("model 2");
    };
    CHECK_THROWS_WITH(fleet.run(fails), doctest::Contains("model 2"));
    std::vector<int> calls(3);
    fleet.run([&](AttentionClassifier&, int number) { ++calls[number]; });
    CHECK(calls == std::vector<int>(3, 1));
  }
}

}  // namespace
}  // namespace notnot::bench
