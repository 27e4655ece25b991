#include "engine/math/random.h"

#include <cmath>
#include <numbers>

#include "kernels/base/philox.h"

namespace notnot {

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  const PhiloxWords words =
      philox({counter[0], counter[1], counter[2], counter[3]}, uint64_t{key[1]} << 32 | uint64_t{key[0]});
  return {words.x, words.y, words.z, words.w};
}

uint32_t Random::bits(uint64_t index) const {
  const uint64_t block = index / 4;
  const auto words = philox4x32(
      {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), static_cast<uint32_t>(purpose_), stream_},
      {static_cast<uint32_t>(seed_), static_cast<uint32_t>(seed_ >> 32)});
  return words[index % 4];
}

float Random::uniform(uint64_t index, float low, float high) const {
  // 24 bits: every value k / 2^24 is exact in float, so the result never rounds up to `high` before scaling.
  const double unit = static_cast<double>(bits(index) >> 8) * 0x1p-24;
  const auto value = static_cast<float>(low + (static_cast<double>(high) - low) * unit);
  return value < high ? value : std::nextafterf(high, low);
}

float Random::normal(uint64_t index) const {
  // Numbers 2k and 2k+1 are the two halves of one Box-Muller pair; (bits + 0.5) keeps the logarithm finite.
  const uint64_t pair = index / 2;
  const double radius = std::sqrt(-2.0 * std::log((bits(2 * pair) + 0.5) * 0x1p-32));
  const double angle = 2.0 * std::numbers::pi * (bits(2 * pair + 1) * 0x1p-32);
  return static_cast<float>(radius * (index % 2 == 0 ? std::cos(angle) : std::sin(angle)));
}

int64_t Random::integer(uint64_t index, int64_t low, int64_t high) const {
  // Multiply-shift; its bias is below (high - low) / 2^32, far under what any use here could notice.
  const auto width = static_cast<uint64_t>(high - low) + 1;
  return low + static_cast<int64_t>((uint64_t{bits(index)} * width) >> 32);
}

}  // namespace notnot
