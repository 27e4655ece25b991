#include "engine/io/json_lines.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/io/input_error.h"
#include "engine/io/json.h"
#include "engine/io/stop.h"
#include "engine/io/text.h"

namespace notnot {
namespace {

using Json = nlohmann::json;

/// With \u00NN for the control characters that JSON allows as they are (DEL and U+0080 to U+009F): a terminal obeys
/// them.
std::string quoted(std::string_view text) {
  std::string json = Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
  if (json.find_first_of("\x7F\xC2") == std::string::npos) return json;  // as nearly every word
  std::string result;
  result.reserve(json.size());
  for (const std::string_view character : split_characters(json)) {
    const auto last = static_cast<unsigned char>(character.back());
    const bool command = character == "\x7F" || (character.front() == '\xC2' && last < 0xA0);
    result += command ? fmt::format("\\u{:04x}", last) : character;
  }
  return result;
}

std::string digits(double number) {
  NOTNOT_CHECK(std::isfinite(number), "{} has no form in JSON", number);
  return fmt::format("{:.9g}", number);
}

ParsedJson parse_object(std::string_view text) {
  ParsedJson parsed = parse_json(text);
  if (parsed.fault.empty() && !parsed.value.is_object()) parsed.fault = "not a JSON object";
  return parsed;
}

}  // namespace

std::optional<Json> json_object(std::string_view text) {
  ParsedJson parsed = parse_object(text);
  if (!parsed.fault.empty()) return std::nullopt;
  return std::move(parsed.value);
}

std::string json_fault(std::string_view text) { return parse_object(text).fault; }

std::optional<std::string> whole_number(const Json& value) {
  constexpr double kLargestExact = 9007199254740992;  // 2^53
  if (value.is_number_integer()) return value.dump();
  if (!value.is_number_float()) return std::nullopt;
  const auto number = value.get<double>();
  if (!(std::fabs(number) <= kLargestExact) || number != std::trunc(number)) return std::nullopt;
  return std::to_string(static_cast<int64_t>(number));
}

JsonLinesReader::JsonLinesReader(const std::filesystem::path& path) : name_(path.string()), file_(path) {}
JsonLinesReader::JsonLinesReader(std::string name, std::string_view content)
    : name_(std::move(name)), content_(content) {}

bool JsonLinesReader::next() {
  while (read_line()) {
    check_stop();
    if (text_.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    ++record_;
    return true;
  }
  return false;
}

/// Goes to the next line, blank or not.
bool JsonLinesReader::read_line() {
  if (file_) {
    if (!file_->read_line(file_line_)) return false;
    text_ = file_line_;
  } else {
    if (content_.empty()) return false;
    text_ = content_.substr(0, content_.find('\n'));
    content_.remove_prefix(std::min(text_.size() + 1, content_.size()));
  }
  offset_ = next_offset_;
  next_offset_ += text_.size() + 1;
  ++line_;
  while (text_.starts_with(kByteOrderMark)) {
    text_.remove_prefix(kByteOrderMark.size());
    offset_ += kByteOrderMark.size();
  }
  return true;
}

void JsonLinesReader::fail(const std::string& message) const {
  throw InputError(fmt::format("{}, line {}: {}", name_, line_, message));
}

JsonLine& JsonLine::add(std::string_view name, std::string_view text) { return add_value(name, quoted(text)); }

JsonLine& JsonLine::add(std::string_view name, std::span<const std::string_view> texts) {
  return add_list(name, texts, quoted);
}

JsonLine& JsonLine::add(std::string_view name, std::span<const double> numbers) {
  return add_list(name, numbers, digits);
}

JsonLine& JsonLine::add(std::string_view name, std::span<const int64_t> numbers) {
  return add_list(name, numbers, [](int64_t number) { return std::to_string(number); });
}

JsonLine& JsonLine::add(std::string_view name, std::nullptr_t) { return add_value(name, "null"); }

JsonLine& JsonLine::add_floating(std::string_view name, double number) { return add_value(name, digits(number)); }

JsonLine& JsonLine::add_integer(std::string_view name, int64_t number) {
  return add_value(name, std::to_string(number));
}

JsonLine& JsonLine::add_value(std::string_view name, std::string_view json) {
  if (!members_.empty()) members_.append(",").append(space_);
  members_.append(quoted(name)).append(":").append(space_).append(json);
  return *this;
}

template <class Values, class Format>
JsonLine& JsonLine::add_list(std::string_view name, const Values& values, const Format& format) {
  std::string list = "[";
  for (const auto& value : values) {
    if (list.size() > 1) list.append(",").append(space_);
    list += format(value);
  }
  return add_value(name, list + "]");
}

}  // namespace notnot
