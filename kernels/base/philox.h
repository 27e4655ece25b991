#pragma once
// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) for host and device: four
// random words as a pure function of a counter and a key.
#include "kernels/base/span.h"

namespace notnot {

struct PhiloxWords {
  uint32_t x, y, z, w;
};

/// The bijection of 10 rounds. The key is a 64-bit seed, its low half first.
NOTNOT_HD PhiloxWords philox(PhiloxWords counter, uint64_t seed) {
  auto key_low = static_cast<uint32_t>(seed), key_high = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xD2511F53} * counter.x;
    const uint64_t product1 = uint64_t{0xCD9E8D57} * counter.z;
    counter = {static_cast<uint32_t>(product1 >> 32) ^ counter.y ^ key_low, static_cast<uint32_t>(product1),
               static_cast<uint32_t>(product0 >> 32) ^ counter.w ^ key_high, static_cast<uint32_t>(product0)};
    key_low += 0x9E3779B9;
    key_high += 0xBB67AE85;
  }
  return counter;
}

}  // namespace notnot
