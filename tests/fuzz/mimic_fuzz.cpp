// libFuzzer on the readers of MIMIC-III: the streamed CSV and the cleaning of notes. For any bytes the stream returns
// records or throws InputError; a record that is read again by its place is the same; and a cleaned note is words
// between single blanks. tests/README.md says how to build and run it.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/corpora/clinical_text.h"
#include "engine/io/csv_stream.h"
#include "engine/io/input_error.h"
#include "engine/io/text.h"

namespace {

void check_cleaned(const std::string& field) {
  const std::string words = notnot::clean_clinical_text(notnot::replace_invalid_utf8(field));
  const bool clean = !notnot::first_invalid_utf8(words) && !notnot::has_digit(words) &&
                     notnot::join_words(notnot::split_words(words)) == words &&
                     words.empty() == notnot::split_at_white_space(notnot::replace_invalid_utf8(field)).empty();
  if (!clean) std::abort();
}

void read_all(const std::string& path) {
  notnot::CsvStream csv(path);
  uint64_t end = 0;
  while (csv.next()) {
    const notnot::ByteRange range = csv.range();
    if (range.begin < end || csv.read_again(range) != csv.fields()) std::abort();
    end = range.begin + range.bytes;
    for (const std::string& field : csv.fields()) check_cleaned(field);
  }
  if (end > csv.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const int file = memfd_create("fuzz", MFD_CLOEXEC);
  if (file < 0 || write(file, bytes, size) != static_cast<ssize_t>(size)) std::abort();
  try {
    read_all("/proc/self/fd/" + std::to_string(file));
  } catch (const notnot::InputError&) {
  }
  close(file);
  return 0;
}
