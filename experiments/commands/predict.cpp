// `notnot predict`: applies the model of a finished run to texts. Prints a JSON line per text, with the probability and
// the attention of every word.
#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <iostream>

#include "engine/device/open_device.h"
#include "engine/io/input_error.h"
#include "engine/io/json_lines.h"
#include "engine/io/text.h"
#include "engine/runs/run_folder.h"
#include "experiments/commands/commands.h"
#include "experiments/study/run_config.h"
#include "models/training.h"

namespace notnot {
namespace {

struct PredictArguments {
  std::string run, input, device = "auto";
  std::vector<std::string> texts;
  int32_t threads = 0;
};

/// The lines of the stream, each of which is a text.
std::vector<std::string> read_lines(std::istream& stream) {
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(line);
  }
  return lines;
}

/// Cleans the texts as training texts are cleaned: lower case, words separated by single blanks. Throws InputError,
/// which names the `source`, on bytes that are not UTF-8 and on texts without words.
std::vector<std::string> clean(const std::vector<std::string>& texts, const std::string& source) {
  std::vector<std::string> cleaned;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (const auto offset = first_invalid_utf8(texts[i])) {
      throw InputError(fmt::format("{}, text {}: byte {} is not UTF-8; convert the text", source, i + 1, *offset + 1));
    }
    const std::string lower = to_lower(texts[i]);
    cleaned.push_back(join_words(split_at_white_space(lower)));
    if (cleaned.back().empty())
      throw InputError(fmt::format("{}, text {} has no words; give at least one", source, i + 1));
  }
  return cleaned;
}

/// Throws InputError unless there is a run.
void check_there(const RunFolder& folder) {
  if (folder.state() != RunState::absent) return;
  throw InputError(
      fmt::format("{} is no run folder (it has no config.json); give one that notnot trained", folder.path().string()));
}

/// Throws InputError unless the run is finished.
void check_finished(const RunFolder& folder) {
  if (folder.state() == RunState::finished) return;
  const std::string path = folder.path().string();
  if (const std::optional<std::string> failure = folder.failure()) {
    throw InputError(fmt::format("the run {} failed ({}); train it again, or give a finished run", path, *failure));
  }
  throw InputError(
      fmt::format("the run {} is not finished; start the command that trains it once more (notnot train needs --resume "
                  "to go on), or give a finished run",
                  path));
}

/// The model of the run. Throws InputError where the run has none that can predict new texts.
ModelOptions model_of(const RunFolder& folder) {
  const RunConfig config = read_run_config(folder);
  const std::string path = folder.path().string();
  if (config.spec.kind == RunKind::perturbation) {
    throw InputError(
        fmt::format("{} is a perturbation of the run {} and has no model; give that run", path, config.spec.other));
  }
  if (attention_of(config.spec.kind) == AttentionKind::given) {
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

/// Prints the line of a text. Its words stand in log_attention[1], [2], ...; the boundary tokens around them are left
/// out.
void print_line(const std::string& text, float probability, std::span<const float> log_attention) {
  const std::vector<std::string_view> words = split_words(text);
  std::vector<double> weights;
  for (size_t k = 0; k < words.size(); ++k) weights.push_back(std::exp(static_cast<double>(log_attention[k + 1])));
  fmt::print("{}", JsonLine(JsonLine::Form::spaced)
                       .add("probability", probability)
                       .add("tokens", words)
                       .add("attention", weights)
                       .line());
}

/// The texts of --text, of the file --input or of standard input, cleaned.
std::vector<std::string> read_texts(const PredictArguments& arguments) {
  if (!arguments.texts.empty()) return clean(arguments.texts, "--text");
  const bool from_stdin = arguments.input.empty() || arguments.input == "-";
  const std::string source = from_stdin ? "standard input" : arguments.input;
  std::ifstream file;
  if (!from_stdin) {
    file.open(arguments.input);
    if (!file || file.peek() == std::ifstream::traits_type::eof())
      throw InputError(
          fmt::format("{} cannot be read or is empty; give a file with one text per line", arguments.input));
  }
  std::vector<std::string> texts = clean(read_lines(from_stdin ? std::cin : file), source);
  if (texts.empty()) throw InputError(fmt::format("{} has no texts; give one per line", source));
  return texts;
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

void predict(const PredictArguments& arguments) {
  const std::vector<std::string> texts = read_texts(arguments);
  const RunFolder folder(arguments.run);
  check_there(folder);
  const ModelOptions options = model_of(folder);
  check_finished(folder);
  const Vocabulary vocabulary = Vocabulary::load(folder.existing(folder.vocabulary_path()));
  check_vocabulary(folder, vocabulary, options);
  const Split split = encode(vocabulary, texts);
  const OpenDevice device(arguments.device, arguments.threads > 0 ? arguments.threads : available_threads());
  AttentionClassifier model(device.get(), options, prediction_plan(split));
  model.allocate();
  model.set_parameters(load_parameters(model.layout(), folder.existing(folder.model_path())));
  const SplitPredictions predictions = predict_split(model, split, 1.0);
  for (size_t i = 0; i < texts.size(); ++i) {
    print_line(texts[i], predictions.probability[i], std::span(predictions.log_attention).subspan(split.offsets[i]));
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
  command->add_option("--threads", arguments->threads, "Threads on the CPU (default: all that this process may use)")
      ->check(CLI::Range(1, 1024));
  command->callback([arguments] { predict(*arguments); });
}

}  // namespace notnot
