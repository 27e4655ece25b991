#include "experiments/commands/train_vectors.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/text.h"
#include "experiments/terminal/run_program.h"

namespace notnot {

WordVectors train_word_vectors(const PreparedWriter& writer, const DatasetBuilder& builder, const std::string& model,
                               int32_t width) {
  const auto texts = writer.scratch("training.txt"), log = writer.scratch("fasttext.log"),
             result = writer.scratch("trained");
  writer.write_training_texts(texts, builder);
  const int status = run_program({"fasttext", model, "-input", texts.string(), "-output", result.string(), "-dim",
                                  std::to_string(width), "-minCount", "1", "-thread", "1"},
                                 log);
  if (status < 0) {
    throw InputError(
        fmt::format("--train-vectors needs the program fasttext ({}); install the package fasttext, or give "
                    "--vectors FILE",
                    std::generic_category().message(errno)));
  }
  if (status != 0) {
    const std::string output = read_file(log);
    throw InputError(
        fmt::format("fasttext {} ended with status {}: {}; give --vectors FILE instead", model, status,
                    in_quotes(std::string_view(output).substr(output.size() - std::min<size_t>(output.size(), 40)))));
  }
  WordVectors vectors = load_word_vectors(result.string() + ".vec", writer.vocabulary());
  for (const auto& path :
       {texts, log, std::filesystem::path(result.string() + ".vec"), std::filesystem::path(result.string() + ".bin")}) {
    std::filesystem::remove(path);
  }
  return vectors;
}

}  // namespace notnot
