#include "bench/libtorch_twin.h"

#include <torch/torch.h>

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
    optimiser_->step();
    return loss.item<double>();
  }

  double compute_gradients(const HostBatch& batch, double positive_weight) override {
    return enqueue_gradients(batch, positive_weight).item<double>();
  }

  void apply_gradients() override { optimiser_->step(); }

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

 private:
  /// Computes the loss, and enqueues the computation of the gradients.
  torch::Tensor enqueue_gradients(const HostBatch& batch, double positive_weight) {
    const PaddedBatch padded(batch, device_);
    model_->train();
    namespace F = torch::nn::functional;
    torch::Tensor loss =
        F::binary_cross_entropy_with_logits(logits(padded), padded.labels,
                                            F::BinaryCrossEntropyWithLogitsFuncOptions()
                                                .weight(1 + (positive_weight - 1) * padded.labels)
                                                .reduction(torch::kSum));
    optimiser_->zero_grad();
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
    std::vector<torch::Tensor> decayed, attention;
    for (const Parameter& p : options_.parameters) {
      (p.group == ParameterGroup::attention ? attention : decayed).push_back(find(p.name));
    }
    std::vector<torch::optim::OptimizerParamGroup> groups;
    for (const auto& [parameters, decay] : {std::pair(decayed, 1e-5), std::pair(attention, 0.0)}) {
      groups.emplace_back(parameters, std::make_unique<torch::optim::AdamOptions>(
                                          torch::optim::AdamOptions(1e-3).weight_decay(decay).amsgrad(true)));
    }
    optimiser_ = std::make_unique<torch::optim::Adam>(groups, torch::optim::AdamOptions(1e-3).amsgrad(true));
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
  std::unique_ptr<torch::optim::Adam> optimiser_;
};

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name of a symbol in C
extern "C" const LibtorchLibrary notnot_libtorch_library = {
    .version = [] { return TORCH_VERSION; },
    .make = [](const TwinOptions& options) -> LibtorchTwin* { return new Twin(options); }};

}  // namespace notnot::bench
