#include "experiments/format/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "experiments/format/report_css.h"

namespace notnot {
namespace {

// The Content-Security-Policy makes the browser load nothing and run nothing for this page.
constexpr std::string_view kHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light">
)";

using Rgb = std::array<double, 3>;  // sRGB, 0 to 255

Rgb mix(const Rgb& a, const Rgb& b, double share) {
  Rgb result{};
  for (size_t i = 0; i < 3; ++i) result[i] = std::round(a[i] + share * (b[i] - a[i]));
  return result;
}

/// WCAG 2's relative luminance.
double luminance(const Rgb& colour) {
  constexpr Rgb weights = {0.2126, 0.7152, 0.0722};
  double sum = 0;
  for (size_t i = 0; i < 3; ++i) {
    const double value = colour[i] / 255;
    sum += weights[i] * (value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4));
  }
  return sum;
}

/// CSS rules for the shades, evenly from white through blue to dark blue. Text is pure black or pure white: so it has a
/// contrast of at least 4.58 on every shade. Softer text would fall below WCAG's 4.5 in the middle of the scale.
std::string shade_rules() {
  constexpr Rgb light = {255, 255, 255}, middle = {86, 148, 214}, dark = {8, 38, 88};
  constexpr double halfway = 0.5;
  std::string rules;
  for (int level = 0; level <= kDarkest; ++level) {
    const double share = static_cast<double>(level) / kDarkest;
    const Rgb colour =
        share < halfway ? mix(light, middle, share / halfway) : mix(middle, dark, (share - halfway) / (1 - halfway));
    const bool white_text = 1.05 / (luminance(colour) + 0.05) > (luminance(colour) + 0.05) / 0.05;
    rules +=
        fmt::format(".w{} {{ background: #{:02x}{:02x}{:02x}; color: #{}; }}\n", level, static_cast<int>(colour[0]),
                    static_cast<int>(colour[1]), static_cast<int>(colour[2]), white_text ? "fff" : "000");
  }
  return rules;
}

}  // namespace

std::string escape(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

int shade_of(double weight, double largest) {
  if (!(largest > 0)) return 0;
  return std::clamp(static_cast<int>(std::lround(kDarkest * weight / largest)), 0, kDarkest);
}

std::string html_page(std::string_view title, std::string_view body) {
  return fmt::format("{}<title>{}</title>\n<style>\n{}{}</style>\n</head>\n<body>\n{}</body>\n</html>\n", kHead,
                     escape(title), report_css(), shade_rules(), body);
}

std::string to_html(const HtmlTable& table) {
  const auto alignment = [&](size_t column) { return column <= table.left ? " class=\"l\"" : ""; };
  std::string html =
      fmt::format("<div class=\"scroll\" role=\"region\" aria-label=\"{}\" tabindex=\"0\">\n<table>\n<thead><tr>",
                  escape(table.name));
  for (size_t column = 0; column < table.header.size(); ++column) {
    html += fmt::format("<th scope=\"col\"{}>{}</th>", alignment(column), table.header[column]);
  }
  html += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    html += fmt::format("<tr><th scope=\"row\" class=\"l\">{}</th>", row.front());
    for (size_t column = 1; column < row.size(); ++column) {
      html += fmt::format("<td{}>{}</td>", alignment(column), row[column]);
    }
    html += "</tr>\n";
  }
  html += "</tbody>\n</table>\n</div>\n";
  return table.note.empty() ? html : fmt::format("{}<p class=\"muted\">{}</p>\n", html, table.note);
}

}  // namespace notnot
