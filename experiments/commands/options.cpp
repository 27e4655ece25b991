#include "experiments/commands/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>

#include "engine/io/text.h"

namespace notnot {
namespace {

constexpr int32_t kMost = std::numeric_limits<int32_t>::max();

bool is_seed(const std::string& text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

/// The number that the text is, from 1 on; nothing if it is none.
std::optional<int32_t> whole_number(std::string_view text) {
  int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool number = error == std::errc() && end == text.data() + text.size();
  return number && value > 0 ? std::optional(value) : std::nullopt;
}

int32_t weight_from(const std::string& element) {
  const std::optional<int32_t> weight = whole_number(element);
  if (!weight) throw InputError(element + " is not a whole number from 1 on");
  return *weight;
}

/// Sets the lengths to those of a text such as 8:200.
void set_lengths(PlantedOptions& planted, const std::string& range) {
  const size_t colon = std::min(range.find(':'), range.size());
  const auto least = whole_number(range.substr(0, colon)),
             most = whole_number(range.substr(std::min(colon + 1, range.size())));
  if (!least || !most) throw CLI::ValidationError("--lengths", range + " is not two whole numbers such as 8:200");
  planted.min_length = *least;
  planted.max_length = *most;
}

/// Whether CLI11 reads the text as another number than people do: 010, 0x10, 0b1, and those with a sign before that.
bool has_other_base(std::string_view text) {
  const size_t digits = text.find_first_not_of("+- \t");
  if (digits == text.npos || text[digits] != '0' || digits + 1 == text.size()) return false;
  const char next = text[digits + 1];
  return next != '.' && next != 'e' && next != 'E';
}

/// Whether the value is an option of the command or of those above it: --seed, --seed=5, -h.
bool is_option(const CLI::App* command, const std::string& value) {
  const std::string name = value.substr(0, value.find('='));
  if (!value.starts_with('-') || command == nullptr) return false;
  return command->get_option_no_throw(name) != nullptr || is_option(command->get_parent(), value);
}

/// What is wrong with the value of an option; empty if nothing is.
std::string doubt(const CLI::App& command, const CLI::Option& option, const std::string& value) {
  if (value.empty()) return "its value is empty; give it one, or leave the option out";
  if (is_option(&command, value)) return fmt::format("it has no value, but {}, the next option", value);
  const std::string type = option.get_type_name();
  const bool number = type.starts_with("INT") || type.starts_with("UINT") || type.starts_with("FLOAT");
  if (number && to_lower(value).find("nan") != value.npos) return value + " is no number";
  if (number && has_other_base(value)) return fmt::format("write {} as a decimal number, without a leading 0", value);
  return "";
}

}  // namespace

std::vector<std::string> list_elements(const std::string& text) {
  std::vector<std::string> elements;
  size_t begin = 0, comma = 0;
  do {
    comma = std::min(text.find(',', begin), text.size());
    elements.push_back(text.substr(begin, comma - begin));
    if (elements.back().empty()) {
      throw InputError(
          fmt::format("element {} of the list `{}` is empty; leave no comma too many", elements.size(), text));
    }
    begin = comma + 1;
  } while (comma < text.size());
  return elements;
}

uint64_t seed_from(const std::string& element) {
  if (!is_seed(element)) throw InputError(element + " is not a whole number from 0 to 2^64 - 1");
  return std::stoull(element, nullptr, 10);
}

std::string word_from(const std::string& element) { return element; }

void refuse_doubtful_values(CLI::App& app) {
  for (CLI::App* command : app.get_subcommands({})) {
    refuse_doubtful_values(*command);
    for (CLI::Option* option : command->get_options()) {
      if (option->get_expected_max() == 0) continue;  // a flag
      option->check(
          CLI::Validator([command, option](const std::string& value) { return doubt(*command, *option, value); }, ""));
    }
  }
}

void add_dataset_option(CLI::App& command, Settings& a) {
  command
      .add_option(
          "--dataset", a.corpus.dataset,
          "The texts: a folder that notnot prepare wrote, or its name in $NOTNOT_DATA/prepared; planted, the built-in "
          "corpus; sst, read from $NOTNOT_DATA/sst; or a CSV, TSV or JSON lines file with text, label and split")
      ->required();
}

void add_filter_options(CLI::App& command, std::optional<int32_t>& min_df, std::optional<int32_t>& min_length,
                        std::optional<int32_t>& max_length) {
  command
      .add_option(
          "--min-df", min_df,
          "In how many training texts a word must occur to be in the vocabulary (default: the published value of "
          "a corpus of the paper, otherwise 1)")
      ->check(CLI::Range(1, kMost));
  command
      .add_option("--min-length", min_length,
                  "Keep only texts with more words than this (default: the published value of a corpus of the paper, "
                  "otherwise no filter)")
      ->check(CLI::Range(0, kMost));
  command
      .add_option("--max-length", max_length,
                  "Keep only texts with fewer words than this (default: the published value of a corpus of the paper, "
                  "otherwise no filter)")
      ->check(CLI::Range(1, kMost));
}

void add_planted_options(CLI::App& command, PlantedOptions& planted) {
  command
      .add_option(
          "--difficulty", planted.difficulty,
          "Only for planted: the share of the texts that also have evidence for the other class, though less of it")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  std::vector<std::string> kinds;
  for (const EvidenceKind kind : kEvidenceKinds) kinds.emplace_back(to_string(kind));
  command
      .add_option_function<std::string>(
          "--evidence", [&planted](const std::string& name) { planted.evidence = evidence_kind(name).value(); },
          "Only for planted: what decides a label; single words, negated ones, a conjunction of two, the order of two, "
          "or the position of one. A bag of words is enough for single alone")
      ->check(CLI::IsMember(kinds))
      ->default_str(std::string(to_string(planted.evidence)));
  add_list_option<int32_t>(command, "--evidence-weights", planted.weights, weight_from,
                           "Only for planted with --evidence single: weights that the evidence words have in turn; the "
                           "class with the larger sum is the label");
  command
      .add_option("--spurious", planted.spurious,
                  "Only for planted: the share of the texts with a word that goes with the label in training, and with "
                  "neither class in dev and test")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command
      .add_option("--label-noise", planted.label_noise,
                  "Only for planted: the share of the labels that are turned over")
      ->check(CLI::Range(0.0, 0.5))
      ->capture_default_str();
  command
      .add_option_function<std::string>(
          "--lengths", [&planted](const std::string& range) { set_lengths(planted, range); },
          "Only for planted: the least and the largest number of words of a text, from 8 on")
      ->type_name("MIN:MAX")
      ->default_str(fmt::format("{}:{}", planted.min_length, planted.max_length));
  command
      .add_option("--corpus-seed", planted.seed,
                  "Only for planted: the random seed of the texts; --seed does not change them")
      ->capture_default_str();
}

void add_data_options(CLI::App& command, Settings& a) {
  add_filter_options(command, a.corpus.min_df, a.corpus.min_length, a.corpus.max_length);
  add_planted_options(command, a.corpus.planted);
  command.add_option(
      "--vectors", a.vectors,
      "A file of word vectors, in the text format of fastText or GloVe or in the binary format of word2vec (default: "
      "the vectors of the prepared data set; without them random vectors from N(0, 1), 300 wide)");
}

void add_training_options(CLI::App& command, Settings& a) {
  command.add_option("--hidden", a.hidden, "Hidden units of the LSTM in each direction, or of the token-level layer")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command.add_option("--epochs", a.epochs, "How often training goes through the training texts")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command.add_option("--batch", a.batch, "Texts per batch")->check(CLI::Range(1, 65536))->capture_default_str();
  command
      .add_option("--select", a.select,
                  "The epoch with the best ROC-AUC on this split is kept; test is the choice of the paper's code, and "
                  "makes the test results a little too good")
      ->check(CLI::IsMember({"dev", "test"}))
      ->capture_default_str();
  command
      .add_option("--device", a.device,
                  "Where to compute: auto (a CUDA device if there is one), cpu, cuda or cuda:<number>")
      ->capture_default_str();
  command
      .add_option("--precision", a.precision,
                  "Arithmetic of the LSTM's recurrence: fp32; or bf16x3, which needs a CUDA device and --hidden 128, "
                  "and is faster when many models train at once")
      ->check(CLI::IsMember({"fp32", "bf16x3"}))
      ->capture_default_str();
  command
      .add_option("--threads", a.threads,
                  "Threads on the CPU (default: OMP_NUM_THREADS, or as many as processors and quota allow); results do "
                  "not depend on it")
      ->check(CLI::Range(1, 1024));
  command
      .add_option(
          "--checkpoint-minutes", a.checkpoint_minutes,
          "How much of the work a kill or a power cut may cost: there is a checkpoint after every epoch, and after "
          "so many minutes within one; 0: after every batch. Perturbations and attributions have no checkpoints, and "
          "start again")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  command.add_option("--runs", a.runs, "The folder in which each run gets its own folder")->capture_default_str();
}

void add_retrain_option(CLI::App& command, ExistingOptions& existing) {
  command.add_flag("--retrain", existing.retrain,
                   "Train a run again where its folder holds a run with other choices, on other data, or of an earlier "
                   "version, and an unfinished run that is not resumed; a finished run that is the same is not trained "
                   "again");
}

void add_force_option(CLI::App& command, bool& force) {
  command.add_flag("--force", force,
                   "Write the report even to a folder that holds other files: only those that have the names of the "
                   "report's are replaced");
}

CLI::Validator valid_seed() {
  return CLI::Validator(
      [](const std::string& text) {
        return is_seed(text) ? std::string() : fmt::format("{} is not a whole number from 0 to 2^64 - 1", text);
      },
      "");
}

}  // namespace notnot
