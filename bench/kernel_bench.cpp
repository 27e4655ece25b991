// Every operation on one device: its error against the CPU's baseline code, its time, and the share of a counted floor
// that it reaches. See `kernel_bench --help`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
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

constexpr size_t kFlushBytes = size_t{256} << 20;  // more than any cache between the kernels and memory

struct Options {
  std::string device = "auto", workload = "sst", json, filter;
  int threads = 0, repeats = 20;
};

struct Row {
  const KernelCase* kernel = nullptr;
  double error = 0, median = 0, fastest = 0, slowest = 0, floor = 0;  ///< times in microseconds
  bool passed() const { return error <= kernel->tolerance; }          // NaN does not pass
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
      : device_(device), limits_(limits_of(device)), repeats_(repeats), flush_(allocate(device, kFlushBytes)) {
    fill_zero(device, flush_, kFlushBytes);
  }
  ~Bench() { release(device_, flush_); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  const Limits& limits() const { return limits_; }

  Row measure(const KernelCase& kernel) const {
    Device baseline = open_cpu(1);
    baseline.isa = CpuIsa::baseline;
    const Prepared expected = kernel.prepare(baseline), tested = kernel.prepare(device_);
    expected.launch();
    tested.launch();
    Row row{.kernel = &kernel, .error = relative_difference(tested.result(), expected.result())};
    std::vector<double> times;
    raise_clocks();
    Timer timer(device_);
    for (int i = 0; i < repeats_; ++i) {
      if (tested.reset) tested.reset();
      flush();
      timer.start();
      tested.launch();
      times.push_back(timer.stop());
    }
    std::sort(times.begin(), times.end());
    row.fastest = times.front();
    row.median = times[times.size() / 2];
    row.slowest = times.back();
    row.floor = floor_of(kernel, limits_);
    return row;
  }

 private:
  /// While the CPU computed the reference, a GPU went down to its idle clocks.
  void raise_clocks() const {
    using Clock = std::chrono::steady_clock;
    if (device_.backend != Backend::cuda) return;
    for (const auto start = Clock::now(); Clock::now() - start < std::chrono::milliseconds(50);) {
      flush();
      synchronize(device_);
    }
  }

  /// Empties the caches. On the CPU it reads, because large writes bypass the caches.
  void flush() const {
    if (device_.backend == Backend::cuda) return fill_zero(device_, flush_, kFlushBytes);
    const auto* bytes = static_cast<const volatile char*>(flush_);
    for (size_t i = 0; i < kFlushBytes; i += 64) static_cast<void>(bytes[i]);
  }

  const Device& device_;
  Limits limits_;
  int repeats_;
  void* flush_;
};

void print(const Row& row) {
  fmt::print("{:<56} {:<36} {:>9.1e} {:>10.1f} {:>19} {:>9.1f} {:>6.0f} % {}\n", row.kernel->name, row.kernel->shape,
             row.error, row.median, fmt::format("{:.1f}..{:.1f}", row.fastest, row.slowest), row.floor,
             100 * row.floor / row.median, row.passed() ? "PASS" : "FAIL");
  std::fflush(stdout);
}

nlohmann::json as_json(const Row& row) {
  return {{"name", row.kernel->name},
          {"shape", row.kernel->shape},
          {"error", row.error},
          {"tolerance", row.kernel->tolerance},
          {"microseconds", row.median},
          {"fastest_microseconds", row.fastest},
          {"slowest_microseconds", row.slowest},
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
  fmt::print("{:<56} {:<36} {:>9} {:>10} {:>19} {:>9} {:>8}\n", "operation", "shape", "error", "median us",
             "fastest..slowest", "floor us", "of floor");
  bool passed = true;
  ResultFile results(options.json, device, "kernels", {{"limits", bench.limits().source}});
  for (const Workload& workload : {sst_workload(), imdb_workload()}) {
    if (options.workload != "all" && CLI::detail::to_lower(workload.name) != options.workload) continue;
    for (const KernelCase& kernel : kernel_cases(workload)) {
      if (kernel.cuda_only && device.get().backend != Backend::cuda) continue;
      if (kernel.name.find(options.filter) == std::string::npos) continue;
      const Row row = bench.measure(kernel);
      print(row);
      results.add(as_json(row));
      passed = passed && row.passed();
    }
  }
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
