// Linked in place of measuring.cu in a build without CUDA, where no CUDA device can be opened.
#include "bench/measuring.h"

namespace notnot::bench::gpu {

struct EventPair {};

EventPair* open_events(const Device&) { throw Error("this build has no CUDA"); }
void close_events(EventPair*) noexcept {}
void record_start(const Device&, EventPair&) {}
void read_all(const Device&, const void*, size_t) {}
double elapsed_microseconds(EventPair&) { return 0; }
Limits limits_of(const Device&) { throw Error("this build has no CUDA"); }
int64_t memory_in_use(const Device&) { throw Error("this build has no CUDA"); }

}  // namespace notnot::bench::gpu
