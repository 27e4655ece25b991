#include "experiments/format/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace notnot {
namespace {

// The Content-Security-Policy holds the page to its word: it can load nothing and run nothing.
constexpr std::string_view kHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light">
)";

constexpr std::string_view kStyle = R"(
:root { --ink: #1a2027; --muted: #56606b; --line: #d5dbe2; --soft: #f5f7f9; --accent: #123c74; }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: #fff; font: 1rem/1.55 system-ui, "Segoe UI", "Liberation Sans", Arial,
  sans-serif; overflow-wrap: break-word; }
header, main, nav { max-width: 68rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.5rem; }
main { padding-bottom: 3rem; }
h1 { font-size: clamp(1.6rem, 1.2rem + 2vw, 2.3rem); line-height: 1.2; margin: 0 0 .5rem; letter-spacing: -.01em; }
h2 { font-size: 1.35rem; line-height: 1.3; margin: 3rem 0 .6rem; padding-top: .8rem; border-top: 2px solid var(--accent); }
h3 { font-size: 1.15rem; margin: 2.6rem 0 .3rem; }
h4 { font-size: 1.02rem; margin: 1.9rem 0 .1rem; }
h5, .head h4 { font-size: .95rem; margin: 0; }
p { margin: .4rem 0 .8rem; max-width: 46rem; }
li { margin: .35rem 0; max-width: 46rem; }
ul { padding-left: 1.2rem; }
a { color: var(--accent); }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: .5rem; top: .5rem; background: #fff; padding: .4rem .7rem; border: 2px solid var(--accent); }
nav { font-size: .93rem; }
nav ul { columns: 16rem; list-style: none; padding: 0; margin: .2rem 0 .6rem; }
nav > ul { columns: auto; border-top: 1px solid var(--line); border-bottom: 1px solid var(--line); padding: .5rem 0; }
nav li li { break-inside: avoid; margin: 0; padding: .12rem 0; }
nav > ul > li > a { font-weight: 600; }
.caption { font-weight: 600; margin: 1.6rem 0 .3rem; max-width: none; }
.files { font-weight: 400; color: var(--muted); font-size: .88rem; }
figure { margin: 1.4rem 0; }
figure svg { display: block; width: 100%; max-width: 44rem; height: auto; }
figcaption { font-size: .92rem; max-width: 46rem; color: var(--muted); }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 0 1.5rem; }
.finding { border-left: 3px solid var(--line); padding: .1rem 0 .1rem .9rem; margin: 1rem 0; }
.finding p { margin: .2rem 0; }
.verdict { font-weight: 600; white-space: nowrap; border: 1px solid currentColor; border-radius: 3px; padding: 0 .35em; }
.agrees { color: #0b5d3b; }
.disagrees { color: #9a2a08; border-style: double; border-width: 3px; }
.untold { color: var(--muted); border-style: dashed; }
.kicker { color: var(--accent); font-weight: 600; margin: 0 0 .3rem; }
.lead { font-size: 1.1rem; }
.muted { color: var(--muted); font-size: .9rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(13.5rem, 1fr)); gap: 0 2rem; margin: 1.6rem 0 0; }
.facts div { border-top: 1px solid var(--line); padding: .5rem 0 .6rem; }
.facts .muted { display: block; }
dt { color: var(--muted); font-size: .85rem; }
dd { margin: 0; }
:focus-visible { outline: 3px solid #2f7de0; outline-offset: 2px; border-radius: 2px; }
.scroll { overflow-x: auto; }
table { border-collapse: separate; border-spacing: 0; font-variant-numeric: tabular-nums; }
.scroll > table { min-width: 100%; }
.scroll + .muted { margin-top: .6rem; }
th, td { text-align: right; padding: .4rem 0 .4rem 1.1rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child { padding-left: 0; }
th.l, td.l { text-align: left; }
thead th { color: var(--muted); font-weight: 600; font-size: .87rem; vertical-align: bottom; 
  white-space: normal; border-bottom: 1px solid var(--ink); }
tbody th { font-weight: 600; position: sticky; left: 0; background: #fff; }
.text { border: 1px solid var(--line); border-radius: 6px; padding: .8rem 1rem .6rem; margin: .8rem 0; }
.text > .head { display: flex; flex-wrap: wrap; gap: .1rem 1rem; align-items: baseline; margin-bottom: .3rem; }
.map { display: grid; grid-template-columns: 14.5rem 1fr; gap: 0 1.2rem; padding: .5rem 0; border-top: 1px solid var(--line); }
.who { font-size: .87rem; line-height: 1.45; }
.who b { display: block; font-size: .95rem; }
.wrong { font-weight: 600; }
.words { margin: 0; max-width: none; line-height: 2; overflow-wrap: anywhere; }
.words span { padding: .18em .26em; border-radius: 3px; unicode-bidi: isolate; -webkit-box-decoration-break: clone;
  box-decoration-break: clone; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.words u { text-decoration-thickness: 2px; text-underline-offset: 3px; }
.legend { display: flex; flex-wrap: wrap; align-items: center; gap: .2rem .6rem; font-size: .9rem; margin: .8rem 0; max-width: none; }
.legend .bar { display: inline-flex; border: 1px solid var(--muted); }
.legend .bar span { width: .65rem; height: 1.1rem; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
details { font-size: .9rem; border-top: 1px solid var(--line); padding-top: .4rem; }
summary { cursor: pointer; color: var(--accent); width: fit-content; }
details .scroll > table { min-width: 0; }
details th, details td { padding-top: .15rem; padding-bottom: .15rem; }
code { font-size: .92em; overflow-wrap: anywhere; }
@media (max-width: 44rem) {
  header { padding-top: 1.5rem; }
  .facts { display: block; }
  .facts div { display: grid; grid-template-columns: 7rem 1fr; gap: 0 .8rem; align-items: baseline; }
  .map { grid-template-columns: 1fr; gap: .2rem; }
  .who b { display: inline; margin-right: .5rem; }
  th, td { padding-left: .75rem; }
  table { font-size: .94rem; }
}
@media print {
  @page { margin: 16mm; }
  html { font-size: 10pt; }
  header, main, nav { max-width: none; padding: 0; }
  .scroll { overflow: visible; }
  table { font-size: 8pt; }
  th, td { white-space: normal; padding-left: .6rem; }
  td:last-child { overflow-wrap: anywhere; }
  .text, tr { break-inside: avoid; }
  h2, h3, h4, .caption { break-after: avoid; }
  details, nav, .skip, .files { display: none; }
  figure { break-inside: avoid; }
}
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

/// Lightness falls evenly from white through blue. Pure black or white text has a contrast of at least 4.58 on any
/// colour; anything softer would fall under WCAG's 4.5 in the middle of the scale.
std::string shade_rules() {
  constexpr Rgb light = {255, 255, 255}, middle = {86, 148, 214}, dark = {8, 38, 88};
  constexpr double kMiddle = 0.5;
  std::string rules;
  for (int level = 0; level <= kDarkest; ++level) {
    const double share = static_cast<double>(level) / kDarkest;
    const Rgb colour =
        share < kMiddle ? mix(light, middle, share / kMiddle) : mix(middle, dark, (share - kMiddle) / (1 - kMiddle));
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
  return fmt::format("{}<title>{}</title>\n<style>{}{}</style>\n</head>\n<body>\n{}</body>\n</html>\n", kHead,
                     escape(title), kStyle, shade_rules(), body);
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
