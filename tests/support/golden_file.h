#pragma once
// One file of golden vectors (tests/golden/README.md), brought into the engine's form: batches are ragged (without
// padding) and have the longest sequence first.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/data/batches.h"
#include "engine/io/input_error.h"
#include "engine/io/safetensors.h"
#include "models/parameters.h"
#include "tests/support/golden_folder.h"

namespace notnot::test {

/// The files with batches in the folder NOTNOT_GOLDEN, by default tests/golden. Throws InputError if there is none.
inline std::vector<std::filesystem::path> golden_paths() {
  std::vector<std::filesystem::path> paths = golden_files("NOTNOT_GOLDEN", NOTNOT_TEST_DIR "/golden");
  std::erase_if(paths, [](const auto& path) { return !Safetensors::read(path).contains("batch0/base_loss"); });
  if (paths.empty()) throw InputError("no golden vectors: NOTNOT_GOLDEN names a folder without them");
  return paths;
}

class GoldenFile {
 public:
  explicit GoldenFile(const std::filesystem::path& path) : name(path.stem().string()), file(Safetensors::read(path)) {
    const auto sizes = file.values<int64_t>("meta/vocab_embed_hidden");
    options = {.encoder = file.contains("param0/encoder.projection.weight") ? Encoder::tokens : Encoder::lstm,
               .attention = AttentionKind::learned,
               .vocabulary = static_cast<int32_t>(sizes[0]),
               .embed = static_cast<int32_t>(sizes[1]),
               .hidden = static_cast<int32_t>(sizes[2])};
    const auto moved = file.values<double>("batch0/grad_base/decoder.attention.attn1.weight");
    if (std::all_of(moved.begin(), moved.end(), [](double g) { return g == 0; })) {
      const bool given = file.values<double>("batch0/attn") == file.values<double>("batch0/target_attn");
      options.attention = given ? AttentionKind::given : AttentionKind::uniform;
    }
    positive_weight = file.values<double>("meta/pos_weight")[0];
    lambda = file.values<double>("meta/lambda")[0];
  }

  std::string key(int batch, const std::string& what) const { return "batch" + std::to_string(batch) + "/" + what; }
  bool has_batch(int batch) const { return file.contains(key(batch, "seq")); }
  /// False for batches of which the file keeps only the inputs, to be small.
  bool has_results(int batch) const { return file.contains(key(batch, "base_loss")); }
  bool has_adversary(int batch) const { return file.contains(key(batch, "grad_adv/decoder.linear_1.weight")); }

  HostBatch batch(int number) const {
    const auto lengths = file.values<int64_t>(key(number, "lengths"));
    const auto ids = file.values<int64_t>(key(number, "seq"));
    const auto labels = file.values<int64_t>(key(number, "label"));
    const size_t columns = ids.size() / lengths.size();
    Split split;
    for (size_t i = 0; i < lengths.size(); ++i) {
      for (size_t t = 0; t < static_cast<size_t>(lengths[i]); ++t)
        split.token_ids.push_back(static_cast<int32_t>(ids[i * columns + t]));
      split.offsets.push_back(static_cast<int64_t>(split.token_ids.size()));
      split.labels.push_back(static_cast<int32_t>(labels[i]));
    }
    std::vector<int32_t> all(lengths.size());
    for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int32_t>(i);
    return assemble_batch(split, all, options.vocabulary);
  }

  /// The tensor `what` of the file, [B, L, width] with padding, as [N, width] in the batch's order.
  std::vector<double> token_values(int number, const std::string& what, int64_t width) const {
    const HostBatch host = batch(number);
    const auto values = file.values<double>(key(number, what));
    const int64_t columns = static_cast<int64_t>(values.size()) / host.sequences() / width;
    std::vector<double> ragged;
    for (int32_t b = 0; b < host.sequences(); ++b) {
      const auto begin = values.begin() + host.texts[static_cast<size_t>(b)] * columns * width;
      const int32_t length = host.offsets[static_cast<size_t>(b) + 1] - host.offsets[static_cast<size_t>(b)];
      ragged.insert(ragged.end(), begin, begin + length * width);
    }
    return ragged;
  }

  /// The tensor `what` [B, ...] of the file, with its rows in the batch's order.
  std::vector<double> sequence_values(int number, const std::string& what) const {
    const HostBatch host = batch(number);
    const auto values = file.values<double>(key(number, what));
    const int64_t width = static_cast<int64_t>(values.size()) / host.sequences();
    std::vector<double> sorted;
    for (const int32_t text : host.texts)
      sorted.insert(sorted.end(), values.begin() + text * width, values.begin() + (text + 1) * width);
    return sorted;
  }

  /// All parameters under `prefix` as one vector, in the places of ParameterLayout.
  std::vector<double> parameters(const std::string& prefix) const {
    const ParameterLayout layout(options);
    std::vector<double> values(static_cast<size_t>(layout.total()));
    for (const Parameter& parameter : layout.parameters()) {
      const auto tensor = file.values<double>(prefix + parameter.name);
      std::copy(tensor.begin(), tensor.end(), values.begin() + parameter.offset);
    }
    return values;
  }

  std::string name;
  Safetensors file;
  ModelOptions options;
  double positive_weight = 1, lambda = 0;
};

}  // namespace notnot::test
