#include "experiments/format/result_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <string_view>
#include <utility>

#include "engine/io/csv_writer.h"
#include "engine/io/text.h"
#include "experiments/format/html.h"
#include "kernels/base/error.h"

namespace notnot {
namespace {

void check(const ResultTable& table) {
  const bool plain = std::all_of(table.name.begin(), table.name.end(), [](unsigned char c) {
    return c >= 128 || std::isalnum(c) != 0 || c == '-' || c == '_';
  });
  NOTNOT_CHECK(plain && !table.name.empty() && !first_invalid_utf8(table.name),
               "'{}' is no name of a table: only letters, digits, '-' and '_' may be in it", table.name);
  NOTNOT_CHECK(!table.header.empty() && table.left >= 1 && table.left <= table.header.size(),
               "{}: of {} columns {} are set left", table.name, table.header.size(), table.left);
  for (const auto& row : table.rows) {
    NOTNOT_CHECK(row.size() == table.header.size(), "{}: a row of {} cells under {} columns", table.name, row.size(),
                 table.header.size());
  }
}

std::vector<std::string> each(const std::vector<std::string>& cells, std::string (*form)(const std::string&)) {
  std::vector<std::string> result(cells.size());
  std::transform(cells.begin(), cells.end(), result.begin(), form);
  return result;
}

/// How `character` is written in the text of a LaTeX document without packages.
std::string_view latex_character(std::string_view character) {
  constexpr std::pair<std::string_view, std::string_view> written[] = {
      {"&", "\\&"},
      {"%", "\\%"},
      {"$", "\\$"},
      {"#", "\\#"},
      {"_", "\\_"},
      {"{", "\\{"},
      {"}", "\\}"},
      {"~", "\\textasciitilde{}"},
      {"^", "\\textasciicircum{}"},
      {"\\", "\\textbackslash{}"},
      {"<", "$<$"},
      {">", "$>$"},
      {"|", "$|$"},
      {"\"", "''"},
      {"\u00B1", "$\\pm$"},
      {"\u2212", "$-$"},
      {"\u00D7", "$\\times$"},
      {"\u2264", "$\\le$"},
      {"\u2265", "$\\ge$"},
      {"\u03BB", "$\\lambda$"},
      {"\u00A0", "~"},
      {"\u2013", "--"},
      {"\uFFFD", "?"},
      {"`", "{`}"},  // LaTeX makes one character of ?` and of !`
  };
  const auto* found =
      std::find_if(std::begin(written), std::end(written), [&](const auto& entry) { return entry.first == character; });
  if (found != std::end(written)) return found->second;
  const bool control = character.size() == 1 && (static_cast<unsigned char>(character[0]) < 32 || character[0] == 127);
  return control ? " " : character;
}

/// `text` with U+2212 for each hyphen that is a minus sign: it stands before a digit and not behind a word or a number.
/// "-0.5" has a minus sign, "1e-3" and "GPT-2" have none. Bytes that are not UTF-8 are replaced.
std::string with_minus_signs(const std::string& text) {
  const std::string valid = replace_invalid_utf8(text);
  std::string result;
  for (size_t i = 0; i < valid.size(); ++i) {
    const size_t digit = i + 1 < valid.size() && valid[i + 1] == '.' ? i + 2 : i + 1;
    const bool minus = valid[i] == '-' && digit < valid.size() && valid[digit] >= '0' && valid[digit] <= '9' &&
                       (i == 0 || std::strchr(" ([{,;/<>=", valid[i - 1]) != nullptr);
    result += minus ? "\u2212" : valid.substr(i, 1);
  }
  return result;
}

std::string latex(const std::string& text) {
  const std::string valid = with_minus_signs(text);
  std::string result;
  for (const std::string_view character : split_characters(valid)) {
    if (character == "-" && result.ends_with('-')) result += "{}";  // LaTeX makes a dash of two hyphens
    result += latex_character(character);
  }
  return result;
}

std::string latex_line(const std::vector<std::string>& cells) {
  // Without {}, LaTeX would take a first cell that begins with [ for an argument of the line end before it.
  return fmt::format("    {{}}{} \\\\\n", fmt::join(each(cells, latex), " & "));
}

/// Whether the cell has a number and nothing that a formula could do more than arithmetic with: "-0.031 \u00B1 0.004",
/// "+1e-05", "-0.004 to +0.009".
bool is_numeric(std::string cell) {
  constexpr std::string_view kTo = " to ";
  if (const size_t to = cell.find(kTo); to != std::string::npos) cell.erase(to, kTo.size());
  const std::vector<std::string_view> characters = split_characters(cell);
  return std::all_of(characters.begin(), characters.end(), [](std::string_view character) {
    return character == "\u00B1" || std::string_view("0123456789.+-e %").find(character) != std::string_view::npos;
  });
}

/// `cell` with an apostrophe before it if a spreadsheet would compute it: it begins as formulas do, and is no number.
std::string without_formula(const std::string& cell) {
  constexpr std::string_view kBegins[] = {"=", "+", "-", "@", "\t", "\r", "\uFF1D", "\uFF0B", "\uFF0D", "\uFF20"};
  const bool begins = std::any_of(std::begin(kBegins), std::end(kBegins),
                                  [&](std::string_view begin) { return cell.starts_with(begin); });
  return begins && !is_numeric(cell) ? "'" + cell : cell;
}

std::string html(const std::string& text) { return escape(with_minus_signs(text)); }

}  // namespace

std::string to_csv(const ResultTable& table) {
  check(table);
  std::string csv = csv_line(table.header) + "\r\n";
  for (const auto& row : table.rows) csv += csv_line(each(row, without_formula)) + "\r\n";
  return csv;
}

std::string to_latex(const ResultTable& table) {
  check(table);
  const std::string columns = std::string(table.left, 'l') + std::string(table.header.size() - table.left, 'r');
  std::string rows;
  for (const auto& row : table.rows) rows += latex_line(row);
  const std::string note =
      table.note.empty() ? "" : fmt::format("\n  \\par\\smallskip\n  {{\\small {}}}", latex(table.note));
  return fmt::format(R"(\begin{{table}}
  \centering
  \caption{{{}}}
  \label{{tab:{}}}
  \begin{{tabular}}{{{}}}
    \hline
{}    \hline
{}    \hline
  \end{{tabular}}{}
\end{{table}}
)",
                     latex(table.caption), table.name, columns, latex_line(table.header), rows, note);
}

std::string to_html(const ResultTable& table, std::string (*head)(std::string_view)) {
  check(table);
  HtmlTable result{.name = with_minus_signs(table.caption),
                   .note = html(table.note),
                   .header = {},
                   .rows = {},
                   .left = table.left - 1};
  for (const std::string& cell : table.header) result.header.push_back(head(with_minus_signs(cell)));
  for (const auto& row : table.rows) result.rows.push_back(each(row, html));
  return to_html(result);
}

}  // namespace notnot
