// `notnot predict`: applies the model of a finished run to texts. Prints a JSON line per text, with the probability and
// the attention of every word.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <string_view>

#include "engine/corpora/cleaning.h"
#include "engine/data/batches.h"
#include "engine/device/open_device.h"
#include "engine/io/file_kind.h"
#include "engine/io/file_modes.h"
#include "engine/io/input_error.h"
#include "engine/io/input_stream.h"
#include "engine/io/json.h"
#include "engine/io/json_lines.h"
#include "engine/io/text.h"
#include "engine/io/warning.h"
#include "engine/runs/run_folder.h"
#include "experiments/commands/commands.h"
#include "experiments/commands/finished_run.h"
#include "experiments/study/memory.h"
#include "experiments/study/run_config.h"
#include "experiments/terminal/show.h"
#include "models/training.h"

namespace notnot {
namespace {

struct PredictArguments {
  std::string run, device = "auto";
  std::optional<std::string> input;
  std::vector<std::string> texts;
  int32_t threads = 0;
};

constexpr const char* kHeader =
    "the header of a table; give the texts alone, one per line, without a header (a text that looks so: with --text)";
constexpr const char* kStrings =
    "JSON strings; give the texts alone, one per line, without quotes (jq -r .; texts that look so: with --text)";

/// The names of columns that the line has if `separator` stands between them, in lower case, without quotes.
std::vector<std::string> names_in(std::string_view line, char separator) {
  std::vector<std::string> names;
  for (bool more = true; more;) {
    const std::string_view piece = line.substr(0, line.find(separator));
    more = piece.size() < line.size();
    line.remove_prefix(piece.size() + (more ? 1 : 0));
    std::string_view name = without_blanks_around(piece);
    if (name.size() > 1 && name.starts_with('"') && name.ends_with('"')) name = name.substr(1, name.size() - 2);
    names.push_back(to_lower(name));
  }
  return names;
}

/// Whether the names are those of a table: a text and its label; or single words, of which one is a usual name (the
/// first may be empty, as pandas calls the index). A text has blanks between its words.
bool are_columns(const std::vector<std::string>& names) {
  const auto has = [&names](std::string_view name) { return std::count(names.begin(), names.end(), name) > 0; };
  if (names.size() < 2) return false;
  if (has("text") && has("label")) return true;
  if (!has("text") && !has("label") && !has("review") && !has("sentiment") && !has("sentence")) return false;
  return std::all_of(names.begin() + 1, names.end(), [](const std::string& name) { return !name.empty(); }) &&
         std::all_of(names.begin(), names.end(),
                     [](const std::string& n) { return split_at_white_space(n).size() < 2; });
}

bool is_json_string(std::string_view line) { return line.starts_with('"') && parse_json(line).value.is_string(); }

/// Whether the line is a JSON list of texts, or of what holds some. `[1]` may be a text.
bool is_json_list(std::string_view line) {
  if (line.starts_with("[{") || line == "[") return true;
  if (!line.starts_with('[')) return false;
  const nlohmann::json list = parse_json(line).value;
  const auto is_number = [](const nlohmann::json& value) { return !value.is_string() && !value.is_structured(); };
  return list.is_array() && !list.empty() && std::none_of(list.begin(), list.end(), is_number);
}

/// What the first line shows a file to be that does not have a text per line, and what to do; empty if nothing.
std::string other_kind(std::string_view line) {
  if (is_web_page(line)) return "a web page; give the text alone, one per line";
  if (is_json_list(line) || json_object(line)) return "JSON; give the texts alone, one per line (jq -r .text)";
  if (is_json_string(line) && line.find('\\') != line.npos) return kStrings;
  const bool header =
      are_columns(names_in(line, ',')) || are_columns(names_in(line, ';')) || are_columns(names_in(line, '\t'));
  return header ? kHeader : "";
}

/// The texts of --text, or the lines of a file or of standard input, one after the other. Cleaned as the training texts
/// of the run were.
class Texts {
 public:
  Texts(const PredictArguments& arguments, Cleaning cleaning) : given_(arguments.texts), cleaning_(cleaning) {
    if (!given_.empty()) return;
    const bool from_stdin = !arguments.input || *arguments.input == "-";
    file_.emplace(from_stdin ? "/dev/stdin" : *arguments.input);
    source_ = from_stdin ? "standard input" : *arguments.input;
  }

  /// The next texts, so many that they have about kBlockWords words; none at the end. Throws InputError, which names
  /// the line, on a text that has no words or is not text, and when there is none at all.
  std::vector<std::string> next_block() {
    std::vector<std::string> block;
    std::string text;
    for (int64_t words = 0; words < kBlockWords && next(text);) {
      block.push_back(clean(text));
      words += 1 + std::count(block.back().begin(), block.back().end(), ' ');
    }
    if (number_ == 0) throw InputError(fmt::format("{} has no texts; give one per line", source_));
    if (number_ > 1 && strings_ == number_ && block.size() == number_)
      fail_at(1, std::string(": this looks like ") + kStrings);
    return block;
  }

 private:
  // Large enough that texts of similar length share a batch, small enough that the answers soon begin.
  static constexpr int64_t kBlockWords = 1 << 15;

  bool next(std::string& text) {
    const bool more = file_ ? file_->read_line(text) : number_ < given_.size();
    if (!more) return false;
    if (!file_) text = given_[number_];
    ++number_;
    return true;
  }

  [[noreturn]] void fail(const std::string& what) const { fail_at(number_, what); }
  [[noreturn]] void fail_at(size_t number, const std::string& what) const {
    throw InputError(fmt::format("{}, {} {}{}", source_, file_ ? "line" : "text", number, what));
  }

  /// Throws InputError where the file has no text per line: by its first line, and where that may be a text, by more.
  void check_kind(std::string_view text) {
    const std::string kind = number_ == 1 ? other_kind(text) : number_ == 2 && after_header_ ? kHeader : "";
    if (!kind.empty()) fail_at(1, ": this looks like " + kind);
    const std::string name = to_lower(without_blanks_around(text));
    after_header_ = number_ == 1 && (name == "text" || name == "\"text\"");
    if (strings_ + 1 == number_ && is_json_string(text)) ++strings_;
  }

  std::string clean(std::string_view text) {
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (const auto offset = first_invalid_utf8(text))
      fail(fmt::format(": byte {} is not UTF-8; convert the text", *offset + 1));
    if (const size_t offset = text.find('\0'); offset != text.npos)
      fail(fmt::format(": byte {} is NUL, which no text has; give a file of text", offset + 1));
    if (const size_t offset = text.find('\r'); file_ && offset != text.npos)
      fail(fmt::format(": byte {} is a carriage return that ends no line; save the file with line feeds", offset + 1));
    if (file_) check_kind(without_byte_order_marks(text));
    std::string words = clean_text(text, cleaning_);
    if (words.empty())
      fail(file_ ? " has no words; remove the line, or give it some" : " has no words; give at least one");
    return words;
  }

  const std::vector<std::string>& given_;
  Cleaning cleaning_;
  std::optional<InputStream> file_;
  std::string source_ = "--text";
  size_t number_ = 0;          ///< texts so far
  size_t strings_ = 0;         ///< how many of the first lines are JSON strings; quotations may look so, too
  bool after_header_ = false;  ///< whether the line before, the first one, is the name of a column
};

/// Version 0.1.0 did not record which reader the texts of a run came from.
void warn_of_unknown_cleaning(const RunFolder& folder, const RunConfig& config) {
  if (!config.data.corpus.empty()) return;
  warn(fmt::format(
      "{} is of an earlier version of notnot, which did not record how it cleaned its texts; these are only cut at "
      "white "
      "space, which is wrong for a run on IMDb, AG News, 20 Newsgroups or MIMIC-III; train it again with --retrain",
      folder.path().string()));
}

/// The model of the run. Throws InputError where the run has none that can predict new texts.
ModelOptions model_of(const RunFolder& folder, const RunConfig& config) {
  const std::string path = folder.path().string();
  if (!trains(config.spec.kind)) {
    throw InputError(fmt::format("{} is {} of the run {} and has no model; give that run", path,
                                 config.spec.kind == RunKind::perturbation ? "a perturbation" : "an attribution",
                                 config.spec.other));
  }
  if (attention_of(config.spec) == AttentionKind::given) {
    throw InputError(fmt::format(
        "{}: its attention comes from another model ({}), which has not seen these texts; give a run with an attention "
        "of its own, such as a base model or an MLP with learned or uniform attention",
        path, config.spec.other));
  }
  ModelOptions options = model_options(config);
  options.precision = Precision::fp32;  // every device has it
  return options;
}

/// Throws InputError unless the vocabulary has the size that the model was trained with.
void check_vocabulary(const RunFolder& folder, const Vocabulary& vocabulary, const ModelOptions& options) {
  if (vocabulary.size() == options.vocabulary) return;
  throw InputError(fmt::format("{} has {} words where the run has {}; train the run again",
                               folder.vocabulary_path().string(), vocabulary.size(), options.vocabulary));
}

/// Throws InputError where a probability or a log attention is no number: JSON could not hold it either. The parameters
/// were finite when they were loaded. A word without any attention has the logarithm -inf.
void check_numbers(const RunFolder& folder, const SplitPredictions& predictions) {
  const auto wrong = [](float x) { return !(x < HUGE_VALF); };
  if (std::none_of(predictions.probability.begin(), predictions.probability.end(), wrong) &&
      std::none_of(predictions.log_attention.begin(), predictions.log_attention.end(), wrong)) {
    return;
  }
  throw InputError(fmt::format(
      "{}: the probability or the attention of a text is not a number, because the model's parameters are too large to "
      "compute with; the file is damaged: get it again, or remove the run folder and train the run again",
      folder.model_path().string()));
}

/// Prints the line of a text. Its words stand in token_ids[1], [2], ... and log_attention[1], [2], ...; the boundary
/// tokens around them are left out.
void print_line(const std::string& text, float probability, std::span<const int32_t> token_ids,
                std::span<const float> log_attention) {
  const std::vector<std::string_view> words = split_words(text);
  std::vector<double> weights;
  std::vector<int64_t> unknown;
  for (size_t k = 0; k < words.size(); ++k) {
    weights.push_back(std::exp(static_cast<double>(log_attention[k + 1])));
    if (token_ids[k + 1] == kUnknownId) unknown.push_back(static_cast<int64_t>(k));
  }
  fmt::print("{}", JsonLine(JsonLine::Form::spaced)
                       .add("probability", probability)
                       .add("tokens", words)
                       .add("unknown", unknown)
                       .add("attention", weights)
                       .line());
}

Split encode(const Vocabulary& vocabulary, const std::vector<std::string>& texts) {
  Split split;
  for (const std::string& text : texts) {
    const auto ids = vocabulary.encode(text);
    split.token_ids.insert(split.token_ids.end(), ids.begin(), ids.end());
    split.offsets.push_back(split.token_ids.size());
    split.labels.push_back(0);  // the label is not known; prediction does not use it
  }
  return split;
}

/// The model of a run. What it says of a text does not depend on the other texts (models/attention_classifier.h).
class Predictor {
 public:
  Predictor(const PredictArguments& arguments, const RunFolder& folder, const RunConfig& config)
      : folder_(folder),
        options_(model_of(folder, config)),
        device_(arguments.device, arguments.threads > 0 ? arguments.threads : available_threads()) {}

  SplitPredictions predict(const Split& split) {
    const auto explain = [&] {
      const AttentionClassifier model(device_.get(), options_, {.evaluation = capacity_, .training = {}});
      return fmt::format(
          "with these texts, of up to {} words, the model takes {} MiB; give shorter texts, or allow more memory "
          "(ulimit -v)",
          longest_text(split), total_bytes(model.memory_table()) >> 20);
    };
    return explain_out_of_memory(explain, [&] {
      make_room(split);
      return predict_split(*model_, split, 1.0);
    });
  }
  const ModelOptions& options() const { return options_; }

 private:
  /// Loads the model, again if these texts need more room than those before.
  void make_room(const Split& split) {
    const BatchCapacity need = prediction_plan(device_.get(), split).evaluation;
    if (model_ && need.tokens <= capacity_.tokens && need.sequences <= capacity_.sequences) return;
    capacity_ = larger(capacity_, need);
    model_.reset();
    model_.emplace(device_.get(), options_, ModelCapacity{.evaluation = capacity_, .training = {}});
    model_->allocate();
    model_->set_parameters(load_parameters(model_->layout(), folder_.intact(folder_.model_path())));
  }

  const RunFolder& folder_;
  ModelOptions options_;
  OpenDevice device_;
  BatchCapacity capacity_;
  std::optional<AttentionClassifier> model_;
};

void predict(const PredictArguments& arguments) {
  const RunFolder folder(arguments.run);
  check_there(folder);
  const RunConfig config = read_run_config(folder);
  if (config.is_confidential()) {
    keep_private();
    warn_if_open(folder.path());
    show(stderr, "note: the model was trained on CONFIDENTIAL texts, and may tell of them; do not share it\n");
  }
  Predictor predictor(arguments, folder, config);
  check_finished(folder);
  const Vocabulary vocabulary = Vocabulary::load(folder.intact(folder.vocabulary_path()));
  check_vocabulary(folder, vocabulary, predictor.options());
  warn_of_unknown_cleaning(folder, config);
  Texts texts(arguments, cleaning_of(config.data.corpus, config.data.tokenise));
  for (auto block = texts.next_block(); !block.empty(); block = texts.next_block()) {
    const Split split = encode(vocabulary, block);
    const SplitPredictions predictions = predictor.predict(split);
    check_numbers(folder, predictions);
    for (size_t i = 0; i < block.size(); ++i) {
      const auto begin = static_cast<size_t>(split.offsets[i]);
      print_line(block[i], predictions.probability[i], std::span<const int32_t>(split.token_ids).subspan(begin),
                 std::span(predictions.log_attention).subspan(begin));
    }
    std::fflush(stdout);
  }
}

}  // namespace

void add_predict_command(CLI::App& app) {
  auto arguments = std::make_shared<PredictArguments>();
  CLI::App* command = app.add_subcommand(
      "predict",
      "Apply a trained model to texts; prints the probability of class 1 and the attention of each word as JSON lines");
  command
      ->add_option("run", arguments->run, "The folder of a finished run, which notnot train or another command wrote")
      ->required();
  command->add_option("--text", arguments->texts, "A text; the option may be given several times");
  command->add_option("--input", arguments->input, "A file with one text per line (default: standard input)")
      ->excludes("--text");
  command
      ->add_option("--device", arguments->device,
                   "Where to compute: auto (a CUDA device if there is one), cpu, cuda or cuda:<number>")
      ->capture_default_str();
  command
      ->add_option("--threads", arguments->threads,
                   "Threads on the CPU (default: OMP_NUM_THREADS, or as many as processors and quota allow)")
      ->check(CLI::Range(1, 1024));
  command->callback([arguments] { predict(*arguments); });
}

}  // namespace notnot
