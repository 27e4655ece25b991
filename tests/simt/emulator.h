#pragma once
// Runs the grid of a CUDA launch on one CPU thread. Every CUDA thread is a fiber: it runs until it reaches a barrier or
// a warp intrinsic, then another fiber runs. README.md in this folder says how to use it. The emulator promises:
//  * Barriers count arrivals. A block barrier waits for the block's threads that have not returned, a warp intrinsic
//    for the threads in its mask. Threads that meet at different barriers, and deadlocks, throw notnot::Error with file
//    and line of every waiter.
//  * Shared memory starts in every block as bytes 0xFF, which are NaN in every float; so does the memory that
//    cudaMalloc returns. Dynamic shared memory is an allocation of its own for every block, exactly as long as the
//    launch asked for.
//  * Two blocks are resident at a time and take turns, so that they share out work by ticket counters as on a GPU. One
//    block is resident in a program with static __shared__ variables, because these exist only once.
//  * NOTNOT_SIMT_ORDER = forward (default), reversed, random or random:SEED is the order in which blocks run, and
//    threads between barriers. Code without races gives the same bytes in every order.
//  * A block may have 227 KiB of shared memory, as on a Hopper, or as many KiB as NOTNOT_SIMT_SHARED_KIB says.
//  * With ThreadSanitizer each CUDA thread is a thread of its own, and only __syncthreads, __syncwarp, and the start
//    and the end of a launch order memory. Shuffles, votes and atomics do not, as in CUDA.
//  * With NOTNOT_SIMT_STREAMS = random, streams overtake each other and the host wherever nothing makes them wait
//    (streams.h).
// Two things are not there. A thread cannot spin on memory that another thread writes, because nothing preempts a
// thread (__nanosleep lets others run). And launches never overlap: those of several streams or host threads take
// turns.
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

/// The value of the environment variable `name`, or `otherwise` if the variable is not set or empty.
std::string environment(const char* name, const char* otherwise);
/// A random generator for the environment variable `name`, whose value `choice` is "random" or "random:SEED". Prints
/// the seed, so that a failure can be repeated. Throws notnot::Error if SEED is not a whole number.
std::mt19937_64 seeded_generator(const char* name, const std::string& choice);

/// The bytes of shared memory that a block may have: 227 KiB, or NOTNOT_SIMT_SHARED_KIB. Throws notnot::Error if the
/// variable is not a whole number from 1 to 227.
size_t shared_bytes_per_block();

/// Runs `kernel` once per thread of the grid. If a thread throws, run_grid throws notnot::Error with the same message
/// and the thread's index.
void run_grid(dim3 grid, dim3 block, size_t shared_bytes, const std::function<void()>& kernel);

// --- only for kernels ---------------------------------------------------------------------------------------------
/// Where a barrier or a warp intrinsic was called: its name, and file and line of the caller. Error messages print it.
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
/// Waits for the threads of `mask` and returns the value that `source_lane` brought. All bits of the result are ones if
/// `source_lane` took no part.
uint64_t exchange(uint32_t mask, uint64_t value, int source_lane, const Place& place);
/// Waits for the threads of `mask` and returns the lanes whose predicate is true.
uint32_t ballot(uint32_t mask, bool predicate, const Place& place);
/// The registers that a lane brings to mma.sync; they are more than a shuffle carries.
using Operands = std::array<uint32_t, 6>;
/// Waits for the whole warp and returns the operands of all its lanes.
std::array<Operands, 32> exchange_operands(const Operands& mine, const Place& place);
/// Lets other threads run.
void yield();

}  // namespace notnot::simt
