#pragma once
// The paper's classifier and its training step in LibTorch, as the authors' code computes them (Jain & Wallace 2019,
// Wiegreffe & Pinter 2019): what notnot races against.
//
// The twin is a library of its own that is opened at run time, with its symbols to itself: LibTorch carries another
// version of oneDNN, and in one name space each calls the other's inline functions.
#include <memory>
#include <string>
#include <vector>

#include "engine/data/batches.h"
#include "models/parameters.h"

namespace notnot::bench {

enum class SequenceLayout : uint8_t {
  packed,  ///< pack_padded_sequence, the authors' way: the same function as notnot's
  padded   ///< the padding runs through the LSTM, too: another function, but what cuDNN is fastest at
};

struct TwinOptions {
  ModelOptions model;                 ///< lstm, learned attention
  std::vector<Parameter> parameters;  ///< ParameterLayout's
  std::vector<float> start;           ///< [total] in its order
  SequenceLayout sequences = SequenceLayout::packed;
  std::string device = "cpu";  ///< or "cuda"
  int threads = 1;             ///< of the CPU, for all twins
};

class LibtorchTwin {
 public:
  virtual ~LibtorchTwin() = default;
  /// A whole step with torch::optim's own Adam with AMSGrad; returns the summed loss. Waits for the device once, when
  /// it reads the loss at the end, as the authors' loop does.
  virtual double train_step(const HostBatch& batch, double positive_weight) = 0;
  /// Its first half: forward, loss and gradients.
  virtual double compute_gradients(const HostBatch& batch, double positive_weight) = 0;
  /// Its second half.
  virtual void apply_gradients() = 0;
  virtual std::vector<float> probabilities(const HostBatch& batch) = 0;
  /// [total] in the order of ParameterLayout.
  virtual std::vector<float> parameters() const = 0;
  virtual std::vector<float> gradients() const = 0;
};

/// What the library exports.
struct LibtorchLibrary {
  const char* (*version)() = nullptr;
  LibtorchTwin* (*make)(const TwinOptions& options) = nullptr;
};
inline constexpr const char* kLibtorchLibrary = "notnot_libtorch_library";  ///< its symbol, a LibtorchLibrary

}  // namespace notnot::bench
