#include "experiments/format/numbers.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

#include "engine/math/statistics.h"

namespace notnot {

std::string with_thousands(int64_t number) {
  std::string digits = fmt::format("{}", number);
  for (auto at = std::ssize(digits) - 3; at > (number < 0 ? 1 : 0); at -= 3) digits.insert(at, 1, ',');
  return digits;
}

std::string joined_with_and(const std::vector<std::string>& items) {
  if (items.size() < 2) return items.empty() ? "" : items.front();
  return fmt::format("{} and {}", fmt::join(items.begin(), items.end() - 1, ", "), items.back());
}

std::string clock_time(double seconds) {
  const int64_t total = std::llround(seconds);
  return total < 3600 ? fmt::format("{}:{:02}", total / 60, total % 60)
                      : fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
}

std::string three_decimals(double value) {
  if (std::isnan(value)) return "-";
  const std::string digits = fmt::format("{:.3f}", value);
  return digits == "-0.000" ? "0.000" : digits;
}

std::string signed_three_decimals(double value) {
  std::string digits = three_decimals(std::fabs(value));
  if (digits == "-" || digits == "0.000") return digits;
  return (value < 0 ? "-" : "+") + digits;
}

std::string mean_and_spread(const std::vector<double>& values) {
  if (values.size() < 2) return three_decimals(mean(values));
  return three_decimals(mean(values)) + " \u00b1 " + three_decimals(standard_deviation(values));
}

}  // namespace notnot
