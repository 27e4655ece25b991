#include "engine/runs/external_attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include "engine/data/word_reader.h"
#include "engine/io/file_kind.h"
#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/json_lines.h"
#include "engine/io/safetensors.h"
#include "engine/io/text.h"
#include "engine/runs/run_folder.h"
#include "engine/runs/text_finder.h"
#include "engine/runs/text_line.h"

namespace notnot {
namespace {

using Json = nlohmann::json;

constexpr double kLogOfNothing = -std::numeric_limits<double>::infinity();

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

/// Writes the log-weights [words] of one text. All sums are in logarithms, so that none overflows, and the largest is
/// taken off first, so that scores of 1e15 keep their differences. Returns what is wrong with the values [words] and
/// what to do; empty when nothing is wrong.
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
  for (size_t k = 0; k < values.size(); ++k)
    log_attention[k] = (log_weight(values[k], importance) - largest) - std::log(sum);
  return "";
}

/// A text of the data set.
struct Text {
  const Dataset& dataset;
  const WordReader& reader;  ///< of its split
  TextPlace place;

  const Split& split() const { return dataset.split(place.split); }
  std::string name() const {
    return fmt::format("text {} of the {} split", split().rows[place.index], to_string(place.split));
  }
  /// The place of the text's first word among the split's tokens.
  size_t begin() const { return split().offsets[place.index] + 1; }
  size_t size() const { return split().length(place.index) - 2; }
  bool knows(size_t k) const { return split().token_ids[begin() + k] != kUnknownId; }
  /// "its 2 words ('a film')", for messages.
  std::string its_words() const {
    return fmt::format("its {} words ({})", size(), in_quotes(join_words(reader.words(place.index, 8))));
  }
  std::span<float> of(LogAttention& attention) const {
    return std::span(attention[place.split]).subspan(begin(), size());
  }
};

/// The texts of a data set.
class Texts {
 public:
  explicit Texts(const Dataset& dataset) : dataset_(dataset) {
    for (const SplitName name : kSplitNames) readers_.emplace_back(dataset.vocabulary, dataset.split(name));
  }
  const Dataset& dataset() const { return dataset_; }
  Text text(const TextPlace& place) const { return {dataset_, readers_[static_cast<size_t>(place.split)], place}; }

 private:
  const Dataset& dataset_;
  std::vector<WordReader> readers_;  ///< in the order of kSplitNames
};

LogAttention nothing_yet(const Dataset& dataset) {
  LogAttention result;
  for (const SplitName name : kSplitNames) {
    result[name].assign(dataset.split(name).token_ids.size(), kLogOfNothing);
  }
  return result;
}

/// 0 or 1, in the forms that data sets have it (engine/corpora/table.h); nothing for any other value.
std::optional<int32_t> label_of(const Json& value) {
  const std::string text = to_lower(value.is_string() ? value.get<std::string>() : value.dump());
  if (text == "0" || text == "0.0" || text == "false") return 0;
  if (text == "1" || text == "1.0" || text == "true") return 1;
  return std::nullopt;
}

// --- JSON lines ------------------------------------------------------------------------------------------------------

class LinesReader {
 public:
  LinesReader(const std::filesystem::path& path, const Dataset& dataset, Importance importance)
      : path_(path),
        file_(path),
        texts_(dataset),
        finder_(dataset, file_),
        importance_(importance),
        result_(nothing_yet(dataset)) {
    for (const SplitName name : kSplitNames) lines_[name].resize(dataset.split(name).rows.size());
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
    const Text text = texts_.text(finder_.find(object));
    int64_t& first_line = lines_[text.place.split][text.place.index];
    if (first_line != 0) fail(text, fmt::format("stands on line {} already; give every text once", first_line));
    first_line = file_.line();
    if (object.contains("label")) check_label(object["label"], text);
    if (object.contains("tokens")) check_tokens(object["tokens"], text);
    const std::vector<double> values = weights(object, text);
    const std::string fault = normalise(values, importance_, text.of(result_));
    if (!fault.empty()) fail(text, fault);
  }

  Json parse(std::string_view line) const {
    if (std::optional<Json> object = json_object(line)) return *std::move(object);
    if (file_.record() == 1 && line.starts_with('['))
      fail("this is a JSON list; write each of its objects on a line of its own (jq -c '.[]')");
    fail(fmt::format(
        R"({}; every line must be like {{"split": "train", "row": 1, "attention": [0.25, 0.75]}}, every number finite)",
        json_fault(line)));
  }

  /// A label in another form may be the name of a class.
  void check_label(const Json& label, const Text& text) const {
    const int32_t own = text.split().labels[text.place.index];
    const std::optional<int32_t> given = label_of(label);
    if (!given || *given == own) return;
    fail(text, fmt::format("its label is {} where the data set has {}; {}, or leave 'label' out", value_shown(label),
                           own, kOtherDataset));
  }

  void check_tokens(const Json& tokens, const Text& text) const {
    if (!tokens.is_array()) fail(text, "'tokens' is no list; give its words, or leave 'tokens' out");
    const std::vector<std::string_view> words = text.reader.words(text.place.index);
    for (size_t k = 0; k < std::min(tokens.size(), words.size()); ++k) {
      if (tokens[k] == words[k] || (tokens[k] == "<UNK>" && !text.knows(k))) continue;
      fail(text, fmt::format("token {} is {} where the data set has {}; {}", k + 1, value_shown(tokens[k]),
                             in_quotes(words[k]), kOtherDataset));
    }
    if (tokens.size() != words.size())
      fail(text, fmt::format("{} tokens for {}; {}", tokens.size(), text.its_words(), kOtherDataset));
  }

  std::vector<double> weights(const Json& object, const Text& text) const {
    const auto list = object.find("attention");
    if (list == object.end()) fail(text, "there is no 'attention'; give a number for each of its words");
    if (!list->is_array()) fail(text, "'attention' is no list; give a number for each of its words");
    if (list->size() != text.size()) {
      fail(text, fmt::format("{} weights for {}; give each word one, the boundary tokens none", list->size(),
                             text.its_words()));
    }
    std::vector<double> values;
    for (const Json& value : *list) {
      if (!value.is_number()) {
        fail(text,
             fmt::format("weight {} is {}; give every word a finite number", values.size() + 1, value_shown(value)));
      }
      values.push_back(value.get<double>());
    }
    return values;
  }

  void check_complete() const {
    int64_t missing = 0;
    std::string first;
    for (const SplitName name : kSplitNames) {
      const auto& lines = lines_[name];
      for (size_t i = 0; i < lines.size(); ++i) {
        if (lines[i] == 0 && missing++ == 0) first = texts_.text({name, i}).name();
      }
    }
    if (missing == 0) return;
    throw InputError(fmt::format("{}: {} texts of {} are missing, the first is {}; {}", path_.string(), missing,
                                 texts_.dataset().name, first, kOtherDataset));
  }

  const std::filesystem::path& path_;
  JsonLinesReader file_;
  Texts texts_;
  TextFinder finder_;
  Importance importance_;
  LogAttention result_;
  BySplit<std::vector<int64_t>> lines_;  ///< the line that gave each text; 0: none yet
};

// --- safetensors -----------------------------------------------------------------------------------------------------

class TensorsReader {
 public:
  TensorsReader(const std::filesystem::path& path, const Dataset& dataset, Importance importance)
      : file_(Safetensors::read(path)),
        dataset_(dataset),
        texts_(dataset),
        importance_(importance),
        result_(nothing_yet(dataset)) {}

  ExternalAttention read() {
    for (const SplitName name : kSplitNames) {
      // In this order, because the offsets name the text that has too many weights.
      check_rows(name);
      check_offsets(name);
      read_attention(name);
    }
    return {std::move(result_), file_.checksum(), warnings()};
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

  /// A tensor of another name may be meant to be compared.
  std::vector<std::string> warnings() const {
    std::vector<std::string> known, others;
    for (const SplitName name : kSplitNames) {
      for (const char* tensor : {"attention", "offsets", "row"}) known.push_back(tensor_name(name, tensor));
    }
    for (const auto& [tensor, entry] : file_.entries()) {
      if (std::find(known.begin(), known.end(), tensor) == known.end()) others.push_back(in_quotes(tensor));
    }
    if (others.empty()) return {};
    const size_t shown = std::min<size_t>(others.size(), 3);
    return {fmt::format(
        "{}: tensors that are not read and not compared: {}{}; attention, offsets and row of train, dev and test "
        "are",
        file_.path().string(), fmt::join(others.begin(), others.begin() + shown, ", "),
        shown < others.size() ? ", ..." : "")};
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
      const Text text = texts_.text({name, i});
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
      const Text text = texts_.text({name, i});
      const std::string fault = normalise(std::span(all).subspan(begin, text.size()), importance_, text.of(result_));
      if (!fault.empty()) fail(fmt::format("tensor `{}`: {}: {}", tensor, text.name(), fault));
      begin += text.size();
    }
  }

  Safetensors file_;
  const Dataset& dataset_;
  Texts texts_;
  Importance importance_;
  LogAttention result_;
};

// --- a run folder ----------------------------------------------------------------------------------------------------

/// `texts` are an Attention or Attributions.
template <class Texts>
void check_same_texts(const std::filesystem::path& path, const Texts& texts, const Dataset& dataset, SplitName name) {
  constexpr const char* kRemedy = "give a run that was trained on this data set";
  const Split& split = dataset.split(name);
  if (texts.size() != split.size()) {
    throw InputError(fmt::format("{} has {} texts where the {} split of {} has {}; {}", path.string(), texts.size(),
                                 to_string(name), dataset.name, split.size(), kRemedy));
  }
  for (size_t i = 0; i < split.rows.size(); ++i) {
    if (texts.row[i] == split.rows[i] && texts.offsets[i + 1] == split.offsets[i + 1]) continue;
    throw InputError(
        fmt::format("{}: its text {} has the row {} and {} words, where {} has the row {} and {} words; {}",
                    path.string(), i + 1, texts.row[i], texts.offsets[i + 1] - texts.offsets[i] - 2, dataset.name,
                    split.rows[i], split.length(static_cast<int32_t>(i)) - 2, kRemedy));
  }
  for (size_t i = 0; i < split.labels.size(); ++i) {
    if (texts.label[i] == split.labels[i]) continue;
    throw InputError(fmt::format("{}: its text {}, of row {}, has the label {}, where {} has {}; {}", path.string(),
                                 i + 1, split.rows[i], texts.label[i], dataset.name, split.labels[i], kRemedy));
  }
}

std::vector<float> log_attention_in(const RunFolder& folder, const Dataset& dataset, SplitName name) {
  Attention attention = folder.attention(name);
  check_same_texts(folder.attention_path(name), attention, dataset, name);
  return std::move(attention.log_attention);
}

std::vector<float> log_shares_in(const RunFolder& folder, const Dataset& dataset, SplitName name) {
  const Attributions attributions = folder.attributions(name);
  check_same_texts(folder.attribution_path(name), attributions, dataset, name);
  return log_shares(attributions);
}

ExternalAttention read_run(const std::filesystem::path& path, const Dataset& dataset, Importance importance) {
  if (importance != Importance::weights) {
    throw InputError(fmt::format("{} is a run folder, whose weights are known; read them as weights, not as {}",
                                 path.string(), to_string(importance)));
  }
  const RunFolder folder(path);
  const bool attributed = folder.is_attribution();
  const std::string checksum = folder.attention_checksum();
  LogAttention result;
  for (const SplitName name : kSplitNames) {
    result[name] = attributed ? log_shares_in(folder, dataset, name) : log_attention_in(folder, dataset, name);
  }
  if (folder.attention_checksum() != checksum) {
    throw InputError(
        fmt::format("{} was changed while it was read; wait until nothing trains there, and give the command again",
                    path.string()));
  }
  return {std::move(result), checksum};
}

/// By its name or by its content. Only a regular file can be read twice.
bool is_safetensors_file(const std::filesystem::path& path) {
  if (path.extension() == ".safetensors") return true;
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return false;
  const FileReader file(path);
  std::string beginning(std::min(file.size(), kTellingBytes), '\0');
  file.read(0, beginning.size(), beginning.data());
  return is_safetensors(beginning);
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
  if (is_safetensors_file(path)) return TensorsReader(path, dataset, importance).read();
  return LinesReader(path, dataset, importance).read();
}

void write_tokens(const std::filesystem::path& path, const Dataset& dataset) {
  write_atomically(path, [&dataset](const Sink& sink) {
    for (const SplitName name : kSplitNames) {
      const Split& split = dataset.split(name);
      const WordReader words(dataset.vocabulary, split);
      for (size_t i = 0; i < split.rows.size(); ++i) {
        JsonLine line(JsonLine::Form::compact);
        line.add("split", to_string(name));
        add_name(line, split, i);
        line.add("label", split.labels[i]);
        add_words(line, words, i);
        sink(line.line());
      }
    }
  });
}

}  // namespace notnot
