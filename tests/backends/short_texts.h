#pragma once
// A planted corpus whose texts are cut to 1 to 9 words, so that every short length occurs.
#include <vector>

#include "engine/corpora/planted_corpus.h"
#include "engine/data/dataset.h"
#include "engine/io/text.h"

namespace notnot {

inline Dataset short_texts(int32_t train, int32_t dev, int32_t test) {
  auto texts =
      make_planted_corpus({.seed = 1, .train = train, .dev = dev, .test = test, .min_length = 9, .max_length = 12});
  for (size_t i = 0; i < texts.size(); ++i) {
    auto words = split_words(texts[i].words);
    words.resize(i % 9 + 1);
    texts[i].words = join_words(words);
  }
  return make_dataset("planted", texts, {});
}

/// The texts of `split` with these indices.
inline Split select_texts(const Split& split, const std::vector<int32_t>& texts) {
  Split result;
  for (const int32_t text : texts) {
    for (int64_t n = split.offsets[text]; n < split.offsets[text + 1]; ++n) {
      result.token_ids.push_back(split.token_ids[n]);
    }
    result.offsets.push_back(result.token_ids.size());
    result.labels.push_back(split.labels[text]);
    result.rows.push_back(split.rows[text]);
  }
  return result;
}

}  // namespace notnot
