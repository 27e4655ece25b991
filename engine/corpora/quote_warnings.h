#pragma once
// Finds quotes that were read in a way that the writer of a table may not have meant, though nothing is wrong with the
// form of the table.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/io/csv_parser.h"

namespace notnot {

/// Finds lines of quoted fields that look like records. Where two quotes are never closed, the first one opens a field
/// that ends at the second one: what stands between is no record any more.
class SwallowedRecords {
 public:
  using IsRecord = std::function<bool(const Record&)>;

  /// `is_record` says whether fields could be a record; `telling` are the columns that it looks into.
  SwallowedRecords(char delimiter, std::vector<size_t> telling, IsRecord is_record);

  /// Takes the records of the table in their order; the first has the number 1.
  void look(const Record& record, int64_t number);

  /// A sentence with the count and the first record; empty if there are none.
  std::string warning() const;

 private:
  bool holds_record(const Record& record, size_t place) const;

  char delimiter_;
  std::vector<size_t> telling_;
  IsRecord is_record_;
  int64_t count_ = 0, first_ = 0;
};

/// Finds quotes around the texts of a table whose quotes have no rules (engine/io/tab_quotes.h), so that they are part
/// of the texts.
class KeptQuotes {
 public:
  void look(std::string_view text, int64_t number);

  /// A sentence if a backslash stands before a quote in a text that begins with one, or if at least nine of ten texts
  /// begin and end with a quote; otherwise empty.
  std::string warning() const;

 private:
  int64_t texts_ = 0, around_ = 0, escaped_ = 0, first_ = 0;
};

}  // namespace notnot
