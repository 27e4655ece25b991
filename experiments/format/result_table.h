#pragma once
// One table of results in the three forms that people need: CSV for programs, LaTeX for papers, HTML for the report.
#include <string>
#include <string_view>
#include <vector>

#include "experiments/format/html.h"

namespace notnot {

/// Cells are plain text in UTF-8; each form escapes what it must. Every row has as many cells as the header. The minus
/// sign of a number may be '-', and plus-minus is the character U+00B1.
struct ResultTable {
  std::string name;     ///< of its files and its LaTeX label, such as "table2": letters, digits, '-' and '_'
  std::string caption;  ///< one sentence
  std::string note;     ///< below the table; may be empty
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  size_t left = 1;  ///< the first `left` columns are words and set left; the others are numbers and set right
};

/// RFC 4180: header and rows, CRLF at the end of each line; no caption, no note. A cell that spreadsheets would take
/// for a formula ("=1+1", "@SUM(A1)"; a device or a name of others may be one) gets an apostrophe before it; numbers do
/// not.
std::string to_csv(const ResultTable& table);

/// A table environment with tabular, caption and \label{tab:NAME}. Needs no package unless a cell holds characters that
/// LaTeX itself does not know, such as Chinese ones.
std::string to_latex(const ResultTable& table);

/// An HtmlTable of html.h, which a screen reader calls by the caption. `head` makes HTML of the head's cells.
std::string to_html(const ResultTable& table, std::string (*head)(std::string_view) = escape);

}  // namespace notnot
