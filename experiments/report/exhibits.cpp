#include "experiments/report/exhibits.h"

#include <fmt/format.h>

#include "engine/io/stop.h"
#include "experiments/format/html.h"
#include "experiments/report/definitions.h"

namespace notnot {
namespace {

std::string file_links(const char* what, const std::string& stem, const char* folder,
                       std::initializer_list<std::pair<const char*, const char*>> forms) {
  std::string links;
  for (const auto& [name, extension] : forms) {
    links += fmt::format("{}<a href=\"{}/{}.{}\">{}</a>", links.empty() ? "" : ", ", folder, stem, extension, name);
  }
  return fmt::format("<span class=\"files\">{} as {}</span>", what, links);
}

}  // namespace

std::string Exhibits::table(const ResultTable& table) const {
  check_stop();
  folder_.add(fmt::format("tables/{}.csv", table.name), to_csv(table));
  folder_.add(fmt::format("tables/{}.tex", table.name), to_latex(table));
  return fmt::format("<p class=\"caption\">{}. {}</p>\n{}", with_definitions(table.caption),
                     file_links("Table", table.name, "tables", {{"CSV", "csv"}, {"LaTeX", "tex"}}),
                     to_html(table, with_definitions));
}

std::string Exhibits::show(const std::string& stem, const std::string& caption,
                           const std::function<DrawnFigure()>& drawn) const {
  if (!draws_) {
    return "<p class=\"muted\">A figure is missing here: gnuplot is not installed (Debian: gnuplot-nox). With it, "
           "<code>notnot report</code> draws it.</p>\n";
  }
  DrawnFigure figure = drawn();
  std::string html =
      fmt::format("<figure>\n{}\n<figcaption>{} {}</figcaption>\n</figure>\n", inline_svg(figure.svg, "figure-" + stem),
                  caption, file_links("Figure", stem, "figures", {{"SVG", "svg"}, {"PDF", "pdf"}}));
  folder_.add(fmt::format("figures/{}.svg", stem), std::move(figure.svg));
  folder_.add(fmt::format("figures/{}.pdf", stem), std::move(figure.pdf));
  return html;
}

}  // namespace notnot
