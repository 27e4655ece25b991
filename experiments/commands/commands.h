#pragma once
// The sub-commands of `notnot`, one file each; every function adds its command to the program's parser.
#include <CLI/CLI.hpp>

namespace notnot {

void add_prepare_command(CLI::App& app);
void add_data_command(CLI::App& app);
void add_train_command(CLI::App& app);
void add_predict_command(CLI::App& app);
void add_study_commands(CLI::App& app);
void add_report_command(CLI::App& app);
void add_devices_command(CLI::App& app);

}  // namespace notnot
