#include "bench/libtorch_twin.h"

#include <torch/torch.h>

#include <chrono>
#include <limits>

namespace notnot::bench {
namespace {

namespace nn = torch::nn;

struct EncoderModuleImpl : nn::Module {
  explicit EncoderModuleImpl(const ModelOptions& options)
      : embedding(register_module(
            "embedding",
            nn::Embedding(nn::EmbeddingOptions(options.vocabulary, options.embed).padding_idx(kPaddingId)))),
        rnn(register_module(
            "rnn", nn::LSTM(nn::LSTMOptions(options.embed, options.hidden).batch_first(true).bidirectional(true)))) {}

  torch::Tensor forward(const torch::Tensor& ids, const torch::Tensor& lengths, SequenceLayout layout) {
    const torch::Tensor words = embedding(ids);
    if (layout == SequenceLayout::padded) return std::get<0>(rnn(words));
    const auto packed = nn::utils::rnn::pack_padded_sequence(words, lengths, /*batch_first=*/true);
    return std::get<0>(nn::utils::rnn::pad_packed_sequence(std::get<0>(rnn->forward_with_packed_input(packed)), true));
  }

  nn::Embedding embedding;
  nn::LSTM rnn;
};
TORCH_MODULE(EncoderModule);

struct AttentionImpl : nn::Module {
  explicit AttentionImpl(const ModelOptions& options)
      : attn1(register_module("attn1", nn::Linear(options.width(), options.attention_width()))),
        attn2(register_module("attn2", nn::Linear(nn::LinearOptions(options.attention_width(), 1).bias(false)))) {}

  torch::Tensor forward(const torch::Tensor& states, const torch::Tensor& masked) {
    const torch::Tensor scores = attn2(torch::tanh(attn1(states))).squeeze(-1);
    return torch::softmax(scores.masked_fill(masked, -std::numeric_limits<float>::infinity()), -1);
  }

  nn::Linear attn1, attn2;
};
TORCH_MODULE(Attention);

struct DecoderImpl : nn::Module {
  explicit DecoderImpl(const ModelOptions& options)
      : attention(register_module("attention", Attention(options))),
        linear_1(register_module("linear_1", nn::Linear(options.width(), 1))) {}

  torch::Tensor forward(const torch::Tensor& states, const torch::Tensor& masked) {
    const torch::Tensor weights = attention(states, masked);
    return linear_1((states * weights.unsqueeze(-1)).sum(1)).squeeze(-1);
  }

  Attention attention;
  nn::Linear linear_1;
};
TORCH_MODULE(Decoder);

struct ClassifierImpl : nn::Module {
  explicit ClassifierImpl(const ModelOptions& options)
      : encoder(register_module("encoder", EncoderModule(options))),
        decoder(register_module("decoder", Decoder(options))) {}
  EncoderModule encoder;
  Decoder decoder;
};
TORCH_MODULE(Classifier);

/// A batch in the form of the authors' code.
struct PaddedBatch {
  torch::Tensor ids;      ///< [B, L]
  torch::Tensor lengths;  ///< [B] on the CPU
  torch::Tensor masked;   ///< [B, L] true where there is no word: boundary tokens and padding
  torch::Tensor labels;   ///< [B]

  PaddedBatch(const HostBatch& batch, const torch::Device& device) {
    const int64_t sequences = batch.sequences(), longest = batch.longest;
    ids = torch::zeros({sequences, longest}, torch::kLong);
    masked = torch::ones({sequences, longest}, torch::kBool);
    lengths = torch::empty({sequences}, torch::kLong);
    labels = torch::empty({sequences});
    for (int64_t b = 0; b < sequences; ++b) {
      const auto row = static_cast<size_t>(b);
      const int32_t begin = batch.offsets[row], length = batch.offsets[row + 1] - begin;
      for (int32_t n = 0; n < length; ++n) {
        ids.data_ptr<int64_t>()[b * longest + n] = batch.token_ids[begin + n];
        masked.data_ptr<bool>()[b * longest + n] = n == 0 || n == length - 1;
      }
      lengths.data_ptr<int64_t>()[b] = length;
      labels.data_ptr<float>()[b] = static_cast<float>(batch.labels[row]);
    }
    ids = ids.to(device);
    masked = masked.to(device);
    labels = labels.to(device);
  }
};

// --- Adam with AMSGrad -----------------------------------------------------------------------------------------------

constexpr double kLearningRate = 1e-3, kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;

/// Parameters with one weight decay, in the L2 term.
struct ParameterSet {
  std::vector<torch::Tensor> parameters;
  double decay = 0;
};
using ParameterSets = std::vector<ParameterSet>;

class Updater {
 public:
  virtual ~Updater() = default;
  virtual void step() = 0;  ///< with the gradients of the parameters
};

/// torch::optim's own, which takes one parameter after another with a dozen operations each.
class LoopAdam : public Updater {
 public:
  explicit LoopAdam(const ParameterSets& sets) : optimiser_(groups_of(sets), options(0)) {}
  void step() override { optimiser_.step(); }

 private:
  static torch::optim::AdamOptions options(double decay) {
    return torch::optim::AdamOptions(kLearningRate)
        .betas({kBeta1, kBeta2})
        .eps(kEpsilon)
        .weight_decay(decay)
        .amsgrad(true);
  }
  static std::vector<torch::optim::OptimizerParamGroup> groups_of(const ParameterSets& sets) {
    std::vector<torch::optim::OptimizerParamGroup> groups;
    for (const ParameterSet& set : sets) {
      groups.emplace_back(set.parameters, std::make_unique<torch::optim::AdamOptions>(options(set.decay)));
    }
    return groups;
  }

  torch::optim::Adam optimiser_;
};

/// What Python's torch.optim.Adam(..., fused=True) calls: one operation per set.
class FusedAdam : public Updater {
 public:
  explicit FusedAdam(const ParameterSets& sets) {
    for (const ParameterSet& set : sets) {
      State& state = states_.emplace_back(State{.set = set});
      for (const torch::Tensor& parameter : set.parameters) {
        for (auto* moments : {&state.first, &state.second, &state.largest_second}) {
          moments->push_back(torch::zeros_like(parameter));
        }
        state.steps.push_back(torch::zeros({}, torch::dtype(torch::kFloat).device(parameter.device())));
      }
    }
  }

  void step() override {
    const torch::NoGradGuard guard;
    for (State& state : states_) {
      std::vector<torch::Tensor> gradients;
      for (const torch::Tensor& parameter : state.set.parameters) gradients.push_back(parameter.grad());
      at::_foreach_add_(state.steps, 1);
      at::_fused_adam_(state.set.parameters, gradients, state.first, state.second, state.largest_second, state.steps,
                       kLearningRate, kBeta1, kBeta2, state.set.decay, kEpsilon, /*amsgrad=*/true, /*maximize=*/false);
    }
  }

 private:
  struct State {
    ParameterSet set;
    std::vector<torch::Tensor> first = {}, second = {}, largest_second = {}, steps = {};
  };
  std::vector<State> states_;
};

struct UpdaterKind {
  const char* name;
  std::unique_ptr<Updater> (*make)(const ParameterSets& sets);
};
template <class Kind>
std::unique_ptr<Updater> make_updater(const ParameterSets& sets) {
  return std::make_unique<Kind>(sets);
}
constexpr UpdaterKind kUpdaters[] = {{"fused Adam", make_updater<FusedAdam>},
                                     {"loop over the parameters", make_updater<LoopAdam>}};

/// Copies of the parameters, with some gradients.
ParameterSets copies_with_gradients(const ParameterSets& sets) {
  ParameterSets copies = sets;
  for (ParameterSet& set : copies) {
    for (torch::Tensor& parameter : set.parameters) {
      parameter = parameter.detach().clone().requires_grad_();
      parameter.mutable_grad() = torch::randn_like(parameter);
    }
  }
  return copies;
}

/// Milliseconds of the fastest of some steps on copies of `sets`.
double time_steps(const UpdaterKind& kind, const ParameterSets& sets) {
  constexpr int kSteps = 6;  // the first warms up
  const std::unique_ptr<Updater> updater = kind.make(copies_with_gradients(sets));
  const bool cuda = sets.front().parameters.front().is_cuda();
  double fastest = std::numeric_limits<double>::infinity();
  for (int step = 0; step < kSteps; ++step) {
    if (cuda) torch::cuda::synchronize();
    const auto begin = std::chrono::steady_clock::now();
    updater->step();
    if (cuda) torch::cuda::synchronize();
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - begin;
    if (step > 0) fastest = std::min(fastest, time.count());
  }
  return fastest;
}

constexpr int kComparedSteps = 200;

/// What some steps make of made-up parameters below 1. The gradients are large at first: later the largest second
/// moment is not the last one.
torch::Tensor updated_by(const UpdaterKind& kind, const torch::Device& device) {
  constexpr int64_t kSize = 256, kLarge = 10;
  const torch::Tensor start = torch::linspace(-0.5, 0.5, kSize).to(device),
                      gradient = torch::linspace(1, -2, kSize).to(device);
  const ParameterSets sets = copies_with_gradients({{.parameters = {start, start}, .decay = 0.1},  //
                                                    {.parameters = {start}, .decay = 0}});
  const std::unique_ptr<Updater> updater = kind.make(sets);
  std::vector<torch::Tensor> all;
  for (int step = 0; step < kComparedSteps; ++step) {
    for (const ParameterSet& set : sets) {
      for (const torch::Tensor& parameter : set.parameters) {
        parameter.grad().copy_(gradient * (step < kLarge ? 1 : 0.05 * (step % 3)));
      }
    }
    updater->step();
  }
  for (const ParameterSet& set : sets) all.insert(all.end(), set.parameters.begin(), set.parameters.end());
  return torch::cat(all).detach();
}

/// The fastest updater of those that run here, and its name with all times. Throws where two make different updates.
std::pair<std::unique_ptr<Updater>, std::string> fastest_updater(const ParameterSets& sets) {
  // What rounding adds to a parameter below 1, at most half an ulp per step on either side.
  constexpr double kRounding = 2 * kComparedSteps * 0x1p-25;
  const UpdaterKind* best = nullptr;
  double least = 0;
  std::string times;
  torch::Tensor expected;
  for (const UpdaterKind& kind : kUpdaters) {
    torch::Tensor updated;
    double time = 0;
    try {
      updated = updated_by(kind, sets.front().parameters.front().device());
      time = time_steps(kind, sets);
    } catch (const c10::Error& error) {  // this LibTorch has none for this device
      times += fmt::format("; {}: {}", kind.name, error.what_without_backtrace());
      continue;
    }
    times += fmt::format("; {} {:.2f} ms", kind.name, time);
    if (!expected.defined()) expected = updated;
    const double difference = (updated - expected).abs().max().item<double>();
    NOTNOT_CHECK(difference <= kRounding, "{} differs by {:.1e} from another Adam after the same steps", kind.name,
                 difference);
    if (best != nullptr && time >= least) continue;
    best = &kind;
    least = time;
  }
  NOTNOT_CHECK(best != nullptr, "no Adam of LibTorch runs{}", times);
  return {best->make(sets), fmt::format("{} (a step{})", best->name, times)};
}

class Twin : public LibtorchTwin {
 public:
  explicit Twin(const TwinOptions& options) : options_(options), device_(options.device), model_(options.model) {
    torch::set_num_threads(options.threads);
    at::globalContext().setAllowTF32CuDNN(false);  // TF32 is the default of its LSTM; the race is in fp32
    load(options.start);
    make_optimiser();
  }

  double train_step(const HostBatch& batch, double positive_weight) override {
    const torch::Tensor loss = enqueue_gradients(batch, positive_weight);
    updater_->step();
    return loss.item<double>();
  }

  double compute_gradients(const HostBatch& batch, double positive_weight) override {
    return enqueue_gradients(batch, positive_weight).item<double>();
  }

  void apply_gradients() override { updater_->step(); }

  std::vector<float> probabilities(const HostBatch& batch) override {
    const torch::NoGradGuard guard;
    model_->eval();  // otherwise cuDNN runs its forward pass for training
    const torch::Tensor p = torch::sigmoid(logits(PaddedBatch(batch, device_))).to(torch::kCPU);
    return {p.data_ptr<float>(), p.data_ptr<float>() + p.numel()};
  }

  std::vector<float> parameters() const override {
    return gather([](const torch::Tensor& parameter) { return parameter; });
  }

  std::vector<float> gradients() const override {
    return gather([](const torch::Tensor& parameter) { return parameter.grad(); });
  }

  std::string optimiser() const override { return optimiser_; }

 private:
  /// Computes the loss, and enqueues the computation of the gradients.
  torch::Tensor enqueue_gradients(const HostBatch& batch, double positive_weight) {
    const PaddedBatch padded(batch, device_);
    model_->train();
    namespace F = torch::nn::functional;
    torch::Tensor loss = F::binary_cross_entropy_with_logits(logits(padded), padded.labels,
                                                             F::BinaryCrossEntropyWithLogitsFuncOptions()
                                                                 .weight(1 + (positive_weight - 1) * padded.labels)
                                                                 .reduction(torch::kSum));
    model_->zero_grad();
    loss.backward();
    return loss;
  }

  torch::Tensor logits(const PaddedBatch& batch) {
    return model_->decoder(model_->encoder(batch.ids, batch.lengths, options_.sequences), batch.masked);
  }

  torch::Tensor find(const std::string& name) const { return model_->named_parameters()[name]; }

  void load(const std::vector<float>& values) {
    const torch::NoGradGuard guard;
    for (const Parameter& p : options_.parameters) {
      find(p.name).copy_(torch::from_blob(const_cast<float*>(values.data()) + p.offset, p.shape));
    }
    model_->to(device_);
  }

  /// L2 on all parameters except the attention's.
  void make_optimiser() {
    ParameterSets sets = {{.parameters = {}, .decay = 1e-5}, {.parameters = {}, .decay = 0}};
    for (const Parameter& p : options_.parameters) {
      sets[p.group == ParameterGroup::attention ? 1 : 0].parameters.push_back(find(p.name));
    }
    std::tie(updater_, optimiser_) = fastest_updater(sets);
  }

  template <class Select>
  std::vector<float> gather(Select select) const {
    std::vector<float> values(options_.start.size());
    for (const Parameter& p : options_.parameters) {
      const torch::Tensor tensor = select(find(p.name)).detach().to(torch::kCPU).contiguous();
      std::copy_n(tensor.data_ptr<float>(), p.size, values.begin() + p.offset);
    }
    return values;
  }

  TwinOptions options_;
  torch::Device device_;
  Classifier model_;
  std::unique_ptr<Updater> updater_;
  std::string optimiser_;
};

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name of a symbol in C
extern "C" const LibtorchLibrary notnot_libtorch_library = {
    .version = [] { return TORCH_VERSION; },
    .make = [](const TwinOptions& options) -> LibtorchTwin* { return new Twin(options); }};

}  // namespace notnot::bench
