// The CUDA side of device.h: contexts and memory. Every allocation here is a whole arena, made once; operations never
// allocate.
#include "kernels/gemm_context.h"
#include "kernels/launch.cuh"

namespace notnot::cuda {

std::string build_status() { return NOTNOT_CUDA_STATUS; }

int device_count(std::string& reason) {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess) {
    cudaGetLastError();  // or the next check would report this failure again
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
  NOTNOT_CUDA_CHECK(cudaStreamCreateWithFlags(&device.stream, cudaStreamNonBlocking));
  try {
    device.gemm = open_gemm();
  } catch (...) {
    close(device);
    throw;
  }
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
  const cudaError_t status = cudaMalloc(&pointer, bytes);
  if (status != cudaSuccess) cudaGetLastError();
  NOTNOT_CHECK(status == cudaSuccess, "no device memory for {} bytes: {}", bytes, cudaGetErrorString(status));
  return pointer;
}

void release(const Device&, void* pointer) noexcept { cudaFree(pointer); }

void copy_to_device(const Device& device, void* to, const void* from, size_t bytes) {
  NOTNOT_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, device.stream));
}

void copy_to_host(const Device& device, void* to, const void* from, size_t bytes) {
  NOTNOT_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, device.stream));
  cuda::synchronize(device);
}

void fill_zero(const Device& device, void* to, size_t bytes) {
  NOTNOT_CUDA_CHECK(cudaMemsetAsync(to, 0, bytes, device.stream));
}

void synchronize(const Device& device) { NOTNOT_CUDA_CHECK(cudaStreamSynchronize(device.stream)); }

}  // namespace notnot::cuda
