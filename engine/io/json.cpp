#include "engine/io/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>
#include <vector>

#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/stop.h"
#include "engine/io/text.h"

namespace notnot {
namespace {

using Json = nlohmann::json;

/// Where the text is nested too deep. What is no JSON may count wrongly, and the parser refuses it then.
std::optional<size_t> too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (in_string) {
      if (text[i] == '\\')
        ++i;  // passes over what is escaped
      else if (text[i] == '"')
        in_string = false;
      continue;
    }
    if (text[i] == '"') in_string = true;
    if ((text[i] == '[' || text[i] == '{') && ++depth > kDeepestJson) return i;
    if (text[i] == ']' || text[i] == '}') --depth;
  }
  return std::nullopt;
}

/// The column of byte `at`, counted in characters from 1.
int64_t column_of(std::string_view text, size_t at) {
  const std::string_view before = text.substr(0, at);
  const std::string_view line = before.substr(before.rfind('\n') + 1);  // npos + 1 is 0
  return 1 + std::count_if(line.begin(), line.end(), [](char byte) { return (byte & 0xC0) != 0x80; });
}

/// Whether the four hexadecimal digits that begin so are half of a character.
bool is_surrogate(std::string_view digits) {
  return (digits[0] == 'd' || digits[0] == 'D') && std::string_view("89abcdefABCDEF").find(digits[1]) != digits.npos;
}

/// What is wrong with `text`, which is like an object and which the parser gave up at byte `at`, where it says `what`.
std::string object_fault(std::string_view text, size_t at, std::string_view what) {
  what = what.substr(0, what.find("last read"));  // behind it stands a piece of the text
  if (at >= text.size()) return "it ends too soon; the file seems to be cut, or a text has a line end";
  const auto here = [&](size_t place) { return fmt::format("(column {})", column_of(text, place)); };
  if (what.find("surrogate") != what.npos) {
    size_t begin = text.rfind("\\u", at);
    if (!is_surrogate(text.substr(begin + 2, 2))) begin = text.rfind("\\u", begin - 1);
    return fmt::format("{} is half of a character {}; write both halves, or the character", text.substr(begin, 6),
                       here(begin));
  }
  const auto byte = static_cast<unsigned char>(text[at]);
  if (what.find("control character") != what.npos)
    return fmt::format("a control character (0x{:02X}) as it is {}; write it as \\u{:04x}", byte, here(at), byte);
  if (byte == '\'') return fmt::format("a single quote {}; JSON has double quotes (in Python: json.dumps)", here(at));
  const size_t before = at == 0 ? text.npos : text.find_last_not_of(" \t\r\n", at - 1);
  if ((byte == '}' || byte == ']') && before != text.npos && text[before] == ',')
    return fmt::format("a comma before the {} {}", text[at], here(at));
  return fmt::format("what stands in column {} is wrong", column_of(text, at));
}

/// What is wrong with `text`, which the parser gave up at byte `at`, where it says `what`.
std::string syntax_fault(std::string_view text, size_t at, std::string_view what) {
  if (const auto invalid = first_invalid_utf8(text)) return fmt::format("byte {} of it is not UTF-8", *invalid + 1);
  const auto is_letter = [&](size_t i) { return i < text.size() && std::isalpha(static_cast<unsigned char>(text[i])); };
  size_t begin = std::min(at, text.size()), end = begin;
  while (begin > 0 && is_letter(begin - 1)) --begin;
  while (is_letter(end)) ++end;
  const std::string_view word = text.substr(begin, end - begin);
  for (const char* number : {"NaN", "nan", "Infinity", "inf"}) {
    if (word == number) return fmt::format("{} is no number in JSON", word);
  }
  const size_t first = text.find_first_not_of(" \t\r\n");
  const bool is_like_one = first != text.npos && (text[first] == '{' || text[first] == '[');
  return is_like_one ? "not a JSON object: " + object_fault(text, at, what) : "not a JSON object";
}

/// What the parser says about a number beyond the doubles ends with the number, between single quotes.
std::string overflow_fault(std::string_view what) {
  const size_t begin = what.find('\'') + 1, end = what.rfind('\'');
  return fmt::format("the number {} is too large", in_quotes(what.substr(begin, end - begin)));
}

/// Takes the parser's events. The library's own parsers keep the last of two members of one name, or need quadratic
/// time to see both. The names of the functions are the library's.
class Builder {
 public:
  explicit Builder(std::string_view text) : text_(text) {}

  bool null() { return put(nullptr); }
  bool boolean(bool value) { return put(value); }
  bool number_integer(Json::number_integer_t value) { return put(value); }
  bool number_unsigned(Json::number_unsigned_t value) { return put(value); }
  bool number_float(Json::number_float_t value, const std::string& /*digits*/) { return put(value); }
  bool string(std::string& value) { return put(std::move(value)); }
  bool binary(Json::binary_t& /*value*/) { return false; }  // stands in no text
  bool start_object(size_t /*size*/) { return open(Json::object()); }
  bool start_array(size_t /*size*/) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(std::string& name) {
    check_stop();
    const auto [member, is_new] = open_.back()->get_ref<Json::object_t&>().try_emplace(name);
    if (!is_new) result_.fault = fmt::format("{} stands twice in one object", Json(name).dump());
    member_ = &member->second;
    return is_new;
  }

  bool parse_error(size_t at, const std::string& /*token*/, const nlohmann::detail::exception& error) {
    result_.at = at == 0 ? 0 : at - 1;
    const bool overflow = dynamic_cast<const Json::out_of_range*>(&error) != nullptr;
    result_.fault = overflow ? overflow_fault(error.what()) : syntax_fault(text_, result_.at, error.what());
    return false;
  }

  ParsedJson take() { return std::move(result_); }

 private:
  /// The place of the next value.
  Json& place() {
    if (open_.empty()) return result_.value;
    if (open_.back()->is_object()) return *member_;
    return open_.back()->emplace_back();
  }
  bool put(Json value) {
    place() = std::move(value);
    return true;
  }
  bool open(Json empty) {
    Json& value = place();
    value = std::move(empty);
    open_.push_back(&value);
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  std::string_view text_;
  ParsedJson result_;
  std::vector<Json*> open_;  ///< the lists and objects around the place that is parsed
  Json* member_ = nullptr;   ///< the value of the last key
};

}  // namespace

ParsedJson parse_json(std::string_view text) {
  // The parser takes a NUL for the end of the text.
  if (const size_t at = text.find('\0'); at != text.npos) return {{}, fmt::format("byte {} of it is NUL", at + 1), at};
  if (const auto at = too_deep(text)) {
    return {{}, fmt::format("its lists and objects are nested too deep (more than {})", kDeepestJson), *at};
  }
  Builder builder(text);
  if (Json::sax_parse(text, &builder)) return builder.take();
  ParsedJson failed = builder.take();
  failed.value = nullptr;
  return failed;
}

Json read_json_object(const std::filesystem::path& path, std::string_view remedy) {
  constexpr size_t kLargest = size_t{64} << 20;
  const std::string text = read_small_file(path, kLargest, remedy);
  ParsedJson parsed = parse_json(text);
  if (parsed.fault.empty() && !parsed.value.is_object()) parsed.fault = "not a JSON object";
  if (parsed.fault.empty()) return std::move(parsed.value);
  const auto line = 1 + std::count(text.begin(), text.begin() + std::min(parsed.at, text.size()), '\n');
  throw InputError(fmt::format("{} is damaged: line {}: {}; {}", path.string(), line, parsed.fault, remedy));
}

}  // namespace notnot
