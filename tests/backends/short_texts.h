#pragma once
// A planted corpus whose texts are cut to 1 to 9 words, so that every short length occurs.
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

}  // namespace notnot
