#include "experiments/train_vectors.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

#include "engine/files.h"
#include "engine/text.h"
#include "kernels/error.h"

namespace notnot {
namespace {

/// Runs a program found on PATH, its output in `log`. Its exit status, or -1 with errno set when it cannot be started.
int run_program(std::vector<std::string> arguments, const std::filesystem::path& log) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  pid_t child = 0;
  const int error = posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  errno = error;
  if (error != 0) return -1;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

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
                    shown(std::string_view(output).substr(output.size() - std::min<size_t>(output.size(), 40)))));
  }
  WordVectors vectors = load_word_vectors(result.string() + ".vec", writer.vocabulary());
  for (const auto& path :
       {texts, log, std::filesystem::path(result.string() + ".vec"), std::filesystem::path(result.string() + ".bin")}) {
    std::filesystem::remove(path);
  }
  return vectors;
}

}  // namespace notnot
