// The CUDA side of device.h: contexts and memory. Operations never allocate: an allocation here is a whole arena.
#include "kernels/base/gemm_context.h"
#include "kernels/base/launch.cuh"

namespace notnot::cuda {
namespace {

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

}  // namespace

std::string build_status() { return NOTNOT_CUDA_STATUS; }

int device_count(std::string& reason) {
  int count = 0;
  const cudaError_t status = without_last_error(cudaGetDeviceCount(&count));
  if (status != cudaSuccess) {
    reason = fmt::format("{} (CUDA error {})", cudaGetErrorString(status), static_cast<int>(status));
    return 0;
  }
  if (count == 0) reason = "no CUDA device found";
  return count;
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
  NOTNOT_CUDA_CHECK(cudaSetDevice(ordinal));
  Device device;
  device.backend = Backend::cuda;
  device.ordinal = ordinal;
  NOTNOT_CUDA_CHECK(cudaDeviceGetAttribute(&device.multiprocessors, cudaDevAttrMultiProcessorCount, ordinal));
  open_stream(device, /*with_gemm=*/true);
  return device;
}

void close(Device& device) noexcept {
  if (device.stream != nullptr) cudaStreamSynchronize(device.stream);
  close_gemm(device.gemm);
  if (device.stream != nullptr) cudaStreamDestroy(device.stream);
  device.gemm = nullptr;
  device.stream = nullptr;
}

void* allocate(const Device& device, size_t bytes) {
  NOTNOT_CUDA_CHECK(cudaSetDevice(device.ordinal));
  void* pointer = nullptr;
  const cudaError_t status = without_last_error(cudaMalloc(&pointer, bytes));
  if (status == cudaErrorMemoryAllocation) throw OutOfMemory(bytes, "device memory");
  NOTNOT_CHECK(status == cudaSuccess, "no device memory for {} bytes: {}", bytes, cudaGetErrorString(status));
  return pointer;
}

void release(const Device&, void* pointer) noexcept { cudaFree(pointer); }

void copy_to_device(const Device& device, void* to, const void* from, size_t bytes) {
  NOTNOT_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, device.stream));
  cuda::synchronize(device);  // a GPU that can address the host's memory may still read `from` when the call returns
}

void copy_to_host(const Device& device, void* to, const void* from, size_t bytes) {
  NOTNOT_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, device.stream));
  cuda::synchronize(device);
}

void fill_zero(const Device& device, void* to, size_t bytes) {
  NOTNOT_CUDA_CHECK(cudaMemsetAsync(to, 0, bytes, device.stream));
}

void synchronize(const Device& device) { NOTNOT_CUDA_CHECK(cudaStreamSynchronize(device.stream)); }

Device open_side_stream(const Device& device, bool with_gemm) {
  NOTNOT_CUDA_CHECK(cudaSetDevice(device.ordinal));
  Device side = device;
  open_stream(side, with_gemm);
  return side;
}

void* allocate_pinned(const Device& device, size_t bytes) {
  NOTNOT_CUDA_CHECK(cudaSetDevice(device.ordinal));
  void* pointer = nullptr;
  const cudaError_t status = without_last_error(cudaMallocHost(&pointer, bytes));
  if (status == cudaErrorMemoryAllocation) throw OutOfMemory(bytes, "pinned host memory");
  NOTNOT_CHECK(status == cudaSuccess, "no pinned host memory for {} bytes: {}", bytes, cudaGetErrorString(status));
  return pointer;
}

void release_pinned(void* pointer) noexcept { cudaFreeHost(pointer); }

void enqueue_copy_to_pinned(const Device& device, void* to, const void* from, size_t bytes) {
  NOTNOT_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, device.stream));
}

void enqueue_copy_from_pinned(const Device& device, void* to, const void* from, size_t bytes) {
  NOTNOT_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, device.stream));
}

CUevent_st* open_event(const Device& device) {
  NOTNOT_CUDA_CHECK(cudaSetDevice(device.ordinal));
  cudaEvent_t event = nullptr;
  // A fleet has more threads than the host has cores, so a waiting thread sleeps instead of spinning.
  NOTNOT_CUDA_CHECK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming | cudaEventBlockingSync));
  return event;
}

void close_event(CUevent_st* event) noexcept { cudaEventDestroy(event); }

void record(const Device& device, CUevent_st* event) { NOTNOT_CUDA_CHECK(cudaEventRecord(event, device.stream)); }

void wait(const Device& device, CUevent_st* event) { NOTNOT_CUDA_CHECK(cudaStreamWaitEvent(device.stream, event, 0)); }

void synchronize(CUevent_st* event) { NOTNOT_CUDA_CHECK(cudaEventSynchronize(event)); }

void begin_capture(const Device& device) {
  NOTNOT_CUDA_CHECK(cudaSetDevice(device.ordinal));
  // Only this thread's calls are captured: other models of the fleet allocate and wait meanwhile.
  NOTNOT_CUDA_CHECK(cudaStreamBeginCapture(device.stream, cudaStreamCaptureModeThreadLocal));
}

CUgraphExec_st* end_capture(const Device& device) {
  cudaGraph_t graph = nullptr;
  NOTNOT_CUDA_CHECK(cudaStreamEndCapture(device.stream, &graph));
  cudaGraphExec_t work = nullptr;
  const cudaError_t status = cudaGraphInstantiate(&work, graph, 0);
  cudaGraphDestroy(graph);
  NOTNOT_CUDA_CHECK(status);
  return work;
}

void abandon_capture(const Device& device) noexcept {
  cudaGraph_t graph = nullptr;
  without_last_error(cudaStreamEndCapture(device.stream, &graph));  // the failure is already on its way as an exception
  if (graph != nullptr) cudaGraphDestroy(graph);
}

void launch_captured(const Device& device, CUgraphExec_st* work) {
  NOTNOT_CUDA_CHECK(cudaSetDevice(device.ordinal));
  NOTNOT_CUDA_CHECK(cudaGraphLaunch(work, device.stream));
}

void close_captured(CUgraphExec_st* work) noexcept { cudaGraphExecDestroy(work); }

}  // namespace notnot::cuda
