#pragma once
// Heat maps: test texts whose words are shaded by their attention, a row per model. Which texts are shown, and how.
#include <optional>
#include <string>
#include <vector>

#include "experiments/report/part.h"

namespace notnot {

/// A model whose attention is shown. Among several, the first model chooses the texts, and the others are compared with
/// it.
struct ShownModel {
  std::string label;
  Attention attention;  ///< on the test split
};

/// Texts of one kind, e.g. "Undecided".
struct TextGroup {
  std::string title;
  std::string rule;           ///< how the texts were chosen, in words
  std::vector<size_t> texts;  ///< indices into the test split, distinct over all groups; may be empty
};

/// No text with more words is shown; if all texts of the split have more, the kShortest shortest ones are candidates.
inline constexpr size_t kLongestShown = 60, kShortest = 50;
/// Chooses texts by the predictions of the first model: two that are confident and right (one of each class), two that
/// are confident and wrong, three whose probability is nearest to 0.5 and, with several models, three whose attention
/// differs most from the first model's. The choice is deterministic: where two texts fit equally well, the earlier one
/// in the test split is taken. No text is taken twice.
std::vector<TextGroup> choose_texts(const std::vector<ShownModel>& models);

/// The largest difference of two probabilities that count as the same prediction.
inline constexpr double kSamePrediction = 0.05;
/// The text of the paper's Figure 2, chosen by rule: among the texts that choose_texts may take and for which both
/// models make the same prediction (the same class, too), the one with the largest JSD between the two attentions.
/// Nothing without such a text.
std::optional<size_t> most_different(const Attention& base, const Attention& adversary);

inline constexpr size_t kMostShown = 4;
/// The models whose heat maps the section shows, at most kMostShown: the reference, the uniform model and the trained
/// MLP of its seed, then base models of other seeds.
std::vector<ShownModel> shown_models(const LoadedStudy& study);

/// The legend, the groups and their texts, as HTML with headings from h4 on. Empty without a run that has words; a
/// sentence where LoadedStudy::shows_texts says no, here and below.
std::string heat_maps_html(const LoadedStudy& study);
/// One text (most_different) under the reference, the per-instance adversary and the trained adversary, as HTML. Empty
/// without a base model or an adversary; a sentence where no text fits.
std::string adversary_maps_html(const LoadedStudy& study);

/// The section with the heat maps.
Part maps_part();

}  // namespace notnot
