// Initial parameters against the distributions that PyTorch documents:
//   torch.nn.Embedding  N(0, 1), the padding row zero
//   torch.nn.LSTM       all weights and biases U(-sqrt(k), sqrt(k)), k = 1 / hidden_size
//   torch.nn.Linear     weight and bias U(-sqrt(k), sqrt(k)), k = 1 / in_features
// All draws have fixed seeds, so a check that passes passes always. The bounds are five standard errors.
#include "models/parameters.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "kernels/base/error.h"

namespace notnot {
namespace {

struct Expected {
  std::vector<int64_t> shape;
  double k;  ///< of U(-sqrt(k), sqrt(k))
};

/// What the authors' modules have besides the embedding: nn.LSTM(embed, hidden, bidirectional), or nn.Linear(embed,
/// hidden) in its place; nn.Linear(width, width / 2) and nn.Linear(width / 2, 1, bias=False) for the attention;
/// nn.Linear(width, 1) for the output.
std::map<std::string, Expected> expected_of(Encoder encoder, int64_t embed, int64_t hidden) {
  std::map<std::string, Expected> result;
  const double k = 1.0 / static_cast<double>(hidden);
  if (encoder == Encoder::lstm) {
    for (const std::string end : {"", "_reverse"}) {
      result["encoder.rnn.weight_ih_l0" + end] = {{4 * hidden, embed}, k};
      result["encoder.rnn.weight_hh_l0" + end] = {{4 * hidden, hidden}, k};
      result["encoder.rnn.bias_ih_l0" + end] = {{4 * hidden}, k};
      result["encoder.rnn.bias_hh_l0" + end] = {{4 * hidden}, k};
    }
  } else {
    result["encoder.projection.weight"] = {{hidden, embed}, 1.0 / static_cast<double>(embed)};
    result["encoder.projection.bias"] = {{hidden}, 1.0 / static_cast<double>(embed)};
  }
  const int64_t width = encoder == Encoder::lstm ? 2 * hidden : hidden, attention = width / 2;
  const double of_width = 1.0 / static_cast<double>(width), of_attention = 1.0 / static_cast<double>(attention);
  result["decoder.linear_1.weight"] = {{1, width}, of_width};
  result["decoder.linear_1.bias"] = {{1}, of_width};
  result["decoder.attention.attn1.weight"] = {{attention, width}, of_width};
  result["decoder.attention.attn1.bias"] = {{attention}, of_width};
  result["decoder.attention.attn2.weight"] = {{1, attention}, of_attention};
  return result;
}

ParameterLayout layout_of(Encoder encoder, int32_t embed, int32_t hidden) {
  return ParameterLayout({.encoder = encoder, .vocabulary = 9, .embed = embed, .hidden = hidden});
}

/// The values of every parameter over `seeds` seeds, one seed after the other.
std::map<std::string, std::vector<double>> drawn(const ParameterLayout& layout, uint64_t seeds) {
  std::map<std::string, std::vector<double>> result;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    const std::vector<float> values = initial_parameters(layout, seed, {});
    for (const Parameter& p : layout.parameters()) {
      auto& all = result[p.name];
      all.insert(all.end(), values.begin() + p.offset, values.begin() + p.offset + p.size);
    }
  }
  return result;
}

/// U(-bound, bound): no value outside, ten bins equally full, mean and variance, and values near both ends.
void check_uniform(const std::vector<double>& values, double bound) {
  const auto n = static_cast<double>(values.size());
  std::vector<double> bins(10);
  double sum = 0, squares = 0, low = 0, high = 0;
  bool inside = true;
  for (const double value : values) {
    inside = inside && std::fabs(value) <= bound * (1 + 1e-6);  // the bound is rounded to float
    ++bins[static_cast<size_t>(std::clamp((value / bound + 1) * 5, 0.0, 9.5))];
    sum += value;
    squares += value * value;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  CHECK(inside);
  CHECK(std::fabs(sum / n) < 5 * bound / std::sqrt(3 * n));
  CHECK(std::fabs(squares / n - bound * bound / 3) < 5 * bound * bound * std::sqrt(4.0 / 45 / n));
  double chi_squared = 0;
  for (const double count : bins) chi_squared += (count - n / 10) * (count - n / 10) / (n / 10);
  CHECK(chi_squared < 40);            // 9 degrees of freedom, p = 1e-5: there are many parameters
  const double gap = 30 * bound / n;  // one with no value in it has probability exp(-15)
  CHECK(low < -bound + gap);
  CHECK(high > bound - gap);
}

/// The correlation of the first values of both, on a scale where independent ones have standard deviation 1.
double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const size_t n = std::min(a.size(), b.size());
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < n; ++i) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return ab / std::sqrt(aa * bb) * std::sqrt(static_cast<double>(n));
}

void check_no_two_correlate(const std::map<std::string, std::vector<double>>& values) {
  for (auto a = values.begin(); a != values.end(); ++a) {
    for (auto b = std::next(a); b != values.end(); ++b) {
      INFO(a->first, " and ", b->first);
      CHECK(std::fabs(correlation(a->second, b->second)) < 5);
    }
  }
}

TEST_CASE("the sizes of the paper: each parameter has PyTorch's distribution") {
  for (const Encoder encoder : {Encoder::lstm, Encoder::tokens}) {
    const ParameterLayout layout = layout_of(encoder, 300, 128);
    const auto expected = expected_of(encoder, 300, 128);
    const auto values = drawn(layout, 2);
    CHECK(layout.parameters().size() == expected.size() + 1);
    for (const auto& parameter : expected) {
      const std::string& name = parameter.first;
      CAPTURE(name);
      CHECK(layout.find(name).shape == parameter.second.shape);
      if (values.at(name).size() >= 100) check_uniform(values.at(name), std::sqrt(parameter.second.k));
    }
  }
}

TEST_CASE("small sizes over many seeds: also the parameters of a few values") {
  // fan-ins of 3, 10 and 20, so that one in the place of another shows.
  constexpr int32_t kEmbed = 3, kHidden = 10;
  for (const Encoder encoder : {Encoder::lstm, Encoder::tokens}) {
    const auto values = drawn(layout_of(encoder, kEmbed, kHidden), 4000);
    for (const auto& parameter : expected_of(encoder, kEmbed, kHidden)) {
      CAPTURE(parameter.first);
      check_uniform(values.at(parameter.first), std::sqrt(parameter.second.k));
    }
  }
}

TEST_CASE("within one model no two parameters share their numbers") {
  auto values = drawn(layout_of(Encoder::lstm, 40, 32), 1);
  values.erase("decoder.linear_1.bias");     // one value
  values.erase("encoder.embedding.weight");  // begins with zeros
  // All others have 32 values or more; equal ones, in their own bounds, would have the correlation sqrt(32) = 5.7.
  check_no_two_correlate(values);
}

TEST_CASE("no gate of the LSTM has a bias of its own: the forget gate starts as the others do") {
  constexpr int64_t kHidden = 128;
  const ParameterLayout layout = layout_of(Encoder::lstm, 4, kHidden);
  const auto values = drawn(layout, 40);
  for (const std::string name : {"bias_ih_l0", "bias_hh_l0", "bias_ih_l0_reverse", "bias_hh_l0_reverse"}) {
    const std::vector<double>& all = values.at("encoder.rnn." + name);
    for (int64_t gate = 0; gate < 4; ++gate) {
      CAPTURE(name);
      CAPTURE(gate);
      std::vector<double> of_gate;
      for (size_t begin = 0; begin < all.size(); begin += 4 * kHidden) {
        const auto first = all.begin() + static_cast<int64_t>(begin) + gate * kHidden;
        of_gate.insert(of_gate.end(), first, first + kHidden);
      }
      check_uniform(of_gate, 1 / std::sqrt(static_cast<double>(kHidden)));
    }
  }
}

TEST_CASE("every matrix of parameters is aligned, whatever its size, and both directions are one matrix") {
  for (const Encoder encoder : {Encoder::lstm, Encoder::tokens}) {
    for (const auto& [embed, hidden] : {std::pair{3, 5}, {7, 1}, {300, 128}}) {  // V is 9
      CAPTURE(embed);
      const ParameterLayout layout = layout_of(encoder, embed, hidden);
      int64_t end = 0, sizes = 0;
      for (const Parameter& p : layout.parameters()) {
        CAPTURE(p.name);
        const bool second = p.name.ends_with("_reverse");
        CHECK(p.offset == (second ? end : (end + 63) / 64 * 64));
        if (second) CHECK(p.shape == layout.find(p.name.substr(0, p.name.size() - 8)).shape);
        end = p.offset + p.size;
        sizes += p.size;
      }
      CHECK(layout.total() == end);
      CHECK(layout.embedding_size() == 9 * embed);
      CHECK(layout.encoder_begin() == layout.parameters()[1].offset);
      CHECK(layout.attention_begin() == layout.find("decoder.attention.attn1.weight").offset);
      const std::vector<float> values = initial_parameters(layout, 3, {});
      // No parameter is zero but the padding row.
      CHECK(std::count(values.begin(), values.end(), 0.0F) == layout.total() - sizes + embed);
    }
  }
}

TEST_CASE("a random embedding is N(0, 1) in every row but the padding row, which is zero") {
  constexpr int32_t kVocabulary = 2000, kEmbed = 50;
  const ParameterLayout layout({.vocabulary = kVocabulary, .embed = kEmbed, .hidden = 2});
  const std::vector<float> values = initial_parameters(layout, 10, {});
  for (int32_t i = 0; i < kEmbed; ++i) CHECK(values[i] == 0);
  double sum = 0, squares = 0, fourths = 0, neighbours = 0, above = 0;
  int beyond_two = 0;
  for (int32_t row = 1; row < kVocabulary; ++row) {
    double of_row = 0;
    for (int32_t i = row * kEmbed; i < (row + 1) * kEmbed; ++i) {
      const double value = values[i];
      of_row += value * value;
      sum += value;
      squares += value * value;
      fourths += value * value * value * value;
      neighbours += value * values[i - 1];
      above += value * values[i - kEmbed];
      beyond_two += std::fabs(value) > 2 ? 1 : 0;
    }
    CHECK(std::fabs(of_row / kEmbed - 1) < 6 * std::sqrt(2.0 / kEmbed));  // <UNK>, <SOS> and <EOS> too
  }
  // The variances are 1, 2, 96, 1, 1 and p (1 - p).
  constexpr double kCount = (kVocabulary - 1) * kEmbed;
  CHECK(std::fabs(sum / kCount) < 5 / std::sqrt(kCount));
  CHECK(std::fabs(squares / kCount - 1) < 5 * std::sqrt(2 / kCount));
  CHECK(std::fabs(fourths / kCount - 3) < 5 * std::sqrt(96 / kCount));
  CHECK(std::fabs(neighbours / kCount) < 5 / std::sqrt(kCount));
  CHECK(std::fabs(above / kCount) < 5 / std::sqrt(kCount));
  const double p = std::erfc(std::sqrt(2.0));
  CHECK(std::fabs(beyond_two / kCount - p) < 5 * std::sqrt(p * (1 - p) / kCount));
}

TEST_CASE("word vectors are the embedding, and leave every other parameter as it would be without them") {
  const ParameterLayout layout = layout_of(Encoder::lstm, 3, 4);
  std::vector<float> vectors(layout.embedding_size());
  for (size_t i = 0; i < vectors.size(); ++i) vectors[i] = 0.5F + static_cast<float>(i);
  const std::vector<float> with = initial_parameters(layout, 7, vectors), without = initial_parameters(layout, 7, {});
  for (size_t i = 0; i < vectors.size(); ++i) CHECK(with[i] == (i < 3 ? 0 : vectors[i]));
  for (size_t i = vectors.size(); i < with.size(); ++i) CHECK(with[i] == without[i]);
  vectors.pop_back();
  CHECK_THROWS_AS(initial_parameters(layout, 7, vectors), Error);
}

TEST_CASE("another seed changes every parameter, also one that differs in its upper half only") {
  const ParameterLayout layout = layout_of(Encoder::lstm, 3, 4);
  const std::vector<float> ten = initial_parameters(layout, 10, {});
  CHECK(initial_parameters(layout, 10, {}) == ten);
  for (const uint64_t seed : {uint64_t{11}, uint64_t{0}, (uint64_t{1} << 32) + 10}) {
    const std::vector<float> other = initial_parameters(layout, seed, {});
    for (const Parameter& p : layout.parameters()) {
      CAPTURE(p.name);
      const int64_t begin = p.offset + (p.offset == 0 ? 3 : 0);  // without the padding row
      for (int64_t i = begin; i < p.offset + p.size; ++i) CHECK(other[i] != ten[i]);
    }
  }
}

}  // namespace
}  // namespace notnot
