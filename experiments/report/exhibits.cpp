#include "experiments/report/exhibits.h"

#include <fmt/format.h>

#include "engine/io/input_error.h"
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

Exhibits::Exhibits(std::filesystem::path out) : out_(std::move(out)), draws_(can_draw()) {
  for (const char* folder : {"tables", "figures"}) {
    std::error_code error;
    std::filesystem::create_directories(out_ / folder, error);
    if (error) {
      throw InputError(fmt::format("the folder {} cannot be made: {}; choose another with --out",
                                   (out_ / folder).string(), error.message()));
    }
  }
}

std::string Exhibits::table(const ResultTable& table) const {
  check_stop();
  write_table(table, out_ / "tables");
  return fmt::format("<p class=\"caption\">{}. {}</p>\n{}", escape(table.caption),
                     file_links("Table", table.name, "tables", {{"CSV", "csv"}, {"LaTeX", "tex"}}), to_html(table));
}

std::string Exhibits::show(const std::string& stem, const std::string& caption,
                           const std::function<void(const std::filesystem::path&)>& draw_into) const {
  if (!draws_) {
    return "<p class=\"muted\">A figure is missing here: gnuplot is not installed (Debian: gnuplot-nox). With it, "
           "<code>notnot report</code> draws it.</p>\n";
  }
  draw_into(out_ / "figures");
  return fmt::format("<figure>\n{}\n<figcaption>{} {}</figcaption>\n</figure>\n",
                     inline_svg(out_ / "figures" / (stem + ".svg"), "figure-" + stem), caption,
                     file_links("Figure", stem, "figures", {{"SVG", "svg"}, {"PDF", "pdf"}}));
}

}  // namespace notnot
