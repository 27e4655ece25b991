#pragma once
// notnot's opponent in the race: the paper's classifier and its training step in LibTorch, as the authors' code
// computes them (Jain & Wallace 2019, Wiegreffe & Pinter 2019).
//
// The twin is a library of its own that the race opens at run time, with symbols of its own. LibTorch carries another
// version of oneDNN; with shared symbols, each version would call inline functions of the other.
#include <memory>
#include <string>
#include <vector>

#include "engine/data/batches.h"
#include "models/parameters.h"

namespace notnot::bench {

enum class SequenceLayout : uint8_t {
  packed,  ///< pack_padded_sequence, as the authors do: the same function as notnot's
  padded   ///< the padding runs through the LSTM, too: another function, but cuDNN is fastest with it
};

struct TwinOptions {
  ModelOptions model;                 ///< lstm, learned attention
  std::vector<Parameter> parameters;  ///< those of ParameterLayout
  std::vector<float> start;           ///< [total] values in that order
  SequenceLayout sequences = SequenceLayout::packed;
  std::string device = "cpu";  ///< or "cuda"
  int threads = 1;             ///< CPU threads, for all twins
};

class LibtorchTwin {
 public:
  virtual ~LibtorchTwin() = default;
  /// A whole step with LibTorch's fastest Adam with AMSGrad (see optimiser); returns the summed loss. Waits for the
  /// device once, when it reads the loss at the end, as the authors' loop does.
  virtual double train_step(const HostBatch& batch, double positive_weight) = 0;
  /// The first half of train_step: forward, loss and gradients.
  virtual double compute_gradients(const HostBatch& batch, double positive_weight) = 0;
  /// The second half of train_step.
  virtual void apply_gradients() = 0;
  virtual std::vector<float> probabilities(const HostBatch& batch) = 0;
  /// [total] in the order of ParameterLayout.
  virtual std::vector<float> parameters() const = 0;
  virtual std::vector<float> gradients() const = 0;
  /// LibTorch has several programs for the same update; the twin times each on its parameters when it is made, and uses
  /// the fastest. "fused Adam, 0.41 ms (loop over the parameters 1.30 ms)"
  virtual std::string optimiser() const = 0;
};

/// The library exports one of these.
struct LibtorchLibrary {
  const char* (*version)() = nullptr;
  LibtorchTwin* (*make)(const TwinOptions& options) = nullptr;
};
inline constexpr const char* kLibtorchLibrary = "notnot_libtorch_library";  ///< the symbol of the LibtorchLibrary

}  // namespace notnot::bench
