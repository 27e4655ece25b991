// Seconds of a text against its number of words: leave-one-out from stored states and by reruns, and the exact
// adversary. See `text_length --help`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>

#include "bench/exact_adversary_lengths.h"
#include "bench/leave_one_out_lengths.h"
#include "engine/device/open_device.h"
#include "engine/io/files.h"
#include "engine/io/version.h"

namespace notnot::bench {
namespace {

struct Options {
  std::string device = "auto", csv;
  std::vector<int32_t> words = {10, 20, 50, 100, 200, 400};
  int threads = 1, rounds = 3;
  int64_t pairs = 100'000;
};

/// So many texts that their pairs of words are at least `pairs`.
int32_t texts_for(int64_t pairs, int64_t words) {
  return static_cast<int32_t>(std::clamp<int64_t>(pairs / (words * (words - 1)), 1, 1000));
}

void run(const Options& options) {
  const OpenDevice device(options.device, options.threads);
  fmt::print("notnot {} on {}, {} thread(s): seconds of a text\n", version(), device.description(), options.threads);
  std::string csv = "words,leave_one_out,rerun,exact_adversary,exact_adversary_all_pairs,exact_adversary_worst\n";
  fmt::print("{:>6} {:>6} {:>12} {:>12} {:>6} {:>9} {:>12} {:>12} {:>12} {:>12}\n", "words", "texts", "stored", "rerun",
             "ratio", "GFLOP/s", "difference", "exact", "all pairs", "worst");
  for (const int32_t words : options.words) {
    const int32_t texts = texts_for(options.pairs, words);
    const LengthTime time = leave_one_out_time(device.get(), words, texts, options.rounds);
    const auto exact = [&](ExactSeries series) {
      return exact_adversary_times(device.get(), series, {words}, std::min(texts, 32), options.rounds)[0].seconds;
    };
    const double records = exact(ExactSeries::records), all = exact(ExactSeries::all_pairs),
                 worst = exact(ExactSeries::worst_records);
    fmt::print("{:>6} {:>6} {:>12.4g} {:>12.4g} {:>6.2f} {:>9.1f} {:>12.2g} {:>12.3g} {:>12.3g} {:>12.3g}\n", words,
               texts, time.stored_seconds, time.rerun_seconds, time.rerun_seconds / time.stored_seconds,
               1e-9 * time.flop / time.stored_seconds, time.difference, records, all, worst);
    std::fflush(stdout);
    csv += fmt::format("{},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g}\n", words, time.stored_seconds, time.rerun_seconds,
                       records, all, worst);
    if (!options.csv.empty()) write_atomically(options.csv, csv);
  }
}

}  // namespace
}  // namespace notnot::bench

int main(int argc, char** argv) {
  notnot::bench::Options options;
  CLI::App app("Times explanations of made-up texts against the texts' length, in the base model's sizes.");
  app.add_option("--device", options.device, "auto, cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--threads", options.threads, "CPU threads")->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--words", options.words, "words of a text, at least 2")
      ->delimiter(',')
      ->check(CLI::Range(2, 10'000))
      ->capture_default_str();
  app.add_option("--rounds", options.rounds, "rounds, of which the median counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--pairs", options.pairs, "pairs of words of all texts of a length, about")
      ->check(CLI::Range(1, 1'000'000'000))
      ->capture_default_str();
  app.add_option("--csv", options.csv, "writes the times to this file");
  CLI11_PARSE(app, argc, argv);
  try {
    notnot::bench::run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
  return 0;
}
