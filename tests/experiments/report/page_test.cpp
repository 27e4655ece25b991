#include "experiments/report/page.h"

#include <doctest/doctest.h>

#include <tuple>

#include "engine/io/files.h"
#include "experiments/format/html.h"
#include "tests/experiments/report/report_page.h"
#include "tests/experiments/report/small_study.h"
#include "tests/support/fake_runs.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

using Json = nlohmann::json;
using Path = std::filesystem::path;

TEST_CASE("the page stands alone, is well-formed, and its links lead somewhere") {
  const TemporaryFolder folder, out;
  const Json strange = {
      {"dataset", "<own> & \"data\""}, {"paths", {{"vectors", "<v>.vec"}}}, {"vectors_checksum", "ab"}};
  Json uniform = strange;
  uniform["attention"] = "uniform";
  for (const std::vector<Path>& folders :
       {std::vector{fake_run(folder, "a")},
        std::vector{fake_run(folder, "b"), fake_run(folder, "c", kUniform, uniform_texts())},
        std::vector{fake_run(folder, "<d>", strange, kTexts, {0, 0, kNoNumber, 0}), fake_run(folder, "e", uniform)}}) {
    const std::string page = page_of(folders, out);
    check_well_formed(page);
    check_links(page, out / "report");
    CHECK(page.starts_with("<!DOCTYPE html>"));
    for (const char* outside : {"<script", "<link", "<img", "src=", "url(h", "@import", ">nan", "inf<", "nan "}) {
      CAPTURE(outside);
      CHECK_FALSE(has(page, outside));
    }
    for (const char* raw : {"<i>\"", "<own>", "<v>", "<d>", "'film'"}) {
      CAPTURE(std::string(raw));
      CHECK_FALSE(has(page, raw));
    }
    CHECK(has(page, "&lt;i&gt;&quot;bad&quot;&amp;&#39;film&#39;&lt;/i&gt;"));
  }
}

/// Writes runs of every kind on one data set.
void fake_everything(const TemporaryFolder& folder, const std::string& dataset) {
  const Json changes = {{"dataset", dataset}};
  const std::string base = run_name(dataset, spec(RunKind::base));
  const RunSpec adversary = spec(RunKind::adversary, 10, 1e-3, base);
  for (const RunKind kind : {RunKind::base, RunKind::uniform, RunKind::trained_mlp, RunKind::uniform_mlp}) {
    fake_run(folder, spec(kind), kTexts, 0.8, changes);
  }
  for (const uint64_t seed : {2, 50}) fake_run(folder, spec(RunKind::base, seed), uniform_texts(), 0.8, changes);
  for (const std::string& other : {base, run_name(dataset, adversary), std::string("<my> weights")}) {
    Json guided = changes;
    if (other.starts_with("<")) guided["paths"]["attention"] = "<weights>.jsonl";
    fake_run(folder, "guided-" + std::to_string(other.size()), [&] {
      guided.update(choices_of(spec(RunKind::guided_mlp, 10, 0, other)));
      return guided;
    }());
  }
  const std::vector<FakeText> far = with_attention(kTexts, {{0, 1}, {0, 1}});
  fake_run(folder, adversary, far, 0.79, changes);
  fake_run(folder, spec(RunKind::adversary, 10, 4e-3, base), far, 0.79, changes);
  fake_run(folder, spec(RunKind::adversary, 2, 1e-3, base), uniform_texts(), 0.79, changes);
  for (int32_t k = 1; k <= 2; ++k) {
    RunSpec member = spec(RunKind::side_by_side, 10, 1e-3, base);
    member.members = 2;
    member.member = k;
    fake_run(folder, member, k == 1 ? far : uniform_texts(), 0.79, changes);
  }
  fake_perturbation(folder, spec(RunKind::perturbation, 10, 0, base), far, {0.1F, 0.2F}, changes);
  for (const uint64_t seed : {10, 2}) {
    for (const Measure measure : {Measure::attention, Measure::contribution, Measure::random}) {
      fake_attribution(folder, attribution_of(dataset, spec(RunKind::base, seed), measure, {SplitName::test}), kTexts,
                       changes);
    }
  }
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
  for (const char* section : {"findings", "data", "uniform", "seeds", "guides", "adversary", "side-by-side",
                              "perturbation", "importance", "erasure", "maps", "runs"}) {
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
                            "lambdas", "adversary-seeds", "seeds", "perturbation", "importance", "flips",
                            "comprehensiveness", "erasure-differences", "runs", "attributions", "unused"}) {
    CAPTURE(std::string(table));
    CHECK(std::filesystem::exists(out / "report" / "tables" / fmt::format("sst-{}.csv", table)));
    CHECK(std::filesystem::exists(out / "report" / "tables" / fmt::format("sst-{}.tex", table)));
  }
  if (!can_draw()) return;
  CHECK(count(page, "<svg") == 8);
  for (const char* figure : {"figure3-seeds", "figure3-captioned", "figure3-adversary", "permutation", "figure5",
                             "figure5-class0", "figure5-class1", "importance"}) {
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

  const Json other = {{"paths", {{"vectors", "some/wiki.vec"}}},
                      {"vectors_checksum", "ab"},
                      {"epochs", 3},
                      {"seed", 2},
                      {"precision", "bf16x3"}};
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

TEST_CASE("one run, several runs: the page's first sentence") {
  const TemporaryFolder folder, out;
  const auto page = [&](const std::vector<Path>& folders) { return page_of(folders, out); };
  const Path base = fake_run(folder, "a"), uniform = fake_run(folder, "b", kUniform);
  CHECK_HAS(page({base}), " 1 finished run, under the tests of");
  CHECK_HAS(page({base, uniform}), " 2 finished runs, under the tests of");
  CHECK_HAS(page({base}), "Pinter, 2019), beside the paper&#39;s numbers.</p>");
  const Path own = fake_run(folder, "c", {{"dataset", "own"}});
  CHECK_HAS(page({own}), "Pinter, 2019).</p>");
  CHECK_HAS(page({own, base}), "beside the paper&#39;s numbers.</p>");
}

TEST_CASE("the findings say when they are not about the paper's data") {
  const TemporaryFolder folder, out;
  const auto page = [&](const Json& changes, const std::string& name) {
    return page_of({fake_run(folder, name, changes)}, out);
  };
  const std::string synthetic = "The texts are SYNTHETIC: this says nothing about the real data.</p>",
                    split = "The test split is not the paper&#39;s.</p>", planted = "The corpus is made up.</p>",
                    none = "how small a difference could have been seen.</p>";
  CHECK_HAS(page(Json::object(), "sst"), none);
  CHECK_HAS(page({{"dataset", "own"}}, "own"),
            "The paper does not have these texts, so that the numbers of its tests ");
  CHECK_HAS(page({{"synthetic", true}}, "synthetic"), synthetic);
  CHECK_HAS(page({{"dataset", "imdb"}}, "imdb"), split);
  CHECK_HAS(page({{"dataset", "imdb"}, {"synthetic", true}}, "both"), synthetic);
  CHECK_HAS(page({{"dataset", "planted"}}, "planted"), planted);
  CHECK_HAS(page(Json::object(), "sst2"), "A verdict needs 3 seeds. ");
  CHECK_FALSE(has(page(Json::object(), "sst3"), "judged together"));  // there are no tests
}

TEST_CASE("the findings and the overview name the options with which runs were trained differently") {
  const TemporaryFolder folder, out;
  const std::string warning =
      "<p><b>These runs were not all trained alike, and a difference between them may come from "
      "that: ";
  const Path base = fake_run(folder, "base"), uniform = fake_run(folder, "uniform", kUniform);
  CHECK_FALSE(has(page_of({base, uniform}, out), "trained alike"));
  Json other = kUniform;
  other.update({{"hidden", 64}, {"epochs", 30}});
  const Path larger = fake_run(folder, "larger", other);
  const std::string difference = "--hidden 128 (Base), 64 (Uniform); --epochs 8 (Base), 30 (Uniform).</b></p>";
  CHECK_HAS(page_of({base, larger}, out), warning + difference);
  const std::string page = page_of({base, larger, fake_run(folder, "own", {{"dataset", "own"}})}, out);
  CHECK(count(page, difference) == 2);
  CHECK_HAS(page, "<p><b>Stanford Sentiment Treebank (SST): These runs");
  CHECK_FALSE(has(page, "<p><b>own: "));
}

TEST_CASE("the overview has the verdict of every data set in its own column") {
  const TemporaryFolder folder, out;
  for (const auto& [dataset, base, uniform] : {std::tuple("sst", 0.9, 0.9), {"imdb", 0.5, 0.9}, {"own", 0.9, 0.7}}) {
    for (const uint64_t seed : {10, 2, 50}) {
      fake_run(folder, spec(RunKind::base, seed), base_texts(), base, {{"dataset", dataset}});
      fake_run(folder, spec(RunKind::uniform, seed), base_texts(), uniform, {{"dataset", dataset}});
    }
  }
  const std::string page = page_of({folder.path()}, out);
  const size_t begin = page.find("id=\"overview\"");
  const std::string overview = page.substr(begin, page.find("</table>", begin) - begin);
  const auto at = [&](const char* what) { return overview.find(what); };
  const size_t row = at("What attention adds");
  CHECK(at("#imdb-findings") < at("#own-findings"));  // the order of the folders' names
  CHECK(at("#own-findings") < at("#sst-findings"));
  CHECK(row < at("does not agree"));
  CHECK(at("does not agree") < at("no claim"));
  CHECK(at("no claim") < overview.find("</span> agrees</span>", row));
  // F1 and ROC-AUC of two data sets, and two published numbers of SST; the test split of imdb is not the paper's.
  CHECK_HAS(page, "The tests behind the verdicts of this report, 6 in number, are judged together (Holm)");
}

TEST_CASE("every table and figure links to its own files, by what they are") {
  const TemporaryFolder folder, out;
  fake_everything(folder, "sst");
  const std::string page = page_of({folder.path()}, out);
  for (const char* table : {"table1", "table2", "table3", "table4", "lambdas", "seeds", "perturbation", "runs"}) {
    CAPTURE(std::string(table));
    CHECK(has(page, fmt::format("<span class=\"files\">Table as <a href=\"tables/sst-{0}.csv\">CSV</a>, "
                                "<a href=\"tables/sst-{0}.tex\">LaTeX</a></span>",
                                table)));
  }
  if (!can_draw()) return;
  for (const char* figure : {"figure3-seeds", "figure3-adversary", "permutation", "figure5", "figure5-class0"}) {
    CAPTURE(std::string(figure));
    CHECK(has(page, fmt::format("<span class=\"files\">Figure as <a href=\"figures/sst-{0}.svg\">SVG</a>, "
                                "<a href=\"figures/sst-{0}.pdf\">PDF</a></span>",
                                figure)));
  }
  const auto caption_of = [&](const char* stem) {
    const size_t link = page.find(fmt::format("figures/sst-{}.svg", stem)), begin = page.rfind("<figcaption>", link);
    return page.substr(begin, link - begin);
  };
  CHECK(has(caption_of("figure5-class0"), "The same for the texts predicted negative."));
  CHECK(has(caption_of("figure5-class1"), "The same for the texts predicted positive."));
  CHECK(has(caption_of("figure5"), "over all test texts"));
  CHECK(has(caption_of("figure3-seeds"), "x: the text&#39;s median JSD over the other seeds."));
  CHECK(has(caption_of("figure3-adversary"), ">per-instance adversary</a>, which is searched."));
  CHECK(has(caption_of("permutation"), "Permuted attention. "));
}

TEST_CASE("what is missing, and the command that makes it") {
  const TemporaryFolder folder, out;
  const std::string page = page_of({fake_run(folder, "a")}, out);
  CHECK(
      has(page,
          "Not here, as their runs are not among those given: Random seeds (Figure 3) (<code>notnot "
          "seeds</code>), Guided MLP (Table 3) (<code>notnot guides</code>), Trained adversaries (Table 4 and "
          "Figure 5) (<code>notnot adversary</code>), Adversaries side by side (<code>notnot adversary --side-by-side "
          "3</code>), Jain and Wallace&#39;s perturbations (Figure 3 e, f) (<code>notnot adversary</code>), Attention "
          "and other measures of importance (<code>notnot importance</code>) and Erasure (<code>notnot "
          "attribute</code>). The command in brackets makes them."));
}

TEST_CASE("the facts of a data set") {
  const TemporaryFolder folder, out;
  const std::string page = page_of({fake_run(folder, "a", {{"dataset", "agnews"}})}, out);
  const auto fact = [&](const char* name, const char* number, const char* negative, const char* positive) {
    return has(page, fmt::format("<dt>{}</dt><dd>{} <span class=\"muted\">{} world + {} business</span></dd>", name,
                                 number, negative, positive));
  };
  CHECK(fact("Training texts", "6,355", "3,034", "3,321"));
  CHECK(fact("Development texts", "821", "397", "424"));
  CHECK(fact("Test texts", "1,725", "863", "862"));
  CHECK(has(page, "<dt>Vocabulary</dt><dd>13,826</dd>"));
  CHECK(has(page, "<dt>Embeddings at the start</dt><dd>random, 300 wide</dd>"));
}

}  // namespace
}  // namespace notnot
