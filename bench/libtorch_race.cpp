// notnot against LibTorch on the same batches, in one process. First it checks that both compute the same, then it
// times training steps, an epoch and an evaluation, for one model and for several at once. See `libtorch_race --help`.
#include <dlfcn.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "bench/comparison.h"
#include "bench/libtorch_twin.h"
#include "bench/result_file.h"
#include "bench/track.h"
#include "engine/io/input_error.h"
#include "models/training.h"

namespace notnot::bench {
namespace {

using Json = nlohmann::json;

constexpr int32_t kBatch = 32;
constexpr size_t kEqualSteps = 10;

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

/// Texts of the sizes of the paper's data sets (Table 1).
struct Shape {
  const char* name;
  TextShape texts;
};
const std::array<Shape, 5> kShapes = {
    {{"sst", {.mean = 19, .spread = 0.5, .longest = 55, .vocabulary = 13826}},
     {"imdb", {.mean = 179, .spread = 0.5, .longest = 400, .vocabulary = 12487}},
     {"agnews", {.mean = 36, .spread = 0.5, .longest = 120, .vocabulary = 13715}},
     {"20news", {.mean = 115, .spread = 0.5, .longest = 500, .vocabulary = 6515}},
     {"diabetes", {.mean = 1858, .spread = 0.5, .longest = 4000, .vocabulary = 18888}}}};

struct Options {
  std::vector<std::string> shapes = {"sst", "imdb"}, what = {"step", "epoch", "evaluation"};
  std::string device = "auto", json;
  std::vector<int> fleet;
  int threads = 1, batches = 20, rounds = 3;
};

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool on_cuda(const Options& options) { return OpenDevice(options.device, 1).get().backend == Backend::cuda; }

std::unique_ptr<LibtorchTwin> make_theirs(const Track& track, SequenceLayout sequences, const Options& options) {
  return std::unique_ptr<LibtorchTwin>(libtorch().make({.model = track.model,
                                                        .parameters = ParameterLayout(track.model).parameters(),
                                                        .start = track.start,
                                                        .sequences = sequences,
                                                        .device = on_cuda(options) ? "cuda" : "cpu",
                                                        .threads = options.threads}));
}

// --- LibTorch's work, as in the authors' code ------------------------------------------------------------------------

void train_batches(const Track& track, LibtorchTwin& model) {
  for (const HostBatch& batch : track.batches) model.train_step(batch, kPositiveWeight);
}

void train_epoch(const Track& track, LibtorchTwin& model, uint64_t seed, int32_t epoch) {
  for (const auto& indices : training_batches(track.texts, kBatch, seed, epoch)) {
    model.train_step(assemble_batch(track.texts, indices, track.model.vocabulary), kPositiveWeight);
  }
}

/// Probabilities of all texts, in batches of 32 of similar length.
std::vector<float> evaluate(const Track& track, LibtorchTwin& model) {
  std::vector<int32_t> order(track.texts.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return track.texts.length(a) < track.texts.length(b); });
  std::vector<float> probabilities(order.size());
  for (auto text = order.begin(); text < order.end(); text += kBatch) {
    const HostBatch batch = assemble_batch(track.texts, {text, text + kBatch}, track.model.vocabulary);
    const std::vector<float> values = model.probabilities(batch);
    for (size_t i = 0; i < values.size(); ++i) probabilities[batch.texts[i]] = values[i];
  }
  return probabilities;
}

// --- equality --------------------------------------------------------------------------------------------------------

/// The differences of both sides, and the largest that pass.
struct Errors {
  double loss = 0, gradient = 0, parameter = 0, probability = 0;
  double gradient_tolerance = 0;

  // The part of the differences below that remains in a sum over a batch's texts, through ten steps at most.
  static constexpr double kLossTolerance = 1e-5;
  // A step moves a parameter by 1e-3 at most. A parameter whose gradient is nearly 0 may move in the other direction
  // once.
  static constexpr double kParameterTolerance = 1e-3;
  static constexpr double kProbabilityTolerance = 1e-5;

  bool trains_alike() const {
    return loss <= kLossTolerance && gradient <= gradient_tolerance && parameter <= kParameterTolerance;
  }
  bool predicts_alike() const { return probability <= kProbabilityTolerance; }
};

/// The largest difference of a gradient that passes, relative to its largest element. A gradient is a sum over the
/// batch's N tokens of products whose factors are sums of E + H products; in another order a sum of n terms differs by
/// some sqrt(n) roundings.
double gradient_tolerance(const Track& track) {
  constexpr double kSome = 4;
  double tokens = 0;
  for (const HostBatch& batch : track.batches) tokens = std::max<double>(tokens, batch.tokens());
  return kSome * (std::sqrt(tokens) + std::sqrt(track.model.embed + track.model.hidden)) *
         double{std::numeric_limits<float>::epsilon()} / 2;
}

/// On long texts a packed step of LibTorch takes minutes, so a few batches must suffice.
size_t equal_steps(const Track& track) { return std::min(kEqualSteps, track.batches.size()); }

/// Compares a prediction and some steps of both from the same start.
Errors compare(const Track& track, const Device& device, LibtorchTwin& theirs) {
  AttentionClassifier ours = make_model(track, device);
  Errors errors{.gradient_tolerance = gradient_tolerance(track)};
  errors.probability =
      largest_difference(predict_split(ours, track.texts, kPositiveWeight).probability, evaluate(track, theirs));
  for (size_t step = 0; step < equal_steps(track); ++step) {
    const HostBatch& batch = track.batches[step];
    const double a = ours.compute_gradients(batch, {.positive_weight = kPositiveWeight});
    const double b = theirs.compute_gradients(batch, kPositiveWeight);
    const double loss = std::abs(a - b) / std::abs(b);
    if (!(loss <= errors.loss)) errors.loss = loss;
    if (step == 0) errors.gradient = relative_difference(ours.gradients(), theirs.gradients());
    ours.apply_gradients();
    theirs.apply_gradients();
  }
  errors.parameter = largest_difference(ours.parameters(), theirs.parameters());
  return errors;
}

// --- the race --------------------------------------------------------------------------------------------------------

/// Work that both sides do, and that is timed.
struct Discipline {
  std::string what;
  std::function<void(AttentionClassifier&, int)> ours;  ///< with the model's number in its fleet
  std::function<void(LibtorchTwin&)> theirs;
  std::function<double(int models)> floor;  ///< seconds
  int cuda_warm_up = 1;                     ///< our rounds before the timed ones, on CUDA
  int parts = 1;                            ///< a round has so many; the table shows the milliseconds of one
  double error = 0;
  bool passed = false;
};

std::vector<Discipline> disciplines(const Track& track, const Limits& limits, const Errors& errors) {
  const auto batches = static_cast<int>(track.batches.size());
  const auto training = [&track, &limits](int models) { return training_floor(track, limits, models); };
  return {{.what = "step",
           .ours = [&track](AttentionClassifier& model, int) { train_batches(track, model); },
           .theirs = [&track](LibtorchTwin& model) { train_batches(track, model); },
           .floor = training,
           .cuda_warm_up = kSameBatchesWarmUp,
           .parts = batches,
           .error = errors.gradient,
           .passed = errors.trains_alike()},
          {.what = "epoch",
           .ours =
               [&track, batches](AttentionClassifier& model, int number) {
                 train_epoch(track, model, number, 1 + static_cast<int32_t>(model.step()) / batches);
               },
           .theirs = [&track, epoch = 0](LibtorchTwin& model) mutable { train_epoch(track, model, 0, ++epoch); },
           .floor = training,
           .cuda_warm_up = kEpochWarmUp,
           .error = errors.gradient,
           .passed = errors.trains_alike()},
          {.what = "evaluation",
           .ours = [&track](AttentionClassifier& model, int) { evaluate(track, model); },
           .theirs = [&track](LibtorchTwin& model) { evaluate(track, model); },
           .floor = [&track, &limits](int models) { return evaluation_floor(track, limits, models); },
           .error = errors.probability,
           .passed = errors.predicts_alike()}};
}

struct Row {
  const Discipline& discipline;
  std::string shape;
  int models = 1;
  int32_t texts = 0;
  std::string packed_optimiser, padded_optimiser;
  Times ours, packed, padded;

  double floor_share() const { return discipline.floor(models) / ours.median(); }
  /// LibTorch's time for all models, one after another, over ours.
  double ratio(const Times& theirs) const { return models * theirs.median() / ours.median(); }
};

void print_header() {
  fmt::print("{:<9} {:<10} {:>3} {:>9} {:>17} {:>9} {:>6} {:>10} {:>6} {:>10} {:>6} {:>8}\n", "shape", "what", "M",
             "ours ms", "fastest..slowest", "texts/s", "floor", "packed ms", "ratio", "padded ms", "ratio", "error");
}

void print(const Row& row) {
  const auto ms = [&](double seconds) { return 1e3 * seconds / row.discipline.parts; };
  fmt::print(
      "{:<9} {:<10} {:>3} {:>9.2f} {:>17} {:>9.0f} {:>4.0f} % {:>10.2f} {:>6.2f} {:>10.2f} {:>6.2f} {:>8.1e} {}\n",
      row.shape, row.discipline.what, row.models, ms(row.ours.median()),
      fmt::format("{:.2f}..{:.2f}", ms(row.ours.fastest()), ms(row.ours.slowest())),
      row.models * row.texts / row.ours.median(), 100 * row.floor_share(), ms(row.packed.median()),
      row.ratio(row.packed), ms(row.padded.median()), row.ratio(row.padded), row.discipline.error,
      row.discipline.passed ? "PASS" : "FAIL");
  std::fflush(stdout);
}

Json as_json(const Row& row, const Track& track) {
  return {{"shape", row.shape},
          {"what", row.discipline.what},
          {"models", row.models},
          {"texts", row.texts},
          {"batches", track.batches.size()},
          {"tokens", track.tokens()},
          {"ours_seconds", row.ours.seconds},
          {"packed_seconds", row.packed.seconds},
          {"padded_seconds", row.padded.seconds},
          {"packed_optimiser", row.packed_optimiser},
          {"padded_optimiser", row.padded_optimiser},
          {"packed_ratio", row.ratio(row.packed)},
          {"padded_ratio", row.ratio(row.padded)},
          {"floor_seconds", row.discipline.floor(row.models)},
          {"error", row.discipline.error},
          {"ok", row.discipline.passed}};
}

/// Races on one shape. Returns false if the two do not compute the same.
bool race(const Shape& shape, const Limits& limits, const Options& options, ResultFile& results) {
  const Track track(shape.texts, kBatch, options.batches, options.rounds + kEpochWarmUp);
  const OpenDevice device(options.device, options.threads);
  const auto packed = make_theirs(track, SequenceLayout::packed, options),
             padded = make_theirs(track, SequenceLayout::padded, options);
  const Errors errors = compare(track, device.get(), *packed);  // which also warms `packed` up
  padded->train_step(track.batches.front(), kPositiveWeight);
  fmt::print(
      "{:<9} loss {:.1e}, gradient {:.1e} (at most {:.1e}), parameters after {} steps {:.1e}, probability {:.1e}\n",
      shape.name, errors.loss, errors.gradient, errors.gradient_tolerance, equal_steps(track), errors.parameter,
      errors.probability);
  fmt::print("{:<9} packed: {}\n{:<9} padded: {}\n", shape.name, packed->optimiser(), shape.name, padded->optimiser());
  std::fflush(stdout);
  for (const Discipline& discipline : disciplines(track, limits, errors)) {
    if (!contains(options.what, discipline.what)) continue;
    Row row{.discipline = discipline,
            .shape = shape.name,
            .texts = track.texts.size(),
            .packed_optimiser = packed->optimiser(),
            .padded_optimiser = padded->optimiser(),
            .ours = {},
            .packed = {},
            .padded = {}};
    const auto time_theirs = [&](LibtorchTwin& theirs) {
      if (on_cuda(options)) discipline.theirs(theirs);  // cuDNN's plans, and memory for every size
      return time_rounds(options.rounds, [&] { discipline.theirs(theirs); });
    };
    row.packed = time_theirs(*packed);
    row.padded = time_theirs(*padded);
    for (const int models : options.fleet) {
      Fleet fleet(track, options.device, options.threads, models);
      row.models = models;
      row.ours = fleet.time(options.rounds, discipline.cuda_warm_up, discipline.ours);
      print(row);
      results.add(as_json(row, track));
    }
  }
  return errors.trains_alike() && errors.predicts_alike();
}

bool run(Options options) {
  if (options.fleet.empty()) options.fleet = on_cuda(options) ? std::vector{1, 2, 4, 8, 16} : std::vector{1};
  const OpenDevice device(options.device, options.threads);
  const Limits limits = limits_of(device.get());
  fmt::print("notnot {} against LibTorch {} on {}, {} thread(s); batches of {}; floors: {:.3g} GFLOP/s ({})\n",
             version(), libtorch().version(), device.description(), options.threads, kBatch,
             1e-9 * limits.flop_per_second, limits.source);
  print_header();
  bool passed = true;
  ResultFile results(options.json, device, "rows",
                     {{"libtorch", libtorch().version()},
                      {"threads", options.threads},
                      {"limits", limits.source},
                      {"flop_per_second", limits.flop_per_second}});
  for (const Shape& shape : kShapes) {
    if (!contains(options.shapes, shape.name)) continue;
    passed = race(shape, limits, options, results) && passed;
  }
  fmt::print(
      "ms: of a step, of an epoch or an evaluation of all texts; LibTorch's for one model. ratio: how many times as "
      "long LibTorch takes for M models, one after another. error: of the gradients, of the predictions.\n");
  return passed;
}

}  // namespace
}  // namespace notnot::bench

int main(int argc, char** argv) {
  notnot::bench::Options options;
  CLI::App app("Races notnot's training steps, epoch and evaluation against LibTorch's on the same texts.");
  app.add_option("--shapes", options.shapes, "sizes of the made-up texts: those of sst, imdb, agnews, 20news, diabetes")
      ->delimiter(',')
      ->check(CLI::IsMember({"sst", "imdb", "agnews", "20news", "diabetes"}))
      ->capture_default_str();
  app.add_option("--what", options.what, "work to time: step, epoch, evaluation")
      ->delimiter(',')
      ->check(CLI::IsMember({"step", "epoch", "evaluation"}))
      ->capture_default_str();
  app.add_option("--device", options.device, "auto, cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--threads", options.threads, "CPU threads of each side")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--fleet", options.fleet, "numbers of our models at once; default 1, on CUDA 1,2,4,8,16")
      ->delimiter(',')
      ->check(CLI::Range(1, 64));
  app.add_option("--batches", options.batches, "batches in a round; an epoch and an evaluation take their texts")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--rounds", options.rounds, "timed rounds")->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--json", options.json, "also write the results to this JSON file");
  CLI11_PARSE(app, argc, argv);
  try {
    return notnot::bench::run(options) ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "libtorch_race: {}\n", error.what());
    return 2;
  }
}
