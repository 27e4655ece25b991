// libFuzzer on the readers of users' tables: for any bytes they return texts or throw InputError. The first byte
// chooses the options and the form of the table, or that the bytes are a file whose content tells its form: gzip,
// UTF-16, and so on. tests/README.md says how to build and run it.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/corpora/table.h"
#include "engine/io/input_error.h"
#include "engine/io/text.h"

namespace {

notnot::Table read_file(std::string_view content, const notnot::TableOptions& options) {
  const int file = memfd_create("fuzz", MFD_CLOEXEC);
  if (file < 0 || write(file, content.data(), content.size()) != static_cast<ssize_t>(content.size())) std::abort();
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  try {
    notnot::Table table = notnot::read_table(path, options);
    close(file);
    return table;
  } catch (...) {
    close(file);
    throw;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size == 0) return 0;
  const auto format = static_cast<notnot::TableFormat>(bytes[0] % 3);
  const notnot::TableOptions options{
      .labels = {"0", "1"},
      .lossy = (bytes[0] & 4) != 0,
      .needs_split = (bytes[0] & 8) != 0,
      .cleaning = (bytes[0] & 16) != 0 ? notnot::Cleaning::words : notnot::Cleaning::blanks};
  try {
    const std::string_view content(reinterpret_cast<const char*>(bytes) + 1, size - 1);
    const notnot::Table table =
        (bytes[0] & 32) != 0 ? read_file(content, options) : notnot::parse_table(content, "fuzz", format, options);
    for (const notnot::LabelledText& text : table.texts) {
      const bool clean = !text.words.empty() && !notnot::first_invalid_utf8(text.words) &&
                         text.words.find('\0') == std::string::npos &&
                         text.words.find(notnot::kByteOrderMark) == std::string::npos &&
                         notnot::join_words(notnot::split_at_white_space(text.words)) == text.words;
      if (!clean || (text.label != 0 && text.label != 1)) std::abort();
    }
  } catch (const notnot::InputError&) {
  }
  return 0;
}
