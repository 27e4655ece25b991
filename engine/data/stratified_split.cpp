#include "engine/data/stratified_split.h"

#include <cmath>
#include <utility>

#include "engine/data/text_order.h"
#include "engine/io/input_error.h"
#include "engine/math/random.h"

namespace notnot {

void split_stratified(std::vector<LabelledText>& texts, const SplitRequest& request) {
  if (!(request.dev >= 0 && request.test >= 0 && request.dev + request.test < 1)) {
    throw InputError(
        fmt::format("{} of the texts for dev and {} for test; both must be at least 0 and their sum below 1",
                    request.dev, request.test));
  }
  const std::vector<size_t> order = order_by_content(texts);
  for (const int32_t label : {0, 1}) {
    std::vector<size_t> members;
    for (const size_t i : order) {
      if (texts[i].label == label) members.push_back(i);
    }
    const Random random(request.seed, Purpose::split, label);
    for (size_t i = members.size(); i-- > 1;) {
      std::swap(members[i], members[random.integer(i, 0, i)]);
    }
    const auto count = static_cast<double>(members.size());
    const auto test = static_cast<size_t>(std::lround(request.test * count));
    const auto dev = static_cast<size_t>(std::lround(request.dev * count));
    for (size_t i = 0; i < members.size(); ++i) {
      texts[members[i]].split = i < test ? SplitName::test : i < test + dev ? SplitName::dev : SplitName::train;
    }
  }
}

}  // namespace notnot
