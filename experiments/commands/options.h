#pragma once
// Options that several commands have.
#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <vector>

#include "experiments/study/settings.h"

namespace notnot {

/// Adds --dataset.
void add_dataset_option(CLI::App& command, Settings& settings);
/// Adds --min-df, --min-length, --max-length, --difficulty, --corpus-seed, --vectors.
void add_data_options(CLI::App& command, Settings& settings);
/// Adds --hidden, --epochs, --batch, --select, --device, --precision, --threads, --runs.
void add_training_options(CLI::App& command, Settings& settings);

/// Adds --force, for a command that writes a report.
void add_force_option(CLI::App& command, bool& force);

/// Checks that a seed is a whole number from 0 to 2^64 - 1. CLI11 itself would read -1, and any number that is too
/// large, as 2^64 - 1.
CLI::Validator valid_seed();

/// The smallest seed that `seeds` has more than once; nothing if there is none.
std::optional<uint64_t> given_twice(std::vector<uint64_t> seeds);

}  // namespace notnot
