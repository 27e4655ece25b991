#pragma once
// The terms of the report and what they mean: one list (definitions.cpp), a section at the end of the page, and links to
// it from claims, captions and the heads of tables. A new term is an entry of the list.
#include <string>
#include <string_view>

namespace notnot {

/// A link to the definition of `term`, as HTML; `words` (plain text) stand on the page in place of the term. Throws Error
/// for a term that is not in the list.
std::string defined(std::string_view term, std::string_view words = "");

/// `text`, which is plain text, as HTML in which the first mention of each term is a link to its definition. A term may
/// begin with a capital letter in `text`.
std::string with_definitions(std::string_view text);

/// The section with the terms to which `page`, which is HTML, has links, and those that their definitions mention. Empty
/// if it has none.
std::string definitions_html(std::string_view page);

}  // namespace notnot
