// Every operation on one device: its error against the CPU's baseline code, its time, and the share of a counted floor
// that it reaches. See `kernel_bench --help`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "bench/comparison.h"
#include "bench/kernel_cases.h"
#include "bench/measuring.h"
#include "bench/result_file.h"
#include "engine/device/open_device.h"
#include "engine/io/input_error.h"
#include "engine/io/version.h"

namespace notnot::bench {
namespace {

struct Options {
  std::string device = "auto", workload = "sst", json, filter;
  int threads = 0, repeats = 20;
};

/// Microseconds of all launches, in ascending order.
using Times = std::vector<double>;
double median(const Times& times) { return times[times.size() / 2]; }

struct Row {
  const KernelCase* kernel = nullptr;
  double error = 0, floor = 0;  ///< floor in microseconds
  Times cold, warm;
  bool passed() const { return error <= kernel->tolerance; }  // NaN does not pass
};

/// The microseconds that the counted work takes at least.
double floor_of(const KernelCase& kernel, const Limits& limits) {
  const double memory = kernel.bytes / limits.bytes_per_second;
  double arithmetic = kernel.flop / limits.flop_per_second;
  if (kernel.tensor_flop > 0) arithmetic += kernel.tensor_flop / limits.tensor_flop_per_second;
  const double chain = limits.clocks_per_second > 0 ? kernel.clocks / limits.clocks_per_second : 0;
  return 1e6 * std::max({arithmetic, memory, chain});
}

class Bench {
 public:
  Bench(const Device& device, int repeats)
      : device_(device), limits_(limits_of(device)), repeats_(repeats), caches_(device) {}
  const Limits& limits() const { return limits_; }

  Row measure(const KernelCase& kernel) const {
    Device baseline = open_cpu(1);
    baseline.isa = CpuIsa::baseline;
    const Prepared expected = kernel.prepare(baseline), tested = kernel.prepare(device_);
    expected.launch();
    tested.launch();
    Row row{.kernel = &kernel,
            .error = relative_difference(tested.result(), expected.result()),
            .floor = floor_of(kernel, limits_),
            .cold = {},
            .warm = {}};
    caches_.raise_clocks();
    for (int i = 0; i < repeats_; ++i) {
      row.cold.push_back(time(tested, true));
      row.warm.push_back(time(tested, false));
    }
    std::sort(row.cold.begin(), row.cold.end());
    std::sort(row.warm.begin(), row.warm.end());
    return row;
  }

 private:
  /// Cold: the caches were emptied. Otherwise they hold what the launch before left there, and what the reset writes.
  double time(const Prepared& tested, bool cold) const {
    Timer timer(device_);
    if (tested.reset) tested.reset();
    if (cold) caches_.empty_caches();
    timer.start();
    tested.launch();
    return timer.stop();
  }

  const Device& device_;
  Limits limits_;
  int repeats_;
  CacheFlush caches_;
};

void print(const Row& row) {
  const double cold = median(row.cold);
  fmt::print("{:<56} {:<36} {:>9.1e} {:>10.1f} {:>10.1f} {:>19} {:>9.1f} {:>6.0f} % {}\n", row.kernel->name,
             row.kernel->shape, row.error, median(row.warm), cold,
             fmt::format("{:.1f}..{:.1f}", row.cold.front(), row.cold.back()), row.floor, 100 * row.floor / cold,
             row.passed() ? "PASS" : "FAIL");
  std::fflush(stdout);
}

nlohmann::json as_json(const Row& row) {
  return {{"name", row.kernel->name},
          {"shape", row.kernel->shape},
          {"error", row.error},
          {"tolerance", row.kernel->tolerance},
          {"microseconds", median(row.cold)},
          {"fastest_microseconds", row.cold.front()},
          {"slowest_microseconds", row.cold.back()},
          {"warm_microseconds", median(row.warm)},
          {"floor_microseconds", row.floor},
          {"flop", row.kernel->flop},
          {"tensor_flop", row.kernel->tensor_flop},
          {"bytes", row.kernel->bytes},
          {"ok", row.passed()}};
}

bool run(const Options& options) {
  const OpenDevice device(options.device, options.threads > 0 ? options.threads : available_threads());
  const Bench bench(device.get(), options.repeats);
  fmt::print("notnot {} on {}; floors: {:.3g} GFLOP/s, {:.3g} GB/s ({})\n", version(), device.description(),
             1e-9 * bench.limits().flop_per_second, 1e-9 * bench.limits().bytes_per_second, bench.limits().source);
  fmt::print("{:<56} {:<36} {:>9} {:>10} {:>10} {:>19} {:>9} {:>8}\n", "operation", "shape", "error", "warm us",
             "cold us", "fastest..slowest", "floor us", "of floor");
  bool passed = true;
  ResultFile results(options.json, device, "kernels", {{"limits", bench.limits().source}});
  for (const Workload& workload : {sst_workload(), imdb_workload()}) {
    if (options.workload != "all" && CLI::detail::to_lower(workload.name) != options.workload) continue;
    for (const KernelCase& kernel : kernel_cases(workload)) {
      if (kernel.cuda_only && device.get().backend != Backend::cuda) continue;
      if (kernel.name.find(options.filter) == std::string::npos) continue;
      if (const std::string reason = kernel.left_out ? kernel.left_out(device.get()) : ""; !reason.empty()) {
        fmt::print("{:<56} {:<36} left out: {}\n", kernel.name, kernel.shape, reason);
        continue;
      }
      const Row row = bench.measure(kernel);
      print(row);
      results.add(as_json(row));
      passed = passed && row.passed();
    }
  }
  fmt::print(
      "warm: the same call again; cold: after emptied caches; both medians. The floor is that of a cold call.\n");
  if (results.empty()) throw InputError(fmt::format("no operation has `{}` in its name", options.filter));
  return passed;
}

}  // namespace
}  // namespace notnot::bench

int main(int argc, char** argv) {
  notnot::bench::Options options;
  CLI::App app(
      "Times every operation on one device beside its counted floor, and checks its results against the CPU's.");
  app.add_option("--device", options.device, "auto, cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--threads", options.threads, "CPU threads; 0 means all")->check(CLI::Range(0, 1024));
  app.add_option("--workload", options.workload, "the data set whose training step gives the shapes")
      ->check(CLI::IsMember({"sst", "imdb", "all"}))
      ->capture_default_str();
  app.add_option("--filter", options.filter, "only operations whose name contains this");
  app.add_option("--repeats", options.repeats, "timed launches of each operation")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--json", options.json, "also write the results to this JSON file");
  CLI11_PARSE(app, argc, argv);
  try {
    return notnot::bench::run(options) ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "kernel_bench: {}\n", error.what());
    return 2;
  }
}
