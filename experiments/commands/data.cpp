// `notnot data` shows a prepared data set. With --tokens it writes the words of every text, for other programs that
// compute the importance of words.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>

#include "engine/corpora/corpus.h"
#include "engine/data/prepared.h"
#include "engine/io/file_modes.h"
#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/text.h"
#include "engine/io/warning.h"
#include "engine/runs/external_attention.h"
#include "engine/runs/run_folder.h"
#include "experiments/commands/commands.h"
#include "experiments/commands/data_summary.h"
#include "experiments/commands/options.h"
#include "experiments/terminal/show.h"

namespace notnot {
namespace {

struct DataArguments {
  std::string dataset;
  std::optional<std::string> tokens;
  int32_t samples = 2;
  bool show_texts = false;
  PlantedOptions planted;
};

/// The file or folder from which load_corpus takes the texts; empty for the built-in corpus.
std::filesystem::path source_of(const std::string& dataset) {
  if (dataset == "planted") return {};
  if (const auto prepared = find_prepared(dataset)) return *prepared;
  return dataset == "sst" ? data_folder() / "sst" : std::filesystem::path(dataset);
}

void write_tokens_command(const DataArguments& arguments) {
  const std::filesystem::path file = *arguments.tokens == "-" ? kStandardOutput : *arguments.tokens;
  if (is_within(file, source_of(arguments.dataset))) {
    throw InputError(
        fmt::format("{} is, or belongs to, the data set {}, which it would destroy; give another file "
                    "with --tokens",
                    *arguments.tokens, arguments.dataset));
  }
  if (is_file_of_run(file)) {
    throw InputError(fmt::format("{} is a file of a run, which it would destroy; give another file with --tokens",
                                 *arguments.tokens));
  }
  // Where the lines go to standard output, nothing else may go there.
  FILE* const messages = same_file(file, kStandardOutput) ? stderr : stdout;
  const Corpus corpus = load_corpus({.dataset = arguments.dataset, .planted = arguments.planted});
  write_tokens(file, corpus.dataset);
  for (const std::string& warning : corpus.warnings) warn(warning);
  if (corpus.synthetic()) {
    show(messages, "note: SYNTHETIC texts; nothing computed from them is about the real data\n");
  }
  if (corpus.confidential()) show(messages, "note: CONFIDENTIAL texts; do not share the file\n");
  int64_t texts = 0;
  for (const SplitName split : kSplitNames) texts += corpus.dataset.split(split).size();
  show(messages, "{}: the words of {} texts of {}\n", *arguments.tokens, texts, corpus.dataset.name);
}

void show_command(const DataArguments& arguments) {
  const auto path = find_prepared(arguments.dataset);
  if (!path && !is_there(arguments.dataset)) {
    throw InputError(
        fmt::format("there is no prepared data set {}; give the folder that notnot prepare wrote, or the "
                    "name of one in $NOTNOT_DATA/prepared",
                    in_quotes(arguments.dataset)));
  }
  const PreparedFolder folder(path.value_or(arguments.dataset));
  const bool shows_texts = arguments.show_texts || !is_confidential(folder);
  if (is_confidential(folder)) keep_private();
  folder.verify();
  const Dataset dataset = folder.dataset();
  UnknownWords unknown{};
  for (const SplitName split : kSplitNames) {
    const Column<int32_t>& token_ids = dataset.split(split).token_ids;
    unknown[split] = std::count(token_ids.begin(), token_ids.end(), kUnknownId);
  }
  show("{}{}{}{}", counts_summary(folder), length_histogram(dataset), coverage_summary(folder, unknown),
       shows_texts && arguments.samples > 0 ? sample_texts(folder, arguments.samples) : "");
  if (!shows_texts) show("\nThe texts are confidential, so that none is shown; --show-texts shows some.\n");
  show("\nEvery file has the checksum that dataset.json says.\n");
  for (const std::string& warning : folder.warnings()) warn(warning);
  if (is_confidential(folder)) warn_if_open(folder.path());
}

}  // namespace

void add_data_command(CLI::App& app) {
  auto arguments = std::make_shared<DataArguments>();
  CLI::App* command = app.add_subcommand(
      "data", "Show a prepared data set: counts, lengths, sample texts, and how many words are known");
  command
      ->add_option("dataset", arguments->dataset,
                   "A folder that notnot prepare wrote, or its name in $NOTNOT_DATA/prepared")
      ->required();
  command->add_option("--samples", arguments->samples, "How many texts of each class to show")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  command->add_flag("--show-texts", arguments->show_texts, "Show texts of a confidential data set, too");
  command
      ->add_option(
          "--tokens", arguments->tokens,
          "Show nothing, but write the words of every text to this file, or to standard output if it is -, as JSON "
          "lines; the data set may then be anything that notnot train --dataset takes")
      ->excludes("--samples");
  add_planted_options(*command, arguments->planted);
  command->callback([arguments] {
    if (arguments->tokens) {
      write_tokens_command(*arguments);
    } else if (arguments->planted != PlantedOptions{}) {
      throw InputError("the options of the planted corpus need --tokens: only that writes its texts");
    } else {
      show_command(*arguments);
    }
  });
}

}  // namespace notnot
