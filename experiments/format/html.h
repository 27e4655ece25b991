#pragma once
// One self-contained HTML page: no script, no other file, no network. Pieces are strings of HTML; whatever comes from
// data, files or the command line goes through `escape`.
#include <string>
#include <string_view>
#include <vector>

namespace notnot {

/// For text and for quoted attribute values.
std::string escape(std::string_view text);

/// Shades of the heat maps: CSS classes w0 (white) to w20 (darkest), one hue, text black or white by contrast.
inline constexpr int kDarkest = 20;
/// The class number for `weight` where `largest` is darkest: proportional. 0 when `largest` is 0.
int shade_of(double weight, double largest);

/// A whole document. `body` is what stands inside <body>.
std::string html_page(std::string_view title, std::string_view body);

/// A table that scrolls sideways where the window is too narrow, by keyboard too. `header` and `rows` are cells of
/// HTML; the first column names the row and is set left, `left` more columns are, the others are numbers.
struct HtmlTable {
  std::string name;  ///< plain text: what a screen reader calls it
  std::string note;  ///< HTML below the table; may be empty
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  size_t left = 0;
};
std::string to_html(const HtmlTable& table);

}  // namespace notnot
