// The CUDA side of device.h: contexts and memory. Operations never allocate: an allocation here is a whole arena.
#include <cstdlib>

#include "kernels/base/gemm_context.h"
#include "kernels/base/launch.cuh"

namespace notnot::cuda {
namespace {

/// Makes the context's device the calling thread's current one. Every function here does so first: the thread may have
/// used another device last, or none, and then its current device is 0, where a call would make a context of half a
/// gigabyte.
void use(const Device& device) { NOTNOT_CUDA_CHECK(cudaSetDevice(device.ordinal)); }

/// The same for functions that release something and never throw.
void try_to_use(const Device& device) noexcept { without_last_error(cudaSetDevice(device.ordinal)); }

/// Stands for all kernels of this library: they have code for the same architectures.
__global__ void probe_kernel() {}

std::string version_name(int version) { return fmt::format("{}.{}", version / 1000, version % 1000 / 10); }

/// The oldest driver that runs programs of this toolkit.
constexpr int kOldestDriver = CUDART_VERSION >= 13000 ? 580 : 525;

std::string newer_driver() {
  int version = 0;
  without_last_error(cudaDriverGetVersion(&version));
  return fmt::format(
      "{} and this program needs CUDA {}: install driver {} or newer, or build with an older toolkit",
      version == 0 ? "there is no driver," : fmt::format("the driver has CUDA {},", version_name(version)),
      version_name(CUDART_VERSION), kOldestDriver);
}

/// What the user can do about a status, or nothing.
std::string remedy(cudaError_t status) {
  switch (status) {
    case cudaErrorInsufficientDriver:
      return newer_driver();
    case cudaErrorSystemDriverMismatch:
      return "the driver's kernel module and its library are of different versions: restart the machine";
    case cudaErrorSystemNotReady:
      return "start NVIDIA's fabric manager (the service nvidia-fabricmanager)";
    case cudaErrorNoDevice:
      return card_exists() ? "give this process permission to read and write /dev/nvidia*, in a container by --gpus all"
                           : "";
    case cudaErrorUnsupportedPtxVersion:
      return newer_driver();
    case cudaErrorInvalidDeviceFunction:  // as some drivers call the next one
    case cudaErrorNoKernelImageForDevice:
      return fmt::format("this program was {}: add the device to -DNOTNOT_CUDA_ARCHITECTURES and build again",
                         NOTNOT_CUDA_STATUS);
    default:
      return "";
  }
}

/// The driver's message, the code, and what to do.
std::string explained(cudaError_t status) {
  const std::string advice = remedy(status);
  return fmt::format("{} (CUDA error {}){}{}", cudaGetErrorString(status), static_cast<int>(status),
                     advice.empty() ? "" : "; ", advice);
}

/// Gives the context a stream of its own, of the highest priority (LaunchPriority in launch.cuh).
void open_stream(Device& device, bool with_gemm) {
  device.stream = nullptr;
  device.gemm = nullptr;
  int lowest = 0, highest = 0;
  NOTNOT_CUDA_CHECK(cudaDeviceGetStreamPriorityRange(&lowest, &highest));
  NOTNOT_CUDA_CHECK(cudaStreamCreateWithPriority(&device.stream, cudaStreamNonBlocking, highest));
  if (!with_gemm) return;
  try {
    device.gemm = open_gemm();
  } catch (...) {
    close(device);
    throw;
  }
}

constexpr const char* kConnectionsVariable = "CUDA_DEVICE_MAX_CONNECTIONS";

/// Before the process's first call of CUDA, which reads the variable. A fleet of 16 models has 64 streams; those that
/// share one of the device's queues wait for each other. CUDA's default is 8 queues, 32 are the most. A value that the
/// user has set stays.
void ask_for_connections() {
  static const int once = setenv(kConnectionsVariable, "32", /*overwrite=*/0);
  static_cast<void>(once);
}

}  // namespace

std::string build_status() { return NOTNOT_CUDA_STATUS; }

std::string connections() {
  const char* const value = std::getenv(kConnectionsVariable);
  return value == nullptr ? "" : value;
}

int device_count(std::string& reason) {
  ask_for_connections();
  int count = 0;
  const cudaError_t status = without_last_error(cudaGetDeviceCount(&count));
  if (status != cudaSuccess) {
    reason = explained(status);
    return 0;
  }
  if (count == 0) reason = "no CUDA device found";
  return count;
}

std::string why_unusable(int ordinal) {
  cudaDeviceProp properties;
  cudaError_t status = without_last_error(cudaGetDeviceProperties(&properties, ordinal));
  if (status != cudaSuccess) return explained(status);
  constexpr int kOldestMajor = 8;
  if (properties.major < kOldestMajor) {
    return fmt::format("{} has compute capability {}.{}, and {}.0 is needed", properties.name, properties.major,
                       properties.minor, kOldestMajor);
  }
  status = without_last_error(cudaSetDevice(ordinal));
  cudaFuncAttributes attributes;
  if (status == cudaSuccess) {
    status = without_last_error(cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(probe_kernel)));
  }
  return status == cudaSuccess ? "" : fmt::format("{}: {}", properties.name, explained(status));
}

bool card_exists() {
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  if (visible != nullptr && (*visible == '\0' || *visible == '-')) return false;
#if defined(NOTNOT_SIMT)
  return !simt::fault().empty();
#else
  return has_nvidia_card("/dev");
#endif
}

DeviceInfo describe(int ordinal) {
  cudaDeviceProp properties;
  NOTNOT_CUDA_CHECK(cudaGetDeviceProperties(&properties, ordinal));
  DeviceInfo info;
  info.name = properties.name;
  info.memory_bytes = static_cast<int64_t>(properties.totalGlobalMem);
  info.compute_major = properties.major;
  info.compute_minor = properties.minor;
  info.multiprocessors = properties.multiProcessorCount;
  return info;
}

Device open(int ordinal) {
  ask_for_connections();
  NOTNOT_CUDA_CHECK(cudaSetDevice(ordinal));
  Device device;
  device.backend = Backend::cuda;
  device.ordinal = ordinal;
  NOTNOT_CUDA_CHECK(cudaDeviceGetAttribute(&device.multiprocessors, cudaDevAttrMultiProcessorCount, ordinal));
  open_stream(device, /*with_gemm=*/true);
  return device;
}

void close(Device& device) noexcept {
  try_to_use(device);
  if (device.stream != nullptr) cudaStreamSynchronize(device.stream);
  close_gemm(device.gemm);
  if (device.stream != nullptr) cudaStreamDestroy(device.stream);
  device.gemm = nullptr;
  device.stream = nullptr;
}

void* allocate(const Device& device, size_t bytes) {
  use(device);
  void* pointer = nullptr;
  const cudaError_t status = without_last_error(cudaMalloc(&pointer, bytes));
  if (status == cudaErrorMemoryAllocation) throw OutOfMemory(bytes, "device memory");
  NOTNOT_CHECK(status == cudaSuccess, "no device memory for {} bytes: {}", bytes, cudaGetErrorString(status));
  return pointer;
}

void release(const Device& device, void* pointer) noexcept {
  try_to_use(device);
  cudaFree(pointer);
}

void copy_to_device(const Device& device, void* to, const void* from, size_t bytes) {
  use(device);
  NOTNOT_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, device.stream));
  cuda::synchronize(device);  // a GPU that can address the host's memory may still read `from` when the call returns
}

void copy_to_host(const Device& device, void* to, const void* from, size_t bytes) {
  use(device);
  NOTNOT_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, device.stream));
  cuda::synchronize(device);
}

void fill_zero(const Device& device, void* to, size_t bytes) {
  use(device);
  NOTNOT_CUDA_CHECK(cudaMemsetAsync(to, 0, bytes, device.stream));
}

void synchronize(const Device& device) {
  use(device);
  NOTNOT_CUDA_CHECK(cudaStreamSynchronize(device.stream));
}

Device open_side_stream(const Device& device, bool with_gemm) {
  use(device);
  Device side = device;
  open_stream(side, with_gemm);
  return side;
}

void* allocate_pinned(const Device& device, size_t bytes) {
  use(device);
  void* pointer = nullptr;
  const cudaError_t status = without_last_error(cudaMallocHost(&pointer, bytes));
  if (status == cudaErrorMemoryAllocation) throw OutOfMemory(bytes, "pinned host memory");
  NOTNOT_CHECK(status == cudaSuccess, "no pinned host memory for {} bytes: {}", bytes, cudaGetErrorString(status));
  return pointer;
}

void release_pinned(const Device& device, void* pointer) noexcept {
  try_to_use(device);
  cudaFreeHost(pointer);
}

void enqueue_copy_to_pinned(const Device& device, void* to, const void* from, size_t bytes) {
  use(device);
  NOTNOT_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, device.stream));
}

void enqueue_copy_from_pinned(const Device& device, void* to, const void* from, size_t bytes) {
  use(device);
  NOTNOT_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, device.stream));
}

CUevent_st* open_event(const Device& device) {
  use(device);
  cudaEvent_t event = nullptr;
  // A fleet has more threads than the host has cores, so a waiting thread sleeps instead of spinning.
  NOTNOT_CUDA_CHECK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming | cudaEventBlockingSync));
  return event;
}

void close_event(const Device& device, CUevent_st* event) noexcept {
  try_to_use(device);
  cudaEventDestroy(event);
}

void record(const Device& device, CUevent_st* event) {
  use(device);
  NOTNOT_CUDA_CHECK(cudaEventRecord(event, device.stream));
}

void wait(const Device& device, CUevent_st* event) {
  use(device);
  NOTNOT_CUDA_CHECK(cudaStreamWaitEvent(device.stream, event, 0));
}

void synchronize(const Device& device, CUevent_st* event) {
  use(device);
  NOTNOT_CUDA_CHECK(cudaEventSynchronize(event));
}

void begin_capture(const Device& device) {
  use(device);
  // Only this thread's calls are captured: other models of the fleet allocate and wait meanwhile.
  NOTNOT_CUDA_CHECK(cudaStreamBeginCapture(device.stream, cudaStreamCaptureModeThreadLocal));
}

CUgraphExec_st* end_capture(const Device& device) {
  use(device);
  cudaGraph_t graph = nullptr;
  NOTNOT_CUDA_CHECK(cudaStreamEndCapture(device.stream, &graph));
  cudaGraphExec_t work = nullptr;
  const cudaError_t status = cudaGraphInstantiate(&work, graph, cudaGraphInstantiateFlagUseNodePriority);
  cudaGraphDestroy(graph);
  NOTNOT_CUDA_CHECK(status);
  return work;
}

void abandon_capture(const Device& device) noexcept {
  try_to_use(device);
  cudaGraph_t graph = nullptr;
  without_last_error(cudaStreamEndCapture(device.stream, &graph));  // the failure is already on its way as an exception
  if (graph != nullptr) cudaGraphDestroy(graph);
}

void launch_captured(const Device& device, CUgraphExec_st* work) {
  use(device);
  NOTNOT_CUDA_CHECK(cudaGraphLaunch(work, device.stream));
}

void close_captured(const Device& device, CUgraphExec_st* work) noexcept {
  try_to_use(device);
  cudaGraphExecDestroy(work);
}

}  // namespace notnot::cuda
