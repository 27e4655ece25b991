// Sorts (id, position) by id with CUB's radix sort. It is stable, so an id's positions stay ascending and the sorted
// positions are `occurrences`. A scan over the places where the id changes numbers the distinct ids.
//
// Cost: on a batch of a few thousand tokens, six launches of 2-3 us; the sort passes over as many bits as the
// vocabulary needs (15 for 19,000 ids: two passes).
#include <bit>
#include <cub/cub.cuh>

#include "kernels/base/launch.cuh"
#include "kernels/unique_tokens.h"

namespace notnot::cuda {
namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads) number_positions(int32_t* positions, int32_t tokens) {
  const int32_t n = blockIdx.x * kThreads + threadIdx.x;
  if (n < tokens) positions[n] = n;
}

__global__ void __launch_bounds__(kThreads)
    mark_changes(const uint32_t* __restrict__ sorted_ids, int32_t* __restrict__ changes, int32_t tokens) {
  const int32_t n = blockIdx.x * kThreads + threadIdx.x;
  if (n < tokens) changes[n] = n > 0 && sorted_ids[n] != sorted_ids[n - 1] ? 1 : 0;
}

/// `rows` is the scan of `changes`: for each sorted position the number of its distinct id. A number from args.unique
/// on means that the host miscounted; nothing is written for it.
__global__ void __launch_bounds__(kThreads)
    scatter_rows(UniqueTokens args, const uint32_t* __restrict__ sorted_ids, const int32_t* __restrict__ rows) {
  const int32_t n = blockIdx.x * kThreads + threadIdx.x;
  if (n < args.unique && n > rows[args.tokens - 1]) {  // slack
    args.unique_ids[n] = kPaddingId;
    args.occurrence_offsets[n + 1] = args.tokens;
  }
  if (n >= args.tokens) return;
  const int32_t row = rows[n];
  args.unique_row[args.occurrences[n]] = row;
  if (row >= args.unique) return;
  if (n == 0 || rows[n - 1] != row) {
    args.unique_ids[row] = static_cast<int32_t>(sorted_ids[n]);
    args.occurrence_offsets[row] = n;
  }
  if (n == args.tokens - 1) args.occurrence_offsets[row + 1] = args.tokens;
}

}  // namespace

void unique_tokens(const Device& device, const UniqueTokens& args) {
  const ProfileRange range("unique_tokens");
  NOTNOT_CUDA_CHECK(cudaSetDevice(device.ordinal));  // CUB asks the current device for its architecture
  const int32_t tokens = args.tokens;
  const int bits = std::max(1, static_cast<int>(std::bit_width(static_cast<uint32_t>(args.vocabulary - 1))));
  const auto* ids = reinterpret_cast<const uint32_t*>(args.token_ids.data);
  // Workspace: three arrays of N (positions and changes take turns in one), then CUB's own.
  int32_t* positions = args.workspace.data;
  auto* sorted_ids = reinterpret_cast<uint32_t*>(positions + tokens);
  int32_t* rows = positions + 2 * int64_t{tokens};
  // CUB wants the 256 bytes of alignment that cudaMalloc gives.
  const auto end = reinterpret_cast<uintptr_t>(rows + tokens);
  void* scratch = reinterpret_cast<void*>((end + 255) / 256 * 256);
  const size_t available =
      reinterpret_cast<uintptr_t>(args.workspace.data + args.workspace.size) - reinterpret_cast<uintptr_t>(scratch);
  size_t sort_bytes = 0, scan_bytes = 0;
  NOTNOT_CUDA_CHECK(cub::DeviceRadixSort::SortPairs(nullptr, sort_bytes, ids, sorted_ids, positions,
                                                    args.occurrences.data, tokens, 0, bits, device.stream));
  NOTNOT_CUDA_CHECK(cub::DeviceScan::InclusiveSum(nullptr, scan_bytes, positions, rows, tokens, device.stream));
  NOTNOT_CHECK(std::max(sort_bytes, scan_bytes) <= available, "CUB needs {} and {} bytes, the workspace leaves {}",
               sort_bytes, scan_bytes, available);

  const LaunchShape shape{blocks_for(tokens, kThreads), kThreads};
  launch(device, "number_positions", shape, number_positions, positions, tokens);
  NOTNOT_CUDA_CHECK(cub::DeviceRadixSort::SortPairs(scratch, sort_bytes, ids, sorted_ids, positions,
                                                    args.occurrences.data, tokens, 0, bits, device.stream));
  int32_t* changes = positions;
  launch(device, "mark_changes", shape, mark_changes, sorted_ids, changes, tokens);
  NOTNOT_CUDA_CHECK(cub::DeviceScan::InclusiveSum(scratch, scan_bytes, changes, rows, tokens, device.stream));
  launch(device, "scatter_rows", {blocks_for(std::max(tokens, args.unique), kThreads), kThreads}, scatter_rows, args,
         sorted_ids, rows);
}

}  // namespace notnot::cuda
