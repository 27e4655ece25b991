// `notnot predict`: a finished run and texts in; per text a JSON line with the probability and the attention per token
// out.
#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "engine/device/open_device.h"
#include "engine/io/input_error.h"
#include "engine/io/text.h"
#include "engine/runs/run_folder.h"
#include "experiments/commands/commands.h"
#include "models/training.h"

namespace notnot {
namespace {

struct PredictArguments {
  std::string run, input, device = "auto";
  std::vector<std::string> texts;
  int32_t threads = 0;
};

/// One text per line from `stream`; `name` is for messages.
std::vector<std::string> read_lines(std::istream& stream) {
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(line);
  }
  return lines;
}

/// The texts cleaned as training texts are: valid UTF-8, lower case, words separated by single blanks.
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

ModelOptions options_of(const RunFolder& folder, const Vocabulary& vocabulary) {
  try {
    const nlohmann::json choices = folder.config().at("choices");
    return {.encoder = choices.at("encoder") == "lstm" ? Encoder::lstm : Encoder::tokens,
            .attention = choices.at("attention") == "learned" ? AttentionKind::learned : AttentionKind::uniform,
            .vocabulary = vocabulary.size(),
            .embed = choices.at("embed").get<int32_t>(),
            .hidden = choices.at("hidden").get<int32_t>()};
  } catch (const nlohmann::json::exception& error) {
    throw InputError(
        fmt::format("{} is not the configuration of a training run ({}); give a folder that notnot train wrote",
                    folder.config_path().string(), error.what()));
  }
}

void print_line(const std::string& words, float probability, std::span<const float> log_attention) {
  std::string tokens, weights;
  size_t at = 0;
  for (const std::string_view word : split_words(words)) {
    const char* comma = at == 0 ? "" : ", ";
    tokens += comma + nlohmann::json(word).dump();
    weights += fmt::format("{}{:.9g}", comma, std::exp(static_cast<double>(log_attention[++at])));
  }
  fmt::print("{{\"probability\": {:.9g}, \"tokens\": [{}], \"attention\": [{}]}}\n", probability, tokens, weights);
}

void predict_command(const PredictArguments& arguments) {
  std::vector<std::string> texts = arguments.texts;
  std::string source = "--text";
  if (texts.empty()) {
    source = arguments.input.empty() || arguments.input == "-" ? "standard input" : arguments.input;
    std::ifstream file;
    if (source == arguments.input) {
      file.open(arguments.input);
      if (!file || file.peek() == std::ifstream::traits_type::eof())
        throw InputError(
            fmt::format("{} cannot be read or is empty; give a file with one text per line", arguments.input));
    }
    texts = read_lines(file.is_open() ? static_cast<std::istream&>(file) : std::cin);
  }
  const std::vector<std::string> words = clean(texts, source);
  if (words.empty()) throw InputError(fmt::format("{} has no texts; give one per line", source));

  const RunFolder folder(arguments.run);
  const Vocabulary vocabulary = Vocabulary::load(folder.vocabulary_path());
  const ModelOptions options = options_of(folder, vocabulary);
  Split split;
  for (const std::string& text : words) {
    const auto ids = vocabulary.encode(text);
    split.token_ids.insert(split.token_ids.end(), ids.begin(), ids.end());
    split.offsets.push_back(static_cast<int64_t>(split.token_ids.size()));
    split.labels.push_back(0);
  }
  const OpenDevice device(arguments.device, arguments.threads > 0 ? arguments.threads : available_threads());
  AttentionClassifier model(device.get(), options, prediction_plan(split));
  model.allocate();
  model.set_parameters(load_parameters(model.layout(), folder.model_path()));
  const SplitPredictions predictions = predict_split(model, split, 1.0);
  for (int32_t i = 0; i < split.size(); ++i) {
    print_line(
        words[static_cast<size_t>(i)], predictions.probability[static_cast<size_t>(i)],
        std::span(predictions.log_attention).subspan(static_cast<size_t>(split.offsets[static_cast<size_t>(i)])));
  }
}

}  // namespace

void add_predict_command(CLI::App& app) {
  auto arguments = std::make_shared<PredictArguments>();
  CLI::App* command = app.add_subcommand("predict", "Probability and attention for texts, as JSON lines");
  command->add_option("run", arguments->run, "A finished run folder")->required();
  command->add_option("--text", arguments->texts, "A text; may be given several times");
  command->add_option("--input", arguments->input, "A file with one text per line (default: standard input)")
      ->excludes("--text");
  command->add_option("--device", arguments->device, "auto, cpu, cuda or cuda:<number>")->capture_default_str();
  command->add_option("--threads", arguments->threads, "CPU threads (default: all)")->check(CLI::Range(1, 1024));
  command->callback([arguments] { predict_command(*arguments); });
}

}  // namespace notnot
