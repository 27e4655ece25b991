#pragma once
// How a data set's raw texts become words. What was done to the training texts must be done to any text that a model of
// theirs is applied to, so a prepared folder and a run record it by name.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace notnot {

enum class Cleaning : uint8_t {
  blanks,      ///< the user's own texts: lower case, words between white space
  words,       ///< the user's own texts: lower case, words and punctuation marks by Unicode's boundaries (tokenise.h)
  sst,         ///< sst_trees.h
  imdb,        ///< imdb.h
  agnews,      ///< news_text.h
  newsgroups,  ///< news_text.h, thinned; headers, quotations and signatures are not looked for
  clinical     ///< clinical_text.h
};
inline constexpr std::array<Cleaning, 7> kCleanings = {Cleaning::blanks, Cleaning::words,      Cleaning::sst,
                                                       Cleaning::imdb,   Cleaning::agnews,     Cleaning::newsgroups,
                                                       Cleaning::clinical};
/// "blanks", for example.
std::string_view to_string(Cleaning cleaning);
std::optional<Cleaning> find_cleaning(std::string_view name);

/// The words of `text`, which is valid UTF-8, with single blanks between them; empty if there is none. Byte order marks
/// are left out.
std::string clean_text(std::string_view text, Cleaning cleaning);

}  // namespace notnot
