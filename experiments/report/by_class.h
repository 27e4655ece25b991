#pragma once
// A value per test text, such as a divergence: the tables and violins of such values, by the class that the reference
// predicts.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "experiments/figures/figures.h"
#include "experiments/format/result_table.h"
#include "experiments/report/loaded_study.h"

namespace notnot {

/// [texts] of the test split.
using TextValues = std::vector<double>;

/// The mean over the texts for which the reference predicts the class `predicted`, or over all texts; NaN without any.
double mean_over_texts(const LoadedStudy& study, const TextValues& values,
                       std::optional<int32_t> predicted = std::nullopt);

/// A row for table_by_class: `name`, the mean, the median, and the mean for each predicted class.
std::vector<std::string> row_by_class(const LoadedStudy& study, const std::string& name, const TextValues& values);
/// A table without rows for row_by_class. `first` is the heading of the first column. `note` stands before the
/// sentences that every note has.
ResultTable table_by_class(const LoadedStudy& study, const std::string& name, const std::string& caption,
                           const std::string& first, const std::string& note);
/// "JSD: Jensen-Shannon divergence ...", for the note of a table.
std::string jsd_note(const LoadedStudy& study);

/// Violins of `values`, from 0 to `high`.
ViolinFigure violins_by_class(const LoadedStudy& study, const std::string& x_label, double high, TextValues values);
/// How to read such violins, for the caption. `x` says what the horizontal axis shows, `violin` what has one.
std::string violin_caption(const std::string& x, const std::string& violin = "predicted class");
/// The figure in words, for a screen reader.
std::string violin_alt_text(const LoadedStudy& study, const std::string& values);

}  // namespace notnot
