#pragma once
// The measures of a run, and the two files that hold them: metrics.csv and result.json.
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/data/split_name.h"
#include "engine/math/metrics.h"
#include "engine/runs/attributions.h"

namespace notnot {

/// The most that an epoch takes in any possible file: thirty years. So sums of times are numbers.
inline constexpr double kMostSeconds = 1e9;

/// One row of metrics.csv. Its columns: epoch, then SPLIT_loss, SPLIT_f1, SPLIT_roc_auc, SPLIT_accuracy,
/// SPLIT_average_precision for train, dev and test, then train_seconds, eval_seconds, tokens_per_second; 9 significant
/// digits, `nan` for what is undefined.
struct EpochMetrics {
  int32_t epoch = 0;  ///< 1, 2, ... in the order of the rows
  /// The mean weighted cross-entropy of a text. For an adversary on the training split it is the mean of the
  /// adversary's own loss while it trained.
  BySplit<double> loss;
  BySplit<Classification> split;  ///< NaN where a split is not evaluated (an adversary's training)
  double train_seconds = 0, eval_seconds = 0;
  double tokens_per_second = 0;  ///< training tokens over train_seconds
};

/// result.json: `epoch`, `selected_on`, and `train`, `dev`, `test`, each with the four measures. ROC-AUC is null where
/// it is undefined.
struct RunResult {
  int32_t epoch = 0;        ///< the chosen one, from 1
  std::string selected_on;  ///< the measure that chose it: "test" or "dev", for ROC-AUC on that split; "train loss"
  BySplit<Classification> split;
};

/// result.json of a perturbation: the means of the measures of Perturbations (attention.h), under the same names, and
/// `exact_adversary`, a list of objects with `epsilon` and `jsd`, the mean. Runs of earlier versions do not have it.
struct PerturbationResult {
  double permutation_change = 0, adversary_jsd = 0, adversary_tvd = 0;
  struct ExactMean {
    double epsilon = 0, jsd = 0;
  };
  std::vector<ExactMean> exact_adversary = {};
};

/// result.json of an attribution: `measure`, and `splits`, an object per split with these members.
struct AttributionResult {
  struct OfSplit {
    int64_t texts = 0;
    double mean_absolute_score = 0;  ///< of score_probability over all words
    /// `share_not_converged`, of integrated gradients alone: of the texts, by the probability or by the logit.
    std::optional<double> share_not_converged = {};
  };
  Measure measure = Measure::attention;
  BySplit<std::optional<OfSplit>> splits;  ///< at least one
};

/// The content of metrics.csv.
std::string to_csv(std::span<const EpochMetrics> epochs);
/// The rows of metrics.csv, which must be those of the epochs 1, 2, ... with possible numbers. Throws InputError, which
/// says what is wrong but not in which file.
std::vector<EpochMetrics> parse_metrics(std::string_view content);

nlohmann::json to_json(const RunResult& result);
nlohmann::json to_json(const PerturbationResult& result);
nlohmann::json to_json(const AttributionResult& result);
/// Read what to_json wrote. Throw InputError, which says what is wrong but not in which file: a key that is missing or
/// unknown, a measure that is impossible, another `selected_on`.
RunResult parse_result(const nlohmann::json& json);
PerturbationResult parse_perturbation_result(const nlohmann::json& json);
AttributionResult parse_attribution_result(const nlohmann::json& json);

}  // namespace notnot
