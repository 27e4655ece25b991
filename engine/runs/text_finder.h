#pragma once
// Which text of a data set a line of JSON speaks of. The rules stand in external_attention.h.
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <unordered_map>

#include "engine/data/dataset.h"
#include "engine/io/json_lines.h"

namespace notnot {

struct TextPlace {
  SplitName split;
  size_t index;  ///< in the split
};

/// What to do about a text that is not the data set's, for messages.
inline constexpr const char* kOtherDataset =
    "compute the attention on the same data set, prepared with the same options; notnot data --tokens writes its texts";

/// The value for a message: shortened, because a value may be as long as the line.
std::string value_shown(const nlohmann::json& value);

class TextFinder {
 public:
  /// Both must outlive the finder.
  TextFinder(const Dataset& dataset, const JsonLinesReader& file);

  /// The text that `object`, the current line of the file, names by `split` and `row`, `id` or both. Throws InputError
  /// if no text has that name, or several have it, or nothing shows whose number an `id` is.
  TextPlace find(const nlohmann::json& object) const;

 private:
  using Index = std::unordered_map<std::string, size_t>;

  SplitName split_of(const nlohmann::json& object) const;
  void check_key(const nlohmann::json& object, const nlohmann::json& row, const nlohmann::json& id) const;
  std::string row_of(const nlohmann::json& value) const;
  std::string id_of(const nlohmann::json& value) const;
  size_t find_row(SplitName split, const std::string& row) const;
  size_t find_id(SplitName split, const std::string& id) const;
  void check_id(const TextPlace& text, const std::string& given) const;

  const Dataset& dataset_;
  const JsonLinesReader& file_;
  BySplit<Index> rows_, ids_;  ///< to the text's index, or that there are several
  bool has_ids_ = false;
};

}  // namespace notnot
