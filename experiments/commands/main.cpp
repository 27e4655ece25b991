// The program `notnot`: parses the command line, runs one sub-command, turns errors into messages and exit codes.
#include <fmt/format.h>
#include <malloc.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <sstream>
#include <string>
#include <system_error>

#include "engine/device/open_device.h"
#include "engine/device/resident_memory.h"
#include "engine/io/file_modes.h"
#include "engine/io/input_error.h"
#include "engine/io/stop.h"
#include "engine/io/text.h"
#include "engine/io/version.h"
#include "experiments/commands/commands.h"
#include "experiments/commands/options.h"
#include "experiments/terminal/interrupt.h"
#include "experiments/terminal/standard_output.h"

namespace {

// Exit codes: 0 done, 1 failed, 2 the user can mend the cause, 130 interrupted (as a shell reports Ctrl-C).
constexpr int kFailed = 1, kInputError = 2, kInterrupted = 130;

int run(int argc, char** argv) {
  CLI::App app{
      "Can a text classifier's attention be trusted as an explanation? The four tests of \"Attention is not not "
      "Explanation\" (Wiegreffe & Pinter 2019)."};
  app.name("notnot");
  app.set_version_flag("--version", fmt::format("notnot {} ({}); CUDA backend {}", notnot::version(), notnot::commit(),
                                                notnot::cuda::build_status()));
  app.require_subcommand(1);
  notnot::add_prepare_command(app);
  notnot::add_data_command(app);
  notnot::add_train_command(app);
  notnot::add_predict_command(app);
  notnot::add_attribute_command(app);
  notnot::add_uniform_command(app);
  notnot::add_seeds_command(app);
  notnot::add_guides_command(app);
  notnot::add_adversary_command(app);
  notnot::add_diagnose_command(app);
  notnot::add_paper_command(app);
  notnot::add_report_command(app);
  notnot::add_devices_command(app);
  notnot::refuse_doubtful_values(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream output, errors;
    const int code = app.exit(error, output, errors);
    std::fputs(output.str().c_str(), stdout);
    std::fputs(notnot::printable(errors.str()).c_str(), stderr);
    return code == 0 ? 0 : kInputError;
  }
  return 0;
}

/// Prints the reason why the program ends. Not with fmt::print, which throws where standard error takes nothing.
int end_with(int code, const std::string& reason) {
  std::fputs(fmt::format("notnot: {}\n", notnot::printable(reason)).c_str(), stderr);
  return code;
}

/// Ends the program; with an error if something that it printed was lost. If the CUDA libraries are linked, their
/// clean-up is skipped: it touches 40 MiB that no run needs (peak memory 218 instead of 178 MiB for a small model on
/// the CPU).
int finish(int code) {
  if (const std::error_code error = notnot::close_standard_output()) {
    const int failed = end_with(kFailed, "cannot write to standard output: " + error.message());
    if (code == 0) code = failed;
  }
  if (notnot::cuda::build_status().starts_with("built")) std::_Exit(code);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  // Give large freed blocks back to the system. By default glibc raises this threshold to as much as 32 MiB and keeps
  // freed blocks below it: 36 MiB after loading a model of SST.
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  notnot::keep_output_errors();
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow (ulimit -f) is an error of the write, which names it
  notnot::forbid_core_files();
  try {
    notnot::catch_interrupts();
    return finish(run(argc, argv));
  } catch (const notnot::Interrupted& stopped) {
    return finish(end_with(kInterrupted, stopped.what()));
  } catch (const notnot::InputError& error) {
    return finish(end_with(kInputError, error.what()));
  } catch (const std::bad_alloc&) {
    return finish(end_with(
        kInputError,
        fmt::format("out of memory, with {} MiB in use; give the program more of it (ulimit -v), or less to do",
                    notnot::resident_bytes() >> 20)));
  } catch (const std::exception& error) {
    return finish(end_with(kFailed, fmt::format("failed: {}", error.what())));
  }
}
