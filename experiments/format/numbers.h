#pragma once
// Numbers and lists as words of a sentence or cells of a table.
#include <cstdint>
#include <string>
#include <vector>

namespace notnot {

/// 1234567 as "1,234,567".
std::string with_thousands(int64_t number);

/// `items` with commas and a last "and": "a, b and c". Empty for no items.
std::string joined_with_and(const std::vector<std::string>& items);

/// A time of at least 0 seconds, rounded to a second, as a clock shows it: "1:05", or "2:01:05" from an hour on.
std::string clock_time(double seconds);

/// Number with three decimals; "-" for NaN, which stands for an undefined or missing measure.
std::string three_decimals(double value);
/// "+0.013" or "-0.013"; "0.000" where that is what it rounds to.
std::string signed_three_decimals(double value);
/// Mean and sample standard deviation, "0.823 ± 0.004"; for a single value the value only.
std::string mean_and_spread(const std::vector<double>& values);

}  // namespace notnot
