#include "engine/data/text_order.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <tuple>

namespace notnot {

std::vector<int32_t> places_by_content(const Split& split) {
  const auto ids = [&](int32_t text) {
    return std::span(split.token_ids.begin() + split.offsets[text], split.token_ids.begin() + split.offsets[text + 1]);
  };
  std::vector<int32_t> order(split.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    const auto difference =
        std::lexicographical_compare_three_way(ids(a).begin(), ids(a).end(), ids(b).begin(), ids(b).end());
    return difference != 0 ? difference < 0 : std::pair(split.labels[a], a) < std::pair(split.labels[b], b);
  });
  std::vector<int32_t> places(order.size());
  for (size_t place = 0; place < order.size(); ++place) places[order[place]] = static_cast<int32_t>(place);
  return places;
}

std::vector<size_t> order_by_content(const std::vector<LabelledText>& texts) {
  std::vector<size_t> order(texts.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::tie(texts[a].words, texts[a].label, a) < std::tie(texts[b].words, texts[b].label, b);
  });
  return order;
}

uint64_t hash_of_content(std::span<const std::byte> bytes) {
  uint64_t hash = 14695981039346656037U;
  for (const std::byte byte : bytes) hash = (hash ^ std::to_integer<uint64_t>(byte)) * 1099511628211U;
  return hash;
}

}  // namespace notnot
