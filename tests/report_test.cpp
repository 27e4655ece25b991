#include "experiments/report.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>

#include "engine/files.h"
#include "engine/safetensors.h"
#include "experiments/heat_map.h"
#include "experiments/html.h"
#include "kernels/error.h"
#include "tests/temporary_folder.h"

namespace notnot {
namespace {

using Json = nlohmann::json;
using Path = std::filesystem::path;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

template <class Action>
std::string input_error(Action action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no InputError";
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

struct FakeText {
  std::string words;
  int32_t label;
  float probability;
  std::vector<float> attention;
};

const std::vector<FakeText> kTexts = {{"good film", 1, 0.9F, {0.75F, 0.25F}},
                                      {"<i>\"bad\"&'film'</i> x", 0, 0.2F, {1, 0}}};

Json fake_config(const Json& changes) {
  Json choices = {{"dataset", "sst"}, {"data", "data/sst"}, {"encoder", "lstm"}, {"attention", "learned"},
                  {"embed", 300},     {"hidden", 128},      {"vectors", ""},     {"init", ""},
                  {"seed", 10},       {"epochs", 8}};
  choices.update(changes);
  const auto sizes = [](int negative, int positive) {
    return Json{{"negative", negative}, {"positive", positive}, {"tokens", 9}};
  };
  return {{"choices", choices},
          {"data",
           {{"vocabulary", 13826},
            {"words_with_vectors", 11171},
            {"splits", {{"train", sizes(3034, 3321)}, {"dev", sizes(397, 424)}, {"test", sizes(863, 862)}}}}},
          {"device", "cpu (avx2)"}};
}

/// A finished run folder, written as training writes it.
Path fake_run(const TemporaryFolder& folder, const std::string& name, const Json& changes = Json::object(),
              const std::vector<FakeText>& texts = kTexts, const Classification& test = {0.8456, 0.7999, 0.86, 0.87}) {
  std::vector<LabelledText> labelled;
  for (const FakeText& text : texts) labelled.push_back({text.words, text.label, SplitName::train, 1});
  const Vocabulary vocabulary = Vocabulary::build(labelled, 1);
  Split split;
  std::vector<float> log_attention, probability;
  for (const FakeText& text : texts) {
    const std::vector<int32_t> ids = vocabulary.encode(text.words);
    REQUIRE(ids.size() == text.attention.size() + 2);
    split.token_ids.insert(split.token_ids.end(), ids.begin(), ids.end());
    split.offsets.push_back(static_cast<int64_t>(split.token_ids.size()));
    split.labels.push_back(text.label);
    split.rows.push_back(100 + split.size());
    log_attention.push_back(-std::numeric_limits<float>::infinity());
    for (const float weight : text.attention) log_attention.push_back(std::log(weight));
    log_attention.push_back(-std::numeric_limits<float>::infinity());
    probability.push_back(text.probability);
  }
  RunWriter writer(RunFolder(folder.path(), name));
  writer.start(fake_config(changes));
  EpochMetrics epoch;
  epoch.train_seconds = 1.25;
  writer.write_metrics(std::vector<EpochMetrics>{epoch, epoch});
  writer.write_predictions(vocabulary, split, log_attention, probability);
  writer.finish({.epoch = 5, .selected_on = "test", .split = {{{}, {}, test}}});
  return folder.path() / name;
}

const Json kUniform = {{"attention", "uniform"}};

std::vector<FakeText> uniform_texts() {
  std::vector<FakeText> texts = kTexts;
  for (FakeText& text : texts) text.attention = {0.5F, 0.5F};
  return texts;
}

/// Every element is closed where it should be.
void check_well_formed(const std::string& html) {
  const std::regex tag("<(/?)([a-z0-9]+)[^>]*>");
  std::vector<std::string> open;
  for (std::sregex_iterator at(html.begin(), html.end(), tag), end; at != end; ++at) {
    const std::string name = (*at)[2];
    if (name == "meta" || name == "br") continue;
    if ((*at)[1].length() == 0) {
      open.push_back(name);
    } else {
      REQUIRE(!open.empty());
      REQUIRE(open.back() == name);
      open.pop_back();
    }
  }
  CHECK(open.empty());
}

// --- reading runs

TEST_CASE("a run is read as it was written") {
  const TemporaryFolder folder;
  const Path path = fake_run(folder, "a", {{"vectors", "vectors/wiki.vec"}, {"seed", 18446744073709551615U}});
  const ReportedRun run = load_runs({path}).front();
  CHECK(run.path == path);
  CHECK(run.label == "Base");
  CHECK(run.dataset == "sst");
  CHECK(run.seed == 18446744073709551615U);
  CHECK(run.vectors == "vectors/wiki.vec");
  CHECK(run.vocabulary == 13826);
  CHECK(run.words_with_vectors == 11171);
  CHECK(run.texts == std::array<std::array<int64_t, 2>, 3>{{{3034, 3321}, {397, 424}, {863, 862}}});
  CHECK(run.device == "cpu (avx2)");
  CHECK(run.train_seconds == 2.5);
  CHECK(run.result.epoch == 5);
  REQUIRE(run.test.size() == 2);
  CHECK(run.test[1].id == 102);
  CHECK(run.test[0].label == 1);
  CHECK(run.test[0].probability == doctest::Approx(0.9));
  CHECK(run.test[0].tokens == std::vector<std::string>{"good", "film"});
  CHECK(run.test[0].attention[1] == doctest::Approx(0.25));
}

TEST_CASE("labels tell the runs apart, and are no longer than that needs") {
  const TemporaryFolder folder;
  const Path base = fake_run(folder, "base"), uniform = fake_run(folder, "uniform", kUniform);
  const Path mlp = fake_run(folder, "mlp", {{"encoder", "tokens"}});
  const Path flat = fake_run(folder, "flat", {{"encoder", "tokens"}, {"attention", "uniform"}});
  const Path seed = fake_run(folder, "seed", {{"seed", 2}}), wide = fake_run(folder, "wide", {{"hidden", 256}});
  const auto labels = [](const std::vector<Path>& folders) {
    std::vector<std::string> result;
    for (const ReportedRun& run : load_runs(folders)) result.push_back(run.label);
    return result;
  };
  using Labels = std::vector<std::string>;
  CHECK(labels({base, uniform, mlp, flat}) == Labels{"Base", "Uniform", "Trained MLP", "Uniform MLP"});
  CHECK(labels({uniform, base, seed}) == Labels{"Uniform, seed 10", "Base, seed 10", "Base, seed 2"});
  CHECK(labels({base, wide}) == Labels{"Base, " + base.string(), "Base, " + wide.string()});
}

TEST_CASE("what cannot be reported is refused with a remedy") {
  const TemporaryFolder folder;
  const Path base = fake_run(folder, "base");
  const auto complaint = [](const std::vector<Path>& folders) { return input_error([&] { load_runs(folders); }); };
  CHECK(has(complaint({}), "at least one run"));
  CHECK(has(complaint({base, folder.path()}), folder.path().string() + " is no run folder"));
  CHECK(has(complaint({folder / "nowhere"}), "nowhere is no run folder"));
  CHECK(has(complaint({base, folder.path() / "." / "base"}), "given twice"));

  const RunFolder started(folder.path(), "started");
  RunWriter(started).start(fake_config(Json::object()));
  CHECK(has(complaint({base, started.path()}), "started is an unfinished run; train it again"));
  write_safetensors(started.checkpoint_path(), {});
  CHECK(has(complaint({started.path()}), "started is an unfinished run; finish it with `notnot train --resume`"));

  const Path planted = fake_run(folder, "planted", {{"dataset", "planted"}, {"data", ""}});
  CHECK(has(complaint({base, planted}), "base is on the data set sst, " + planted.string() + " on planted"));
  std::vector<FakeText> other = kTexts;
  other[1].words = "another text";
  CHECK(has(complaint({base, fake_run(folder, "other", Json::object(), other)}), "not tested on the same texts"));
  other = kTexts;
  other.pop_back();
  CHECK(has(complaint({base, fake_run(folder, "fewer", Json::object(), other)}), "not tested on the same texts"));
  other = kTexts;
  other[0].label = 0;
  CHECK(has(complaint({base, fake_run(folder, "relabelled", Json::object(), other)}), "not tested on the same texts"));

  write_atomically(base / "config.json", R"({"epochs": 8})");
  CHECK(has(complaint({base}), "base/config.json is not the configuration of a training"));
}

TEST_CASE("damaged predictions are refused with their line") {
  const TemporaryFolder folder;
  const Path base = fake_run(folder, "base");
  const std::string good = read_file(base / "predictions.jsonl");
  const auto line = [](const std::string& label, const std::string& probability, const std::string& attention) {
    return fmt::format(R"({{"id": 1, "label": {}, "probability": {}, "tokens": ["a", "b"], "attention": [{}]}})", label,
                       probability, attention);
  };
  const std::map<std::string, std::string> damages = {{"{", "parse error"},
                                                      {"{\"id\": 1}", "label"},
                                                      {line("2", "0.5", "1, 0"), "label 2"},
                                                      {line("1", "1.5", "1, 0"), "probability 1.5"},
                                                      {line("1", "null", "1, 0"), "null"},
                                                      {line("1", "0.5", "1"), "2 tokens, but 1 attention weights"},
                                                      {line("1", "0.5", "-1, 2"), "attention weight -1"},
                                                      {line("1", "0.5", "0.5, 0.4"), "attention sums to 0.9"}};
  for (const auto& damage : damages) {
    CAPTURE(damage.first);
    write_atomically(base / "predictions.jsonl", good + damage.first + "\n");
    const std::string message = input_error([&] { load_runs({base}); });
    CHECK_MESSAGE(has(message, "base/predictions.jsonl, line 3: "), message);
    CHECK_MESSAGE(has(message, damage.second), message);
  }
  write_atomically(base / "predictions.jsonl", "");
  CHECK(has(input_error([&] { load_runs({base}); }), "base/predictions.jsonl is empty"));
}

// --- the tables

TEST_CASE("the paper's numbers") {
  const PaperDataset* sst = find_in_paper("sst");
  REQUIRE(sst != nullptr);
  CHECK(sst->f1 == std::array<double, 4>{0.831, 0.822, 0.817, 0.812});
  CHECK(find_in_paper("planted") == nullptr);
}

TEST_CASE("the summary has a line per run") {
  const TemporaryFolder folder;
  const std::string table = summary_table(load_runs({fake_run(folder, "a"), fake_run(folder, "b", kUniform)}));
  CHECK(count(table, "\n") == 3);
  CHECK(std::regex_search(table, std::regex("Base +10 +0\\.846 +0\\.831 +0\\.860 +0\\.800 +5 of 8, chosen on test\n")));
  CHECK(std::regex_search(table, std::regex("Uniform +10 +0\\.846 +0\\.822 ")));
  const Json own = {{"dataset", "own"}};
  const std::string without = summary_table(load_runs({fake_run(folder, "c", own, kTexts, {0.5, 0.5, kNaN, 0.5})}));
  CHECK(std::regex_search(without, std::regex("Base +10 +0\\.500 +- +- +0\\.500 ")));
}

TEST_CASE("large numbers and lists for people") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1,000");
  CHECK(grouped(-1000) == "-1,000");
  CHECK(grouped(-100) == "-100");
  CHECK(grouped(1234567) == "1,234,567");
  CHECK(listed({}).empty());
  CHECK(listed({"a"}) == "a");
  CHECK(listed({"a", "b"}) == "a and b");
  CHECK(listed({"a", "b", "c"}) == "a, b and c");
}

// --- the page

TEST_CASE("the page stands alone and is well-formed") {
  const TemporaryFolder folder;
  const Json strange = {{"dataset", "<own> & \"data\""}, {"vectors", "<v>.vec"}};
  Json uniform = strange;
  uniform["attention"] = "uniform";
  for (const std::vector<Path>& folders :
       {std::vector{fake_run(folder, "a")},
        std::vector{fake_run(folder, "b"), fake_run(folder, "c", kUniform, uniform_texts())},
        std::vector{fake_run(folder, "<d>", strange, kTexts, {0, 0, kNaN, 0}), fake_run(folder, "e", uniform)}}) {
    const std::string page = report_page(load_runs(folders));
    check_well_formed(page);
    CHECK(page.starts_with("<!DOCTYPE html>"));
    for (const char* outside :
         {"<script", "<link", "<img", "src=", "href=", "http:", "https:", "url(", "@import", "nan", "inf,"}) {
      CAPTURE(outside);
      CHECK_FALSE(has(page, outside));
    }
    for (const char* raw : {"<i>", "<own>", "<v>", "<d>", "'film'"}) {
      CAPTURE(raw);
      CHECK_FALSE(has(page, raw));
    }
    CHECK(has(page, "&lt;i&gt;&quot;bad&quot;&amp;&#39;film&#39;&lt;/i&gt;"));
  }
}

TEST_CASE("the page says what was trained, how it did and how that differs from the paper") {
  const TemporaryFolder folder;
  const Path base = fake_run(folder, "a"), uniform = fake_run(folder, "b", kUniform, kTexts, {0.8, 0.8, 0.8, 0.8});
  const std::string page = report_page(load_runs({base, uniform}));
  for (const char* said :
       {"<h1>Attention on Stanford Sentiment Treebank (SST)</h1>", "3,034 negative + 3,321 positive", "13,826",
        "cpu (avx2)", "random, 300 wide", "<td><b>0.846</b></td><td>0.831</td><td>+0.015</td>",
        "<td><b>0.800</b></td><td>0.822</td><td>&minus;0.022</td>", "no word vectors were given", "This leaks",
        "2.5 s"}) {
    CAPTURE(said);
    CHECK(has(page, said));
  }
  CHECK(has(page, escape(base.string())));
  CHECK_FALSE(has(page, "The test split is not the paper"));
  CHECK_FALSE(has(page, "Trained for"));

  const Json other = {{"vectors", "some/wiki.vec"}, {"epochs", 3}, {"seed", 2}};
  const std::string mixed = report_page(load_runs({base, fake_run(folder, "c", other)}));
  CHECK(has(mixed, "<dt>Seed</dt><dd>10; 2</dd>"));
  CHECK(has(mixed, "<dt>Device</dt><dd>cpu (avx2)</dd>"));
  CHECK(has(mixed, "Base, seed 10:</b> Word embeddings start at random"));
  CHECK(has(mixed, "from <code>wiki.vec</code>, 300 wide, which has 11,171 of the 13,826 words"));
  CHECK(has(mixed, "Trained for 3 epochs with 128 hidden units; the paper&#39;s models: 8 and 128."));
  CHECK(count(mixed, "This leaks") == 1);

  const std::string own = report_page(load_runs({fake_run(folder, "d", {{"dataset", "own"}})}));
  CHECK(has(own, "The paper has no numbers for this data set"));
  CHECK(has(own, "<td><b>0.846</b></td><td>-</td><td>-</td>"));
  CHECK(has(own, "This leaks"));
}

TEST_CASE("text is readable on every shade, and each shade is darker than the one before") {
  const auto luminance = [](const std::string& hex) {
    double sum = 0;
    for (size_t i = 0; i < 3; ++i) {
      const double value = std::stoi(hex.substr(2 * i, 2), nullptr, 16) / 255.0;
      const double linear = value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
      sum += linear * std::array{0.2126, 0.7152, 0.0722}[i];
    }
    return sum;
  };
  const std::string page = html_page("", "");
  const std::regex rule(R"(\.w(\d+) \{ background: #([0-9a-f]{6}); color: #(000|fff); \})");
  double before = 2;
  int level = 0;
  for (std::sregex_iterator at(page.begin(), page.end(), rule), end; at != end; ++at, ++level) {
    CAPTURE(level);
    CHECK(std::stoi((*at)[1]) == level);
    const double background = luminance((*at)[2]), text = (*at)[3] == "fff" ? 1 : 0;
    CHECK((std::max(background, text) + 0.05) / (std::min(background, text) + 0.05) >= 4.5);
    CHECK(background < before - 0.005);
    before = background;
  }
  CHECK(level == kDarkest + 1);
}

// --- heat maps

TEST_CASE("shades are proportional to the weight") {
  CHECK(shade_of(0, 0.5) == 0);
  CHECK(shade_of(0.5, 0.5) == kDarkest);
  CHECK(shade_of(0.25, 0.5) == kDarkest / 2);
  CHECK(shade_of(0, 0) == 0);
}

TEST_CASE("all runs of a text share one scale, and every weight is given exactly") {
  const TemporaryFolder folder;
  const auto runs = load_runs({fake_run(folder, "a"), fake_run(folder, "b", kUniform, uniform_texts())});
  const std::string section = heat_map_section(runs);
  check_well_formed(section);
  const auto weight = [&](size_t run, size_t word) { return fmt::format("{:.9g}", runs[run].test[0].attention[word]); };
  const auto row = [&](size_t run, int good, int film) {
    return fmt::format(R"(<span class="w{}" title="{}">good</span> <span class="w{}" title="{}">film</span>)", good,
                       weight(run, 0), film, weight(run, 1));
  };
  CHECK(has(section, row(0, 20, 7)));
  CHECK(has(section, row(1, 13, 13)));
  CHECK(has(section,
            fmt::format(R"(<th scope="row" class="l">good</th><td>{}</td><td>{}</td>)", weight(0, 0), weight(1, 0))));
  CHECK(has(section, "p = 0.900, positive"));
  CHECK(has(section, "JSD 0.216 from Base"));  // of (1, 0) and (0.5, 0.5): 0.75 ln(4/3), worked by hand
}

TEST_CASE("divergence of attentions by hand") {
  const auto text = [](std::vector<double> attention) { return TestText{1, 1, 0.5, {"a", "b"}, std::move(attention)}; };
  CHECK(divergence(text({1, 0}), text({0, 1})) == doctest::Approx(std::log(2.0)));
  CHECK(divergence(text({1, 0}), text({0.5, 0.5})) == doctest::Approx(0.75 * std::log(4.0 / 3)));
  CHECK(divergence(text({0.3, 0.7}), text({0.3, 0.7})) == 0);
}

ReportedRun scored_run(PaperModel model, const std::vector<std::tuple<int, double, double>>& texts) {
  ReportedRun run;
  run.label = to_string(model);
  run.model = model;
  for (const auto& [label, probability, weight] : texts) {
    run.test.push_back({0, label, probability, {"a", "b"}, {weight, 1 - weight}});
  }
  return run;
}

TEST_CASE("texts are chosen by the stated rule") {
  // Label, probability, first weight. The second run's attention is uniform.
  const ReportedRun base = scored_run(PaperModel::base, {{1, 0.99, 0.5},    // 0: too long, below
                                                         {1, 0.90, 0.9},    // 1: right, as confident as 2, earlier
                                                         {1, 0.90, 0.5},    // 2
                                                         {0, 0.10, 0.5},    // 3: right, class 0
                                                         {0, 0.80, 0.5},    // 4: wrong, says 1
                                                         {1, 0.30, 0.5},    // 5: wrong, says 0
                                                         {1, 0.20, 1.0},    // 6: wrong, says 0, surer
                                                         {0, 0.50, 0.5},    // 7: undecided
                                                         {1, 0.55, 0.8},    // 8: undecided
                                                         {0, 0.46, 0.5},    // 9: undecided
                                                         {1, 0.70, 0.7},    // 10: differs
                                                         {1, 0.71, 0.2}});  // 11: differs more
  std::vector<ReportedRun> runs = {scored_run(PaperModel::uniform, {}), base};
  runs[0].test = base.test;
  for (TestText& text : runs[0].test) text.attention = {0.5, 0.5};
  for (ReportedRun& run : runs) {
    run.test[0].tokens.resize(kLongestShown + 1, "x");
    run.test[0].attention.resize(kLongestShown + 1, 0);
  }
  CHECK(reference_run(runs) == 1);
  const std::vector<TextGroup> groups = choose_texts(runs);
  REQUIRE(groups.size() == 4);
  CHECK(groups[0].texts == std::vector<size_t>{1, 3});
  CHECK(groups[1].texts == std::vector<size_t>{4, 6});
  CHECK(groups[2].texts == std::vector<size_t>{7, 9, 8});
  CHECK(groups[3].texts == std::vector<size_t>{11, 10});  // 1, 6 and 8 are taken; equal attention does not differ
  CHECK(choose_texts({runs[1]}).size() == 3);
  runs.erase(runs.begin());
  runs[0].test.resize(1);
  CHECK(choose_texts(runs)[0].texts == std::vector<size_t>{0});  // nothing shorter is there
  CHECK(has(heat_map_section(runs), "No text is of this kind."));
}

TEST_CASE("on the planted corpus evidence is marked and its attention summed") {
  const TemporaryFolder folder;
  const std::vector<FakeText> texts = {{"praise0 word1 blame3", 1, 0.9F, {0.5F, 0.3F, 0.2F}},
                                       {"word2 blame1 chatter0", 0, 0.1F, {0.5F, 0.5F, 0}}};
  Json changes = {{"dataset", "planted"}, {"data", ""}};
  const auto runs = load_runs({fake_run(folder, "a", changes, texts)});
  CHECK(evidence_mass(runs[0].test[0]) == doctest::Approx(0.7));
  CHECK(mean_evidence_mass(runs[0]) == doctest::Approx(0.6));
  const std::string page = report_page(runs);
  check_well_formed(page);
  CHECK(has(page, "<u>praise0</u></span> <span class=\"w12\""));
  CHECK(has(page, "70 % on evidence"));
  CHECK(has(page, "<td>60.0 %</td>"));
  CHECK(has(page, "praise0 (evidence)"));
  CHECK(count(page, "<u>") == 4);  // three words and the legend

  changes["data"] = "my/planted.csv";
  CHECK_FALSE(has(report_page(load_runs({fake_run(folder, "b", changes, texts)})), "<u>"));
}

// --- writing

TEST_CASE("the page is written whole, over an older one, or the folder is named") {
  const TemporaryFolder folder;
  const auto runs = load_runs({fake_run(folder, "a")});
  const Path page = write_report(runs, folder / "some" / "where");
  CHECK(page == folder / "some" / "where" / "index.html");
  CHECK(read_file(page) == report_page(runs));
  write_atomically(page, "old");
  write_report(runs, folder / "some" / "where");
  CHECK(read_file(page) == report_page(runs));

  write_atomically(folder / "file", "in the way");
  CHECK(has(input_error([&] { write_report(runs, folder / "file"); }), (folder / "file").string()));
  CHECK(has(input_error([&] { write_report(runs, folder / "file" / "x"); }), "choose another with --out"));
  std::filesystem::create_directories(folder / "blocked" / "index.html");
  CHECK(has(input_error([&] { write_report(runs, folder / "blocked"); }), "index.html"));
}

}  // namespace
}  // namespace notnot
