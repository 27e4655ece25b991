#include "bench/made_up_texts.h"

#include <algorithm>
#include <cmath>

#include "engine/math/random.h"

namespace notnot::bench {

Split make_texts(const TextShape& shape, int32_t texts) {
  NOTNOT_CHECK(shape.vocabulary > kFirstWordId, "a vocabulary of {} has no word", shape.vocabulary);
  const Random random(1, Purpose::test_data);
  Split split;
  uint64_t drawn = 0;
  for (int32_t i = 0; i < texts; ++i) {
    const double logarithm = shape.spread * random.normal(drawn++) - shape.spread * shape.spread / 2;
    const int32_t words = std::clamp(static_cast<int32_t>(shape.mean * std::exp(logarithm)), 1, shape.longest);
    split.token_ids.push_back(kStartId);
    for (int32_t n = 0; n < words; ++n) {
      const double rank = std::pow(shape.vocabulary - kFirstWordId, random.uniform(drawn++, 0, 1));
      split.token_ids.push_back(std::min(kFirstWordId - 1 + static_cast<int32_t>(rank), shape.vocabulary - 1));
    }
    split.token_ids.push_back(kEndId);
    split.offsets.push_back(split.token_ids.size());
    split.labels.push_back(i % 2);
    split.rows.push_back(i + 1);
  }
  return split;
}

}  // namespace notnot::bench
