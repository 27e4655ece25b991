#include "engine/data/stratified_split.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "engine/data/text_order.h"
#include "engine/io/input_error.h"
#include "engine/math/random.h"

namespace notnot {
namespace {

/// Texts that go to one split together, in the order of their content: those of a group, or one text without a group.
using Unit = std::vector<size_t>;

/// Ordered by their first texts.
std::vector<Unit> units_of(const std::vector<LabelledText>& texts) {
  std::vector<Unit> units;
  std::unordered_map<int64_t, size_t> of_group;
  for (const size_t i : order_by_content(texts)) {
    const int64_t group = texts[i].group;
    const auto known = group == 0 ? of_group.end() : of_group.find(group);
    if (known != of_group.end()) {
      units[known->second].push_back(i);
    } else {
      if (group != 0) of_group.emplace(group, units.size());
      units.push_back({i});
    }
  }
  return units;
}

/// The label of most of its texts; of as many of both, that of the first text.
int32_t label_of(const Unit& unit, const std::vector<LabelledText>& texts) {
  const auto positive = std::count_if(unit.begin(), unit.end(), [&](size_t i) { return texts[i].label == 1; });
  const auto negative = static_cast<int64_t>(unit.size()) - positive;
  return positive == negative ? texts[unit.front()].label : positive > negative ? 1 : 0;
}

}  // namespace

void split_stratified(std::vector<LabelledText>& texts, const SplitRequest& request) {
  if (!(request.dev >= 0 && request.test >= 0 && request.dev + request.test < 1)) {
    throw InputError(
        fmt::format("{} of the texts for dev and {} for test; both must be at least 0 and their sum below 1",
                    request.dev, request.test));
  }
  const std::vector<Unit> units = units_of(texts);
  for (const int32_t label : {0, 1}) {
    std::vector<const Unit*> members;
    int64_t count = 0;
    for (const Unit& unit : units) {
      if (label_of(unit, texts) != label) continue;
      members.push_back(&unit);
      count += static_cast<int64_t>(unit.size());
    }
    const Random random(request.seed, Purpose::split, label);
    for (size_t i = members.size(); i-- > 1;) {
      std::swap(members[i], members[random.integer(i, 0, i)]);
    }
    const int64_t test = std::lround(request.test * static_cast<double>(count));
    const int64_t dev = std::lround(request.dev * static_cast<double>(count));
    int64_t dealt = 0;
    for (const Unit* unit : members) {
      const SplitName split = dealt < test ? SplitName::test : dealt < test + dev ? SplitName::dev : SplitName::train;
      for (const size_t i : *unit) texts[i].split = split;
      dealt += static_cast<int64_t>(unit->size());
    }
  }
}

}  // namespace notnot
