#include "experiments/figures/gnuplot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <regex>
#include <system_error>

#include "engine/io/input_error.h"
#include "engine/io/memory_file.h"
#include "engine/io/text.h"
#include "experiments/format/html.h"
#include "experiments/terminal/run_program.h"

namespace notnot {
namespace {

std::string script(const std::string& commands, const MemoryFile& svg, const MemoryFile& pdf) {
  // A pixel of the SVG is a point (1/72 inch) of the PDF, so that a number means one size in both; only marks need a
  // factor.
  const auto terminal = [&](const char* name, double unit, const char* suffix, double mark_scale,
                            const MemoryFile& output) {
    return fmt::format(
        "reset\nmark_scale = {}\nset terminal {} size {:.6g}{},{:.6g}{} background rgb 'white' font 'sans-serif,{}' "
        "noenhanced\n"
        "set output {}\n{}set output\n",
        mark_scale, name, kCanvasWidth / unit, suffix, kCanvasHeight / unit, suffix, kFontSize,
        gnuplot_string(output.path()), commands);
  };
  return "set encoding utf8\n" + terminal("svg dynamic", 1, "", 1, svg) +
         terminal("pdfcairo color fontscale 0.72 linewidth 2", 72, "in", 2.2, pdf);
}

/// Throws InputError unless gnuplot ends with status 0.
void run_gnuplot(const MemoryFile& script) {
  const ProgramEnd end = run_program({"gnuplot", "--default-settings", script.path()});
  if (end.status < 0) {
    throw InputError(
        fmt::format("cannot run the program gnuplot, which draws the figures: {}; install the package gnuplot-nox",
                    std::generic_category().message(end.error)));
  }
  if (end.status > 128) {
    throw InputError(
        fmt::format("the program gnuplot, which draws the figures, was ended ({}); give it more memory and time "
                    "(ulimit -a shows limits), and make the report again",
                    strsignal(end.status - 128)));
  }
  if (end.status != 0) {
    // gnuplot repeats the whole faulty command first, which nobody can use, and then says "line NUMBER: ERROR".
    const size_t line = end.output.find("line ");
    throw InputError(
        fmt::format("gnuplot ended with status {}: {}; install the package gnuplot-nox, version 5.4 or newer",
                    end.status, in_quotes(std::string_view(end.output).substr(line == std::string::npos ? 0 : line))));
  }
}

/// What gnuplot wrote as SVG or PDF. Throws InputError unless it ends with `end`, as gnuplot does not report a write
/// that failed.
std::string complete_file(const MemoryFile& file, std::string_view kind, std::string_view end) {
  std::string content = file.content();
  const size_t last = content.find_last_not_of(" \n");
  if (last == std::string::npos || !std::string_view(content).substr(0, last + 1).ends_with(end)) {
    throw InputError(fmt::format(
        "gnuplot wrote only a part of a figure as {}; give it more memory, or larger files (ulimit -f)", kind));
  }
  return content;
}

/// The <svg> element of gnuplot's file, with `alt_text` as its name. gnuplot's own titles and descriptions are removed,
/// as a screen reader would say them.
std::string named_svg(const std::string& file, const std::string& alt_text) {
  std::string svg = file.substr(file.find("<svg"));
  for (const auto& [begin, end] : {std::pair{"<title>", "</title>"}, {"<desc>", "</desc>"}}) {
    for (size_t at = svg.find(begin); at != std::string::npos; at = svg.find(begin, at)) {
      svg.erase(at, svg.find(end, at) + std::string_view(end).size() - at);
    }
  }
  // gnuplot draws the lines of marks too thin, and no option changes that.
  svg = std::regex_replace(svg, std::regex("(id='gpPt[0-9]+' stroke-width=')[0-9.]+"), "$010.25");
  return fmt::format("<svg role=\"img\" aria-label=\"{}\"{}", escape(replace_invalid_utf8(alt_text)),
                     svg.substr(std::string_view("<svg").size()));
}

/// Writes zeros over the creation date, because equal figures must have equal bytes.
std::string without_date(std::string pdf) {
  constexpr std::string_view key = "/CreationDate (";
  const size_t at = pdf.find(key);
  if (at == std::string::npos) return pdf;
  for (size_t i = at + key.size(); i < pdf.size() && pdf[i] != ')'; ++i) {
    if (pdf[i] >= '1' && pdf[i] <= '9') pdf[i] = '0';
  }
  return pdf;
}

}  // namespace

std::string gnuplot_string(std::string_view text) {
  std::string result = "'";
  for (const char c : replace_invalid_utf8(text)) {
    const auto code = static_cast<unsigned char>(c);
    result += c == '\'' ? "''" : std::string(1, code < 32 || code == 127 ? ' ' : c);
  }
  return result + "'";
}

DrawnFigure draw_with_gnuplot(const std::string& commands, const std::string& alt_text) {
  const MemoryFile svg_file, pdf_file, script_file(script(commands, svg_file, pdf_file));
  run_gnuplot(script_file);
  return {.svg = named_svg(complete_file(svg_file, "SVG", "</svg>"), alt_text),
          .pdf = without_date(complete_file(pdf_file, "PDF", "%%EOF"))};
}

bool can_draw() { return run_program({"gnuplot", "--version"}).status == 0; }

std::string inline_svg(const std::string& svg, const std::string& prefix) {
  std::string result;
  bool in_tag = false;
  for (size_t i = 0; i < svg.size(); ++i) {
    result += svg[i];
    if (svg[i] == '<') in_tag = true;
    if (svg[i] == '>') in_tag = false;
    if (!in_tag) continue;
    for (const std::string_view before_id : {" id='", " id=\"", "href='#", "href=\"#", "url(#"}) {
      if (result.ends_with(before_id)) result += prefix;
    }
  }
  return result;
}

}  // namespace notnot
