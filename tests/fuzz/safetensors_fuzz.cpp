// libFuzzer on safetensors: for any bytes, every tensor can be read as values of every type and as a column, or the
// reader throws InputError. tests/README.md says how to build and run it.
#include <cstdint>
#include <cstdlib>

#include "engine/io/input_error.h"
#include "engine/io/safetensors.h"
#include "tests/fuzz/input_file.h"
#include "tests/support/temporary_folder.h"

namespace {

/// Touches every value, so that the sanitizers see one that lies outside.
template <class Values>
void touch(const Values& values) {
  volatile double sum = 0;
  for (const auto value : values) sum = sum + static_cast<double>(value);
}

template <class T>
void read_values(const notnot::Safetensors& file, const std::string& name) {
  try {
    const auto values = file.values<T>(name);
    if (static_cast<int64_t>(values.size()) != file.entry(name).elements()) std::abort();
    touch(values);
  } catch (const notnot::InputError&) {
  }
}

template <class T>
void read_column(const notnot::Safetensors& file, const std::string& name) {
  try {
    touch(file.column<T>(name));
  } catch (const notnot::InputError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static const notnot::TemporaryFolder folder;
  notnot::put(folder / "fuzz", {reinterpret_cast<const char*>(bytes), size});
  try {
    const auto file = notnot::Safetensors::read(folder / "fuzz");
    for (const auto& entry : file.entries()) {
      read_values<float>(file, entry.first);
      read_values<double>(file, entry.first);
      read_values<int32_t>(file, entry.first);
      read_values<int64_t>(file, entry.first);
      read_column<float>(file, entry.first);
      read_column<char>(file, entry.first);
      read_column<int32_t>(file, entry.first);
      read_column<int64_t>(file, entry.first);
    }
    (void)file.checksum();
  } catch (const notnot::InputError&) {
  }
  return 0;
}
