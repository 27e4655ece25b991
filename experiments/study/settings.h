#pragma once
// The user's choices for all runs on a data set.
#include <cstdint>
#include <string>

#include "engine/corpora/corpus.h"
#include "engine/data/split_name.h"
#include "kernels/bilstm.h"

namespace notnot {

/// The strings are the values of command-line options. experiments/commands/options.h checks them.
struct Settings {
  CorpusRequest corpus;
  std::string vectors, init;  ///< files; empty for none
  std::string select = "test", device = "auto", precision = "fp32", runs = "runs";
  int32_t epochs = 8, batch = 32, hidden = 128;
  int32_t threads = 0;                           ///< of the CPU; 0: all that the process may use
  int32_t adversary_epochs = 80, patience = 10;  ///< an adversary stops after `patience` epochs without a lower loss
  std::string tvd = "single";
  double checkpoint_minutes = 10;  ///< within an epoch: the most between two checkpoints; 0: one after every batch

  /// The split whose ROC-AUC chooses the epoch.
  SplitName selection() const { return select == "test" ? SplitName::test : SplitName::dev; }
  Precision lstm_precision() const {
    return precision == to_string(Precision::bf16x3) ? Precision::bf16x3 : Precision::fp32;
  }
};

}  // namespace notnot
