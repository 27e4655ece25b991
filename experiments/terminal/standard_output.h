#pragma once
// Standard output, whose errors are reported at the end of the program.
#include <system_error>

namespace notnot {

/// Makes `stdout` a stream that keeps its first error, and drops what is printed after it. Otherwise a full disk behind
/// `> log` would end a training of hours where it prints its next line. Also opens the standard descriptors that the
/// caller has closed, in such a way that they cannot be used: a file of the program would get their numbers, and what
/// is printed would go into that file. To be called first, once.
void keep_output_errors();

/// Writes what is still in the buffer and closes standard output. The first error since keep_output_errors.
std::error_code close_standard_output();

}  // namespace notnot
