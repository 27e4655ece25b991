// Adam/AMSGrad, one thread per element. adam_update (adam_math.h) spells out its fused operations, so that the dense
// step, a replayed step and a row's step give the same bits.
//
// Cost: adam_step moves 9 floats per element (36 bytes) and is bound by memory. A replay moves 8 floats per element,
// however many steps were missed: these run in registers, about 40 instructions each (among them an IEEE root and a
// division).
#include "kernels/adam.h"
#include "kernels/base/launch.cuh"

namespace notnot::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kRowThreads = 128;  // a row has 300 elements

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

/// A block per row. Where `ids` is null, block i has row i.
__global__ void __launch_bounds__(kRowThreads)
    adam_replay_kernel(State state, AdamHyper hyper, const AdamStepScalars* __restrict__ scalars,
                       const int32_t* __restrict__ completed, int32_t* __restrict__ last_step,
                       const int32_t* __restrict__ ids, int32_t columns) {
  const auto row = ids == nullptr ? static_cast<int32_t>(blockIdx.x) : ids[blockIdx.x];
  if (row == kPaddingId) return;
  const int32_t first = last_step[row] + 1, step = *completed;
  if (first > step) return;
  for (int32_t j = threadIdx.x; j < columns; j += kRowThreads) {
    const int64_t i = int64_t{row} * columns + j;
    AdamElement<float> element = state.load(i);
    for (int32_t missed = first; missed <= step; ++missed) adam_update(element, 0.0F, hyper, scalars[missed - 1]);
    state.store(i, element);
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
  for (int32_t j = threadIdx.x; j < columns; j += kRowThreads) {
    const int64_t i = int64_t{row} * columns + j;
    AdamElement<float> element = state.load(i);
    adam_update(element, gradients[int64_t{blockIdx.x} * columns + j], hyper, scalars[step - 1]);
    state.store(i, element);
  }
  if (threadIdx.x == 0) last_step[row] = step;
}

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
  launch(device, "adam_rows_replay", {static_cast<unsigned>(count), kRowThreads}, adam_replay_kernel, State(state),
         state.hyper, state.scalars.data, state.completed.data, state.last_step.data,
         args.count == 0 ? nullptr : args.ids.data, state.columns);
}

void adam_rows_step(const Device& device, const AdamRowsStep& args) {
  const ProfileRange range("adam_rows_step");
  const AdamRows& state = args.state;
  launch(device, "adam_rows_step", {static_cast<unsigned>(args.count), kRowThreads}, adam_rows_step_kernel,
         State(state), state.hyper, state.scalars.data, state.completed.data, state.last_step.data, args.ids.data,
         args.gradients.data, state.columns);
}

}  // namespace notnot::cuda
