#include "engine/io/warning.h"

#include <cstdio>

#include "engine/io/text.h"

namespace notnot {

void warn(const std::string& sentence) { std::fputs(("warning: " + printable(sentence) + "\n").c_str(), stderr); }

}  // namespace notnot
