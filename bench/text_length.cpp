// Seconds of a text against its number of words: leave-one-out from stored states and by reruns, and the exact
// adversary. See `text_length --help`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "bench/exact_adversary_lengths.h"
#include "bench/leave_one_out_lengths.h"
#include "bench/series_figure.h"
#include "engine/io/files.h"
#include "engine/io/version.h"

namespace notnot::bench {
namespace {

struct Options {
  std::string device = "auto", csv, plot;
  std::vector<int32_t> words = {10, 20, 50, 100, 200, 400};
  int threads = 1, rounds = 3;
  int64_t pairs = 100'000;
};

/// So many texts that their pairs of words are at least `pairs`.
int32_t texts_for(int64_t pairs, int64_t words) {
  return static_cast<int32_t>(std::clamp<int64_t>(pairs / (words * (words - 1)), 1, 1000));
}

/// Seconds of a text.
struct TextTimes {
  int32_t words = 0;
  LengthTime leave_one_out;
  double records = 0, all_pairs = 0, worst = 0;  ///< of the exact adversary
};

TextTimes measure(const Device& device, int32_t words, const Options& options) {
  const int32_t texts = texts_for(options.pairs, words);
  const auto exact = [&](ExactSeries series) {
    return exact_adversary_times(device, series, {words}, std::min(texts, 32), options.rounds)[0].seconds;
  };
  return {.words = words,
          .leave_one_out = leave_one_out_time(device, words, texts, options.rounds),
          .records = exact(ExactSeries::records),
          .all_pairs = exact(ExactSeries::all_pairs),
          .worst = exact(ExactSeries::worst_records)};
}

void print(const TextTimes& times, const Options& options) {
  const LengthTime& time = times.leave_one_out;
  fmt::print("{:>6} {:>6} {:>12.4g} {:>12.4g} {:>6.2f} {:>9.1f} {:>12.2g} {:>12.3g} {:>12.3g} {:>12.3g}\n", times.words,
             texts_for(options.pairs, times.words), time.stored_seconds, time.rerun_seconds,
             time.rerun_seconds / time.stored_seconds, 1e-9 * time.flop / time.stored_seconds, time.difference,
             times.records, times.all_pairs, times.worst);
  std::fflush(stdout);
}

std::string csv_line(const TextTimes& times) {
  return fmt::format("{},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g}\n", times.words, times.leave_one_out.stored_seconds,
                     times.leave_one_out.rerun_seconds, times.records, times.all_pairs, times.worst);
}

/// Writes `text_length.svg`: milliseconds of a text.
void draw(const std::vector<TextTimes>& all, const std::string& hardware, const std::filesystem::path& folder) {
  SeriesFigure figure{.title = hardware + ": explanations",
                      .x_label = "words of the text",
                      .y_label = "ms a text",
                      .logarithmic_y = true};
  const auto add = [&](const char* name, const Look& look, const auto& seconds) {
    Series series{.name = name, .look = look, .points = {}};
    for (const TextTimes& times : all) {
      const double y = 1e3 * seconds(times);
      series.points.push_back({static_cast<double>(times.words), y, y, y});
    }
    figure.series.push_back(series);
  };
  for (const TextTimes& times : all) figure.tics.push_back(times.words);
  add("leave-one-out, rerun", {kOrange, Mark::square, 0.8, true},
      [](auto& t) { return t.leave_one_out.rerun_seconds; });
  add("leave-one-out, stored", {kBlue, Mark::circle, 0.8, true},
      [](auto& t) { return t.leave_one_out.stored_seconds; });
  add("exact adversary, all pairs", {kVermillion, Mark::triangle, 0.9, true}, [](auto& t) { return t.all_pairs; });
  add("exact adversary, records", {kGreen, Mark::diamond, 1, true}, [](auto& t) { return t.records; });
  draw_series(figure, folder / "text_length.svg");
}

void run(const Options& options) {
  const OpenDevice device(options.device, options.threads);
  const std::string name = hardware(device, options.threads);
  fmt::print("notnot {} on {}: seconds of a text\n", version(), name);
  std::string csv = "words,leave_one_out,rerun,exact_adversary,exact_adversary_all_pairs,exact_adversary_worst\n";
  fmt::print("{:>6} {:>6} {:>12} {:>12} {:>6} {:>9} {:>12} {:>12} {:>12} {:>12}\n", "words", "texts", "stored", "rerun",
             "ratio", "GFLOP/s", "difference", "exact", "all pairs", "worst");
  std::vector<TextTimes> all;
  for (const int32_t words : options.words) {
    all.push_back(measure(device.get(), words, options));
    print(all.back(), options);
    csv += csv_line(all.back());
    if (!options.csv.empty()) write_atomically(options.csv, csv);
  }
  if (!options.plot.empty()) draw(all, name, options.plot);
}

}  // namespace
}  // namespace notnot::bench

int main(int argc, char** argv) {
  notnot::bench::Options options;
  CLI::App app("TextTimes explanations of made-up texts against the texts' length, in the base model's sizes.");
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
  app.add_option("--plot", options.plot, "draw text_length.svg into this folder")->check(CLI::ExistingDirectory);
  CLI11_PARSE(app, argc, argv);
  try {
    notnot::bench::run(options);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "text_length: {}\n", error.what());
    return 2;
  }
}
