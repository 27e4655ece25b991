#pragma once
// The parameters of one model: names, shapes, where each stands in the model's arena, and how it is initialised. Names
// are those of the authors' PyTorch modules, so that checkpoints go both ways through torch's load_state_dict.
#include <cstdint>
#include <string>
#include <vector>

#include "engine/io/safetensors.h"
#include "kernels/attention_head.h"
#include "kernels/bilstm.h"

namespace notnot {

enum class Encoder : uint8_t {
  lstm,   ///< bidirectional LSTM: the base model, the uniform variant and the adversary
  tokens  ///< one affine layer + tanh per token: the guided MLP of paper section 3.4
};
std::string_view to_string(Encoder encoder);
std::string_view to_string(AttentionKind kind);

struct ModelOptions {
  Encoder encoder = Encoder::lstm;
  AttentionKind attention = AttentionKind::learned;
  int32_t vocabulary = 0;                 ///< V
  int32_t embed = 300;                    ///< E
  int32_t hidden = 128;                   ///< H: per direction for lstm, the layer's width for tokens
  Precision precision = Precision::fp32;  ///< of the LSTM's recurrence

  /// D, the width of one token's state.
  int32_t width() const { return encoder == Encoder::lstm ? 2 * hidden : hidden; }
  /// P, the width of one row of the table of projected ids.
  int32_t projection() const { return encoder == Encoder::lstm ? 8 * hidden : hidden; }
  /// A, the width of the attention's layer.
  int32_t attention_width() const { return width() > 1 ? width() / 2 : 1; }
};

/// Adam treats all parameters of a group alike: L2 on embedding, encoder and output layer, none on the attention. Only
/// a model that learns its attention trains that group.
enum class ParameterGroup : uint8_t { embedding, encoder, output, attention };

struct Parameter {
  std::string name;
  std::vector<int64_t> shape;
  ParameterGroup group = ParameterGroup::encoder;
  int64_t offset = 0;  ///< floats from the start of the array of all parameters
  int64_t size = 0;
  /// The initial values are U(-1/sqrt(fan_in), 1/sqrt(fan_in)); H for every LSTM parameter, as in PyTorch.
  int64_t fan_in = 0;
};

/// The embedding stands first, then encoder, output layer and attention: each group is one contiguous range, and so are
/// encoder and output layer together. Both directions of an LSTM parameter are neighbours, so that they are one matrix
/// [2, ...]. This matrix and every other parameter begins at a multiple of kAlignment. The floats between are zero and
/// stay zero: an optimiser's step without a gradient leaves zero as it is. No file has them.
class ParameterLayout {
 public:
  /// Floats: 256 bytes, as of the arrays of an arena. So an operation finds its weights as well aligned within a model
  /// as alone, whatever the size of the vocabulary.
  static constexpr int64_t kAlignment = 64;

  explicit ParameterLayout(const ModelOptions& options);

  const std::vector<Parameter>& parameters() const { return parameters_; }
  /// Floats of the array, those between the parameters included.
  int64_t total() const { return total_; }
  int64_t embedding_size() const { return parameters_.front().size; }
  int64_t encoder_begin() const { return parameters_[1].offset; }
  int64_t attention_begin() const { return attention_begin_; }
  const Parameter& find(const std::string& name) const;

 private:
  void add(std::string name, std::vector<int64_t> shape, ParameterGroup group, int64_t fan_in);
  void add_neighbour(std::string name, std::vector<int64_t> shape, ParameterGroup group, int64_t fan_in);
  std::vector<Parameter> parameters_;
  int64_t total_ = 0, attention_begin_ = 0;
};

/// Initial values, [layout.total()]: a function of the seed and each parameter's name. `embedding` is [V, E] (word
/// vectors), or empty for N(0, 1); row 0 is zero in any case. The same seed gives a base model, its uniform twin and
/// its adversary the same start.
std::vector<float> initial_parameters(const ParameterLayout& layout, uint64_t seed,
                                      const std::vector<float>& embedding);

/// All parameters of a trained model, from a file that has them with exactly these shapes; otherwise throws InputError
/// that names file, parameter and shapes. Also throws it for a value that is not finite: what such a model says means
/// nothing.
std::vector<float> load_parameters(const ParameterLayout& layout, const std::filesystem::path& path);

/// Throws the InputError of load_parameters for a value that is not finite. `values` [layout.total()] are of the file
/// `path`.
void check_finite(const ParameterLayout& layout, const std::vector<float>& values, const std::filesystem::path& path);

/// As the first, from a file that was read already, with any values.
std::vector<float> load_parameters(const ParameterLayout& layout, const Safetensors& file,
                                   const std::string& prefix = "");

/// Views of `values` [layout.total()] under the parameters' names, for write_safetensors.
std::vector<TensorView> parameter_views(const ParameterLayout& layout, const std::vector<float>& values,
                                        const std::string& prefix = "");

}  // namespace notnot
