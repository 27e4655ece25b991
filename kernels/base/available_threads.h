#pragma once
// How many threads a program should use on a machine that it may share.
#include <filesystem>
#include <optional>

namespace notnot {

/// How many threads the program should use if the user does not say: OMP_NUM_THREADS if it is set; otherwise the
/// processors on which the process may run, but no more than its quota of CPU time pays for (rounded up).
int available_threads();

/// The quota of CPU time, in processors (1.5: 150 ms in every 100 ms), that Linux's control groups set for the process:
/// the smallest of its own group and of all groups above it. Nothing if there is none. Version 2 of the control groups
/// and version 1 (the controller `cpu`) are read. `groups` is where they are mounted, `membership` says which ones are
/// the process's.
std::optional<double> cpu_quota(const std::filesystem::path& groups = "/sys/fs/cgroup",
                                const std::filesystem::path& membership = "/proc/self/cgroup");

}  // namespace notnot
