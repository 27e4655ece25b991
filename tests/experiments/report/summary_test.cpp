#include "experiments/report/summary.h"

#include <doctest/doctest.h>

#include <regex>

#include "experiments/report/loaded_study.h"
#include "tests/experiments/report/report_page.h"
#include "tests/support/fake_runs.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

using Json = nlohmann::json;
using Path = std::filesystem::path;

TEST_CASE("the summary has a line per model") {
  const TemporaryFolder folder;
  const auto summary = [](const std::vector<Path>& folders) { return summary_table(load_studies(folders).front()); };
  const std::string table = summary({fake_run(folder, "a"), fake_run(folder, "b", kUniform)});
  CHECK(count(table, "\n") == 3);
  CHECK(std::regex_search(table, std::regex("Base +10 +0\\.846 +0\\.831 +0\\.860 +0\\.800 +5 of 8, chosen on test\n")));
  CHECK(std::regex_search(table, std::regex("Uniform +10 +0\\.846 +0\\.822 ")));
  const Json own = {{"dataset", "own"}};
  const std::string without = summary({fake_run(folder, "c", own, kTexts, {0.5, 0.5, kNoNumber, 0.5})});
  CHECK(std::regex_search(without, std::regex("Base +10 +0\\.500 +- +- +0\\.500 ")));

  const TemporaryFolder runs;
  const RunSpec base = spec(RunKind::base);
  fake_run(runs, base, kTexts, 0.8);
  fake_run(runs, spec(RunKind::base, 2), kTexts, 0.6);
  fake_run(runs, spec(RunKind::adversary, 10, 1e-3, run_name("sst", base)), uniform_texts(), 0.7);
  fake_run(runs, spec(RunKind::uniform_mlp), kTexts, 0.5);
  RunWriter(RunFolder(runs.path(), "broken")).fail("no memory", fake_config({{"seed", 9}}));
  const std::string full = summary({runs.path()});
  CHECK(std::regex_search(full, std::regex("\n +2 runs +F1 0\\.700 ± 0\\.141\n")));
  CHECK(std::regex_search(full, std::regex("Adversary, λ = 0\\.001 +10 +0\\.700 .* 0\\.000 +0\\.125 +5 of 8")));
  CHECK(std::regex_search(full, std::regex("Uniform MLP +10 +0\\.500 +0\\.812 ")));
  CHECK(has(full, "broken: failed: no memory"));
}

TEST_CASE("the summary names the options with which runs were trained differently") {
  const auto last_line = [](const std::vector<Json>& changes) {
    const TemporaryFolder folder;
    for (size_t i = 0; i < changes.size(); ++i) fake_run(folder, std::to_string(i), changes[i]);
    const std::string table = summary_table(load_studies({folder.path()}).front());
    return table.substr(table.rfind('\n', table.size() - 2) + 1);
  };
  const std::string says = "These runs were not all trained alike, and a difference between them may come from that: ";
  const Json base = Json::object();
  const auto with = [](Json choices, const Json& more) {
    choices.update(more);
    return choices;
  };
  CHECK_HAS(last_line({base, kUniform}), "Uniform ");
  CHECK(last_line({base, with(kUniform, {{"batch", 8}})}) == says + "--batch 32 (Base), 8 (Uniform).\n");
  CHECK(last_line({base, with(kUniform, {{"select", "dev"}})}) == says + "--select test (Base), dev (Uniform).\n");
  CHECK(last_line({base, with(kUniform, {{"precision", "bf16x3"}})}) ==
        says + "--precision fp32 (Base), bf16x3 (Uniform).\n");
  const Json vectors = {{"paths", {{"vectors", "wiki.vec"}}}, {"vectors_checksum", "0123456789"}};
  CHECK(last_line({base, with(kUniform, vectors)}) == says + "--vectors none (Base), checksum 01234567 (Uniform).\n");
  Json init = {{"paths", {{"init", "a"}}}, {"init_checksum", "aa"}}, other = init;
  other["init_checksum"] = "bb";
  CHECK(last_line({init, with(kUniform, other)}) == says + "--init checksum aa (Base), checksum bb (Uniform).\n");
  const Json shorter = {{"seed", 2}, {"epochs", 3}}, third = {{"seed", 5}};
  CHECK(last_line({base, shorter, third}) == says + "--epochs 8 (Base, seed 10 and Base, seed 5), 3 (Base, seed 2).\n");
  // Moved vectors are the same vectors; an MLP has no recurrence; an adversary has epochs of its own.
  Json moved = with(kUniform, vectors);
  moved["paths"]["vectors"] = "elsewhere/wiki.vec";
  CHECK_HAS(last_line({vectors, moved}), "Uniform ");
  const Json split = {{"precision", "bf16x3"}}, mlp = {{"encoder", "tokens"}};
  CHECK_HAS(last_line({split, mlp}), "Trained MLP ");
  const auto adversary = [](double lambda, int epochs) {
    return Json{
        {"objective", "adversary"}, {"lambda", lambda}, {"epochs", epochs}, {"other", "sst-lstm-learned-seed10"}};
  };
  CHECK_HAS(last_line({base, adversary(1, 12), adversary(2, 12)}), "Adversary");
  CHECK(last_line({base, adversary(1, 12), adversary(2, 9)}) ==
        says + "--adversary-epochs 12 (Adversary, λ = 1), 9 (Adversary, λ = 2).\n");
}

TEST_CASE("the summary, line by line") {
  const TemporaryFolder folder;
  const std::string base = run_name("sst", spec(RunKind::base));
  const auto run = [&](const RunSpec& of, const std::vector<FakeText>& texts, const Classification& measures) {
    Json choices = choices_of(of);
    choices["synthetic"] = true;
    fake_run(folder, run_name("sst", of), choices, texts, measures);
  };
  std::vector<FakeText> far = with_attention(kTexts, {{0.25F, 0.75F}, {0, 1}});
  far[0].probability = 0.84F;
  run(spec(RunKind::base), kTexts, {0.8, 0.71, 0.92, 0.63});
  run(spec(RunKind::base, 2), kTexts, {0.84, 0.72, 0.93, 0.64});
  run(spec(RunKind::adversary, 10, 1e-3, base), far, {0.79, 0.73, 0.94, 0.65});
  run(spec(RunKind::adversary, 10, 2e-3, "sst-lstm-learned-seed9"), far, {0.78, 0.74, 0.95, 0.66});
  // Means over the two texts. TVD: 0.5 |0.9 - 0.84| in one of them. JSD: (0.75, 0.25) from (0.25, 0.75) is 0.1308, and
  // (1, 0) from (0, 1) is ln 2.
  CHECK(summary_table(load_studies({folder.path()}).front()) ==
        "model                                 seed     F1  paper's F1  ROC-AUC  accuracy    TVD    JSD  epoch\n"
        "Base                                    10  0.800       0.831    0.920     0.710      -      -  5 of 8, "
        "chosen on "
        "test\n"
        "                                    2 runs  F1 0.820 ± 0.028\n"
        "Adversary, λ = 0.001                    10  0.790           -    0.940     0.730  0.015  0.412  5 of 8, "
        "chosen on "
        "train loss\n"
        "Adversary, λ = 0.002, seed 10           10  0.780           -    0.950     0.740      -      -  5 of 8, "
        "chosen on "
        "train loss\n"
        "SYNTHETIC texts: nothing measured here is about the real data\n");
}

}  // namespace
}  // namespace notnot
