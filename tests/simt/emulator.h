#pragma once
// A CUDA grid on one CPU thread: every CUDA thread is a fiber that runs until a barrier or a warp intrinsic. What it
// promises:
//  * Barriers count arrivals. A block barrier waits for the block's threads that have not returned, a warp intrinsic
//    for those in its mask. Threads that meet at different barriers, and deadlocks, throw notnot::Error with file and
//    line of every waiter.
//  * Shared memory starts as 0xFF bytes, a NaN in every float, in every block; so does what cudaMalloc returns. Dynamic
//    shared memory is an allocation of its own for every block, exactly as long as the launch asked for.
//  * Two blocks are resident at a time and take turns, so that they share out tickets as on a GPU. (One, where the
//    program has static __shared__ variables, which exist once.)
//  * NOTNOT_SIMT_ORDER = forward (default), reversed, random or random:SEED is the order in which blocks and, between
//    barriers, threads run. Code without races gives the same bytes in every order.
//  * A block may have 227 KiB of shared memory, as on a Hopper, or NOTNOT_SIMT_SHARED_KIB.
//  * With ThreadSanitizer each CUDA thread is a thread of its own, and only __syncthreads, __syncwarp, and the start
//  and
//    the end of a launch order memory. Shuffles, votes and atomics do not, as in CUDA.
//  * Streams overtake each other and the host where nothing waits, with NOTNOT_SIMT_STREAMS = random (streams.h).
// Not there: spinning on memory that another thread writes (nothing preempts a thread; __nanosleep lets others run),
// and two launches at the same time (those of several streams or host threads take turns).
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <string>

#include "tests/simt/include/vector_types.h"

inline uint3 threadIdx, blockIdx;
inline dim3 blockDim, gridDim;

namespace notnot::simt {

/// The environment variable `name`, or `otherwise` where it is not set or empty.
std::string environment(const char* name, const char* otherwise);
/// The generator for `choice`, which is "random" or "random:SEED", of the environment variable `name`. Prints the seed.
std::mt19937_64 seeded_generator(const char* name, const std::string& choice);

/// Runs `kernel` once per thread of the grid. Throws what a thread throws, naming the thread.
void run_grid(dim3 grid, dim3 block, size_t shared_bytes, const std::function<void()>& kernel);

// The rest may be called by kernels only. `name` is what an error calls the barrier; file and line are of its caller.
struct Place {
  const char* name;
  const char* file;
  int line;
};
void* dynamic_shared_memory();
int lane();
void sync_block(const Place& place);
/// Waits for the threads of `mask`, and orders memory among them.
void sync_warp(uint32_t mask, const Place& place);
/// Waits for the threads of `mask` and returns the value that `source_lane` brought; all ones if it took no part.
uint64_t exchange(uint32_t mask, uint64_t value, int source_lane, const Place& place);
/// Waits for the threads of `mask` and returns the lanes whose predicate is true.
uint32_t ballot(uint32_t mask, bool predicate, const Place& place);
/// What a lane brings to mma.sync, more than a shuffle carries.
using Operands = std::array<uint32_t, 6>;
/// Waits for the whole warp and returns what its lanes brought.
std::array<Operands, 32> exchange_operands(const Operands& mine, const Place& place);
/// Lets other threads run.
void yield();

}  // namespace notnot::simt
