// Decision flips under renormalised erasure on every backend, against all subsets and against renormalised reruns in
// float64. Golden vectors: explain_golden_test.cpp.
#include "kernels/erasure_flip.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/cases/erasure_flip_case.h"
#include "kernels/erasure_flip_math.h"
#include "tests/backends/backend.h"

namespace notnot {
namespace {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Results {
  std::vector<double> logit;         // [B]
  std::vector<int32_t> order, size;  // [R, N], [R, B]
  std::vector<float> margin;         // [R, B]
};

Results run(const Device& device, const ErasureFlipInputs& inputs) {
  const ErasureFlipCase arrays(device, inputs);
  erasure_flip(device, arrays.arguments());
  return {arrays.logit.host(), arrays.order.host(), arrays.size.host(), arrays.margin.host()};
}

struct Text {
  std::vector<double> log_attention, contribution;
  double bias;

  int32_t words() const { return static_cast<int32_t>(contribution.size()); }
  /// The logit of the text without the erased words: softmax over the kept ones.
  double logit(const std::vector<bool>& erased) const {
    double largest = -1e300, sum = 0, weighted = 0;
    for (int32_t n = 0; n < words(); ++n) {
      if (!erased[n]) largest = std::max(largest, log_attention[n]);
    }
    for (int32_t n = 0; n < words(); ++n) {
      if (erased[n] || log_attention[n] < -1e300) continue;
      sum += std::exp(log_attention[n] - largest);
      weighted += std::exp(log_attention[n] - largest) * contribution[n];
    }
    return sum > 0 ? bias + weighted / sum : bias;
  }
  bool positive() const { return logit(std::vector<bool>(contribution.size())) > 0; }
  /// The size of the flip by reruns.
  int32_t flip(const std::vector<int32_t>& order) const {
    std::vector<bool> erased(contribution.size());
    for (int32_t k = 0; k < words(); ++k) {
      erased[order[k]] = true;
      if ((logit(erased) > 0) != positive()) return k + 1;
    }
    return kNeverFlips;
  }
  /// The least number of words whose erasure flips, over all subsets.
  int32_t minimal() const {
    int32_t least = words() + 1;
    for (uint32_t set = 1; set < 1U << words(); ++set) {
      if (__builtin_popcount(set) >= least) continue;
      std::vector<bool> erased(contribution.size());
      for (int32_t n = 0; n < words(); ++n) erased[n] = (set >> n & 1U) != 0;
      if ((logit(erased) > 0) != positive()) least = __builtin_popcount(set);
    }
    return least <= words() ? least : kNeverFlips;
  }
};

Text text_of(const ErasureFlipInputs& p, int32_t b) {
  const auto cut = [&](const std::vector<float>& values) {
    return std::vector<double>(values.begin() + p.offsets[b] + 1, values.begin() + p.offsets[b + 1] - 1);
  };
  return {cut(p.log_attention), cut(p.contributions), p.output_bias[0]};
}

std::vector<int32_t> descending(const std::vector<double>& scores) {
  std::vector<int32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return scores[a] > scores[b]; });
  return order;
}

/// Texts of so many words with random weights, contributions and scores.
ErasureFlipInputs make_inputs(const std::vector<int32_t>& words, uint64_t seed, int32_t given = 2, float bias = 0.3F) {
  ErasureFlipInputs inputs{.output_bias = {bias}};
  for (const int32_t count : words) inputs.offsets.push_back(inputs.offsets.back() + count + 2);
  inputs.contributions = random_floats(inputs.tokens(), seed, 2);
  inputs.log_attention = random_log_attention(inputs.offsets, seed + 1);
  inputs.scores = random_floats(int64_t{given} * inputs.tokens(), seed + 2);
  for (size_t b = 0; b < words.size(); ++b) {  // boundary tokens must not count
    inputs.contributions[inputs.offsets[b]] = inputs.contributions[inputs.offsets[b + 1] - 1] = kNan;
  }
  return inputs;
}

/// All orders and sizes against reruns, and the minimal size of short texts against all subsets unless the gains
/// underflow.
void check(const ErasureFlipInputs& p, const std::string& name = "", bool gains_underflow = false) {
  const Results results = run(test_device(), p);
  const int32_t sequences = p.sequences();
  for (int32_t b = 0; b < sequences; ++b) {
    const Text text = text_of(p, b);
    const double logit = text.logit(std::vector<bool>(text.contribution.size()));
    CHECK(std::abs(results.logit[b] - logit) <= 1e-12 * (1 + std::abs(logit)));
    std::vector<std::vector<double>> scores(3);
    for (int32_t n = 0; n < text.words(); ++n) {
      const double alpha = std::exp(text.log_attention[n]);
      scores[kByGain].push_back((text.positive() ? 1 : -1) * alpha * (text.contribution[n] + text.bias));
      scores[kByAttention].push_back(text.log_attention[n]);
      scores[kByContribution].push_back(std::abs(alpha * text.contribution[n]));
    }
    for (int32_t g = 0; g < p.given(); ++g) {
      const auto begin = p.scores.begin() + int64_t{g} * p.tokens();
      scores.emplace_back(begin + p.offsets[b] + 1, begin + p.offsets[b + 1] - 1);
    }
    for (size_t row = 0; row < scores.size(); ++row) {
      const std::string where = fmt::format("{}text {} of {} words, order {}: ", name, b, text.words(), row);
      const auto begin = results.order.begin() + static_cast<int64_t>(row) * p.tokens();
      const std::vector<int32_t> order(begin + p.offsets[b] + 1, begin + p.offsets[b + 1] - 1);
      check_same_bytes(order, descending(scores[row]), where + "order");
      CHECK(begin[p.offsets[b]] == -1);
      CHECK(begin[p.offsets[b + 1] - 1] == -1);
      CHECK_MESSAGE(results.size[row * sequences + b] == text.flip(order), where, "size");
      CHECK_MESSAGE(results.margin[row * sequences + b] >= 0, where, "margin");
    }
    if (text.words() > 12 || gains_underflow) continue;
    CHECK_MESSAGE(results.size[b] == text.minimal(), name, "text ", b, ": minimal size");
  }
}

/// A text with given words and no given orders.
ErasureFlipInputs one_text(const std::vector<float>& log_attention, const std::vector<float>& contributions,
                           float bias) {
  ErasureFlipInputs p{.output_bias = {bias}};
  p.offsets.push_back(static_cast<int32_t>(contributions.size()) + 2);
  p.log_attention = {kMinusInfinity};
  p.log_attention.insert(p.log_attention.end(), log_attention.begin(), log_attention.end());
  p.log_attention.push_back(kMinusInfinity);
  p.contributions = {kNan};
  p.contributions.insert(p.contributions.end(), contributions.begin(), contributions.end());
  p.contributions.push_back(kNan);
  return p;
}

}  // namespace

TEST_CASE("erasure flip: orders and sizes of random texts against reruns and all subsets") {
  for (const float bias : {-0.4F, 0.0F, 0.3F, 1.5F}) {
    for (uint64_t seed = 10; seed < 16; ++seed) {
      check(make_inputs({5, 1, 2, 3, 12, 9, 7, 4, 10, 31, 32, 33, 64}, seed, 2, bias), fmt::format("bias {}: ", bias));
    }
  }
}

TEST_CASE("erasure flip: a text worked by hand") {
  // Gains .5 (2 - .1), .3 (-1 - .1), .2 (.5 - .1) = .95, -.33, .08: the sum .7 is class 1. Without word 0 it is -.25.
  const ErasureFlipInputs p = one_text({std::log(0.5F), std::log(0.3F), std::log(0.2F)}, {2, -1, 0.5}, -0.1F);
  const Results results = run(test_device(), p);
  CHECK(std::abs(results.logit[0] - 0.7) < 1e-6);
  CHECK(results.size == std::vector<int32_t>{1, 1, 1});
  CHECK(results.order == std::vector<int32_t>{-1, 0, 2, 1, -1, -1, 0, 1, 2, -1, -1, 0, 1, 2, -1});
  CHECK(std::abs(results.margin[kByGain] - 0.25 / 0.41) < 1e-6);
}

TEST_CASE("erasure flip: never, and only with the last word") {
  // All words speak for class 1, and so does the bias: never. With a negative bias only the empty text flips.
  CHECK(run(test_device(), one_text({-1.0F, -1.0F, -1.0F}, {2, 1, 3}, 0.5F)).size == std::vector<int32_t>{-1, -1, -1});
  CHECK(run(test_device(), one_text({-1.0F, -1.0F, -1.0F}, {2, 1, 3}, -0.5F)).size == std::vector<int32_t>{3, 3, 3});
  // Class 0 flips only above 0: a logit of exactly 0 is class 0, and stays so with b = 0.
  CHECK(run(test_device(), one_text({-1.0F, -1.0F}, {0, 0}, 0)).size == std::vector<int32_t>{-1, -1, -1});
  // Class 1 flips at exactly 0.
  CHECK(run(test_device(), one_text({-1.0F, -1.0F}, {1, 0}, 0)).size[kByGain] == 1);
  CHECK(run(test_device(), one_text({0.0F}, {-2}, 0.5F)).size[kByGain] == 1);
  CHECK(run(test_device(), one_text({0.0F}, {-2}, -0.5F)).size[kByGain] == kNeverFlips);
}

TEST_CASE("erasure flip: ties stand in the order of the text") {
  ErasureFlipInputs p = make_inputs({9, 40}, 3);
  std::fill(p.scores.begin(), p.scores.end(), 1.0F);
  for (size_t i = 0; i < p.scores.size(); i += 3) p.scores[i] = i % 2 == 0 ? 0.0F : -0.0F;  // equal to each other
  check(p);
  check(one_text(std::vector<float>(8, std::log(0.125F)), std::vector<float>(8, 0.7F), -0.1F));
}

TEST_CASE("erasure flip: weights that fp64 cannot hold count among their like") {
  check(one_text({-0.1F, -2.4F, -900.0F, -901.0F, -905.0F}, {2, 1, -1, 3, -2}, 0.1F), "", true);
  check(one_text({-0.1F, -2.4F, -900.0F, -901.0F, -1905.0F}, {2, 1, 1, -3, 2}, 0.1F), "", true);
  check(one_text({-0.1F, -700.0F, -800.0F, -590.0F, -1905.0F}, {2, 1, -1, 3, -2}, -0.5F), "", true);
  check(one_text({-120.0F, -0.5F, -121.0F, -0.93F}, {1, -3, -2, -1}, 0.2F));
  // Weights of exactly 0: without the others the text is empty.
  check(one_text({0.0F, kMinusInfinity, kMinusInfinity}, {2, 1, -1}, 0.5F));
  check(one_text({0.0F, kMinusInfinity, kMinusInfinity}, {2, 1, -1}, -0.5F));
}

TEST_CASE("erasure flip: 4,000 words, and more than a block ranks in shared memory") {
  for (const int32_t words : {3999, 4000, 4001}) {
    ErasureFlipInputs p = make_inputs({words, 3}, words, 1, -0.3F);
    for (float& contribution : p.contributions) contribution += 1;  // class 1, and the empty text is class 0
    const Results results = run(test_device(), p);
    const Text text = text_of(p, 0);
    for (const int32_t row : {int32_t{kByGain}, int32_t{kByAttention}, int32_t{kGivenOrders}}) {
      const auto begin = results.order.begin() + int64_t{row} * p.tokens() + 1;
      const std::vector<int32_t> order(begin, begin + words);
      std::vector<int32_t> sorted = order;
      std::sort(sorted.begin(), sorted.end());
      for (int32_t n = 0; n < words; ++n) REQUIRE(sorted[n] == n);
      // The flip is where a rerun says that it is: one erased word less does not flip.
      const int32_t size = results.size[row * 2];
      REQUIRE(size > 0);
      std::vector<bool> erased(words);
      for (int32_t k = 0; k < size - 1; ++k) erased[order[k]] = true;
      CHECK((text.logit(erased) > 0) == text.positive());
      erased[order[size - 1]] = true;
      CHECK((text.logit(erased) > 0) != text.positive());
    }
  }
}

TEST_CASE("erasure flip: a text alone has the bytes that it has in a batch, with any number of threads") {
  const ErasureFlipInputs together = make_inputs({40, 17, 1, 33, 5}, 21);
  Device device = test_device();
  const Results batch = run(device, together);
  for (int32_t b = 0; b < together.sequences(); ++b) {
    const int32_t begin = together.offsets[b], end = together.offsets[b + 1];
    const auto cut = [&](const std::vector<float>& values) {
      std::vector<float> part;
      for (size_t at = 0; at < values.size(); at += static_cast<size_t>(together.tokens())) {
        const auto row = values.begin() + static_cast<int64_t>(at);
        part.insert(part.end(), row + begin, row + end);
      }
      return part;
    };
    const Results one = run(device, {.offsets = {0, end - begin},
                                     .contributions = cut(together.contributions),
                                     .log_attention = cut(together.log_attention),
                                     .output_bias = together.output_bias,
                                     .scores = cut(together.scores)});
    check_same_bytes<double>(one.logit, {batch.logit[b]}, "logit");
    for (int32_t row = 0; row < kGivenOrders + together.given(); ++row) {
      CHECK(one.size[row] == batch.size[row * together.sequences() + b]);
      check_same_bytes<float>({one.margin[row]}, {batch.margin[row * together.sequences() + b]}, "margin");
    }
  }
  for (const int threads : {1, 2, 3}) {
    device.threads = threads;
    const Results again = run(device, together);
    check_same_bytes(again.order, batch.order, "order");
    check_same_bytes(again.size, batch.size, "size");
    check_same_bytes(again.margin, batch.margin, "margin");
  }
}

TEST_CASE("erasure flip: what is not a number makes the size undefined there and nowhere else") {
  const ErasureFlipInputs sound = make_inputs({9, 12, 5}, 31);
  const Results expected = run(test_device(), sound);
  const auto second = static_cast<size_t>(sound.offsets[1]) + 4;
  ErasureFlipInputs contribution = sound, attention = sound, infinite = sound, score = sound;
  contribution.contributions[second] = attention.log_attention[second] = score.scores[second] = kNan;
  infinite.contributions[second] = std::numeric_limits<float>::infinity();
  for (const ErasureFlipInputs* p : {&contribution, &attention, &infinite, &score}) {
    const Results results = run(test_device(), *p);
    for (int32_t row = 0; row < kGivenOrders + sound.given(); ++row) {
      const bool undefined = p != &score || row == kGivenOrders;
      CHECK(results.size[row * 3 + 1] == (undefined ? kUndefinedFlip : expected.size[row * 3 + 1]));
      CHECK(std::isnan(results.margin[row * 3 + 1]) == undefined);
      for (const int32_t b : {0, 2}) CHECK(results.size[row * 3 + b] == expected.size[row * 3 + b]);
    }
  }
}

}  // namespace notnot
