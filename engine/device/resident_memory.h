#pragma once
#include <cstdint>

namespace notnot {

/// Resident memory of this process now, bytes; 0 where there is no /proc.
int64_t resident_bytes();

}  // namespace notnot
