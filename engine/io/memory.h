#pragma once
// The machine's memory: what a file says of its sizes is compared with it before memory is taken.
#include <cstdint>
#include <string_view>

namespace notnot {

/// Throws InputError "WHAT takes N MiB, and the machine has M MiB to give; ..." unless `count` values of `bytes` bytes
/// each, both at least 0, fit into the memory that can be had now.
void check_memory(int64_t count, int64_t bytes, std::string_view what);

}  // namespace notnot
