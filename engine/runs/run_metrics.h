#pragma once
// The measures of a run, and the two files that hold them: metrics.csv and result.json.
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/data/split_name.h"
#include "engine/math/metrics.h"

namespace notnot {

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

/// result.json: `epoch`, `selected_on`, and `train`, `dev`, `test`, each with the four measures (null where undefined).
struct RunResult {
  int32_t epoch = 0;        ///< the chosen one
  std::string selected_on;  ///< the measure that chose it, e.g. "test", "dev", "train loss"
  BySplit<Classification> split;
};

/// The content of metrics.csv.
std::string to_csv(std::span<const EpochMetrics> epochs);
/// The rows of metrics.csv. Throws InputError, which says what is wrong but not in which file.
std::vector<EpochMetrics> parse_metrics(std::string_view content);

nlohmann::json to_json(const RunResult& result);
/// Reads what to_json wrote. Throws nlohmann's exceptions for anything else.
RunResult parse_result(const nlohmann::json& json);

}  // namespace notnot
