#pragma once
// The commands of `notnot`. Each function adds one command to the program's parser; it is defined in the file of that
// command.
#include <CLI/CLI.hpp>

namespace notnot {

void add_prepare_command(CLI::App& app);
void add_data_command(CLI::App& app);
void add_train_command(CLI::App& app);
void add_predict_command(CLI::App& app);
void add_attribute_command(CLI::App& app);
void add_uniform_command(CLI::App& app);
void add_seeds_command(CLI::App& app);
void add_guides_command(CLI::App& app);
void add_adversary_command(CLI::App& app);
void add_diagnose_command(CLI::App& app);
void add_paper_command(CLI::App& app);
void add_report_command(CLI::App& app);
void add_devices_command(CLI::App& app);

}  // namespace notnot
