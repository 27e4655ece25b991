#pragma once
// Specs of runs for the tests of this folder.
#include <string>
#include <vector>

#include "experiments/study/run_spec.h"

namespace notnot {

/// A run of a kind that needs no other run.
inline RunSpec plain(RunKind kind, uint64_t seed = 10) {
  return {.kind = kind, .seed = seed, .lambda = 0, .other = {}};
}

/// One of several adversaries side by side of a base model.
inline RunSpec member(int32_t number, int32_t members, const std::string& base, uint64_t seed = 10) {
  return {.kind = RunKind::side_by_side,
          .seed = seed,
          .lambda = 5.25e-4,
          .members = members,
          .member = number,
          .other = base};
}

/// Runs on SST: one of every kind, and of every form that the name of a run can have.
inline std::vector<RunSpec> specs() {
  const std::string base = run_name("sst", plain(RunKind::base)),
                    other_base = run_name("sst", plain(RunKind::base, 50));
  const RunSpec adversary{.kind = RunKind::adversary, .seed = 10, .lambda = 5.25e-4, .other = base};
  return {
      plain(RunKind::base),
      plain(RunKind::base, 18446744073709551615U),
      plain(RunKind::uniform),
      plain(RunKind::trained_mlp),
      plain(RunKind::uniform_mlp),
      {.kind = RunKind::guided_mlp, .seed = 10, .lambda = 0, .other = base},
      {.kind = RunKind::guided_mlp, .seed = 10, .lambda = 0, .other = run_name("sst", adversary)},
      {.kind = RunKind::guided_mlp, .seed = 10, .lambda = 0, .other = "external-mine"},
      adversary,
      {.kind = RunKind::adversary, .seed = 10, .lambda = 0, .other = base},
      {.kind = RunKind::adversary, .seed = 10, .lambda = 5.25e-4, .other = other_base},
      member(1, 3, base),
      member(2, 3, base),
      member(2, 16, other_base),
      {.kind = RunKind::guided_mlp, .seed = 10, .lambda = 0, .other = run_name("sst", member(3, 3, base))},
      attribution_of("sst", plain(RunKind::base), Measure::leave_one_out, {SplitName::test}),
      attribution_of("sst", plain(RunKind::base), Measure::input_x_gradient, {SplitName::test}),
      attribution_of("sst", plain(RunKind::base), Measure::input_x_gradient_held, {SplitName::dev, SplitName::test}),
      attribution_of("sst", plain(RunKind::uniform_mlp, 50), Measure::random, {SplitName::train}),
      attribution_of("sst", member(2, 3, base), Measure::contribution, {SplitName::test}),
      attribution_of("sst", adversary, Measure::attention, {SplitName::train, SplitName::dev, SplitName::test}),
      {.kind = RunKind::perturbation, .seed = 10, .lambda = 0, .other = base},
      {.kind = RunKind::perturbation, .seed = 10, .lambda = 0, .other = other_base}};
}

}  // namespace notnot
