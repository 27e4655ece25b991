// libFuzzer on the readers of users' tables: for any bytes they return texts or throw InputError. The first byte
// chooses the form of the table and the options. tests/README.md says how to build and run it.
#include <cstdint>
#include <cstdlib>

#include "engine/corpora/table.h"
#include "engine/io/input_error.h"
#include "engine/io/text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size == 0) return 0;
  const auto format = static_cast<notnot::TableFormat>(bytes[0] % 3);
  const notnot::TableOptions options{
      .labels = {"0", "1"}, .lossy = (bytes[0] & 4) != 0, .needs_split = (bytes[0] & 8) != 0};
  try {
    const std::string_view content(reinterpret_cast<const char*>(bytes) + 1, size - 1);
    for (const notnot::LabelledText& text : notnot::parse_table(content, "fuzz", format, options).texts) {
      const bool clean = !text.words.empty() && !notnot::first_invalid_utf8(text.words) &&
                         text.words.find('\0') == std::string::npos &&
                         notnot::join_words(notnot::split_at_white_space(text.words)) == text.words;
      if (!clean || (text.label != 0 && text.label != 1)) std::abort();
    }
  } catch (const notnot::InputError&) {
  }
  return 0;
}
