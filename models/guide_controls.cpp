#include "models/guide_controls.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "engine/data/text_order.h"
#include "engine/math/random.h"

namespace notnot {
namespace {

/// The places of a text's words in the split's tokens: those between its boundary tokens.
std::pair<int64_t, int64_t> words_of(const Split& split, int32_t text) {
  return {split.offsets[text] + 1, split.offsets[text + 1] - 1};
}

uint32_t key_of(const Split& split, int32_t text) {
  const auto [begin, end] = words_of(split, text);
  const std::span ids = std::span<const int32_t>(split.token_ids).subspan(begin, end - begin);
  return static_cast<uint32_t>(hash_of_content(std::as_bytes(ids)) >> 32);
}

}  // namespace

std::vector<float> permuted_within_texts(const std::vector<float>& log_attention, const Split& split, uint64_t seed) {
  std::vector<float> result = log_attention;
  for (int32_t text = 0; text < split.size(); ++text) {
    const auto [begin, end] = words_of(split, text);
    const Random random(seed, Purpose::guide_control, key_of(split, text));
    for (int64_t last = end - begin - 1; last > 0; --last) {
      std::swap(result[begin + last], result[begin + random.integer(last, 0, last)]);
    }
  }
  return result;
}

std::vector<float> equal_within_texts(const Split& split) {
  std::vector<float> result(split.token_ids.size(), -std::numeric_limits<float>::infinity());
  for (int32_t text = 0; text < split.size(); ++text) {
    const auto [begin, end] = words_of(split, text);
    std::fill(result.begin() + begin, result.begin() + end, -std::log(static_cast<float>(end - begin)));
  }
  return result;
}

}  // namespace notnot
