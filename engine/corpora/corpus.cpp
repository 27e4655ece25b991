#include "engine/corpora/corpus.h"

#include <cstdlib>
#include <limits>
#include <system_error>
#include <utility>
#include <vector>

#include "engine/corpora/published.h"
#include "engine/corpora/sst_trees.h"
#include "engine/corpora/table.h"
#include "engine/data/prepared.h"
#include "engine/data/text_warnings.h"
#include "engine/io/file_modes.h"
#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/text.h"

namespace notnot {
namespace {

std::filesystem::path find_sst() {
  constexpr const char* kRemedy = "set NOTNOT_DATA to the folder that holds sst/, or run tools/get_data sst";
  if (data_folder().empty()) throw InputError(fmt::format("NOTNOT_DATA is not set; {}", kRemedy));
  const auto folder = data_folder() / "sst";
  std::error_code ignored;
  for (const char* name : {"sst_dataset.csv", "trees"}) {
    if (std::filesystem::exists(folder / name, ignored)) return folder / name;
  }
  throw InputError(fmt::format("{} has neither sst_dataset.csv nor trees/; {}", folder.string(), kRemedy));
}

Corpus load_prepared(const CorpusRequest& request, std::filesystem::path path) {
  if (request.min_df || request.min_length || request.max_length) {
    throw InputError(
        fmt::format("{} is prepared, which fixes its vocabulary and lengths; give --min-df, --min-length "
                    "and --max-length to notnot prepare",
                    path.string()));
  }
  PreparedFolder folder(std::move(path));
  if (is_confidential(folder)) {
    keep_private();
    warn_if_open(folder.path());
  }
  Dataset dataset = folder.dataset();
  const std::string tokenise = folder.description().at("choices").value("tokenise", "");
  return {.dataset = std::move(dataset),
          .reader = folder.corpus(),
          .path = folder.path(),
          .options = folder.options(),
          .checksum = folder.checksum(),
          .prepared = folder,
          .tokenise = tokenise == "blanks" ? "" : tokenise,
          .warnings = folder.warnings()};
}

/// What the reader of a data set that is not prepared has read.
struct Texts {
  std::vector<LabelledText> texts;
  std::string checksum = {};
  std::vector<std::string> warnings = {};
};

Texts read_table_file(const std::filesystem::path& path) {
  Table table = read_table(path);
  return {std::move(table.texts), std::move(table.checksum), std::move(table.warnings)};
}

Texts read_own(const std::filesystem::path& path) {
  Texts own = read_table_file(path);
  for (std::string& warning : text_warnings(own.texts)) own.warnings.push_back(std::move(warning));
  return own;
}

Texts read_sst(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) return read_table_file(path);
  SourceReader sources(path, "the Stanford trees");
  std::vector<LabelledText> texts = read_sst_trees(sources);
  return {std::move(texts), checksum_of(sources.sources())};
}

}  // namespace

bool is_confidential(const PreparedFolder& folder) {
  return folder.is_marked_confidential() || is_clinical(folder.corpus());
}

DatasetOptions override_options(DatasetOptions options, const OptionOverrides& overrides) {
  for (const auto& bound : {overrides.min_length, overrides.max_length}) {
    if (bound && *bound < 0)
      throw InputError(fmt::format("a length bound of {} words; it must not be negative", *bound));
  }
  if (!options.filter_by_length && (overrides.min_length || overrides.max_length)) {
    options.filter_by_length = true;
    options.min_length = 0;
    options.max_length = std::numeric_limits<int32_t>::max();
  }
  options.min_df = overrides.min_df.value_or(options.min_df);
  options.min_length = overrides.min_length.value_or(options.min_length);
  options.max_length = overrides.max_length.value_or(options.max_length);
  return options;
}

std::filesystem::path data_folder() {
  const char* data = std::getenv("NOTNOT_DATA");
  return data == nullptr ? "" : data;
}

std::optional<std::filesystem::path> find_prepared(const std::string& dataset) {
  if (dataset.empty()) return std::nullopt;
  if (PreparedFolder::is_at(dataset)) return dataset;
  const auto named = data_folder() / "prepared" / dataset;
  if (data_folder().empty() || !PreparedFolder::is_at(named)) return std::nullopt;
  return named;
}

Corpus load_corpus(const CorpusRequest& request) {
  std::string name = request.dataset, reader = name;
  std::filesystem::path path;
  std::error_code ignored;
  Texts read;
  if (name != kPlantedReader && request.planted != PlantedOptions{}) {
    throw InputError(
        fmt::format("--difficulty, --evidence, --evidence-weights, --spurious, --label-noise, --lengths and "
                    "--corpus-seed are for planted, the built-in corpus, and change nothing of {}; leave them out",
                    in_quotes(name)));
  }
  if (name == kPlantedReader) {
    read.texts = make_planted_corpus(request.planted);
    if (const auto prepared = find_prepared(name)) {
      read.warnings = {
          fmt::format("{} is the built-in corpus; for the prepared data set of that name give --dataset {}", name,
                      (std::filesystem::path(".") / *prepared).string())};
    }
  } else if (auto prepared = find_prepared(name)) {
    return load_prepared(request, std::move(*prepared));
  } else if (name == "sst") {
    path = find_sst();
    read = read_sst(path);
  } else if (std::filesystem::is_directory(name, ignored)) {
    return load_prepared(request, name);
  } else if (name.ends_with(".csv") || is_there(name)) {
    path = name;
    read = read_own(path);
    name = table_name(path);
    reader = kTableReader;
  } else {
    if (name == "-") throw InputError("- is no file; for standard input give /dev/stdin");
    throw InputError(
        fmt::format("there is no data set or file {}; give planted, sst or the path of a CSV file with the columns "
                    "text,label,split, a folder that notnot prepare wrote, or the name of one in $NOTNOT_DATA/prepared",
                    in_quotes(name)));
  }
  const DatasetOptions published = reader == "sst" ? find_published("sst")->options : DatasetOptions{};
  const DatasetOptions options = override_options(published, {request.min_df, request.min_length, request.max_length});
  return {.dataset = make_dataset(std::move(name), read.texts, options),
          .reader = std::move(reader),
          .path = std::move(path),
          .options = options,
          .checksum = std::move(read.checksum),
          .warnings = std::move(read.warnings)};
}

}  // namespace notnot
