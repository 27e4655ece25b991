#include "experiments/report/loaded_study.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/io/files.h"
#include "engine/io/safetensors.h"
#include "experiments/report/runs.h"
#include "tests/experiments/report/small_study.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

using Json = nlohmann::json;
using Path = std::filesystem::path;

TEST_CASE("the base seed is the one that the other runs use") {
  const auto run = [](RunSpec spec) {
    LoadedRun result;
    result.config.data.dataset = "sst";
    result.config.spec = std::move(spec);
    return result;
  };
  const LoadedRun two = run(spec(RunKind::base, 2)), ten = run(spec(RunKind::base, 10)),
                  five = run(spec(RunKind::base, 5));
  const LoadedRun guide = run(spec(RunKind::guided_mlp, 10, 0, "sst-lstm-learned-seed5")),
                  other_guide = run(spec(RunKind::guided_mlp, 2, 0, "sst-lstm-learned-seed5"));
  const LoadedRun adversary = run(spec(RunKind::adversary, 2, 1e-3, "sst-lstm-learned-seed2"));
  const auto seed_of = [](const std::vector<LoadedRun>& runs) { return base_seed(runs); };
  CHECK(seed_of({two, ten, five}) == 10);
  CHECK(seed_of({two, five}) == 2);
  CHECK(seed_of({two, ten, five, guide}) == 5);
  CHECK(seed_of({two, ten, five, guide, other_guide, adversary}) == 2);
  CHECK(seed_of({guide}) == 10);
}

TEST_CASE("runs are grouped by data set; by folder too where the same run is there twice") {
  const TemporaryFolder first, second;
  fake_run(first, spec(RunKind::base), base_texts(), 0.8);
  fake_run(first, spec(RunKind::base), base_texts(), 0.8, {{"dataset", "imdb"}});
  fake_run(first, spec(RunKind::uniform), base_texts(), 0.7);
  auto studies = load_studies({first.path()});
  REQUIRE(studies.size() == 2);
  CHECK(studies[0].dataset == "imdb");
  CHECK(studies[1].runs.size() == 2);
  CHECK(studies[1].folder.empty());

  fake_run(second, spec(RunKind::base), base_texts(), 0.9);
  studies = load_studies({first.path(), second.path()});
  REQUIRE(studies.size() == 3);
  CHECK(studies[1].folder == first.path().string());
  CHECK(studies[2].folder == second.path().string());
  CHECK(studies[2].reference_run().test().f1 == doctest::Approx(0.9));
  CHECK(studies[1].key == "sst");
  CHECK(studies[2].key == "sst-2");

  fake_run(second, "copy", {{"hidden", 256}});
  CHECK_HAS(input_error([&] { load_studies({second.path()}); }), "are the same run (sst-lstm-learned-seed10)");
}

TEST_CASE("runs that failed or are unfinished are kept apart, with the reason") {
  const TemporaryFolder folder;
  nlohmann::json config = fake_config({{"seed", 3}});
  config.erase("devices");  // it failed before it began
  RunWriter(RunFolder(folder.path(), "failed")).fail("the loss is not finite", config);
  RunWriter(RunFolder(folder.path(), "started")).start(fake_config({{"seed", 4}}));
  CHECK_HAS(input_error([&] { load_studies({folder.path()}); }), "failed: the loss is not finite");
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  const LoadedStudy study = only_study(folder);
  CHECK(study.runs.size() == 1);
  REQUIRE(study.unused.size() == 2);
  CHECK(study.unused[0].unfinished == "failed: the loss is not finite");
  CHECK(study.unused[1].unfinished == "unfinished; the command that started it goes on (notnot train needs --resume)");
  CHECK(unused_table(study).rows.size() == 2);
}

TEST_CASE("attention is measured from the base model of the base seed") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  fake_run(folder, spec(RunKind::base, 2), moved(0.1F, {0, 0.5F, 1, 1}), 0.8);
  const LoadedStudy study = only_study(folder);
  CHECK(study.reference_run().spec().seed == 10);
  CHECK(study.largest_attention == std::vector<float>{1, 1, 1, 1});
  const LoadedRun& other = study.runs[1];
  CHECK(other.from_reference.jsd[0] == kFar);
  CHECK(other.from_reference.jsd[1] == doctest::Approx(kHalfway));
  CHECK(other.from_reference.jsd[2] == 0);
  CHECK(other.from_reference.mean_tvd() == doctest::Approx(0.05));
  CHECK(std::isnan(other.evidence_mass));
}

TEST_CASE("labels tell the runs apart, and are no longer than that needs") {
  const TemporaryFolder folder;
  const Path base = fake_run(folder, "base"), uniform = fake_run(folder, "uniform", kUniform);
  const Path mlp = fake_run(folder, "mlp", {{"encoder", "tokens"}});
  const Path flat = fake_run(folder, "flat", {{"encoder", "tokens"}, {"attention", "uniform"}});
  const Path seed = fake_run(folder, "seed", {{"seed", 2}});
  const Json given = {{"encoder", "tokens"}, {"attention", "given"}};
  Json one = given, two = given;
  one["other"] = "sst-lstm-learned-seed7";
  two["other"] = "sst-lstm-learned-seed8";
  const Path guided = fake_run(folder, "guided", one), again = fake_run(folder, "again", two);
  const auto labels = [](const std::vector<Path>& folders) {
    std::vector<std::string> result;
    const auto studies = load_studies(folders);
    for (const LoadedRun& run : studies.front().runs) result.push_back(run.label);
    return result;
  };
  using Labels = std::vector<std::string>;
  CHECK(labels({flat, base, uniform, mlp}) == Labels{"Base", "Uniform", "Trained MLP", "Uniform MLP"});
  CHECK(labels({uniform, seed, base}) == Labels{"Base, seed 10", "Base, seed 2", "Uniform"});
  CHECK(labels({guided, again}) == Labels{"MLP guided by the base model, seed 10, of sst-lstm-learned-seed7",
                                          "MLP guided by the base model, seed 10, of sst-lstm-learned-seed8"});
  // Attention from elsewhere is nobody's here, even if its label is the name of a run.
  Json elsewhere = one;
  elsewhere["paths"]["attention"] = "theirs.jsonl";
  const Path theirs = fake_run(folder, "theirs", elsewhere);
  CHECK(labels({theirs}) == Labels{"MLP guided by sst-lstm-learned-seed7"});
}

TEST_CASE("what cannot be reported is refused with a remedy") {
  const TemporaryFolder folder, empty;
  const Path base = fake_run(folder, "base");
  const auto complaint = [](const std::vector<Path>& folders) { return input_error([&] { load_studies(folders); }); };
  CHECK_HAS(complaint({}), "at least one run");
  CHECK_HAS(complaint({base, empty.path()}), empty.path().string() + " is no run folder");
  CHECK_HAS(complaint({folder / "nowhere"}), "nowhere is no run folder");
  CHECK_HAS(complaint({base, folder.path() / "." / "base"}), "given twice");
  CHECK_HAS(complaint({base, folder.path()}), "given twice");

  const RunFolder started(folder.path(), "started");
  RunWriter(started).start(fake_config(Json::object()));
  CHECK_HAS(complaint({started.path()}), "started, which is unfinished; the command that started it goes on");
  write_safetensors(started.checkpoint_path(), {});
  CHECK_HAS(complaint({started.path()}), "notnot train needs --resume");

  std::vector<FakeText> other = kTexts;
  other[1].words = "another long text";
  other[1].attention = {1, 0, 0};
  const Json seed = {{"seed", 3}};
  CHECK_HAS(complaint({base, fake_run(folder, "other", seed, other)}), "not tested on the same texts");
  other = kTexts;
  other.pop_back();
  CHECK_HAS(complaint({base, fake_run(folder, "fewer", seed, other)}), "not tested on the same texts");
  other = kTexts;
  other[0].label = 0;
  CHECK_HAS(complaint({base, fake_run(folder, "relabelled", seed, other)}), "not tested on the same texts");

  const auto adversary = [&](const char* name, double lambda, double factor) {
    return fake_run(
        folder, name,
        {{"objective", "adversary"}, {"lambda", lambda}, {"tvd_factor", factor}, {"other", "sst-lstm-learned-seed10"}});
  };
  CHECK_HAS(complaint({base, adversary("a1", 1, 0.5), adversary("a2", 2, 1)}), "another --tvd");

  write_atomically(base / "config.json", R"({"epochs": 8})");
  CHECK_HAS(complaint({base}), "base/config.json is not the configuration of a run");
}

TEST_CASE("runs that have read other data, or other vectors, are no study") {
  const TemporaryFolder folder;
  const Path base = fake_run(folder, "base"), uniform = fake_run(folder, "uniform", kUniform);
  const auto with = [&](const char* name, Json changes) {
    changes.update(kUniform);
    return fake_run(folder, name, changes);
  };
  const auto complaint = [](const std::vector<Path>& folders) { return input_error([&] { load_studies(folders); }); };
  CHECK(load_studies({base, uniform}).size() == 1);
  const std::string message = complaint({base, with("corrected", {{"data_checksum", "another"}})});
  CHECK_HAS(message,
            base.string() + " and " + (folder / "corrected").string() + " are both on sst, but not on the same");
  CHECK_HAS(message, "(data_checksum: the content of the data has changed); report them apart");
  CHECK_HAS(complaint({base, with("shorter", {{"length_filter", true}, {"min_length", 3}, {"max_length", 5}})}),
            "(length_filter, max_length, min_length)");
  CHECK_HAS(complaint({base, with("other-reader", {{"corpus", "csv"}})}), "(corpus: another kind of data set)");

  const Json vectors = {{"paths", {{"vectors", "wiki.vec"}}}, {"vectors_checksum", "ab"}};
  Json others = vectors;
  others["vectors_checksum"] = "cd";
  const Path of_base = fake_run(folder, "with", vectors);
  CHECK_HAS(complaint({of_base, with("others", others)}),
            "vectors_checksum: the content of the word vectors has changed");
  CHECK(load_studies({of_base, uniform}).size() == 1);  // the report says which runs have vectors
}

TEST_CASE("a run that learnt from an earlier version of another one is refused") {
  const TemporaryFolder folder;
  const Path base = fake_run(folder, spec(RunKind::base), kTexts, 0.8);
  const FakeSplit fake(kTexts);
  for (const SplitName split : kSplitNames) {
    RunWriter(RunFolder(base)).write_attention(split, fake.split, fake.log_attention, fake.probability);
  }
  const std::string checksum = RunFolder(base).attention_checksum();
  const auto adversary = [&](double lambda, const std::string& of) {
    return fake_run(folder, spec(RunKind::adversary, 10, lambda, kBaseName), kTexts, 0.8, {{"other_checksum", of}});
  };
  const Path good = adversary(1, checksum), stale = adversary(2, "of the base model before it was trained again");
  CHECK(load_studies({base, good}).size() == 1);
  CHECK_HAS(input_error([&] {
              load_studies({base, good, stale});
            }),
            stale.string() + " learnt from another version of " + base.string());
}

TEST_CASE("a run of an earlier version is not reported: nobody knows what it has read") {
  const TemporaryFolder folder;
  const Path base = fake_run(folder, "base");
  Json config = RunFolder(base).config();
  config["choices"].erase("data_checksum");
  write_atomically(base / "config.json", config.dump());
  const std::string message = input_error([&] { load_studies({base}); });
  CHECK_HAS(message, base.string() + " is of an earlier version of notnot, which recorded no checksums");
  CHECK_HAS(message, "train it again with --retrain");
}

TEST_CASE("only the reader of the texts makes them the paper's; a name does not") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8, {{"dataset", "imdb"}, {"corpus", "csv"}});
  const LoadedStudy own = only_study(folder);
  CHECK(own.title() == "imdb (own texts)");
  CHECK(own.paper() == nullptr);
  CHECK(own.published() == nullptr);
  const TemporaryFolder elsewhere;
  fake_run(elsewhere, spec(RunKind::base), base_texts(), 0.8, {{"dataset", "films"}, {"corpus", "imdb"}});
  const LoadedStudy papers = only_study(elsewhere);
  CHECK(papers.title() == "Large Movie Review Dataset (IMDb)");
  REQUIRE(papers.paper() != nullptr);
  CHECK(papers.paper()->base_f1 == 0.902);
  const TemporaryFolder planted;
  fake_run(planted, spec(RunKind::base), base_texts(), 0.8, {{"dataset", "planted"}, {"corpus", "csv"}});
  CHECK_FALSE(only_study(planted).planted());
}

}  // namespace
}  // namespace notnot
