#pragma once
// Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
// A number is a pure function of (seed, purpose, index): no state, so order, threads and resuming cannot change it.
#include <array>
#include <cstdint>

namespace notnot {

/// The use of a stream of numbers; streams of different purposes are independent. The values are part of the file
/// format of resumable runs: never renumber them.
enum class Purpose : uint32_t {
  initialisation = 1,
  embedding = 2,
  jitter = 3,
  shuffle = 4,
  planted_corpus = 5,
  test_data = 6,
  split = 7,
  missing_vectors = 8,
  permutation = 9,
  adversary_start = 10,
  bootstrap = 11,
  ties = 12,
  ablation = 13,
  guide_control = 14,
  crossed_bootstrap = 15,
  random_order = 16,
  member = 17
};

/// The 10-round Philox4x32 bijection.
std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

class Random {
 public:
  /// `stream` tells apart uses of one purpose: the epoch for jitter, ties and shuffle, the parameter's number for
  /// initialisation.
  Random(uint64_t seed, Purpose purpose, uint32_t stream = 0) : seed_(seed), purpose_(purpose), stream_(stream) {}

  uint32_t bits(uint64_t index) const;                         ///< uniform on all 32-bit values
  float uniform(uint64_t index, float low, float high) const;  ///< [low, high)
  float normal(uint64_t index) const;                          ///< N(0, 1), Box-Muller in double
  /// Uniform on low..high, both included; high - low < 2^32.
  int64_t integer(uint64_t index, int64_t low, int64_t high) const;

 private:
  uint64_t seed_;
  Purpose purpose_;
  uint32_t stream_;
};

}  // namespace notnot
