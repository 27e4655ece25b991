#include "engine/runs/text_finder.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "engine/io/text.h"

namespace notnot {
namespace {

using Json = nlohmann::json;

constexpr size_t kSeveral = std::numeric_limits<size_t>::max();
constexpr const char* kLineNeeds = "every line needs split, row (or id) and attention";

void add(std::unordered_map<std::string, size_t>& index, std::string name, size_t text) {
  const auto [known, is_new] = index.emplace(std::move(name), text);
  if (!is_new) known->second = kSeveral;
}

/// Null if there is none.
const Json& member(const Json& object, const char* name) {
  static const Json kNull;
  const auto found = object.find(name);
  return found == object.end() ? kNull : *found;
}

std::string texts_of(const Dataset& dataset, SplitName split) {
  return fmt::format("the {} split of {}", to_string(split), dataset.name);
}

}  // namespace

std::string value_shown(const Json& value) {
  return value.is_string()   ? in_quotes(value.get_ref<const std::string&>())
         : value.is_array()  ? "a list"
         : value.is_object() ? "an object"
                             : value.dump();
}

TextFinder::TextFinder(const Dataset& dataset, const JsonLinesReader& file) : dataset_(dataset), file_(file) {
  for (const SplitName name : kSplitNames) {
    const Split& split = dataset.split(name);
    for (size_t i = 0; i < split.rows.size(); ++i) add(rows_[name], std::to_string(split.rows[i]), i);
    for (size_t i = 0; i < split.ids.size(); ++i) {
      if (split.ids[i].empty()) continue;
      add(ids_[name], std::string(split.ids[i]), i);
      has_ids_ = true;
    }
  }
}

TextPlace TextFinder::find(const Json& object) const {
  const SplitName split = split_of(object);
  const Json &row = member(object, "row"), &id = member(object, "id");
  check_key(object, row, id);
  if (row.is_null()) return {split, find_id(split, id_of(id))};
  const TextPlace text{split, find_row(split, row_of(row))};
  if (object.contains("id")) check_id(text, id.is_null() ? "" : id_of(id));
  return text;
}

SplitName TextFinder::split_of(const Json& object) const {
  const auto split = object.find("split");
  if (split == object.end()) file_.fail(fmt::format("there is no 'split'; {}", kLineNeeds));
  const auto name = split->is_string() ? split_named(split->get_ref<const std::string&>()) : std::nullopt;
  if (!name)
    file_.fail(fmt::format("the split {} is none of train, dev (or val, valid, validation) and test; give one of them",
                           value_shown(*split)));
  return *name;
}

/// A line must have a name for its text. If that is an `id` alone, something must show whose number it is.
void TextFinder::check_key(const Json& object, const Json& row, const Json& id) const {
  const Json& key = member(object, "key");
  if (!key.is_null() && key != "row" && key != "id")
    file_.fail(fmt::format("the key {} is neither 'row' nor 'id'; give one of them", value_shown(key)));
  if (key == "id" && object.contains("id") && id.is_null())
    file_.fail("this text has no id of its own; name it by its 'row', which notnot data --tokens writes");
  if (key == "id" ? id.is_null() : row.is_null() && (id.is_null() || key == "row"))
    file_.fail(fmt::format("there is no '{}'; {}", key == "id" ? "id" : "row", kLineNeeds));
  if (id.is_null()) return;
  if (!has_ids_) {
    file_.fail(
        fmt::format("the texts of {} have no ids of their own; name them by 'row', which notnot data --tokens writes",
                    dataset_.name));
  }
  if (row.is_null() && key.is_null() && !object.contains("tokens")) {
    file_.fail(
        R"(with 'id' alone nothing shows whose number it is; add "key": "id" if it is the id of the data itself, )"
        "call it 'row' if it is the number of the record, or add the text's words as 'tokens'");
  }
}

std::string TextFinder::row_of(const Json& value) const {
  const std::optional<std::string> digits = whole_number(value);
  if (!digits) {
    file_.fail(fmt::format("the row is {}, not a whole number; notnot data --tokens writes the row of every text",
                           value_shown(value)));
  }
  return *digits;
}

std::string TextFinder::id_of(const Json& value) const {
  if (value.is_string()) return value.get<std::string>();
  const std::optional<std::string> digits = whole_number(value);
  if (!digits) {
    file_.fail(fmt::format("the id is {}, neither a string nor a whole number; write it as a string, as in the data",
                           value_shown(value)));
  }
  return *digits;
}

size_t TextFinder::find_row(SplitName split, const std::string& row) const {
  const auto found = rows_[split].find(row);
  if (found == rows_[split].end())
    file_.fail(fmt::format("{} has no text with the row {}; {}", texts_of(dataset_, split), row, kOtherDataset));
  if (found->second == kSeveral) {
    file_.fail(fmt::format("{} has several texts with the row {}; give the attention as safetensors, which needs none",
                           texts_of(dataset_, split), row));
  }
  return found->second;
}

size_t TextFinder::find_id(SplitName split, const std::string& id) const {
  const auto found = ids_[split].find(id);
  if (found == ids_[split].end()) {
    file_.fail(
        fmt::format("{} has no text with the id {} (ids are compared as texts: '7' is neither '07' nor '7.0'); {}",
                    texts_of(dataset_, split), in_quotes(id), kOtherDataset));
  }
  if (found->second == kSeveral) {
    file_.fail(
        fmt::format("{} has several texts with the id {}; name each by its 'row', which notnot data --tokens writes",
                    texts_of(dataset_, split), in_quotes(id)));
  }
  return found->second;
}

/// `given` must be the text's id; empty for none.
void TextFinder::check_id(const TextPlace& text, const std::string& given) const {
  const Split& split = dataset_.split(text.split);
  const std::string_view own = split.ids.empty() ? std::string_view() : split.ids[text.index];
  if (given == own) return;
  const auto shown = [](std::string_view id) { return id.empty() ? "none" : in_quotes(id); };
  file_.fail(fmt::format("text {} of the {} split: its id is {}, not {}; row and id must name the same text",
                         split.rows[text.index], to_string(text.split), shown(own), shown(given)));
}

}  // namespace notnot
