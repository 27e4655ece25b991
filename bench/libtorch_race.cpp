// notnot against LibTorch on the same batches, in one process: first that both compute the same, then how long a
// training step and an evaluation take, for one model and for fleets. `libtorch_race --help`.
#include <dlfcn.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <thread>

#include "bench/comparison.h"
#include "bench/libtorch_twin.h"
#include "bench/result_file.h"
#include "engine/open_device.h"
#include "engine/random.h"
#include "engine/version.h"
#include "models/attention_classifier.h"

namespace notnot::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

constexpr int32_t kBatch = 32;
constexpr int kEqualSteps = 10;
constexpr double kPositiveWeight = 1.25;
// A loss and a gradient are sums of thousands of products in another order; after ten steps of Adam, each of at most
// 1e-3, a parameter whose gradients are all but 0 may have gone another way for one of them.
constexpr double kLossTolerance = 1e-5, kGradientTolerance = 1e-4, kParameterTolerance = 1e-3;

/// The library beside this program.
const LibtorchLibrary& libtorch() {
  static const LibtorchLibrary* const library = [] {
    const std::filesystem::path path =
        std::filesystem::read_symlink("/proc/self/exe").parent_path() / "libtorch_twin.so";
    void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    if (handle == nullptr) throw InputError(fmt::format("{}; was LibTorch moved since the build?", dlerror()));
    return static_cast<const LibtorchLibrary*>(dlsym(handle, kLibtorchLibrary));
  }();
  return *library;
}

/// The paper's data sets in their sizes (Table 1): mean and longest length, vocabulary.
struct Shape {
  const char* name;
  double mean;
  int32_t longest, vocabulary;
};
constexpr std::array<Shape, 5> kShapes = {{{"sst", 19, 55, 13826},
                                           {"imdb", 179, 400, 12487},
                                           {"agnews", 36, 120, 13715},
                                           {"20news", 115, 500, 6515},
                                           {"diabetes", 1858, 4000, 18888}}};

struct Options {
  std::vector<std::string> shapes = {"sst", "imdb"};
  std::string device = "auto", json;
  std::vector<int> fleet = {1};
  int threads = 1, batches = 20, rounds = 3;
};

/// Made-up texts: lengths log-normal about the mean, words by Zipf's law, as in real ones.
Split make_texts(const Shape& shape, int32_t texts) {
  const Random random(1, Purpose::test_data);
  Split split;
  uint64_t drawn = 0;
  for (int32_t i = 0; i < texts; ++i) {
    const double length = shape.mean * std::exp(0.5 * random.normal(drawn++) - 0.125);
    const int32_t words = std::clamp(static_cast<int32_t>(length), 1, shape.longest);
    split.token_ids.push_back(kStartId);
    for (int32_t n = 0; n < words; ++n) {
      const double rank = std::pow(shape.vocabulary - kFirstWordId, random.uniform(drawn++, 0, 1));
      split.token_ids.push_back(std::min(kFirstWordId - 1 + static_cast<int32_t>(rank), shape.vocabulary - 1));
    }
    split.token_ids.push_back(kEndId);
    split.offsets.push_back(static_cast<int64_t>(split.token_ids.size()));
    split.labels.push_back(i % 2);
    split.rows.push_back(i + 1);
  }
  return split;
}

/// Everything that both sides of the race share.
struct Track {
  Shape shape;
  ModelOptions model;
  Split texts;
  std::vector<HostBatch> batches;
  ModelCapacity capacity;
  std::vector<float> start;

  Track(const Shape& its_shape, int count) : shape(its_shape), texts(make_texts(its_shape, kBatch * count)) {
    model.vocabulary = shape.vocabulary;
    const auto order = training_batches(texts, kBatch, 10, 1);
    for (const auto& indices : order) batches.push_back(assemble_batch(texts, indices, model.vocabulary));
    capacity.training = training_capacity(texts, kBatch, model.vocabulary);
    capacity.evaluation = capacity.training;
    capacity.steps = 1'000'000;
    start = initial_parameters(ParameterLayout(model), 10, {});
  }
  int64_t tokens() const { return static_cast<int64_t>(texts.token_ids.size()); }
};

std::unique_ptr<LibtorchTwin> make_theirs(const Track& track, SequenceLayout sequences, const Options& options) {
  const bool cuda = OpenDevice(options.device, 1).get().backend == Backend::cuda;
  return std::unique_ptr<LibtorchTwin>(libtorch().make({.model = track.model,
                                                        .parameters = ParameterLayout(track.model).parameters(),
                                                        .start = track.start,
                                                        .sequences = sequences,
                                                        .device = cuda ? "cuda" : "cpu",
                                                        .threads = options.threads}));
}

AttentionClassifier make_ours(const Track& track, const Device& device) {
  AttentionClassifier model(device, track.model, track.capacity);
  model.allocate();
  model.set_parameters(track.start);
  return model;
}

// --- equality

struct Errors {
  double loss = 0, gradient = 0, parameter = 0;
  bool passed() const {
    return loss <= kLossTolerance && gradient <= kGradientTolerance && parameter <= kParameterTolerance;
  }
};

/// Ten steps of both from the same start.
Errors compare(const Track& track, const Device& device, const Options& options) {
  AttentionClassifier ours = make_ours(track, device);
  const auto theirs = make_theirs(track, SequenceLayout::packed, options);
  Errors errors;
  for (int step = 0; step < kEqualSteps; ++step) {
    const HostBatch& batch = track.batches[static_cast<size_t>(step) % track.batches.size()];
    const double a = ours.compute_gradients(batch, {.positive_weight = kPositiveWeight});
    const double b = theirs->compute_gradients(batch, kPositiveWeight);
    const double loss = std::abs(a - b) / std::abs(b);
    if (!(loss <= errors.loss)) errors.loss = loss;
    if (step == 0) errors.gradient = relative_difference(ours.gradients(), theirs->gradients());
    ours.apply_gradients();
    theirs->apply_gradients();
  }
  errors.parameter = largest_difference(ours.parameters(), theirs->parameters());
  return errors;
}

// --- times

struct Times {
  std::vector<double> seconds;  ///< per round: all batches

  double median() const {
    std::vector<double> sorted = seconds;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
  }
  double fastest() const { return *std::min_element(seconds.begin(), seconds.end()); }
  double slowest() const { return *std::max_element(seconds.begin(), seconds.end()); }
};

/// One round warms up.
template <class Round>
Times time_rounds(int rounds, Round round) {
  round();
  Times times;
  for (int i = 0; i < rounds; ++i) {
    const auto begin = Clock::now();
    round();
    times.seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
  }
  return times;
}

void train_round(const Track& track, AttentionClassifier& model) {
  for (const HostBatch& batch : track.batches) {
    model.compute_gradients(batch, {.positive_weight = kPositiveWeight});
    model.apply_gradients();
  }
}

void train_round(const Track& track, LibtorchTwin& model) {
  for (const HostBatch& batch : track.batches) {
    model.compute_gradients(batch, kPositiveWeight);
    model.apply_gradients();
  }
}

/// `models` of ours side by side, each on a device context and a share of the threads of its own.
Times time_fleet(const Track& track, const Options& options, int models) {
  const int workers = std::min(models, options.threads);
  const bool cuda = OpenDevice(options.device, 1).get().backend == Backend::cuda;
  const int side_by_side = cuda ? models : workers;
  std::vector<OpenDevice> devices;
  std::vector<AttentionClassifier> fleet;
  for (int i = 0; i < models; ++i) {
    devices.emplace_back(options.device, std::max(1, options.threads / side_by_side));
    fleet.push_back(make_ours(track, devices.back().get()));
  }
  return time_rounds(options.rounds, [&] {
    std::vector<std::jthread> threads;
    for (int worker = 0; worker < side_by_side; ++worker) {
      threads.emplace_back([&, worker] {
        for (int i = worker; i < models; i += side_by_side) train_round(track, fleet[static_cast<size_t>(i)]);
      });
    }
  });
}

struct Row {
  std::string shape, what;
  int models = 1;
  Times ours, packed, padded;
};

double step_milliseconds(const Track& track, const Times& times) {
  return 1e3 * times.median() / static_cast<double>(track.batches.size());
}

void print(const Track& track, const Row& row, const Errors& errors) {
  const double packed = row.models * row.packed.median() / row.ours.median();
  const double padded = row.models * row.padded.median() / row.ours.median();
  fmt::print("{:<9} {:<10} {:>3} {:>10.2f} {:>16} {:>10.2f} {:>10.2f} {:>8.2f} {:>8.2f}  {}\n", row.shape, row.what,
             row.models, step_milliseconds(track, row.ours),
             fmt::format("{:.2f}..{:.2f}", 1e3 * row.ours.fastest() / static_cast<double>(track.batches.size()),
                         1e3 * row.ours.slowest() / static_cast<double>(track.batches.size())),
             step_milliseconds(track, row.packed), step_milliseconds(track, row.padded), packed, padded,
             errors.passed() ? "PASS" : "FAIL");
  std::fflush(stdout);
}

Json as_json(const Row& row, const Track& track, const Errors& errors) {
  return {{"shape", row.shape},
          {"what", row.what},
          {"models", row.models},
          {"batches", track.batches.size()},
          {"tokens", track.tokens()},
          {"ours_seconds", row.ours.seconds},
          {"packed_seconds", row.packed.seconds},
          {"padded_seconds", row.padded.seconds},
          {"loss_error", errors.loss},
          {"gradient_error", errors.gradient},
          {"parameter_error", errors.parameter},
          {"ok", errors.passed()}};
}

/// One shape; false when the two do not compute the same.
bool race(const Shape& shape, const Options& options, Json& rows) {
  const Track track(shape, options.batches);
  const OpenDevice device(options.device, options.threads);
  const Errors errors = compare(track, device.get(), options);
  fmt::print("{:<9} loss {:.1e}, gradient {:.1e}, parameters after {} steps {:.1e}: {}\n", shape.name, errors.loss,
             errors.gradient, kEqualSteps, errors.parameter, errors.passed() ? "equal" : "NOT EQUAL");
  const auto packed = make_theirs(track, SequenceLayout::packed, options),
             padded = make_theirs(track, SequenceLayout::padded, options);
  Row step{.shape = shape.name, .what = "step", .ours = {}, .packed = {}, .padded = {}};
  step.packed = time_rounds(options.rounds, [&] { train_round(track, *packed); });
  step.padded = time_rounds(options.rounds, [&] { train_round(track, *padded); });
  for (const int models : options.fleet) {
    step.models = models;
    step.ours = time_fleet(track, options, models);
    print(track, step, errors);
    rows.push_back(as_json(step, track, errors));
  }
  AttentionClassifier ours = make_ours(track, device.get());
  const auto evaluate = [&](auto&& predict) {
    return time_rounds(options.rounds, [&] {
      for (const HostBatch& batch : track.batches) predict(batch);
    });
  };
  const Row evaluation{.shape = shape.name,
                       .what = "evaluation",
                       .ours = evaluate([&](const HostBatch& batch) { ours.predict(batch); }),
                       .packed = evaluate([&](const HostBatch& batch) { packed->probabilities(batch); }),
                       .padded = evaluate([&](const HostBatch& batch) { padded->probabilities(batch); })};
  print(track, evaluation, errors);
  rows.push_back(as_json(evaluation, track, errors));
  return errors.passed();
}

bool run(const Options& options) {
  const OpenDevice device(options.device, options.threads);
  fmt::print("notnot {} against LibTorch {} on {}, {} thread(s); batches of {}\n", version(), libtorch().version(),
             device.description(), options.threads, kBatch);
  fmt::print("{:<9} {:<10} {:>3} {:>10} {:>16} {:>10} {:>10} {:>8} {:>8}\n", "shape", "what", "M", "ours ms",
             "fastest..slowest", "packed ms", "padded ms", "packed x", "padded x");
  bool passed = true;
  Json rows = Json::array();
  for (const Shape& shape : kShapes) {
    if (std::find(options.shapes.begin(), options.shapes.end(), shape.name) == options.shapes.end()) continue;
    passed = race(shape, options, rows) && passed;
  }
  fmt::print(
      "ms: per batch, of LibTorch for one model. x: how many times as long LibTorch takes for M models, one after "
      "another.\n");
  write_results(options.json, device,
                {{"libtorch", libtorch().version()}, {"threads", options.threads}, {"rows", rows}});
  return passed;
}

}  // namespace
}  // namespace notnot::bench

int main(int argc, char** argv) {
  notnot::bench::Options options;
  CLI::App app("Races notnot's training step and evaluation against LibTorch's on the same batches.");
  app.add_option("--shapes", options.shapes, "of sst, imdb, agnews, 20news, diabetes: made-up texts of their sizes")
      ->delimiter(',')
      ->check(CLI::IsMember({"sst", "imdb", "agnews", "20news", "diabetes"}))
      ->capture_default_str();
  app.add_option("--device", options.device, "auto, cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--threads", options.threads, "CPU threads, of both")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--fleet", options.fleet, "models of ours at once")
      ->delimiter(',')
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--batches", options.batches, "batches in a round")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--rounds", options.rounds, "timed rounds")->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--json", options.json, "write the results to this file, too");
  CLI11_PARSE(app, argc, argv);
  try {
    return notnot::bench::run(options) ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "libtorch_race: {}\n", error.what());
    return 2;
  }
}
