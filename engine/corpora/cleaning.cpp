#include "engine/corpora/cleaning.h"

#include <algorithm>

#include "engine/corpora/clinical_text.h"
#include "engine/corpora/imdb.h"
#include "engine/corpora/news_text.h"
#include "engine/corpora/sst_trees.h"
#include "engine/corpora/tokenise.h"
#include "engine/io/text.h"
#include "kernels/base/error.h"

namespace notnot {

std::string_view to_string(Cleaning cleaning) {
  constexpr std::array<std::string_view, kCleanings.size()> kNames = {"blanks", "words",      "sst",     "imdb",
                                                                      "agnews", "newsgroups", "clinical"};
  return kNames[static_cast<size_t>(cleaning)];
}

std::optional<Cleaning> find_cleaning(std::string_view name) {
  const auto* found =
      std::find_if(kCleanings.begin(), kCleanings.end(), [name](Cleaning known) { return to_string(known) == name; });
  return found == kCleanings.end() ? std::nullopt : std::optional(*found);
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

}  // namespace notnot
