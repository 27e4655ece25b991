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
  adversary,  ///< section 4, Table 4 and Figure 5; for comparison Jain & Wallace's two perturbations, Figure 3 (e, f)
  side_by_side,  ///< section 4 further: several adversaries of a base model that differ from each other, too
  importance,    ///< Jain & Wallace's (2019) section 4.1: attention against every measure of attribution
  diagnose,      ///< section 3.4, with attention from another program as a guide
};

/// The options of a study. The defaults are the choices of the paper (sections 3.1 and 4, and the released code).
struct StudyOptions {
  uint64_t seed = 10;  ///< of the base model and of the models that are compared with it
  std::vector<uint64_t> seeds = {50, 257, 500231, 100078, 12504, 90754789, 8988812, 2};
  std::vector<double> lambdas = {kLambdas.begin(), kLambdas.end()};
  /// How many seeds are trained for each cell of Tables 2 to 4: `seed`, then the first ones of `seeds`.
  int32_t repeats = 1;
  /// The measures whose attributions of the base model guide an MLP, too: any but attention, which always does.
  std::vector<Measure> guides = {};
  /// The seed of the adversaries. By default each adversary has the seed of its base model and so starts from that
  /// model's initial parameters; one more adversary then shows what another seed does.
  std::optional<uint64_t> adversary_seed = {};
  int32_t side_by_side = 0;  ///< how many adversaries train side by side: only for PaperTest::side_by_side
};
/// How often the grid of lambdas is extended at most. Each time it gets two larger lambdas.
inline constexpr int kExtensions = 3;

/// The runs of the tests, each once. The runs that others wait for stand first, then the longest ones. Throws
/// InputError when attention from another program has the name of a run.
std::vector<RunSpec> planned_runs(const Inputs& inputs, const StudyOptions& options, const std::set<PaperTest>& tests);

/// How far the finished adversaries of the base seed move the attention on the development split, on which the report
/// chooses one, too.
struct GridState {
  /// The lambda with the highest F1 among the adversaries whose mean JSD is above kFarAttention. Of several with the
  /// same F1 the smallest, as in the report's Table 4.
  std::optional<double> best;
  double largest_jsd = 0;
  double largest_lambda = 0;
  bool complete = false;  ///< whether all of them are finished
};
GridState grid_state(const Inputs& inputs, const StudyOptions& options, const std::vector<RunSpec>& runs);

/// The runs that follow when all of `runs` have ended: if no adversary moves the attention far enough, adversaries with
/// larger lambdas; otherwise an adversary with the best lambda for each repeated seed. Empty when nothing follows.
std::vector<RunSpec> following_runs(const Inputs& inputs, const StudyOptions& options, const std::set<PaperTest>& tests,
                                    const std::vector<RunSpec>& runs);

/// What may follow `runs`, whatever they result in. Never fewer runs than following_runs returns until nothing follows.
struct PossibleRuns {
  std::vector<std::vector<RunSpec>> larger_lambdas;  ///< round by round
  std::vector<RunSpec> other_seeds;                  ///< the last round; its lambda is only known at the end
};
PossibleRuns possible_runs(const Inputs& inputs, const StudyOptions& options, const std::set<PaperTest>& tests,
                           const std::vector<RunSpec>& runs);

}  // namespace notnot
