#include "engine/corpora/table.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <functional>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "engine/corpora/quote_warnings.h"
#include "engine/io/delimited.h"
#include "engine/io/file_kind.h"
#include "engine/io/file_name.h"
#include "engine/io/input_error.h"
#include "engine/io/input_stream.h"
#include "engine/io/json_lines.h"
#include "engine/io/tab_quotes.h"
#include "engine/io/text.h"

namespace notnot {
namespace {

using Json = nlohmann::json;
/// Throws InputError about the record that is being read.
using Fail = std::function<void(const std::string&)>;

/// One record as it stands in the file.
struct Fields {
  std::string text, label;
  std::optional<std::string> split, id, group, rationale;
};

/// 1 for 1.0: programs that know no whole numbers write labels so.
std::string_view whole(std::string_view label) {
  const size_t point = label.find('.');
  const bool is_whole = point != label.npos && point > 0 && point + 1 < label.size() &&
                        label.find_first_not_of("0123456789") == point &&
                        label.find_first_not_of('0', point + 1) == label.npos;
  return is_whole ? label.substr(0, point) : label;
}

/// Whether a text is what other programs write where there is none: R, pandas, databases, Python.
bool is_missing(std::string_view text) {
  constexpr std::array<std::string_view, 5> kMissing = {"NA", "NaN", "nan", "NULL", "None"};
  return std::count(kMissing.begin(), kMissing.end(), text) > 0;
}

/// The number that a field is, as it stands there or as 3.0; -1 for anything else. Beyond every text if it is too large.
int64_t place_of(std::string_view field) {
  const std::string_view digits = whole(field);
  if (digits.empty() || digits.find_first_not_of("0123456789") != digits.npos) return -1;
  int64_t place = 0;
  for (const char digit : digits) place = std::min<int64_t>(10 * place + (digit - '0'), int64_t{1} << 40);
  return place;
}

bool is_label(std::string_view field, std::string_view label) { return field == label || whole(field) == whole(label); }

/// 0 or 1 for a truth value in any case.
std::string number_of(const std::string& label) {
  const std::string lower = to_lower(label);
  return lower == "true" ? "1" : lower == "false" ? "0" : label;
}

/// The split that a field names; nothing if it names none.
std::optional<SplitName> split_of(std::string_view field) { return split_named(without_blanks_around(field)); }

/// Fields of one column that are missing by is_missing.
struct MissingFields {
  uint64_t count = 0;
  std::string first;  ///< the first record, and what it has there

  /// Returns whether the field is missing.
  bool add_if_missing(std::string_view field, int64_t row) {
    if (!is_missing(field)) return false;
    if (count++ == 0) first = fmt::format("{} ({})", row, in_quotes(field));
    return true;
  }
};

/// Turns records into texts.
class TextCollector {
 public:
  TextCollector(const TableOptions& options, Fail fail) : options_(options), fail_(std::move(fail)) {}

  void add(const Fields& fields) {
    LabelledText text;
    text.words = clean_text(fields.text, options_.cleaning);
    if (text.words.empty()) fail_("the text has no word; remove the record");
    const std::optional<int32_t> label = class_of(fields.label);
    if (!label) fail_about_label(fields.label);
    text.label = *label;
    if (fields.split) text.split = split(*fields.split);
    text.row = table_.texts.size() + 1;
    text.id = fields.id.value_or("");
    text.group = group(std::string(without_blanks_around(fields.group.value_or(""))), text.row);
    text.rationale = rationale(std::string(without_blanks_around(fields.rationale.value_or(""))), fields.text);
    missing_.add_if_missing(without_blanks_around(fields.text), text.row);
    table_.texts.push_back(std::move(text));
  }

  /// The class that the field of a label names; nothing if it names none.
  std::optional<int32_t> class_of(const std::string& field) const {
    for (const std::string& name : {field, std::string(without_blanks_around(field))}) {
      const std::string value = has_own_labels() ? name : number_of(name);
      if (is_label(value, options_.labels[0])) return 0;
      if (is_label(value, options_.labels[1])) return 1;
    }
    return std::nullopt;
  }

  /// Throws `if_empty` where there is no text.
  Table take(bool has_split, const std::string& if_empty) {
    if (table_.texts.empty()) throw InputError(if_empty);
    if (missing_.count > 0) {
      warn(
          fmt::format("{} texts are NA, NaN, NULL or None and nothing else, the first is record {}: R, pandas, "
                      "databases and Python write so where there is no text; remove these records",
                      missing_.count, missing_.first));
    }
    if (without_group_.count > 0) {
      warn(
          fmt::format("{} texts have the group NA, NaN, NULL or None, the first is record {}: they count as texts "
                      "without a group; leave the field empty, or choose another name",
                      without_group_.count, without_group_.first));
    }
    table_.has_split = has_split;
    return std::move(table_);
  }

  void warn(std::string warning) { table_.warnings.push_back(std::move(warning)); }

 private:
  SplitName split(const std::string& field) const {
    const std::optional<SplitName> split = split_of(field);
    if (!split)
      fail_(fmt::format("split {} is none of train, dev (or val, valid, validation) and test", in_quotes(field)));
    return *split;
  }

  /// The row of the first text with the group; 0 where `name` is empty.
  int64_t group(const std::string& name, int64_t row) {
    if (name.empty()) return 0;
    if (!without_group_.add_if_missing(name, row)) return groups_.emplace(name, row).first->second;
    return 0;
  }

  /// The words of the text of which a marked piece consists; `places` is the field without blanks around it.
  std::vector<int32_t> rationale(const std::string& places, const std::string& text) const {
    if (places.empty() || is_missing(places)) return {};
    const std::vector<int32_t> pieces = pieces_of_words(text, options_.cleaning);
    std::vector<bool> marked(pieces.back() + 1);
    for (const std::string_view field : split_at_white_space(places)) {
      const int64_t place = place_of(field);
      if (place < 0) {
        fail_(
            fmt::format("{} in the rationale is no place of a word; write the places of the marked words, counted from "
                        "0, with blanks "
                        "between them (0 4 5), or rename the column if it is something else",
                        in_quotes(field)));
      }
      if (place >= std::ssize(marked)) {
        fail_(fmt::format(
            "the rationale marks word {}, but the text has {} words between blanks, counted from 0; correct "
            "the place",
            field, marked.size()));
      }
      if (marked[place]) fail_(fmt::format("the rationale marks word {} twice; leave one out", place));
      marked[place] = true;
    }
    std::vector<int32_t> words;
    for (size_t n = 0; n < pieces.size(); ++n) {
      if (marked[pieces[n]]) words.push_back(static_cast<int32_t>(n));
    }
    return words;
  }

  bool has_own_labels() const { return options_.labels[0] != "0" || options_.labels[1] != "1"; }

  void fail_about_label(const std::string& field) const {
    const auto& [negative, positive] = options_.labels;
    fail_(has_own_labels()
              ? fmt::format("label {} is neither {} nor {}; name the file's two labels with --labels NEG,POS",
                            in_quotes(field), in_quotes(negative), in_quotes(positive))
              : fmt::format("label {} is neither 0 nor 1; only two classes are supported, whose names may be given "
                            "with notnot prepare csv --labels NEG,POS",
                            in_quotes(field)));
  }

  const TableOptions& options_;
  Fail fail_;
  Table table_;
  std::unordered_map<std::string, int64_t> groups_;  ///< the row of the first text of each
  MissingFields missing_, without_group_;            ///< among the texts, among the groups
};

// --- CSV and TSV

constexpr size_t kAbsent = static_cast<size_t>(-1);

/// Positions of the named columns in a record.
struct Columns {
  size_t text, label, split, id, group, rationale;
  Record header;
};

/// The column with one of the names (in lower case), exactly; if there is none, in any case.
size_t find_column(const Record& header, const std::vector<std::string>& names, const Fail& fail) {
  for (const bool any_case : {false, true}) {
    const auto matches = [&](const std::string& field) {
      const std::string name(without_blanks_around(field));
      return std::count(names.begin(), names.end(), any_case ? to_lower(name) : name) > 0;
    };
    const auto count = std::count_if(header.begin(), header.end(), matches);
    if (count > 1) fail(fmt::format("{} columns are called '{}'; keep one", count, fmt::join(names, "' or '")));
    if (count == 1) return std::find_if(header.begin(), header.end(), matches) - header.begin();
  }
  return kAbsent;
}

bool begins_with_quote(std::string_view field) { return without_blanks_around(field).starts_with('"'); }

/// What the header looks like if its names are separated by something else than `delimiter`; otherwise its names.
std::string describe(const Record& header, char delimiter) {
  struct Separator {
    char character;
    const char* remedy;
  };
  constexpr std::array<Separator, 4> kOthers = {Separator{'\t', "it has tabs: name the file .tsv"},
                                                Separator{',', "it has commas: name the file .csv"},
                                                Separator{';', "it has semicolons: save the file with commas"},
                                                Separator{'|', "it has bars: save the file with commas"}};
  const std::string names = fmt::format("{}", fmt::join(header, ", "));
  for (const Separator& other : kOthers) {
    if (other.character != delimiter && header.size() == 1 && header[0].find(other.character) != std::string::npos)
      return fmt::format("it is {}, and {}", in_quotes(names), other.remedy);
  }
  if (delimiter == '\t' && std::all_of(header.begin(), header.end(), begins_with_quote)) {
    return "its names stand between double quotes, but other quotes in the file are not doubled; double them (in R: "
           "write.table(..., sep = \"\\t\", row.names = FALSE, qmethod = \"double\"))";
  }
  return is_web_page(names) ? "this looks like a web page, so download the file again"
                            : fmt::format("it names {}", in_quotes(names));
}

Columns find_columns(const Record& header, char delimiter, bool needs_split, const Fail& fail) {
  const auto needed = [&](const std::vector<std::string>& names) {
    const size_t column = find_column(header, names, fail);
    if (column == kAbsent) {
      fail(fmt::format("there is no column '{}'; the first line must be like text,label,split, but {}", names.front(),
                       describe(header, delimiter)));
    }
    return column;
  };
  const std::vector<std::string> split = {"split", "exp_split"};
  return {.text = needed({"text"}),
          .label = needed({"label"}),
          .split = needs_split ? needed(split) : find_column(header, split, fail),
          .id = find_column(header, {"id"}, fail),
          .group = find_column(header, {"group"}, fail),
          .rationale = find_column(header, {"rationale"}, fail),
          .header = header};
}

/// For the end of a message, where lines may have ended with carriage returns.
const char* about_carriage_returns(const DelimitedReader& reader) {
  return reader.had_carriage_return()
             ? "; the file has carriage returns within lines, so end every line with LF or CRLF"
             : "";
}

/// What to do about a record with another number of fields than the header.
std::string about_fields(const Record& record, const Record& header, char delimiter) {
  if (record.size() < header.size())
    return "give it all fields, or remove it; a text with line ends must stand between double quotes";
  std::string remedy = delimiter == ',' ? "put a text with commas between double quotes"
                                        : "a text must have no tabs, or every text with tabs, line ends or quotes must "
                                          "stand between double quotes, the quotes in it doubled";
  const bool begins_with_number = !record[0].empty() && record[0].find_first_not_of("0123456789") == std::string::npos;
  if (record.size() == header.size() + 1 && begins_with_number)
    remedy += "; if the first field is the row's name in R, write the table with row.names = FALSE";
  return remedy;
}

/// The record has as many fields as the header, and is not the header again.
void check_record(const Record& record, const Record& header, char delimiter, const DelimitedReader& reader) {
  if (record.size() != header.size()) {
    reader.fail(fmt::format("{} fields where the header has {}; {}{}", record.size(), header.size(),
                            about_fields(record, header, delimiter), about_carriage_returns(reader)));
  }
  if (record == header) reader.fail("this is the header again, as where files were put together; remove the line");
}

bool could_be_record(const Record& fields, const Columns& columns, const TextCollector& texts) {
  return fields.size() == columns.header.size() && texts.class_of(fields[columns.label]) &&
         (columns.split == kAbsent || split_of(fields[columns.split]));
}

Table parse_delimited(std::string_view content, const std::string& name, char delimiter, const TableOptions& options) {
  const bool quotes = delimiter == ',' || quotes_have_rules(content);
  DelimitedReader reader(name, {.delimiter = delimiter, .quotes = quotes, .header = true, .lossy = options.lossy});
  const Fail fail = [&reader](const std::string& message) { reader.fail(message); };
  const Fail fail_at_header = [&](const std::string& message) { fail(message + about_carriage_returns(reader)); };
  TextCollector texts(options, fail);
  std::optional<SwallowedRecords> swallowed;
  KeptQuotes kept;
  std::optional<Columns> columns;
  reader.read(content, [&](Record&& record) {
    if (!columns) {
      columns = find_columns(record, delimiter, options.needs_split, fail_at_header);
      swallowed.emplace(delimiter, std::vector{columns->label, columns->split},
                        [&](const Record& fields) { return could_be_record(fields, *columns, texts); });
      return;
    }
    check_record(record, columns->header, delimiter, reader);
    swallowed->look(record, reader.record());
    if (!quotes) kept.look(record[columns->text], reader.record());
    const auto optional = [&record](size_t column) {
      return column == kAbsent ? std::nullopt : std::optional(std::move(record[column]));
    };
    texts.add({.text = std::move(record[columns->text]),
               .label = std::move(record[columns->label]),
               .split = optional(columns->split),
               .id = optional(columns->id),
               .group = optional(columns->group),
               .rationale = optional(columns->rationale)});
  });
  if (!columns) throw InputError(fmt::format("{}: the file is empty; its first line must be text,label,split", name));
  for (const std::string& warning : {swallowed->warning(), kept.warning()}) {
    if (!warning.empty()) texts.warn(warning);
  }
  return texts.take(columns->split != kAbsent, fmt::format("{}: there is no record after the header; add texts{}", name,
                                                           about_carriage_returns(reader)));
}

// --- JSON lines

/// `content` without white space and byte order marks before its first character.
std::string_view from_first_character(std::string_view content) {
  for (;;) {
    content.remove_prefix(std::min(content.find_first_not_of(" \t\r\n"), content.size()));
    if (!content.starts_with(kByteOrderMark)) return content;
    content.remove_prefix(kByteOrderMark.size());
  }
}

class JsonLinesTable {
 public:
  JsonLinesTable(std::string_view content, const std::string& name, const TableOptions& options)
      : name_(name),
        content_(content),
        reader_(name, content),
        options_(options),
        texts_(options, [this](const std::string& message) { fail(message); }) {}

  Table read() {
    while (reader_.next()) read_record();
    return texts_.take(has_split_.value_or(false), fmt::format("{}: there is no text; add some", name_));
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
      fail(fmt::format(
          "byte {} of the file (0x{:02X}) is not UTF-8; save the file as UTF-8, or give --lossy to notnot prepare",
          reader_.offset() + *invalid, static_cast<unsigned char>(line[*invalid])));
    }
    return std::string(line);
  }

  void read_record() {
    const std::string line = checked();
    const auto object = json_object(line);
    if (!object) fail(fault(line));
    const auto has = [&](const char* name) {
      const auto found = find(*object, name);
      return found != object->end() && !found->is_null();
    };
    if (has("split") && has("exp_split")) fail("both 'split' and 'exp_split' stand there; keep one");
    Fields fields{.text = *member(*object, {"text"}, true),
                  .label = *member(*object, {"label"}, true),
                  .split = member(*object, {"split", "exp_split"}, options_.needs_split),
                  .id = name(*object, "id"),
                  .group = name(*object, "group"),
                  .rationale = rationale(*object)};
    if (has_split_.value_or(fields.split.has_value()) != fields.split.has_value())
      fail("some records have a 'split' and some have none; give it to all or to none");
    has_split_ = fields.split.has_value();
    texts_.add(fields);
  }

  /// What is wrong with a line that is no object, and what to do.
  std::string fault(std::string_view line) const {
    const std::string fault = json_fault(line);
    const bool first = reader_.record() == 1;
    const std::string form = first && from_first_character(content_).starts_with('[') ? "list"
                             : first && json_object(content_)                         ? "object over several lines"
                                                                                      : "";
    if (form.empty()) return fault + R"(; every line must be like {"text": "a film", "label": 1, "split": "train"})";
    // Why the first line alone is none is no matter.
    return fmt::format("{}; the file is one JSON {}; write {}", fault.substr(0, fault.find(':')), form,
                       form == "list" ? "each of its objects on a line of its own (jq -c '.[]')"
                                      : "an object for each text, on a line of its own");
  }

  /// The member with the name (in lower case), exactly; if there is none, in any case.
  Json::const_iterator find(const Json& object, const std::string& name) const {
    const auto exact = object.find(name);
    if (exact != object.end()) return exact;
    auto found = object.end();
    for (auto member = object.begin(); member != object.end(); ++member) {
      if (to_lower(member.key()) != name) continue;
      if (found != object.end()) {
        fail(fmt::format("{} and {} differ only in upper and lower case; keep one, or call it '{}'",
                         in_quotes(found.key()), in_quotes(member.key()), name));
      }
      found = member;
    }
    return found;
  }

  /// A string as it is, a whole number as its digits; null counts as none.
  std::optional<std::string> name(const Json& object, const char* what) const {
    const auto found = find(object, what);
    if (found == object.end() || found->is_null()) return std::nullopt;
    if (found->is_string()) return member(object, {what}, false);
    std::optional<std::string> digits = whole_number(*found);
    if (!digits)
      fail(fmt::format("'{}' is neither a string nor a whole number below 2^53; write it as a string", what));
    return digits;
  }

  /// A list of whole numbers as CSV would have it; anything else as `member` takes it.
  std::optional<std::string> rationale(const Json& object) const {
    const auto found = find(object, "rationale");
    if (found == object.end() || !found->is_array()) return member(object, {"rationale"}, false);
    std::vector<std::string> places;
    for (const Json& place : *found) {
      std::optional<std::string> digits = whole_number(place);
      if (!digits) fail("'rationale' is a list with something else than whole numbers; write it as [0, 4, 5]");
      places.push_back(*std::move(digits));
    }
    return fmt::format("{}", fmt::join(places, " "));
  }

  /// What to do about a member that is a list or an object. Where the label is one, too, whole columns stand there.
  std::string about_structure(const Json& object, const std::string& name, const Json& value) const {
    const auto label = find(object, "label");
    const bool columns = name == "text" && label != object.end() && label->is_structured();
    if (value.is_object() || columns) {
      return fmt::format(
          "'{}' is {}; write an object for each text, on a line of its own (in pandas: "
          "to_json(orient=\"records\", lines=True))",
          name, value.is_object() ? "an object" : "a list");
    }
    if (name == "text") return "'text' is a list; join its words with blanks, as in \"a film\"";
    return fmt::format("'{}' is a list; write its one value alone", name);
  }

  /// A string as it is, a whole number (also 1.0) or truth value as a CSV file would have it. Null counts as none.
  std::optional<std::string> member(const Json& object, const std::vector<std::string>& names, bool needed) const {
    for (const std::string& name : names) {
      const auto found = find(object, name);
      if (found == object.end() || found->is_null()) continue;
      if (found->is_string()) {
        const std::string text = without_byte_order_marks(found->get_ref<const std::string&>());
        if (text.find('\0') == std::string::npos) return text;
        if (options_.lossy) return replace_invalid_utf8(text);
        fail(fmt::format("'{}' has a NUL character; remove it, or give --lossy to notnot prepare", name));
      }
      if (found->is_structured()) fail(about_structure(object, name, *found));
      if (found->is_boolean()) return found->dump();
      if (auto digits = whole_number(*found)) return digits;
      fail(fmt::format("'{}' is neither a string nor a whole number", name));
    }
    if (needed) fail(fmt::format("there is no '{}'; every line needs text, label and split", names.front()));
    return std::nullopt;
  }

  std::string name_;
  std::string_view content_;
  JsonLinesReader reader_;
  const TableOptions& options_;
  TextCollector texts_;
  std::optional<bool> has_split_;  ///< known once the first record is read
};

/// Whether it begins as JSON does: with an object, or with a list of objects or lists. The name of a column may begin
/// with a bracket, too.
bool begins_as_json(std::string_view text) {
  if (!text.starts_with('[')) return text.starts_with('{');
  return from_first_character(text.substr(1)).find_first_of("[{") == 0;
}

/// Without the extension of a packed file.
std::filesystem::path unpacked(const std::filesystem::path& path) {
  return to_lower(path.extension().string()) == ".gz" ? path.parent_path() / path.stem() : path;
}

}  // namespace

TableFormat table_format(const std::filesystem::path& path, std::string_view content) {
  const std::string_view text = from_first_character(content);
  if (begins_as_json(text)) return TableFormat::json_lines;  // a list is refused there, with the remedy
  const std::string extension = to_lower(unpacked(path).extension().string());
  if (extension == ".csv") return TableFormat::csv;
  if (extension == ".tsv" || extension == ".tab") return TableFormat::tsv;
  if (extension == ".jsonl" || extension == ".ndjson" || extension == ".json") return TableFormat::json_lines;
  const std::string_view line = text.substr(0, text.find_first_of("\r\n"));
  return line.find('\t') == line.npos ? TableFormat::csv : TableFormat::tsv;
}

std::string table_name(const std::filesystem::path& path) {
  std::string name = replace_invalid_utf8(unpacked(path).stem().string());
  name.erase(0, std::min(name.find_first_not_of('.'), name.size()));
  if (name.empty()) {
    throw InputError(
        fmt::format("{}: the name of the file has nothing that could name a data set; rename the file", path.string()));
  }
  if (can_name_file(name)) return name;
  throw InputError(
      fmt::format("the name of the file {} has control characters, and cannot name a data set; rename the file",
                  in_quotes(path.string())));
}

Table parse_table(std::string_view content, const std::string& name, TableFormat format, const TableOptions& options) {
  if (content.find('\n') == content.npos && content.find('\r') != content.npos) {
    std::string lines(content);
    std::replace(lines.begin(), lines.end(), '\r', '\n');
    return parse_table(lines, name, format, options);
  }
  if (format == TableFormat::json_lines) return JsonLinesTable(content, name, options).read();
  return parse_delimited(content, name, format == TableFormat::tsv ? '\t' : ',', options);
}

Table read_table(const std::filesystem::path& path, const TableOptions& options) {
  InputFile file = read_input(path);
  Table table = parse_table(file.content, path.string(), table_format(path, file.content), options);
  table.checksum = std::move(file.checksum);
  table.bytes = static_cast<int64_t>(file.bytes);
  return table;
}

std::vector<LabelledText> parse_csv(std::string_view content, const std::string& name) {
  return parse_table(content, name, TableFormat::csv).texts;
}

}  // namespace notnot
