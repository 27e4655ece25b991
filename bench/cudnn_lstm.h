#pragma once
// cuDNN's LSTM, called directly: the bidirectional layer of the paper's model with each algorithm that cuDNN has.
#include <memory>
#include <string>
#include <vector>

#include "kernels/cases/device_data.h"

namespace notnot::bench {

/// One batch through the layer, as both sides of the race get it.
struct LstmTask {
  HostRagged batch;
  int32_t vocabulary = 0, embed = 0, hidden = 0;  ///< V, E, H
  std::vector<float> embedding;                   ///< [V, E]
  std::vector<float> weight_ih, weight_hh;        ///< [2, 4, H, E], [2, 4, H, H]: direction, gate i f g o
  std::vector<float> bias_ih, bias_hh;            ///< [2, 4, H]
  std::vector<float> dstates;                     ///< [N, 2, H] gradient at the states
};

/// What the layer makes of it.
struct LstmResults {
  std::vector<float> states;                  ///< [N, 2, H]
  std::vector<float> dweight_ih, dweight_hh;  ///< as the weights
};

struct CudnnVariant {
  enum class Algorithm : uint8_t { standard, persist_static, persist_dynamic, persist_static_small_h };
  Algorithm algorithm = Algorithm::standard;
  /// Every sequence as long as the longest: another function in the direction that starts at the end, but the only
  /// input that some algorithms take. Else packed, as pack_padded_sequence has it.
  bool padded = false;
  bool tf32 = false;  ///< cuDNN's default mathematics, and PyTorch's; else fp32 throughout

  std::string name() const;
};
/// Every algorithm, packed and padded, in fp32 and TF32.
std::vector<CudnnVariant> cudnn_variants();
/// "9.13.0".
std::string cudnn_version();

/// cuDNN does not compute this variant; the message is its own.
struct CudnnRefused : Error {
  using Error::Error;
};

class CudnnLstm {
 public:
  /// Throws CudnnRefused where the variant is refused; so do forward and backward. Any other failure is an Error.
  CudnnLstm(const Device& device, const CudnnVariant& variant, const LstmTask& task);
  ~CudnnLstm();
  /// Enqueued on the device's stream.
  void forward(bool training);
  /// After forward(true): gradients of the input and, added to what is there, of the weights.
  void backward();
  /// Of the last calls; the gradients are those of one backward if there was one.
  LstmResults results() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace notnot::bench
