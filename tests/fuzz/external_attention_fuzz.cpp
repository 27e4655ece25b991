// libFuzzer on the reader of attention from elsewhere: for any bytes, either the weights of the three splits (the
// exponentials of the log-weights) sum up to one per text, or the reader throws InputError. The first byte chooses the
// Importance. tests/README.md says how to build and run it.
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/io/input_error.h"
#include "engine/runs/external_attention.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static const notnot::Dataset dataset = notnot::make_dataset("fuzz",
                                                              {{"a b", 0, notnot::SplitName::train, 1, "x"},
                                                               {"b", 1, notnot::SplitName::train, 2, "1"},
                                                               {"a c", 0, notnot::SplitName::test, 1, "x"},
                                                               {"a", 1, notnot::SplitName::test, 2, ""},
                                                               {"c b a", 1, notnot::SplitName::dev, 1, "1"}},
                                                              {});
  if (size == 0) return 0;
  const int file = memfd_create("fuzz", MFD_CLOEXEC);
  if (file < 0 || write(file, bytes + 1, size - 1) != static_cast<ssize_t>(size - 1)) std::abort();
  try {
    const auto attention = notnot::read_external_attention("/proc/self/fd/" + std::to_string(file), dataset,
                                                           notnot::kImportances[bytes[0] % 4])
                               .log_attention;
    for (const notnot::SplitName name : notnot::kSplitNames) {
      double sum = 0;
      for (const float weight : attention[name]) sum += std::exp(static_cast<double>(weight));
      if (!(std::fabs(sum - dataset.split(name).size()) < 1e-5)) std::abort();
    }
  } catch (const notnot::InputError&) {
  }
  close(file);
  return 0;
}
