// libFuzzer on the reader of word vectors: for any bytes, either finite vectors of one width or InputError.
// tests/README.md says how to build and run it.
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/data/word_vectors.h"
#include "engine/io/input_error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static const notnot::Vocabulary vocabulary({"a", "b", "the", "caf\xC3\xA9"});
  const int file = memfd_create("fuzz", MFD_CLOEXEC);
  if (file < 0 || write(file, bytes, size) != static_cast<ssize_t>(size)) std::abort();
  try {
    const auto vectors = notnot::load_word_vectors("/proc/self/fd/" + std::to_string(file), vocabulary);
    const bool complete = vectors.width > 0 && vectors.found > 0 && vectors.checksum.size() == 64 &&
                          vectors.rows.size() == static_cast<size_t>(vocabulary.size()) * vectors.width;
    if (!complete) std::abort();
    for (const float value : vectors.rows) {
      if (!std::isfinite(value)) std::abort();
    }
  } catch (const notnot::InputError&) {
  }
  close(file);
  return 0;
}
