// A prepared folder whose columns were damaged without a change of their sizes is refused, whatever the value.
#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "engine/data/prepared.h"
#include "engine/io/files.h"
#include "engine/io/safetensors.h"
#include "tests/support/input_error.h"
#include "tests/support/small_prepared.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;

namespace {

/// Puts `value` in the place of element `index` of the tensor.
template <class T>
void overwrite(const std::filesystem::path& folder, const std::string& tensor, size_t index, T value) {
  const std::filesystem::path path = folder / "data.safetensors";
  std::string content = read_file(path);
  uint64_t header = 0;  // the bytes of the JSON header, which stand before it in 8 bytes
  std::memcpy(&header, content.data(), sizeof header);
  const auto entry = Safetensors::read(path).entry(tensor);
  const size_t begin = sizeof header + header + entry.begin + index * sizeof(T);
  REQUIRE(begin + sizeof(T) <= sizeof header + header + entry.end);
  std::memcpy(content.data() + begin, &value, sizeof(T));
  write_atomically(path, content);
}

/// The error of reading the folder after the change.
template <class T>
std::string error_after(const std::string& tensor, size_t index, T value) {
  const TemporaryFolder folder;
  write_small_prepared(folder / "small");
  REQUIRE(input_error([&] { PreparedFolder(folder / "small").dataset(); }) == "no InputError was thrown");
  overwrite(folder / "small", tensor, index, value);
  return input_error([&] { PreparedFolder(folder / "small").dataset(); });
}

}  // namespace

TEST_CASE("prepared: labels, offsets and ids out of their range are found in every split") {
  for (const std::string split : {"train", "dev", "test"}) {
    CAPTURE(split);
    for (const int32_t label : {2, -1}) CHECK_HAS(error_after(split + ".labels", 1, label), "is damaged");
    // Offsets are 0, 5, 9.
    CHECK_HAS(error_after<int64_t>(split + ".offsets", 0, 1), "is damaged");
    CHECK_HAS(error_after<int64_t>(split + ".offsets", 0, -1), "is damaged");
    CHECK_HAS(error_after<int64_t>(split + ".offsets", 1, 2), "is damaged");
    CHECK_HAS(error_after<int64_t>(split + ".offsets", 1, 7), "is damaged");
    CHECK_HAS(error_after<int64_t>(split + ".offsets", 2, 8), "is damaged");
    CHECK_HAS(error_after<int64_t>(split + ".offsets", 2, 10), "is damaged");
    // Differences that are right modulo 2^64 only. Not the checksum finds them, which a stranger can make right.
    for (const int64_t wrong : {INT64_MAX, INT64_MAX - 4, INT64_MIN, INT64_MIN + 9}) {
      CHECK_HAS(error_after<int64_t>(split + ".offsets", 1, wrong), split + " split: text");
    }
    // Ids are 1 to 6; 0 is padding.
    for (const int32_t id : {0, -1, 7, 1 << 30}) CHECK_HAS(error_after(split + ".token_ids", 2, id), "is damaged");
  }
}

TEST_CASE("prepared: marked words outside their texts are found in every split") {
  for (const std::string split : {"train", "dev", "test"}) {
    const std::string expected = "the " + split + " split: rationales that do not fit the texts";
    for (const int32_t place : {0, -1, 3, 1 << 30}) {
      CHECK_HAS(error_after(split + ".rationales", 1, place), expected);
    }
    CHECK_HAS(error_after(split + ".rationales", 0, 2), expected);
    // Offsets are 0, 2, 2.
    for (const int64_t offset : {int64_t{1}, int64_t{3}, int64_t{-1}, INT64_MIN, INT64_MAX}) {
      CHECK_HAS(error_after(split + ".rationale_offsets", 0, offset), expected);
      CHECK_HAS(error_after(split + ".rationale_offsets", 2, offset), expected);
      if (offset != 1) CHECK_HAS(error_after(split + ".rationale_offsets", 1, offset), expected);
    }
    // The last mark is moved to the second text, which has two words.
    CHECK_HAS(error_after<int64_t>(split + ".rationale_offsets", 1, 1), expected);
  }
}
