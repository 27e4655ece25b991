#pragma once
// Options that several commands have.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/io/input_error.h"
#include "experiments/study/existing_runs.h"
#include "experiments/study/settings.h"

namespace notnot {

/// The elements of a list with commas. Throws InputError if one is empty, or all.
std::vector<std::string> list_elements(const std::string& text);

/// Adds --dataset.
void add_dataset_option(CLI::App& command, Settings& settings);
/// Adds --min-df, --min-length, --max-length.
void add_filter_options(CLI::App& command, std::optional<int32_t>& min_df, std::optional<int32_t>& min_length,
                        std::optional<int32_t>& max_length);
/// Adds --difficulty, --evidence, --evidence-weights, --spurious, --label-noise, --lengths and --corpus-seed, which are
/// for the built-in corpus only.
void add_planted_options(CLI::App& command, PlantedOptions& options);
/// Adds those of add_filter_options and add_planted_options, and --vectors.
void add_data_options(CLI::App& command, Settings& settings);
/// Adds --hidden, --epochs, --batch, --select, --device, --precision, --threads, --checkpoint-minutes, --runs.
void add_training_options(CLI::App& command, Settings& settings);

/// Adds --retrain.
void add_retrain_option(CLI::App& command, ExistingOptions& existing);

/// Adds --force, for a command that writes a report.
void add_force_option(CLI::App& command, bool& force);

/// Checks that a seed is a whole number from 0 to 2^64 - 1. CLI11 itself would read -1, and any number that is too
/// large, as 2^64 - 1.
CLI::Validator valid_seed();

/// Adds an option whose value is a list with commas. `parse` reads an element and may throw InputError. Elements that
/// are empty are refused; CLI11's own lists leave them out, and an empty list takes the next option for its value.
template <class T>
CLI::Option* add_list_option(CLI::App& command, const std::string& name, std::vector<T>& values,
                             T (*parse)(const std::string& element), const std::string& description) {
  const auto read = [name, &values, parse](const std::string& text) {
    try {
      std::vector<T> parsed;
      for (const std::string& element : list_elements(text)) parsed.push_back(parse(element));
      values = std::move(parsed);
    } catch (const InputError& error) {
      throw CLI::ValidationError(name, error.what());
    }
  };
  CLI::Option* option = command.add_option_function<std::string>(name, read, description)->type_name("LIST");
  return values.empty() ? option : option->default_str(fmt::format("{}", fmt::join(values, ",")));
}

/// For add_list_option. Throw InputError where the element is none.
uint64_t seed_from(const std::string& element);
std::string word_from(const std::string& element);

/// Call it when all commands have their options. CLI11 takes the next option for a value that is missing, and numbers
/// in octal and hexadecimal: --epochs 010 would be 8. Such values are refused from then on.
void refuse_doubtful_values(CLI::App& app);

/// The smallest value that `values` has more than once; nothing if there is none.
template <class T>
std::optional<T> given_twice(std::vector<T> values) {
  std::sort(values.begin(), values.end());
  const auto twice = std::adjacent_find(values.begin(), values.end());
  return twice == values.end() ? std::nullopt : std::optional(*twice);
}

}  // namespace notnot
