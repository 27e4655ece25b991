#pragma once
// The device context that every operation takes, and memory on a device. operation.h declares operations with it.
//
// Conventions, true for every operation in this folder:
//  * Matrices are row-major. Parameter gradients accumulate (+=), activations and activation gradients are assigned.
//  * Work is enqueued on the context's stream; only copy_to_device, copy_to_host and synchronize wait. On the CPU it is
//    done on return.
//  * Results are the same bytes for the same input on the same device, whatever the number of threads; the result of a
//    sequence does not depend on the other sequences of its batch. No floating-point atomics anywhere.
//  * Row counts of matrix products are rounded up to kRowTile: such buffers have padded_rows(n) rows. What the rows
//    from n on hold is unspecified and never reaches a row below n.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/base/error.h"
#include "kernels/base/span.h"

struct CUstream_st;
struct CUevent_st;
struct CUgraphExec_st;

namespace notnot {

enum class Backend : uint8_t {
  cpu,
  cuda,  ///< an NVIDIA GPU, or the SIMT emulator in builds that compile the .cu files with the host compiler
};

/// Instruction sets that the CPU files are compiled for; the best one that the machine has is used.
enum class CpuIsa : uint8_t { baseline, avx2, avx512 };

struct Device {
  Backend backend = Backend::cpu;
  CpuIsa isa = CpuIsa::baseline;
  int threads = 1;                ///< CPU threads an operation may use
  int ordinal = 0;                ///< CUDA device number
  int models = 1;                 ///< CUDA: models that share the device, each on a stream of its own
  int multiprocessors = 0;        ///< CUDA: number of SMs
  CUstream_st* stream = nullptr;  ///< CUDA: cudaStream_t of this context
  void* gemm = nullptr;           ///< CUDA: cuBLASLt handle and workspace, see gemm.cu
};

/// Rows of a tile of a matrix product. A multiple of 6, 8 and 16: oneDNN's kernels take 6 (AVX2) or 8 (AVX-512) rows at
/// a time, and the AVX2 kernel sums a remainder of 1 to 3 rows in another order (with tiles of 32, rows 30 and 31 had
/// other bits than the same rows elsewhere).
inline constexpr int32_t kRowTile = 48;
constexpr int64_t padded_rows(int64_t rows) { return (rows + kRowTile - 1) / kRowTile * kRowTile; }

struct DeviceInfo {
  std::string name;
  int64_t memory_bytes = 0;
  int compute_major = 0, compute_minor = 0;
  int multiprocessors = 0;
};

// --- contexts --------------------------------------------------------------------------------------------------------
/// The environment variable NOTNOT_CPU_ISA names an instruction set that does not exist or that this machine lacks.
struct UnavailableIsa : Error {
  using Error::Error;
};
/// The best instruction set of this machine, or the one that the environment variable NOTNOT_CPU_ISA names (baseline,
/// avx2, avx512). Throws UnavailableIsa.
CpuIsa detect_cpu_isa();
std::string_view to_string(CpuIsa isa);
Device open_cpu(int threads);
/// Whether `folder`, which is /dev but for tests, has the file of an NVIDIA card: nvidia0, nvidia1, ...
bool has_nvidia_card(const std::string& folder);

namespace cuda {
/// "built with CUDA 13.0 for sm_80, sm_90a, sm_100, sm_120" or "not built: <why>".
std::string build_status();
/// The number of devices that the driver lists. If it is 0, `reason` says why (not built, or the driver's message and
/// code), and what to do about it.
int device_count(std::string& reason);
/// Why a device that the driver lists cannot compute, and what to do about it; empty if it can.
std::string why_unusable(int ordinal);
/// Whether there is a card for this process, even if the driver lists no device: not one that the user has hidden by
/// CUDA_VISIBLE_DEVICES.
bool card_exists();
DeviceInfo describe(int ordinal);
/// CUDA_DEVICE_MAX_CONNECTIONS: the device's queues for the streams of this process. 32 if the user has not set it,
/// from the first call of device_count or open on.
std::string connections();
/// Bytes of a GEMM workspace: cuBLAS asks for as much on Hopper.
inline constexpr size_t kGemmWorkspaceBytes = size_t{32} << 20;
/// Opens a context with its own stream, GEMM handle and GEMM workspace. close releases them and never throws.
Device open(int ordinal);
void close(Device& device) noexcept;

void* allocate(const Device& device, size_t bytes);
void release(const Device& device, void* pointer) noexcept;
void copy_to_device(const Device& device, void* to, const void* from, size_t bytes);
void copy_to_host(const Device& device, void* to, const void* from, size_t bytes);
void fill_zero(const Device& device, void* to, size_t bytes);
void synchronize(const Device& device);

// engine/device/streams.h is made of the functions from here on; only the CUDA backend has them.
/// A context on another stream of the same device, perhaps with a GEMM handle and workspace; `close` releases it.
Device open_side_stream(const Device& device, bool with_gemm);
/// Allocates host memory that the device copies to and from by itself, while the host goes on.
void* allocate_pinned(const Device& device, size_t bytes);
void release_pinned(const Device& device, void* pointer) noexcept;
/// Both enqueue a copy. The pinned memory must stay as it is until the copy is done.
void enqueue_copy_to_pinned(const Device& device, void* to, const void* from, size_t bytes);
void enqueue_copy_from_pinned(const Device& device, void* to, const void* from, size_t bytes);
CUevent_st* open_event(const Device& device);
void close_event(const Device& device, CUevent_st* event) noexcept;
void record(const Device& device, CUevent_st* event);
/// All work that is enqueued on `device` from now on waits for the event.
void wait(const Device& device, CUevent_st* event);
/// The calling thread waits for the event.
void synchronize(const Device& device, CUevent_st* event);
/// Between begin_capture and end_capture the context's stream notes operations and does not run them. Copies to and
/// from host memory are allowed only if it is pinned. If an operation may not be captured, end_capture throws at the
/// latest.
void begin_capture(const Device& device);
CUgraphExec_st* end_capture(const Device& device);
/// Ends a capture that an exception left open.
void abandon_capture(const Device& device) noexcept;
void launch_captured(const Device& device, CUgraphExec_st* work);
void close_captured(const Device& device, CUgraphExec_st* work) noexcept;
}  // namespace cuda

// --- memory, on any backend ------------------------------------------------------------------------------------------
/// Allocates memory, 64-byte aligned (256 on CUDA), not initialised. Throws OutOfMemory if there is not enough.
void* allocate(const Device& device, size_t bytes);
void release(const Device& device, void* pointer) noexcept;
/// Copy between host memory and device memory. Both wait for everything enqueued before them, and for the copy.
void copy_to_device(const Device& device, void* to, const void* from, size_t bytes);
void copy_to_host(const Device& device, void* to, const void* from, size_t bytes);
void fill_zero(const Device& device, void* to, size_t bytes);
void synchronize(const Device& device);

template <class T>
void fill_zero(const Device& device, Span<T> to) {
  fill_zero(device, to.data, to.size * sizeof(T));
}
template <class T>
std::vector<std::remove_const_t<T>> to_host(const Device& device, Span<T> from) {
  std::vector<std::remove_const_t<T>> values(from.size);
  copy_to_host(device, values.data(), from.data, values.size() * sizeof(T));
  return values;
}

}  // namespace notnot
