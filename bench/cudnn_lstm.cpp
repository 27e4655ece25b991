#include "bench/cudnn_lstm.h"

#include <cudnn.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#if CUDNN_MAJOR < 9
#error "cuDNN 9 or newer is needed: older ones want the lengths on the device, too"
#endif

#define NOTNOT_CUDNN_CHECK(call) check((call), #call)

namespace notnot::bench {
namespace {

/// Throws CudnnRefused unless `status` is success. cuDNN has many ways to say that it has no such algorithm: not
/// supported, a bad parameter, a part of the library or of the run-time compiler that is not installed.
void check(cudnnStatus_t status, std::string_view call) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  throw CudnnRefused(fmt::format("{}: {} ({})", call.substr(0, call.find('(')), cudnnGetErrorString(status),
                                 static_cast<int>(status)));
}

/// Owns a cuDNN object.
template <class Handle, cudnnStatus_t (*create)(Handle*), cudnnStatus_t (*destroy)(Handle)>
class Owned {
 public:
  Owned() { NOTNOT_CUDNN_CHECK(create(&handle_)); }
  ~Owned() { destroy(handle_); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  operator Handle() const { return handle_; }  // NOLINT(google-explicit-constructor): stands for its handle in calls

 private:
  Handle handle_ = nullptr;
};
using Context = Owned<cudnnHandle_t, cudnnCreate, cudnnDestroy>;
using Dropout = Owned<cudnnDropoutDescriptor_t, cudnnCreateDropoutDescriptor, cudnnDestroyDropoutDescriptor>;
using Rnn = Owned<cudnnRNNDescriptor_t, cudnnCreateRNNDescriptor, cudnnDestroyRNNDescriptor>;
using RnnData = Owned<cudnnRNNDataDescriptor_t, cudnnCreateRNNDataDescriptor, cudnnDestroyRNNDataDescriptor>;
using Tensor = Owned<cudnnTensorDescriptor_t, cudnnCreateTensorDescriptor, cudnnDestroyTensorDescriptor>;

constexpr std::array kAlgorithms = {CUDNN_RNN_ALGO_STANDARD, CUDNN_RNN_ALGO_PERSIST_STATIC,
                                    CUDNN_RNN_ALGO_PERSIST_DYNAMIC, CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H};

/// cuDNN's order of the tokens: time step by time step, in each the sequences that still run; if padded, all sequences.
struct TimeMajor {
  std::vector<int64_t> row;  ///< [N] cuDNN's row of each of our tokens
  int64_t rows = 0;

  TimeMajor(const HostRagged& batch, bool padded) : row(batch.tokens()) {
    for (int32_t t = 0; t < batch.longest; ++t) {
      for (int32_t b = 0; b < batch.sequences(); ++b) {
        const int32_t begin = batch.offsets[b], end = batch.offsets[b + 1];
        const bool runs = begin + t < end;
        if (runs) row[begin + t] = rows;
        if (runs || padded) ++rows;
      }
    }
  }
};

/// Puts rows of `width` values into cuDNN's order, with zeros in the padding; `source(n)` points to the row of token n.
template <class Source>
std::vector<float> to_time_major(const TimeMajor& order, int64_t width, Source source) {
  std::vector<float> values(order.rows * width);
  for (size_t n = 0; n < order.row.size(); ++n) std::copy_n(source(n), width, values.begin() + order.row[n] * width);
  return values;
}

}  // namespace

std::string cudnn_version() {
  const size_t version = cudnnGetVersion();
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

struct CudnnLstm::State {
  State(const Device& its_device, const CudnnVariant& its_variant, const LstmTask& its_task)
      : device(its_device),
        variant(its_variant),
        task(its_task),
        order(task.recurrence.batch, variant.padded),
        x(device, to_time_major(order, task.input.embed,
                                [&](size_t n) {
                                  return task.input.embedding.begin() +
                                         int64_t{task.recurrence.batch.token_ids[n]} * task.input.embed;
                                })),
        dx(device, order.rows * task.input.embed),
        y(device, order.rows * 2 * task.recurrence.hidden),
        dy(device, to_time_major(order, 2 * task.recurrence.hidden, [&](size_t n) {
             return task.recurrence.dstates.begin() + n * 2 * task.recurrence.hidden;
           })) {
    NOTNOT_CUDNN_CHECK(cudnnSetStream(context, device.stream));
    describe();
    size_t bytes = 0, reserve_bytes = 0;
    NOTNOT_CUDNN_CHECK(cudnnGetRNNWeightSpaceSize(context, rnn, &bytes));
    weights = std::make_unique<DeviceArray<float>>(device, std::vector<float>(bytes / sizeof(float)));
    dweights = std::make_unique<DeviceArray<float>>(device, std::vector<float>(bytes / sizeof(float)));
    size_t inference_bytes = 0;
    NOTNOT_CUDNN_CHECK(
        cudnnGetRNNTempSpaceSizes(context, rnn, CUDNN_FWD_MODE_INFERENCE, x_data, &inference_bytes, &reserve_bytes));
    NOTNOT_CUDNN_CHECK(
        cudnnGetRNNTempSpaceSizes(context, rnn, CUDNN_FWD_MODE_TRAINING, x_data, &bytes, &reserve_bytes));
    bytes = std::max(bytes, inference_bytes);
    workspace = std::make_unique<DeviceArray<char>>(device, std::vector<char>(bytes));
    reserve = std::make_unique<DeviceArray<char>>(device, std::vector<char>(reserve_bytes));
    for_each_weight(*weights, [&](const float* from, float* to, size_t count) {
      copy_to_device(device, to, from, count * sizeof(float));
    });
  }

  void describe() {
    NOTNOT_CUDNN_CHECK(cudnnSetDropoutDescriptor(dropout, context, 0, nullptr, 0, 0));
    NOTNOT_CUDNN_CHECK(
        cudnnSetRNNDescriptor_v8(rnn, kAlgorithms[static_cast<size_t>(variant.algorithm)], CUDNN_LSTM,
                                 CUDNN_RNN_DOUBLE_BIAS, CUDNN_BIDIRECTIONAL, CUDNN_LINEAR_INPUT, CUDNN_DATA_FLOAT,
                                 CUDNN_DATA_FLOAT, variant.tf32 ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH, task.input.embed,
                                 task.recurrence.hidden, task.recurrence.hidden, 1, dropout,
                                 variant.padded ? CUDNN_RNN_PADDED_IO_ENABLED : CUDNN_RNN_PADDED_IO_DISABLED));
    const int32_t sequences = task.recurrence.batch.sequences();
    if (variant.algorithm == CudnnVariant::Algorithm::persist_dynamic) {
      NOTNOT_CUDNN_CHECK(cudnnBuildRNNDynamic(context, rnn, sequences));
    }
    std::vector<int> lengths(sequences, task.recurrence.batch.longest);
    for (size_t b = 0; b < lengths.size() && !variant.padded; ++b) {
      lengths[b] = task.recurrence.batch.offsets[b + 1] - task.recurrence.batch.offsets[b];
    }
    const auto layout =
        variant.padded ? CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED : CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED;
    float fill = 0;
    NOTNOT_CUDNN_CHECK(cudnnSetRNNDataDescriptor(x_data, CUDNN_DATA_FLOAT, layout, task.recurrence.batch.longest,
                                                 sequences, task.input.embed, lengths.data(), &fill));
    NOTNOT_CUDNN_CHECK(cudnnSetRNNDataDescriptor(y_data, CUDNN_DATA_FLOAT, layout, task.recurrence.batch.longest,
                                                 sequences, 2 * task.recurrence.hidden, lengths.data(), &fill));
    const std::array<int, 3> shape = {2, sequences, task.recurrence.hidden},
                             strides = {sequences * task.recurrence.hidden, task.recurrence.hidden, 1};
    NOTNOT_CUDNN_CHECK(cudnnSetTensorNdDescriptor(carried, CUDNN_DATA_FLOAT, 3, shape.data(), strides.data()));
  }

  /// Calls visit(place in the task's vector, place in cuDNN's `space`, count) for each matrix and bias of each gate.
  template <class Visit>
  void for_each_weight(const DeviceArray<float>& space, Visit visit) const {
    const Tensor matrix_shape, bias_shape;
    const size_t bytes = space.span().size * sizeof(float);
    for (int direction = 0; direction < 2; ++direction) {
      for (int gate = 0; gate < 8; ++gate) {  // four of the input side, then four of the recurrent side
        void *matrix = nullptr, *bias = nullptr;
        NOTNOT_CUDNN_CHECK(cudnnGetRNNWeightParams(context, rnn, direction, bytes, space.span().data, gate,
                                                   matrix_shape, &matrix, bias_shape, &bias));
        const bool input = gate < 4;
        const auto row = static_cast<size_t>(direction * 4 + gate % 4) * task.recurrence.hidden;
        const auto width = static_cast<size_t>(input ? task.input.embed : task.recurrence.hidden),
                   units = static_cast<size_t>(task.recurrence.hidden);
        visit((input ? task.input.weight : task.recurrence.weight_hh).data() + row * width, static_cast<float*>(matrix),
              units * width);
        visit((input ? task.input.bias : task.input.second_bias).data() + row, static_cast<float*>(bias), units);
      }
    }
  }

  Device device;
  CudnnVariant variant;
  const LstmTask& task;
  TimeMajor order;
  DeviceArray<float> x, dx, y, dy;
  Context context;
  Dropout dropout;
  Rnn rnn;
  RnnData x_data, y_data;
  Tensor carried;
  std::unique_ptr<DeviceArray<float>> weights, dweights;
  std::unique_ptr<DeviceArray<char>> workspace, reserve;
};

CudnnLstm::CudnnLstm(const Device& device, const CudnnVariant& variant, const LstmTask& task)
    : state_(std::make_unique<State>(device, variant, task)) {}
CudnnLstm::~CudnnLstm() = default;

void CudnnLstm::forward(bool training) {
  const State& s = *state_;
  NOTNOT_CUDNN_CHECK(cudnnRNNForward(
      s.context, s.rnn, training ? CUDNN_FWD_MODE_TRAINING : CUDNN_FWD_MODE_INFERENCE, nullptr, s.x_data,
      s.x.span().data, s.y_data, s.y.span().data, s.carried, nullptr, nullptr, s.carried, nullptr, nullptr,
      s.weights->span().size * sizeof(float), s.weights->span().data, s.workspace->span().size,
      s.workspace->span().data, training ? s.reserve->span().size : 0, training ? s.reserve->span().data : nullptr));
}

void CudnnLstm::backward() {
  const State& s = *state_;
  const size_t weight_bytes = s.weights->span().size * sizeof(float), workspace_bytes = s.workspace->span().size,
               reserve_bytes = s.reserve->span().size;
  NOTNOT_CUDNN_CHECK(cudnnRNNBackwardData_v8(
      s.context, s.rnn, nullptr, s.y_data, s.y.span().data, s.dy.span().data, s.x_data, s.dx.span().data, s.carried,
      nullptr, nullptr, nullptr, s.carried, nullptr, nullptr, nullptr, weight_bytes, s.weights->span().data,
      workspace_bytes, s.workspace->span().data, reserve_bytes, s.reserve->span().data));
  NOTNOT_CUDNN_CHECK(cudnnRNNBackwardWeights_v8(s.context, s.rnn, CUDNN_WGRAD_MODE_ADD, nullptr, s.x_data,
                                                s.x.span().data, s.carried, nullptr, s.y_data, s.y.span().data,
                                                weight_bytes, s.dweights->span().data, workspace_bytes,
                                                s.workspace->span().data, reserve_bytes, s.reserve->span().data));
}

LstmResults CudnnLstm::results() const {
  const State& s = *state_;
  const int64_t width = 2 * s.task.recurrence.hidden;
  LstmResults results{.states = std::vector<float>(s.order.row.size() * static_cast<size_t>(width)),
                      .dweight_ih = std::vector<float>(s.task.input.weight.size()),
                      .dweight_hh = std::vector<float>(s.task.recurrence.weight_hh.size())};
  const std::vector<float> y = s.y.host();
  for (size_t n = 0; n < s.order.row.size(); ++n) {
    std::copy_n(y.begin() + s.order.row[n] * width, width, results.states.begin() + n * width);
  }
  s.for_each_weight(*s.dweights, [&](const float* place, float* from, size_t count) {
    for (const auto& [weights, gradients] :
         {std::pair{&s.task.input.weight, &results.dweight_ih}, {&s.task.recurrence.weight_hh, &results.dweight_hh}}) {
      if (place < weights->data() || place >= weights->data() + weights->size()) continue;
      copy_to_host(s.device, gradients->data() + (place - weights->data()), from, count * sizeof(float));
    }
  });
  return results;
}

}  // namespace notnot::bench
