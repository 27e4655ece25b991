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

/// Throws unless `status` is success; CudnnRefused for what is not supported and for bad parameters, as cuDNN calls
/// some of the sizes that an algorithm does not take. Each of these is a thousand of statuses.
void check(cudnnStatus_t status, std::string_view call) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  const std::string message =
      fmt::format("{}: {} ({})", call.substr(0, 30), cudnnGetErrorString(status), static_cast<int>(status));
  if (status / 1000 == CUDNN_STATUS_NOT_SUPPORTED / 1000 || status / 1000 == CUDNN_STATUS_BAD_PARAM / 1000) {
    throw CudnnRefused(message);
  }
  throw Error(message);
}

/// A cuDNN object that is destroyed with this one.
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
constexpr std::array kNames = {"STANDARD", "PERSIST_STATIC", "PERSIST_DYNAMIC", "PERSIST_STATIC_SMALL_H"};

/// Where cuDNN has each token: time step by time step, of each the sequences that still run, or all.
struct TimeMajor {
  std::vector<int64_t> row;  ///< [N] of our tokens
  int64_t rows = 0;

  TimeMajor(const HostRagged& batch, bool padded) : row(static_cast<size_t>(batch.tokens())) {
    for (int32_t t = 0; t < batch.longest; ++t) {
      for (int32_t b = 0; b < batch.sequences(); ++b) {
        const int32_t begin = batch.offsets[static_cast<size_t>(b)], end = batch.offsets[static_cast<size_t>(b) + 1];
        const bool runs = begin + t < end;
        if (runs) row[static_cast<size_t>(begin + t)] = rows;
        if (runs || padded) ++rows;
      }
    }
  }
};

/// Rows of `width` values moved to where cuDNN has them, zeros elsewhere; `source(n)` points to token n's.
template <class Source>
std::vector<float> to_time_major(const TimeMajor& order, int64_t width, Source source) {
  std::vector<float> values(static_cast<size_t>(order.rows * width));
  for (size_t n = 0; n < order.row.size(); ++n) std::copy_n(source(n), width, values.begin() + order.row[n] * width);
  return values;
}

}  // namespace

std::string CudnnVariant::name() const {
  return fmt::format("{} {} {}", kNames[static_cast<size_t>(algorithm)], padded ? "padded" : "packed",
                     tf32 ? "tf32" : "fp32");
}

std::vector<CudnnVariant> cudnn_variants() {
  std::vector<CudnnVariant> variants;
  for (size_t algorithm = 0; algorithm < kAlgorithms.size(); ++algorithm) {
    for (const bool padded : {false, true}) {
      for (const bool tf32 : {false, true}) {
        variants.push_back(
            {.algorithm = static_cast<CudnnVariant::Algorithm>(algorithm), .padded = padded, .tf32 = tf32});
      }
    }
  }
  return variants;
}

std::string cudnn_version() {
  const size_t version = cudnnGetVersion();
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

struct CudnnLstm::State {
  State(const Device& its_device, const CudnnVariant& its_variant, const LstmTask& its_task)
      : device(its_device),
        variant(its_variant),
        task(its_task),
        order(task.batch, variant.padded),
        x(device, to_time_major(order, task.embed,
                                [&](size_t n) {
                                  return task.embedding.begin() + int64_t{task.batch.token_ids[n]} * task.embed;
                                })),
        dx(device, order.rows * task.embed),
        y(device, order.rows * 2 * task.hidden),
        dy(device, to_time_major(order, 2 * task.hidden, [&](size_t n) {
             return task.dstates.begin() + static_cast<int64_t>(n) * 2 * task.hidden;
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
    NOTNOT_CUDNN_CHECK(cudnnSetRNNDescriptor_v8(
        rnn, kAlgorithms[static_cast<size_t>(variant.algorithm)], CUDNN_LSTM, CUDNN_RNN_DOUBLE_BIAS,
        CUDNN_BIDIRECTIONAL, CUDNN_LINEAR_INPUT, CUDNN_DATA_FLOAT, CUDNN_DATA_FLOAT,
        variant.tf32 ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH, task.embed, task.hidden, task.hidden, 1, dropout,
        variant.padded ? CUDNN_RNN_PADDED_IO_ENABLED : CUDNN_RNN_PADDED_IO_DISABLED));
    const int32_t sequences = task.batch.sequences();
    if (variant.algorithm == CudnnVariant::Algorithm::persist_dynamic) {
      NOTNOT_CUDNN_CHECK(cudnnBuildRNNDynamic(context, rnn, sequences));
    }
    std::vector<int> lengths(static_cast<size_t>(sequences), task.batch.longest);
    for (size_t b = 0; b < lengths.size() && !variant.padded; ++b) {
      lengths[b] = task.batch.offsets[b + 1] - task.batch.offsets[b];
    }
    const auto layout =
        variant.padded ? CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED : CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED;
    float fill = 0;
    NOTNOT_CUDNN_CHECK(cudnnSetRNNDataDescriptor(x_data, CUDNN_DATA_FLOAT, layout, task.batch.longest, sequences,
                                                 task.embed, lengths.data(), &fill));
    NOTNOT_CUDNN_CHECK(cudnnSetRNNDataDescriptor(y_data, CUDNN_DATA_FLOAT, layout, task.batch.longest, sequences,
                                                 2 * task.hidden, lengths.data(), &fill));
    const std::array<int, 3> shape = {2, sequences, task.hidden}, strides = {sequences * task.hidden, task.hidden, 1};
    NOTNOT_CUDNN_CHECK(cudnnSetTensorNdDescriptor(carried, CUDNN_DATA_FLOAT, 3, shape.data(), strides.data()));
  }

  /// Calls visit(place in the task's vector, place in cuDNN's `space`, count) for each matrix and bias of a gate.
  template <class Visit>
  void for_each_weight(const DeviceArray<float>& space, Visit visit) const {
    const Tensor matrix_shape, bias_shape;
    const size_t bytes = static_cast<size_t>(space.span().size) * sizeof(float);
    for (int direction = 0; direction < 2; ++direction) {
      for (int gate = 0; gate < 8; ++gate) {  // of the input, then of the recurrent side
        void *matrix = nullptr, *bias = nullptr;
        NOTNOT_CUDNN_CHECK(cudnnGetRNNWeightParams(context, rnn, direction, bytes, space.span().data, gate,
                                                   matrix_shape, &matrix, bias_shape, &bias));
        const bool input = gate < 4;
        const auto row = static_cast<size_t>((direction * 4 + gate % 4) * task.hidden);
        const auto width = static_cast<size_t>(input ? task.embed : task.hidden),
                   units = static_cast<size_t>(task.hidden);
        visit((input ? task.weight_ih : task.weight_hh).data() + row * width, static_cast<float*>(matrix),
              units * width);
        visit((input ? task.bias_ih : task.bias_hh).data() + row, static_cast<float*>(bias), units);
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
      static_cast<size_t>(s.weights->span().size) * sizeof(float), s.weights->span().data,
      static_cast<size_t>(s.workspace->span().size), s.workspace->span().data,
      training ? static_cast<size_t>(s.reserve->span().size) : 0, training ? s.reserve->span().data : nullptr));
}

void CudnnLstm::backward() {
  const State& s = *state_;
  const size_t weight_bytes = static_cast<size_t>(s.weights->span().size) * sizeof(float),
               workspace_bytes = static_cast<size_t>(s.workspace->span().size),
               reserve_bytes = static_cast<size_t>(s.reserve->span().size);
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
  const int64_t width = 2 * s.task.hidden;
  LstmResults results{.states = std::vector<float>(s.order.row.size() * static_cast<size_t>(width)),
                      .dweight_ih = std::vector<float>(s.task.weight_ih.size()),
                      .dweight_hh = std::vector<float>(s.task.weight_hh.size())};
  const std::vector<float> y = s.y.host();
  for (size_t n = 0; n < s.order.row.size(); ++n) {
    std::copy_n(y.begin() + s.order.row[n] * width, width, results.states.begin() + static_cast<int64_t>(n) * width);
  }
  s.for_each_weight(*s.dweights, [&](const float* place, float* from, size_t count) {
    for (const auto& [weights, gradients] :
         {std::pair{&s.task.weight_ih, &results.dweight_ih}, {&s.task.weight_hh, &results.dweight_hh}}) {
      if (place < weights->data() || place >= weights->data() + weights->size()) continue;
      copy_to_host(s.device, gradients->data() + (place - weights->data()), from, count * sizeof(float));
    }
  });
  return results;
}

}  // namespace notnot::bench
