#include "engine/data/prepared_description.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "engine/data/dataset.h"
#include "engine/data/word_vectors.h"
#include "engine/io/file_name.h"
#include "engine/io/text.h"

namespace notnot {
namespace {

using Json = nlohmann::json;

constexpr int64_t kMostTexts = std::numeric_limits<int32_t>::max();  // of a split: texts are counted in 32 bits
constexpr int64_t kMostTokens = int64_t{1} << 48, kMostBytes = int64_t{1} << 56;

/// Goes through a description, and keeps the first fault.
class Facts {
 public:
  explicit Facts(const Json& description) : description_(description) {}

  void text(const std::string& key) {
    check(key, "a text", [](const Json& value) { return value.is_string(); });
  }
  void file_name(const std::string& key) {
    check(key, "a name for a folder (1 to 255 bytes, no slash, no control character, not . or ..)",
          [](const Json& value) { return value.is_string() && can_name_file(value.get_ref<const std::string&>()); });
  }
  void truth(const std::string& key) {
    check(key, "true or false", [](const Json& value) { return value.is_boolean(); });
  }
  void object(const std::string& key) {
    check(key, "an object", [](const Json& value) { return value.is_object(); });
  }
  void number(const std::string& key, int64_t least, int64_t most) {
    check(key, fmt::format("a whole number from {} to {}", least, most), [=](const Json& value) {
      const bool fits = value.is_number_integer() &&
                        (!value.is_number_unsigned() ||
                         value.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()));
      return fits && value.get<int64_t>() >= least && value.get<int64_t>() <= most;
    });
  }
  /// A list of `size` texts; of any number if that is -1.
  void texts(const std::string& key, int64_t size) {
    check(key, size < 0 ? "a list of texts" : fmt::format("a list of {} texts", size), [=](const Json& value) {
      return value.is_array() && (size < 0 || std::ssize(value) == size) &&
             std::all_of(value.begin(), value.end(), [](const Json& item) { return item.is_string(); });
    });
  }
  bool has(const std::string& key) const { return find(key) != nullptr; }
  const std::string& fault() const { return fault_; }

 private:
  /// The value of a key such as "splits/train"; null where there is none.
  const Json* find(std::string_view key) const {
    const Json* at = &description_;
    for (bool more = true; more;) {
      const size_t end = std::min(key.find('/'), key.size());
      const auto found = at->is_object() ? at->find(std::string(key.substr(0, end))) : at->end();
      if (found == at->end()) return nullptr;
      at = &*found;
      more = end < key.size();
      key.remove_prefix(more ? end + 1 : end);
    }
    return at;
  }

  template <class Fits>
  void check(const std::string& key, const std::string& needed, const Fits& fits) {
    if (!fault_.empty()) return;
    const Json* value = find(key);
    if (value == nullptr) {
      fault_ = fmt::format("`{}` is missing", key);
    } else if (!fits(*value)) {
      const std::string shown = value->is_structured() ? value->type_name() : in_quotes(value->dump());
      fault_ = fmt::format("`{}` is {}, not {}", key, shown, needed);
    }
  }

  const Json& description_;
  std::string fault_;
};

void check_split(Facts& facts, const std::string& split) {
  const std::string key = "splits/" + split;
  for (const char* place : {"", "/before_length_filter"}) {
    for (const char* label : {"/negative", "/positive"}) facts.number(key + place + label, 0, kMostTexts);
  }
  facts.number(key + "/tokens", 0, kMostTokens);
}

}  // namespace

std::string fault_of_description(const Json& description) {
  constexpr int32_t kMost = std::numeric_limits<int32_t>::max();
  Facts facts(description);
  facts.file_name("name");
  facts.text("corpus");
  facts.truth("synthetic");
  if (facts.has("confidential")) facts.truth("confidential");
  if (facts.has("warnings")) facts.texts("warnings", -1);
  facts.texts("classes", 2);
  facts.number("vocabulary", kFirstWordId + 1, kMost);
  facts.number("options/min_df", 1, kMost);
  facts.truth("options/length_filter");
  for (const char* key : {"options/min_length", "options/max_length"}) facts.number(key, -1, kMost);
  for (const SplitName split : kSplitNames) check_split(facts, std::string(to_string(split)));
  facts.object("choices");
  for (const char* key : {"choices/tokenise", "choices/word_boundaries"}) {
    if (facts.has(key)) facts.text(key);
  }
  if (facts.has("choices/also_in_training")) {
    for (const char* split : {"dev", "test"}) {
      facts.number(fmt::format("choices/also_in_training/{}", split), 0, kMostTexts);
    }
  }
  const bool vectors = facts.has("vectors");
  if (vectors) {
    facts.number("vectors/width", 1, kWidestVectors);
    facts.number("vectors/found", 0, kMost);
  }
  for (const char* file : {"vocabulary.txt", "data.safetensors", "texts.csv", "vectors.safetensors"}) {
    if (file == std::string_view("vectors.safetensors") && !vectors && !facts.has("files/vectors.safetensors"))
      continue;
    const bool is_vocabulary = file == std::string_view("vocabulary.txt");
    facts.number(fmt::format("files/{}/bytes", file), 0, is_vocabulary ? Vocabulary::kMostBytes : kMostBytes);
    facts.text(fmt::format("files/{}/sha256", file));
  }
  return facts.fault();
}

}  // namespace notnot
