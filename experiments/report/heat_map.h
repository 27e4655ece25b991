#pragma once
// Test texts with their attention, a row per model: which texts to show, and how.
#include <optional>
#include <string>
#include <vector>

#include "experiments/report/part.h"

namespace notnot {

/// A model whose attention is shown; of several, the first is the one that chooses the texts and is compared with.
struct ShownModel {
  std::string label;
  Attention attention;  ///< on the test split
};

/// Texts of one kind, e.g. "Undecided".
struct TextGroup {
  std::string title, rule;
  std::vector<size_t> texts;  ///< indices into the test split, distinct over all groups; may be empty
};

/// Deterministic: texts of at most kLongestShown words (where all are longer, the kShortest shortest), equal scores in
/// the order of the test split, no text twice. Two that are confident and right (one of each class), two that are
/// confident and wrong, three nearest to 0.5 and, with several models, three whose attention differs most from the
/// first's.
inline constexpr size_t kLongestShown = 60, kShortest = 50;
std::vector<TextGroup> choose_texts(const std::vector<ShownModel>& models);

/// The paper's Figure 2, by rule: among the same texts the one where the two attentions differ most in JSD while both
/// predict the same class and their probabilities differ by at most kSamePrediction. Nothing without such a text.
inline constexpr double kSamePrediction = 0.05;
std::optional<size_t> most_different(const Attention& base, const Attention& adversary);

/// The models whose maps the section shows: the reference, the uniform model and the trained MLP of its seed, then base
/// models of other seeds, kMostShown at most; without any of these the reference.
inline constexpr size_t kMostShown = 4;
std::vector<ShownModel> shown_models(const LoadedStudy& study);

/// The legend, the groups and their texts, as HTML; headings from h4 on.
std::string heat_maps_html(const LoadedStudy& study);
/// The reference, the per-instance and the trained adversary on one text; empty without an adversary or such a text.
std::string adversary_maps_html(const LoadedStudy& study);

/// The section with the heat maps.
Part maps_part();

}  // namespace notnot
