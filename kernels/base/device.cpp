#include "kernels/base/device.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <new>
#include <string_view>
#include <system_error>

#include "kernels/base/cpu.h"

namespace notnot {

void throw_gemm_failed(int status) { throw Error(fmt::format("oneDNN: sgemm returned status {}", status)); }

std::string_view to_string(CpuIsa isa) {
  switch (isa) {
    case CpuIsa::avx512:
      return "avx512";
    case CpuIsa::avx2:
      return "avx2";
    case CpuIsa::baseline:
      break;
  }
  return "baseline";
}

namespace {
bool machine_has(CpuIsa isa) {
#if defined(NOTNOT_X86)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512cd");
  if (isa == CpuIsa::avx512) return avx512;
  if (isa == CpuIsa::avx2) return avx2;
#endif
  return isa == CpuIsa::baseline;
}
}  // namespace

CpuIsa detect_cpu_isa() {
  const char* wanted = std::getenv("NOTNOT_CPU_ISA");
  for (const CpuIsa isa : {CpuIsa::avx512, CpuIsa::avx2, CpuIsa::baseline}) {
    if (wanted == nullptr || *wanted == '\0') {
      if (machine_has(isa)) return isa;
    } else if (to_string(isa) == wanted) {
      if (machine_has(isa)) return isa;
      throw UnavailableIsa(fmt::format(
          "NOTNOT_CPU_ISA asks for {}, which this machine does not have; unset it, or name another", wanted));
    }
  }
  throw UnavailableIsa(fmt::format("NOTNOT_CPU_ISA is `{}`; it can be baseline, avx2 or avx512", wanted));
}

Device open_cpu(int threads) {
  NOTNOT_CHECK(threads >= 1, "{} threads; give at least 1", threads);
  Device device;
  device.isa = detect_cpu_isa();
  device.threads = threads;
  return device;
}

bool has_nvidia_card(const std::string& folder) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    constexpr std::string_view kCard = "nvidia";
    if (name.size() > kCard.size() && name.starts_with(kCard) &&
        name.find_first_not_of("0123456789", kCard.size()) == std::string::npos) {
      return true;
    }
  }
  return false;
}

void* allocate(const Device& device, size_t bytes) {
  if (device.backend == Backend::cuda) return cuda::allocate(device, bytes);
  constexpr size_t kHugePage = size_t{2} << 20;
  const size_t alignment = bytes >= kHugePage ? kHugePage : 64;
  void* pointer = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (pointer == nullptr && bytes > 0) throw OutOfMemory(bytes, "memory");
#if defined(MADV_HUGEPAGE)
  // A batch's arrays lie in more small pages than the TLB holds. Where the system refuses large pages, nothing changes.
  if (bytes >= kHugePage) madvise(pointer, bytes, MADV_HUGEPAGE);
#endif
  return pointer;
}

void release(const Device& device, void* pointer) noexcept {
  if (device.backend == Backend::cuda) return cuda::release(device, pointer);
  std::free(pointer);
}

void copy_to_device(const Device& device, void* to, const void* from, size_t bytes) {
  if (device.backend == Backend::cuda) return cuda::copy_to_device(device, to, from, bytes);
  if (bytes > 0) std::memcpy(to, from, bytes);
}

void copy_to_host(const Device& device, void* to, const void* from, size_t bytes) {
  if (device.backend == Backend::cuda) return cuda::copy_to_host(device, to, from, bytes);
  if (bytes > 0) std::memcpy(to, from, bytes);
}

void fill_zero(const Device& device, void* to, size_t bytes) {
  if (device.backend == Backend::cuda) return cuda::fill_zero(device, to, bytes);
  if (bytes > 0) std::memset(to, 0, bytes);
}

void synchronize(const Device& device) {
  if (device.backend == Backend::cuda) cuda::synchronize(device);
}

}  // namespace notnot
