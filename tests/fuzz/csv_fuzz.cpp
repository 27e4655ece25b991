// libFuzzer on the CSV reader: whatever the bytes, it returns texts or throws InputError. Not part of the build; from
// the repository's root, with ICU, fmt and libcsv installed:
//   clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -I. tests/fuzz/csv_fuzz.cpp
//   \
//       engine/csv.cpp engine/text.cpp engine/files.cpp -lcsv -licuuc -lfmt -o csv_fuzz && ./csv_fuzz
//       -max_total_time=60
#include <cstdint>
#include <cstdlib>

#include "engine/table.h"
#include "engine/text.h"
#include "kernels/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  try {
    for (const notnot::LabelledText& text :
         notnot::parse_csv({reinterpret_cast<const char*>(bytes), size}, "fuzz.csv")) {
      const bool clean =
          notnot::join_words(notnot::split_at_white_space(text.words)) == text.words && !text.words.empty();
      if (!clean || (text.label != 0 && text.label != 1)) std::abort();
    }
  } catch (const notnot::InputError&) {
  }
  return 0;
}
