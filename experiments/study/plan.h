#pragma once
// The four tests of the paper on one data set, as a list of runs.
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "experiments/study/paper_numbers.h"
#include "experiments/study/setup.h"

namespace notnot {

enum class PaperTest : uint8_t {
  uniform,    ///< paper section 3.2, Table 2
  seeds,      ///< section 3.3, Figure 3 (a-d)
  guides,     ///< section 3.4, Table 3
  adversary,  ///< section 4, Table 4 and Figure 5; Jain & Wallace's two perturbations for comparison, Figure 3 (e, f)
  diagnose,   ///< section 3.4 with attention from elsewhere as a guide
};

/// The choices of the paper (section 3.1 and 4, and the released code).
struct StudyOptions {
  uint64_t seed = 10;  ///< of the base model and of all that is compared with it
  std::vector<uint64_t> seeds = {50, 257, 500231, 100078, 12504, 90754789, 8988812, 2};
  std::vector<double> lambdas = {kLambdas.begin(), kLambdas.end()};
  /// Trained seeds per cell of Tables 2 to 4: `seed` and the first of `seeds`.
  int32_t repeats = 1;
  /// Of the adversaries. Default: the base model's own, which starts them at its initial parameters; one more adversary
  /// then shows what another seed does.
  std::optional<uint64_t> adversary_seed = {};
};
inline constexpr int kExtensions = 3;  ///< of the lambda grid upwards, two lambdas each

/// The runs of the tests, those first that others wait for, then the longest.
std::vector<RunSpec> planned_runs(const Setup& setup, const StudyOptions& options, const std::set<PaperTest>& tests);

/// Where the base seed's adversaries stand.
struct GridState {
  std::optional<double>
      best;  ///< lambda of the highest test F1 among those with an instance-mean JSD above kFarAttention
  double largest_jsd = 0;
  double largest_lambda = 0;  ///< of those that are finished
};
GridState grid_state(const Setup& setup, const StudyOptions& options, const std::vector<RunSpec>& runs);

/// What follows from the adversaries of `runs`, all of which have ended: larger lambdas where none moves the attention
/// far enough, else the best lambda for the other repeats. Empty: nothing.
std::vector<RunSpec> following_runs(const Setup& setup, const StudyOptions& options, const std::set<PaperTest>& tests,
                                    const std::vector<RunSpec>& runs);

}  // namespace notnot
