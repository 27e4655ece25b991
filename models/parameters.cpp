#include "models/parameters.h"

#include <algorithm>
#include <cmath>

#include "engine/io/input_error.h"
#include "engine/math/random.h"

namespace notnot {

std::string_view to_string(Encoder encoder) { return encoder == Encoder::lstm ? "lstm" : "tokens"; }

std::string_view to_string(AttentionKind kind) {
  switch (kind) {
    case AttentionKind::learned:
      return "learned";
    case AttentionKind::uniform:
      return "uniform";
    case AttentionKind::given:
      break;
  }
  return "given";
}

ParameterLayout::ParameterLayout(const ModelOptions& options) {
  const int64_t v = options.vocabulary, e = options.embed, h = options.hidden, d = options.width(),
                a = options.attention_width();
  NOTNOT_CHECK(v > 4 && e > 0 && h > 0, "vocabulary {}, embedding width {}, hidden width {}", v, e, h);
  add("encoder.embedding.weight", {v, e}, ParameterGroup::embedding, 0);
  if (options.encoder == Encoder::lstm) {
    for (const auto& [name, shape] : {std::pair<std::string, std::vector<int64_t>>{"weight_ih_l0", {4 * h, e}},
                                      {"weight_hh_l0", {4 * h, h}},
                                      {"bias_ih_l0", {4 * h}},
                                      {"bias_hh_l0", {4 * h}}}) {
      add("encoder.rnn." + name, shape, ParameterGroup::encoder, h);
      add_neighbour("encoder.rnn." + name + "_reverse", shape, ParameterGroup::encoder, h);
    }
  } else {
    add("encoder.projection.weight", {h, e}, ParameterGroup::encoder, e);
    add("encoder.projection.bias", {h}, ParameterGroup::encoder, e);
  }
  add("decoder.linear_1.weight", {1, d}, ParameterGroup::output, d);
  add("decoder.linear_1.bias", {1}, ParameterGroup::output, d);
  add("decoder.attention.attn1.weight", {a, d}, ParameterGroup::attention, d);
  attention_begin_ = parameters_.back().offset;
  add("decoder.attention.attn1.bias", {a}, ParameterGroup::attention, d);
  add("decoder.attention.attn2.weight", {1, a}, ParameterGroup::attention, a);
}

void ParameterLayout::add(std::string name, std::vector<int64_t> shape, ParameterGroup group, int64_t fan_in) {
  total_ = (total_ + kAlignment - 1) / kAlignment * kAlignment;
  add_neighbour(std::move(name), std::move(shape), group, fan_in);
}

/// Adds a parameter right behind the one before.
void ParameterLayout::add_neighbour(std::string name, std::vector<int64_t> shape, ParameterGroup group,
                                    int64_t fan_in) {
  int64_t size = 1;
  for (const int64_t extent : shape) size *= extent;
  parameters_.push_back({std::move(name), std::move(shape), group, total_, size, fan_in});
  total_ += size;
}

const Parameter& ParameterLayout::find(const std::string& name) const {
  const auto found =
      std::find_if(parameters_.begin(), parameters_.end(), [&](const Parameter& p) { return p.name == name; });
  NOTNOT_CHECK(found != parameters_.end(), "this model has no parameter `{}`", name);
  return *found;
}

std::vector<float> initial_parameters(const ParameterLayout& layout, uint64_t seed,
                                      const std::vector<float>& embedding) {
  std::vector<float> values(layout.total());
  const Parameter& table = layout.parameters().front();
  NOTNOT_CHECK(embedding.empty() || static_cast<int64_t>(embedding.size()) == table.size,
               "{} word vector values for an embedding of {}", embedding.size(), table.size);
  const Random normal(seed, Purpose::embedding);
  for (int64_t i = table.shape[1]; i < table.size; ++i) {
    values[i] = embedding.empty() ? normal.normal(i) : embedding[i];
  }
  for (size_t p = 1; p < layout.parameters().size(); ++p) {
    const Parameter& parameter = layout.parameters()[p];
    const Random uniform(seed, Purpose::initialisation, p);
    const float bound = 1.0 / std::sqrt(parameter.fan_in);
    for (int64_t i = 0; i < parameter.size; ++i) {
      values[parameter.offset + i] = uniform.uniform(i, -bound, bound);
    }
  }
  return values;
}

std::vector<float> load_parameters(const ParameterLayout& layout, const std::filesystem::path& path) {
  std::vector<float> values = load_parameters(layout, Safetensors::read(path));
  check_finite(layout, values, path);
  return values;
}

void check_finite(const ParameterLayout& layout, const std::vector<float>& values, const std::filesystem::path& path) {
  for (const Parameter& parameter : layout.parameters()) {
    for (int64_t i = 0; i < parameter.size; ++i) {
      const float value = values[parameter.offset + i];
      if (std::isfinite(value)) continue;
      throw InputError(fmt::format(
          "{}: value {} of `{}` is {}, which no trained model has; the file is damaged: get it again, or train the "
          "model again",
          path.string(), i + 1, parameter.name, value));
    }
  }
}

std::vector<float> load_parameters(const ParameterLayout& layout, const Safetensors& file, const std::string& prefix) {
  std::vector<float> values(layout.total());
  for (const Parameter& parameter : layout.parameters()) {
    const auto& shape = file.entry(prefix + parameter.name).shape;
    if (shape != parameter.shape) {
      throw InputError(fmt::format(
          "{}: `{}` has shape [{}], this model needs [{}]; give the file of a model with the same data set, "
          "encoder, --hidden and word vectors",
          file.path().string(), prefix + parameter.name, fmt::join(shape, ", "), fmt::join(parameter.shape, ", ")));
    }
    const auto tensor = file.values<float>(prefix + parameter.name);
    std::copy(tensor.begin(), tensor.end(), values.begin() + parameter.offset);
  }
  return values;
}

std::vector<TensorView> parameter_views(const ParameterLayout& layout, const std::vector<float>& values,
                                        const std::string& prefix) {
  std::vector<TensorView> views;
  for (const Parameter& parameter : layout.parameters()) {
    views.push_back({prefix + parameter.name, DType::f32, parameter.shape, values.data() + parameter.offset});
  }
  return views;
}

}  // namespace notnot
