#pragma once
// What the program says on standard error while its work goes on.
#include <string>

namespace notnot {

/// Prints "warning: " and the sentence, as printable (text.h) makes it. No error where standard error takes nothing:
/// the work is worth more than the word.
void warn(const std::string& sentence);

}  // namespace notnot
