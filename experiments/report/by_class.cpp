#include "experiments/report/by_class.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/math/metrics.h"
#include "engine/math/statistics.h"
#include "experiments/report/measures.h"

namespace notnot {
double mean_over_texts(const LoadedStudy& study, const TextValues& values, std::optional<int32_t> predicted) {
  TextValues chosen;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!predicted || predicted_class(study.reference_run().probability[i]) == *predicted) chosen.push_back(values[i]);
  }
  return mean(chosen);
}

std::vector<std::string> row_by_class(const LoadedStudy& study, const std::string& name, const TextValues& values) {
  return {name, three_decimals(mean_over_texts(study, values)), three_decimals(median(values)),
          three_decimals(mean_over_texts(study, values, 0)), three_decimals(mean_over_texts(study, values, 1))};
}

ResultTable table_by_class(const LoadedStudy& study, const std::string& name, const std::string& caption,
                           const std::string& first, const std::string& note) {
  const auto classes = study.classes();
  return {.name = study.key + "-" + name,
          .caption = fmt::format("{} on {}", caption, study.title()),
          .note = note + jsd_note(study) + conditions(study),
          .header = {first, "Mean", "Median", "Mean, predicted " + classes[0], "Mean, predicted " + classes[1]},
          .rows = {},
          .left = 1};
}

std::string jsd_note(const LoadedStudy& study) {
  return fmt::format(
      "JSD: Jensen-Shannon divergence of the attention from the base model with seed {}, in nats, at most 0.693. ",
      study.reference_run().spec().seed);
}

ViolinFigure violins_by_class(const LoadedStudy& study, const std::string& x_label, double high, TextValues values) {
  ViolinFigure figure;
  figure.x_label = x_label;
  figure.high = high;
  figure.classes = study.classes();
  figure.divergence = std::move(values);
  // The values come from floats, which may be a little above ln 2.
  for (double& value : figure.divergence) value = std::clamp(value, 0.0, high);
  figure.largest_attention.assign(study.largest_attention.begin(), study.largest_attention.end());
  for (const float probability : study.reference_run().probability)
    figure.predicted.push_back(predicted_class(probability));
  return figure;
}

std::string violin_caption(const std::string& x, const std::string& violin) {
  return fmt::format(
      "Each row holds the texts whose largest attention weight under the base model lies in one quarter of the range "
      "from 0 to 1. It has a violin per {}, with the quartiles inside and the number of texts beside. x: {}.",
      violin, x);
}

std::string violin_alt_text(const LoadedStudy& study, const std::string& values) {
  return fmt::format("Violin plots of {} on {}, by the largest base attention and predicted class.", values,
                     study.title());
}

}  // namespace notnot
