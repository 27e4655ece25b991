#include "engine/corpora/planted_words.h"

#include <string>

namespace notnot {

std::optional<PlantedWord> planted_word(const PlantedGroups& groups, std::string_view word) {
  for (const int32_t label : {0, 1}) {
    if (!word.starts_with(groups[label])) continue;
    const std::string_view digits = word.substr(groups[label].size());
    // Nine digits are at most 999,999,999.
    if (digits.empty() || digits.size() > 9 || digits.find_first_not_of("0123456789") != digits.npos) continue;
    return PlantedWord{label, std::stoi(std::string(digits))};
  }
  return std::nullopt;
}

}  // namespace notnot
