#pragma once
// One HTML page that needs nothing else: no script, no other file, no network. Its pieces are strings of HTML; every
// text from data, files or the command line must go through `escape`.
#include <string>
#include <string_view>
#include <vector>

namespace notnot {

/// `text` as HTML, for the content of an element and for quoted attribute values.
std::string escape(std::string_view text);

/// The shades of the heat maps are the CSS classes w0 (white) to w20 (darkest): one hue, with text in black or in
/// white, whichever has more contrast.
inline constexpr int kDarkest = 20;
/// The number of the shade for `weight`, in proportion to `largest`, which is the darkest. 0 if `largest` is 0.
int shade_of(double weight, double largest);

/// A whole document. `title`: plain text; `body`: the HTML inside <body>.
std::string html_page(std::string_view title, std::string_view body);

/// A table that scrolls sideways where the window is too narrow, by keyboard, too. `header` and `rows` are cells of
/// HTML. The first column names the row. It and the next `left` columns are words and set left; the others are numbers
/// and set right.
struct HtmlTable {
  std::string name;  ///< plain text; a screen reader calls the table by it
  std::string note;  ///< HTML below the table; may be empty
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  size_t left = 0;
};
std::string to_html(const HtmlTable& table);

}  // namespace notnot
