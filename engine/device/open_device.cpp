#include "engine/device/open_device.h"

#include <charconv>
#include <mutex>
#include <utility>

#include "engine/io/input_error.h"
#include "engine/io/warning.h"

namespace notnot {
namespace {

/// The number behind "cuda:", 0 for "cuda", -1 when `name` is neither.
int cuda_ordinal(std::string_view name) {
  if (name == "cuda") return 0;
  if (!name.starts_with("cuda:")) return -1;
  const std::string_view digits = name.substr(5);
  int ordinal = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), ordinal);
  return error == std::errc() && end == digits.data() + digits.size() ? ordinal : -1;
}

/// Calls `action`; a wrong NOTNOT_CPU_ISA becomes an InputError, as the user can mend it.
template <class Action>
auto with_isa_from_user(Action action) {
  try {
    return action();
  } catch (const UnavailableIsa& error) {
    throw InputError(error.what());
  }
}

Device open_cpu_for_user(int threads) {
  return with_isa_from_user([threads] { return open_cpu(threads); });
}

/// The first usable CUDA device, otherwise the CPU. Where a card exists and cannot be used, says so once.
Device open_any(int threads) {
  std::string problem;
  const int count = cuda::device_count(problem);
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    const std::string why = cuda::why_unusable(ordinal);
    if (why.empty()) return cuda::open(ordinal);
    if (ordinal == 0) problem = why;
  }
  if (count > 0 || cuda::card_exists()) {
    static std::once_flag said;
    std::call_once(said, [&] { warn(fmt::format("the GPU cannot be used: {}; computing on the CPU", problem)); });
  }
  return open_cpu_for_user(threads);
}

Device open_by_name(const std::string& name, int threads) {
  if (name == "cpu") return open_cpu_for_user(threads);
  if (name == "auto") return open_any(threads);
  const int ordinal = cuda_ordinal(name);
  if (ordinal < 0) throw InputError(fmt::format("unknown device `{}`; give auto, cpu, cuda or cuda:<number>", name));
  std::string problem;
  const int count = cuda::device_count(problem);
  if (count > 0 && ordinal >= count)
    throw InputError(
        fmt::format("there is no device `{}`: this machine has {} CUDA device(s), numbered from 0", name, count));
  if (count > 0) problem = cuda::why_unusable(ordinal);
  if (!problem.empty()) {
    throw InputError(fmt::format("device `{}` cannot be used: {}; use --device cpu", name, problem));
  }
  return cuda::open(ordinal);
}

}  // namespace

OpenDevice::OpenDevice(const std::string& name, int threads) : device_(open_by_name(name, threads)) {}

OpenDevice::OpenDevice(OpenDevice&& other) noexcept : device_(std::exchange(other.device_, Device{})) {}

OpenDevice::~OpenDevice() {
  if (device_.backend == Backend::cuda) cuda::close(device_);
}

std::string OpenDevice::description() const {
  if (device_.backend == Backend::cpu) return fmt::format("cpu ({})", to_string(device_.isa));
  return fmt::format("cuda:{} ({})", device_.ordinal, cuda::describe(device_.ordinal).name);
}

std::string OpenDevice::connections() const { return device_.backend == Backend::cuda ? cuda::connections() : ""; }

std::string describe_devices() {
  std::string text = fmt::format("cpu      {} threads, {} kernels\n", available_threads(),
                                 to_string(with_isa_from_user(detect_cpu_isa)));
  std::string reason;
  const int count = cuda::device_count(reason);
  for (int i = 0; i < count; ++i) {
    const DeviceInfo info = cuda::describe(i);
    text += fmt::format("cuda:{}   {}, sm_{}{}, {} multiprocessors, {:.1f} GiB\n", i, info.name, info.compute_major,
                        info.compute_minor, info.multiprocessors, static_cast<double>(info.memory_bytes) / (1 << 30));
    if (const std::string why = cuda::why_unusable(i); !why.empty()) {
      text += fmt::format("         cannot be used: {}\n", why);
    }
  }
  if (count == 0) text += fmt::format("cuda     none: {}\n", reason);
  return text + fmt::format("CUDA backend: {}\n", cuda::build_status());
}

}  // namespace notnot
