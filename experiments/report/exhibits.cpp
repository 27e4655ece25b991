#include "experiments/report/exhibits.h"

#include <fmt/format.h>

#include "engine/io/stop.h"
#include "experiments/format/html.h"

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
  for (const char* extension : {"csv", "tex"}) folder_.own(fmt::format("tables/{}.{}", table.name, extension));
  write_table(table, folder_.path() / "tables");
  return fmt::format("<p class=\"caption\">{}. {}</p>\n{}", escape(table.caption),
                     file_links("Table", table.name, "tables", {{"CSV", "csv"}, {"LaTeX", "tex"}}), to_html(table));
}

std::string Exhibits::show(const std::string& stem, const std::string& caption,
                           const std::function<void(const std::filesystem::path&)>& draw_into) const {
  if (!draws_) {
    return "<p class=\"muted\">A figure is missing here: gnuplot is not installed (Debian: gnuplot-nox). With it, "
           "<code>notnot report</code> draws it.</p>\n";
  }
  for (const char* extension : {"svg", "pdf"}) folder_.own(fmt::format("figures/{}.{}", stem, extension));
  draw_into(folder_.path() / "figures");
  return fmt::format("<figure>\n{}\n<figcaption>{} {}</figcaption>\n</figure>\n",
                     inline_svg(folder_.path() / "figures" / (stem + ".svg"), "figure-" + stem), caption,
                     file_links("Figure", stem, "figures", {{"SVG", "svg"}, {"PDF", "pdf"}}));
}

}  // namespace notnot
