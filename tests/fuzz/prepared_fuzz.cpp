// libFuzzer on prepared folders, whose sizes and checksums are made right: for any bytes, what is read is a data set
// that a model can be trained on, or the reader throws InputError. The first byte says what the other bytes replace in a
// good folder: a file, or the values of one tensor. tests/README.md says how to build and run it.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/data/prepared.h"
#include "engine/io/checksum.h"
#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/safetensors.h"
#include "experiments/commands/data_summary.h"
#include "tests/fuzz/input_file.h"
#include "tests/support/temporary_folder.h"

namespace {

using Json = nlohmann::json;

constexpr std::array kFiles = {"dataset.json", "vocabulary.txt", "data.safetensors", "texts.csv",
                               "vectors.safetensors"};
constexpr size_t kData = 2;

/// Two texts in every split; the vocabulary is a, b and c.
class GoodFolder {
 public:
  GoodFolder() {
    notnot::DatasetBuilder builder;
    int64_t row = 0;
    for (const notnot::SplitName split : notnot::kSplitNames) {
      builder.add({"a b c", 1, split, ++row, "x"});
      builder.add({split == notnot::SplitName::test ? "c d" : "c a", 0, split, ++row, ""});
    }
    notnot::PreparedWriter writer(path());
    writer.write(builder, {.name = "fuzz", .corpus = "csv", .classes = {"0", "1"}, .options = {}, .sources = {}});
    writer.write_vectors({.width = 2, .found = 1, .rows = std::vector<float>(2 * writer.vocabulary().size())}, {});
    writer.finish();
    for (const char* file : kFiles) content_.push_back(notnot::read_file(path() / file));
    const auto data = notnot::Safetensors::read(path() / kFiles[kData]);
    const size_t begin = 8 + header_bytes(content_[kData]);
    for (const auto& entry : data.entries()) {
      tensors_.emplace_back(begin + entry.second.begin, entry.second.end - entry.second.begin);
    }
  }

  std::filesystem::path path() const { return folder_ / "set"; }
  const std::vector<std::string>& content() const { return content_; }

  /// data.safetensors with the bytes in the place of those of tensor `index`, as far as they go.
  std::string with_tensor(size_t index, std::string_view bytes) const {
    std::string data = content_[kData];
    const auto& [begin, size] = tensors_[index % tensors_.size()];
    bytes.copy(data.data() + begin, size);
    return data;
  }

 private:
  static uint64_t header_bytes(std::string_view file) {
    uint64_t bytes = 0;
    std::memcpy(&bytes, file.data(), sizeof bytes);
    return bytes;
  }

  notnot::TemporaryFolder folder_;
  std::vector<std::string> content_;
  std::vector<std::pair<size_t, size_t>>
      tensors_;  ///< where the values begin in the file, and how many bytes they have
};

std::string to_text(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

/// dataset.json, as it must be for the files that stand in `content`.
std::string sealed(const std::vector<std::string>& content) {
  Json description = Json::parse(content[0], nullptr, /*allow_exceptions=*/false);
  if (!description.is_object() || !description["files"].is_object()) return content[0];
  for (size_t i = 1; i < kFiles.size(); ++i) {
    Json& file = description["files"][kFiles[i]];
    if (!file.is_object()) continue;
    file["bytes"] = content[i].size();
    file["sha256"] = notnot::sha256(content[i]);
  }
  description.erase("checksum");
  description["checksum"] = notnot::sha256(to_text(description));
  return to_text(description);
}

/// Lists and objects in each other, which the JSON library would write by recursion.
bool is_deep(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return c == '[' || c == '{'; }) > 1000;
}

void check(const notnot::Dataset& dataset) {
  for (const notnot::SplitName name : notnot::kSplitNames) {
    const notnot::Split& split = dataset.split(name);
    if (split.size() == 0) std::abort();
    for (int32_t i = 0; i < split.size(); ++i) {
      const int64_t begin = split.offsets[i], end = split.offsets[i + 1];
      if (begin < 0 || end < begin + 3 || end > std::ssize(split.token_ids) || split.length(i) != end - begin)
        std::abort();
    }
  }
}

void read_all(const std::filesystem::path& path) {
  const notnot::PreparedFolder folder(path);
  const notnot::Dataset dataset = folder.dataset();
  check(dataset);
  const auto vectors = folder.vectors();
  if (vectors && vectors->rows.size() != static_cast<size_t>(dataset.vocabulary.size()) * vectors->width) std::abort();
  (void)folder.options();
  (void)folder.warnings();
  notnot::UnknownWords unknown{};
  for (const notnot::SplitName name : notnot::kSplitNames) unknown[name] = std::ssize(dataset.split(name).unknown);
  (void)notnot::counts_summary(folder);
  (void)notnot::length_histogram(dataset);
  (void)notnot::coverage_summary(folder, unknown);
  (void)notnot::sample_texts(folder, 2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static const GoodFolder good;
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  std::vector<std::string> content = good.content();
  if (bytes[0] < kFiles.size()) {
    content[bytes[0]] = rest;
  } else {
    content[kData] = good.with_tensor(bytes[0], rest);
  }
  if (!is_deep(content[0])) content[0] = sealed(content);
  for (size_t i = 0; i < kFiles.size(); ++i) notnot::put(good.path() / kFiles[i], content[i]);
  try {
    read_all(good.path());
  } catch (const notnot::InputError&) {
  }
  return 0;
}
