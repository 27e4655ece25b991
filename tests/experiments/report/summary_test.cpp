#include "experiments/report/summary.h"

#include <doctest/doctest.h>

#include <regex>

#include "experiments/report/loaded_study.h"
#include "tests/experiments/report/report_page.h"
#include "tests/support/fake_runs.h"

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

}  // namespace
}  // namespace notnot
