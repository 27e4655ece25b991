// Adam/AMSGrad, one thread per element. adam_update (adam_math.h) spells out its fused operations, so that the dense
// step, a replayed step and a row's step give the same bits.
//
// Cost: adam_step moves 9 floats per element (36 bytes) and is bound by memory. A replay moves 8 floats per element,
// however many steps were missed: these run in registers. Each hangs on the one before, so that the row with the most
// missed steps decides how long the kernel takes: some 290 steps for a batch of SST, whose rarest words come once an
// epoch. Hence a thread per column, no branch within a step, and the root off the chain from step to step: in a missed
// step the largest second moment hardly ever changes, so kTried steps are computed with its old root, and again if it
// has changed after all. The chain is then L2 term, first moment, move: five operations.
//
// A model of the instructions as ptxas has ordered them (kernels/README.md) gives 38 clocks a step with 4 warps on an
// SM and 58 with 12; if the scalars come from L2, 71 and 76, because ptxas puts their loads behind the tried steps and
// waits for them there. No GPU has measured it yet.
#include "kernels/adam.h"
#include "kernels/base/launch.cuh"

namespace notnot::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kRowThreads = 512;  // at most; a thread per column
constexpr int kTried = 8;         // steps between two looks at the largest second moment

/// The four state arrays of a group, without their sizes.
struct State {
  float *parameter, *first_moment, *second_moment, *largest_second_moment;

  template <class Args>
  explicit State(const Args& args)
      : parameter(args.parameter.data),
        first_moment(args.first_moment.data),
        second_moment(args.second_moment.data),
        largest_second_moment(args.largest_second_moment.data) {}
  __device__ AdamElement<float> load(int64_t i) const {
    return {parameter[i], first_moment[i], second_moment[i], largest_second_moment[i]};
  }
  __device__ void store(int64_t i, const AdamElement<float>& element) const {
    parameter[i] = element.parameter;
    first_moment[i] = element.first_moment;
    second_moment[i] = element.second_moment;
    largest_second_moment[i] = element.largest_second_moment;
  }
};

__global__ void __launch_bounds__(kThreads)
    adam_step_kernel(State state, AdamHyper hyper, const AdamStepScalars* __restrict__ scalars,
                     const int32_t* __restrict__ completed, const float* __restrict__ gradient, int64_t elements) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= elements) return;
  AdamElement<float> element = state.load(i);
  adam_update(element, gradient[i], hyper, scalars[*completed]);
  state.store(i, element);
}

struct TriedScalars {
  AdamStepScalars of[kTried];

  explicit __device__ TriedScalars(const AdamStepScalars* __restrict__ first) {
#pragma unroll
    for (int k = 0; k < kTried; ++k) of[k] = first[k];
  }
};

/// kTried steps of an element without a gradient as if its largest second moment stayed as it is.
__device__ AdamElement<float> try_steps(AdamElement<float> element, const AdamHyper& hyper,
                                        const TriedScalars& scalars) {
  const float root_of_largest = root(element.largest_second_moment);
  Divisor<float> denominators[kTried];
#pragma unroll
  for (int k = 0; k < kTried; ++k) denominators[k] = adam_denominator(root_of_largest, hyper, scalars.of[k]);
#pragma unroll
  for (int k = 0; k < kTried; ++k) {
    adam_moments(element, 0.0F, hyper);
    adam_move(element, denominators[k], scalars.of[k]);
  }
  return element;
}

/// The steps first..last of an element, none with a gradient: the bits of as many calls of adam_update.
__device__ AdamElement<float> replay(AdamElement<float> element, const AdamHyper& hyper,
                                     const AdamStepScalars* __restrict__ scalars, int32_t first, int32_t last) {
  const auto by_step = [&](int32_t until) {
#pragma unroll 1
    for (; first <= until; ++first) adam_update(element, 0.0F, hyper, scalars[first - 1]);
  };
  if (last - first + 1 >= kTried) {
    TriedScalars next(scalars + first - 1);
    do {
      const TriedScalars now = next;
      next = TriedScalars(scalars + min(first + kTried, last - kTried + 1) - 1);
      const AdamElement<float> tried = try_steps(element, hyper, now);
      if (tried.largest_second_moment == element.largest_second_moment) {  // it never falls: it was the same throughout
        element = tried;
        first += kTried;
      } else {
        by_step(first + kTried - 1);
      }
    } while (first + kTried - 1 <= last);
  }
  by_step(last);
  return element;
}

/// A block per row. Where `ids` is null, block i has row i.
__global__ void __launch_bounds__(kRowThreads)
    adam_replay_kernel(State state, AdamHyper hyper, const AdamStepScalars* __restrict__ scalars,
                       const int32_t* __restrict__ completed, int32_t* __restrict__ last_step,
                       const int32_t* __restrict__ ids, int32_t columns) {
  const auto row = ids == nullptr ? static_cast<int32_t>(blockIdx.x) : ids[blockIdx.x];
  if (row == kPaddingId) return;
  const int32_t first = last_step[row] + 1, step = *completed;
  if (first > step) return;
  for (int32_t j = threadIdx.x; j < columns; j += blockDim.x) {
    const int64_t i = int64_t{row} * columns + j;
    state.store(i, replay(state.load(i), hyper, scalars, first, step));
  }
  __syncthreads();  // every thread has read last_step
  if (threadIdx.x == 0) last_step[row] = step;
}

__global__ void __launch_bounds__(kRowThreads)
    adam_rows_step_kernel(State state, AdamHyper hyper, const AdamStepScalars* __restrict__ scalars,
                          const int32_t* __restrict__ completed, int32_t* __restrict__ last_step,
                          const int32_t* __restrict__ ids, const float* __restrict__ gradients, int32_t columns) {
  const int32_t row = ids[blockIdx.x], step = *completed + 1;
  if (row == kPaddingId) return;
  for (int32_t j = threadIdx.x; j < columns; j += blockDim.x) {
    const int64_t i = int64_t{row} * columns + j;
    AdamElement<float> element = state.load(i);
    adam_update(element, gradients[int64_t{blockIdx.x} * columns + j], hyper, scalars[step - 1]);
    state.store(i, element);
  }
  if (threadIdx.x == 0) last_step[row] = step;
}

/// A thread per column, in whole warps, as far as a block may have so many.
unsigned row_threads(int32_t columns) { return columns >= kRowThreads ? kRowThreads : (columns + 31) / 32 * 32; }

}  // namespace

void adam_step(const Device& device, const AdamStep& args) {
  const ProfileRange range("adam_step");
  if (args.gradient.empty()) return;
  launch(device, "adam_step", {blocks_for(args.gradient.size, kThreads), kThreads}, adam_step_kernel, State(args),
         args.hyper, args.scalars.data, args.completed.data, args.gradient.data, args.gradient.size);
}

void adam_rows_replay(const Device& device, const AdamRowsReplay& args) {
  const ProfileRange range("adam_rows_replay");
  const AdamRows& state = args.state;
  const int32_t count = args.count == 0 ? state.rows : args.count;
  launch(device, "adam_rows_replay", {static_cast<unsigned>(count), row_threads(state.columns)}, adam_replay_kernel,
         State(state), state.hyper, state.scalars.data, state.completed.data, state.last_step.data,
         args.count == 0 ? nullptr : args.ids.data, state.columns);
}

void adam_rows_step(const Device& device, const AdamRowsStep& args) {
  const ProfileRange range("adam_rows_step");
  const AdamRows& state = args.state;
  launch(device, "adam_rows_step", {static_cast<unsigned>(args.count), row_threads(state.columns)},
         adam_rows_step_kernel, State(state), state.hyper, state.scalars.data, state.completed.data,
         state.last_step.data, args.ids.data, args.gradients.data, state.columns);
}

}  // namespace notnot::cuda
