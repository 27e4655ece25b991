#pragma once
// The words of the planted corpus. All but the negator are the name of a group and a number: `praise7`, `word12`.
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace notnot {

/// Groups that speak for a class, by that class.
using PlantedGroups = std::array<std::string_view, 2>;
inline constexpr PlantedGroups kPlantedEvidence = {"blame", "praise"};
inline constexpr PlantedGroups kPlantedPartner = {"deny", "agree"};  ///< the second half of a conjunction
inline constexpr PlantedGroups kPlantedCue = {"rainy", "sunny"};     ///< spurious
/// Words that say nothing.
inline constexpr std::string_view kPlantedDistractor = "chatter", kPlantedFiller = "word";
inline constexpr int32_t kPlantedFillers = 400;
inline constexpr std::string_view kPlantedNegator = "not";

struct PlantedWord {
  int32_t label;   ///< the class that the word's group speaks for
  int32_t number;  ///< within its group
};
/// The word as one of these two groups; nothing if it is of neither.
std::optional<PlantedWord> planted_word(const PlantedGroups& groups, std::string_view word);

}  // namespace notnot
