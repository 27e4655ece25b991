#include "engine/io/tab_quotes.h"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "engine/io/delimited.h"
#include "engine/io/input_error.h"
#include "engine/io/text.h"

namespace notnot {
namespace {

/// `text` up to the next `end`, which are both removed from it.
std::string_view take_until(std::string_view& text, char end) {
  const std::string_view taken = text.substr(0, text.find(end));
  text.remove_prefix(std::min(taken.size() + 1, text.size()));
  return taken;
}

using Fields = std::vector<std::string_view>;

/// The fields of the lines that have any, without byte order marks and line ends. Carriage returns within a line stay:
/// DelimitedReader would make blanks of them, and then nothing would say why a field has quotes around it.
void for_each_line(std::string_view table, const std::function<void(const Fields&)>& handle) {
  Fields fields;
  while (!table.empty()) {
    const std::string line = without_byte_order_marks(take_until(table, '\n'));
    std::string_view rest = line;
    if (rest.ends_with('\r')) rest.remove_suffix(1);
    if (rest.find_first_not_of(' ') == rest.npos) continue;
    fields.clear();
    for (bool more = true; more;) {
      more = rest.find('\t') != rest.npos;
      fields.push_back(without_blanks_around(take_until(rest, '\t')));
    }
    handle(fields);
  }
}

/// Whether the quotes are in right places and all records have as many fields as the header; by the rules of quotes
/// also if all have one more, R's row names, of which the reader of the table complains.
bool is_consistent(std::string_view table, bool quotes) {
  DelimitedReader reader("", {.delimiter = '\t', .quotes = quotes, .lossy = true});
  size_t header = 0, fields = 0;
  bool consistent = true;
  try {
    reader.read(table, [&](Record&& record) {
      size_t& expected = header == 0 ? header : fields;
      if (expected == 0) expected = record.size();
      consistent = consistent && record.size() == expected;
    });
  } catch (const InputError&) {
    return false;
  }
  return consistent && (fields == 0 || fields == header || (quotes && fields == header + 1));
}

/// What a field means by the rules.
struct Quoted {
  bool around = false;   ///< it has quotes around it
  bool in_rule = true;   ///< they are closed at the field's end, and all quotes between them are doubled
  bool missing = false;  ///< nothing is in it, or R's NA: writers of whole columns may leave its quotes out
  bool empty = false;    ///< nothing is in it
  bool quote = false;    ///< a quote is in it
  bool comma = false;    ///< a comma is in it
  bool carriage_return = false;

  /// Whether it has quotes around it if and only if it is `needed`. With a carriage return it may have them: Python's
  /// csv writes them, pandas does not. So may an empty one: polars and DuckDB tell an empty text from none so.
  bool follows(bool needed) const { return around ? needed || carriage_return || empty : !needed; }
};

/// How many fields of a column have something in them, and how many of these have quotes around them.
struct ColumnCount {
  size_t filled = 0, quoted = 0;
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
  look.empty = field.empty();
  look.missing = look.empty || field == "NA";
  look.quote = field.find('"') != field.npos;
  look.comma = field.find(',') != field.npos;
  look.carriage_return = field.find('\r') != field.npos;
  return look;
}

/// Whether every record is a line, and quotes in it are doubled, or one rule tells which fields have some around them.
/// The caller has seen that no quote breaks the rules.
bool is_explained(std::string_view table) {
  bool header = true, in_rule = true, doubled = false, needed = true, needed_by_excel = true;
  std::vector<ColumnCount> columns;  // the header left out
  for_each_line(table, [&](const Fields& fields) {
    columns.resize(std::max(columns.size(), fields.size()));
    for (size_t i = 0; i < fields.size(); ++i) {
      const Quoted look = look_at(fields[i]);
      in_rule = in_rule && look.in_rule;
      doubled = doubled || (look.around && look.quote);
      needed = needed && look.follows(look.quote);
      needed_by_excel = needed_by_excel && look.follows(look.quote || look.comma);
      columns[i].filled += !header && !look.missing;
      columns[i].quoted += !header && !look.missing && look.around;
    }
    header = false;
  });
  const bool whole_columns = std::all_of(columns.begin(), columns.end(), [](const ColumnCount& column) {
    return column.quoted == 0 || column.quoted == column.filled;
  });
  return in_rule && (doubled || needed || needed_by_excel || whole_columns);
}

}  // namespace

bool quotes_have_rules(std::string_view table) {
  bool any = false;
  for_each_line(table, [&any](const Fields& fields) {
    any = any || std::any_of(fields.begin(), fields.end(), [](std::string_view f) { return f.starts_with('"'); });
  });
  if (!any || !is_consistent(table, true)) return false;
  return !is_consistent(table, false) || is_explained(table);
}

}  // namespace notnot
