#include "experiments/commands/train_vectors.h"

#include <algorithm>
#include <system_error>

#include "engine/io/input_error.h"
#include "engine/io/text.h"
#include "experiments/terminal/run_program.h"

namespace notnot {
namespace {

/// The word vectors that fasttext wrote. A message names no file: it is gone before anybody can look at it.
WordVectors read_result(const std::string& file, const Vocabulary& vocabulary) {
  const auto fail = [](const std::string& fault) {
    throw InputError(
        fmt::format("the program fasttext wrote no word vectors that can be used ({}); check that the fasttext in PATH "
                    "is the program of that name, or give --vectors FILE instead",
                    fault));
  };
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) fail("it wrote no file");
  try {
    return load_word_vectors(file, vocabulary);
  } catch (const InputError& error) {
    std::string fault = error.what();
    if (const size_t at = fault.find(file); at != fault.npos) fault.replace(at, file.size(), "its output");
    fail(fault);
  }
  return {};
}

}  // namespace

WordVectors train_word_vectors(const PreparedWriter& writer, const DatasetBuilder& builder, const std::string& model,
                               int32_t width) {
  const auto texts = writer.scratch("training.txt"), result = writer.scratch("trained");
  writer.write_training_texts(texts, builder);
  const ProgramEnd end = run_program({"fasttext", model, "-input", texts.string(), "-output", result.string(), "-dim",
                                      std::to_string(width), "-minCount", "1", "-thread", "1"});
  if (end.status < 0) {
    throw InputError(
        fmt::format("--train-vectors needs the program fasttext ({}); install the package fasttext, or give "
                    "--vectors FILE",
                    std::generic_category().message(end.error)));
  }
  if (end.status != 0) {
    const std::string_view output = end.output;
    throw InputError(fmt::format("fasttext {} ended with status {}: {}; give --vectors FILE instead", model, end.status,
                                 in_quotes(output.substr(output.size() - std::min<size_t>(output.size(), 40)))));
  }
  WordVectors vectors = read_result(result.string() + ".vec", writer.vocabulary());
  for (const std::string& path : {texts.string(), result.string() + ".vec", result.string() + ".bin"}) {
    std::filesystem::remove(path);
  }
  return vectors;
}

}  // namespace notnot
