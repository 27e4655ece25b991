// Everything above the encoder against float64 on every backend, and what its header promises about bits.
#include "kernels/attention_head.h"

#include <algorithm>
#include <cmath>

#include "kernels/attention_head_math.h"
#include "tests/backends/backend.h"

namespace notnot {
namespace {

// fp32 rounds at 6e-8, relative to the largest element of each result. Sums of D or A products of alternating sign lose
// some digits, and each of the four stages from scores to gradients adds its own.
constexpr double kTolerance = 3e-6;
// What is left when larger terms cancel: the adversary's loss, and the attention's parameter gradients, as the scores'
// gradients of a sequence sum to zero.
constexpr double kDifferenceTolerance = 1e-5;
constexpr float kStartOfGradient = 0.25F;  // what gradients of parameters hold before they accumulate

struct Case {
  const char* name;
  AttentionKind kind;
  Objective objective;
};
const std::vector<Case> kCases = {{"learned, classify", AttentionKind::learned, Objective::classify},
                                  {"learned, adversary", AttentionKind::learned, Objective::adversary},
                                  {"uniform, classify", AttentionKind::uniform, Objective::classify},
                                  {"given, classify", AttentionKind::given, Objective::classify}};

struct Problem {
  HostRagged batch;
  int32_t width = 0, attention_width = 0;
  Case options;
  std::vector<float> hidden, attention_weight, attention_bias, attention_vector, output_weight, output_bias;
  std::vector<float> log_weights;  // given attention, or that of the adversary's base model
  std::vector<float> base_probability;
  std::vector<int32_t> labels;
  float positive_weight = 1.75F, scale = 1.5F, lambda = 0.7F, tvd_factor = 0.5F;

  int64_t begin(int64_t b) const { return batch.offsets[static_cast<size_t>(b)]; }
  int64_t end(int64_t b) const { return batch.offsets[static_cast<size_t>(b) + 1]; }
};

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

/// Logs of weights that sum to 1 over each sequence's words.
std::vector<float> random_log_attention(const HostRagged& batch) {
  std::vector<float> logs = random_floats(batch.tokens(), 48, 2);
  for (size_t b = 0; b + 1 < batch.offsets.size(); ++b) {
    const auto begin = static_cast<size_t>(batch.offsets[b]), end = static_cast<size_t>(batch.offsets[b + 1]);
    double sum = 0;
    for (size_t n = begin + 1; n < end - 1; ++n) sum += std::exp(double{logs[n]});
    for (size_t n = begin + 1; n < end - 1; ++n) logs[n] = static_cast<float>(logs[n] - std::log(sum));
    logs[begin] = logs[end - 1] = kMinusInfinity;
  }
  return logs;
}

Problem make_problem(const std::vector<int32_t>& lengths, int32_t width, int32_t attention_width, const Case& options) {
  Problem p;
  p.batch = make_ragged(lengths, 9, 41);
  p.width = width;
  p.attention_width = attention_width;
  p.options = options;
  const float bound = 1 / std::sqrt(static_cast<float>(width));
  p.hidden = random_floats(padded_rows(p.batch.tokens()) * width, 42);
  p.attention_weight = random_floats(int64_t{attention_width} * width, 43, bound);
  p.attention_bias = random_floats(attention_width, 44, bound);
  p.attention_vector = random_floats(attention_width, 45);
  p.output_weight = random_floats(width, 46, bound);
  p.output_bias = {0.6F};
  p.log_weights = random_log_attention(p.batch);
  p.base_probability = random_floats(p.batch.sequences(), 49, 0.5F);
  for (float& value : p.base_probability) value += 0.5F;
  for (int32_t b = 0; b < p.batch.sequences(); ++b) p.labels.push_back(b % 2);
  return p;
}

std::vector<float> slice(const std::vector<float>& values, int64_t begin, int64_t end) {
  return {values.begin() + begin, values.begin() + end};
}

/// The sequence `b` of a problem as a problem of its own.
Problem alone(const Problem& p, int32_t b) {
  Problem one = p;
  one.batch = select_sequences(p.batch, {b});
  one.hidden = slice(p.hidden, p.begin(b) * p.width, p.end(b) * p.width);
  one.hidden.resize(static_cast<size_t>(padded_rows(one.batch.tokens()) * p.width));
  one.log_weights = slice(p.log_weights, p.begin(b), p.end(b));
  one.base_probability = {p.base_probability[static_cast<size_t>(b)]};
  one.labels = {p.labels[static_cast<size_t>(b)]};
  return one;
}

template <class Real>
struct Results {
  std::vector<Real> log_attention, context, logit, probability;  // forward
  std::vector<Real> loss, divergence, dlogit, dscore, dhidden;   // training
  std::vector<Real> dattention_weight, dattention_bias, dattention_vector, doutput_weight, doutput_bias;

  using Named = std::vector<std::pair<std::string, std::vector<Real>>>;
  Named of_tokens() const { return {{"log_attention", log_attention}, {"dscore", dscore}, {"dhidden", dhidden}}; }
  Named of_sequences() const {
    return {{"context", context}, {"logit", logit},           {"probability", probability},
            {"loss", loss},       {"divergence", divergence}, {"dlogit", dlogit}};
  }
  Named of_parameters() const {
    return {{"dattention_weight", dattention_weight},
            {"dattention_bias", dattention_bias},
            {"dattention_vector", dattention_vector},
            {"doutput_weight", doutput_weight},
            {"doutput_bias", doutput_bias}};
  }
};

/// A problem's inputs and outputs on a device.
class DeviceProblem {
 public:
  DeviceProblem(const Device& device, const Problem& p)
      : device_(device), problem_(p), learned_(p.options.kind == AttentionKind::learned), batch_(device, p.batch) {}

  Results<float> evaluate() {
    attention_head_forward(device_, forward());
    return read_forward();
  }

  Results<float> train() {
    const bool adversary = problem_.options.objective == Objective::adversary;
    const int64_t n = problem_.batch.tokens(), b = problem_.batch.sequences();
    const int64_t d = problem_.width, a = learned_ ? problem_.attention_width : 0;
    const auto gradient = [&](int64_t size) {
      return DeviceArray<float>(device_, std::vector<float>(static_cast<size_t>(size), kStartOfGradient));
    };
    const DeviceArray<float> loss(device_, b), divergence(device_, adversary ? b : 0), dlogit(device_, b),
        dscore(device_, learned_ ? n : 0),
        dattention_weight = gradient(a * d), dattention_bias = gradient(a), dattention_vector = gradient(a),
        doutput_weight = gradient(d), doutput_bias = gradient(1),
        workspace(device_, attention_head_workspace(b, n, d, problem_.attention_width)),
        scale(device_, std::vector<float>{problem_.scale});
    // The rows behind the last token start finite, as in an arena, and must stay so.
    std::vector<float> unset(static_cast<size_t>(padded_rows(n) * d));
    std::fill_n(unset.begin(), n * d, std::numeric_limits<float>::quiet_NaN());
    const DeviceArray<float> dhidden(device_, unset);
    attention_head_train(device_, {.forward = forward(),
                                   .objective = problem_.options.objective,
                                   .positive_weight = problem_.positive_weight,
                                   .labels = labels_,
                                   .tvd_factor = problem_.tvd_factor,
                                   .lambda = problem_.lambda,
                                   .scale = scale,
                                   .base_probability = base_probability_,
                                   .base_log_attention = log_weights_,
                                   .attention_weight = attention_weight_,
                                   .loss = loss,
                                   .divergence = divergence,
                                   .dlogit = dlogit,
                                   .dscore = dscore,
                                   .dhidden = dhidden,
                                   .dattention_weight = dattention_weight,
                                   .dattention_bias = dattention_bias,
                                   .dattention_vector = dattention_vector,
                                   .doutput_weight = doutput_weight,
                                   .doutput_bias = doutput_bias,
                                   .workspace = workspace});
    Results<float> results = read_forward();
    results.loss = loss.host();
    results.divergence = divergence.host();
    results.dlogit = dlogit.host();
    results.dscore = dscore.host();
    results.dhidden = finite_head(dhidden.host(), n * d);
    results.dattention_weight = dattention_weight.host();
    results.dattention_bias = dattention_bias.host();
    results.dattention_vector = dattention_vector.host();
    results.doutput_weight = doutput_weight.host();
    results.doutput_bias = doutput_bias.host();
    return results;
  }

 private:
  static std::vector<float> finite_head(const std::vector<float>& values, int64_t count) {
    CHECK_MESSAGE(std::all_of(values.begin() + count, values.end(), [](float value) { return std::isfinite(value); }),
                  "a row behind the last token is not finite");
    return head(values, count);
  }
  static std::vector<float> transposed(const Problem& p) {
    std::vector<float> to(p.attention_weight.size());
    const auto d = static_cast<size_t>(p.width), a = static_cast<size_t>(p.attention_width);
    for (size_t j = 0; j < a; ++j) {
      for (size_t k = 0; k < d; ++k) to[k * a + j] = p.attention_weight[j * d + k];
    }
    return to;
  }

  AttentionHeadForward forward() const {
    return {.batch = batch_.batch(),
            .width = problem_.width,
            .attention_width = problem_.attention_width,
            .kind = problem_.options.kind,
            .hidden = hidden_,
            .attention_weight_transposed = attention_weight_transposed_,
            .attention_bias = attention_bias_,
            .attention_vector = attention_vector_,
            .output_weight = output_weight_,
            .output_bias = output_bias_,
            .given_log_attention = log_weights_,
            .activation = activation_,
            .log_attention = log_attention_,
            .context = context_,
            .logit = logit_,
            .probability = probability_};
  }

  Results<float> read_forward() const {
    Results<float> results;
    results.log_attention = log_attention_.host();
    results.context = context_.host();
    results.logit = logit_.host();
    results.probability = probability_.host();
    return results;
  }

  Device device_;
  const Problem& problem_;
  bool learned_;
  DeviceRagged batch_;
  DeviceArray<float> hidden_{device_, problem_.hidden}, attention_weight_{device_, problem_.attention_weight},
      attention_weight_transposed_{device_, transposed(problem_)}, attention_bias_{device_, problem_.attention_bias},
      attention_vector_{device_, problem_.attention_vector}, output_weight_{device_, problem_.output_weight},
      output_bias_{device_, problem_.output_bias}, log_weights_{device_, problem_.log_weights},
      base_probability_{device_, problem_.base_probability};
  DeviceArray<int32_t> labels_{device_, problem_.labels};
  DeviceArray<float> activation_{device_,
                                 learned_ ? padded_rows(problem_.batch.tokens()) * problem_.attention_width : 0},
      log_attention_{device_, problem_.batch.tokens()},
      context_{device_, int64_t{problem_.batch.sequences()} * problem_.width},
      logit_{device_, problem_.batch.sequences()}, probability_{device_, problem_.batch.sequences()};
};

/// The same in float64 with the plainest loops.
class Reference {
 public:
  explicit Reference(const Problem& p)
      : p_(p),
        learned_(p.options.kind == AttentionKind::learned),
        adversary_(p.options.objective == Objective::adversary),
        hidden_(as_double(p.hidden)),
        weight_(as_double(p.attention_weight)) {
    const auto n = p.batch.token_ids.size(), d = static_cast<size_t>(p.width);
    results.log_attention.assign(n, double{kMinusInfinity});
    results.dscore.resize(learned_ ? n : 0);
    results.dhidden.resize(n * d);
    results.context.resize(p.labels.size() * d);
    results.dattention_weight.assign(learned_ ? weight_.size() : 0, kStartOfGradient);
    results.dattention_bias.assign(learned_ ? p.attention_bias.size() : 0, kStartOfGradient);
    results.dattention_vector = results.dattention_bias;
    results.doutput_weight.assign(d, kStartOfGradient);
    results.doutput_bias = {kStartOfGradient};
    for (size_t b = 0; b < p.labels.size(); ++b) sequence(b);
  }
  Results<double> results;

 private:
  size_t d() const { return static_cast<size_t>(p_.width); }
  size_t a() const { return static_cast<size_t>(p_.attention_width); }
  double alpha(size_t n) const { return std::exp(results.log_attention[n]); }

  double activation(size_t n, size_t j) const {
    double z = p_.attention_bias[j];
    for (size_t k = 0; k < d(); ++k) z += weight_[j * d() + k] * hidden_[n * d() + k];
    return std::tanh(z);
  }
  double output(size_t n) const {
    double sum = 0;
    for (size_t k = 0; k < d(); ++k) sum += p_.output_weight[k] * hidden_[n * d() + k];
    return sum;
  }

  void attend(size_t first, size_t last) {
    auto& logs = results.log_attention;
    for (size_t n = first; n < last; ++n) {
      logs[n] = p_.options.kind == AttentionKind::given ? double{p_.log_weights[n]} : 0.0;
      for (size_t j = 0; j < a() && learned_; ++j) logs[n] += p_.attention_vector[j] * activation(n, j);
    }
    if (p_.options.kind == AttentionKind::given) return;
    const double largest =
        *std::max_element(logs.begin() + static_cast<int64_t>(first), logs.begin() + static_cast<int64_t>(last));
    double total = 0;
    for (size_t n = first; n < last; ++n) total += std::exp(logs[n] - largest);
    for (size_t n = first; n < last; ++n) logs[n] = logs[n] - largest - std::log(total);
  }

  double log_ratio(size_t n) const { return adversary_ ? results.log_attention[n] - p_.log_weights[n] : 0.0; }

  void sequence(size_t b) {
    const auto first = static_cast<size_t>(p_.batch.offsets[b]) + 1;
    const auto last = static_cast<size_t>(p_.batch.offsets[b + 1]) - 1;
    attend(first, last);
    double logit = p_.output_bias[0], divergence = 0;
    for (size_t n = first; n < last; ++n) {
      logit += alpha(n) * output(n);
      divergence += alpha(n) * log_ratio(n);
      for (size_t k = 0; k < d(); ++k) results.context[b * d() + k] += alpha(n) * hidden_[n * d() + k];
    }
    const auto loss =
        adversary_ ? adversarial_loss<double>(sigmoid(logit), p_.base_probability[b], divergence, p_.scale,
                                              p_.tvd_factor, p_.lambda)
                   : classification_loss<double>(logit, p_.labels[b], p_.labels[b] == 1 ? p_.positive_weight : 1.0);
    results.logit.push_back(logit);
    results.probability.push_back(sigmoid(logit));
    results.loss.push_back(loss.loss);
    results.dlogit.push_back(loss.dlogit);
    if (adversary_) results.divergence.push_back(divergence);
    results.doutput_bias[0] += loss.dlogit;
    for (size_t k = 0; k < d(); ++k) results.doutput_weight[k] += loss.dlogit * results.context[b * d() + k];
    double mean = 0;
    for (size_t n = first; n < last; ++n) mean += alpha(n) * loss.dlogit * output(n);
    for (size_t n = first; n < last; ++n) token_gradient(n, loss.dlogit, mean, divergence);
  }

  void token_gradient(size_t n, double dlogit, double mean, double divergence) {
    for (size_t k = 0; k < d(); ++k) results.dhidden[n * d() + k] = dlogit * alpha(n) * p_.output_weight[k];
    if (!learned_) return;
    const double kl_factor = adversary_ ? double{p_.scale} * p_.lambda : 0.0;
    const double dscore =
        attention_score_gradient(alpha(n), dlogit * output(n), mean, kl_factor, log_ratio(n), divergence);
    results.dscore[n] = dscore;
    for (size_t j = 0; j < a(); ++j) {
      const double u = activation(n, j), dz = dscore * p_.attention_vector[j] * (1 - u * u);
      results.dattention_vector[j] += dscore * u;
      results.dattention_bias[j] += dz;
      for (size_t k = 0; k < d(); ++k) {
        results.dattention_weight[j * d() + k] += dz * hidden_[n * d() + k];
        results.dhidden[n * d() + k] += dz * weight_[j * d() + k];
      }
    }
  }

  const Problem& p_;
  bool learned_, adversary_;
  std::vector<double> hidden_, weight_;
};

using Named = Results<float>::Named;

void check_close_all(const Named& actual, const Results<double>::Named& expected, const std::string& where) {
  for (size_t i = 0; i < actual.size(); ++i) {
    const auto& [name, values] = actual[i];
    const bool difference = name == "loss" || name.starts_with("dattention");
    check_close(values, expected[i].second, difference ? kDifferenceTolerance : kTolerance, where + name);
  }
}

void check_against_reference(const Device& device, const NamedLengths& shape, int32_t width, int32_t attention_width,
                             const Case& options) {
  const Problem problem = make_problem(shape.lengths, width, attention_width, options);
  const Results<float> actual = DeviceProblem(device, problem).train();
  const Results<double> expected = Reference(problem).results;
  const std::string where = fmt::format("D {}, A {}, {}, {}: ", width, attention_width, shape.name, options.name);
  check_close_all(actual.of_tokens(), expected.of_tokens(), where);
  check_close_all(actual.of_sequences(), expected.of_sequences(), where);
  check_close_all(actual.of_parameters(), expected.of_parameters(), where);
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

void check_alone_as_in_batch(const Problem& p, int32_t b) {
  const Problem single = alone(p, b);
  const Results<float> batch = DeviceProblem(test_device(), p).train();
  const Results<float> one = DeviceProblem(test_device(), single).train();
  const std::string where = fmt::format("{}, sequence {} alone: ", p.options.name, b);
  check_same_bytes_all(one.of_tokens(), part(batch.of_tokens(), p.begin(b), p.end(b), p.batch.tokens()), where);
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
  Problem p = make_problem({5, 4}, 8, 4, kCases.back());
  p.log_weights[2] = kMinusInfinity;
  const Results<float> results = DeviceProblem(test_device(), p).train();
  for (const size_t token : {0, 2, 4, 5, 8}) {
    CHECK(results.log_attention[token] == kMinusInfinity);
    for (size_t k = 0; k < 8; ++k) CHECK(std::abs(results.dhidden[token * 8 + k]) < 1e-30F);
  }
  check_close_all(results.of_sequences(), Reference(p).results.of_sequences(), "a word without weight: ");
}

TEST_CASE("attention head: a sequence alone has the bytes that it has in a batch") {
  for (const Case& options : kCases) {
    const Problem p = make_problem({40, 17, 17, 5, 4, 3}, 32, 16, options);
    for (const int32_t b : {0, 2, 5}) check_alone_as_in_batch(p, b);
  }
}

TEST_CASE("attention head: room behind a batch reaches no result") {
  for (const Case& options : kCases) {
    const Problem p = make_problem({40, 17, 17, 5, 4, 3}, 32, 16, options);
    const Results<float> exact = DeviceProblem(test_device(), p).train();
    Problem roomy = p;
    roomy.batch = with_slack(p.batch, kRowTile + 1, 2);
    roomy.hidden.resize(static_cast<size_t>(padded_rows(roomy.batch.tokens()) * p.width), 0.5F);
    roomy.log_weights.resize(static_cast<size_t>(roomy.batch.tokens()), std::numeric_limits<float>::quiet_NaN());
    Results<float> actual = DeviceProblem(test_device(), roomy).train();
    actual.log_attention.resize(exact.log_attention.size());
    actual.dscore.resize(exact.dscore.size());
    actual.dhidden.resize(exact.dhidden.size());
    check_same_bytes_all(actual.of_tokens(), exact.of_tokens(), "with room: ");
    check_same_bytes_all(actual.of_sequences(), exact.of_sequences(), "with room: ");
    const Results<float>::Named expected = exact.of_parameters(), gradients = actual.of_parameters();
    for (size_t i = 0; i < expected.size(); ++i) {
      check_close(gradients[i].second, as_double(expected[i].second), 4e-6, "with room: " + expected[i].first);
    }
  }
}

TEST_CASE("attention head: the number of threads changes no byte") {
  Device device = test_device();
  for (const Case& options : kCases) {
    const Problem p = make_problem({40, 17, 17, 5, 4, 3}, 32, 16, options);
    device.threads = 1;
    const Results<float> one = DeviceProblem(device, p).train();
    for (const int threads : {2, 3}) {
      device.threads = threads;
      const Results<float> several = DeviceProblem(device, p).train();
      const std::string where = fmt::format("{} threads: ", threads);
      check_same_bytes_all(several.of_tokens(), one.of_tokens(), where);
      check_same_bytes_all(several.of_sequences(), one.of_sequences(), where);
      check_same_bytes_all(several.of_parameters(), one.of_parameters(), where);
    }
  }
}

TEST_CASE("attention head: evaluation has the bytes of training") {
  for (const Case& options : kCases) {
    const Problem p = make_problem({40, 17, 5, 3}, 32, 16, options);
    const Results<float> trained = DeviceProblem(test_device(), p).train();
    const Results<float> evaluated = DeviceProblem(test_device(), p).evaluate();
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

}  // namespace notnot
