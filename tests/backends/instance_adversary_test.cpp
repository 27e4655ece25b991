// The per-instance adversary on every backend, against float64 and against the authors' own loop (golden vectors), and
// what its header promises about bits.
#include "kernels/instance_adversary.h"

#include <algorithm>
#include <cmath>

#include "engine/io/safetensors.h"
#include "kernels/cases/adam_case.h"
#include "kernels/cases/instance_adversary_case.h"
#include "kernels/instance_adversary_math.h"
#include "tests/backends/backend.h"
#include "tests/support/error_model.h"

namespace notnot {
namespace {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();
constexpr double kLearningRate = 0.01;

/// [K][words] numbers of one text, without its first and last token.
template <class Real>
using Rows = std::vector<std::vector<Real>>;

struct Text {
  std::vector<double> contributions, base_log_attention;
  Rows<double> starts;
  double bias = 0, base_probability = 0;
};

/// The operation's loop from the formulas of the header, for any number type.
template <class Real>
class Reference {
 public:
  explicit Reference(const Text& text, double hinge = 500, double tolerance = 0.01)
      : contributions_(test::inputs<Real>(text.contributions)),
        base_(test::inputs<Real>(text.base_log_attention)),
        bias_(test::inputs<Real>({text.bias})[0]),
        base_probability_(test::inputs<Real>({text.base_probability})[0]),
        hinge_(hinge),
        tolerance_(tolerance),
        moments_(text.starts.size()) {
    for (Real& weight : base_) weight = exponential(weight);
    for (const auto& row : text.starts) logs.push_back(test::inputs<Real>(row));
    for (auto& row : moments_) row.resize(words());
  }

  void step() {
    ++steps_;
    const Rows<Real> gradients = gradient();
    const auto scalars = adam_step_scalars<Real>(kLearningRate, 0.9, 0.999, steps_);
    for (size_t k = 0; k < logs.size(); ++k) {
      for (size_t n = 0; n < words(); ++n) {
        moments_[k][n].parameter = logs[k][n];
        adam_update(moments_[k][n], gradients[k][n], AdamHyperOf<Real>{}, scalars);
        logs[k][n] = moments_[k][n].parameter;
      }
    }
  }

  std::vector<Real> attention(size_t k) const {
    const Softmax softmax = softmax_of(k);
    std::vector<Real> weights = softmax.exponentials;
    for (Real& weight : weights) weight = weight / softmax.sum;
    return weights;
  }
  std::vector<Real> log_attention(size_t k) const {
    const Softmax softmax = softmax_of(k);
    const Real shift = softmax.largest + logarithm(softmax.sum);
    std::vector<Real> result = logs[k];
    for (Real& x : result) x -= shift;
    return result;
  }
  Real probability(size_t k) const { return probability_of(attention(k)); }
  Real divergence(size_t k) const { return divergence(attention(k), base_); }

  /// What the operation returns: rows of all adversaries in turn, and a number of each.
  test::NamedValues<Real> results() const {
    test::NamedValues<Real> all = {{"log_attention", {}}, {"attention", {}}, {"probability", {}}, {"divergence", {}}};
    for (size_t k = 0; k < logs.size(); ++k) {
      for (const Real& x : log_attention(k)) all[0].second.push_back(x);
      for (const Real& x : attention(k)) all[1].second.push_back(x);
      all[2].second.push_back(probability(k));
      all[3].second.push_back(divergence(k));
    }
    return all;
  }

  Real loss() const {
    const auto adversaries = static_cast<double>(logs.size());
    Real sum(0);
    for (size_t k = 0; k < logs.size(); ++k) {
      sum += hinge_ * std::max(0.0, std::abs(probability(k) - base_probability_) - tolerance_) - divergence(k);
      for (size_t j = 0; j < logs.size(); ++j) {
        sum -= divergence(attention(j), attention(k)) / adversaries / adversaries;
      }
    }
    return sum;
  }

  Rows<Real> gradient() const {
    const SlopeWeights<Real> weights(static_cast<int32_t>(logs.size()));
    const Real half(0.5);
    Rows<Real> attentions, result;
    for (size_t k = 0; k < logs.size(); ++k) attentions.push_back(attention(k));
    for (size_t k = 0; k < logs.size(); ++k) {
      const std::vector<Real>& alpha = attentions[k];
      const Real dlogit = hinge_gradient(probability_of(alpha), base_probability_, hinge_, tolerance_);
      std::vector<Real> slope;
      Real mean(0);
      for (size_t n = 0; n < words(); ++n) {
        slope.push_back(dlogit * contributions_[n] - weights.own * entropy_slope(alpha[n]) +
                        weights.base * entropy_slope(half * (alpha[n] + base_[n])));
        for (size_t j = 0; j < logs.size(); ++j) {
          if (j != k) slope[n] += weights.cross * entropy_slope(half * (alpha[n] + attentions[j][n]));
        }
        mean += alpha[n] * slope[n];
      }
      for (size_t n = 0; n < words(); ++n) slope[n] = alpha[n] * (slope[n] - mean);
      result.push_back(slope);
    }
    return result;
  }

  Rows<Real> logs;

 private:
  struct Softmax {
    std::vector<Real> exponentials;  // e^(x - largest)
    Real largest, sum;
  };
  Softmax softmax_of(size_t k) const {
    const auto smaller = [](const Real& x, const Real& y) { return y > x; };
    Softmax softmax{{}, *std::max_element(logs[k].begin(), logs[k].end(), smaller), Real(0)};
    for (const Real& x : logs[k]) {
      softmax.exponentials.push_back(exponential(x - softmax.largest));
      softmax.sum += softmax.exponentials.back();
    }
    return softmax;
  }
  size_t words() const { return contributions_.size(); }
  Real probability_of(const std::vector<Real>& attention) const {
    Real logit = bias_;
    for (size_t n = 0; n < words(); ++n) logit += attention[n] * contributions_[n];
    return sigmoid(logit);
  }
  static Real divergence(const std::vector<Real>& a, const std::vector<Real>& b) {
    Real sum(0);
    for (size_t n = 0; n < a.size(); ++n) sum += divergence_term(a[n], b[n]);
    return sum;
  }

  std::vector<Real> contributions_, base_;
  Real bias_, base_probability_, hinge_, tolerance_;
  Rows<AdamElement<Real>> moments_;
  int64_t steps_ = 0;
};

/// Text b of the inputs in float64.
Text text_of(const InstanceAdversaryInputs& p, int32_t b) {
  const auto begin = static_cast<size_t>(p.offsets[b]) + 1;
  const auto end = static_cast<size_t>(p.offsets[b + 1]) - 1;
  Text text{.contributions = {},
            .base_log_attention = {},
            .starts = Rows<double>(p.adversaries),
            .bias = p.output_bias[0],
            .base_probability = p.base_probability[b]};
  for (size_t n = begin; n < end; ++n) {
    text.contributions.push_back(p.contributions[n]);
    text.base_log_attention.push_back(p.base_log_attention[n]);
    for (size_t k = 0; k < text.starts.size(); ++k) {
      text.starts[k].push_back(p.starts[k * static_cast<size_t>(p.tokens()) + n]);
    }
  }
  return text;
}

InstanceAdversaryInputs make_inputs(const std::vector<int32_t>& words, int32_t adversaries, int32_t steps) {
  InstanceAdversaryInputs inputs = random_instance_adversary_inputs(words, adversaries, 61);
  inputs.scalars = adam_scalars(kLearningRate, steps);
  return inputs;
}

struct Results {
  std::vector<float> log_attention, probability, divergence;  // [K, N], [K, B], [K, B]
};

Results run(const Device& device, const InstanceAdversaryInputs& inputs) {
  const InstanceAdversaryCase arrays(device, inputs);
  instance_adversary(device, arrays.arguments());
  return {arrays.log_attention.host(), arrays.probability.host(), arrays.divergence.host()};
}

/// Adversary k of text b, [length] and two numbers.
struct Adversary {
  std::vector<float> log_attention;
  float probability, divergence;
};
Adversary adversary(const Results& results, const InstanceAdversaryInputs& p, int32_t b, int32_t k) {
  const auto begin = results.log_attention.begin() + int64_t{k} * p.tokens();
  const int32_t out = k * p.sequences() + b;
  return {{begin + p.offsets[b], begin + p.offsets[b + 1]}, results.probability[out], results.divergence[out]};
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    REQUIRE(std::isfinite(a[i] - b[i]));
    largest = std::max(largest, std::abs(a[i] - b[i]));
  }
  return largest;
}

/// How far an adversary is from another one.
struct Distance {
  double log_attention, attention, probability, divergence;

  bool within(const Distance& allowed) const {
    return log_attention <= allowed.log_attention && attention <= allowed.attention &&
           probability <= allowed.probability && divergence <= allowed.divergence;
  }
  std::string text() const {
    return fmt::format("log_attention, attention, probability, divergence differ by {:.2g}, {:.2g}, {:.2g}, {:.2g}",
                       log_attention, attention, probability, divergence);
  }
};

Distance distance(const Adversary& actual, const Reference<double>& expected, size_t k) {
  CHECK(actual.log_attention.front() == kMinusInfinity);
  CHECK(actual.log_attention.back() == kMinusInfinity);
  const std::vector<double> logs(actual.log_attention.begin() + 1, actual.log_attention.end() - 1);
  std::vector<double> weights;
  for (const double x : logs) weights.push_back(std::exp(x));
  return {largest_difference(logs, expected.log_attention(k)), largest_difference(weights, expected.attention(k)),
          std::abs(actual.probability - expected.probability(k)), std::abs(actual.divergence - expected.divergence(k))};
}

/// The error that only rounding can cause in `steps` steps of fp32. Each step rounds the free vector to half an ulp,
/// 2.4e-7 where it lies between 4 and 8. Steps that hardly change round alike, so the errors add up, and the
/// normalisation may double them. A weight gets the same relative error, the probability a tenth of it (|w . h_n| p (1
/// - p) is below a tenth). The last rounding is added to each: 1e-6 for a logarithm of 16.
Distance after_steps(int32_t steps) {
  const double sum = 2 * 2.4e-7 * steps;
  return {sum + 2e-6, sum + 5e-7, sum / 10 + 2e-7, sum + 5e-7};
}

/// The hinge switches on and off where |p_k - p| is about the tolerance. For some adversary in some step, rounding
/// decides whether it is on; then x differs by a share of a step, 0.01. Measured for one of the golden vectors' 20
/// adversaries after 500 steps: 2e-3, 1e-4, 2e-6 and 5e-5, with every instruction set. The float64 loop, with only its
/// inputs rounded to fp32, differs by 1.4e-3, 1e-4, 2e-6 and 5e-5 there.
constexpr Distance kHingeSwitched = {5e-3, 5e-4, 1e-5, 2e-4};

/// Text b after the steps of `p`, with what rounding may add in a few steps.
std::vector<test::Allowed> expected_of(const Text& text, size_t steps) {
  return test::with_allowances([&]<class Real>() {
    Reference<Real> reference(text);
    for (size_t t = 0; t < steps; ++t) reference.step();
    return reference.results();
  });
}

void check_text(const Results& results, const InstanceAdversaryInputs& p, int32_t b,
                const std::vector<test::Allowed>& expected, const std::string& where) {
  test::NamedValues<float> all = {{"", {}}, {"", {}}, {"", {}}, {"", {}}};
  for (int32_t k = 0; k < p.adversaries; ++k) {
    const Adversary actual = adversary(results, p, b, k);
    CHECK(actual.log_attention.front() == kMinusInfinity);
    CHECK(actual.log_attention.back() == kMinusInfinity);
    for (size_t n = 1; n + 1 < actual.log_attention.size(); ++n) {
      all[0].second.push_back(actual.log_attention[n]);
      all[1].second.push_back(static_cast<float>(std::exp(double{actual.log_attention[n]})));
    }
    all[2].second.push_back(actual.probability);
    all[3].second.push_back(actual.divergence);
  }
  for (size_t i = 0; i < all.size(); ++i) check_allowed(all[i].second, expected[i], where);
}

void check_against_reference(const Device& device, const std::vector<int32_t>& words, int32_t adversaries,
                             int32_t steps) {
  const InstanceAdversaryInputs p = make_inputs(words, adversaries, steps);
  const Results results = run(device, p);
  for (int32_t b = 0; b < p.sequences(); ++b) {
    check_text(results, p, b, expected_of(text_of(p, b), static_cast<size_t>(steps)),
               fmt::format("{} words, {} adversaries, {} steps: ", words[b], adversaries, steps));
  }
}

void check_same_adversary(const Adversary& actual, const Adversary& expected, const std::string& where) {
  check_same_bytes(actual.log_attention, expected.log_attention, where + "log_attention");
  check_same_bytes<float>({actual.probability, actual.divergence}, {expected.probability, expected.divergence},
                          where + "probability, divergence");
}

/// (f(x + h) - f(x - h)) / 2h.
template <class Function>
double slope(const Function& f, double x, double step) {
  return (f(x + step) - f(x - step)) / (2 * step);
}

// --- golden vectors --------------------------------------------------------------------------------------------------

/// The authors' loop on a batch of four texts; arrays [B, K, L] with positions that are no words among them.
struct Golden {
  Safetensors file = Safetensors::read(NOTNOT_TEST_DIR "/golden/small_jw_adversary.safetensors");
  std::vector<int64_t> lengths = file.values<int64_t>("lengths");
  std::vector<double> hidden = file.values<double>("hidden"), attention = file.values<double>("attn"),
                      logit = file.values<double>("logit"),
                      weight = file.values<double>("param0/decoder.linear_1.weight"),
                      bias = file.values<double>("param0/decoder.linear_1.bias");
  size_t texts = lengths.size(), longest = attention.size() / texts;
  size_t adversaries = file.values<double>("log_attn0").size() / attention.size();

  size_t words(size_t b) const { return static_cast<size_t>(lengths[b]) - 2; }

  /// Rows [K][words] of a tensor [B, K, L].
  Rows<double> rows(const std::string& name, size_t b) const {
    const auto values = file.values<double>(name);
    Rows<double> result;
    for (size_t k = 0; k < adversaries; ++k) {
      const auto begin = values.begin() + static_cast<int64_t>((b * adversaries + k) * longest) + 1;
      result.emplace_back(begin, begin + words(b));
    }
    return result;
  }
  /// Text b's K values of a tensor [B, K, 1].
  std::vector<double> values(const std::string& name, size_t b) const {
    const auto all = file.values<double>(name);
    const auto begin = all.begin() + static_cast<int64_t>(b * adversaries);
    return {begin, begin + adversaries};
  }

  Text text(size_t b) const {
    Text text{.contributions = {},
              .base_log_attention = {},
              .starts = rows("log_attn0", b),
              .bias = bias[0],
              .base_probability = sigmoid(logit[b])};
    for (size_t n = 0; n < words(b); ++n) {
      const size_t position = b * longest + n + 1;
      double product = 0;
      for (size_t i = 0; i < weight.size(); ++i) product += weight[i] * hidden[position * weight.size() + i];
      text.contributions.push_back(product);
      text.base_log_attention.push_back(std::log(attention[position]));
    }
    return text;
  }

  /// All texts in fp32.
  InstanceAdversaryInputs inputs(int32_t steps) const {
    InstanceAdversaryInputs p;
    p.adversaries = static_cast<int32_t>(adversaries);
    p.scalars = adam_scalars(kLearningRate, steps);
    Rows<float> starts(adversaries);
    p.output_bias = {static_cast<float>(bias[0])};
    for (size_t b = 0; b < texts; ++b) {
      const Text t = text(b);
      p.offsets.push_back(p.offsets.back() + lengths[b]);
      p.base_probability.push_back(static_cast<float>(t.base_probability));
      for (size_t n = 0; n < words(b) + 2; ++n) {
        const bool word = n > 0 && n <= words(b);
        p.contributions.push_back(word ? static_cast<float>(t.contributions[n - 1]) : 0.0F);
        p.base_log_attention.push_back(word ? static_cast<float>(t.base_log_attention[n - 1]) : kMinusInfinity);
        for (size_t k = 0; k < adversaries; ++k) {
          starts[k].push_back(word ? static_cast<float>(t.starts[k][n - 1]) : 0.0F);
        }
      }
    }
    for (const auto& row : starts) p.starts.insert(p.starts.end(), row.begin(), row.end());
    return p;
  }
};

double log_sum(const std::vector<double>& logs) {
  double sum = 0;
  for (const double x : logs) sum += std::exp(x);
  return std::log(sum);
}

/// The golden texts after a few steps.
void check_golden_steps(size_t steps) {
  const Golden golden;
  const InstanceAdversaryInputs p = golden.inputs(static_cast<int32_t>(steps));
  const Results results = run(test_device(), p);
  for (size_t b = 0; b < golden.texts; ++b) {
    std::vector<test::Allowed> expected = expected_of(golden.text(b), steps);
    const std::string prefix = fmt::format("step{}/", steps);
    for (const size_t rows : {0, 1}) {
      expected[rows].values.clear();
      for (const auto& row : golden.rows(prefix + (rows == 0 ? "log_attn" : "attn"), b)) {
        const double shift = rows == 0 ? log_sum(row) : 0;
        for (const double value : row) expected[rows].values.push_back(value - shift);
      }
    }
    expected[2].values = golden.values(prefix + "prob", b);
    expected[3].values = golden.values(prefix + "jsd", b);
    check_text(results, p, static_cast<int32_t>(b), expected, fmt::format("{} steps, text {}: ", steps, b));
  }
}

/// Runs the golden texts for `steps` steps. Returns how many adversaries differ by more than after_steps; none may
/// differ by more than kHingeSwitched.
int adversaries_off_their_path(int steps) {
  const Golden golden;
  const InstanceAdversaryInputs p = golden.inputs(steps);
  const Results results = run(test_device(), p);
  int count = 0;
  for (size_t b = 0; b < golden.texts; ++b) {
    Text end = golden.text(b);
    end.starts = golden.rows(fmt::format("step{}/log_attn", steps), b);
    for (size_t k = 0; k < golden.adversaries; ++k) {
      const Adversary actual = adversary(results, p, b, k);
      const Distance error = distance(actual, Reference<double>(end), k);
      CHECK_MESSAGE(error.within(kHingeSwitched), steps, " steps, text ", b, ", adversary ", k, ": ", error.text());
      count += error.within(after_steps(steps)) ? 0 : 1;
    }
  }
  return count;
}

}  // namespace

TEST_CASE("instance adversary: the closed-form gradient is the derivative of the loss, in double") {
  const InstanceAdversaryInputs p = make_inputs({6}, 3, 0);
  const Text text = text_of(p, 0);
  for (const double tolerance : {0.01, 1.0}) {  // with and without the hinge
    Reference<double> reference(text, 500, tolerance);
    const Rows<double> gradient = reference.gradient();
    for (size_t k = 0; k < 3; ++k) {
      for (size_t n = 0; n < 6; ++n) {
        const auto loss = [&](double x) {
          Reference<double> moved = reference;
          moved.logs[k][n] = x;
          return moved.loss();
        };
        const double expected = slope(loss, reference.logs[k][n], 1e-5);
        CHECK(std::abs(gradient[k][n] - expected) < 1e-7 * std::max(1.0, std::abs(expected)));
      }
    }
  }
}

TEST_CASE("instance adversary: the scalars' derivatives and the logarithm") {
  for (const double x : {1e-9, 1e-4, 0.3, 1.0}) {
    const double expected = slope([](double y) { return y * std::log(y + 1e-10); }, x, 1e-5 * x);
    CHECK(std::abs(entropy_slope(x) - expected) < 1e-8);
  }
  CHECK(entropy_slope(0.0) == std::log(1e-10));
  for (const double p : {0.2, 0.395, 0.4, 0.405, 0.7}) {
    const auto cost = [](double logit) { return 500 * std::max(0.0, std::abs(sigmoid(logit) - 0.4) - 0.01); };
    const double expected = slope(cost, std::log(p / (1 - p)), 1e-6);
    CHECK(std::abs(hinge_gradient(p, 0.4, 500.0, 0.01) - expected) < 1e-6);
  }
  CHECK(divergence_term(0.3F, 0.3F) == 0);
  double worst = 0;
  for (float x = 1.2e-38F; x < 1e38F; x *= 1.00137F) {
    const double expected = std::log(double{x});
    const float ulp =
        std::nextafter(std::abs(static_cast<float>(expected)), 100.0F) - std::abs(static_cast<float>(expected));
    worst = std::max(worst, std::abs(logarithm(x) - expected) / ulp);
  }
  CHECK(worst < 2);
  CHECK(logarithm(1.0F) == 0);
  CHECK(std::isnan(logarithm(std::numeric_limits<float>::quiet_NaN())));
  CHECK(attention_weight(kMinusInfinity) == 0);
  CHECK(attention_weight(-87.5F) == 0);
  CHECK(std::isnan(attention_weight(std::numeric_limits<float>::quiet_NaN())));
}

TEST_CASE("instance adversary: attention, probability and divergence against float64") {
  const Device device = test_device();
  check_against_reference(device, {9, 1, 4}, 5, 0);
  check_against_reference(device, {31, 32, 33, 1, 2}, 5, 8);  // a warp's words, a register's and one more; unsorted
  check_against_reference(device, {15, 16, 17, 7, 8}, 2, 8);
  check_against_reference(device, {65, 3}, 1, 4);
  check_against_reference(device, {300, 5}, kMaxAdversaries, 4);  // the first one's state exceeds shared memory
  check_against_reference(device, {4000, 5}, 2, 3);
}

TEST_CASE("instance adversary: a text of one word has nothing to choose") {
  const InstanceAdversaryInputs p = make_inputs({1}, 5, 20);
  const Results results = run(test_device(), p);
  for (int32_t k = 0; k < 5; ++k) {
    const Adversary only = adversary(results, p, 0, k);
    CHECK(only.log_attention[1] == 0);
    CHECK(only.divergence == 0);
    CHECK(std::abs(only.probability - p.base_probability[0]) < 1e-6F);
  }
}

TEST_CASE("instance adversary: a text alone has the bytes that it has in a batch") {
  const std::vector<int32_t> words = {40, 17, 1, 33, 300, 5};
  const InstanceAdversaryInputs together = make_inputs(words, 4, 5);
  const Results batch = run(test_device(), together);
  for (const int32_t b : {0, 2, 3, 4}) {
    InstanceAdversaryInputs alone = together;
    const auto begin = together.offsets[b], end = together.offsets[b + 1];
    const auto cut = [&](const std::vector<float>& values) {
      std::vector<float> part;
      for (size_t at = 0; at < values.size(); at += static_cast<size_t>(together.tokens())) {
        const auto row = values.begin() + at;
        part.insert(part.end(), row + begin, row + end);
      }
      return part;
    };
    alone.offsets = {0, end - begin};
    alone.contributions = cut(together.contributions);
    alone.base_log_attention = cut(together.base_log_attention);
    alone.starts = cut(together.starts);
    alone.base_probability = {together.base_probability[b]};
    const Results one = run(test_device(), alone);
    for (int32_t k = 0; k < 4; ++k) {
      check_same_adversary(adversary(one, alone, 0, k), adversary(batch, together, b, k),
                           fmt::format("text {} alone, adversary {}: ", b, k));
    }
  }
}

TEST_CASE("instance adversary: the number of threads changes no byte") {
  const InstanceAdversaryInputs p = make_inputs({40, 17, 1, 33}, 3, 6);
  Device device = test_device();
  device.threads = 1;
  const Results one = run(device, p);
  for (const int threads : {2, 3}) {
    device.threads = threads;
    const Results several = run(device, p);
    check_same_bytes(several.log_attention, one.log_attention, "log_attention");
    check_same_bytes(several.probability, one.probability, "probability");
    check_same_bytes(several.divergence, one.divergence, "divergence");
  }
}

TEST_CASE("instance adversary: NaN in a text comes out as NaN there and nowhere else") {
  const InstanceAdversaryInputs sound = make_inputs({9, 12, 5}, 3, 3);
  const auto second = static_cast<size_t>(sound.offsets[1]) + 4;
  InstanceAdversaryInputs start = sound, contribution = sound, base = sound;
  start.starts[second] = contribution.contributions[second] = base.base_log_attention[second] =
      std::numeric_limits<float>::quiet_NaN();
  const Results expected = run(test_device(), sound);
  for (const InstanceAdversaryInputs* p : {&start, &contribution, &base}) {
    const Results results = run(test_device(), *p);
    for (int32_t k = 0; k < 3; ++k) {
      CHECK(std::isnan(adversary(results, sound, 1, k).probability));
      CHECK(std::isnan(adversary(results, sound, 1, k).divergence));
      for (const int32_t b : {0, 2}) {
        check_same_adversary(adversary(results, sound, b, k), adversary(expected, sound, b, k), "a neighbour: ");
      }
    }
  }
}

TEST_CASE("golden: the adversary's gradient, and its state after 1, 2, 10 and 500 steps, in double") {
  const Golden golden;
  for (size_t b = 0; b < golden.texts; ++b) {
    const Text text = golden.text(b);
    Reference<double> reference(text);
    for (size_t k = 0; k < golden.adversaries; ++k) {
      CHECK(largest_difference(reference.gradient()[k], golden.rows("step1/grad_log_attn", b)[k]) < 1e-12);
    }
    for (int step = 1; step <= 500; ++step) {
      reference.step();
      if (step != 1 && step != 2 && step != 10 && step != 500) continue;
      const std::string prefix = fmt::format("step{}/", step);
      for (size_t k = 0; k < golden.adversaries; ++k) {
        // 500 steps of double leave 6e-15; nothing amplifies it to more than 1e-12.
        CHECK(largest_difference(reference.logs[k], golden.rows(prefix + "log_attn", b)[k]) < 1e-12);
        CHECK(largest_difference(reference.attention(k), golden.rows(prefix + "attn", b)[k]) < 1e-12);
        CHECK(std::abs(reference.probability(k) - golden.values(prefix + "prob", b)[k]) < 1e-12);
        CHECK(std::abs(reference.divergence(k) - golden.values(prefix + "jsd", b)[k]) < 1e-12);
      }
    }
  }
}

TEST_CASE("golden: log-attention, attention, probability and divergence after 1, 2 and 10 steps in fp32") {
  for (const size_t steps : {1, 2, 10}) check_golden_steps(steps);
}

TEST_CASE("golden: the same after 500 steps in fp32") {
  CHECK(adversaries_off_their_path(500) <= 3);  // of 20
}

}  // namespace notnot
