#pragma once
// What dataset.json of a prepared data set (prepared.h) must say, and of which type and size it is.
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace notnot {

/// "`splits/train/tokens` is missing" or "`splits/train/tokens` is -1, not a whole number from 0 to ..." about the
/// first fact that is not as PreparedWriter writes it; empty if all are. So whoever reads a fact later finds it, and
/// sums of counts do not overflow.
std::string fault_of_description(const nlohmann::json& description);

}  // namespace notnot
