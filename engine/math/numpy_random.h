#pragma once
// The random splits of the published preprocessing, reproduced to the text: NumPy's legacy generator (RandomState:
// Mersenne Twister MT19937, seeded with 32 bits) and scikit-learn's train_test_split on it. For the engine's own
// random numbers see random.h.
#include <cstdint>
#include <random>
#include <vector>

namespace notnot {

/// numpy.random.RandomState(seed): the same draws in the same order.
class NumpyRandom {
 public:
  explicit NumpyRandom(uint32_t seed) : bits_(seed) {}

  /// Uniform on 0..high, both included.
  uint32_t integer(uint32_t high);
  /// RandomState.shuffle
  void shuffle(std::vector<int64_t>& values);
  /// RandomState.permutation: 0..size-1 in random order; size < 2^32.
  std::vector<int64_t> permutation(int64_t size);

 private:
  std::mt19937 bits_;
};

/// Indices of the two parts, in scikit-learn's order. The published pipelines split `train` a second time, so its order
/// matters.
struct TrainTestIndices {
  std::vector<int64_t> train, test;
};

/// train_test_split(range(len(labels)), test_size=test_share, random_state=seed, stratify=labels) of scikit-learn 0.18
/// and later. The test part has ceil(test_share * size) indices; each class has its share of both parts, to within one.
/// 0 < test_share < 1. Throws InputError where scikit-learn does: a class with one text only, a part with fewer indices
/// than there are classes.
TrainTestIndices stratified_train_test_split(const std::vector<int32_t>& labels, double test_share, uint32_t seed);

}  // namespace notnot
