#include "engine/io/version.h"

namespace notnot {

std::string_view version() { return NOTNOT_VERSION; }

}  // namespace notnot
