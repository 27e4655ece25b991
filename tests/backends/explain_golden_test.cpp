// The exact adversary and decision flips on every backend against golden vectors (tests/golden/explain/README.md).
// Reads every file of the folder that NOTNOT_GOLDEN_EXPLAIN names, by what is in it and not by its name.
#include <algorithm>
#include <cmath>
#include <filesystem>

#include "engine/io/input_error.h"
#include "engine/io/safetensors.h"
#include "kernels/cases/erasure_flip_case.h"
#include "kernels/cases/exact_adversary_case.h"
#include "kernels/exact_adversary_math.h"
#include "tests/backends/backend.h"
#include "tests/support/exact_adversary_reference.h"
#include "tests/support/golden_folder.h"

namespace notnot {
namespace {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

template <class T>
std::vector<T> part(const std::vector<T>& values, int64_t begin, int64_t end) {
  return {values.begin() + begin, values.begin() + end};
}

/// A file with results of section 5 and 6: of a model, or made-up attention and contributions.
struct Golden {
  explicit Golden(const std::filesystem::path& path)
      : name(path.stem().string()), file(Safetensors::read(path)), of_model(file.contains("base/log_attention")) {}
  bool has_adversary() const { return file.contains("adversary/jsd"); }
  bool has_flips() const { return file.contains("flip/minimal_size"); }

  std::vector<double> log_attention() const {
    return file.values<double>(of_model ? "base/log_attention" : "log_attention");
  }
  std::vector<double> contribution() const {
    return file.values<double>(of_model ? "base/contribution" : "contribution");
  }
  double bias() const { return file.values<double>(of_model ? "param0/decoder.linear_1.bias" : "bias")[0]; }
  std::vector<int64_t> word_offsets() const {
    return file.values<int64_t>(of_model ? "texts/word_offsets" : "word_offsets");
  }

  std::string name;
  Safetensors file;
  bool of_model;
};

/// Calls visit(file) for every file with such results; there must be one.
template <class Has, class Visit>
void for_each_file(const Has& has, const Visit& visit) {
  int count = 0;
  for (const auto& path : test::golden_explanations()) {
    const Golden golden(path);
    if (!has(golden)) continue;
    ++count;
    visit(golden);
  }
  CHECK_MESSAGE(count > 0, "no file of NOTNOT_GOLDEN_EXPLAIN has such results");
}

/// Values per word as values per token in fp32, with `boundary` at the boundary tokens.
std::vector<float> with_boundaries(const std::vector<double>& words, const std::vector<int64_t>& offsets,
                                   float boundary) {
  std::vector<float> tokens;
  for (size_t b = 0; b + 1 < offsets.size(); ++b) {
    tokens.push_back(boundary);
    for (int64_t n = offsets[b]; n < offsets[b + 1]; ++n) tokens.push_back(static_cast<float>(words[n]));
    tokens.push_back(boundary);
  }
  return tokens;
}

std::vector<int32_t> token_offsets(const std::vector<int64_t>& word_offsets) {
  std::vector<int32_t> offsets;
  for (size_t b = 0; b < word_offsets.size(); ++b) {
    offsets.push_back(static_cast<int32_t>(word_offsets[b] + 2 * static_cast<int64_t>(b)));
  }
  return offsets;
}

/// Of float64, which may be infinite.
bool same(double a, double b) { return a == b || std::abs(a - b) <= 1e-12 * (1 + std::abs(b)); }

bool fp32_holds(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(),
                     [](double x) { return x == static_cast<double>(static_cast<float>(x)); });
}

// --- the exact adversary ---------------------------------------------------------------------------------------------

void check_adversary(const Golden& golden) {
  const std::vector<int64_t> offsets = golden.word_offsets();
  const std::vector<double> logs = golden.log_attention(), contribution = golden.contribution();
  const bool rounded = !fp32_holds(logs) || !fp32_holds(contribution) || !fp32_holds({golden.bias()});
  const ExactAdversaryInputs inputs{.epsilons = golden.file.values<double>("adversary/epsilon"),
                                    .offsets = token_offsets(offsets),
                                    .contributions = with_boundaries(contribution, offsets, 0),
                                    .log_attention = with_boundaries(logs, offsets, kMinusInfinity),
                                    .output_bias = {static_cast<float>(golden.bias())}};
  const Device device = test_device();
  const ExactAdversaryCase arrays(device, inputs);
  exact_adversary(device, arrays.arguments());
  const std::vector<ExactOptimum> results = arrays.optima.host();

  const auto values = [&](const char* what) { return golden.file.values<double>(fmt::format("adversary/{}", what)); };
  const auto integers = [&](const char* what) {
    return golden.file.values<int64_t>(fmt::format("adversary/{}", what));
  };
  const auto jsd = values("jsd"), weight_low = values("weight_low"), weight_high = values("weight_high"),
             probability = values("prob"), low = values("low"), high = values("high"), margin = values("margin");
  const auto word_low = integers("word_low"), word_high = integers("word_high"), side = integers("side");
  const size_t epsilons = inputs.epsilons.size(), texts = offsets.size() - 1;
  REQUIRE(jsd.size() == texts * epsilons);
  for (size_t b = 0; b < texts; ++b) {
    for (size_t e = 0; e < epsilons; ++e) {
      const size_t i = b * epsilons + e;
      const std::string where = fmt::format("{}, text {}, epsilon {}: ", golden.name, b, inputs.epsilons[e]);
      const test::AttackReference reference(part(logs, offsets[b], offsets[b + 1]),
                                            part(contribution, offsets[b], offsets[b + 1]), golden.bias(),
                                            inputs.epsilons[e]);
      const test::Vertex best{static_cast<VertexKind>(side[i]), static_cast<int32_t>(word_low[i]),
                              static_cast<int32_t>(word_high[i]), weight_low[i], weight_high[i]};
      // What the operation is compared with is what the file says.
      CHECK_MESSAGE(std::abs(reference.value(best) - jsd[i]) < 1e-12, where);
      CHECK_MESSAGE(std::abs(reference.probability(best) - probability[i]) < 1e-12, where);
      CHECK_MESSAGE(same(reference.low(), low[i]), where);
      CHECK_MESSAGE(same(reference.high(), high[i]), where);
      reference.check(results[e * texts + b], best, jsd[i], margin[i], rounded, where);
    }
  }
}

/// The formulas that the kernels share, in double: the interval and F of the optimum.
void check_formulas(const Golden& golden) {
  const std::vector<int64_t> offsets = golden.word_offsets();
  const std::vector<double> logs = golden.log_attention(), contribution = golden.contribution(),
                            epsilons = golden.file.values<double>("adversary/epsilon"),
                            low = golden.file.values<double>("adversary/low"),
                            high = golden.file.values<double>("adversary/high"),
                            jsd = golden.file.values<double>("adversary/jsd");
  const auto word_low = golden.file.values<int64_t>("adversary/word_low"),
             word_high = golden.file.values<int64_t>("adversary/word_high"),
             side = golden.file.values<int64_t>("adversary/side");
  for (size_t b = 0; b + 1 < offsets.size(); ++b) {
    double sum = 0, mean = 0;
    for (int64_t n = offsets[b]; n < offsets[b + 1]; ++n) sum += std::exp(logs[n]);
    for (int64_t n = offsets[b]; n < offsets[b + 1]; ++n) mean += std::exp(logs[n]) / sum * contribution[n];
    for (size_t e = 0; e < epsilons.size(); ++e) {
      const size_t i = b * epsilons.size() + e;
      const auto interval = logit_interval(golden.bias() + mean, epsilons[e]);
      CHECK(same(interval.low, low[i]));
      CHECK(same(interval.high, high[i]));
      const auto word = [&](int64_t n, double distance) {
        const double log_attention = logs[offsets[b] + n] - std::log(sum);
        return PairedWord<double>{std::exp(log_attention), log_attention, distance};
      };
      const auto delta = [&](int64_t n) { return contribution[offsets[b] + n] - mean; };
      const double end = side[i] == 1 ? interval.low : interval.high;
      const PairedWord<double> first = word(word_low[i], end - delta(word_low[i]));
      const double cost = side[i] == 0 ? overlap(first.attention, first.log_attention, 1.0)
                                       : pair_cost(first, word(word_high[i], delta(word_high[i]) - end));
      CHECK(std::abs(test::kLogOf2 - cost / 2 - jsd[i]) < 1e-12);
    }
  }
}

// --- decision flips --------------------------------------------------------------------------------------------------

/// Scores [words] by which a given order is the descending one.
std::vector<double> scores_of(const std::vector<int64_t>& order, const std::vector<int64_t>& offsets) {
  std::vector<double> scores(order.size());
  for (size_t b = 0; b + 1 < offsets.size(); ++b) {
    for (int64_t k = 0; k < offsets[b + 1] - offsets[b]; ++k) {
      scores[offsets[b] + order[offsets[b] + k]] = static_cast<double>(-k);
    }
  }
  return scores;
}

void check_flips(const Golden& golden) {
  const std::vector<int64_t> offsets = golden.word_offsets();
  ErasureFlipInputs inputs{.offsets = token_offsets(offsets),
                           .contributions = with_boundaries(golden.contribution(), offsets, 0),
                           .log_attention = with_boundaries(golden.log_attention(), offsets, kMinusInfinity),
                           .output_bias = {static_cast<float>(golden.bias())}};
  // Name of the file's order and of its sizes; the first three are the operation's own.
  std::vector<std::pair<std::string, std::string>> rows = {{"flip/order", "flip/minimal_size"},
                                                           {"order/attention", "flip/attention_size"},
                                                           {"order/contribution", "flip/contribution_size"}};
  for (const std::string name : {"ixg_held", "random"}) {
    if (!golden.file.contains("order/" + name)) continue;
    rows.emplace_back("order/" + name, "flip/" + name + "_size");
    const std::vector<double> scores = scores_of(golden.file.values<int64_t>("order/" + name), offsets);
    const std::vector<float> tokens = with_boundaries(scores, offsets, 0);
    inputs.scores.insert(inputs.scores.end(), tokens.begin(), tokens.end());
  }
  const Device device = test_device();
  const ErasureFlipCase arrays(device, inputs);
  erasure_flip(device, arrays.arguments());
  const std::vector<int32_t> orders = arrays.order.host(), sizes = arrays.size.host();
  const std::vector<double> logits = arrays.logit.host();
  const std::vector<float> margins = arrays.margin.host();

  const auto expected_class = golden.file.values<int64_t>(golden.of_model ? "base/class" : "class");
  const auto expected_margin = golden.file.values<double>("flip/margin");
  const size_t texts = offsets.size() - 1;
  for (size_t b = 0; b < texts; ++b) CHECK((logits[b] > 0) == (expected_class[b] == 1));
  std::vector<double> margin(texts, std::numeric_limits<double>::infinity());
  for (size_t row = 0; row < rows.size(); ++row) {
    const auto order = golden.file.values<int64_t>(rows[row].first);
    const auto size = golden.file.values<int64_t>(rows[row].second);
    for (size_t b = 0; b < texts; ++b) {
      const std::string where = fmt::format("{}, text {}, {}: ", golden.name, b, rows[row].first);
      const auto begin = static_cast<int64_t>(row) * inputs.tokens();
      check_same_bytes(
          part(orders, begin + inputs.offsets[b] + 1, begin + inputs.offsets[b + 1] - 1),
          [&] {
            const std::vector<int64_t> words = part(order, offsets[b], offsets[b + 1]);
            return std::vector<int32_t>(words.begin(), words.end());
          }(),
          where + "order");
      CHECK_MESSAGE(sizes[row * texts + b] == size[b], where, "size ", sizes[row * texts + b], ", not ", size[b]);
      margin[b] = std::min(margin[b], double{margins[row * texts + b]});
    }
  }
  // Of inputs in fp32, sums are off by some u of the sum of their absolute terms.
  for (size_t b = 0; b < texts; ++b) {
    const bool close = margin[b] == expected_margin[b] || std::abs(margin[b] - expected_margin[b]) < 1e-5;
    CHECK_MESSAGE(close, golden.name, ", text ", b, ": margin ", margin[b], ", not ", expected_margin[b]);
  }
}

}  // namespace

TEST_CASE("explain golden: the exact adversary's value, words and weights") {
  for_each_file([](const Golden& golden) { return golden.has_adversary(); }, check_adversary);
}

TEST_CASE("explain golden: the exact adversary's formulas in double") {
  for_each_file([](const Golden& golden) { return golden.has_adversary(); }, check_formulas);
}

TEST_CASE("explain golden: orders, and sizes of the decision flips") {
  for_each_file([](const Golden& golden) { return golden.has_flips(); }, check_flips);
}

}  // namespace notnot
