#pragma once
// Loads the data set that the user names: `planted`, `sst`, a prepared folder, or a file of the user's own.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/corpora/planted_corpus.h"
#include "engine/data/dataset.h"
#include "engine/data/prepared.h"

namespace notnot {

struct CorpusRequest {
  /// `planted`  the built-in synthetic corpus; min_df 1, every length
  /// a path     a folder that `notnot prepare` wrote (engine/data/prepared.h), or a file (engine/corpora/table.h); for
  ///            a file min_df 1, every length
  /// a name     the prepared folder $NOTNOT_DATA/prepared/NAME
  /// `sst`      if there is no such prepared folder: $NOTNOT_DATA/sst/sst_dataset.csv or, without it,
  ///            $NOTNOT_DATA/sst/trees, with the published options
  std::string dataset;
  /// Override the defaults above; not for a prepared folder, where they are fixed (override_options).
  std::optional<int32_t> min_df = {}, min_length = {}, max_length = {};
  PlantedOptions planted = {};  ///< for `planted` only; with another data set an error unless they are the defaults
};

/// Corpus::reader of the built-in corpus and of users' files.
inline constexpr const char* kPlantedReader = "planted";
inline constexpr const char* kTableReader = "csv";

/// Whether the texts may not be shared: those of a clinical corpus, also where they are made up, and those that were
/// marked by `notnot prepare csv --confidential`.
bool is_confidential(const PreparedFolder& folder);

/// The data set and how it was made, for config.json.
struct Corpus {
  Dataset dataset;  ///< its name is `planted`, `sst`, the folder's own or the file's without extension
  /// Which reader read the texts: kPlantedReader, kTableReader, or the name of a published corpus. Only the reader
  /// tells that the texts are those of the paper; a name may be anybody's.
  std::string reader;
  std::filesystem::path path;  ///< the file or folder that was read; empty for `planted`
  DatasetOptions options;
  /// SHA-256 of what was read: of a file its bytes, of the SST trees checksum_of their files, of a prepared folder
  /// PreparedFolder::checksum. Empty for `planted`.
  std::string checksum;
  std::optional<PreparedFolder> prepared = {};  ///< the folder, if the data set is prepared
  std::string tokenise = {};                    ///< own_cleaning; empty for "blanks"
  std::vector<std::string> warnings = {};       ///< what the user should know about the texts (text_warnings.h)
  /// The prepared folder says that its texts are made up in place of real ones.
  bool synthetic() const { return prepared && prepared->is_synthetic(); }
  /// is_confidential of the prepared folder.
  bool confidential() const { return prepared && is_confidential(*prepared); }
};

/// Options that the user gives.
struct OptionOverrides {
  std::optional<int32_t> min_df = {}, min_length = {}, max_length = {};
};
/// A length bound turns the length filter on. Where there was none, a bound that is not given keeps every text; that of
/// a published filter stays as it is (the split's own shortest or longest length among them, see DatasetOptions).
/// Throws InputError on a negative bound.
DatasetOptions override_options(DatasetOptions options, const OptionOverrides& overrides);

/// $NOTNOT_DATA; empty when it is not set.
std::filesystem::path data_folder();

/// The prepared folder at the path `dataset` or of that name; nothing when there is neither.
std::optional<std::filesystem::path> find_prepared(const std::string& dataset);

/// Throws InputError when the data set is not known or not there, and everything that the readers throw. Calls
/// keep_private (engine/io/file_modes.h) before it reads confidential texts.
Corpus load_corpus(const CorpusRequest& request);

}  // namespace notnot
