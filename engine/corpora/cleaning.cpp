#include "engine/corpora/cleaning.h"

#include "engine/corpora/clinical_text.h"
#include "engine/corpora/imdb.h"
#include "engine/corpora/news_text.h"
#include "engine/corpora/sst_trees.h"
#include "engine/corpora/tokenise.h"
#include "engine/io/text.h"
#include "kernels/base/error.h"

namespace notnot {

Cleaning own_cleaning(std::string_view tokenise) { return tokenise == "words" ? Cleaning::words : Cleaning::blanks; }

Cleaning cleaning_of(std::string_view reader, std::string_view tokenise) {
  if (reader == "sst") return Cleaning::sst;
  if (reader == "imdb") return Cleaning::imdb;
  if (reader == "agnews") return Cleaning::agnews;
  if (reader == "20news") return Cleaning::newsgroups;
  if (reader == "diabetes" || reader == "anemia") return Cleaning::clinical;
  return own_cleaning(tokenise);
}

std::string clean_text(std::string_view raw, Cleaning cleaning) {
  const std::string text = without_byte_order_marks(raw);
  switch (cleaning) {
    case Cleaning::blanks:
      return join_words(split_at_white_space(to_lower(text)));
    case Cleaning::words:
      return join_words(tokenise(to_lower(text)));
    case Cleaning::sst:
      return clean_sst(text);
    case Cleaning::imdb:
      return clean_imdb(text);
    case Cleaning::agnews:
      return tokenise_news(text);
    case Cleaning::newsgroups:
      return thin_punctuation(tokenise_news(text));
    case Cleaning::clinical:
      return clean_clinical_text(text);
  }
  NOTNOT_CHECK(false, "cleaning {}", static_cast<int>(cleaning));
  return "";
}

std::vector<int32_t> pieces_of_words(std::string_view raw, Cleaning cleaning) {
  NOTNOT_CHECK(cleaning == Cleaning::blanks || cleaning == Cleaning::words, "cleaning {}", static_cast<int>(cleaning));
  const std::string text = to_lower(without_byte_order_marks(raw));
  const std::vector<std::string_view> pieces = split_at_white_space(text);
  const std::vector<std::string_view> words = cleaning == Cleaning::words ? tokenise(text) : pieces;
  std::vector<int32_t> result;
  size_t piece = 0;
  for (const std::string_view word : words) {
    const char* const last = word.data() + word.size() - 1;
    while (piece + 1 < pieces.size() && pieces[piece].data() + pieces[piece].size() <= last) ++piece;
    result.push_back(static_cast<int32_t>(piece));
  }
  return result;
}

}  // namespace notnot
