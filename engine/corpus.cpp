#include "engine/corpus.h"

#include <cstdlib>
#include <system_error>
#include <utility>
#include <vector>

#include "engine/csv.h"
#include "engine/sst_trees.h"
#include "engine/text.h"
#include "kernels/error.h"

namespace notnot {
namespace {

std::filesystem::path find_sst() {
  constexpr const char* kRemedy = "set NOTNOT_DATA to the folder that holds sst/, or run tools/get_data sst";
  const char* data = std::getenv("NOTNOT_DATA");
  if (data == nullptr || *data == '\0') throw InputError(fmt::format("NOTNOT_DATA is not set; {}", kRemedy));
  const auto folder = std::filesystem::path(data) / "sst";
  std::error_code ignored;
  for (const char* name : {"sst_dataset.csv", "trees"}) {
    if (std::filesystem::exists(folder / name, ignored)) return folder / name;
  }
  throw InputError(fmt::format("{} has neither sst_dataset.csv nor trees/; {}", folder.string(), kRemedy));
}

DatasetOptions dataset_options(const CorpusRequest& request) {
  DatasetOptions options;
  if (request.dataset == "sst") {
    options.filter_by_length = true;
    options.min_length = 5;
  }
  for (const auto& bound : {request.min_length, request.max_length}) {
    if (bound && *bound < 0)
      throw InputError(fmt::format("a length bound of {} words; it must not be negative", *bound));
    if (bound) options.filter_by_length = true;
  }
  options.min_df = request.min_df.value_or(options.min_df);
  options.min_length = request.min_length.value_or(options.min_length);
  options.max_length = request.max_length.value_or(options.max_length);
  return options;
}

}  // namespace

Corpus load_corpus(const CorpusRequest& request) {
  std::string name = request.dataset;
  std::filesystem::path path;
  std::error_code ignored;
  std::vector<LabelledText> texts;
  if (name == "planted") {
    texts = make_planted_corpus(request.planted);
  } else if (name == "sst") {
    path = find_sst();
    texts = std::filesystem::is_directory(path, ignored) ? read_sst_trees(path) : read_csv(path);
  } else if (name.ends_with(".csv") || std::filesystem::exists(name, ignored)) {
    path = name;
    texts = read_csv(path);
    name = path.stem().string();
  } else {
    throw InputError(
        fmt::format("there is no data set or file {}; give planted, sst or the path of a CSV file with the columns "
                    "text,label,split",
                    shown(name)));
  }
  const DatasetOptions options = dataset_options(request);
  return {make_dataset(std::move(name), texts, options), std::move(path), options};
}

}  // namespace notnot
