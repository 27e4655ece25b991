#include "engine/math/random.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <set>
#include <vector>

namespace notnot {
namespace {

using Words = std::array<uint32_t, 4>;

TEST_CASE("Philox4x32-10 gives the known answers of the Random123 distribution") {
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  constexpr uint32_t kOnes = 0xffffffff;
  CHECK(philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}) ==
        Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a number is a function of seed, purpose, stream and index") {
  const Random random(7, Purpose::jitter, 3);
  CHECK(random.bits(5) == philox4x32({1, 0, static_cast<uint32_t>(Purpose::jitter), 3}, {7, 0})[1]);
  CHECK(random.bits(5) == Random(7, Purpose::jitter, 3).bits(5));
  const std::set<uint32_t> others = {random.bits(5),
                                     random.bits(6),
                                     random.bits(5 + (uint64_t{1} << 34)),
                                     Random(8, Purpose::jitter, 3).bits(5),
                                     Random(7 + (uint64_t{1} << 32), Purpose::jitter, 3).bits(5),
                                     Random(7, Purpose::shuffle, 3).bits(5),
                                     Random(7, Purpose::jitter, 4).bits(5)};
  CHECK(others.size() == 7);
}

constexpr uint64_t kDraws = 1'000'000;

TEST_CASE("uniform stays in [low, high) and fills it evenly") {
  const Random random(11, Purpose::test_data);
  std::array<int, 20> bins{};
  double sum = 0, squares = 0;
  for (uint64_t i = 0; i < kDraws; ++i) {
    const float value = random.uniform(i, -0.25F, 0.75F);
    REQUIRE((value >= -0.25F && value < 0.75F));
    ++bins[(value + 0.25F) * 20];
    sum += value;
    squares += (value - 0.25) * (value - 0.25);
  }
  const auto n = static_cast<double>(kDraws);
  CHECK(std::fabs(sum / n - 0.25) < 5 * std::sqrt(1.0 / 12 / n));
  CHECK(std::fabs(squares / n - 1.0 / 12) < 5 * std::sqrt(1.0 / 180 / n));
  double chi_squared = 0;
  for (const int count : bins) chi_squared += (count - n / 20) * (count - n / 20) / (n / 20);
  CHECK(chi_squared < 43.8);  // 19 degrees of freedom, p = 0.001
}

TEST_CASE("uniform never reaches its upper bound, even where float has no number between") {
  const Random random(12, Purpose::test_data);
  const float high = std::nextafterf(1.0F, 2.0F);
  for (uint64_t i = 0; i < 1000; ++i) CHECK(random.uniform(i, 1.0F, high) == 1.0F);
}

TEST_CASE("normal has the moments of N(0, 1), and neighbours are uncorrelated") {
  const Random random(13, Purpose::test_data);
  double sum = 0, squares = 0, cubes = 0, fourths = 0, neighbours = 0, previous = 0;
  int beyond_two = 0;
  for (uint64_t i = 0; i < kDraws; ++i) {
    const double value = random.normal(i);
    REQUIRE(std::isfinite(value));
    sum += value;
    squares += value * value;
    cubes += value * value * value;
    fourths += value * value * value * value;
    neighbours += value * previous;
    beyond_two += std::fabs(value) > 2;
    previous = value;
  }
  // Five standard errors of each: the variances are 1, 2, 15, 96, 1 and p (1 - p).
  const auto n = static_cast<double>(kDraws);
  CHECK(std::fabs(sum / n) < 5 / std::sqrt(n));
  CHECK(std::fabs(squares / n - 1) < 5 * std::sqrt(2 / n));
  CHECK(std::fabs(cubes / n) < 5 * std::sqrt(15 / n));
  CHECK(std::fabs(fourths / n - 3) < 5 * std::sqrt(96 / n));
  CHECK(std::fabs(neighbours / n) < 5 / std::sqrt(n));
  const double p = std::erfc(std::sqrt(2.0));
  CHECK(std::fabs(beyond_two / n - p) < 5 * std::sqrt(p * (1 - p) / n));
}

TEST_CASE("integer includes both bounds and is uniform") {
  const Random random(14, Purpose::test_data);
  std::vector<int> count(7, 0);
  for (uint64_t i = 0; i < kDraws; ++i) {
    const int64_t value = random.integer(i, -3, 3);
    REQUIRE((value >= -3 && value <= 3));
    ++count[value + 3];
  }
  const double expected = static_cast<double>(kDraws) / 7;
  double chi_squared = 0;
  for (const int c : count) chi_squared += (c - expected) * (c - expected) / expected;
  CHECK(chi_squared < 22.5);  // 6 degrees of freedom, p = 0.001
  CHECK(random.integer(0, 5, 5) == 5);
}

TEST_CASE("integer spans the widest range it allows") {
  const Random random(15, Purpose::test_data);
  constexpr int64_t kLow = -(int64_t{1} << 31), kHigh = (int64_t{1} << 31) - 1;
  for (uint64_t i = 0; i < 1000; ++i) CHECK(random.integer(i, kLow, kHigh) == kLow + random.bits(i));
}

TEST_CASE("the numbers of a stream are those of a second implementation") {
  // Philox4x32-10 in Python's whole numbers: key = seed, counter = (block, purpose, stream). Then, as random.h says,
  // uniform: the upper 24 bits; normal: Box-Muller of a pair; integer: the upper half of bits * width.
  constexpr uint64_t kSeed = (uint64_t{1} << 40) + 10;
  struct Case {
    uint64_t index;
    double uniform, normal;
    int64_t integer;
  };
  for (const Case& c :
       {Case{0, -0.3858540654182434, 0.16353020071983337, 60}, Case{1, -0.034218668937683105, 1.2109378576278687, 29},
        Case{2, 0.17844438552856445, 2.2329728603363037, 92}, Case{5, -0.4875660836696625, 0.6048762798309326, 38},
        Case{(uint64_t{1} << 34) + 3, -0.31847018003463745, -0.40533649921417236, 43}}) {
    CAPTURE(c.index);
    CHECK(Random(kSeed, Purpose::initialisation, 7).uniform(c.index, -0.5F, 0.25F) == c.uniform);
    // The logarithm and the sine of another library may differ in double's last digits, which float seldom keeps.
    CHECK(std::fabs(Random(kSeed, Purpose::embedding).normal(c.index) - c.normal) < 5e-7);
    CHECK(Random(kSeed, Purpose::shuffle, 3).integer(c.index, -2, 100) == c.integer);
  }
}

TEST_CASE("every purpose has the number that older runs were made with") {
  // A run that is resumed, or repeated by a newer version, must draw the same numbers.
  const std::vector<Purpose> in_order = {Purpose::initialisation,  Purpose::embedding,       Purpose::jitter,
                                         Purpose::shuffle,         Purpose::planted_corpus,  Purpose::test_data,
                                         Purpose::split,           Purpose::missing_vectors, Purpose::permutation,
                                         Purpose::adversary_start, Purpose::bootstrap,       Purpose::ties,
                                         Purpose::ablation};
  for (uint32_t i = 0; i < in_order.size(); ++i) {
    CHECK(static_cast<uint32_t>(in_order[i]) == i + 1);
    CHECK(Random(7, in_order[i], 3).bits(5) == philox4x32({1, 0, i + 1, 3}, {7, 0})[1]);  // of no other purpose
  }
}

}  // namespace
}  // namespace notnot
