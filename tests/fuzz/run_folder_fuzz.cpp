// libFuzzer on run folders as a report reads them: for any bytes in the place of a file, the reader returns what can be
// shown, or throws InputError. The first byte chooses the file. tests/README.md says how to build and run it.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "experiments/report/loaded_run.h"
#include "tests/fuzz/input_file.h"
#include "tests/support/fake_runs.h"
#include "tests/support/run_damage.h"

namespace {

constexpr std::array kFiles = {"config.json",
                               "result.json",
                               "metrics.csv",
                               "attention_test.safetensors",
                               "predictions.jsonl",
                               "failure.json",
                               "ablation.safetensors",
                               "guide_controls.safetensors",
                               "erasure_test.safetensors"};

void read_model(const std::filesystem::path& path) {
  const auto runs = notnot::read_runs({path});
  for (const notnot::LoadedRun& run : runs) {
    (void)notnot::title_of(run);
    (void)notnot::devices_in_words(run.config);
    (void)notnot::programs_in_words(run.config);
    if (!run.unfinished.empty()) continue;
    const notnot::Attention attention = notnot::test_attention(run);
    if (attention.label.empty()) std::abort();
    (void)notnot::divergences(attention, attention, 0.5);
    std::set<size_t> texts;
    for (size_t i = 0; i < attention.label.size(); ++i) texts.insert(i);
    (void)notnot::RunFolder(run.path).ablation();
    (void)notnot::RunFolder(run.path).guide_controls();
    const notnot::RunFolder run_folder(run.path);
    if (notnot::is_taken(run_folder.erasure_path(notnot::SplitName::test))) {
      (void)run_folder.erasure(notnot::SplitName::test);
    }
    (void)notnot::read_words(run, texts, attention.row, attention.offsets);
  }
}

void read_attribution(const std::filesystem::path& path) {
  const notnot::Attributions attributions = notnot::RunFolder(path).attributions(notnot::SplitName::test);
  if (attributions.label.empty()) std::abort();
  if (notnot::log_shares(attributions).size() != attributions.score_logit.size()) std::abort();
}

std::filesystem::path fake_attribution_without_checksums(const notnot::TemporaryFolder& folder) {
  const auto spec = notnot::attribution_of("sst", notnot::spec(notnot::RunKind::base), notnot::Measure::contribution,
                                           {notnot::SplitName::test});
  auto path = notnot::fake_attribution(folder, spec, notnot::kTexts);
  notnot::remove_checksums(notnot::RunFolder(path));
  return path;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static const notnot::TemporaryFolder folder;
  static const auto model = notnot::fake_run(folder, "sst-lstm-learned-seed10");
  static const auto perturbation =
      notnot::fake_perturbation(folder, notnot::spec(notnot::RunKind::perturbation, 10, 0, "sst-lstm-learned-seed10"),
                                notnot::kTexts, {0.1F, 0.2F});
  static const auto attribution = fake_attribution_without_checksums(folder);
  if (size == 0) return 0;
  const size_t choice = bytes[0] % (kFiles.size() + 2);
  const auto path = choice < kFiles.size()    ? model / kFiles[choice]
                    : choice == kFiles.size() ? perturbation / "perturbation.safetensors"
                                              : attribution / "attribution_test.safetensors";
  const bool was_there = std::filesystem::exists(path);
  const std::string good = was_there ? notnot::read_file(path) : "";
  notnot::put(path, {reinterpret_cast<const char*>(bytes) + 1, size - 1});
  try {
    if (choice > kFiles.size()) {
      read_attribution(attribution);
    } else {
      read_model(choice < kFiles.size() ? model : perturbation.parent_path() / perturbation.filename());
    }
  } catch (const notnot::InputError&) {
  }
  notnot::put(path, good);
  if (!was_there) std::filesystem::remove(path);
  return 0;
}
