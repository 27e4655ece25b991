// The bidirectional LSTM layer with its input side: notnot's kernels against cuDNN's LSTM with each of its algorithms,
// on the same batch of 32 texts. First it checks that both compute the same, then it times the layer. See `cudnn_race
// --help`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "bench/lstm_race.h"
#include "engine/device/open_device.h"
#include "engine/io/input_error.h"
#include "engine/io/version.h"

namespace notnot::bench {
namespace {

struct Options {
  std::string device = "cuda", workload = "all", json;
  int repeats = 20;
};

bool run(const Options& options) {
  const OpenDevice device(options.device, 1);
  if (device.get().backend != Backend::cuda) throw InputError("cuDNN has no CPU version; give --device cuda");
  fmt::print("notnot {} against cuDNN {} on {}; one batch of 32 texts, microseconds\n", version(), cudnn_version(),
             device.description());
  fmt::print("{:<6} {:<35} {:>9} {:>10} {:>10} {:>8} {:>8}\n", "batch", "", "error", "evaluation", "training", "x",
             "x");
  bool passed = true;
  ResultFile results(options.json, device, "rows", {{"cudnn", cudnn_version()}});
  for (const Workload& workload : {sst_workload(), imdb_workload()}) {
    if (options.workload != "all" && CLI::detail::to_lower(workload.name) != options.workload) continue;
    passed = race<CudnnLstm>(device.get(), workload, cudnn_variants(), options.repeats, results) && passed;
  }
  fmt::print(
      "x: how many times as long cuDNN takes. Padded: another function backwards in time, so only the states of the "
      "forward direction are compared.\n");
  return passed;
}

}  // namespace
}  // namespace notnot::bench

int main(int argc, char** argv) {
  notnot::bench::Options options;
  CLI::App app("Races notnot's LSTM layer against cuDNN's, called directly with each of its algorithms.");
  app.add_option("--device", options.device, "cuda or cuda:N")->capture_default_str();
  app.add_option("--workload", options.workload, "the data set whose training step gives the batch")
      ->check(CLI::IsMember({"sst", "imdb", "all"}))
      ->capture_default_str();
  app.add_option("--repeats", options.repeats, "timed runs of each")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--json", options.json, "also write the results to this JSON file");
  CLI11_PARSE(app, argc, argv);
  try {
    return notnot::bench::run(options) ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "cudnn_race: {}\n", error.what());
    return 2;
  }
}
