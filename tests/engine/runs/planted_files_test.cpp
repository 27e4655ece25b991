// A run folder of a stranger, with links, pipes and folders in the place of its files: nothing is written through them.
// And a file that would fill the memory is not read.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/io/files.h"
#include "engine/io/safetensors.h"
#include "engine/runs/run_writer.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

namespace notnot {
namespace {

using Path = std::filesystem::path;
using Plant = std::function<void(const Path& file)>;

void make_pipe(const Path& file) { REQUIRE(::mkfifo(file.c_str(), 0600) == 0); }

void make_folder(const Path& file) { std::filesystem::create_directories(file / "kept"); }

/// A run with a file under every name that a run can have.
RunFolder whole_run(const TemporaryFolder& folder) {
  const RunFolder run(folder.path() / "runs", "run");
  RunWriter(run).start({{"epochs", 1}});
  for (const Path& file : run.files()) write_atomically(file, file == run.failure_path() ? R"({"reason": ""})" : "old");
  return run;
}

std::vector<Path> files_and_lock(const RunFolder& run) {
  std::vector<Path> files = run.files();
  files.push_back(run.path() / ".lock");
  return files;
}

}  // namespace

TEST_CASE("a run folder with anything else in the place of a file is refused before a byte is written") {
  const TemporaryFolder folder;
  write_atomically(folder / "thesis", "years of work");
  const RunFolder run = whole_run(folder);
  const auto link_to = [](const Path& target) -> Plant {
    return [target](const Path& file) { std::filesystem::create_symlink(target, file); };
  };
  const std::vector<std::pair<Plant, std::string>> plants = {{link_to(folder / "thesis"), "a link"},
                                                             {link_to("/dev/null"), "a link"},
                                                             {link_to(folder / "nothing"), "a link"},
                                                             {make_pipe, "a pipe"},
                                                             {make_folder, "a folder"}};
  for (const Path& file : files_and_lock(run)) {
    for (const auto& [plant, what] : plants) {
      CAPTURE(file);
      CAPTURE(what);
      const Path saved = folder / "saved";
      std::filesystem::rename(file, saved);
      plant(file);
      const std::string expected = fmt::format("{}: it is {} and not a file", file.string(), what);
      CHECK_HAS(input_error([&] { RunWriter::check_writable(run); }), expected);
      CHECK_HAS(input_error([&] { const RunWriter writer(run); }), expected);
      CHECK(std::filesystem::symlink_status(file).type() != std::filesystem::file_type::regular);
      CHECK((file == run.failure_path() || run.failure()));  // which a writer removes
      std::filesystem::remove_all(file);
      std::filesystem::rename(saved, file);
    }
  }
  CHECK(read_file(folder / "thesis") == "years of work");
  CHECK_FALSE(std::filesystem::exists(folder / "nothing"));
  CHECK_NOTHROW(RunWriter::check_writable(run));
}

TEST_CASE("a link in the place of a run folder is refused") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "home");
  std::filesystem::create_directories(folder / "runs");
  write_atomically(folder / "home" / "config.json", "years of work");
  for (const Path& target : {folder / "home", folder / "nothing"}) {
    const RunFolder run(folder / "runs", target.filename());
    std::filesystem::create_directory_symlink(target, run.path());
    const std::string expected = run.path().string() + ": it is a link and not a folder";
    CHECK_HAS(input_error([&] { RunWriter::check_writable(run); }), expected);
    CHECK_HAS(input_error([&] { RunWriter(run).start({{"epochs", 1}}); }), expected);
  }
  CHECK(read_file(folder / "home" / "config.json") == "years of work");
  CHECK_FALSE(std::filesystem::exists(folder / "home" / ".lock"));
  CHECK_FALSE(std::filesystem::exists(folder / "nothing"));
}

TEST_CASE("what is put into a run folder while it is written is replaced, not written through") {
  const TemporaryFolder folder;
  write_atomically(folder / "thesis", "years of work");
  const RunFolder run(folder.path(), "run");
  RunWriter writer(run);
  writer.start({{"epochs", 1}});
  const std::vector<std::pair<Path, std::function<void()>>> writes = {
      {run.config_path(),
       [&] {
         writer.resume({{"epochs", 2}});
       }},
      {run.metrics_path(), [&] { writer.write_metrics(std::vector<EpochMetrics>(1)); }},
      {run.result_path(), [&] { writer.finish(RunResult{}); }},
      {run.failure_path(), [&] { writer.fail("no memory", {}); }},
      {run.checkpoint_path(), [&] { write_safetensors(writer.opened().checkpoint_path(), {}); }},
      {run.model_path(), [&] { write_safetensors(writer.opened().model_path(), {}); }}};
  const Plant link = [&](const Path& file) { std::filesystem::create_symlink(folder / "thesis", file); };
  for (const auto& [file, write] : writes) {
    for (const Plant& plant : {link, Plant(make_pipe)}) {
      CAPTURE(file);
      std::filesystem::remove(file);
      plant(file);
      write();
      CHECK(std::filesystem::symlink_status(file).type() == std::filesystem::file_type::regular);
      CHECK_FALSE(read_file(file).empty());
    }
  }
  CHECK(read_file(folder / "thesis") == "years of work");
}

TEST_CASE("metrics.csv is refused before it is read if it is larger than any run's") {
  const TemporaryFolder folder;
  const RunFolder run = whole_run(folder);
  std::filesystem::resize_file(run.metrics_path(), uintmax_t{20} << 30);
  CHECK(input_error([&] { (void)run.metrics(); }) ==
        run.metrics_path().string() +
            " is damaged: 20480 MiB are too many for such a file; remove the run folder and train again");
}

TEST_CASE("linked files of a run are read") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "run");
  {
    RunWriter writer(run);
    writer.start({{"epochs", 1}});
    writer.finish(RunResult{.epoch = 1, .selected_on = "test", .split = {}});
  }
  for (const Path& file : {run.config_path(), run.result_path()}) {
    std::filesystem::rename(file, folder / file.filename());
    std::filesystem::create_symlink(folder / file.filename(), file);
  }
  CHECK(run.state() == RunState::finished);
  CHECK(run.config()["epochs"] == 1);
  CHECK(run.result().epoch == 1);
}

}  // namespace notnot
