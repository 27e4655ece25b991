// The bidirectional LSTM layer, input side included: notnot's kernels against cuDNN's LSTM with each of its algorithms,
// on the same batch of 32 texts. First whether both compute the same, then how long the layer takes. `cudnn_race
// --help`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "bench/comparison.h"
#include "bench/cudnn_lstm.h"
#include "bench/kernel_cases.h"
#include "bench/measuring.h"
#include "bench/result_file.h"
#include "engine/device/open_device.h"
#include "engine/io/input_error.h"
#include "engine/io/version.h"
#include "kernels/bilstm.h"
#include "kernels/token_projection.h"

namespace notnot::bench {
namespace {

using Json = nlohmann::json;
using Array = DeviceArray<float>;

constexpr size_t kFlushBytes = size_t{256} << 20;  // several times the second-level cache
// Sums of hundreds of products in another order, through up to 400 steps; TF32 has 10 bits of mantissa.
constexpr double kTolerance = 1e-4, kTf32Tolerance = 2e-2;

struct Options {
  std::string device = "cuda", workload = "all", json;
  int repeats = 20;
};

LstmTask make_task(const Workload& workload) {
  LstmTask task;
  task.batch = make_ragged(workload.lengths, workload.vocabulary, 1);
  task.vocabulary = workload.vocabulary;
  task.embed = workload.embed;
  task.hidden = workload.hidden;
  const int64_t rows = 8 * workload.hidden;
  const float scale = 1 / std::sqrt(static_cast<float>(workload.hidden));
  task.embedding = random_floats(int64_t{workload.vocabulary} * workload.embed, 2);
  task.weight_ih = random_floats(rows * workload.embed, 3, scale);
  task.weight_hh = random_floats(rows * workload.hidden, 4, scale);
  task.bias_ih = random_floats(rows, 5, scale);
  task.bias_hh = random_floats(rows, 6, scale);
  task.dstates = random_floats(int64_t{task.batch.tokens()} * 2 * workload.hidden, 7);
  return task;
}

/// notnot's side. It also sums the input's gradient over the occurrences of each id, which cuDNN leaves to its caller.
class OurLstm {
 public:
  OurLstm(const Device& device, const LstmTask& task)
      : device_(device),
        task_(task),
        batch_(device, task.batch),
        embedding_(device, task.embedding),
        weight_ih_(device, task.weight_ih),
        weight_transposed_(device, task.embed * weight_stride(width())),
        weight_hh_(device, task.weight_hh),
        bias_ih_(device, task.bias_ih),
        bias_hh_(device, task.bias_hh),
        dstates_(device, task.dstates),
        rows_(device, padded_rows(unique()) * task.embed),
        table_(device, padded_rows(unique()) * width()),
        states_(device, padded_rows(tokens()) * 2 * task.hidden),
        gates_(device, tokens() * width()),
        cells_(device, tokens() * 2 * task.hidden),
        previous_(device, tokens() * 2 * task.hidden),
        dtable_(device, padded_rows(unique()) * width()),
        drows_(device, padded_rows(unique()) * task.embed),
        dweight_ih_(device, std::vector<float>(task.weight_ih.size())),
        dweight_hh_(device, std::vector<float>(task.weight_hh.size())),
        dbias_(device, std::vector<float>(task.bias_ih.size())),
        second_dbias_(device, std::vector<float>(task.bias_hh.size())),
        workspace_(device, bilstm_workspace(task.hidden, task.batch.sequences())),
        sum_workspace_(device, column_sum_workspace(unique(), width())) {
    transpose(device, {.rows = width(),
                       .columns = task.embed,
                       .to_stride = weight_stride(width()),
                       .from = weight_ih_,
                       .to = weight_transposed_});
  }

  void forward(bool training) {
    gather_rows(device_, {.count = batch_.batch().unique,
                          .columns = task_.embed,
                          .from_rows = task_.vocabulary,
                          .from = embedding_,
                          .rows = batch_.batch().unique_ids,
                          .to = rows_});
    token_projection_forward(device_, {.count = batch_.batch().unique,
                                       .embed = task_.embed,
                                       .width = width(),
                                       .activation = Activation::identity,
                                       .rows = rows_,
                                       .weight_transposed = weight_transposed_,
                                       .bias = bias_ih_,
                                       .second_bias = bias_hh_,
                                       .table = table_});
    bilstm_forward(device_, {.batch = batch_.batch(),
                             .hidden = task_.hidden,
                             .table = table_,
                             .weight_hh = weight_hh_,
                             .states = states_,
                             .gates = training ? gates_.span() : Span<float>{},
                             .cells = training ? cells_.span() : Span<float>{},
                             .previous = training ? previous_.span() : Span<float>{},
                             .workspace = workspace_});
  }

  void backward() {
    bilstm_backward(device_, {.batch = batch_.batch(),
                              .hidden = task_.hidden,
                              .weight_hh = weight_hh_,
                              .dstates = dstates_,
                              .gates = gates_,
                              .cells = cells_,
                              .previous = previous_,
                              .dweight_hh = dweight_hh_,
                              .workspace = workspace_});
    token_projection_backward(device_, {.batch = batch_.batch(),
                                        .embed = task_.embed,
                                        .width = width(),
                                        .activation = Activation::identity,
                                        .rows = rows_,
                                        .table = table_,
                                        .weight = weight_ih_,
                                        .dvalues = gates_,
                                        .dtable = dtable_,
                                        .dweight = dweight_ih_,
                                        .dbias = dbias_,
                                        .second_dbias = second_dbias_,
                                        .drows = drows_,
                                        .workspace = sum_workspace_});
  }

  LstmResults results() const {
    return {.states = head(states_.host(), tokens() * 2 * task_.hidden),
            .dweight_ih = dweight_ih_.host(),
            .dweight_hh = dweight_hh_.host()};
  }

 private:
  int64_t tokens() const { return task_.batch.tokens(); }
  int64_t unique() const { return task_.batch.unique(); }
  int32_t width() const { return 8 * task_.hidden; }

  Device device_;
  const LstmTask& task_;
  DeviceRagged batch_;
  Array embedding_, weight_ih_, weight_transposed_, weight_hh_, bias_ih_, bias_hh_, dstates_;
  Array rows_, table_, states_, gates_, cells_, previous_, dtable_, drows_;
  Array dweight_ih_, dweight_hh_, dbias_, second_dbias_, workspace_, sum_workspace_;
};

/// Forward direction alone: what padding leaves as it is.
std::vector<float> forward_states(const std::vector<float>& states, int64_t hidden) {
  std::vector<float> values;
  for (auto row = states.begin(); row != states.end(); row += 2 * hidden)
    values.insert(values.end(), row, row + hidden);
  return values;
}

/// The largest relative difference of what should be equal.
double error_of(const LstmResults& theirs, const LstmResults& ours, bool padded, int64_t hidden) {
  if (padded) return relative_difference(forward_states(theirs.states, hidden), forward_states(ours.states, hidden));
  double worst = relative_difference(theirs.states, ours.states);
  for (const auto& [a, b] : {std::pair{&theirs.dweight_ih, &ours.dweight_ih}, {&theirs.dweight_hh, &ours.dweight_hh}}) {
    const double difference = relative_difference(*a, *b);
    if (!(difference <= worst)) worst = difference;
  }
  return worst;
}

/// Median microseconds of evaluation's forward pass, and of training's forward and backward pass.
struct Times {
  double evaluation = 0, training = 0;
};

class Race {
 public:
  Race(const Device& device, int repeats)
      : device_(device), repeats_(repeats), flush_(device, std::vector<char>(kFlushBytes)) {}

  template <class Lstm>
  Times time(Lstm& lstm) const {
    return {.evaluation = median([&] { lstm.forward(false); }), .training = median([&] {
                                                                  lstm.forward(true);
                                                                  lstm.backward();
                                                                })};
  }

 private:
  template <class Work>
  double median(Work work) const {
    Timer timer(device_);
    std::vector<double> times;
    for (int i = 0; i <= repeats_; ++i) {  // the first warms up
      fill_zero(device_, flush_.span());
      timer.start();
      work();
      const double time = timer.stop();
      if (i > 0) times.push_back(time);
    }
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
  }

  const Device& device_;
  int repeats_;
  DeviceArray<char> flush_;
};

/// One batch; false when a variant computes something else, or cuDNN takes none.
bool race(const Device& device, const Workload& workload, const Options& options, ResultFile& results) {
  const LstmTask task = make_task(workload);
  OurLstm ours(device, task);
  ours.forward(true);
  ours.backward();
  const LstmResults expected = ours.results();
  const Race clock(device, options.repeats);
  const Times our_times = clock.time(ours);
  fmt::print("{:<6} {:<35} {:>9} {:>10.1f} {:>10.1f}\n", workload.name, "notnot", "", our_times.evaluation,
             our_times.training);
  bool passed = true, raced = false;
  for (const CudnnVariant& variant : cudnn_variants()) {
    Json row = {{"batch", workload.name},
                {"variant", variant.name()},
                {"ours_evaluation", our_times.evaluation},
                {"ours_training", our_times.training}};
    try {
      CudnnLstm theirs(device, variant, task);
      theirs.forward(true);
      theirs.backward();
      const double error = error_of(theirs.results(), expected, variant.padded, task.hidden);
      const bool equal = error <= (variant.tf32 ? kTf32Tolerance : kTolerance);
      const Times times = clock.time(theirs);
      fmt::print("{:<6} {:<35} {:>9.1e} {:>10.1f} {:>10.1f} {:>8.2f} {:>8.2f}  {}\n", workload.name, variant.name(),
                 error, times.evaluation, times.training, times.evaluation / our_times.evaluation,
                 times.training / our_times.training, equal ? "PASS" : "FAIL");
      row.update({{"error", error}, {"evaluation", times.evaluation}, {"training", times.training}, {"ok", equal}});
      passed = passed && equal;
      raced = true;
    } catch (const CudnnRefused& error) {
      fmt::print("{:<6} {:<35} refused: {}\n", workload.name, variant.name(), error.what());
      row["refused"] = error.what();
    }
    results.add(std::move(row));
    std::fflush(stdout);
  }
  return passed && raced;
}

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
    passed = race(device.get(), workload, options, results) && passed;
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
  app.add_option("--workload", options.workload, "a training step's batch")
      ->check(CLI::IsMember({"sst", "imdb", "all"}))
      ->capture_default_str();
  app.add_option("--repeats", options.repeats, "timed runs of each")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--json", options.json, "write the results to this file, too");
  CLI11_PARSE(app, argc, argv);
  try {
    return notnot::bench::run(options) ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "cudnn_race: {}\n", error.what());
    return 2;
  }
}
