#pragma once
// The runs that the four tests of the paper need on one data set.
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "experiments/study/inputs.h"
#include "experiments/study/paper_numbers.h"

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
  /// The seed of the adversaries. By default each adversary has the seed of its base model and so starts from that model's
  /// initial parameters; one more adversary then shows what another seed does.
  std::optional<uint64_t> adversary_seed = {};
};
/// How often the grid of lambdas is extended upwards at most, by two lambdas each time.
inline constexpr int kExtensions = 3;

/// The runs of the tests. Runs that others wait for stand first, then the longest.
std::vector<RunSpec> planned_runs(const Inputs& inputs, const StudyOptions& options, const std::set<PaperTest>& tests);

/// How far the finished adversaries of the base seed get.
struct GridState {
  /// The lambda with the highest test F1 among the adversaries with an instance-mean JSD above kFarAttention.
  std::optional<double> best;
  double largest_jsd = 0;
  double largest_lambda = 0;
};
GridState grid_state(const Inputs& inputs, const StudyOptions& options, const std::vector<RunSpec>& runs);

/// The runs that follow when all of `runs` have ended: adversaries with larger lambdas if none moves the attention far
/// enough, otherwise adversaries of the other repeats with the best lambda. Empty: nothing follows.
std::vector<RunSpec> following_runs(const Inputs& inputs, const StudyOptions& options, const std::set<PaperTest>& tests,
                                    const std::vector<RunSpec>& runs);

}  // namespace notnot
