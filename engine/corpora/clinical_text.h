#pragma once
// Cleans the notes of MIMIC-III as the published pipeline does.
#include <string>
#include <string_view>

namespace notnot {

/// The words of the text (tokenise.h) in lower case, joined by blanks. Then de-identification brackets ("[**Known
/// lastname 123**]") become `<DE>`; a character that is no ASCII letter or digit and that is repeated, with blanks
/// between or not, becomes one ("* * *", "---"); and a word with a digit becomes `qqq`. `text` is valid UTF-8.
std::string clean_clinical_text(std::string_view text);

}  // namespace notnot
