#pragma once
// The built-in planted corpus, whose rule and whose important words are known: how much attention lies on them, and how
// much the models use them.
#include <optional>

#include "experiments/report/part.h"

namespace notnot {

Part evidence_part();

/// F1 and the share of the attention on evidence, a point per model, and the share of equal weights. Nothing on other
/// data.
std::optional<EvidenceFigure> evidence_figure(const LoadedStudy& study);
/// A row per model: AttentionScores and F1; then equal weights, and the rule itself, whose attention is the importance.
ResultTable evidence_table(const LoadedStudy& study);
/// A row per model: what its attention points at beside what its predictions use (Reliance). No rows where no run has
/// an ablation.
ResultTable reliance_table(const LoadedStudy& study);
/// What is known beforehand of some models' attention, with what was measured of it, as plain text.
std::string known_answers(const LoadedStudy& study);

}  // namespace notnot
