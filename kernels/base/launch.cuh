#pragma once
// Every .cu file needs these: checked CUDA calls, the checked launcher, and dynamic shared memory. The emulator of
// tests/simt compiles the same text against its own cuda_runtime.h.
#include <cuda_runtime.h>

#include <utility>

#if !defined(NOTNOT_SIMT)
#include <nvtx3/nvToolsExt.h>
#endif

#include "kernels/base/device.h"

#define NOTNOT_CUDA_CHECK(call)                                                              \
  do {                                                                                       \
    const cudaError_t notnot_status = ::notnot::cuda::without_last_error(call);              \
    NOTNOT_CHECK(notnot_status == cudaSuccess, "{} ({})", cudaGetErrorString(notnot_status), \
                 static_cast<int>(notnot_status));                                           \
  } while (false)

namespace notnot::cuda {

/// Returns the status of a call. A failure does not stay the thread's last error, which other code might take for its
/// own.
inline cudaError_t without_last_error(cudaError_t status) {
  if (status != cudaSuccess) cudaGetLastError();
  return status;
}

/// Names, in Nsight's time line, the work that is enqueued while it lives. The first line of every launcher makes one.
class ProfileRange {
 public:
#if defined(NOTNOT_SIMT)
  explicit ProfileRange(const char*) {}
#else
  explicit ProfileRange(const char* name) { nvtxRangePushA(name); }
  ~ProfileRange() { nvtxRangePop(); }
#endif
  ProfileRange(const ProfileRange&) = delete;
  ProfileRange& operator=(const ProfileRange&) = delete;
};

/// Number of blocks that cover `work` items.
constexpr unsigned blocks_for(int64_t work, int64_t per_block) {
  return static_cast<unsigned>((work + per_block - 1) / per_block);
}

/// A block of a kernel of low priority starts when no block of another kernel waits for an SM. A block of a persistent
/// kernel keeps its SM for milliseconds: so the small kernels of the other models pass those that wait.
enum class LaunchPriority : uint8_t { normal, low };

struct LaunchShape {
  dim3 blocks, threads;
  size_t shared_bytes = 0;
  LaunchPriority priority = LaunchPriority::normal;
};

/// Enqueues `kernel` on the context's stream and checks the launch. CUDA gives a kernel more than 48 KiB of shared
/// memory only after a request by cudaFuncSetAttribute.
template <class... Parameters, class... Arguments>
void launch(const Device& device, const char* name, const LaunchShape& shape, void (*kernel)(Parameters...),
            Arguments&&... arguments) {
  // CUDA's current device belongs to the thread, and another thread may have opened the context.
  NOTNOT_CUDA_CHECK(cudaSetDevice(device.ordinal));
  if (shape.shared_bytes > 48 * 1024) {
    NOTNOT_CUDA_CHECK(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                                           cudaFuncAttributeMaxDynamicSharedMemorySize,
                                           static_cast<int>(shape.shared_bytes)));
  }
  cudaLaunchConfig_t config = {};
  config.gridDim = shape.blocks;
  config.blockDim = shape.threads;
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = device.stream;
  cudaLaunchAttribute low_priority;
  low_priority.id = cudaLaunchAttributePriority;
  low_priority.val.priority = 0;  // streams have the highest, which is negative (open_stream in device.cu)
  config.attrs = &low_priority;
  config.numAttrs = shape.priority == LaunchPriority::low ? 1 : 0;
  const cudaError_t status =
      without_last_error(cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...));
  NOTNOT_CHECK(status == cudaSuccess, "launch of {}: {} ({}); grid {} x {}, block {} x {}, {} bytes of shared memory",
               name, cudaGetErrorString(status), static_cast<int>(status), shape.blocks.x, shape.blocks.y,
               shape.threads.x, shape.threads.y, shape.shared_bytes);
}

/// The block's dynamic shared memory, 16-byte aligned.
template <class T>
__device__ __forceinline__ T* dynamic_shared() {
#if defined(NOTNOT_SIMT)
  return static_cast<T*>(simt::dynamic_shared_memory());
#else
  extern __shared__ __align__(16) unsigned char notnot_dynamic_shared[];
  return reinterpret_cast<T*>(notnot_dynamic_shared);
#endif
}

/// Zeros the rows first..last-1 of a matrix. All threads of the grid call it and share the elements out.
__device__ __forceinline__ void clear_rows(float* matrix, int width, int64_t first, int64_t last) {
  const int64_t threads = int64_t{gridDim.x} * gridDim.y * blockDim.x;
  const int64_t own = (int64_t{blockIdx.y} * gridDim.x + blockIdx.x) * blockDim.x + threadIdx.x;
  for (int64_t i = first * width + own; i < last * width; i += threads) matrix[i] = 0;
}

}  // namespace notnot::cuda
