#include "engine/io/json_lines.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "engine/io/input_error.h"
#include "engine/io/text.h"

namespace notnot {
namespace {

using Json = nlohmann::json;

std::string quoted(std::string_view text) { return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string digits(double number) {
  NOTNOT_CHECK(std::isfinite(number), "{} has no form in JSON", number);
  return fmt::format("{:.9g}", number);
}

/// The first member that stands twice in one object of a text, found while the text is parsed.
class DoubledMember {
 public:
  void see(int depth, Json::parse_event_t event, const Json& parsed) {
    if (!name_.empty()) return;
    if (event == Json::parse_event_t::object_start) {
      // The depth of an object's begin counts what is around it, that of its members the object, too.
      members_.resize(std::max<size_t>(members_.size(), depth + 1));
      members_[depth].clear();
    } else if (event == Json::parse_event_t::key) {
      if (!members_[depth - 1].insert(parsed.get<std::string>()).second) name_ = parsed.dump();
    }
  }
  /// In quotes; empty for none.
  const std::string& name() const { return name_; }

 private:
  std::vector<std::set<std::string>> members_;  ///< of the objects around the place that is parsed
  std::string name_;
};

/// What is wrong with `text`, which the parser gave up at byte `at`.
std::string syntax_fault(std::string_view text, size_t at) {
  if (const auto invalid = first_invalid_utf8(text)) return fmt::format("byte {} of it is not UTF-8", *invalid + 1);
  const auto is_letter = [&](size_t i) { return i < text.size() && std::isalpha(static_cast<unsigned char>(text[i])); };
  size_t begin = std::min(at, text.size()), end = begin;
  while (begin > 0 && is_letter(begin - 1)) --begin;
  while (is_letter(end)) ++end;
  const std::string_view word = text.substr(begin, end - begin);
  for (const char* number : {"NaN", "nan", "Infinity", "inf"}) {
    if (word == number) return fmt::format("{} is no number in JSON", word);
  }
  return "not a JSON object";
}

/// What the parser says about a number beyond the doubles ends with the number, between single quotes.
std::string overflow_fault(std::string_view what) {
  const size_t begin = what.find('\'') + 1, end = what.rfind('\'');
  return fmt::format("the number {} is too large", in_quotes(what.substr(begin, end - begin)));
}

struct Parsed {
  Json object;
  std::string fault = {};  ///< if it is not empty, there is no object
};

Parsed parse_object(std::string_view text) {
  // The parser takes a NUL for the end of the text.
  if (const size_t at = text.find('\0'); at != text.npos) return {{}, fmt::format("byte {} of it is NUL", at + 1)};
  DoubledMember doubled;
  try {
    Json parsed = Json::parse(text, [&doubled](int depth, Json::parse_event_t event, const Json& value) {
      doubled.see(depth, event, value);
      return true;
    });
    if (!parsed.is_object()) return {{}, "not a JSON object"};
    if (!doubled.name().empty()) return {{}, fmt::format("{} stands twice in one object", doubled.name())};
    return {std::move(parsed)};
  } catch (const Json::parse_error& error) {
    return {{}, syntax_fault(text, error.byte == 0 ? 0 : error.byte - 1)};
  } catch (const Json::out_of_range& error) {
    return {{}, overflow_fault(error.what())};
  }
}

}  // namespace

std::optional<Json> json_object(std::string_view text) {
  Parsed parsed = parse_object(text);
  if (!parsed.fault.empty()) return std::nullopt;
  return std::move(parsed.object);
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
