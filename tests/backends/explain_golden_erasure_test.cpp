// Erasure on every backend against golden vectors (tests/golden/explain/README.md): a model of the file, with the
// file's orders and with the orders of its own attention and contributions.
#include <doctest/doctest.h>

#include <cmath>

#include "engine/io/safetensors.h"
#include "models/attribution.h"
#include "models/erasure.h"
#include "models/training.h"
#include "tests/backends/backend.h"
#include "tests/support/golden_folder.h"

namespace notnot {
namespace {

/// A file with a model and what erasing words does to it.
struct Golden {
  explicit Golden(const std::filesystem::path& path) : name(path.stem().string()), file(Safetensors::read(path)) {}
  bool has_erasure() const { return file.contains("eraser/k"); }

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

  AttentionClassifier model(const Split& split) const {
    const auto sizes = file.values<int64_t>("meta/vocab_embed_hidden");
    const ModelOptions options = {
        .encoder = file.contains("param0/encoder.projection.weight") ? Encoder::tokens : Encoder::lstm,
        .vocabulary = static_cast<int32_t>(sizes[0]),
        .embed = static_cast<int32_t>(sizes[1]),
        .hidden = static_cast<int32_t>(sizes[2])};
    AttentionClassifier result(test_device(), options, prediction_plan(test_device(), split));
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

  std::string name;
  Safetensors file;
};

/// Scores by which the order of the file is the descending one of their absolute values: -N, N - 1, -(N - 2), ...
Attributions in_order(const Golden& golden, const std::string& order, const Split& split) {
  const auto words = golden.file.values<int64_t>("order/" + order);
  Attributions result;
  result.offsets = split.offsets;
  result.label = split.labels;
  result.row = split.rows;
  result.score_probability.assign(split.token_ids.size(), std::nanf(""));
  for (int32_t i = 0; i < split.size(); ++i) {
    const int64_t count = split.length(i) - 2, first = split.offsets[i] - 2 * i;
    for (int64_t k = 0; k < count; ++k) {
      const auto score = static_cast<float>(count - k);
      result.score_probability[split.offsets[i] + 1 + words[first + k]] = k % 2 == 0 ? -score : score;
    }
  }
  return result;
}

/// An fp32 model's logits are off by some 1e-5; a probability moves by a quarter of that at most.
constexpr double kLogitTolerance = 3e-5, kProbabilityTolerance = kLogitTolerance / 4;

void check_changes(const Golden& golden, const std::string& what, const std::vector<float>& changes, double tolerance) {
  std::vector<double> expected = golden.file.values<double>("eraser/" + what);
  for (double& value : expected) REQUIRE(std::isfinite(value));
  check_close(changes, expected, tolerance, golden.name + " " + what);
  const auto means = mean_over_shares(changes);
  check_close(std::vector<float>(means.begin(), means.end()), golden.file.values<double>("eraser/" + what + "_aopc"),
              tolerance, golden.name + " " + what + ", mean");
}

void check_erasure(const Golden& golden, const std::string& order, const Erasure& erasure) {
  CHECK(fault(erasure) == "");
  const auto sizes = golden.file.values<int64_t>("flip/" + order + "_size"),
             smallest = golden.file.values<int64_t>("flip/minimal_size");
  check_same_bytes(erasure.flip_size, std::vector<int32_t>(sizes.begin(), sizes.end()),
                   golden.name + " flips by " + order);
  check_same_bytes(erasure.smallest_flip_size, std::vector<int32_t>(smallest.begin(), smallest.end()),
                   golden.name + " smallest flips");
  check_changes(golden, order + "_comp_p", erasure.comprehensiveness_probability, kProbabilityTolerance);
  check_changes(golden, order + "_comp_logit", erasure.comprehensiveness_logit, kLogitTolerance);
  check_changes(golden, order + "_suff_p", erasure.sufficiency_probability, kProbabilityTolerance);
  check_changes(golden, order + "_suff_logit", erasure.sufficiency_logit, kLogitTolerance);
}

/// Calls visit(file) for every file with such results; there must be one.
template <class Visit>
void for_each_file(const Visit& visit) {
  int count = 0;
  for (const auto& path : test::golden_explanations()) {
    const Golden golden(path);
    if (!golden.has_erasure()) continue;
    ++count;
    visit(golden);
  }
  CHECK_MESSAGE(count > 0, "no file of NOTNOT_GOLDEN_EXPLAIN has such results");
}

}  // namespace

TEST_CASE("explain golden: how many words are erased") {
  for_each_file([](const Golden& golden) {
    const auto percent = golden.file.values<int64_t>("eraser/percent"), k = golden.file.values<int64_t>("eraser/k");
    REQUIRE(std::equal(percent.begin(), percent.end(), kErasedPercent.begin(), kErasedPercent.end()));
    const Split split = golden.split();
    REQUIRE(k.size() == split.size() * kErasedShares);
    for (size_t i = 0; i < k.size(); ++i) {
      CHECK(k[i] ==
            erased_words(split.length(static_cast<int32_t>(i / kErasedShares)) - 2, kErasedPercent[i % kErasedShares]));
    }
  });
}

TEST_CASE("explain golden: flips, comprehensiveness and sufficiency of given orders") {
  for_each_file([](const Golden& golden) {
    const Split split = golden.split();
    AttentionClassifier model = golden.model(split);
    for (const std::string order : {"attention", "contribution", "ixg_held", "random"}) {
      check_erasure(golden, order, erase_split(model, split, in_order(golden, order, split)));
    }
  });
}

TEST_CASE("explain golden: flips, comprehensiveness and sufficiency of the model's own orders") {
  for_each_file([](const Golden& golden) {
    const Split split = golden.split();
    AttentionClassifier model = golden.model(split);
    const std::pair<Measure, const char*> measures[] = {{Measure::attention, "attention"},
                                                        {Measure::contribution, "contribution"}};
    for (const auto& [measure, order] : measures) {
      check_erasure(golden, order, erase_split(model, split, attribute_split(model, split, measure)));
    }
  });
}

}  // namespace notnot
