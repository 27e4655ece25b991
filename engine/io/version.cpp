#include "engine/io/version.h"

namespace notnot {

std::string_view version() { return NOTNOT_VERSION; }
std::string_view commit() { return NOTNOT_COMMIT; }

}  // namespace notnot
