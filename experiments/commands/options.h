#pragma once
// Options that several commands have.
#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <vector>

#include "experiments/study/settings.h"

namespace notnot {

/// --dataset.
void add_dataset_option(CLI::App& command, Settings& settings);
/// --min-df, --min-length, --max-length, --difficulty, --corpus-seed, --vectors.
void add_data_options(CLI::App& command, Settings& settings);
/// --hidden, --epochs, --batch, --select, --device, --precision, --threads, --runs.
void add_training_options(CLI::App& command, Settings& settings);

/// Checks that the value of a `--seed` is a whole number from 0 to 2^64 - 1. CLI11 itself would take -1, and any number
/// that is too large, for 2^64 - 1.
CLI::Validator valid_seed();

/// The smallest seed that `seeds` has more than once.
std::optional<uint64_t> given_twice(std::vector<uint64_t> seeds);

}  // namespace notnot
