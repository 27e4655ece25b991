#pragma once
// cuDNN's LSTM, called directly: the bidirectional layer of the paper's model with each algorithm that cuDNN has.
#include <memory>
#include <string>
#include <vector>

#include "kernels/cases/bilstm_case.h"
#include "kernels/cases/token_projection_case.h"

namespace notnot::bench {

/// One batch through the layer, as both sides of the race get it. The layer's input side is the projection: its weight
/// is W_ih [2, 4, H, E] (direction, gate i f g o), its biases are b_ih and b_hh [2, 4, H].
struct LstmTask {
  TokenProjectionInputs input;
  BiLstmInputs recurrence;
};

/// The results of the layer that both sides of the race must agree on.
struct LstmResults {
  std::vector<float> states;                  ///< [N, 2, H]
  std::vector<float> dweight_ih, dweight_hh;  ///< as the weights
};

struct CudnnVariant {
  enum class Algorithm : uint8_t { standard, persist_static, persist_dynamic, persist_static_small_h };
  Algorithm algorithm = Algorithm::standard;
  /// Every sequence is padded to the longest. That is another function in the direction that starts at the end, but
  /// some algorithms take no other input. Otherwise packed, as pack_padded_sequence makes it.
  bool padded = false;
  bool tf32 = false;  ///< cuDNN's and PyTorch's default arithmetic; otherwise fp32 throughout

  std::string name() const;
};
/// Every algorithm, packed and padded, in fp32 and TF32.
std::vector<CudnnVariant> cudnn_variants();
/// "9.13.0".
std::string cudnn_version();

/// A call of cuDNN failed; the message is its own.
struct CudnnRefused : Error {
  using Error::Error;
};

class CudnnLstm {
 public:
  /// Throws CudnnRefused, whatever cuDNN's status is; so do forward and backward. Whether a variant is computed at all
  /// shows in the constructor and the first calls. A failure of CUDA itself is another Error.
  CudnnLstm(const Device& device, const CudnnVariant& variant, const LstmTask& task);
  ~CudnnLstm();
  /// Enqueued on the device's stream.
  void forward(bool training);
  /// After forward(true): gradients of the input and, added to what is there, of the weights.
  void backward();
  /// The results of the last calls. The gradients are right after a single backward: cuDNN adds to them.
  LstmResults results() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace notnot::bench
