// The attention head against float64 on every backend, and what its header promises about bits.
#include "kernels/attention_head.h"

#include <algorithm>
#include <cmath>

#include "kernels/attention_head_math.h"
#include "kernels/cases/attention_head_case.h"
#include "tests/backends/backend.h"
#include "tests/support/error_model.h"

namespace notnot {
namespace {

struct Case {
  const char* name;
  AttentionKind kind;
  Objective objective;
  int32_t members = 1;
};
const std::vector<Case> kCases = {{"learned, classify", AttentionKind::learned, Objective::classify},
                                  {"learned, adversary", AttentionKind::learned, Objective::adversary},
                                  {"learned, logit", AttentionKind::learned, Objective::logit},
                                  {"two side by side", AttentionKind::learned, Objective::adversary, 2},
                                  {"five side by side", AttentionKind::learned, Objective::adversary, 5},
                                  {"uniform, classify", AttentionKind::uniform, Objective::classify},
                                  {"given, classify", AttentionKind::given, Objective::classify}};

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

AttentionHeadInputs make_inputs(const std::vector<int32_t>& lengths, int32_t width, int32_t attention_width,
                                const Case& options) {
  AttentionHeadInputs inputs = random_attention_head_inputs(make_ragged(lengths, 9, 41), width, attention_width,
                                                            options.kind, options.objective, 42);
  if (options.members > 1) put_side_by_side(inputs, options.members, options.members / 2, 142);
  return inputs;
}

std::vector<float> slice(const std::vector<float>& values, int64_t begin, int64_t end) {
  return {values.begin() + begin, values.begin() + end};
}

/// Rows of `tokens` values, each with NaN behind it up to `longer` values.
std::vector<float> with_slack_rows(const std::vector<float>& values, int64_t tokens, int64_t longer) {
  std::vector<float> result;
  for (int64_t row = 0; row < std::ssize(values); row += tokens) {
    const std::vector<float> part = slice(values, row, row + tokens);
    result.insert(result.end(), part.begin(), part.end());
    result.resize(result.size() + longer - tokens, std::numeric_limits<float>::quiet_NaN());
  }
  return result;
}

/// The sequence `b` as a batch of its own.
AttentionHeadInputs alone(const AttentionHeadInputs& p, int32_t b) {
  const auto at = static_cast<size_t>(b);
  const int64_t begin = p.batch.offsets[at], end = p.batch.offsets[at + 1];
  AttentionHeadInputs one = p;
  one.batch = select_sequences(p.batch, {b});
  one.hidden = slice(p.hidden, begin * p.width, end * p.width);
  one.hidden.resize(padded_rows(one.batch.tokens()) * p.width);
  one.log_weights = slice(p.log_weights, begin, end);
  one.group_log_attention.clear();
  for (int64_t row = 0; row < std::ssize(p.group_log_attention); row += p.batch.tokens()) {
    const std::vector<float> part = slice(p.group_log_attention, row + begin, row + end);
    one.group_log_attention.insert(one.group_log_attention.end(), part.begin(), part.end());
  }
  one.base_probability = {p.base_probability[at]};
  one.labels = {p.labels[at]};
  return one;
}

template <class Real>
struct Results {
  std::vector<Real> log_attention, context, logit, probability;                  // forward
  std::vector<Real> loss, divergence, peer_divergence, dlogit, dscore, dhidden;  // training
  std::vector<Real> dattention_weight, dattention_bias, dattention_vector, doutput_weight, doutput_bias;

  using Named = std::vector<std::pair<std::string, std::vector<Real>>>;
  Named of_tokens() const { return {{"log_attention", log_attention}, {"dscore", dscore}, {"dhidden", dhidden}}; }
  Named of_sequences() const {
    return {{"context", context}, {"logit", logit},           {"probability", probability},
            {"loss", loss},       {"divergence", divergence}, {"peer_divergence", peer_divergence},
            {"dlogit", dlogit}};
  }
  Named of_parameters() const {
    return {{"dattention_weight", dattention_weight},
            {"dattention_bias", dattention_bias},
            {"dattention_vector", dattention_vector},
            {"doutput_weight", doutput_weight},
            {"doutput_bias", doutput_bias}};
  }
  Named all() const {
    Named arrays = of_tokens();
    for (const Named& others : {of_sequences(), of_parameters()}) {
      arrays.insert(arrays.end(), others.begin(), others.end());
    }
    return arrays;
  }
};

Results<float> read_forward(const AttentionHeadCase& arrays) {
  Results<float> results;
  results.log_attention = arrays.log_attention.host();
  results.context = arrays.context.host();
  results.logit = arrays.logit.host();
  results.probability = arrays.probability.host();
  return results;
}

Results<float> evaluate(const Device& device, const AttentionHeadInputs& inputs) {
  const AttentionHeadCase arrays(device, inputs);
  attention_head_forward(device, arrays.forward());
  return read_forward(arrays);
}

Results<float> train(const Device& device, const AttentionHeadInputs& inputs) {
  const AttentionHeadCase arrays(device, inputs);
  attention_head_train(device, arrays.train());
  add_head_gradients(device, arrays.train());
  Results<float> results = read_forward(arrays);
  results.loss = arrays.loss.host();
  results.divergence = arrays.divergence.host();
  results.peer_divergence = arrays.peer_divergence.host();
  results.dlogit = arrays.dlogit.host();
  results.dscore = arrays.dscore.host();
  results.dhidden = arrays.dhidden.host();
  const int64_t elements = int64_t{inputs.batch.tokens()} * inputs.width;
  CHECK_MESSAGE(std::all_of(results.dhidden.begin() + elements, results.dhidden.end(),
                            [](float value) { return std::isfinite(value); }),
                "a row behind the last token is not finite");
  results.dhidden.resize(elements);
  results.dattention_weight = arrays.dattention_weight.host();
  results.dattention_bias = arrays.dattention_bias.host();
  results.dattention_vector = arrays.dattention_vector.host();
  results.doutput_weight = arrays.doutput_weight.host();
  results.doutput_bias = arrays.doutput_bias.host();
  return results;
}

/// Outputs, loss and gradients with the plainest loops, for any number type.
template <class Real>
class Reference {
 public:
  explicit Reference(const AttentionHeadInputs& p)
      : p_(p),
        learned_(p.kind == AttentionKind::learned),
        adversary_(p.objective == Objective::adversary),
        hidden_(test::inputs<Real>(as_double(p.hidden))),
        weight_(test::inputs<Real>(as_double(p.attention_weight))) {
    const auto n = p.batch.token_ids.size(), d = static_cast<size_t>(p.width);
    alpha_.resize(n);
    activation_.resize(learned_ ? n * a() : 0);
    results.log_attention.assign(n, Real(kMinusInfinity));
    results.dscore.resize(learned_ ? n : 0);
    results.dhidden.resize(n * d);
    results.context.resize(p.labels.size() * d);
    results.dattention_weight.assign(learned_ ? weight_.size() : 0, Real(kStartOfGradient));
    results.dattention_bias.assign(learned_ ? p.attention_bias.size() : 0, Real(kStartOfGradient));
    results.dattention_vector = results.dattention_bias;
    results.doutput_weight.assign(d, Real(kStartOfGradient));
    results.doutput_bias = {Real(kStartOfGradient)};
    for (auto* of_texts : {&results.logit, &results.probability, &results.loss, &results.dlogit}) {
      of_texts->resize(p.labels.size());
    }
    results.divergence.resize(adversary_ ? p.labels.size() : 0);
    results.peer_divergence.resize(p.members > 1 ? p.labels.size() : 0);
    for (const int32_t b : test::visiting_order<Real>(p.batch.sequences())) sequence(static_cast<size_t>(b));
  }
  Results<Real> results;

 private:
  size_t d() const { return p_.width; }
  size_t a() const { return p_.attention_width; }

  Real score(size_t n) {
    Real sum(0);
    for (size_t j = 0; j < a(); ++j) {
      Real z(p_.attention_bias[j]);
      for (size_t k = 0; k < d(); ++k) z += weight_[j * d() + k] * hidden_[n * d() + k];
      activation_[n * a() + j] = hyperbolic_tangent(z);
      sum += Real(p_.attention_vector[j]) * activation_[n * a() + j];
    }
    return sum;
  }
  Real output(size_t n) const {
    Real sum(0);
    for (size_t k = 0; k < d(); ++k) sum += Real(p_.output_weight[k]) * hidden_[n * d() + k];
    return sum;
  }

  void attend(size_t first, size_t last) {
    auto& logs = results.log_attention;
    if (p_.kind == AttentionKind::given) {
      for (size_t n = first; n < last; ++n) logs[n] = Real(p_.log_weights[n]);
    } else {
      for (size_t n = first; n < last; ++n) logs[n] = learned_ ? score(n) : Real(0);
      const Real largest = *std::max_element(logs.begin() + first, logs.begin() + last,
                                             [](const Real& x, const Real& y) { return y > x; });
      Real total(0);
      for (size_t n = first; n < last; ++n) total += exponential(logs[n] - largest);
      const Real log_total = logarithm(total);
      for (size_t n = first; n < last; ++n) logs[n] = logs[n] - largest - log_total;
    }
    for (size_t n = first; n < last; ++n) alpha_[n] = exponential(logs[n]);
  }

  Real log_ratio(size_t n) const { return adversary_ ? results.log_attention[n] - Real(p_.log_weights[n]) : Real(0); }

  /// The means over the other members.
  PeerDistance<Real> from_peers(size_t n) const {
    PeerDistance<Real> mean{Real(0), Real(0)};
    for (size_t k = 0; k < static_cast<size_t>(p_.members); ++k) {
      if (k == static_cast<size_t>(p_.member)) continue;
      const Real peer(p_.group_log_attention[k * alpha_.size() + n]);
      const auto distance = peer_distance(results.log_attention[n], alpha_[n], peer, exponential(peer));
      mean.log_ratio += distance.log_ratio / Real(p_.members - 1);
      mean.divergence += distance.divergence / Real(p_.members - 1);
    }
    return mean;
  }

  LossGradient<Real> loss_of(size_t b, Real logit, Real divergence) const {
    if (adversary_) {
      return adversarial_loss(sigmoid(logit), Real(p_.base_probability[b]), divergence, Real(p_.scale),
                              Real(p_.tvd_factor), Real(p_.lambda));
    }
    if (p_.objective == Objective::logit) return {logit, Real(1)};
    return classification_loss(logit, p_.labels[b], Real(p_.labels[b] == 1 ? p_.positive_weight : 1));
  }

  void sequence(size_t b) {
    const auto first = static_cast<size_t>(p_.batch.offsets[b]) + 1;
    const auto last = static_cast<size_t>(p_.batch.offsets[b + 1]) - 1;
    attend(first, last);
    Real logit(p_.output_bias[0]), divergence(0);
    for (size_t n = first; n < last; ++n) {
      divergence += alpha_[n] * log_ratio(n);
      for (size_t k = 0; k < d(); ++k) results.context[b * d() + k] += alpha_[n] * hidden_[n * d() + k];
    }
    for (size_t k = 0; k < d(); ++k) logit += Real(p_.output_weight[k]) * results.context[b * d() + k];
    Real from_others(0);
    for (size_t n = first; n < last; ++n) from_others += from_peers(n).divergence;
    const auto loss = loss_of(b, logit, divergence + from_others);
    results.logit[b] = logit;
    results.probability[b] = sigmoid(logit);
    results.loss[b] = loss.loss;
    results.dlogit[b] = loss.dlogit;
    if (adversary_) results.divergence[b] = divergence;
    if (p_.members > 1) results.peer_divergence[b] = from_others;
    results.doutput_bias[0] += loss.dlogit;
    for (size_t k = 0; k < d(); ++k) results.doutput_weight[k] += loss.dlogit * results.context[b * d() + k];
    Real mean(0);
    for (size_t n = first; n < last; ++n) mean += alpha_[n] * dattention(n, loss.dlogit);
    for (size_t n = first; n < last; ++n) token_gradient(n, loss.dlogit, mean, divergence);
  }

  Real kl_factor() const { return adversary_ ? Real(p_.scale) * Real(p_.lambda) : Real(0); }
  Real dattention(size_t n, Real dlogit) const { return dlogit * output(n) - kl_factor() * from_peers(n).log_ratio; }

  void token_gradient(size_t n, Real dlogit, Real mean, Real divergence) {
    const Real factor = dlogit * alpha_[n];
    for (size_t k = 0; k < d(); ++k) results.dhidden[n * d() + k] = factor * Real(p_.output_weight[k]);
    if (!learned_) return;
    const Real dscore =
        attention_score_gradient(alpha_[n], dattention(n, dlogit), mean, kl_factor(), log_ratio(n), divergence);
    results.dscore[n] = dscore;
    for (size_t j = 0; j < a(); ++j) {
      const Real u = activation_[n * a() + j], dz = dscore * Real(p_.attention_vector[j]) * (Real(1) - u * u);
      results.dattention_vector[j] += dscore * u;
      results.dattention_bias[j] += dz;
      for (size_t k = 0; k < d(); ++k) {
        results.dattention_weight[j * d() + k] += dz * hidden_[n * d() + k];
        results.dhidden[n * d() + k] += dz * weight_[j * d() + k];
      }
    }
  }

  const AttentionHeadInputs& p_;
  bool learned_, adversary_;
  std::vector<Real> hidden_, weight_, alpha_, activation_;  // activation_: [N, A]
};

using Named = Results<float>::Named;

std::vector<test::Allowed> expected_of(const AttentionHeadInputs& inputs) {
  return test::with_allowances([&]<class Real>() { return Reference<Real>(inputs).results.all(); });
}

void check_all(const Results<float>& results, const std::vector<test::Allowed>& expected, const std::string& where) {
  const Named actual = results.all();
  for (size_t i = 0; i < actual.size(); ++i) check_allowed(actual[i].second, expected[i], where);
}

void check_against_reference(const Device& device, const NamedLengths& shape, int32_t width, int32_t attention_width,
                             const Case& options) {
  const AttentionHeadInputs inputs = make_inputs(shape.lengths, width, attention_width, options);
  check_all(train(device, inputs), expected_of(inputs),
            fmt::format("D {}, A {}, {}, {}: ", width, attention_width, shape.name, options.name));
}

void check_same_bytes_all(const Named& actual, const Named& expected, const std::string& where) {
  for (size_t i = 0; i < actual.size(); ++i) {
    check_same_bytes(actual[i].second, expected[i].second, where + actual[i].first);
  }
}

/// Elements begin..end-1 of `count` equal parts of every array.
Named part(Named arrays, int64_t begin, int64_t end, int64_t count) {
  for (auto& [name, values] : arrays) {
    const int64_t width = static_cast<int64_t>(values.size()) / count;
    values = slice(values, begin * width, end * width);
  }
  return arrays;
}

void check_alone_as_in_batch(const AttentionHeadInputs& p, int32_t b, const std::string& name) {
  const AttentionHeadInputs single = alone(p, b);
  const Results<float> batch = train(test_device(), p);
  const Results<float> one = train(test_device(), single);
  const std::string where = fmt::format("{}, sequence {} alone: ", name, b);
  const int64_t begin = p.batch.offsets[b], end = begin + single.batch.tokens();
  check_same_bytes_all(one.of_tokens(), part(batch.of_tokens(), begin, end, p.batch.tokens()), where);
  check_same_bytes_all(one.of_sequences(), part(batch.of_sequences(), b, b + 1, p.batch.sequences()), where);
}

/// (f(x + h) - f(x - h)) / 2h along coordinate i.
template <class Function>
double slope(const Function& f, std::vector<double> x, size_t i) {
  const double step = 1e-5, at = x[i];
  x[i] = at + step;
  const double up = f(x);
  x[i] = at - step;
  return (up - f(x)) / (2 * step);
}

}  // namespace

TEST_CASE("attention head: outputs, loss and gradients against float64") {
  const Device device = test_device();
  for (const Case& options : kCases) {
    for (const NamedLengths& shape : ragged_shapes()) {
      check_against_reference(device, shape, 16, 8, options);
      check_against_reference(device, shape, 5, 3, options);
    }
    check_against_reference(device, {"one sequence", {7}}, 1, 1, options);
    check_against_reference(device, {"three sequences", {19, 4, 3}}, 256, 128, options);
    check_against_reference(device, {"three sequences", {19, 4, 3}}, 130, 65, options);
    // More columns, and more tokens, than a block has threads.
    check_against_reference(device, {"two sequences", {5, 3}}, 520, 515, options);
    check_against_reference(device, {"long sequence", {1100, 515}}, 8, 4, options);
  }
}

TEST_CASE("attention head: boundary tokens and words without weight get exactly nothing") {
  AttentionHeadInputs p = make_inputs({5, 4}, 8, 4, kCases.back());
  p.log_weights[2] = kMinusInfinity;
  const Results<float> results = train(test_device(), p);
  for (const size_t token : {0, 2, 4, 5, 8}) {
    CHECK(results.log_attention[token] == kMinusInfinity);
    for (size_t k = 0; k < 8; ++k) CHECK(std::abs(results.dhidden[token * 8 + k]) < 1e-30F);
  }
  check_all(results, expected_of(p), "a word without weight: ");
}

TEST_CASE("attention head: a sequence alone has the bytes that it has in a batch") {
  for (const Case& options : kCases) {
    const AttentionHeadInputs p = make_inputs({40, 17, 17, 5, 4, 3}, 32, 16, options);
    for (const int32_t b : {0, 2, 5}) check_alone_as_in_batch(p, b, options.name);
  }
}

TEST_CASE("attention head: slack behind a batch reaches no result") {
  for (const Case& options : kCases) {
    const AttentionHeadInputs p = make_inputs({40, 17, 17, 5, 4, 3}, 32, 16, options);
    const Results<float> exact = train(test_device(), p);
    AttentionHeadInputs longer = p;
    longer.batch = with_slack(p.batch, kRowTile + 1, 2);
    longer.hidden.resize(padded_rows(longer.batch.tokens()) * p.width, 0.5F);
    longer.log_weights.resize(longer.batch.tokens(), std::numeric_limits<float>::quiet_NaN());
    longer.group_log_attention = with_slack_rows(p.group_log_attention, p.batch.tokens(), longer.batch.tokens());
    Results<float> actual = train(test_device(), longer);
    actual.log_attention.resize(exact.log_attention.size());
    actual.dscore.resize(exact.dscore.size());
    actual.dhidden.resize(exact.dhidden.size());
    check_same_bytes_all(actual.of_tokens(), exact.of_tokens(), "with slack: ");
    check_same_bytes_all(actual.of_sequences(), exact.of_sequences(), "with slack: ");
    check_all(actual, expected_of(p), "with slack: ");
  }
}

TEST_CASE("attention head: the number of threads changes no byte") {
  Device device = test_device();
  for (const Case& options : kCases) {
    const AttentionHeadInputs p = make_inputs({40, 17, 17, 5, 4, 3}, 32, 16, options);
    device.threads = 1;
    const Results<float> one = train(device, p);
    for (const int threads : {2, 3}) {
      device.threads = threads;
      const Results<float> several = train(device, p);
      const std::string where = fmt::format("{} threads: ", threads);
      check_same_bytes_all(several.of_tokens(), one.of_tokens(), where);
      check_same_bytes_all(several.of_sequences(), one.of_sequences(), where);
      check_same_bytes_all(several.of_parameters(), one.of_parameters(), where);
    }
  }
}

TEST_CASE("attention head: evaluation has the bytes of training") {
  for (const Case& options : kCases) {
    const AttentionHeadInputs p = make_inputs({40, 17, 5, 3}, 32, 16, options);
    const Results<float> trained = train(test_device(), p);
    const Results<float> evaluated = evaluate(test_device(), p);
    check_same_bytes(evaluated.log_attention, trained.log_attention, "log_attention");
    check_same_bytes(evaluated.context, trained.context, "context");
    check_same_bytes(evaluated.logit, trained.logit, "logit");
    check_same_bytes(evaluated.probability, trained.probability, "probability");
  }
}

TEST_CASE("attention head: the losses' dlogit is their derivative") {
  for (const double logit : {-2.5, -0.1, 0.0, 0.7, 3.0}) {
    for (const int32_t label : {0, 1}) {
      const auto loss = [&](const std::vector<double>& x) { return classification_loss(x[0], label, 1.75).loss; };
      CHECK(std::abs(slope(loss, {logit}, 0) - classification_loss(logit, label, 1.75).dlogit) < 1e-9);
    }
    for (const double base : {0.1, 0.9}) {
      const auto adversary = [&](double x) { return adversarial_loss(sigmoid(x), base, 0.3, 1.5, 0.5, 0.7); };
      const auto loss = [&](const std::vector<double>& x) { return adversary(x[0]).loss; };
      CHECK(std::abs(slope(loss, {logit}, 0) - adversary(logit).dlogit) < 1e-9);
    }
  }
  CHECK(adversarial_loss(0.25, 0.25, 0.3, 1.5, 0.5, 0.7).dlogit == 0);
}

TEST_CASE("attention head: the scores' gradient is the derivative of the adversary's loss") {
  const std::vector<double> scores = {0.3, -1.2, 0.8, 0.1}, outputs = {1.0, -0.5, 0.25, -2.0};  // u_n, w . h_n
  const std::vector<double> base = {-1.5, -1.2, -1.4, -1.46};
  const double scale = 1.5, factor = 0.5, lambda = 0.7, base_probability = 0.8;
  const auto log_softmax = [](const std::vector<double>& u, size_t n) {
    double total = 0;
    for (const double score : u) total += std::exp(score);
    return u[n] - std::log(total);
  };
  const auto sum = [&](const std::vector<double>& u, const auto& term) {
    double result = 0;
    for (size_t n = 0; n < u.size(); ++n) result += std::exp(log_softmax(u, n)) * term(n);
    return result;
  };
  const auto loss = [&](const std::vector<double>& u) {
    const double logit = sum(u, [&](size_t n) { return outputs[n]; });
    const double divergence = sum(u, [&](size_t n) { return log_softmax(u, n) - base[n]; });
    return adversarial_loss(sigmoid(logit), base_probability, divergence, scale, factor, lambda);
  };
  const double dlogit = loss(scores).dlogit, mean = dlogit * sum(scores, [&](size_t n) { return outputs[n]; });
  const double divergence = sum(scores, [&](size_t n) { return log_softmax(scores, n) - base[n]; });
  for (size_t n = 0; n < scores.size(); ++n) {
    const double log_attention = log_softmax(scores, n);
    const double analytic = attention_score_gradient(std::exp(log_attention), dlogit * outputs[n], mean, scale * lambda,
                                                     log_attention - base[n], divergence);
    CHECK(std::abs(slope([&](const std::vector<double>& u) { return loss(u).loss; }, scores, n) - analytic) < 1e-9);
  }
}

/// A loss of three adversaries side by side on one text, in double, for central differences: the scores of all members.
struct GroupOfThree {
  static constexpr size_t kWords = 4;
  static constexpr double kScale = 1.5, kFactor = 0.5, kLambda = 0.7, kBaseProbability = 0.8;
  std::vector<double> outputs = {1.0, -0.5, 0.25, -2.0}, base = {-1.5, -1.2, -1.4, -1.46};  // w . h_n, log alpha_base

  static std::vector<double> log_attention(const std::vector<double>& scores, size_t member) {
    double total = 0;
    for (size_t n = 0; n < kWords; ++n) total += std::exp(scores[member * kWords + n]);
    std::vector<double> logs;
    for (size_t n = 0; n < kWords; ++n) logs.push_back(scores[member * kWords + n] - std::log(total));
    return logs;
  }
  /// From the definition, with the weights themselves.
  static double jsd(const std::vector<double>& log_a, const std::vector<double>& log_b) {
    double sum = 0;
    for (size_t n = 0; n < kWords; ++n) {
      const double a = std::exp(log_a[n]), b = std::exp(log_b[n]), m = (a + b) / 2;
      sum += (a * std::log(a / m) + b * std::log(b / m)) / 2;
    }
    return sum;
  }
  double logit(const std::vector<double>& logs) const {
    double sum = 0;
    for (size_t n = 0; n < kWords; ++n) sum += std::exp(logs[n]) * outputs[n];
    return sum;
  }
  double kl(const std::vector<double>& logs) const {
    double sum = 0;
    for (size_t n = 0; n < kWords; ++n) sum += std::exp(logs[n]) * (logs[n] - base[n]);
    return sum;
  }
  /// W [sum_k factor |p_k - p_base| - lambda sum_k KL_k - lambda 3 (mean JSD of the three pairs)].
  double loss(const std::vector<double>& scores) const {
    double sum = 0, pairs = 0;
    for (size_t k = 0; k < 3; ++k) {
      const std::vector<double> own = log_attention(scores, k);
      sum += kFactor * std::abs(1 / (1 + std::exp(-logit(own))) - kBaseProbability) - kLambda * kl(own);
      for (size_t l = 0; l < k; ++l) pairs += jsd(own, log_attention(scores, l));
    }
    return kScale * (sum - kLambda * 3 * pairs / 3);
  }
  /// The scores' gradient of one member, from the functions of the kernels.
  std::vector<double> gradient(const std::vector<double>& scores, size_t member) const {
    const std::vector<double> own = log_attention(scores, member);
    const double z = logit(own);
    const double dlogit = adversarial_loss(sigmoid(z), kBaseProbability, 0.0, kScale, kFactor, kLambda).dlogit;
    std::vector<double> dattention, result;
    double mean = 0;
    for (size_t n = 0; n < kWords; ++n) {
      dattention.push_back(dlogit * outputs[n]);
      for (size_t k = 0; k < 3; ++k) {
        const std::vector<double> peer = log_attention(scores, k);
        if (k == member) continue;
        const double log_ratio = peer_distance(own[n], std::exp(own[n]), peer[n], std::exp(peer[n])).log_ratio;
        dattention.back() -= kScale * kLambda * log_ratio / 2;  // the mean of two
      }
      mean += std::exp(own[n]) * dattention[n];
    }
    for (size_t n = 0; n < kWords; ++n) {
      result.push_back(
          attention_score_gradient(std::exp(own[n]), dattention[n], mean, kScale * kLambda, own[n] - base[n], kl(own)));
    }
    return result;
  }
};

TEST_CASE("attention head: the scores' gradient is the derivative of the loss of a group side by side") {
  const GroupOfThree group;
  const std::vector<double> scores = {0.3, -1.2, 0.8, 0.1, -0.4, 0.9, 1.7, -2.0, 0.3, -1.2, 0.8, 0.2};
  for (size_t member = 0; member < 3; ++member) {
    const std::vector<double> gradient = group.gradient(scores, member);
    for (size_t n = 0; n < gradient.size(); ++n) {
      const size_t at = member * gradient.size() + n;
      CHECK(std::abs(slope([&](const std::vector<double>& u) { return group.loss(u); }, scores, at) - gradient[n]) <
            1e-9);
    }
  }
}

TEST_CASE("attention head: the distance from a peer is exact where both agree, and finite where a weight underflows") {
  const PeerDistance<float> equal = peer_distance(-2.5F, 0.082F, -2.5F, 0.082F);
  CHECK(equal.log_ratio == 0);
  CHECK(equal.divergence == 0);
  // A hundred thousandth beside: log(alpha / m) is half of the difference, to fp32's digits of it.
  CHECK(std::abs(peer_distance(-2.5, 0.082, -2.5 + 1e-5, 0.082).log_ratio + 0.5e-5) < 1e-10);
  const PeerDistance<float> gone = peer_distance(-2'000.0F, 0.0F, 0.0F, 1.0F),
                            here = peer_distance(0.0F, 1.0F, -2'000.0F, 0.0F);
  CHECK(gone.log_ratio == doctest::Approx(std::log(2.0) - 2'000));
  CHECK(gone.divergence == doctest::Approx(std::log(2.0) / 2));
  CHECK(here.log_ratio == doctest::Approx(std::log(2.0)));
  CHECK(here.divergence == doctest::Approx(std::log(2.0) / 2));
}

TEST_CASE("attention head: adversaries side by side with equal attention have the bytes of one alone") {
  AttentionHeadInputs p = make_inputs({40, 17, 5, 3}, 32, 16, kCases[1]);
  const Results<float> one = train(test_device(), p);
  p.members = 3;
  p.member = 1;
  for (int k = 0; k < 3; ++k) {
    p.group_log_attention.insert(p.group_log_attention.end(), one.log_attention.begin(), one.log_attention.end());
  }
  Results<float> side_by_side = train(test_device(), p);
  for (const float divergence : side_by_side.peer_divergence) CHECK(divergence == 0);
  side_by_side.peer_divergence.clear();
  check_same_bytes_all(side_by_side.all(), one.all(), "three equal members: ");
}

}  // namespace notnot
