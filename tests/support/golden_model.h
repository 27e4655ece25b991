#pragma once
// One file explain_* of golden vectors (tests/golden/explain/README.md): a model, texts, and what explanations say.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "engine/io/safetensors.h"
#include "models/training.h"
#include "tests/support/golden_folder.h"

namespace notnot::test {

struct GoldenModel {
  explicit GoldenModel(const std::filesystem::path& path) : name(path.stem().string()), file(Safetensors::read(path)) {}

  Split split() const {
    Split result;
    for (const int64_t id : file.values<int64_t>("texts/tokens")) result.token_ids.push_back(static_cast<int32_t>(id));
    result.offsets = file.values<int64_t>("texts/offsets");
    for (size_t i = 0; i + 1 < result.offsets.size(); ++i) {
      result.labels.push_back(0);
      result.rows.push_back(static_cast<int64_t>(i) + 1);
    }
    return result;
  }

  AttentionClassifier model(const Device& device, const Split& split) const {
    const auto sizes = file.values<int64_t>("meta/vocab_embed_hidden");
    const ModelOptions options = {
        .encoder = file.contains("param0/encoder.projection.weight") ? Encoder::tokens : Encoder::lstm,
        .vocabulary = static_cast<int32_t>(sizes[0]),
        .embed = static_cast<int32_t>(sizes[1]),
        .hidden = static_cast<int32_t>(sizes[2])};
    AttentionClassifier result(device, options, prediction_plan(device, split));
    result.allocate();
    std::vector<float> values(result.layout().total());
    for (const Parameter& parameter : result.layout().parameters()) {
      const auto tensor = file.values<float>("param0/" + parameter.name);
      REQUIRE(std::ssize(tensor) == parameter.size);
      std::copy(tensor.begin(), tensor.end(), values.begin() + parameter.offset);
    }
    result.set_parameters(values);
    return result;
  }

  /// The words' values of a tensor per token, without those of the boundary tokens.
  template <class T>
  static std::vector<T> words(const Split& split, const std::vector<T>& tokens) {
    std::vector<T> result;
    for (int32_t i = 0; i < split.size(); ++i) {
      result.insert(result.end(), tokens.begin() + split.offsets[i] + 1, tokens.begin() + split.offsets[i + 1] - 1);
    }
    return result;
  }

  std::string name;
  Safetensors file;
};

/// Calls visit(file) for every file with a model and the tensor `has`; there must be one.
template <class Visit>
void for_each_golden_model(const char* has, const Visit& visit) {
  int count = 0;
  for (const auto& path : golden_explanations()) {
    const GoldenModel golden(path);
    if (!golden.file.contains("param0/decoder.linear_1.bias") || !golden.file.contains(has)) continue;
    ++count;
    visit(golden);
  }
  CHECK_MESSAGE(count > 0, "no file of NOTNOT_GOLDEN_EXPLAIN has a model and ", has);
}

}  // namespace notnot::test
