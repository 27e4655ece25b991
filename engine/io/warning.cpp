#include "engine/io/warning.h"

#include <cstdio>

namespace notnot {

void warn(const std::string& sentence) { std::fputs(("warning: " + sentence + "\n").c_str(), stderr); }

}  // namespace notnot
