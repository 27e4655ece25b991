#include "engine/corpora/quote_warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/io/text.h"

namespace notnot {
namespace {

std::vector<std::string> split_at(std::string_view text, char separator) {
  std::vector<std::string> pieces;
  for (;;) {
    const size_t end = text.find(separator);
    pieces.emplace_back(text.substr(0, end));
    if (end == text.npos) return pieces;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

SwallowedRecords::SwallowedRecords(char delimiter, std::vector<size_t> telling, IsRecord is_record)
    : delimiter_(delimiter), telling_(std::move(telling)), is_record_(std::move(is_record)) {}

void SwallowedRecords::look(const Record& record, int64_t number) {
  for (size_t place = 0; place < record.size(); ++place) {
    if (!holds_record(record, place)) continue;
    if (count_++ == 0) first_ = number;
    return;
  }
}

std::string SwallowedRecords::warning() const {
  if (count_ == 0) return "";
  return fmt::format(
      "{} records have a line in quotes that looks like a record of its own, the first is record {}: where a quote is "
      "never closed, several records become one; double such quotes, or remove them",
      count_, first_);
}

/// Whether a line of the field at `place` is a record, or the first and the last one are, each with the fields that
/// stand beside it. These fields are right anyway, so a telling one must come from the field.
bool SwallowedRecords::holds_record(const Record& record, size_t place) const {
  if (record[place].find('\n') == std::string::npos) return false;
  std::vector<Record> lines;
  for (const std::string& line : split_at(record[place], '\n')) lines.push_back(split_at(line, delimiter_));
  if (std::any_of(lines.begin(), lines.end(), is_record_)) return true;
  const size_t first_end = place + lines.front().size(), last_end = lines.back().size();
  const auto comes_from_field = [&](size_t column) {
    return column != place && (column < last_end || (column > place && column < first_end));
  };
  if (std::none_of(telling_.begin(), telling_.end(), comes_from_field)) return false;
  const auto here = record.begin() + static_cast<std::ptrdiff_t>(place);
  Record first(record.begin(), here), last = lines.back();
  first.insert(first.end(), lines.front().begin(), lines.front().end());
  last.insert(last.end(), here + 1, record.end());
  return is_record_(first) && is_record_(last);
}

void KeptQuotes::look(std::string_view text, int64_t number) {
  ++texts_;
  text = without_blanks_around(text);
  if (!text.starts_with('"') || text.size() == 1) return;
  if (text.ends_with('"')) ++around_;
  if (text.find("\\\"") == text.npos) return;
  if (escaped_++ == 0) first_ = number;
}

std::string KeptQuotes::warning() const {
  if (escaped_ > 0) {
    return fmt::format(
        "{} texts that begin with a double quote have \\\" within, the first is record {}: R and Spark write quotes "
        "so, but notnot knows only doubled ones, and took all quotes for a part of the texts; write the file with "
        "qmethod = \"double\" (R) or escape='\"' (Spark)",
        escaped_, first_);
  }
  if (around_ == 0 || 10 * around_ < 9 * texts_) return "";
  return fmt::format(
      "{} of {} texts begin and end with a double quote, which was taken for a part of the text, because some quote in "
      "the file breaks the rules of CSV: double the quotes within texts, or remove those around them",
      around_, texts_);
}

}  // namespace notnot
