#include <doctest/doctest.h>

#include <map>
#include <regex>
#include <set>

#include "engine/io/files.h"
#include "engine/io/safetensors.h"
#include "experiments/format/html.h"
#include "experiments/format/numbers.h"
#include "experiments/report/heat_map.h"
#include "experiments/report/page.h"
#include "experiments/report/summary.h"
#include "tests/support/fake_runs.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

using Json = nlohmann::json;
using Path = std::filesystem::path;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

const Json kUniform = {{"attention", "uniform"}};

std::vector<std::string> all_matches(const std::string& text, const char* pattern) {
  const std::regex expression(pattern);
  std::vector<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), expression), end; at != end; ++at) found.push_back((*at)[1]);
  return found;
}

/// Every element is closed where it should be.
void check_well_formed(const std::string& html) {
  const std::regex tag("<(/?)([a-zA-Z0-9]+)[^>]*?(/?)>");
  std::vector<std::string> open;
  for (std::sregex_iterator at(html.begin(), html.end(), tag), end; at != end; ++at) {
    const std::string name = (*at)[2];
    if (name == "meta" || name == "br" || (*at)[3].length() > 0) continue;
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

/// Anchors lead somewhere, files are there, ids are unique and headings skip no level.
void check_links(const std::string& page, const Path& folder) {
  const std::vector<std::string> ids = all_matches(page, "\\sid=\"([^\"]*)\"");
  const std::set<std::string> distinct(ids.begin(), ids.end());
  CHECK(distinct.size() == ids.size());
  for (const std::string& target : all_matches(page, "href=\"([^\"]*)\"")) {
    CAPTURE(target);
    if (target.starts_with("#")) {
      CHECK(distinct.contains(target.substr(1)));
    } else {
      CHECK(std::filesystem::exists(folder / target));
    }
  }
  int level = 0;
  for (const std::string& heading : all_matches(page, "<h([1-6])[ >]")) {
    CHECK(std::stoi(heading) <= level + 1);
    level = std::stoi(heading);
  }
}

std::string page_of(const std::vector<Path>& folders, const TemporaryFolder& out) {
  const Path page = write_report(load_studies(folders), out / "report");
  return read_file(page);
}

// --- reading runs

TEST_CASE("a run is read as it was written") {
  const TemporaryFolder folder;
  const Path path = fake_run(folder, "a", {{"vectors", "vectors/wiki.vec"}, {"seed", 18446744073709551615U}});
  const LoadedRun run = read_runs({path}).front();
  CHECK(run.path == path);
  CHECK(run.dataset() == "sst");
  CHECK(run.spec() == RunSpec{.kind = RunKind::base, .seed = 18446744073709551615U, .lambda = 0, .other = ""});
  CHECK(run.config.vectors == "vectors/wiki.vec");
  CHECK(run.config.vocabulary == 13826);
  CHECK(run.config.words_with_vectors == 11171);
  CHECK(run.config.texts.train.negative == 3034);
  CHECK(run.config.texts.dev.positive == 424);
  CHECK(run.config.texts.test.positive == 862);
  CHECK(run.config.device == "cpu (avx2)");
  CHECK(run.epochs_trained == 8);
  CHECK(run.train_seconds == 10);
  CHECK(run.result.epoch == 5);
  const Attention attention = test_attention(run);
  CHECK(attention.row == std::vector<int64_t>{101, 102});
  CHECK(attention.probability[0] == 0.9F);
  CHECK(read_words(run, {0}, attention.row, attention.offsets).at(0) == std::vector<std::string>{"good", "film"});
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
  CHECK_HAS(complaint({started.path()}), "started, which is unfinished; start it again");
  write_safetensors(started.checkpoint_path(), {});
  CHECK_HAS(complaint({started.path()}), "goes on with --resume");

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

  const auto adversary = [&](const char* name, int lambda, double factor) {
    return fake_run(
        folder, name,
        {{"objective", "adversary"}, {"lambda", lambda}, {"tvd_factor", factor}, {"other", "sst-lstm-learned-seed10"}});
  };
  CHECK_HAS(complaint({base, adversary("a1", 1, 0.5), adversary("a2", 2, 1)}), "another --tvd");

  write_atomically(base / "config.json", R"({"epochs": 8})");
  CHECK_HAS(complaint({base}), "base/config.json is not the configuration of a run");
}

TEST_CASE("damaged predictions are refused with their line") {
  const TemporaryFolder folder;
  const Path base = fake_run(folder, "base");
  const LoadedRun run = read_runs({base}).front();
  const Attention attention = test_attention(run);
  const std::string content = read_file(base / "predictions.jsonl");
  const std::string first = content.substr(0, content.find('\n') + 1);
  const std::map<std::string, std::string> damages = {
      {"{", "parse error"},
      {"{\"id\": 102}", "tokens"},
      {R"({"id": 7, "tokens": ["a", "b"]})", "text 7 of 2 words, where attention_test.safetensors has text 102 of 2"},
      {R"({"id": 102, "tokens": ["a"]})", "text 102 of 1 words"},
      {"", "missing"}};
  for (const auto& damage : damages) {
    CAPTURE(damage.first);
    write_atomically(base / "predictions.jsonl", first + damage.first);
    const auto read = [&](const std::set<size_t>& texts) {
      return input_error([&] { read_words(run, texts, attention.row, attention.offsets); });
    };
    CHECK_HAS(read({0, 1}), "base/predictions.jsonl, line 2: ");
    CHECK_HAS(read({1}), damage.second);
  }
}

// --- the summary

TEST_CASE("the summary has a line per model") {
  const TemporaryFolder folder;
  const auto summary = [](const std::vector<Path>& folders) { return summary_table(load_studies(folders).front()); };
  const std::string table = summary({fake_run(folder, "a"), fake_run(folder, "b", kUniform)});
  CHECK(count(table, "\n") == 3);
  CHECK(std::regex_search(table, std::regex("Base +10 +0\\.846 +0\\.831 +0\\.860 +0\\.800 +5 of 8, chosen on test\n")));
  CHECK(std::regex_search(table, std::regex("Uniform +10 +0\\.846 +0\\.822 ")));
  const Json own = {{"dataset", "own"}};
  const std::string without = summary({fake_run(folder, "c", own, kTexts, {0.5, 0.5, kNaN, 0.5})});
  CHECK(std::regex_search(without, std::regex("Base +10 +0\\.500 +- +- +0\\.500 ")));

  const TemporaryFolder runs;
  const RunSpec base, second{.kind = RunKind::base, .seed = 2, .lambda = 0, .other = ""};
  const RunSpec adversary{.kind = RunKind::adversary, .seed = 10, .lambda = 1e-3, .other = run_name("sst", base)};
  fake_run(runs, base, kTexts, 0.8);
  fake_run(runs, second, kTexts, 0.6);
  fake_run(runs, adversary, uniform_texts(), 0.7);
  fake_run(runs, {.kind = RunKind::uniform_mlp, .seed = 10, .lambda = 0, .other = ""}, kTexts, 0.5);
  RunWriter(RunFolder(runs.path(), "broken")).fail("no memory", fake_config({{"seed", 9}}));
  const std::string full = summary({runs.path()});
  CHECK(std::regex_search(full, std::regex("\n +2 runs +F1 0\\.700 ± 0\\.141\n")));
  CHECK(std::regex_search(full, std::regex("Adversary, λ = 0\\.001 +10 +0\\.700 .* 0\\.000 +0\\.125 +5 of 8")));
  CHECK(std::regex_search(full, std::regex("Uniform MLP +10 +0\\.500 +0\\.812 ")));
  CHECK(has(full, "broken: failed: no memory"));
}

TEST_CASE("large numbers and lists for people") {
  CHECK(with_thousands(0) == "0");
  CHECK(with_thousands(999) == "999");
  CHECK(with_thousands(1000) == "1,000");
  CHECK(with_thousands(-1000) == "-1,000");
  CHECK(with_thousands(-100) == "-100");
  CHECK(with_thousands(1234567) == "1,234,567");
  CHECK(joined_with_and({}).empty());
  CHECK(joined_with_and({"a"}) == "a");
  CHECK(joined_with_and({"a", "b"}) == "a and b");
  CHECK(joined_with_and({"a", "b", "c"}) == "a, b and c");
}

// --- the page

TEST_CASE("the page stands alone, is well-formed, and its links lead somewhere") {
  const TemporaryFolder folder, out;
  const Json strange = {{"dataset", "<own> & \"data\""}, {"vectors", "<v>.vec"}};
  Json uniform = strange;
  uniform["attention"] = "uniform";
  for (const std::vector<Path>& folders :
       {std::vector{fake_run(folder, "a")},
        std::vector{fake_run(folder, "b"), fake_run(folder, "c", kUniform, uniform_texts())},
        std::vector{fake_run(folder, "<d>", strange, kTexts, {0, 0, kNaN, 0}), fake_run(folder, "e", uniform)}}) {
    const std::string page = page_of(folders, out);
    check_well_formed(page);
    check_links(page, out / "report");
    CHECK(page.starts_with("<!DOCTYPE html>"));
    for (const char* outside : {"<script", "<link", "<img", "src=", "url(h", "@import", ">nan", "inf<", "nan "}) {
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

/// Runs of every kind on one data set.
void fake_everything(const TemporaryFolder& folder, const std::string& dataset) {
  const Json changes = {{"dataset", dataset}};
  const auto spec = [](RunKind kind, uint64_t seed = 10, double lambda = 0, const std::string& other = "") {
    return RunSpec{.kind = kind, .seed = seed, .lambda = lambda, .other = other};
  };
  const std::string base = run_name(dataset, spec(RunKind::base));
  const RunSpec adversary = spec(RunKind::adversary, 10, 1e-3, base);
  for (const RunKind kind : {RunKind::base, RunKind::uniform, RunKind::trained_mlp, RunKind::uniform_mlp}) {
    fake_run(folder, spec(kind), kTexts, 0.8, changes);
  }
  for (const uint64_t seed : {2, 50}) fake_run(folder, spec(RunKind::base, seed), uniform_texts(), 0.8, changes);
  for (const std::string& other : {base, run_name(dataset, adversary), std::string("<my> weights")}) {
    Json guided = changes;
    if (other.starts_with("<")) guided["other_file"] = "<weights>.jsonl";
    fake_run(folder, "guided-" + std::to_string(other.size()), [&] {
      guided.update(choices_of(spec(RunKind::guided_mlp, 10, 0, other)));
      return guided;
    }());
  }
  const std::vector<FakeText> far = with_attention(kTexts, {{0, 1}, {0, 1}});
  fake_run(folder, adversary, far, 0.79, changes);
  fake_run(folder, spec(RunKind::adversary, 10, 4e-3, base), far, 0.79, changes);
  fake_run(folder, spec(RunKind::adversary, 2, 1e-3, base), uniform_texts(), 0.79, changes);
  fake_perturbation(folder, spec(RunKind::perturbation, 10, 0, base), far, {0.1F, 0.2F}, changes);
  Json failed = changes;
  failed["seed"] = 77;
  RunWriter(RunFolder(folder.path(), dataset + "-failed")).fail("<b>boom</b>", fake_config(failed));
}

TEST_CASE("runs of every kind make every section, table and figure") {
  const TemporaryFolder folder, out;
  fake_everything(folder, "sst");
  const std::string page = page_of({folder.path()}, out);
  check_well_formed(page);
  check_links(page, out / "report");
  for (const char* section :
       {"findings", "data", "uniform", "seeds", "guides", "adversary", "perturbation", "maps", "runs"}) {
    CAPTURE(std::string(section));
    CHECK(has(page, fmt::format("<h3 id=\"sst-{}\">", section)));
    CHECK(has(page, fmt::format("<a href=\"#sst-{}\">", section)));
  }
  for (const char* said : {"0.592", "0.000525", "&lt;my&gt; weights (from elsewhere)", "&lt;b&gt;boom&lt;/b&gt;",
                           "What another seed does", "One text (Figure 2)", "agrees"}) {
    CAPTURE(std::string(said));
    CHECK(has(page, said));
  }
  CHECK_FALSE(has(page, "<my>"));
  CHECK_FALSE(has(page, "Not here, as their runs"));
  for (const char* table : {"table1", "table2", "table2-differences", "table3", "table3-differences", "table4",
                            "lambdas", "adversary-seeds", "seeds", "perturbation", "runs", "unused"}) {
    CAPTURE(std::string(table));
    CHECK(std::filesystem::exists(out / "report" / "tables" / fmt::format("sst-{}.csv", table)));
    CHECK(std::filesystem::exists(out / "report" / "tables" / fmt::format("sst-{}.tex", table)));
  }
  if (!can_draw()) return;
  CHECK(count(page, "<svg") == 6);
  for (const char* figure :
       {"figure3-seeds", "figure3-adversary", "permutation", "figure5", "figure5-class0", "figure5-class1"}) {
    CAPTURE(std::string(figure));
    CHECK(std::filesystem::exists(out / "report" / "figures" / fmt::format("sst-{}.svg", figure)));
    CHECK(std::filesystem::exists(out / "report" / "figures" / fmt::format("sst-{}.pdf", figure)));
  }
}

TEST_CASE("several data sets share one page, with an overview") {
  const TemporaryFolder folder, out;
  fake_everything(folder, "sst");
  fake_run(folder, "imdb", {{"dataset", "imdb"}, {"synthetic", true}});
  RunWriter(RunFolder(folder.path(), "only")).start(fake_config({{"dataset", "anemia"}}));
  const std::string page = page_of({folder.path()}, out);
  check_well_formed(page);
  check_links(page, out / "report");
  CHECK(has(page, "<h1>Attention on 3 data sets</h1>"));
  CHECK(has(page, "id=\"overview\""));
  CHECK(has(page, "SYNTHETIC texts</b>"));
  CHECK(has(page, "Random seeds (Figure 3) (<code>notnot seeds</code>)"));
  CHECK(has(page, "<h2 id=\"anemia\">"));
}

TEST_CASE("the page says what was trained, how it did and how that differs from the paper") {
  const TemporaryFolder folder, out;
  const Path base = fake_run(folder, "a"), uniform = fake_run(folder, "b", kUniform, kTexts, {0.8, 0.8, 0.8, 0.8});
  const std::string page = page_of({base, uniform}, out);
  for (const char* said :
       {"<h1>Attention on Stanford Sentiment Treebank (SST)</h1>", "3,034 negative + 3,321 positive", "13,826",
        "cpu (avx2)", "random, 300 wide", "<td>0.846</td><td>0.831</td><td>+0.015</td>",
        "<td>0.800</td><td>0.822</td><td>\u22120.022</td>", "no word vectors were given", "This leaks", "10.0 s"}) {
    CAPTURE(std::string(said));
    CHECK(has(page, said));
  }
  CHECK(has(page, escape(base.string())));
  CHECK_FALSE(has(page, "The test split is not the paper"));
  CHECK_FALSE(has(page, "Trained for"));
  CHECK_FALSE(has(page, "recurrence"));

  const Json other = {{"vectors", "some/wiki.vec"}, {"epochs", 3}, {"seed", 2}, {"precision", "bf16x3"}};
  const std::string mixed = page_of({base, fake_run(folder, "c", other)}, out);
  CHECK(has(mixed, "<dt>Seeds</dt><dd>10; 2</dd>"));
  CHECK(has(mixed, "<dt>Device</dt><dd>cpu (avx2)</dd>"));
  CHECK(has(mixed, "Base, seed 10:</b> Word embeddings start at random"));
  CHECK(has(mixed, "from <code>wiki.vec</code>, 300 wide, which has 11,171 of the 13,826 words"));
  CHECK(has(mixed, "Trained for 3 epochs with 128 hidden units; the paper&#39;s models: 8 and 128."));
  CHECK(has(mixed, "Base, seed 2:</b> The LSTM&#39;s recurrence was computed in bf16x3, not in fp32."));
  CHECK(count(mixed, "This leaks") == 1);

  const std::string partial = page_of({fake_run(folder, "e", {{"dataset", "imdb"}})}, out);
  CHECK(has(partial, "The test split is not the paper&#39;s: 863 + 862 texts here, 2,184 + 2,172 there."));
  CHECK(has(partial, "imdb, not the paper&#39;s test split"));

  const std::string own = page_of({fake_run(folder, "d", {{"dataset", "own"}})}, out);
  CHECK(has(own, "The paper has no numbers for this data set"));
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

TEST_CASE("all models of a text share one scale, and every weight is given exactly") {
  const TemporaryFolder folder;
  const LoadedStudy study =
      load_studies({fake_run(folder, "a"), fake_run(folder, "b", kUniform, uniform_texts())}).front();
  const std::string maps = heat_maps_html(study);
  check_well_formed(maps);
  // As the file has it: a logarithm in float.
  const auto exact = [](float weight) { return fmt::format("{:.9g}", std::exp(double{std::log(weight)})); };
  const auto row = [&](float first, int good, float second, int film) {
    return fmt::format(R"(<span class="w{}" title="{}">good</span> <span class="w{}" title="{}">film</span>)", good,
                       exact(first), film, exact(second));
  };
  CHECK(has(maps, row(0.75F, 20, 0.25F, 7)));
  CHECK(has(maps, row(0.5F, 13, 0.5F, 13)));
  CHECK(has(maps,
            fmt::format(R"(<th scope="row" class="l">good</th><td>{}</td><td>{}</td>)", exact(0.75F), exact(0.5F))));
  CHECK(has(maps, "p = 0.900, positive"));
  CHECK(has(maps, "JSD 0.216 from Base"));  // of (1, 0) and (0.5, 0.5): 0.75 ln(4/3), worked by hand
}

/// Label, probability and first of two weights of each text; `long_ones` texts more words than are shown.
ShownModel shown_model(const std::string& label, const std::vector<std::tuple<int, float, float>>& texts,
                       size_t long_ones) {
  ShownModel model{label, {}};
  constexpr float kNothing = -std::numeric_limits<float>::infinity();
  Attention& attention = model.attention;
  attention.offsets = {0};
  for (const auto& [text_label, probability, weight] : texts) {
    attention.log_attention.insert(attention.log_attention.end(),
                                   {kNothing, std::log(weight), std::log(1 - weight), kNothing});
    if (attention.label.size() < long_ones) {
      attention.log_attention.insert(attention.log_attention.end(), kLongestShown, kNothing);
    }
    attention.offsets.push_back(static_cast<int64_t>(attention.log_attention.size()));
    attention.label.push_back(text_label);
    attention.probability.push_back(probability);
    attention.row.push_back(static_cast<int64_t>(attention.row.size()));
  }
  return model;
}

TEST_CASE("texts are chosen by the stated rule") {
  std::vector<std::tuple<int, float, float>> texts = {{1, 0.99F, 0.5F},   // 0: too long
                                                      {1, 0.90F, 0.9F},   // 1: right, as confident as 2, earlier
                                                      {1, 0.90F, 0.5F},   // 2
                                                      {0, 0.10F, 0.5F},   // 3: right, class 0
                                                      {0, 0.80F, 0.5F},   // 4: wrong, says 1
                                                      {1, 0.30F, 0.5F},   // 5: wrong, says 0
                                                      {1, 0.20F, 1.0F},   // 6: wrong, says 0, surer
                                                      {0, 0.50F, 0.5F},   // 7: undecided
                                                      {1, 0.55F, 0.8F},   // 8: undecided
                                                      {0, 0.46F, 0.5F},   // 9: undecided
                                                      {1, 0.70F, 0.7F},   // 10: differs
                                                      {1, 0.71F, 0.2F}};  // 11: differs more
  const ShownModel base = shown_model("Base", texts, 1);
  for (auto& text : texts) std::get<2>(text) = 0.5F;
  const std::vector<TextGroup> groups = choose_texts({base, shown_model("Uniform", texts, 1)});
  REQUIRE(groups.size() == 4);
  CHECK(groups[0].texts == std::vector<size_t>{1, 3});
  CHECK(groups[1].texts == std::vector<size_t>{4, 6});
  CHECK(groups[2].texts == std::vector<size_t>{7, 9, 8});
  CHECK(groups[3].texts == std::vector<size_t>{11, 10});  // 1, 6 and 8 are taken; equal attention does not differ
  CHECK(choose_texts({base}).size() == 3);
  CHECK(choose_texts({shown_model("Base", {texts[0]}, 1)})[0].texts == std::vector<size_t>{0});  // nothing shorter
}

TEST_CASE("Figure 2 shows the most different attention at the same prediction") {
  const Attention base = shown_model("", {{1, 0.9F, 1}, {1, 0.9F, 1}, {1, 0.9F, 1}, {1, 0.52F, 1}}, 1).attention;
  const auto chosen = [&](const std::vector<std::tuple<int, float, float>>& texts) {
    return most_different(base, shown_model("", texts, 1).attention);
  };
  // 0 is too long, 1 changes its prediction too much, 3 its class.
  CHECK(chosen({{1, 0.9F, 0}, {1, 0.8F, 0}, {1, 0.88F, 0.5F}, {1, 0.49F, 0}}) == 2);
  CHECK(chosen({{1, 0.9F, 0}, {1, 0.88F, 0.5F}, {1, 0.88F, 0.1F}, {1, 0.53F, 0.2F}}) == 2);
  CHECK_FALSE(chosen({{1, 0.9F, 0}, {1, 0.8F, 0}, {1, 0.8F, 0.5F}, {1, 0.49F, 0}}));
}

TEST_CASE("on the planted corpus evidence is marked and its attention summed") {
  const TemporaryFolder folder, out;
  const std::vector<FakeText> texts = {{"praise0 word1 blame3", 1, 0.9F, {0.5F, 0.3F, 0.2F}},
                                       {"word2 blame1 chatter0", 0, 0.1F, {0.5F, 0.5F, 0}}};
  Json changes = {{"dataset", "planted"}, {"data", ""}};
  const Path run = fake_run(folder, "a", changes, texts);
  CHECK(load_studies({run}).front().runs.front().evidence_mass == doctest::Approx(0.6));
  const std::string page = page_of({run}, out);
  check_well_formed(page);
  check_links(page, out / "report");
  CHECK(has(page, "<u>praise0</u></span> <span class=\"w12\""));
  CHECK(has(page, "70 % on evidence"));
  CHECK(has(page, "<td>1</td><td>60.0</td>"));
  CHECK(has(page, "praise0 (evidence)"));
  CHECK(count(page, "<u>") == 4);  // three words and the legend
  CHECK(std::filesystem::exists(out / "report" / "tables" / "planted-evidence.csv"));

  changes["data"] = "my/planted.csv";
  CHECK_FALSE(has(page_of({fake_run(folder, "b", changes, texts)}, out), "<u>"));
}

// --- writing

TEST_CASE("the page is written whole, over an older one, or the folder is named") {
  const TemporaryFolder folder;
  const auto studies = load_studies({fake_run(folder, "a")});
  const Path page = write_report(studies, folder / "some" / "where");
  CHECK(page == folder / "some" / "where" / "index.html");
  const std::string written = read_file(page);
  write_atomically(page, "old");
  write_report(studies, folder / "some" / "where");
  CHECK(read_file(page) == written);

  write_atomically(folder / "file", "in the way");
  CHECK_HAS(input_error([&] { write_report(studies, folder / "file"); }), (folder / "file").string());
  CHECK_HAS(input_error([&] { write_report(studies, folder / "file" / "x"); }), "choose another with --out");
  std::filesystem::create_directories(folder / "blocked" / "index.html");
  CHECK_HAS(input_error([&] { write_report(studies, folder / "blocked"); }), "index.html");
}

}  // namespace
}  // namespace notnot
