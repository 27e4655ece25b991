#include "engine/runs/external_attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/json_lines.h"
#include "engine/io/safetensors.h"
#include "engine/io/text.h"
#include "engine/runs/run_folder.h"

namespace notnot {
namespace {

using Json = nlohmann::json;

constexpr double kLogOfNothing = -std::numeric_limits<double>::infinity();
constexpr const char* kOtherDataset =
    "compute the attention on the same data set, prepared with the same options; notnot data --tokens writes its texts";

double log_weight(double value, Importance importance) {
  switch (importance) {
    case Importance::absolute:
      return std::log(std::fabs(value));
    case Importance::positive:
      return std::log(std::max(value, 0.0));
    case Importance::softmax:
      return value;
    case Importance::weights:
      break;
  }
  return std::log(value);
}

/// Writes the log-weights [words] of one text. All sums are in logarithms, so that none overflows. Returns what is
/// wrong with the values [words] and what to do; empty when nothing is wrong.
std::string normalise(std::span<const double> values, Importance importance, std::span<float> log_attention) {
  double largest = kLogOfNothing;
  for (size_t k = 0; k < values.size(); ++k) {
    if (!std::isfinite(values[k]))
      return fmt::format("weight {} is {}; give every word a finite number", k + 1, values[k]);
    if (importance == Importance::weights && values[k] < 0) {
      return fmt::format(
          "weight {} is {}, below 0; if these are no attention weights, --importance says how they become some: {}, {} "
          "or {}",
          k + 1, values[k], to_string(Importance::absolute), to_string(Importance::positive),
          to_string(Importance::softmax));
    }
    largest = std::max(largest, log_weight(values[k], importance));
  }
  if (largest == kLogOfNothing) return "no weight is above 0, so none can be its share; give at least one word some";
  double sum = 0;
  for (const double value : values) sum += std::exp(log_weight(value, importance) - largest);
  const double log_sum = largest + std::log(sum);
  for (size_t k = 0; k < values.size(); ++k) log_attention[k] = log_weight(values[k], importance) - log_sum;
  return "";
}

/// A text of the data set.
struct Text {
  const Dataset& dataset;
  SplitName split_name;
  size_t index;

  const Split& split() const { return dataset.split(split_name); }
  int64_t row() const { return split().rows[index]; }
  std::string name() const { return fmt::format("text {} of the {} split", row(), to_string(split_name)); }
  /// The place of the text's first word among the split's tokens.
  size_t begin() const { return split().offsets[index] + 1; }
  size_t size() const { return split().length(index) - 2; }
  int32_t id(size_t k) const { return split().token_ids[begin() + k]; }
  const std::string& word(size_t k) const { return dataset.vocabulary.word(id(k)); }
  std::vector<std::string_view> words(size_t most) const {
    std::vector<std::string_view> result;
    for (size_t k = 0; k < std::min(most, size()); ++k) result.emplace_back(word(k));
    return result;
  }
  /// "its 2 words ('a film')", for messages.
  std::string its_words() const { return fmt::format("its {} words ({})", size(), in_quotes(join_words(words(8)))); }
  std::span<float> of(LogAttention& attention) const {
    return std::span(attention[split_name]).subspan(begin(), size());
  }
};

LogAttention nothing_yet(const Dataset& dataset) {
  LogAttention result;
  for (const SplitName name : kSplitNames) {
    result[name].assign(dataset.split(name).token_ids.size(), kLogOfNothing);
  }
  return result;
}

// --- JSON lines ------------------------------------------------------------------------------------------------------

class LinesReader {
 public:
  LinesReader(const std::filesystem::path& path, const Dataset& dataset, Importance importance)
      : path_(path), file_(path), dataset_(dataset), importance_(importance), result_(nothing_yet(dataset)) {
    for (const SplitName name : kSplitNames) {
      const Column<int64_t>& rows = dataset.split(name).rows;
      auto& index = index_[name];
      for (size_t i = 0; i < rows.size(); ++i) {
        if (index.emplace(rows[i], i).second) continue;
        throw InputError(
            fmt::format("the {} split of {} has several texts with the id {}; give the attention as safetensors, "
                        "which needs no id",
                        to_string(name), dataset.name, rows[i]));
      }
      lines_[name].resize(rows.size());
    }
  }

  ExternalAttention read() {
    while (file_.next()) read_line();
    check_complete();
    return {std::move(result_), file_.checksum()};
  }

 private:
  [[noreturn]] void fail(const std::string& message) const { file_.fail(message); }
  [[noreturn]] void fail(const Text& text, const std::string& message) const { fail(text.name() + ": " + message); }

  void read_line() {
    const Json object = parse(file_.text());
    const Text text = find(object);
    int64_t& first_line = lines_[text.split_name][text.index];
    if (first_line != 0) fail(text, fmt::format("stands on line {} already; give every text once", first_line));
    first_line = file_.line();
    if (object.contains("tokens")) check_tokens(object["tokens"], text);
    const std::vector<double> values = weights(member(object, "attention"), text);
    const std::string fault = normalise(values, importance_, text.of(result_));
    if (!fault.empty()) fail(text, fault);
  }

  Json parse(std::string_view line) const {
    if (std::optional<Json> object = json_object(line)) return *std::move(object);
    if (line.find("NaN") != line.npos || line.find("Infinity") != line.npos)
      fail("NaN and Infinity are not JSON; give every word a finite number");
    fail(R"(not a JSON object; every line must be like {"split": "train", "id": 1, "attention": [0.25, 0.75]})");
  }

  const Json& member(const Json& object, const char* key) const {
    const auto found = object.find(key);
    if (found == object.end()) fail(fmt::format("there is no '{}'; every line needs split, id and attention", key));
    return *found;
  }

  Text find(const Json& object) const {
    const Json& split = member(object, "split");
    const auto* name = std::find_if(kSplitNames.begin(), kSplitNames.end(), [&split](SplitName known) {
      return split.is_string() && split.get_ref<const std::string&>() == to_string(known);
    });
    if (name == kSplitNames.end())
      fail(fmt::format("the split {} is none of train, dev and test; give one of them", value_shown(split)));
    const Json& id = member(object, "id");
    const auto& index = index_[*name];
    const auto found = id.is_number_integer() ? index.find(id.get<int64_t>()) : index.end();
    if (found == index.end()) {
      fail(fmt::format("the {} split of {} has no text with the id {}; {}", to_string(*name), dataset_.name,
                       value_shown(id), kOtherDataset));
    }
    return {dataset_, *name, found->second};
  }

  void check_tokens(const Json& tokens, const Text& text) const {
    if (!tokens.is_array()) fail(text, "'tokens' is no list; give its words, or leave 'tokens' out");
    for (size_t k = 0; k < std::min(tokens.size(), text.size()); ++k) {
      if (text.id(k) != kUnknownId && tokens[k] != text.word(k)) {
        fail(text, fmt::format("token {} is {} where the data set has {}; {}", k + 1, value_shown(tokens[k]),
                               in_quotes(text.word(k)), kOtherDataset));
      }
    }
    if (tokens.size() != text.size())
      fail(text, fmt::format("{} tokens for {}; {}", tokens.size(), text.its_words(), kOtherDataset));
  }

  std::vector<double> weights(const Json& list, const Text& text) const {
    if (!list.is_array()) fail(text, "'attention' is no list; give a number for each of its words");
    if (list.size() != text.size()) {
      fail(text, fmt::format("{} weights for {}; give each word one, the boundary tokens none", list.size(),
                             text.its_words()));
    }
    std::vector<double> values;
    for (const Json& value : list) {
      if (!value.is_number()) {
        fail(text,
             fmt::format("weight {} is {}; give every word a finite number", values.size() + 1, value_shown(value)));
      }
      values.push_back(value.get<double>());
    }
    return values;
  }

  /// The value for a message: shortened, because a value may be as long as the line.
  static std::string value_shown(const Json& value) {
    return value.is_string()       ? in_quotes(value.get_ref<const std::string&>())
           : value.is_structured() ? value.type_name()
                                   : value.dump();
  }

  void check_complete() const {
    int64_t missing = 0;
    std::string first;
    for (const SplitName name : kSplitNames) {
      const auto& lines = lines_[name];
      for (size_t i = 0; i < lines.size(); ++i) {
        if (lines[i] == 0 && missing++ == 0) first = Text{dataset_, name, i}.name();
      }
    }
    if (missing == 0) return;
    throw InputError(fmt::format("{}: {} texts of {} are missing, the first is {}; {}", path_.string(), missing,
                                 dataset_.name, first, kOtherDataset));
  }

  const std::filesystem::path& path_;
  JsonLinesReader file_;
  const Dataset& dataset_;
  Importance importance_;
  LogAttention result_;
  BySplit<std::unordered_map<int64_t, size_t>> index_;  ///< from a row to the text that has it
  BySplit<std::vector<int64_t>> lines_;                 ///< the line that gave each text; 0: none yet
};

// --- safetensors -----------------------------------------------------------------------------------------------------

class TensorsReader {
 public:
  TensorsReader(const std::filesystem::path& path, const Dataset& dataset, Importance importance)
      : file_(Safetensors::read(path)), dataset_(dataset), importance_(importance), result_(nothing_yet(dataset)) {}

  ExternalAttention read() {
    for (const SplitName name : kSplitNames) {
      // In this order, because the offsets name the text that has too many weights.
      check_rows(name);
      check_offsets(name);
      read_attention(name);
    }
    return {std::move(result_), file_.checksum()};
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    throw InputError(fmt::format("{}: {}", file_.path().string(), message));
  }

  static std::string tensor_name(SplitName name, const char* tensor) {
    return fmt::format("{}/{}", to_string(name), tensor);
  }

  /// The values of the tensor, whose shape must be [size]. `unit` says in the message what there is one number for.
  template <class T>
  std::vector<T> values(const std::string& tensor, size_t size, const char* unit) const {
    const std::vector<int64_t>& shape = file_.entry(tensor).shape;
    if (shape != std::vector{static_cast<int64_t>(size)}) {
      fail(fmt::format("tensor `{}` has the shape [{}] and needs [{}], {}; {}", tensor, fmt::join(shape, ", "), size,
                       unit, kOtherDataset));
    }
    return file_.values<T>(tensor);
  }

  void check_rows(SplitName name) const {
    const std::string tensor = tensor_name(name, "row");
    const Column<int64_t>& expected = dataset_.split(name).rows;
    if (!file_.contains(tensor)) return;
    const std::vector<int64_t> rows = values<int64_t>(tensor, expected.size(), "one per text");
    for (size_t i = 0; i < rows.size(); ++i) {
      if (rows[i] != expected[i]) {
        fail(fmt::format("tensor `{}`: element {} is {} where the data set has {}; {}", tensor, i, rows[i], expected[i],
                         kOtherDataset));
      }
    }
  }

  void check_offsets(SplitName name) const {
    const std::string tensor = tensor_name(name, "offsets");
    const Split& split = dataset_.split(name);
    const auto offsets = values<int64_t>(tensor, split.offsets.size(), "one more than there are texts");
    if (offsets[0] != 0) fail(fmt::format("tensor `{}` begins with {}; it must begin with 0", tensor, offsets[0]));
    for (size_t i = 0; i + 1 < offsets.size(); ++i) {
      const Text text{dataset_, name, i};
      const int64_t expected = offsets[i] + text.size();
      if (offsets[i + 1] != expected) {
        fail(
            fmt::format("tensor `{}`: {} has the offsets {} and {}, which for {} must be {} and {}; give each word "
                        "one weight, the boundary tokens none",
                        tensor, text.name(), offsets[i], offsets[i + 1], text.its_words(), offsets[i], expected));
      }
    }
  }

  void read_attention(SplitName name) {
    const Split& split = dataset_.split(name);
    const std::string tensor = tensor_name(name, "attention");
    const size_t size = split.size();
    const auto all = values<double>(tensor, split.token_ids.size() - 2 * size, "one per word");
    size_t begin = 0;
    for (size_t i = 0; i < size; ++i) {
      const Text text{dataset_, name, i};
      const std::string fault = normalise(std::span(all).subspan(begin, text.size()), importance_, text.of(result_));
      if (!fault.empty()) fail(fmt::format("tensor `{}`: {}: {}", tensor, text.name(), fault));
      begin += text.size();
    }
  }

  Safetensors file_;
  const Dataset& dataset_;
  Importance importance_;
  LogAttention result_;
};

// --- a run folder ----------------------------------------------------------------------------------------------------

void check_same_texts(const std::filesystem::path& path, const Attention& attention, const Dataset& dataset,
                      SplitName name) {
  constexpr const char* kRemedy = "give a run that was trained on this data set";
  const Split& split = dataset.split(name);
  if (attention.size() != split.size()) {
    throw InputError(fmt::format("{} has {} texts where the {} split of {} has {}; {}", path.string(), attention.size(),
                                 to_string(name), dataset.name, split.size(), kRemedy));
  }
  for (size_t i = 0; i < split.rows.size(); ++i) {
    if (attention.row[i] == split.rows[i] && attention.offsets[i + 1] == split.offsets[i + 1]) continue;
    const Text text{dataset, name, i};
    throw InputError(fmt::format("{}: its text {} has the id {} and {} words, where {} has the id {} and {} words; {}",
                                 path.string(), i + 1, attention.row[i],
                                 attention.offsets[i + 1] - attention.offsets[i] - 2, dataset.name, text.row(),
                                 text.size(), kRemedy));
  }
}

ExternalAttention read_run(const std::filesystem::path& path, const Dataset& dataset, Importance importance) {
  if (importance != Importance::weights) {
    throw InputError(fmt::format("{} is a run folder, which holds attention weights; read them as weights, not as {}",
                                 path.string(), to_string(importance)));
  }
  const RunFolder folder(path);
  LogAttention result;
  for (const SplitName name : kSplitNames) {
    Attention attention = folder.attention(name);
    check_same_texts(folder.attention_path(name), attention, dataset, name);
    result[name] = std::move(attention.log_attention);
  }
  return {std::move(result), folder.attention_checksum()};
}

}  // namespace

std::string_view to_string(Importance importance) {
  constexpr std::array<std::string_view, kImportances.size()> kNames = {"weights", "absolute", "positive", "softmax"};
  return kNames[static_cast<size_t>(importance)];
}

ExternalAttention read_external_attention(const std::filesystem::path& path, const Dataset& dataset,
                                          Importance importance) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return read_run(path, dataset, importance);
  if (path.extension() == ".safetensors") return TensorsReader(path, dataset, importance).read();
  return LinesReader(path, dataset, importance).read();
}

void write_tokens(const std::filesystem::path& path, const Dataset& dataset) {
  write_atomically(path, [&dataset](const Sink& sink) {
    for (const SplitName name : kSplitNames) {
      const Split& split = dataset.split(name);
      for (size_t i = 0; i < split.rows.size(); ++i) {
        const Text text{dataset, name, i};
        sink(JsonLine(JsonLine::Form::compact)
                 .add("split", to_string(name))
                 .add("id", text.row())
                 .add("label", split.labels[i])
                 .add("tokens", text.words(text.size()))
                 .line());
      }
    }
  });
}

}  // namespace notnot
