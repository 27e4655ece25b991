#pragma once
// The arguments that the commands of the paper's tests have in common.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

#include "experiments/study/plan.h"
#include "experiments/study/queue.h"
#include "experiments/study/settings.h"

namespace notnot {

struct StudyArguments {
  Settings settings;
  StudyOptions study;
  std::string protocol = "paper";
  JobOptions jobs;
  bool plan = false;
};

/// Adds the options of add_data_options and add_training_options, --seed, --fleet, --retrain, --plan and --protocol.
void add_study_options(CLI::App& command, StudyArguments& arguments);
/// Adds --repeats.
void add_repeats_option(CLI::App& command, StudyArguments& arguments);
/// Adds --seeds.
void add_seeds_option(CLI::App& command, StudyArguments& arguments);
/// Adds --tvd, --adversary-seed, --adversary-epochs.
void add_adversary_options(CLI::App& command, StudyArguments& arguments);
/// Adds --lambdas.
void add_lambdas_option(CLI::App& command, StudyArguments& arguments);
/// Adds --side-by-side.
void add_side_by_side_option(CLI::App& command, StudyArguments& arguments);

/// Throws InputError when a seed is given twice, or when there are fewer seeds than repeats.
void check_arguments(const StudyArguments& arguments);
/// For a command that trains with the other seeds only as --repeats says. Throws InputError when --seeds is given, but
/// none of its seeds is used.
void check_seeds_used(const CLI::App& command, const StudyArguments& arguments);
/// For a command with --side-by-side: without --lambdas, kGuideLambda is the only one. Throws InputError where the
/// members of a group have no reason to part, and as check_seeds_used.
void settle_side_by_side(const CLI::App& command, StudyArguments& arguments);

}  // namespace notnot
