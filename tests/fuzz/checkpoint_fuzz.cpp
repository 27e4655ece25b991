// libFuzzer on checkpoints as --resume reads them: for any bytes, what is read is a state in which the training can
// have stood, or the reader throws InputError.
// tests/README.md says how to build and run it.
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "engine/io/input_error.h"
#include "models/checkpoint.h"
#include "tests/fuzz/input_file.h"
#include "tests/support/temporary_folder.h"

namespace {

constexpr int32_t kEpochs = 3, kBatches = 4;

void check(bool holds) {
  if (!holds) std::abort();
}

void check_state(const notnot::Checkpoint& checkpoint, const notnot::ParameterLayout& layout) {
  const auto& [progress, parameters, optimiser, companions] = checkpoint;
  check(progress.epoch >= 1 && progress.epoch <= kEpochs + 1 && progress.batch >= 0 && progress.batch <= kBatches);
  check(progress.best_epoch >= 0 && progress.best_epoch < progress.epoch);
  check(optimiser.step >= 0 && optimiser.step <= (progress.epoch - 1) * kBatches + progress.batch);
  for (const auto* values :
       {&parameters, &optimiser.first_moment, &optimiser.second_moment, &optimiser.largest_second_moment}) {
    check(static_cast<int64_t>(values->size()) == layout.total());
  }
  for (const float moment : optimiser.second_moment) check(moment >= 0 && std::isfinite(std::sqrt(moment)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static const notnot::TemporaryFolder folder;
  static const notnot::ParameterLayout layout(
      {.encoder = notnot::Encoder::tokens, .vocabulary = 5, .embed = 1, .hidden = 1});
  notnot::put(folder / "fuzz", {reinterpret_cast<const char*>(bytes), size});
  for (const int32_t members : {1, 2}) {
    try {
      const auto read =
          notnot::read_checkpoints(folder / "fuzz", layout, {.epochs = kEpochs, .batches = kBatches}, members);
      check(static_cast<int32_t>(read.size()) == members);
      for (const notnot::Checkpoint& checkpoint : read) check_state(checkpoint, layout);
    } catch (const notnot::InputError&) {
    }
  }
  return 0;
}
