#pragma once
// A file that is mapped into memory and then cut short, by another program or user: to touch a page behind its end
// raises SIGBUS. The program cannot go on from there, but it ends with a sentence that names the file.
#include <cstddef>
#include <string>

namespace notnot {

/// Notes that [begin, begin + size) is mapped from `path`. From the first call on, SIGBUS in such a range prints what
/// happened and ends the program with exit status 1; elsewhere it does what it did before.
void note_mapping(const void* begin, size_t size, const std::string& path);
/// Takes the note back.
void forget_mapping(const void* begin) noexcept;

}  // namespace notnot
