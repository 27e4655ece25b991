#pragma once
// The measurements of the program growth, and their figures.
#include <filesystem>
#include <string>
#include <vector>

#include "bench/track.h"

namespace notnot::bench {

/// The sizes of one measurement. Every sweep passes through the values here.
struct GrowthSizes {
  int32_t tokens = 200;  ///< words per text
  int32_t batch = 32;
  int32_t models = 1;
  int32_t vocabulary = 13'000;
};

/// Measurements in which one size varies and the others stay.
struct Sweep {
  std::string name;  ///< in file names and options
  std::string x_label;
  int32_t GrowthSizes::*size;
  std::vector<int32_t> values;
};

struct GrowthPoint {
  GrowthSizes sizes;
  int64_t tokens = 0;          ///< tokens of a round, of all models together
  Times training, evaluation;  ///< times of rounds
  int64_t table_bytes = 0;     ///< the models' memory tables
  int64_t at_most_bytes = 0;   ///< their rows that are only known as "at most"
  int64_t measured_bytes = 0;  ///< by which the memory in use grew

  /// Tokens per second of a round that took `seconds`.
  double speed(double seconds) const { return static_cast<double>(tokens) / seconds; }
};

/// Writes `growth_SWEEP.svg` (speed) and `growth_SWEEP_memory.svg` into `folder`, which must exist; `hardware` stands
/// in their titles. Throws InputError as draw() of experiments/figures/figures.h does.
void draw_growth(const Sweep& sweep, const std::vector<GrowthPoint>& points, const std::string& hardware,
                 const std::filesystem::path& folder);

}  // namespace notnot::bench
