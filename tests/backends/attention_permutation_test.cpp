// The permutation test on every backend: arrangements that can be checked by hand, the random numbers that they come
// from, the median, and what the header promises about bits.
#include "kernels/attention_permutation.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "engine/math/random.h"
#include "kernels/attention_permutation_math.h"
#include "kernels/base/math.h"
#include "kernels/cases/attention_permutation_case.h"
#include "tests/backends/backend.h"
#include "tests/support/error_model.h"

namespace notnot {
namespace {

constexpr uint64_t kSeed = 0x123456789ABCULL;

AttentionPermutationInputs no_texts() {
  AttentionPermutationInputs inputs;
  inputs.seed = kSeed;
  inputs.purpose = static_cast<uint32_t>(Purpose::permutation);
  return inputs;
}

struct Results {
  std::vector<float> change, median;  // [B, P], [B]
};

Results run(const Device& device, const AttentionPermutationInputs& inputs) {
  const AttentionPermutationCase arrays(device, inputs);
  attention_permutation(device, arrays.arguments());
  return {arrays.change.host(), arrays.median.host()};
}

/// Permutation r of 0, 1, ..., words - 1: Fisher & Yates' shuffle with the numbers of Random.
std::vector<size_t> arrangement(uint64_t seed, uint32_t key, int32_t r, size_t words) {
  const Random random(seed, Purpose::permutation, key);
  std::vector<size_t> places(words);
  for (size_t n = 0; n < words; ++n) {
    const uint64_t index = (static_cast<uint64_t>(r) << 34) + n;
    const size_t place = random.integer(index, 0, n);
    places[n] = places[place];
    places[place] = n;
  }
  return places;
}

/// As numpy defines it.
double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

/// The changes of text b, for any number type.
template <class Real>
std::vector<Real> reference_changes(const AttentionPermutationInputs& p, size_t b) {
  const auto begin = static_cast<size_t>(p.offsets[b]) + 1, words = static_cast<size_t>(p.words(b));
  std::vector<Real> weights;
  for (size_t n = 0; n < words; ++n) weights.push_back(exponential(Real(p.log_attention[begin + n])));
  const auto probability = [&](const std::vector<size_t>& places) {
    Real logit(p.output_bias[0]);
    for (size_t n = 0; n < words; ++n) logit += weights[places[n]] * Real(p.contributions[begin + n]);
    return sigmoid(logit);
  };
  std::vector<size_t> given(words);
  std::iota(given.begin(), given.end(), size_t{0});
  const Real base = probability(given);
  std::vector<Real> changes;
  for (int32_t r = 0; r < p.permutations; ++r) {
    const Real change = probability(arrangement(p.seed, p.keys[b], r, words)) - base;
    changes.push_back(change < 0 ? -change : change);
  }
  return changes;
}

std::vector<float> changes_of(const Results& results, const AttentionPermutationInputs& p, size_t b) {
  const auto begin = results.change.begin() + b * p.permutations;
  return {begin, begin + p.permutations};
}

}  // namespace

TEST_CASE("attention permutation: every change and the median against float64") {
  const Device device = test_device();
  // As many permutations as threads, one less, one more; even and odd numbers; 95 words fill CUDA's shared memory.
  for (const auto& [permutations, words] :
       std::vector<std::pair<int32_t, std::vector<int32_t>>>{{100, {1, 2, 3, 4, 5, 7, 8, 31}},
                                                             {1, {6}},
                                                             {2, {6}},
                                                             {127, {9}},
                                                             {128, {9}},
                                                             {129, {9}},
                                                             {10, {94, 95, 96, 3, 4000}}}) {
    AttentionPermutationInputs p = no_texts();
    p.permutations = permutations;
    for (size_t b = 0; b < words.size(); ++b) p.add_random(50 + b, words[b]);
    const Results results = run(device, p);
    for (size_t b = 0; b < words.size(); ++b) {
      const auto expected = test::with_allowances([&]<class Real>() {
        return test::NamedValues<Real>{{"change", reference_changes<Real>(p, b)}};
      });
      const std::vector<float> actual = changes_of(results, p, b);
      check_allowed(actual, expected[0], fmt::format("{} words, {} permutations: ", words[b], permutations));
      CHECK(results.median[b] == static_cast<float>(median_of(as_double(actual))));
    }
  }
}

TEST_CASE("attention permutation: one word, equal weights and equal contributions change nothing") {
  AttentionPermutationInputs p = no_texts();
  p.add(1, {1}, {2.5F});
  p.add(2, {0.25F, 0.25F, 0.25F, 0.25F}, {1, -2, 3, 0.5F});
  p.add(3, {0.5F, 0.25F, 0.25F}, {1, 1, 1});
  const Results results = run(test_device(), p);
  for (const float change : changes_of(results, p, 0)) CHECK(change == 0);
  for (const float change : changes_of(results, p, 1)) CHECK(change == 0);
  for (const float change : changes_of(results, p, 2)) CHECK(change < 1e-6F);
  CHECK(results.median[0] == 0);
  CHECK(results.median[1] == 0);
}

TEST_CASE("attention permutation: of two words an arrangement is the given one or the other") {
  // logit = 0.75 * 4 = 3, or 0.25 * 4 = 1 with the weights exchanged.
  const auto exchanged = static_cast<float>(sigmoid(3.0) - sigmoid(1.0));
  std::map<int, int> kinds;  // sign of (exchanges - 50): texts
  AttentionPermutationInputs p = no_texts();
  p.output_bias = {0};
  for (uint32_t key = 0; key < 100; ++key) p.add(key, {0.75F, 0.25F}, {4, 0});
  const Results results = run(test_device(), p);
  for (size_t b = 0; b < p.keys.size(); ++b) {
    int exchanges = 0;
    for (int32_t r = 0; r < p.permutations; ++r) {
      const float change = results.change[b * 100 + static_cast<size_t>(r)];
      const bool other = arrangement(p.seed, p.keys[b], r, 2)[0] == 1;
      CHECK(std::abs(change - (other ? exchanged : 0)) <= (other ? 2e-7F : 0));
      exchanges += other;
    }
    CHECK((exchanges > 25 && exchanges < 75));  // five standard deviations
    const float median = exchanges > 50 ? exchanged : exchanges < 50 ? 0 : exchanged / 2;
    CHECK(std::abs(results.median[b] - median) <= (median == 0 ? 0 : 2e-7F));
    ++kinds[exchanges > 50 ? 1 : exchanges < 50 ? -1 : 0];
  }
  CHECK(kinds.size() == 3);  // the mean of two middle values among them
}

TEST_CASE("attention permutation: arrangements are uniform") {
  std::map<std::vector<size_t>, int> counts;
  constexpr int kDraws = 24000;
  for (int32_t r = 0; r < kDraws; ++r) ++counts[arrangement(7, 11, r, 4)];
  REQUIRE(counts.size() == 24);
  double chi_squared = 0;
  for (const auto& [places, count] : counts) chi_squared += (count - 1000.0) * (count - 1000.0) / 1000;
  CHECK(chi_squared < 49.7);  // 23 degrees of freedom, p = 0.001
}

TEST_CASE("attention permutation: a deal is what Random's numbers say, and the rank of equal values is their order") {
  const std::vector<float> weights = {10, 11, 12, 13, 14, 15, 16};
  std::vector<float> dealt(3 * weights.size());
  deal({kSeed, 5, static_cast<uint32_t>(Purpose::permutation), 77}, weights.data(), 7, dealt.data(), 3);
  const auto places = arrangement(kSeed, 77, 5, 7);
  for (size_t n = 0; n < 7; ++n) CHECK(dealt[3 * n] == weights[places[n]]);
  const std::vector<float> values = {2, 1, 2, 0};
  std::vector<int32_t> ranks;
  for (int32_t i = 0; i < 4; ++i) ranks.push_back(rank_of(values.data(), 4, i));
  CHECK(ranks == std::vector<int32_t>{2, 1, 3, 0});
}

TEST_CASE("attention permutation: a text has the same bytes in any batch, which depend only on key and seed") {
  AttentionPermutationInputs together = no_texts();
  const std::vector<int32_t> words = {20, 3, 120, 1, 9};
  for (size_t b = 0; b < words.size(); ++b) together.add_random(90 + b, words[b]);
  const Results batch = run(test_device(), together);
  for (const size_t b : {0, 2, 4}) {
    AttentionPermutationInputs alone = no_texts();
    alone.add_random(90 + b, words[b]);
    const Results one = run(test_device(), alone);
    check_same_bytes(one.change, changes_of(batch, together, b), "change");
    check_same_bytes<float>(one.median, {batch.median[b]}, "median");
    alone.keys = {17};
    CHECK(run(test_device(), alone).change != one.change);
    alone.keys = {together.keys[b]};
    alone.seed += uint64_t{1} << 32;
    CHECK(run(test_device(), alone).change != one.change);
  }
  Device device = test_device();
  for (const int threads : {1, 3}) {
    device.threads = threads;
    check_same_bytes(run(device, together).change, batch.change, "other threads");
  }
}

TEST_CASE("attention permutation: NaN in a text comes out as NaN there and nowhere else") {
  AttentionPermutationInputs sound = no_texts();
  for (const uint32_t key : {1, 2, 3}) sound.add_random(key, 6);
  const Results expected = run(test_device(), sound);
  AttentionPermutationInputs p = sound;
  p.contributions[p.offsets[1] + 2] = std::numeric_limits<float>::quiet_NaN();
  const Results results = run(test_device(), p);
  CHECK(std::isnan(results.median[1]));
  for (const size_t b : {0, 2}) check_same_bytes(changes_of(results, p, b), changes_of(expected, p, b), "a neighbour");
}

}  // namespace notnot
