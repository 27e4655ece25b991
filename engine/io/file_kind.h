#pragma once
// What a file is that is no text, by its first bytes.
#include <cstddef>
#include <string>
#include <string_view>

namespace notnot {

/// How many first bytes tell what a file is.
inline constexpr size_t kTellingBytes = 512;

/// What the file is and what to do, for a message: "a tar archive; unpack it". Empty if it may be text, or word
/// vectors. `beginning` is its first kTellingBytes, fewer if it has fewer.
std::string what_else(std::string_view beginning);

/// Whether the file begins with a byte order mark of UTF-16. So does UTF-32, which what_else knows.
bool is_marked_utf16(std::string_view beginning);

/// Whether the file begins as a safetensors file does (engine/io/safetensors.h).
bool is_safetensors(std::string_view beginning);

/// Whether the file begins as HTML does. A text may; a table or word vectors never do.
bool is_web_page(std::string_view beginning);

}  // namespace notnot
