#include "engine/io/tab_quotes.h"

#include <algorithm>
#include <string>
#include <vector>

#include "engine/io/csv_parser.h"
#include "engine/io/delimited.h"
#include "engine/io/input_error.h"

namespace notnot {
namespace {

/// The fields of the lines that have any, without byte order marks and line ends.
void for_each_line(std::string_view table, const std::function<void(const Record&)>& handle) {
  DelimitedReader reader("", {.delimiter = '\t', .quotes = false, .lossy = true});
  reader.read(table, [&handle](Record&& record) { handle(record); });
}

/// Whether the quotes are in right places and all records have as many fields as the header.
bool is_consistent(std::string_view table, bool quotes) {
  DelimitedReader reader("", {.delimiter = '\t', .quotes = quotes, .lossy = true});
  size_t fields = 0;
  bool consistent = true;
  try {
    reader.read(table, [&](Record&& record) {
      if (fields == 0) fields = record.size();
      consistent = consistent && record.size() == fields;
    });
  } catch (const InputError&) {
    return false;
  }
  return consistent;
}

/// What a field means by the rules.
struct Quoted {
  bool around = false;    ///< it has quotes around it
  bool in_rule = true;    ///< they are closed at the field's end, and all quotes between them are doubled
  bool inside = false;    ///< a quote is in it
  bool or_comma = false;  ///< a quote or a comma is in it
};

Quoted look_at(std::string_view field) {
  Quoted look;
  look.around = field.starts_with('"');
  if (look.around) {
    look.in_rule = field.size() > 1 && field.ends_with('"');
    field = field.substr(1, look.in_rule ? field.size() - 2 : field.npos);
    for (size_t quote = field.find('"'); quote != field.npos; quote = field.find('"', quote + 2))
      look.in_rule = look.in_rule && field.substr(quote + 1).starts_with('"');
  }
  look.inside = field.find('"') != field.npos;
  look.or_comma = look.inside || field.find(',') != field.npos;
  return look;
}

/// Whether one rule tells which fields have quotes around them, and every record is a line.
bool is_explained(std::string_view table) {
  bool header = true, in_rule = true, needed = true, needed_by_excel = true;
  std::vector<size_t> with_quotes;  // by column, the header left out
  size_t records = 0;
  for_each_line(table, [&](const Record& record) {
    with_quotes.resize(std::max(with_quotes.size(), record.size()));
    records += !header;
    for (size_t i = 0; i < record.size(); ++i) {
      const Quoted look = look_at(record[i]);
      in_rule = in_rule && look.in_rule;
      needed = needed && look.around == look.inside;
      needed_by_excel = needed_by_excel && look.around == look.or_comma;
      with_quotes[i] += !header && look.around;
    }
    header = false;
  });
  const bool whole_columns =
      std::all_of(with_quotes.begin(), with_quotes.end(), [&](size_t count) { return count == 0 || count == records; });
  return in_rule && (needed || needed_by_excel || whole_columns);
}

}  // namespace

bool quotes_have_rules(std::string_view table) {
  bool any = false;
  for_each_line(table, [&any](const Record& record) {
    any = any || std::any_of(record.begin(), record.end(), [](const std::string& f) { return f.starts_with('"'); });
  });
  if (!any || !is_consistent(table, true)) return false;
  return !is_consistent(table, false) || is_explained(table);
}

}  // namespace notnot
