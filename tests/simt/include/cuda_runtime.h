#pragma once
// The part of CUDA that the .cu files use, for a host compiler: qualifiers, device intrinsics on the emulator's fibers,
// and the runtime calls of kernels/base/launch.cuh and device.cu. If a kernel needs more, add it here with its full
// meaning. Floating-point atomics and fast math are missing on purpose (kernels/base/device.h).
#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/simt/devices.h"
#include "tests/simt/emulator.h"
#include "tests/simt/streams.h"

// --- qualifiers ------------------------------------------------------------------------------------------------------
#define __global__
#define __device__
#define __host__
#define __constant__
#define __grid_constant__
#define __shared__ static __attribute__((section("notnot_shared")))
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))

inline constexpr int warpSize = 32;

// --- barriers and warp intrinsics ------------------------------------------------------------------------------------
// The last two parameters of each function are the file and the line of its caller.
#define NOTNOT_SIMT_CALLER const char *file = __builtin_FILE(), int line = __builtin_LINE()
#define NOTNOT_SIMT_PLACE \
  notnot::simt::Place { __func__, file, line }

inline void __syncthreads(NOTNOT_SIMT_CALLER) { notnot::simt::sync_block(NOTNOT_SIMT_PLACE); }
inline void __syncwarp(unsigned mask = 0xFFFFFFFFU, NOTNOT_SIMT_CALLER) {
  notnot::simt::sync_warp(mask, NOTNOT_SIMT_PLACE);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, NOTNOT_SIMT_CALLER) {
  return notnot::simt::ballot(mask, predicate != 0, NOTNOT_SIMT_PLACE);
}
inline int __any_sync(unsigned mask, int predicate, NOTNOT_SIMT_CALLER) {
  return notnot::simt::ballot(mask, predicate != 0, NOTNOT_SIMT_PLACE) != 0;
}
inline int __all_sync(unsigned mask, int predicate, NOTNOT_SIMT_CALLER) {
  return notnot::simt::ballot(mask, predicate == 0, NOTNOT_SIMT_PLACE) == 0;
}

namespace notnot::simt {
template <class T>
T shuffle(unsigned mask, T value, int source_lane, const Place& place) {
  static_assert(sizeof(T) <= sizeof(uint64_t) && std::is_trivially_copyable_v<T>);
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = exchange(mask, bits, source_lane, place);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}
/// The source lane if it lies in first .. end-1, otherwise the caller's own lane.
inline int lane_or_own(int source, int first, int end) { return source >= first && source < end ? source : lane(); }
/// The first lane of the caller's segment of `width` lanes.
inline int segment(int width) { return lane() & ~(width - 1); }
}  // namespace notnot::simt

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = warpSize, NOTNOT_SIMT_CALLER) {
  const int from = notnot::simt::segment(width) + (source & (width - 1));
  return notnot::simt::shuffle(mask, value, from, NOTNOT_SIMT_PLACE);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = warpSize, NOTNOT_SIMT_CALLER) {
  const int from = notnot::simt::lane() - static_cast<int>(delta), first = notnot::simt::segment(width);
  return notnot::simt::shuffle(mask, value, notnot::simt::lane_or_own(from, first, warpSize), NOTNOT_SIMT_PLACE);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = warpSize, NOTNOT_SIMT_CALLER) {
  const int from = notnot::simt::lane() + static_cast<int>(delta), end = notnot::simt::segment(width) + width;
  return notnot::simt::shuffle(mask, value, notnot::simt::lane_or_own(from, 0, end), NOTNOT_SIMT_PLACE);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = warpSize, NOTNOT_SIMT_CALLER) {
  const int from = notnot::simt::lane() ^ lane_mask, end = notnot::simt::segment(width) + width;
  return notnot::simt::shuffle(mask, value, notnot::simt::lane_or_own(from, 0, end), NOTNOT_SIMT_PLACE);
}
#undef NOTNOT_SIMT_CALLER
#undef NOTNOT_SIMT_PLACE

inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __nanosleep(unsigned) { notnot::simt::yield(); }

// --- atomics ---------------------------------------------------------------------------------------------------------
// Nothing preempts a fiber between two barriers, so a load and a store are one step. Both are relaxed atomic accesses
// for ThreadSanitizer, as CUDA's atomics are relaxed.
#define NOTNOT_SIMT_ATOMIC(name, T, update)                   \
  inline T name(T* address, T value) {                        \
    const T old = __atomic_load_n(address, __ATOMIC_RELAXED); \
    __atomic_store_n(address, (update), __ATOMIC_RELAXED);    \
    return old;                                               \
  }
#define NOTNOT_SIMT_ATOMICS(T)                                              \
  NOTNOT_SIMT_ATOMIC(atomicAdd, T, old + value)                             \
  NOTNOT_SIMT_ATOMIC(atomicMax, T, std::max(old, value))                    \
  NOTNOT_SIMT_ATOMIC(atomicMin, T, std::min(old, value))                    \
  NOTNOT_SIMT_ATOMIC(atomicAnd, T, old& value)                              \
  NOTNOT_SIMT_ATOMIC(atomicOr, T, old | value)                              \
  NOTNOT_SIMT_ATOMIC(atomicExch, T, value)                                  \
  inline T atomicCAS(T* address, T compare, T value) {                      \
    const T old = __atomic_load_n(address, __ATOMIC_RELAXED);               \
    if (old == compare) __atomic_store_n(address, value, __ATOMIC_RELAXED); \
    return old;                                                             \
  }
NOTNOT_SIMT_ATOMICS(int)
NOTNOT_SIMT_ATOMICS(unsigned)
NOTNOT_SIMT_ATOMICS(unsigned long long)
#undef NOTNOT_SIMT_ATOMICS
#undef NOTNOT_SIMT_ATOMIC

// --- scalar intrinsics -----------------------------------------------------------------------------------------------
using std::max;
using std::min;
template <class T>
T __ldg(const T* address) {
  return *address;
}
template <class T>
T __ldcg(const T* address) {
  return *address;
}
template <class T>
void __stcs(T* address, T value) {
  *address = value;
}
inline int __popc(unsigned x) { return std::popcount(x); }
inline int __clz(unsigned x) { return std::countl_zero(x); }
inline int __ffs(unsigned x) { return x == 0 ? 0 : std::countr_zero(x) + 1; }
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }

// --- runtime ---------------------------------------------------------------------------------------------------------
using cudaGraph_t = CUgraphExec_st*;
using cudaGraphExec_t = CUgraphExec_st*;
using cudaStream_t = CUstream_st*;
enum cudaError_t {
  cudaSuccess,
  cudaErrorInvalidValue,
  cudaErrorMemoryAllocation,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorInsufficientDriver = 35,
  cudaErrorInvalidDeviceFunction = 98,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorNoKernelImageForDevice = 209,
  cudaErrorUnsupportedPtxVersion = 222,
  cudaErrorInvalidResourceHandle = 400,
  cudaErrorIllegalState = 401,
  cudaErrorSystemNotReady = 802,
  cudaErrorSystemDriverMismatch = 803,
  cudaErrorStreamCaptureUnsupported = 900,
  cudaErrorStreamCaptureUnjoined = 904,
  cudaErrorStreamCaptureIsolation = 905
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize };
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice, cudaMemcpyDefault };
enum cudaDeviceAttr {
  cudaDevAttrMultiProcessorCount,
  cudaDevAttrMaxSharedMemoryPerBlockOptin,
  cudaDevAttrClockRate,
  cudaDevAttrMemoryClockRate,
  cudaDevAttrGlobalMemoryBusWidth
};
enum { cudaStreamNonBlocking = 1, cudaEventBlockingSync = 1, cudaEventDisableTiming = 2 };
enum { cudaGraphInstantiateFlagUseNodePriority = 8 };
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal };

enum cudaLaunchAttributeID { cudaLaunchAttributePriority };
struct cudaLaunchAttribute {
  cudaLaunchAttributeID id;
  struct {
    int priority;
  } val;
};
struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  size_t dynamicSmemBytes;
  cudaStream_t stream;
  cudaLaunchAttribute* attrs;
  unsigned numAttrs;
};
struct cudaFuncAttributes {
  int maxThreadsPerBlock;
};
struct cudaDeviceProp {
  char name[256];
  size_t totalGlobalMem;
  int major, minor, multiProcessorCount;
};

namespace notnot::simt {
/// The emulated GPU has few multiprocessors, so that a grid of one block per multiprocessor has more tasks than blocks.
inline constexpr int kMultiprocessors = 3;
inline constexpr size_t kMemoryBytes = size_t{1} << 32;

/// The status of the calling thread's last call that failed; successful calls do not change it.
inline thread_local cudaError_t last_error = cudaSuccess;
inline cudaError_t failed(cudaError_t status) { return last_error = status; }

/// The calling thread's calls that enqueue something, each of which takes a driver some microseconds.
inline thread_local int64_t enqueuing_calls = 0;
}  // namespace notnot::simt

inline cudaError_t cudaPeekAtLastError() { return notnot::simt::last_error; }
inline cudaError_t cudaGetLastError() { return std::exchange(notnot::simt::last_error, cudaSuccess); }
inline const char* cudaGetErrorString(cudaError_t status) {
  switch (status) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorInsufficientDriver:
      return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorNoKernelImageForDevice:
      return "no kernel image is available for execution on the device";
    case cudaErrorInvalidDeviceFunction:
      return "invalid device function";
    case cudaErrorUnsupportedPtxVersion:
      return "the provided PTX was compiled with an unsupported toolchain.";
    case cudaErrorInvalidResourceHandle:
      return "invalid resource handle";
    case cudaErrorStreamCaptureUnjoined:
      return "capture was not ended in the same stream as it began, or has unjoined work";
    case cudaErrorStreamCaptureIsolation:
      return "dependency created on uncaptured work in another stream";
    case cudaErrorIllegalState:
      return "the operation cannot be performed in the present state";
    case cudaErrorSystemNotReady:
      return "system not yet initialized";
    case cudaErrorSystemDriverMismatch:
      return "system has unsupported display driver / cuda driver combination";
    case cudaErrorStreamCaptureUnsupported:
      return "operation not permitted when stream is capturing";
  }
  return "unrecognized error code";
}

// --- devices ---
inline constexpr int CUDART_VERSION = 13000;
inline cudaError_t cudaDriverGetVersion(int* version) {
  return *version = notnot::simt::fault() == "driver-too-old" ? 12040 : CUDART_VERSION, cudaSuccess;
}
/// None if CUDA_VISIBLE_DEVICES is set and empty, as with the real runtime.
inline cudaError_t cudaGetDeviceCount(int* count) {
  *count = 0;
  const std::string fault = notnot::simt::fault();
  if (fault == "driver-too-old") return notnot::simt::failed(cudaErrorInsufficientDriver);
  if (fault == "driver-mismatch") return notnot::simt::failed(cudaErrorSystemDriverMismatch);
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  if (fault == "no-permission" || (visible != nullptr && *visible == '\0')) {
    return notnot::simt::failed(cudaErrorNoDevice);
  }
  return *count = notnot::simt::device_count(), cudaSuccess;
}
inline cudaError_t cudaSetDevice(int ordinal) {
  if (ordinal < 0 || ordinal >= notnot::simt::device_count()) return notnot::simt::failed(cudaErrorInvalidDevice);
  return notnot::simt::current_device = ordinal, cudaSuccess;
}
inline cudaError_t cudaGetDevice(int* ordinal) { return *ordinal = notnot::simt::current_device, cudaSuccess; }
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int ordinal) {
  *properties = {"SIMT emulator", notnot::simt::kMemoryBytes, 9, 0, notnot::simt::kMultiprocessors};
  const std::string fault = notnot::simt::fault();
  if (fault == "compute-7.5" || (fault == "first-compute-7.5" && ordinal == 0)) {
    properties->major = 7;
    properties->minor = 5;
  }
  return cudaSuccess;
}
inline cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount:
      return *value = notnot::simt::kMultiprocessors, cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      return *value = static_cast<int>(notnot::simt::shared_bytes_per_block()), cudaSuccess;
    default:  // clocks in kHz and the bus in bits mean nothing here, but callers divide by them
      return *value = 1000, cudaSuccess;
  }
}
inline cudaError_t cudaFuncSetAttribute(const void*, cudaFuncAttribute, int bytes) {
  notnot::simt::use_current_device();
  return static_cast<size_t>(bytes) <= notnot::simt::shared_bytes_per_block()
             ? cudaSuccess
             : notnot::simt::failed(cudaErrorInvalidValue);
}
inline cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void*) {
  notnot::simt::use_current_device();
  *attributes = {.maxThreadsPerBlock = 1024};
  return notnot::simt::fault() == "no-kernel-image" ? notnot::simt::failed(cudaErrorNoKernelImageForDevice)
                                                    : cudaSuccess;
}

// --- streams, graphs, events ---
// As CUDA documents it, launches and event records want a stream of the current device, and copies and waits do not.
// Fills, captures and launches of graphs are taken for launches here.
inline cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  return *least = 0, *greatest = -5, cudaSuccess;
}
inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  notnot::simt::use_current_device();
  return *stream = new CUstream_st, cudaSuccess;
}
inline cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned, int priority) {
  notnot::simt::use_current_device();
  *stream = new CUstream_st;
  (*stream)->priority = priority;
  return cudaSuccess;
}
inline cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  notnot::simt::use_current_device();
  if (stream->capture != nullptr) return notnot::simt::failed(cudaErrorStreamCaptureUnsupported);
  return notnot::simt::run_until(notnot::simt::end_of(stream->queue)), cudaSuccess;
}
inline cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  notnot::simt::use_current_device();
  notnot::simt::run_until(notnot::simt::end_of(stream->queue));
  return delete stream, cudaSuccess;
}
inline cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  notnot::simt::use_current_device();
  if (!notnot::simt::is_current(stream)) return notnot::simt::failed(cudaErrorInvalidResourceHandle);
  if (stream->capture != nullptr) return notnot::simt::failed(cudaErrorIllegalState);
  return notnot::simt::begin_capture(stream), cudaSuccess;
}
inline cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  notnot::simt::use_current_device();
  *graph = nullptr;
  if (stream->capture == nullptr || stream->capture->streams.front() != stream) {
    return notnot::simt::failed(cudaErrorIllegalState);
  }
  *graph = notnot::simt::end_capture(stream);
  return *graph != nullptr ? cudaSuccess : notnot::simt::failed(cudaErrorStreamCaptureUnjoined);
}
inline cudaError_t cudaGraphInstantiate(cudaGraphExec_t* work, cudaGraph_t graph, unsigned long long flags) {
  notnot::simt::use_current_device();
  notnot::simt::last_graph() = notnot::simt::size_of(*graph);
  if ((flags & cudaGraphInstantiateFlagUseNodePriority) == 0) notnot::simt::last_graph().low_priority = 0;
  return *work = new CUgraphExec_st(*graph), cudaSuccess;
}
inline cudaError_t cudaGraphDestroy(cudaGraph_t graph) { return delete graph, cudaSuccess; }
inline cudaError_t cudaGraphExecDestroy(cudaGraphExec_t work) {
  notnot::simt::use_current_device();
  return delete work, cudaSuccess;
}
inline cudaError_t cudaGraphLaunch(cudaGraphExec_t work, cudaStream_t stream) {
  ++notnot::simt::enqueuing_calls;
  notnot::simt::use_current_device();
  if (!notnot::simt::is_current(stream) || work->device != notnot::simt::current_device) {
    return notnot::simt::failed(cudaErrorInvalidResourceHandle);
  }
  return notnot::simt::launch(*work, stream), cudaSuccess;
}
using cudaEvent_t = CUevent_st*;
inline cudaError_t cudaEventCreate(cudaEvent_t* event) {
  notnot::simt::use_current_device();
  return *event = new CUevent_st, cudaSuccess;
}
inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) { return cudaEventCreate(event); }
inline cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  ++notnot::simt::enqueuing_calls;
  notnot::simt::use_current_device();
  return notnot::simt::wait_for(stream, *event) ? cudaSuccess : notnot::simt::failed(cudaErrorStreamCaptureIsolation);
}
inline cudaError_t cudaEventDestroy(cudaEvent_t event) {
  notnot::simt::use_current_device();
  return delete event, cudaSuccess;
}
inline cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  ++notnot::simt::enqueuing_calls;
  notnot::simt::use_current_device();
  if (!notnot::simt::is_current(stream) || event->device != notnot::simt::current_device) {
    return notnot::simt::failed(cudaErrorInvalidResourceHandle);
  }
  event->time = std::chrono::steady_clock::now();
  event->position = notnot::simt::end_of(stream->queue);
  event->capture = stream->capture;
  event->last = stream->last;
  return cudaSuccess;
}
inline cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  notnot::simt::use_current_device();
  return notnot::simt::run_until(event->position), cudaSuccess;
}
inline cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t stop) {
  if (start->device != stop->device) return notnot::simt::failed(cudaErrorInvalidResourceHandle);
  return *milliseconds = std::chrono::duration<float, std::milli>(stop->time - start->time).count(), cudaSuccess;
}

// --- memory ---
/// The allocation is exactly `bytes` long, so that AddressSanitizer sees an access behind its end, and starts as NaN.
inline cudaError_t cudaMallocHost(void** pointer, size_t bytes) {
  notnot::simt::use_current_device();
  if (bytes > notnot::simt::kMemoryBytes || posix_memalign(pointer, 256, bytes) != 0) {
    return notnot::simt::failed(cudaErrorMemoryAllocation);
  }
  std::memset(*pointer, 0xFF, bytes);
  return cudaSuccess;
}
inline cudaError_t cudaMalloc(void** pointer, size_t bytes) {
  const cudaError_t status = cudaMallocHost(pointer, bytes);
  if (status == cudaSuccess) notnot::simt::add_memory(*pointer, bytes);
  return status;
}
inline cudaError_t cudaFree(void* pointer) {
  notnot::simt::use_current_device();
  notnot::simt::run_all();  // as CUDA's, it waits for the device
  notnot::simt::remove_memory(pointer);
  return std::free(pointer), cudaSuccess;
}
inline cudaError_t cudaFreeHost(void* pointer) {
  notnot::simt::use_current_device();
  return std::free(pointer), cudaSuccess;
}
inline cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
  ++notnot::simt::enqueuing_calls;
  notnot::simt::use_current_device();
  for (const void* pointer : {static_cast<const void*>(to), from}) {
    if (!notnot::simt::check_memory(pointer, bytes, notnot::simt::device_of(stream), "a copy")) {
      return notnot::simt::failed(cudaErrorInvalidValue);
    }
  }
  notnot::simt::enqueue(stream, [=] {
    if (bytes > 0) std::memcpy(to, from, bytes);
  });
  return cudaSuccess;
}
inline cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t stream) {
  ++notnot::simt::enqueuing_calls;
  notnot::simt::use_current_device();
  if (!notnot::simt::is_current(stream)) return notnot::simt::failed(cudaErrorInvalidResourceHandle);
  if (!notnot::simt::check_memory(to, bytes, notnot::simt::current_device, "a fill")) {
    return notnot::simt::failed(cudaErrorInvalidValue);
  }
  notnot::simt::enqueue(stream, [=] {
    if (bytes > 0) std::memset(to, value, bytes);
  });
  return cudaSuccess;
}

template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  ++notnot::simt::enqueuing_calls;
  notnot::simt::use_current_device();
  if (!notnot::simt::is_current(config->stream)) return notnot::simt::failed(cudaErrorInvalidResourceHandle);
  const dim3 grid = config->gridDim, block = config->blockDim;
  const uint64_t threads = uint64_t{block.x} * block.y * block.z;
  const bool has_threads = threads > 0 && threads <= 1024 && block.z <= 64;
  const bool has_blocks =
      grid.x > 0 && grid.y > 0 && grid.z > 0 && grid.x <= 0x7FFFFFFFU && grid.y <= 65535 && grid.z <= 65535;
  if (!has_threads || !has_blocks) return notnot::simt::failed(cudaErrorInvalidConfiguration);
  if (config->dynamicSmemBytes > notnot::simt::shared_bytes_per_block()) {
    return notnot::simt::failed(cudaErrorInvalidValue);
  }
  const std::tuple<Parameters...> parameters(std::forward<Arguments>(arguments)...);
  std::apply(
      [](const auto&... each) {
        (notnot::simt::check_parameter(&each, sizeof each, notnot::simt::current_device), ...);
      },
      parameters);
  const auto work = [=, bytes = config->dynamicSmemBytes] {
    notnot::simt::run_grid(grid, block, bytes, [&] { std::apply(kernel, parameters); });
  };
  if (config->numAttrs == 0) return notnot::simt::enqueue(config->stream, work), cudaSuccess;
  notnot::simt::enqueue(config->stream, work, config->attrs[0].val.priority);
  return cudaSuccess;
}
