// `notnot prepare`: a corpus in its publisher's form, or the user's own table, becomes a prepared folder.
#include <fmt/format.h>

#include <functional>
#include <span>

#include "engine/corpora/ag_news.h"
#include "engine/corpora/cleaning.h"
#include "engine/corpora/corpus.h"
#include "engine/corpora/imdb.h"
#include "engine/corpora/mimic.h"
#include "engine/corpora/newsgroups.h"
#include "engine/corpora/published.h"
#include "engine/corpora/sst_trees.h"
#include "engine/corpora/table.h"
#include "engine/data/prepared.h"
#include "engine/data/stratified_split.h"
#include "engine/data/text_warnings.h"
#include "engine/data/vector_coverage.h"
#include "engine/io/file_modes.h"
#include "engine/io/input_error.h"
#include "engine/io/stop.h"
#include "engine/io/text.h"
#include "engine/io/warning.h"
#include "experiments/commands/commands.h"
#include "experiments/commands/data_summary.h"
#include "experiments/commands/options.h"
#include "experiments/commands/train_vectors.h"
#include "experiments/terminal/bytes_progress.h"
#include "experiments/terminal/interrupt.h"
#include "experiments/terminal/show.h"

namespace notnot {
namespace {

struct PrepareArguments {
  std::string raw, folds, file, out;
  OptionOverrides options;
  SplitRequest split;
  std::vector<std::string> split_options;  ///< those options of `split` that were given
  std::string labels, tokenise = "blanks";
  bool lossy = false, confidential = false;
  std::string vectors, missing_vectors, train_vectors;
  int32_t vector_width = 300;
};

/// Facts about the texts that were read, for dataset.json.
struct Reading {
  std::vector<Source> sources;
  nlohmann::json choices = nlohmann::json::object();
  bool synthetic = false;
  std::vector<std::string> warnings = {};
};
/// A function that reads a corpus from `raw`, a folder or a file, and hands the texts to `take`.
using Read = std::function<Reading(const std::filesystem::path& raw, const PrepareArguments&, const TextSink& take)>;

void hand_over(std::vector<LabelledText> texts, const TextSink& take) {
  for (LabelledText& text : texts) take(std::move(text));
}

Reading read_sst(const std::filesystem::path& raw, const PrepareArguments&, const TextSink& take) {
  std::error_code ignored;
  if (std::filesystem::exists(raw / "sst_dataset.csv", ignored)) {
    SourceReader sources(raw, "SST");
    const std::string table = sources.read("sst_dataset.csv");
    hand_over(parse_csv(table, (raw / "sst_dataset.csv").string()), take);
    return {sources.sources()};
  }
  SourceReader sources = SourceReader::find(raw, {"trees", "."}, "train.txt", "the Stanford trees");
  hand_over(read_sst_trees(sources), take);
  return {sources.sources()};
}

Reading read_imdb_folder(const std::filesystem::path& raw, const PrepareArguments&, const TextSink& take) {
  SourceReader sources = SourceReader::find(raw, {"aclImdb", "."}, "train/pos", "aclImdb");
  hand_over(read_imdb(sources), take);
  return {sources.sources(), {{"split", "published (Jain & Wallace 2019), NumPy seed 1378"}}};
}

std::string word_boundaries() {
  return fmt::format("{} (Unicode), where the published pipeline used spaCy", icu_version());
}

Reading read_ag_news_folder(const std::filesystem::path& raw, const PrepareArguments& arguments, const TextSink& take) {
  SourceReader sources = SourceReader::find(raw, {"ag_news_csv", "."}, "train.csv", "ag_news_csv");
  hand_over(read_ag_news(sources, arguments.split), take);
  return {sources.sources(),
          {{"word_boundaries", word_boundaries()},
           {"split", "dev drawn from the training file, stratified"},
           {"seed", arguments.split.seed},
           {"dev_fraction", arguments.split.dev}}};
}

Reading read_newsgroups_folder(const std::filesystem::path& raw, const PrepareArguments&, const TextSink& take) {
  SourceReader sources =
      SourceReader::find(raw, {"."}, "20news-bydate-train/rec.sport.hockey", "20 Newsgroups (the \"bydate\" version)");
  hand_over(read_newsgroups(sources), take);
  return {sources.sources(), {{"word_boundaries", word_boundaries()}, {"split", "published (Jain & Wallace 2019)"}}};
}

Reading read_clinical(MimicTask task, const std::filesystem::path& raw, const PrepareArguments& arguments,
                      const TextSink& take) {
  const MimicSource source{.raw = raw,
                           .folds = arguments.folds.empty() ? raw : std::filesystem::path(arguments.folds),
                           .lossy = arguments.lossy};
  BytesProgressDisplay display;
  Reading reading;
  MimicReport report = read_mimic(task, source, take, [&](std::string_view what, uint64_t done, uint64_t total) {
    check_stop();
    display.show(what, done, total);
  });
  reading.sources = std::move(report.sources);
  reading.synthetic = report.synthetic;
  reading.choices = {
      {"lossy", source.lossy},
      {"word_boundaries", word_boundaries()},
      {"split", task == MimicTask::diabetes ? "the lists of the 50-code split"
                                            : "published (Jain & Wallace 2019), scikit-learn seeds 12939 and 13448"},
      {"notes",
       {{"records", report.notes},
        {"discharge_summaries", report.summaries},
        {"marked_as_errors", report.errors},
        {"without_admission", report.without_admission},
        {"used_reports", report.used_notes},
        {"used_addenda", report.used_addenda}}},
      {"codes", {{"records", report.codes}, {"incomplete", report.incomplete_codes}}}};
  return reading;
}

std::array<std::string, 2> parse_labels(const std::string& labels) {
  const size_t comma = labels.find(',');
  std::array<std::string, 2> names = {labels.substr(0, comma),
                                      comma == std::string::npos ? "" : labels.substr(comma + 1)};
  if (names[0].empty() || names[1].empty() || names[0] == names[1])
    throw InputError(fmt::format("--labels {} does not name two labels; give them like negative,positive", labels));
  return names;
}

/// How the user's own texts were read, for dataset.json.
nlohmann::json own_choices(const Table& table, const RepeatedTexts& repeated, const PrepareArguments& arguments) {
  nlohmann::json choices = {{"lossy", arguments.lossy},
                            {"tokenise", arguments.tokenise},
                            {"split", table.has_split ? "the file's own" : "drawn, stratified"},
                            {"also_in_training", {{"dev", repeated.in_train.dev}, {"test", repeated.in_train.test}}}};
  if (arguments.tokenise == "words") choices["word_boundaries"] = icu_version() + " (Unicode)";
  if (!table.has_split) {
    choices["seed"] = arguments.split.seed;
    choices["dev_fraction"] = arguments.split.dev;
    choices["test_fraction"] = arguments.split.test;
  }
  return choices;
}

/// Whether words without a vector get random numbers.
bool draws_missing(const PrepareArguments& arguments, bool clinical) {
  return arguments.missing_vectors.empty() ? clinical : arguments.missing_vectors == "normal";
}

/// Throws InputError if options are given that cannot change the split of the file, which has one.
void check_no_split_options(const std::filesystem::path& file, const PrepareArguments& arguments) {
  std::vector<std::string> idle = arguments.split_options;
  if (draws_missing(arguments, false)) std::erase(idle, "--seed");
  if (idle.empty()) return;
  throw InputError(
      fmt::format("{} has a column split, so no split is drawn, and {} would change nothing; leave {} out, or "
                  "remove the column",
                  file.string(), fmt::join(idle, ", "), idle.size() == 1 ? "it" : "them"));
}

Reading read_own(const std::filesystem::path& file, const PrepareArguments& arguments, const TextSink& take) {
  const TableOptions options{.labels = parse_labels(arguments.labels.empty() ? "0,1" : arguments.labels),
                             .lossy = arguments.lossy,
                             .needs_split = false,
                             .cleaning = own_cleaning(arguments.tokenise)};
  Table table = read_table(file, options);
  if (!table.has_split)
    split_stratified(table.texts, arguments.split);
  else
    check_no_split_options(file, arguments);
  const RepeatedTexts repeated = count_repeated(table.texts);
  Reading reading{.sources = {{.path = file.filename().string(), .bytes = table.bytes, .sha256 = table.checksum}},
                  .choices = own_choices(table, repeated, arguments),
                  .warnings = std::move(table.warnings)};
  for (std::string& warning : text_warnings(table.texts)) reading.warnings.push_back(std::move(warning));
  hand_over(std::move(table.texts), take);
  return reading;
}

/// [vocabulary] how often each id stands in the training split.
std::vector<int64_t> running_words(const PreparedWriter& writer, const DatasetBuilder& builder,
                                   const DatasetOptions& options) {
  std::vector<int64_t> counts(writer.vocabulary().size());
  builder.encode(writer.vocabulary(), SplitName::train, options, [&counts](std::span<const int32_t> ids) {
    for (const int32_t id : ids) ++counts[id];
  });
  return counts;
}

/// Attaches word vectors, if some are wanted, and returns warnings about them.
std::vector<std::string> attach_vectors(const PrepareArguments& arguments, const PublishedCorpus* published,
                                        const DatasetOptions& options, const DatasetBuilder& builder,
                                        PreparedWriter& writer) {
  nlohmann::json origin;
  WordVectors vectors;
  std::vector<std::string> warnings;
  if (!arguments.vectors.empty()) {
    vectors = load_word_vectors(arguments.vectors, writer.vocabulary());
    origin = {{"file", std::filesystem::path(arguments.vectors).filename().string()}, {"sha256", vectors.checksum}};
    warnings =
        vector_warnings(writer.vocabulary(), running_words(writer, builder, options), vectors, arguments.vectors);
  } else if (!arguments.train_vectors.empty()) {
    vectors = train_word_vectors(writer, builder, arguments.train_vectors, arguments.vector_width);
    origin = {{"trained_by", "fasttext " + arguments.train_vectors}, {"trained_on", "the training split"}};
  } else {
    return warnings;
  }
  // The published pipeline used word2vec for the clinical sets only, and drew the missing vectors at random there.
  const bool clinical = published != nullptr && published->clinical;
  const bool drawn = draws_missing(arguments, clinical);
  if (drawn) draw_missing(vectors, arguments.split.seed);
  origin["missing"] = drawn ? "normal" : "zeros";
  writer.write_vectors(vectors, std::move(origin));
  return warnings;
}

std::filesystem::path output_folder(const PrepareArguments& arguments, const std::string& name) {
  if (!arguments.out.empty()) return arguments.out;
  if (data_folder().empty())
    throw InputError(fmt::format(
        "give the folder to write with --out, or set NOTNOT_DATA to write to $NOTNOT_DATA/prepared/{}", name));
  return data_folder() / "prepared" / name;
}

/// Throws InputError if `out` is one of the inputs, or holds one.
void check_apart(const std::filesystem::path& out, const std::filesystem::path& raw,
                 const PrepareArguments& arguments) {
  for (const std::filesystem::path& input :
       {raw, std::filesystem::path(arguments.folds), std::filesystem::path(arguments.vectors)}) {
    if (input.empty() || !is_within(input, out)) continue;
    throw InputError(fmt::format("{} cannot be written, as {} is to be read; choose another folder with --out",
                                 out.string(), same_file(input, out) ? "it" : input.string() + " in it"));
  }
}

/// `name` is the data set's name, `corpus` the name of the corpus that `read` reads.
void prepare(const std::string& name, const std::string& corpus, const std::filesystem::path& raw, const Read& read,
             const PrepareArguments& arguments) {
  const PublishedCorpus* published = find_published(corpus);
  Preparation preparation{.name = name,
                          .corpus = corpus,
                          .classes = {"0", "1"},
                          .options = {},
                          .sources = {},
                          .confidential = arguments.confidential || is_clinical(corpus)};
  if (!arguments.missing_vectors.empty() && arguments.vectors.empty() && arguments.train_vectors.empty())
    throw InputError("--missing-vectors changes nothing without --vectors or --train-vectors; leave it out");
  if (preparation.confidential) keep_private();
  outlive_readers();  // a signal that ends the program would leave the texts
  if (published != nullptr) {
    preparation.classes = {std::string(published->classes[0]), std::string(published->classes[1])};
    preparation.options = published->options;
  } else if (!arguments.labels.empty()) {
    preparation.classes = parse_labels(arguments.labels);
  }
  preparation.options = override_options(preparation.options, arguments.options);
  const std::filesystem::path out = output_folder(arguments, name);
  check_apart(out, raw, arguments);
  PreparedWriter writer(out);
  DatasetBuilder builder(writer.scratch("words"));
  Reading reading = read(raw, arguments, [&](LabelledText&& text) {
    check_stop();
    builder.add(text);
  });
  preparation.sources = std::move(reading.sources);
  preparation.choices = std::move(reading.choices);
  preparation.synthetic = reading.synthetic;
  writer.write(builder, preparation);
  std::vector<std::string> warnings = std::move(reading.warnings);
  for (std::string& warning : attach_vectors(arguments, published, preparation.options, builder, writer))
    warnings.push_back(std::move(warning));
  writer.finish(warnings);
  for (const std::string& warning : warnings) warn(warning);
  const PreparedFolder folder(out);
  show("{}{}", counts_summary(folder), coverage_summary(folder, writer.unknown_words()));
}

void add_common_options(CLI::App& command, PrepareArguments& a) {
  command.add_option("--out", a.out, "The folder to write (default: $NOTNOT_DATA/prepared/NAME)");
  add_filter_options(command, a.options.min_df, a.options.min_length, a.options.max_length);
  auto* vectors = command.add_option("--vectors", a.vectors,
                                     "Attach the word vectors of this file, in the text format of fastText or GloVe or "
                                     "in the binary format of word2vec");
  command
      .add_option(
          "--train-vectors", a.train_vectors,
          "Attach word vectors that the program fasttext trains on the training split, with its model skipgram or "
          "cbow")
      ->check(CLI::IsMember({"skipgram", "cbow"}))
      ->excludes(vectors);
  command.add_option("--vector-width", a.vector_width, "Width of the word vectors of --train-vectors")
      ->needs("--train-vectors")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command
      .add_option(
          "--missing-vectors", a.missing_vectors,
          "What words without a vector get: zeros, or with normal random numbers from N(0, 1) (default: the published "
          "choice, which is normal for the clinical data sets, otherwise zeros)")
      ->check(CLI::IsMember({"zeros", "normal"}));
}

void add_seed_option(CLI::App& command, PrepareArguments& a) {
  command.add_option("--seed", a.split.seed, "Random seed of the split, if the split is drawn at random")
      ->check(valid_seed())
      ->capture_default_str();
}

void add_dev_option(CLI::App& command, PrepareArguments& a) {
  command
      .add_option("--dev-fraction", a.split.dev,
                  "Share of the texts that the split dev gets, if the split is drawn at random")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
}

/// Adds the command that prepares the corpus `name`. Without --raw the publisher's files are in $NOTNOT_DATA/`folder`.
CLI::App* add_corpus(CLI::App& prepare_app, const std::string& name, const std::string& folder,
                     const std::string& description, Read read, const std::shared_ptr<PrepareArguments>& arguments) {
  CLI::App* command = prepare_app.add_subcommand(name, description);
  command->add_option("--raw", arguments->raw,
                      fmt::format("The folder with the publisher's files (default: $NOTNOT_DATA/{})", folder));
  add_common_options(*command, *arguments);
  command->callback([name, folder, read = std::move(read), arguments] {
    if (arguments->raw.empty() && data_folder().empty())
      throw InputError("give the folder with the publisher's files with --raw, or set NOTNOT_DATA");
    prepare(name, name, arguments->raw.empty() ? data_folder() / folder : std::filesystem::path(arguments->raw), read,
            *arguments);
  });
  return command;
}

void add_lossy_option(CLI::App& command, PrepareArguments& a) {
  command.add_flag("--lossy", a.lossy,
                   "Replace bytes that are not UTF-8, and NUL, by U+FFFD instead of refusing the file");
}

void add_clinical(CLI::App& prepare_app) {
  const auto diabetes = std::make_shared<PrepareArguments>(), anemia = std::make_shared<PrepareArguments>();
  const auto reader = [](MimicTask task) -> Read {
    return [task](const std::filesystem::path& raw, const PrepareArguments& a, const TextSink& take) {
      return read_clinical(task, raw, a, take);
    };
  };
  CLI::App* command =
      add_corpus(prepare_app, "diabetes", "mimic", "MIMIC-III, diabetes: NOTEEVENTS.csv, DIAGNOSES_ICD.csv, folds",
                 reader(MimicTask::diabetes), diabetes);
  add_lossy_option(*command, *diabetes);
  command->add_option(
      "--folds", diabetes->folds,
      "The folder with {train,dev,test}_50_hadm_ids.csv, which have a HADM_ID per line (default: the folder of --raw)");
  command = add_corpus(prepare_app, "anemia", "mimic",
                       "MIMIC-III, chronic against acute anemia: NOTEEVENTS.csv, DIAGNOSES_ICD.csv",
                       reader(MimicTask::anemia), anemia);
  add_lossy_option(*command, *anemia);
}

void add_own(CLI::App& prepare_app) {
  auto arguments = std::make_shared<PrepareArguments>();
  CLI::App* command = prepare_app.add_subcommand(
      "csv", "Your own texts: a CSV, TSV or JSON lines file with text, label and perhaps split");
  command
      ->add_option(
          "file", arguments->file,
          "The file: CSV, TSV or JSON lines, known by its content or by its extension, and perhaps packed with "
          "gzip; or a pipe, such as /dev/stdin")
      ->required();
  add_common_options(*command, *arguments);
  add_seed_option(*command, *arguments);
  add_dev_option(*command, *arguments);
  command
      ->add_option("--test-fraction", arguments->split.test,
                   "Share of the texts that the split test gets, if the split is drawn at random")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--labels", arguments->labels,
                      "The names of the two classes in the file, as NEGATIVE,POSITIVE (default: 0,1)");
  add_lossy_option(*command, *arguments);
  command->add_flag("--confidential", arguments->confidential,
                    "The texts may not be shared: only you can read what is written, runs and reports too, and reports "
                    "show no texts (always so for diabetes and anemia)");
  command
      ->add_option(
          "--tokenise", arguments->tokenise,
          "What cuts a text into words: blanks, that is white space only, or words, that is Unicode's word "
          "boundaries, for texts whose punctuation or whose words no blanks separate (Chinese, Japanese, Thai)")
      ->check(CLI::IsMember({"blanks", "words"}))
      ->capture_default_str();
  command->callback([command, arguments] {
    const std::filesystem::path file = arguments->file;
    for (const char* option : {"--seed", "--dev-fraction", "--test-fraction"}) {
      if (command->count(option) > 0) arguments->split_options.emplace_back(option);
    }
    prepare(table_name(file), kTableReader, file, read_own, *arguments);
  });
}

}  // namespace

void add_prepare_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "prepare", "Prepare a data set for training: clean the texts, split them, number the words, check the counts");
  command->require_subcommand(1);
  const auto arguments = [] { return std::make_shared<PrepareArguments>(); };
  add_corpus(*command, "sst", "sst", "Stanford Sentiment Treebank: sst_dataset.csv or trees/", read_sst, arguments());
  add_corpus(*command, "imdb", "imdb", "Large Movie Review Dataset: aclImdb/", read_imdb_folder, arguments());
  auto ag_news = arguments();
  CLI::App* ag_news_command = add_corpus(*command, "agnews", "agnews", "AG News, world against business: ag_news_csv/",
                                         read_ag_news_folder, ag_news);
  add_seed_option(*ag_news_command, *ag_news);
  add_dev_option(*ag_news_command, *ag_news);
  add_corpus(*command, "20news", "20news", "20 Newsgroups, baseball against hockey: 20news-bydate-{train,test}/",
             read_newsgroups_folder, arguments());
  add_clinical(*command);
  add_own(*command);
}

}  // namespace notnot
