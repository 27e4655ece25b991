#include "engine/data/word_reader.h"

#include <algorithm>

#include "kernels/base/error.h"

namespace notnot {

WordReader::WordReader(const Vocabulary& vocabulary, const Split& split) : vocabulary_(vocabulary), split_(split) {
  int64_t unknown = 0;
  for (int32_t i = 0; i < split.size(); ++i) {
    unknown_before_.push_back(unknown);
    unknown += std::count(split.token_ids.begin() + split.offsets[i], split.token_ids.begin() + split.offsets[i + 1],
                          kUnknownId);
  }
  NOTNOT_CHECK(static_cast<size_t>(unknown) == split.unknown.size(), "{} unknown words, of which {} have a spelling",
               unknown, split.unknown.size());
}

std::vector<std::string_view> WordReader::words(size_t i, size_t most) const {
  const auto size = std::min<size_t>(most, split_.length(static_cast<int32_t>(i)) - 2);
  const int32_t* ids = split_.token_ids.begin() + split_.offsets[i] + 1;
  int64_t unknown = unknown_before_[i];
  std::vector<std::string_view> words;
  for (size_t k = 0; k < size; ++k) {
    words.push_back(ids[k] == kUnknownId ? split_.outside[split_.unknown[unknown++]] : vocabulary_.word(ids[k]));
  }
  return words;
}

std::vector<int64_t> WordReader::unknown(size_t i) const {
  std::vector<int64_t> places;
  for (int64_t at = split_.offsets[i] + 1; at + 1 < split_.offsets[i + 1]; ++at) {
    if (split_.token_ids[at] == kUnknownId) places.push_back(at - split_.offsets[i] - 1);
  }
  return places;
}

}  // namespace notnot
