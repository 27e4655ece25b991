// How speed and memory of training and evaluation grow with the length of the texts, the batch, the number of models
// and the vocabulary. In a sweep one of these sizes varies, and the others stay. See `growth --help`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "bench/growth_figures.h"
#include "bench/result_file.h"
#include "bench/series_figure.h"
#include "models/training.h"

namespace notnot::bench {
namespace {

using Json = nlohmann::json;

constexpr double kMebibyte = 1 << 20;

const std::vector<Sweep> kSweeps = {
    {"tokens", "words per text", &GrowthSizes::tokens, {20, 50, 100, 200, 500, 1000, 2000, 4000}},
    {"batch", "texts per batch", &GrowthSizes::batch, {1, 2, 4, 8, 16, 32, 64, 128, 256}},
    {"models", "models side by side", &GrowthSizes::models, {1, 2, 4, 8, 16}},
    {"vocabulary",
     "words of the vocabulary",
     &GrowthSizes::vocabulary,
     {1000, 3000, 10'000, 30'000, 100'000, 200'000}}};

struct Options {
  std::string device = "auto", sweep, json, plot;
  std::vector<int32_t> points;
  int threads = 1, rounds = 5;
  int64_t round_tokens = 20'000;
};

GrowthPoint measure(const GrowthSizes& sizes, const OpenDevice& device, const Options& options) {
  const int64_t batch_tokens = int64_t{sizes.batch} * (sizes.tokens + 2);
  const auto batches = static_cast<int32_t>((options.round_tokens + batch_tokens - 1) / batch_tokens);
  const Track track(
      {.mean = static_cast<double>(sizes.tokens), .longest = sizes.tokens, .vocabulary = sizes.vocabulary}, sizes.batch,
      batches, options.rounds + kSameBatchesWarmUp);
  const int64_t before = memory_in_use(device.get());
  Fleet fleet(track, options.device, options.threads, sizes.models);
  GrowthPoint point{.sizes = sizes,
                    .tokens = sizes.models * track.tokens(),
                    .training = {},
                    .evaluation = {},
                    .table_bytes = fleet.table_bytes(),
                    .at_most_bytes = fleet.table_bytes_at_most()};
  point.training =
      fleet.time(options.rounds, kSameBatchesWarmUp, [&](auto& model, int) { train_batches(track, model); });
  point.evaluation = fleet.time(options.rounds, 1, [&](auto& model, int) { evaluate(track, model); });
  point.measured_bytes = memory_in_use(device.get()) - before;
  return point;
}

void print(int32_t value, const GrowthPoint& point) {
  const auto range = [&](const Times& times) {
    return fmt::format("{:.0f}..{:.0f}", point.speed(times.slowest()), point.speed(times.fastest()));
  };
  fmt::print("{:>10} {:>12.0f} {:>20} {:>12.0f} {:>20} {:>10.1f} {:>13.1f}\n", value,
             point.speed(point.training.median()), range(point.training), point.speed(point.evaluation.median()),
             range(point.evaluation), static_cast<double>(point.table_bytes) / kMebibyte,
             static_cast<double>(point.measured_bytes) / kMebibyte);
  std::fflush(stdout);
}

Json as_json(const Sweep& sweep, const GrowthPoint& point) {
  return {{"sweep", sweep.name},
          {"words_per_text", point.sizes.tokens},
          {"batch", point.sizes.batch},
          {"models", point.sizes.models},
          {"vocabulary", point.sizes.vocabulary},
          {"tokens", point.tokens},
          {"training_seconds", point.training.seconds},
          {"training_tokens_per_second", point.speed(point.training.median())},
          {"evaluation_seconds", point.evaluation.seconds},
          {"evaluation_tokens_per_second", point.speed(point.evaluation.median())},
          {"memory_table_bytes", point.table_bytes},
          {"at_most_bytes", point.at_most_bytes},
          {"measured_bytes", point.measured_bytes}};
}

/// The sweeps that the options ask for.
std::vector<Sweep> chosen(const Options& options) {
  std::vector<Sweep> sweeps;
  for (const Sweep& sweep : kSweeps) {
    if (options.sweep.empty() || options.sweep == sweep.name) sweeps.push_back(sweep);
  }
  if (!options.points.empty()) sweeps.front().values = options.points;
  return sweeps;
}

void run(const Options& options) {
  const OpenDevice device(options.device, options.threads);
  const std::string name = hardware(device, options.threads);
  fmt::print("notnot {} on {}\n", version(), name);
  // The first launches load code, whose memory no point must count.
  Options small = options;
  small.rounds = 1;
  small.round_tokens = 1;
  measure({.tokens = 1, .batch = 1, .vocabulary = 100}, device, small);
  ResultFile results(options.json, device, "points", {{"hardware", name}, {"threads", options.threads}});
  const std::vector<Sweep> sweeps = chosen(options);
  std::vector<std::vector<GrowthPoint>> measured;
  for (const Sweep& sweep : sweeps) {
    fmt::print("\n{:>10} {:>12} {:>20} {:>12} {:>20} {:>10} {:>13}\n", sweep.name, "training", "slowest..fastest",
               "evaluation", "slowest..fastest", "table MiB", "measured MiB");
    std::vector<GrowthPoint>& points = measured.emplace_back();
    for (const int32_t value : sweep.values) {
      GrowthSizes sizes;
      sizes.*sweep.size = value;
      points.push_back(measure(sizes, device, options));
      print(value, points.back());
      results.add(as_json(sweep, points.back()));
    }
  }
  fmt::print("\nSpeeds in tokens/s: median of {} rounds of at least {} tokens.\n", options.rounds,
             options.round_tokens);
  if (device.get().backend == Backend::cuda) {
    fmt::print(
        "Table: of each model its arrays, the workspaces of its matrix products, and its captured steps (graphs), of "
        "which only\nan estimate of the most is known. Measured: what the device's free memory lost, so also the code "
        "that CUDA loads at a\nkernel's first launch, and what other processes took meanwhile.\n");
  }
  if (options.plot.empty()) return;
  for (size_t i = 0; i < sweeps.size(); ++i) draw_growth(sweeps[i], measured[i], name, options.plot);
}

}  // namespace
}  // namespace notnot::bench

int main(int argc, char** argv) {
  notnot::bench::Options options;
  CLI::App app("Measures how speed and memory grow with texts, batch, models and vocabulary, on made-up texts.");
  app.add_option("--device", options.device, "auto, cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--threads", options.threads, "CPU threads")->check(CLI::Range(1, 1024))->capture_default_str();
  CLI::Option* sweep = app.add_option("--sweep", options.sweep, "only this sweep: tokens, batch, models or vocabulary")
                           ->check(CLI::IsMember({"tokens", "batch", "models", "vocabulary"}));
  app.add_option("--points", options.points, "sizes to measure in the sweep, instead of its own")
      ->delimiter(',')
      ->check(CLI::Range(1, 10'000'000))
      ->needs(sweep);
  app.add_option("--rounds", options.rounds, "timed rounds of each point")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--round-tokens", options.round_tokens, "tokens that a round's batches hold at least")
      ->check(CLI::Range(1, 1'000'000'000))
      ->capture_default_str();
  app.add_option("--plot", options.plot, "draw the figures into this folder")->check(CLI::ExistingDirectory);
  app.add_option("--json", options.json, "also write the results to this JSON file");
  CLI11_PARSE(app, argc, argv);
  try {
    notnot::bench::run(options);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "growth: {}\n", error.what());
    return 2;
  }
}
