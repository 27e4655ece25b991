#include "experiments/report/loaded_study.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/io/files.h"
#include "engine/io/safetensors.h"
#include "experiments/report/runs.h"
#include "tests/experiments/report/small_study.h"
#include "tests/support/input_error.h"
#include "tests/support/run_damage.h"

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
  CHECK_HAS(input_error([&] { load_studies({second.path()}); }),
            "are the same run (sst-lstm-learned-seed10) with other options; report them apart");
  fake_run(second, "copy", {{"hidden", 128}});
  CHECK_HAS(input_error([&] { load_studies({second.path()}); }),
            "are the same run (sst-lstm-learned-seed10), with the same options: one is a copy of the other, or was "
            "trained twice; move one of them to another folder");
}

TEST_CASE("the keys of data sets stay readable, and differ where a file system ignores case") {
  const TemporaryFolder folder;
  const std::vector<std::pair<const char*, const char*>> names = {
      {"Größe", "Größe"}, {"größe", "größe-2"}, {"gr/össe", "gr-össe"}, {"***", "data"}, {"电影 2", "电影-2"}};
  std::vector<Path> runs;
  for (size_t i = 0; i < names.size(); ++i) {
    runs.push_back(fake_run(folder, std::to_string(i), {{"dataset", names[i].first}}));
  }
  const auto studies = load_studies(runs);
  REQUIRE(studies.size() == names.size());
  for (size_t i = 0; i < names.size(); ++i) CHECK(studies[i].key == names[i].second);
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
  CHECK(std::isnan(other.attention_scores.precision));
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

  remove_checksums(RunFolder(base));
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
  CHECK_HAS(message,
            "(data_checksum: the bytes of the data have changed (content, packing or line ends)); report them apart");
  CHECK_HAS(complaint({base, with("shorter", {{"length_filter", true}, {"min_length", 3}, {"max_length", 5}})}),
            "(length_filter, max_length, min_length)");
  CHECK_HAS(complaint({base, with("other-reader", {{"corpus", "csv"}})}), "(corpus: another kind of data set)");

  const Json vectors = {{"paths", {{"vectors", "wiki.vec"}}}, {"vectors_checksum", "ab"}};
  Json others = vectors;
  others["vectors_checksum"] = "cd";
  const Path of_base = fake_run(folder, "with", vectors);
  CHECK_HAS(complaint({of_base, with("others", others)}),
            "vectors_checksum: the bytes of the word vectors have changed");
  CHECK(load_studies({of_base, uniform}).size() == 1);  // the report says which runs have vectors
  // The reference has none; the other two have different ones.
  const auto mlp = [&](const char* name, const char* attention, Json changes) {
    changes.update({{"encoder", "tokens"}, {"attention", attention}});
    return fake_run(folder, name, changes);
  };
  CHECK_HAS(complaint({base, mlp("trained", "learned", vectors), mlp("flat", "uniform", others)}),
            "vectors_checksum: the bytes of the word vectors have changed");
}

TEST_CASE("a folder is one chapter however it is spelt, and a run has its name") {
  const TemporaryFolder first, second;
  std::vector<Path> folders;
  for (const TemporaryFolder* folder : {&first, &second}) {
    const auto run = [&](RunKind kind) { return fake_run(*folder, spec(kind), base_texts(), 0.8); };
    folders.push_back(run(RunKind::base) / "");
    folders.push_back(std::filesystem::relative(run(RunKind::uniform)));
    folders.push_back(run(RunKind::trained_mlp) / ".");
  }
  const std::vector<LoadedStudy> studies = load_studies(folders);
  REQUIRE(studies.size() == 2);
  CHECK(studies[0].folder == first.path().string());
  CHECK(studies[1].folder == second.path().string());
  for (const LoadedStudy& study : studies) {
    REQUIRE(study.runs.size() == 3);
    CHECK(study.runs[0].name() == kBaseName);
    CHECK(study.runs[1].name() == "sst-lstm-uniform-seed10");
    CHECK(study.runs[2].name() == "sst-tokens-learned-seed10");
  }
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

TEST_CASE("attributions stand apart from the models of a study, and belong to the model that they name") {
  const TemporaryFolder folder;
  const Path base = fake_run(folder, spec(RunKind::base), kTexts, 0.8);
  const auto attribution = [&](Measure measure, const std::string& of) {
    return fake_attribution(folder, attribution_of("sst", spec(RunKind::base), measure, {SplitName::test}), kTexts,
                            {{"other_checksum", of}});
  };
  const Path good = attribution(Measure::attention, RunFolder(base).attention_checksum());
  const LoadedStudy study = load_studies({good, base}).front();
  REQUIRE(study.runs.size() == 1);
  REQUIRE(study.attributions.size() == 1);
  CHECK(study.other_of(study.attributions.front()) == &study.runs.front());
  CHECK(attribution_table(study).rows ==
        std::vector<std::vector<std::string>>{{"Attention", "Base", "test", "2", "0.5", "-", good.string()}});
  const Path stale = attribution(Measure::random, "of the base model before it was trained again");
  CHECK_HAS(input_error([&] {
              load_studies({base, good, stale});
            }),
            stale.string() + " looks at another version of " + base.string());
  CHECK_HAS(input_error([&] { load_studies({good}); }),
            good.string() + " is an attribution, and a report needs the run");
}

TEST_CASE("a run of an earlier version is not reported: nobody knows what it has read") {
  const TemporaryFolder folder;
  const Path base = fake_run(folder, "base");
  remove_checksums(RunFolder(base));
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

TEST_CASE("equally used base models: the paper's seed is the base seed, then the smallest") {
  const auto seed_of = [](const std::vector<uint64_t>& seeds, const std::vector<uint64_t>& attacked) {
    const TemporaryFolder folder;
    for (const uint64_t seed : seeds) fake_run(folder, spec(RunKind::base, seed), base_texts(), 0.8);
    for (const uint64_t seed : attacked) {
      fake_run(folder, spec(RunKind::adversary, seed, 1e-3, run_name("sst", spec(RunKind::base, seed))), base_texts(),
               0.8);
    }
    const LoadedStudy study = only_study(folder);
    CHECK(study.reference_run().spec() == spec(RunKind::base, study.base_seed));
    CHECK(study.runs[0].spec().seed == study.base_seed);
    return study.base_seed;
  };
  CHECK(seed_of({10, 2, 5}, {}) == 10);
  CHECK(seed_of({10, 2, 5}, {2, 5}) == 2);
  CHECK(seed_of({10, 2, 5}, {5}) == 5);
  CHECK(seed_of({10, 2, 5}, {10, 2}) == 10);
}

TEST_CASE("without a base model of the base seed, the first run is the reference") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::uniform_mlp, 3), base_texts(), 0.8);
  fake_run(folder, spec(RunKind::uniform, 3), base_texts(), 0.8);
  const LoadedStudy study = only_study(folder);
  CHECK_FALSE(study.has_base());
  CHECK(study.reference_run().spec() == spec(RunKind::uniform, 3));
}

TEST_CASE("the distance of predictions has the factor that the adversaries were trained with") {
  const auto mean_tvd = [](double factor) {
    const TemporaryFolder folder;
    fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
    fake_run(folder, spec(RunKind::adversary, 10, 1e-3, kBaseName), moved(0.04F, {1, 1, 1, 1}), 0.8,
             {{"tvd_factor", factor}});
    return only_study(folder).runs[1].from_reference.mean_tvd();
  };
  CHECK(mean_tvd(0.5) == doctest::Approx(0.02));
  CHECK(mean_tvd(1) == doctest::Approx(0.04));
}

TEST_CASE("runs with other vocabularies, or on texts of other rows, were not tested on the same texts") {
  const TemporaryFolder folder;
  const Path base = fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  const Path other = fake_run(folder, spec(RunKind::base, 2), base_texts(), 0.8);
  CHECK_NOTHROW(load_studies({base, other}));
  remove_checksums(RunFolder(other));
  Json config = Json::parse(read_file(other / "config.json"));
  config["data"]["vocabulary"] = 13825;
  write_atomically(other / "config.json", config.dump());
  CHECK_HAS(input_error([&] { load_studies({base, other}); }), "not tested on the same texts");

  const Path rows = fake_run(folder, spec(RunKind::base, 3), base_texts(), 0.8);
  FakeSplit fake(base_texts());
  fake.split.rows = {101, 102, 103, 105};
  remove_checksums(RunFolder(rows));
  RunWriter writer(RunFolder{rows});
  writer.write_attention(SplitName::test, fake.split, fake.log_attention, fake.probability);
  CHECK_HAS(input_error([&] { load_studies({base, rows}); }), "not tested on the same texts");
}

TEST_CASE("what attacks another base model is measured from that one") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  fake_run(folder, spec(RunKind::adversary, 10, 1e-3, kBaseName), base_texts(), 0.8);
  fake_run(folder, spec(RunKind::base, 2), moved(0.05F, {0, 0, 0, 0}), 0.8);
  fake_perturbation(folder, spec(RunKind::perturbation, 2, 0, "sst-lstm-learned-seed2"),
                    moved(0.09F, {0, 0, 0.5F, 0.5F}), {0, 0, 0, 0});
  fake_run(folder, spec(RunKind::adversary, 10, 2e-3, "sst-lstm-learned-seed77"), moved(0, {0, 0, 0, 0}), 0.8);
  const LoadedStudy study = only_study(folder);
  CHECK(study.base_seed == 10);
  const LoadedRun &perturbation = *study.of_kind(RunKind::perturbation)[0],
                  &orphan = *study.of_kind(RunKind::adversary)[1];
  CHECK(perturbation.from_attacked.mean_jsd() == doctest::Approx(0.5 * kHalfway));
  CHECK(perturbation.from_attacked.mean_tvd() == doctest::Approx(0.02));
  CHECK(perturbation.from_reference.mean_jsd() == doctest::Approx(0.5 * (kFar + kHalfway)));
  CHECK(perturbation.from_reference.mean_tvd() == doctest::Approx(0.045));
  CHECK(orphan.from_attacked.jsd.empty());
  CHECK(orphan.from_reference.mean_jsd() == doctest::Approx(kFar));
}

TEST_CASE("the table of runs, cell by cell") {
  const TemporaryFolder folder;
  const Path base = fake_run(folder, "base", {{"hidden", 64}, {"embed", 100}}, base_texts(), {0.81, 0.72, 0.93, 0.64});
  fake_run(folder, spec(RunKind::adversary, 3, 1e-3, kBaseName), base_texts(), 0.5);
  const Path perturbation =
      fake_perturbation(folder, spec(RunKind::perturbation, 10, 0, kBaseName), base_texts(), {0, 0, 0, 0});
  const LoadedStudy study = only_study(folder);
  const ResultTable table = run_table(study);
  CHECK(table.header == std::vector<std::string>{"Run", "Seed", "λ", "F1", "Epoch", "Time", "Hidden", "Embed", "Device",
                                                 "Program", "Folder"});
  REQUIRE(table.rows.size() == 3);
  const std::string program = table.rows[0][9];
  CHECK(program.starts_with(study.runs[0].config.version));
  CHECK(program.ends_with(study.runs[0].config.commit));
  using Row = std::vector<std::string>;
  // Eight epochs of 1.25 seconds.
  CHECK(table.rows[0] ==
        Row{"Base", "10", "-", "0.810", "5 of 8", "10.0 s", "64", "100", "cpu (avx2)", program, base.string()});
  CHECK(Row(table.rows[1].begin(), table.rows[1].begin() + 6) ==
        Row{"Adversary, λ = 0.001", "3", "0.001", "0.500", "5 of 8", "10.0 s"});
  CHECK(table.rows[2] == Row{"Per-instance adversary", "10", "-", "-", "-", "-", "128", "300", "cpu (avx2)", program,
                             perturbation.string()});
}

TEST_CASE("the title of a study: the published name, made-up texts, and the folder where there are several") {
  const auto title = [](const Json& changes) {
    const TemporaryFolder folder;
    fake_run(folder, "a", changes);
    return only_study(folder).title();
  };
  CHECK(title(Json::object()) == "Stanford Sentiment Treebank (SST)");
  CHECK(title({{"dataset", "own"}}) == "own");
  CHECK(title({{"synthetic", true}}) == "Stanford Sentiment Treebank (SST) (SYNTHETIC texts)");
  CHECK(title({{"dataset", "planted"}}) == "the planted corpus");
  CHECK(title({{"dataset", "planted"}, {"corpus", "csv"}}) == "planted");
  const TemporaryFolder first, second;
  fake_run(first, "a");
  fake_run(second, "a");
  const auto studies = load_studies({first.path(), second.path()});
  CHECK(studies[0].title() == "Stanford Sentiment Treebank (SST), runs in " + first.path().string());
  CHECK(studies[1].title() == "Stanford Sentiment Treebank (SST), runs in " + second.path().string());
}

}  // namespace
}  // namespace notnot
