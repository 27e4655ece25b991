#include "kernels/adam.h"
#include "kernels/base/cpu.h"

namespace notnot::NOTNOT_CPU_NAMESPACE {
namespace {

constexpr int32_t kChunk = 64;  // elements whose state stays in registers while the missed steps are replayed

/// Steps `first`..`last`, without a gradient, of up to kChunk elements.
void replay_chunk(const AdamRows& state, int64_t begin, int32_t count, int32_t first, int32_t last) {
  float parameter[kChunk] = {}, moment[kChunk] = {}, second[kChunk] = {}, largest[kChunk] = {};
  const size_t bytes = count * sizeof(float);
  __builtin_memcpy(parameter, &state.parameter[begin], bytes);
  __builtin_memcpy(moment, &state.first_moment[begin], bytes);
  __builtin_memcpy(second, &state.second_moment[begin], bytes);
  __builtin_memcpy(largest, &state.largest_second_moment[begin], bytes);
  for (int32_t step = first; step <= last; ++step) {
    const AdamStepScalars scalars = state.scalars[step - 1];
    NOTNOT_SIMD
    for (int32_t i = 0; i < kChunk; ++i) {
      AdamElement<float> element{parameter[i], moment[i], second[i], largest[i]};
      adam_update(element, 0.0F, state.hyper, scalars);
      parameter[i] = element.parameter;
      moment[i] = element.first_moment;
      second[i] = element.second_moment;
      largest[i] = element.largest_second_moment;
    }
  }
  __builtin_memcpy(&state.parameter[begin], parameter, bytes);
  __builtin_memcpy(&state.first_moment[begin], moment, bytes);
  __builtin_memcpy(&state.second_moment[begin], second, bytes);
  __builtin_memcpy(&state.largest_second_moment[begin], largest, bytes);
}

void update(const AdamHyper& hyper, const AdamStepScalars& scalars, const float* gradient, float* parameter,
            float* moment, float* second, float* largest, int64_t count) {
  NOTNOT_SIMD
  for (int64_t i = 0; i < count; ++i) {
    AdamElement<float> element{parameter[i], moment[i], second[i], largest[i]};
    adam_update(element, gradient[i], hyper, scalars);
    parameter[i] = element.parameter;
    moment[i] = element.first_moment;
    second[i] = element.second_moment;
    largest[i] = element.largest_second_moment;
  }
}

}  // namespace

void adam_step(const Device& device, const AdamStep& args) {
  constexpr int64_t kBlock = 16384;
  const auto blocks = static_cast<int32_t>((args.gradient.size + kBlock - 1) / kBlock);
  parallel_for(device.threads, blocks, kBlock, [&](int32_t block) {
    const int64_t begin = block * kBlock;
    update(args.hyper, args.scalars[args.completed[0]], args.gradient.data + begin, args.parameter.data + begin,
           args.first_moment.data + begin, args.second_moment.data + begin, args.largest_second_moment.data + begin,
           smaller(kBlock, args.gradient.size - begin));
  });
}

void adam_rows_replay(const Device& device, const AdamRowsReplay& args) {
  const AdamRows& state = args.state;
  const int32_t count = args.count == 0 ? state.rows : args.count, step = state.completed[0];
  // A guess at how many steps a row has missed: some have missed hundreds, others none.
  constexpr int64_t kMissed = 8;
  parallel_for(device.threads, count, kMissed * state.columns, [&](int32_t i) {
    const int32_t row = args.count == 0 ? i : args.ids[i];
    const int32_t first = state.last_step[row] + 1;
    if (first > step || row == kPaddingId) return;
    for (int32_t column = 0; column < state.columns; column += kChunk) {
      replay_chunk(state, int64_t{row} * state.columns + column, smaller(kChunk, state.columns - column), first, step);
    }
    state.last_step[row] = step;
  });
}

void adam_rows_step(const Device& device, const AdamRowsStep& args) {
  const AdamRows& state = args.state;
  const int32_t completed = state.completed[0];
  parallel_for(device.threads, args.count, int64_t{4} * state.columns, [&](int32_t i) {
    if (args.ids[i] == kPaddingId) return;
    const int64_t begin = int64_t{args.ids[i]} * state.columns;
    update(state.hyper, state.scalars[completed], &args.gradients[int64_t{i} * state.columns], &state.parameter[begin],
           &state.first_moment[begin], &state.second_moment[begin], &state.largest_second_moment[begin], state.columns);
    state.last_step[args.ids[i]] = completed + 1;
  });
}

}  // namespace notnot::NOTNOT_CPU_NAMESPACE
