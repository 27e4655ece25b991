#include "experiments/study/existing_runs.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "engine/io/files.h"
#include "engine/io/safetensors.h"
#include "tests/support/fake_runs.h"
#include "tests/support/input_error.h"
#include "tests/support/run_damage.h"

namespace notnot {
namespace {

using Json = nlohmann::json;

constexpr ExistingOptions kRetrain{.resume = true, .retrain = true};

RunConfig config(const Json& changes = Json::object()) { return parse_run_config(fake_config(changes)); }

/// Rewrites config.json as version 0.1.0 wrote it.
void make_old(const RunFolder& folder) {
  if (folder.state() == RunState::finished) remove_checksums(folder);
  Json old = folder.config();
  old.erase("paths");
  for (const char* key : {"corpus", "data_checksum"}) old["choices"].erase(key);
  old["choices"].update({{"data", "data/sst"}, {"vectors", ""}, {"init", ""}});
  write_atomically(folder.config_path(), old.dump());
}

}  // namespace

TEST_CASE("what a folder holds before a run starts") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "run");
  CHECK(existing_run(run, config(), {}) == Existing::nothing);
  RunWriter(run).start(fake_config(Json::object()));
  CHECK(existing_run(run, config(), {}) == Existing::nothing);  // no checkpoint: it starts again
  write_safetensors(run.checkpoint_path(), {});
  CHECK(existing_run(run, config(), {}) == Existing::unfinished);
  CHECK(existing_run(run, config(), kRetrain) == Existing::unfinished);
  CHECK_HAS(input_error([&] { existing_run(run, config(), {.resume = false}); }),
            "add --resume to continue it, or --retrain to train it again from the beginning");
  CHECK(existing_run(run, config(), {.resume = false, .retrain = true}) == Existing::other);
  RunWriter(run).finish(RunResult{.epoch = 1, .selected_on = "test", .split = {}});
  CHECK(existing_run(run, config(), {.resume = false}) == Existing::finished);
  CHECK(existing_run(run, config(), kRetrain) == Existing::finished);
}

TEST_CASE("a run that has lost its config.json is not trained over") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "run");
  RunWriter(run).start(fake_config(Json::object()));
  write_safetensors(run.checkpoint_path(), {});
  std::filesystem::remove(run.config_path());
  for (const bool resume : {false, true}) {
    CHECK(input_error([&] { existing_run(run, config(), {.resume = resume}); }) ==
          run.config_path().string() +
              " is missing, though checkpoint.safetensors of a run is there; copy it back to go on with that run, add "
              "--retrain to train in its place, or give another --runs folder");
  }
  CHECK(existing_run(run, config(), kRetrain) == Existing::other);
}

TEST_CASE("a finished run with a lost or damaged file is not finished: it is refused, and --retrain replaces it") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "run");
  const auto train = [&] {
    RunWriter writer(run);
    writer.start(fake_config(Json::object()));
    write_safetensors(run.model_path(), {});
    writer.finish(RunResult{.epoch = 1, .selected_on = "test", .split = {}});
  };
  train();
  flip_a_bit(run.model_path());
  CHECK(input_error([&] { existing_run(run, config(), {}); }) ==
        run.model_path().string() +
            ": its checksum is not the one in result.json; remove the run folder and train again; add --retrain to "
            "replace it, or give another --runs folder");
  CHECK(existing_run(run, config(), kRetrain) == Existing::other);
  CHECK(existing_run(run, config(), kAnyExisting) == Existing::finished);  // which reads no file whole
  train();
  std::filesystem::remove(run.model_path());
  CHECK_HAS(input_error([&] { existing_run(run, config(), {}); }), "model.safetensors is missing, though");
  CHECK(existing_run(run, config(), kRetrain) == Existing::other);
  CHECK(existing_run(run, config(), kAnyExisting) == Existing::other);
}

TEST_CASE("another run is refused with what differs and the remedy, unfinished or not; --retrain replaces it") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "run");
  RunWriter(run).start(fake_config(Json::object()));
  write_safetensors(run.checkpoint_path(), {});
  const RunConfig corrected = config({{"data_checksum", "another"}, {"batch", 16}});
  for (const bool finished : {false, true}) {
    if (finished) RunWriter(run).finish(RunResult{.epoch = 1, .selected_on = "test", .split = {}});
    for (const bool resume : {false, true}) {
      const std::string message = input_error([&] { existing_run(run, corrected, {.resume = resume}); });
      CHECK_HAS(message, run.path().string() + " holds a run with other choices (batch, data_checksum: the bytes of");
      CHECK_HAS(message, "add --retrain to replace it, or give another --runs folder");
    }
    CHECK(existing_run(run, corrected, kRetrain) == Existing::other);
  }
}

TEST_CASE("a run that cannot be known to be this one is never taken for it") {
  const TemporaryFolder folder;
  const RunFolder run(fake_run(folder, "run"));
  CHECK(existing_run(run, config(), {}) == Existing::finished);
  const auto refused = [&](const char* words) {
    CHECK_HAS(input_error([&] { existing_run(run, config(), {}); }), words);
    CHECK_HAS(input_error([&] { existing_run(run, config(), {}); }), "add --retrain");
    CHECK(existing_run(run, config(), kRetrain) == Existing::other);
  };
  remove_checksums(run);
  Json without = run.config();
  without["choices"].erase("data_checksum");
  write_atomically(run.config_path(), without.dump());
  refused("recorded no checksums");
  RunWriter(run).start(fake_config(Json::object()));
  RunWriter(run).finish(RunResult{.epoch = 1, .selected_on = "test", .split = {}});
  make_old(run);
  refused("holds a run of an earlier version of notnot, which recorded no checksums");
  write_atomically(run.config_path(), "{");
  refused("config.json");
  write_atomically(run.config_path(), "{}");
  refused("is not the configuration of a run");
}

TEST_CASE("a run on another data set of the same name is found") {
  const TemporaryFolder folder;
  const auto found = [&](const Json& changes, const std::set<std::filesystem::path>& but = {}) {
    return run_on_other_data(folder.path(), config(changes), but);
  };
  const Json corrected = {{"data_checksum", "another"}, {"seed", 3}};
  CHECK(run_on_other_data(folder / "absent", config(), {}).empty());
  const auto path = fake_run(folder, "run");
  CHECK(found({{"seed", 3}, {"min_df", 4}}).empty());
  CHECK(found(corrected) == path.string() +
                                " is a run on another data set of the name sst (data_checksum: the bytes "
                                "of the data have changed (content, packing or line ends))");
  CHECK(found(corrected, {path}).empty());
  CHECK(found({{"dataset", "imdb"}, {"data_checksum", "another"}}).empty());
  CHECK_HAS(found({{"corpus", "csv"}}), "corpus: another kind of data set");
  CHECK_HAS(found({{"difficulty", 0.5}, {"corpus_seed", 2}}), "(corpus_seed, difficulty)");
  std::filesystem::remove(path / "result.json");  // it failed, or has just begun: nobody uses it
  CHECK(found(corrected).empty());
  fake_run(folder, "run");
  make_old(RunFolder(path));
  CHECK(found(corrected).empty());
  write_atomically(path / "config.json", "{");
  CHECK(found(corrected).empty());
}

}  // namespace notnot
