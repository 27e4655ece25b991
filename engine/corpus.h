#pragma once
// From what the user names to a Dataset: `planted`, `sst`, or a file of the user's own.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "engine/dataset.h"
#include "engine/planted_corpus.h"

namespace notnot {

struct CorpusRequest {
  /// `planted`  the built-in synthetic corpus; min_df 1, every length
  /// `sst`      $NOTNOT_DATA/sst/sst_dataset.csv or, without it, $NOTNOT_DATA/sst/trees; min_df 1, more than
  ///            5 words and fewer than the split's longest text
  /// a path     a CSV file (engine/csv.h); min_df 1, every length
  std::string dataset;
  /// Override the defaults above. A length bound turns the length filter on, for every corpus; the bound that is not
  /// given is then the split's own, strictly (DatasetOptions), so that `max_length` alone also drops the shortest
  /// texts.
  std::optional<int32_t> min_df = {}, min_length = {}, max_length = {};
  PlantedOptions planted = {};  ///< used by `planted` alone
};

/// The data set and what was used to make it, for config.json.
struct Corpus {
  Dataset dataset;             ///< its name is `planted`, `sst` or the file's name without extension
  std::filesystem::path path;  ///< the file or folder that was read; empty for `planted`
  DatasetOptions options;
};

/// Throws InputError when the data set is not known or not there, and everything that the readers throw.
Corpus load_corpus(const CorpusRequest& request);

}  // namespace notnot
