#include "engine/corpora/table.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/io/delimited.h"
#include "engine/io/input_error.h"
#include "engine/io/input_stream.h"
#include "engine/io/json_lines.h"
#include "engine/io/text.h"

namespace notnot {
namespace {

using Json = nlohmann::json;
/// Throws InputError about the record that is being read.
using Fail = std::function<void(const std::string&)>;

/// One record as it stands in the file.
struct Fields {
  std::string text, label;
  std::optional<std::string> split, id;
};

/// Turns records into texts.
class TextCollector {
 public:
  TextCollector(const TableOptions& options, Fail fail) : options_(options), fail_(std::move(fail)) {}

  void add(const Fields& fields) {
    LabelledText text;
    text.words = join_words(split_at_white_space(to_lower(fields.text)));
    if (text.words.empty()) fail_("the text has no word; remove the record");
    text.label = label(fields.label);
    if (fields.split) text.split = split(*fields.split);
    text.row = table_.texts.size() + 1;
    text.id = fields.id.value_or("");
    table_.texts.push_back(std::move(text));
  }

  Table take(const std::string& name, bool has_split) {
    if (table_.texts.empty()) throw InputError(fmt::format("{}: there is no record after the header; add texts", name));
    table_.has_split = has_split;
    return std::move(table_);
  }

 private:
  int32_t label(const std::string& field) const {
    const auto& [negative, positive] = options_.labels;
    if (field != negative && field != positive) {
      const bool mapped = negative != "0" || positive != "1";
      fail_(mapped
                ? fmt::format("label {} is neither {} nor {}; name the file's two labels with --labels NEG,POS",
                              in_quotes(field), in_quotes(negative), in_quotes(positive))
                : fmt::format("label {} is neither 0 nor 1; only two classes are supported, whose names may be given "
                              "with notnot prepare csv --labels NEG,POS",
                              in_quotes(field)));
    }
    return field == positive ? 1 : 0;
  }

  SplitName split(const std::string& field) const {
    if (field == "train") return SplitName::train;
    if (field == "test") return SplitName::test;
    if (field != "dev" && field != "val" && field != "valid" && field != "validation")
      fail_(fmt::format("split {} is none of train, dev (or val, valid, validation) and test", in_quotes(field)));
    return SplitName::dev;
  }

  const TableOptions& options_;
  Fail fail_;
  Table table_;
};

// --- CSV and TSV

constexpr size_t kAbsent = static_cast<size_t>(-1);

/// Positions of the named columns in a record of `count` fields.
struct Columns {
  size_t text, label, split, id, count;
};

size_t find_column(const Record& header, const std::vector<std::string>& names, const Fail& fail) {
  const auto matches = [&names](const std::string& field) { return std::count(names.begin(), names.end(), field) > 0; };
  const auto count = std::count_if(header.begin(), header.end(), matches);
  if (count > 1) fail(fmt::format("{} columns are called '{}'; keep one", count, fmt::join(names, "' or '")));
  if (count == 0) return kAbsent;
  return std::find_if(header.begin(), header.end(), matches) - header.begin();
}

Columns find_columns(const Record& header, bool needs_split, const Fail& fail) {
  const auto needed = [&](const std::vector<std::string>& names) {
    const size_t column = find_column(header, names, fail);
    if (column == kAbsent)
      fail(fmt::format("there is no column '{}'; the first line must be like text,label,split", names.front()));
    return column;
  };
  const std::vector<std::string> split = {"split", "exp_split"};
  return {.text = needed({"text"}),
          .label = needed({"label"}),
          .split = needs_split ? needed(split) : find_column(header, split, fail),
          .id = find_column(header, {"id"}, fail),
          .count = header.size()};
}

Table parse_delimited(std::string_view content, const std::string& name, char delimiter, const TableOptions& options) {
  DelimitedReader reader(name, {.delimiter = delimiter, .header = true, .lossy = options.lossy});
  const Fail fail = [&reader](const std::string& message) { reader.fail(message); };
  TextCollector texts(options, fail);
  std::optional<Columns> columns;
  reader.read(content, [&](Record&& record) {
    if (!columns) {
      columns = find_columns(record, options.needs_split, fail);
      return;
    }
    if (record.size() != columns->count) {
      fail(fmt::format("{} fields where the header has {}; put a text with commas between double quotes", record.size(),
                       columns->count));
    }
    const auto optional = [&record](size_t column) {
      return column == kAbsent ? std::nullopt : std::optional(std::move(record[column]));
    };
    texts.add({.text = std::move(record[columns->text]),
               .label = std::move(record[columns->label]),
               .split = optional(columns->split),
               .id = optional(columns->id)});
  });
  if (!columns) throw InputError(fmt::format("{}: the file is empty; its first line must be text,label,split", name));
  return texts.take(name, columns->split != kAbsent);
}

// --- JSON lines

class JsonLinesTable {
 public:
  JsonLinesTable(std::string_view content, const std::string& name, const TableOptions& options)
      : name_(name),
        reader_(name, content),
        options_(options),
        texts_(options, [this](const std::string& message) { fail(message); }) {}

  Table read() {
    while (reader_.next()) read_record();
    return texts_.take(name_, has_split_.value_or(false));
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    throw InputError(fmt::format("{}, record {} (line {}): {}", name_, reader_.record(), reader_.line(), message));
  }

  /// The line as valid UTF-8.
  std::string checked() const {
    const std::string_view line = reader_.text();
    if (options_.lossy) return replace_invalid_utf8(line);
    if (const auto invalid = first_invalid_utf8(line)) {
      fail(fmt::format("byte {} of the file (0x{:02X}) is not UTF-8; save the file as UTF-8, or give --lossy",
                       reader_.offset() + *invalid, static_cast<unsigned char>(line[*invalid])));
    }
    return std::string(line);
  }

  void read_record() {
    const std::string line = checked();
    const auto object = json_object(line);
    if (!object) {
      fail(fmt::format(R"({}; every line must be like {{"text": "a film", "label": 1, "split": "train"}})",
                       json_fault(line)));
    }
    Fields fields{.text = *member(*object, {"text"}, true),
                  .label = *member(*object, {"label"}, true),
                  .split = member(*object, {"split", "exp_split"}, options_.needs_split),
                  .id = id(*object)};
    if (has_split_.value_or(fields.split.has_value()) != fields.split.has_value())
      fail("some records have a 'split' and some have none; give it to all or to none");
    has_split_ = fields.split.has_value();
    texts_.add(fields);
  }

  /// A string as it is, a whole number as its digits; null counts as none.
  std::optional<std::string> id(const Json& object) const {
    const auto found = object.find("id");
    if (found == object.end() || found->is_null()) return std::nullopt;
    if (found->is_string()) return member(object, {"id"}, false);
    std::optional<std::string> digits = whole_number(*found);
    if (!digits) fail("'id' is neither a string nor a whole number below 2^53; write it as a string");
    return digits;
  }

  /// A string as it is, a whole number or truth value as a CSV file would have it.
  std::optional<std::string> member(const Json& object, const std::vector<std::string>& names, bool needed) const {
    for (const std::string& name : names) {
      const auto found = object.find(name);
      if (found == object.end()) continue;
      if (found->is_string()) {
        const auto& text = found->get_ref<const std::string&>();
        if (text.find('\0') == std::string::npos) return text;
        if (options_.lossy) return replace_invalid_utf8(text);
        fail(fmt::format("'{}' has a NUL character; remove it, or give --lossy", name));
      }
      if (found->is_boolean()) return found->get<bool>() ? "1" : "0";
      if (found->is_number_integer()) return found->dump();
      fail(fmt::format("'{}' is neither a string nor a whole number", name));
    }
    if (needed) fail(fmt::format("there is no '{}'; every line needs text, label and split", names.front()));
    return std::nullopt;
  }

  std::string name_;
  JsonLinesReader reader_;
  const TableOptions& options_;
  TextCollector texts_;
  std::optional<bool> has_split_;  ///< known once the first record is read
};

}  // namespace

TableFormat table_format(const std::filesystem::path& path) {
  const std::string extension = to_lower(path.extension().string());
  if (extension == ".tsv") return TableFormat::tsv;
  if (extension == ".jsonl" || extension == ".ndjson") return TableFormat::json_lines;
  return TableFormat::csv;
}

Table parse_table(std::string_view content, const std::string& name, TableFormat format, const TableOptions& options) {
  if (format == TableFormat::json_lines) return JsonLinesTable(content, name, options).read();
  return parse_delimited(content, name, format == TableFormat::tsv ? '\t' : ',', options);
}

Table read_table(const std::filesystem::path& path, const TableOptions& options) {
  InputFile file = read_input(path);
  Table table = parse_table(file.content, path.string(), table_format(path), options);
  table.checksum = std::move(file.checksum);
  return table;
}

std::vector<LabelledText> read_csv(const std::filesystem::path& path) {
  return parse_table(read_input(path).content, path.string(), TableFormat::csv).texts;
}

std::vector<LabelledText> parse_csv(std::string_view content, const std::string& name) {
  return parse_table(content, name, TableFormat::csv).texts;
}

}  // namespace notnot
