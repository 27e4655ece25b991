#include "experiments/study/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/io/input_error.h"
#include "engine/runs/attention.h"
#include "experiments/study/existing_runs.h"

namespace notnot {
namespace {

/// The seeds with which every cell of Tables 2 to 4 is trained.
std::vector<uint64_t> repeated_seeds(const StudyOptions& options) {
  std::vector<uint64_t> seeds = {options.seed};
  const size_t more = std::min<size_t>(options.repeats - 1, options.seeds.size());
  seeds.insert(seeds.end(), options.seeds.begin(), options.seeds.begin() + more);
  return seeds;
}

/// Runs start in the order of their ranks: first the runs that others wait for, then the longest ones.
int rank(const RunSpec& spec) {
  switch (spec.kind) {
    case RunKind::base:
      return 0;
    case RunKind::adversary:
    case RunKind::side_by_side:
      return 1;
    case RunKind::uniform:
      return 2;
    default:
      return 3;
  }
}

class Planner {
 public:
  Planner(const Inputs& inputs, const StudyOptions& options) : inputs_(inputs), options_(options) {}

  void plan(PaperTest test) {
    const std::vector<uint64_t> seeds = repeated_seeds(options_);
    switch (test) {
      case PaperTest::uniform:
        for (const uint64_t seed : seeds) add({base(seed), plain(RunKind::uniform, seed)});
        break;
      case PaperTest::seeds:
        add({base(options_.seed)});
        for (const uint64_t seed : options_.seeds) add({base(seed)});
        break;
      case PaperTest::guides:
        for (const uint64_t seed : seeds) plan_guides(seed);
        break;
      case PaperTest::adversary:
        plan_adversaries();
        break;
      case PaperTest::importance:
        for (const uint64_t seed : seeds) plan_importance(seed);
        break;
      case PaperTest::side_by_side:
        for (const uint64_t seed : seeds) plan_side_by_side(seed);
        break;
      case PaperTest::diagnose:
        for (const uint64_t seed : seeds) plan_diagnosis(seed);
        break;
    }
  }

  RunSpec adversary(double lambda, uint64_t base_seed) const {
    return adversary(lambda, base_seed, options_.adversary_seed.value_or(base_seed));
  }
  RunSpec adversary(double lambda, uint64_t base_seed, uint64_t seed) const {
    return {.kind = RunKind::adversary, .seed = seed, .lambda = lambda, .other = name(base(base_seed))};
  }
  RunSpec base(uint64_t seed) const { return plain(RunKind::base, seed); }

  std::vector<RunSpec> runs() && {
    std::stable_sort(runs_.begin(), runs_.end(), [](const auto& a, const auto& b) { return rank(a) < rank(b); });
    return std::move(runs_);
  }

 private:
  static RunSpec plain(RunKind kind, uint64_t seed) { return {.kind = kind, .seed = seed, .lambda = 0, .other = {}}; }
  std::string name(const RunSpec& spec) const { return run_name(inputs_.name(), spec); }
  static RunSpec guided(const std::string& other, uint64_t seed) {
    return {.kind = RunKind::guided_mlp, .seed = seed, .lambda = 0, .other = other};
  }

  void add(const std::vector<RunSpec>& specs) {
    for (const RunSpec& spec : specs) {
      if (std::find(runs_.begin(), runs_.end(), spec) == runs_.end()) runs_.push_back(spec);
    }
  }

  void plan_guides(uint64_t seed) {
    const RunSpec adversarial = adversary(kGuideLambda, seed);
    add({base(seed), plain(RunKind::uniform_mlp, seed), plain(RunKind::trained_mlp, seed), adversarial,
         guided(name(base(seed)), seed), guided(name(adversarial), seed)});
    for (const Measure measure : options_.guides) {
      const RunSpec attribution =
          attribution_of(inputs_.name(), base(seed), measure, {kSplitNames.begin(), kSplitNames.end()});
      add({attribution, guided(name(attribution), seed)});
    }
  }

  void plan_importance(uint64_t seed) {
    add({base(seed)});
    for (const Measure measure : kMeasures) {
      add({attribution_of(inputs_.name(), base(seed), measure, {SplitName::test})});
    }
  }

  void plan_adversaries() {
    const RunSpec attacked = base(options_.seed);
    // The adversaries of the other ones follow (following_runs).
    for (const uint64_t seed : repeated_seeds(options_)) add({base(seed)});
    add({plain(RunKind::uniform, options_.seed),
         {.kind = RunKind::perturbation, .seed = options_.seed, .lambda = 0, .other = name(attacked)}});
    for (const double lambda : options_.lambdas) add({adversary(lambda, options_.seed)});
    if (!options_.adversary_seed && !options_.seeds.empty()) {
      add({adversary(kGuideLambda, options_.seed), adversary(kGuideLambda, options_.seed, options_.seeds.front())});
    }
  }

  /// A group for each lambda.
  void plan_side_by_side(uint64_t base_seed) {
    add({base(base_seed)});
    for (const double lambda : options_.lambdas) {
      RunSpec member = adversary(lambda, base_seed);
      member.kind = RunKind::side_by_side;
      member.members = options_.side_by_side;
      add(group_of(member));
    }
  }

  void plan_diagnosis(uint64_t seed) {
    const ExternalGuide& guide = *inputs_.guide;
    if (parse_run_name(inputs_.name(), guide.label)) {
      throw InputError(
          fmt::format("{}: attention from another program is called {} here, and so is a run on {}; give "
                      "the file another name",
                      guide.file.string(), guide.label, inputs_.name()));
    }
    add({base(seed), plain(RunKind::uniform_mlp, seed), plain(RunKind::trained_mlp, seed),
         guided(name(base(seed)), seed), guided(guide.label, seed)});
  }

  const Inputs& inputs_;
  const StudyOptions& options_;
  std::vector<RunSpec> runs_;
};

/// How often the grid was extended: each time by two lambdas that were not planned.
int64_t extensions(const StudyOptions& options, const std::vector<RunSpec>& runs) {
  const auto planned = [&](double lambda) {
    return lambda == kGuideLambda ||
           std::find(options.lambdas.begin(), options.lambdas.end(), lambda) != options.lambdas.end();
  };
  return std::count_if(runs.begin(), runs.end(),
                       [&](const RunSpec& spec) { return spec.kind == RunKind::adversary && !planned(spec.lambda); }) /
         2;
}

/// The adversaries with two larger lambdas, which extend a grid that ends at `largest`.
std::vector<RunSpec> extension(const Planner& planner, const StudyOptions& options, double largest) {
  return {planner.adversary(2 * largest, options.seed), planner.adversary(4 * largest, options.seed)};
}

/// The adversaries with this lambda of the repeated seeds except the base seed.
std::vector<RunSpec> of_other_seeds(const Planner& planner, const StudyOptions& options, double lambda) {
  std::vector<RunSpec> adversaries;
  for (const uint64_t seed : repeated_seeds(options)) {
    if (seed != options.seed) adversaries.push_back(planner.adversary(lambda, seed));
  }
  return adversaries;
}

std::vector<RunSpec> without(std::vector<RunSpec> specs, const std::vector<RunSpec>& runs) {
  std::erase_if(specs, [&](const RunSpec& spec) { return std::find(runs.begin(), runs.end(), spec) != runs.end(); });
  return specs;
}

}  // namespace

std::vector<RunSpec> planned_runs(const Inputs& inputs, const StudyOptions& options, const std::set<PaperTest>& tests) {
  Planner planner(inputs, options);
  for (const PaperTest test : tests) planner.plan(test);
  return std::move(planner).runs();
}

GridState grid_state(const Inputs& inputs, const StudyOptions& options, const std::vector<RunSpec>& runs) {
  const Planner planner(inputs, options);
  const RunFolder base = inputs.folder(planner.base(options.seed));
  // A run whose training failed may have left the folder of another one, which would have been replaced.
  const auto finished = [&](const RunSpec& spec) {
    return existing_run(inputs.folder(spec), inputs.config(spec), kAnyExisting) == Existing::finished;
  };
  GridState state;
  if (!finished(planner.base(options.seed))) return state;
  state.complete = true;
  const Attention attacked = base.attention(SplitName::dev);
  double best_f1 = -1;
  for (const RunSpec& spec : runs) {
    if (spec != planner.adversary(spec.lambda, options.seed)) continue;
    if (!finished(spec)) {
      state.complete = false;
      continue;
    }
    const double jsd = divergences(attacked, inputs.folder(spec).attention(SplitName::dev), kTvdSingle).mean_jsd();
    const double f1 = inputs.folder(spec).result().split.dev.f1;
    state.largest_jsd = std::max(state.largest_jsd, jsd);
    state.largest_lambda = std::max(state.largest_lambda, spec.lambda);
    if (jsd > kFarAttention && (f1 > best_f1 || (f1 == best_f1 && spec.lambda < state.best))) {
      best_f1 = f1;
      state.best = spec.lambda;
    }
  }
  return state;
}

std::vector<RunSpec> following_runs(const Inputs& inputs, const StudyOptions& options, const std::set<PaperTest>& tests,
                                    const std::vector<RunSpec>& runs) {
  if (!tests.contains(PaperTest::adversary)) return {};
  const Planner planner(inputs, options);
  const GridState state = grid_state(inputs, options, runs);
  if (state.best) return without(of_other_seeds(planner, options, *state.best), runs);
  if (state.largest_lambda > 0 && extensions(options, runs) < kExtensions) {
    return without(extension(planner, options, state.largest_lambda), runs);
  }
  return {};
}

PossibleRuns possible_runs(const Inputs& inputs, const StudyOptions& options, const std::set<PaperTest>& tests,
                           const std::vector<RunSpec>& runs) {
  PossibleRuns possible;
  if (!tests.contains(PaperTest::adversary)) return possible;
  const Planner planner(inputs, options);
  const GridState state = grid_state(inputs, options, runs);
  double largest = 0;
  for (const RunSpec& spec : runs) {
    if (spec == planner.adversary(spec.lambda, options.seed)) largest = std::max(largest, spec.lambda);
  }
  for (int64_t i = extensions(options, runs); i < kExtensions && largest > 0 && !state.best; ++i) {
    possible.larger_lambdas.push_back(extension(planner, options, largest));
    largest *= 4;
  }
  if (state.complete && !state.best && possible.larger_lambdas.empty()) return possible;
  // As long as the best lambda may change, the adversaries are counted with one that no run has.
  const double best = state.best && state.complete ? *state.best : 2 * largest;
  possible.other_seeds = without(of_other_seeds(planner, options, best), runs);
  return possible;
}

}  // namespace notnot
