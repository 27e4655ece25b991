#pragma once
// Where the time of a run goes: seconds, calls and counted floating-point operations per named section.
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/base/device.h"

namespace notnot {

/// Sections are few and found by their (static) names. On CUDA a section waits for the device at both ends, so a
/// profiled run is slower than a plain one; nothing is measured unless a Profile is attached.
class Profile {
 public:
  struct Row {
    const char* name = nullptr;
    double seconds = 0;
    int64_t calls = 0;
    double flop = 0;
  };
  void add(const char* name, double seconds, double flop);
  const std::vector<Row>& rows() const { return rows_; }
  /// A line per section, longest first: share of the time, seconds, calls, GFLOP/s where counted.
  std::string format() const;

  /// Times its own life as `name`; does nothing when `profile` is null.
  class Section {
   public:
    Section(Profile* profile, const Device& device, const char* name, double flop = 0);
    ~Section();
    Section(const Section&) = delete;
    Section& operator=(const Section&) = delete;

   private:
    Profile* profile_;
    const Device& device_;
    const char* name_;
    double flop_;
    std::chrono::steady_clock::time_point begin_;
  };

 private:
  std::vector<Row> rows_;
};

}  // namespace notnot
