#pragma once
// The tables and figures of a report. Each becomes files beside the page; the page gets HTML that shows it and links to
// the files.
#include <functional>
#include <string>

#include "experiments/figures/figures.h"
#include "experiments/format/result_table.h"
#include "experiments/report/report_folder.h"

namespace notnot {

class Exhibits {
 public:
  /// `folder` must live as long as the exhibits. Without gnuplot there are no figures, and the page says so where a
  /// figure would stand.
  explicit Exhibits(ReportFolder& folder) : folder_(folder), draws_(can_draw()) {}

  /// Adds the table as CSV and LaTeX. Returns the HTML, in which the terms of the caption and of the head are links to
  /// their definitions (definitions.h).
  std::string table(const ResultTable& table) const;

  /// Adds the figure as STEM.svg and STEM.pdf. `caption` is HTML, `alt_text` is one sentence of plain text. Returns
  /// the HTML.
  template <class Figure>
  std::string figure(const Figure& figure, const std::string& stem, const std::string& caption,
                     const std::string& alt_text) const {
    return show(stem, caption, [&] { return draw(figure, alt_text); });
  }

 private:
  std::string show(const std::string& stem, const std::string& caption,
                   const std::function<DrawnFigure()>& drawn) const;

  ReportFolder& folder_;
  bool draws_ = false;
};

}  // namespace notnot
