#pragma once
// How a data set's raw texts become words. What was done to the training texts must be done to any text that a model of
// theirs is applied to.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace notnot {

enum class Cleaning : uint8_t {
  blanks,      ///< the user's own texts: lower case, words between Unicode white space; nothing else
  words,       ///< the user's own texts: lower case, words and punctuation marks by Unicode's boundaries (tokenise.h)
  sst,         ///< sst_trees.h
  imdb,        ///< imdb.h
  agnews,      ///< news_text.h
  newsgroups,  ///< news_text.h, thinned; headers, quotations and signatures are not looked for
  clinical     ///< clinical_text.h
};

/// What a user's own texts may be cut with, as the command line has it: "blanks" or "words".
Cleaning own_cleaning(std::string_view tokenise);

/// The cleaning of the texts of `reader`, which is Corpus::reader; `tokenise` counts for the user's own texts only.
Cleaning cleaning_of(std::string_view reader, std::string_view tokenise);

/// The words of `text`, which is valid UTF-8, with single blanks between them; empty if there is none. Byte order marks
/// are left out.
std::string clean_text(std::string_view text, Cleaning cleaning);

/// For each word of clean_text, which of the pieces of `text` between white space it is of, counted from 0; only for
/// Cleaning::blanks, whose words are the pieces, and Cleaning::words, which may cut a piece into several.
std::vector<int32_t> pieces_of_words(std::string_view text, Cleaning cleaning);

}  // namespace notnot
