// The exact adversary on every backend, against all vertices in float64, and what its header promises about bits and
// about how few pairs it computes. Golden vectors: explain_golden_test.cpp.
#include "kernels/exact_adversary.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "kernels/cases/exact_adversary_case.h"
#include "kernels/exact_adversary_math.h"
#include "tests/backends/backend.h"
#include "tests/support/exact_adversary_reference.h"

namespace notnot {
namespace {

using test::AttackReference;
using test::Vertex;

std::vector<ExactOptimum> run(const Device& device, const ExactAdversaryInputs& inputs) {
  const ExactAdversaryCase arrays(device, inputs);
  exact_adversary(device, arrays.arguments());
  return arrays.optima.host();
}

/// Words of text b.
std::vector<double> words_of(const ExactAdversaryInputs& p, const std::vector<float>& values, int32_t b) {
  return {values.begin() + p.offsets[b] + 1, values.begin() + p.offsets[b + 1] - 1};
}

AttackReference reference_of(const ExactAdversaryInputs& p, int32_t b, double epsilon) {
  return {words_of(p, p.log_attention, b), words_of(p, p.contributions, b), p.output_bias[0], epsilon};
}

/// Against every vertex, by the definition of JSD. Where two are equally good, no words are compared.
void check_against_all_vertices(const ExactAdversaryInputs& p) {
  const std::vector<ExactOptimum> results = run(test_device(), p);
  for (size_t e = 0; e < p.epsilons.size(); ++e) {
    for (int32_t b = 0; b < p.sequences(); ++b) {
      const AttackReference reference = reference_of(p, b, p.epsilons[e]);
      Vertex best;
      double value = -1, second = -1;
      reference.for_each([&](const Vertex& v) {
        const double candidate = reference.value(v);
        second = std::max(second, std::min(candidate, value));
        if (candidate <= value) return;
        value = candidate;
        best = v;
      });
      const std::string where = fmt::format("text {} of {} words, epsilon {}: ", b, p.words(b), p.epsilons[e]);
      REQUIRE_MESSAGE(best.kind != VertexKind::undefined, where);
      reference.check(results[e * p.sequences() + b], best, value, value - second, false, where);
    }
  }
}

using Values = std::vector<double>;

/// n numbers of a normal distribution.
Values normal(std::mt19937_64& generator, size_t n, double scale, double mean = 0) {
  std::normal_distribution<double> distribution(mean, scale);
  Values values(n);
  for (double& value : values) value = distribution(generator);
  return values;
}

Values twice(Values values) {
  const size_t n = values.size();
  for (size_t i = 0; i < n; ++i) values.push_back(values[i]);
  return values;
}

/// Attention is a monotone function of c's distance from any T: with `slope` > 0 it grows, with < 0 it falls.
void add_chain(ExactAdversaryInputs& p, int32_t words, double slope) {
  Values scores, contributions;
  for (int32_t n = 0; n < words; ++n) {
    const double at = (2.0 * n + 1 - words) / words;
    contributions.push_back(at < 0 ? 5.5 * at - 0.5 : 5.5 * at + 0.5);
    scores.push_back(std::log(1 + slope * std::abs(at)));
  }
  p.add(scores, contributions);
}

}  // namespace

TEST_CASE("exact adversary: the overlap gives the divergence of its definition, in double") {
  std::mt19937_64 generator(1);
  std::uniform_real_distribution<double> logs(-120, 0);
  for (int i = 0; i < 300; ++i) {
    const double a = std::exp(logs(generator)), b = std::exp(logs(generator));
    const double expected = a * std::log1p(b / a) + b * std::log1p(a / b);
    CHECK(std::abs(overlap(a, std::log(a), b) - expected) <= 1e-13 * expected);
    const double r = std::min(a, b) / std::max(a, b);
    CHECK(std::abs(log_one_plus(r) - std::log1p(r)) <= 1e-15 * std::log1p(r));
    const auto narrow = static_cast<float>(r);
    CHECK(std::abs(log_one_plus(narrow) - std::log1p(double{narrow})) <= 4 * test::kUnit * std::log1p(double{narrow}));
  }
  CHECK(overlap(0.0, -std::numeric_limits<double>::infinity(), 0.5) == 0);
  CHECK(overlap(0.0F, -std::numeric_limits<float>::infinity(), 0.5F) == 0);
  CHECK(overlap(0.5F, -0.7F, 0.0F) == 0);
  CHECK(overlap(0.0F, -900.0F, 0.0F) == 0);
  const std::vector<double> alpha = {0.2, 0.5, 0.3}, beta = {0.6, 0, 0.4};
  const double cost = overlap(0.2, std::log(0.2), 0.6) + overlap(0.3, std::log(0.3), 0.4);
  CHECK(std::abs(test::kLogOf2 - cost / 2 - test::divergence(alpha, beta)) < 1e-15);
}

TEST_CASE("exact adversary: the interval's ends move the probability by epsilon, in double") {
  for (const double logit : {-3.2, -0.4, 0.0, 1.0, 6.0}) {
    for (const double epsilon : {0.001, 0.01, 0.1}) {
      const auto interval = logit_interval(logit, epsilon);
      const double p = sigmoid(logit);
      CHECK(interval.low < 0);
      CHECK(interval.high > 0);
      if (p > epsilon) CHECK(std::abs(sigmoid(logit + interval.low) - (p - epsilon)) < 1e-14);
      CHECK((p > epsilon) == std::isfinite(interval.low));
      if (1 - p > epsilon) CHECK(std::abs(sigmoid(logit + interval.high) - (p + epsilon)) < 1e-14);
      CHECK((1 - p > epsilon) == std::isfinite(interval.high));
    }
  }
  // Where 1 - p underflows, ln(1 - p) = -z: low = ln .9 - (ln .1 + z).
  const auto interval = logit_interval(800.0, 0.1);
  CHECK(interval.high == std::numeric_limits<double>::infinity());
  CHECK(std::abs(interval.low - (std::log(9.0) - 800)) < 1e-12);
  CHECK(std::abs(logit_interval(-800.0, 0.1).high + interval.low) < 1e-12);
}

TEST_CASE("exact adversary: no pair of a row costs less than the row's bound") {
  std::mt19937_64 generator(2);
  std::uniform_real_distribution<double> logs(-12, 0);
  const auto word = [&] {
    const double log_attention = logs(generator);
    return PairedWord<double>{std::exp(log_attention), log_attention, std::exp(logs(generator))};
  };
  for (int i = 0; i < 500; ++i) {
    const PairedWord<double> row = word();
    std::vector<PairedWord<double>> others(8);
    for (auto& other : others) other = word();
    const auto by_attention = [](const auto& a, const auto& b) { return a.attention < b.attention; };
    const auto by_distance = [](const auto& a, const auto& b) { return a.distance < b.distance; };
    const auto [nearest, farthest] = std::minmax_element(others.begin(), others.end(), by_distance);
    const double bound = row_bound(row, *std::min_element(others.begin(), others.end(), by_attention),
                                   nearest->distance, farthest->distance);
    for (const auto& other : others) CHECK(pair_cost(row, other) >= bound * (1 - 1e-14));
  }
}

TEST_CASE("exact adversary: random texts of up to 40 words against every vertex in float64") {
  ExactAdversaryInputs p;
  uint64_t seed = 0;
  for (const int32_t words : {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 40, 3, 2, 1}) p.add_random(++seed, words);
  check_against_all_vertices(p);
  std::mt19937_64 generator(3);
  for (const double bias : {-4.0, 0.0, 1.5}) {
    ExactAdversaryInputs other{.output_bias = {static_cast<float>(bias)}};
    for (const int32_t words : {2, 6, 12, 25, 40}) {
      other.add(normal(generator, words, 3), normal(generator, words, 2));
      other.add(normal(generator, words, 0.1), normal(generator, words, 0.05));
    }
    check_against_all_vertices(other);
  }
}

TEST_CASE("exact adversary: ties, equal contributions, saturated logits, attention that underflows") {
  std::mt19937_64 generator(4);
  ExactAdversaryInputs p;
  p.add(Values(6, 0.0), normal(generator, 6, 2));   // uniform attention
  p.add(Values(6, 0.0), Values(6, 0.3));            // nothing differs
  p.add(normal(generator, 5, 1), Values(5, -0.8));  // equal contributions
  p.add(twice(normal(generator, 9, 1)), twice(normal(generator, 9, 2)));
  p.add(normal(generator, 6, 1), normal(generator, 6, 2, 25));  // p near 1
  p.add(normal(generator, 7, 1), normal(generator, 7, 2, -25));
  p.add(normal(generator, 6, 1), normal(generator, 6, 5, 120));  // 1 - p underflows in fp32
  p.add(normal(generator, 6, 1), normal(generator, 6, 5, 800));  // and in fp64
  p.add(normal(generator, 7, 1), normal(generator, 7, 5, -800));
  p.add(normal(generator, 7, 1), normal(generator, 7, 1, -3.2));      // one end of the interval is infinite
  p.add({0.1, 0.4, -0.3, 0.2, -120, -121}, normal(generator, 6, 2));  // attention underflows in fp32
  p.add({0.1, 0.4, -0.3, 0.2, -900, -950}, normal(generator, 6, 2));
  p.add({60, 0, 1, 2, -1}, normal(generator, 5, 2));  // one word has all
  p.add(normal(generator, 8, 1), {1e-3, 2, -300, 0.1, 40, -0.02, 7, 1e3});
  check_against_all_vertices(p);
}

TEST_CASE("exact adversary: of equal vertices the first word wins, then the second one, then T = low") {
  // p = 1/2, uniform attention and contributions that are symmetric about 0: each pair at T = low has a mirror image at
  // T = high. The best are -1 and 2 at low, -2 and 1 at high.
  ExactAdversaryInputs p{.epsilons = {0.05}, .output_bias = {0}};
  p.add(Values(4, 0.0), {-2, 2, -1, 1});
  p.add(Values(4, 0.0), {2, -1, 1, -2});
  p.add(Values(2, 0.0), {-2, 2});
  p.add(Values(2, 0.0), {2, -2});
  p.add(Values(6, 0.0), Values(6, 0.3));  // every word by itself
  p.add({1, 0, 0, 1, 0, 0}, {2, -1, 1, 2, -1, 1});
  const std::vector<ExactOptimum> results = run(test_device(), p);
  const auto is = [&](size_t b, int32_t low, int32_t high, VertexKind kind) {
    const ExactOptimum& actual = results[b];
    CHECK_MESSAGE((actual.word_low == low && actual.word_high == high && actual.kind == kind), "text ", b, ": words ",
                  actual.word_low, " and ", actual.word_high, ", kind ", static_cast<int>(actual.kind));
  };
  is(0, 0, 3, VertexKind::high);
  is(1, 1, 0, VertexKind::low);
  is(2, 0, 1, VertexKind::low);
  is(3, 1, 0, VertexKind::low);
  is(4, 0, 0, VertexKind::single);
  CHECK(std::max(results[5].word_low, results[5].word_high) < 3);  // the first of each two
}

TEST_CASE("exact adversary: attention of exactly 0, and a text of one word") {
  ExactAdversaryInputs p;
  p.add({0, 0.5, 1}, {2, -1, 0.5});
  p.add({0.7}, {1.5});
  p.log_attention[2] = -std::numeric_limits<float>::infinity();
  check_against_all_vertices(p);
  for (const ExactOptimum& only : run(test_device(), p)) CHECK(only.divergence <= static_cast<float>(test::kLogOf2));
  const ExactOptimum only = run(test_device(), p)[1];
  CHECK(only.divergence == 0);
  CHECK(only.word_low == 0);
  CHECK(only.word_high == 0);
  CHECK(only.weight_low == 1);
  CHECK(only.pairs == 0);
  CHECK(std::abs(only.probability - sigmoid(1.8)) < 1e-7);
}

namespace {

/// Records and bounds lose nothing against all pairs of the same arithmetic.
void check_against_all_pairs(ExactAdversaryInputs p) {
  const std::vector<ExactOptimum> few = run(test_device(), p);
  p.all_pairs = true;
  const std::vector<ExactOptimum> all = run(test_device(), p);
  for (size_t i = 0; i < few.size(); ++i) {
    CHECK(few[i].pairs <= all[i].pairs);
    CHECK(std::abs(few[i].divergence - all[i].divergence) <= 36 * test::kUnit);
  }
}

}  // namespace

TEST_CASE("exact adversary: where every word is a record it still finds the optimum") {
  for (const double slope : {0.4, -0.5}) {
    ExactAdversaryInputs p{.epsilons = {0.01}};
    add_chain(p, 40, slope);
    check_against_all_vertices(p);
    add_chain(p, 400, slope);
    check_against_all_pairs(p);
    CHECK(run(test_device(), p)[1].pairs > 10000);  // of 80,000; otherwise this would not be a hard case
  }
}

TEST_CASE("exact adversary: 4,000 words, and more than a block ranks in shared memory") {
  ExactAdversaryInputs p{.epsilons = {0.05}};
  add_chain(p, 4000, -0.5);
  p.add_random(5, 3999);
  p.add_random(6, 4001);
  p.add_random(7, 5000);
  check_against_all_pairs(p);
}

TEST_CASE("exact adversary: the pairs of random texts grow with the square of the logarithm") {
  for (const int32_t words : {100, 1000, 4000}) {
    ExactAdversaryInputs p;
    for (uint64_t seed = 0; seed < 3; ++seed) p.add_random(100 + seed, words);
    // A side of n words has a record at place k with probability 2 / k, independently: 2 H_n in the mean, and a
    // variance that is less. Five standard deviations above, on both sides and for both T:
    double mean = 1;
    for (int32_t k = 2; k <= words; ++k) mean += 2.0 / k;
    const double most = 2 * std::pow(mean + 5 * std::sqrt(mean), 2);
    for (const ExactOptimum& optimum : run(test_device(), p)) CHECK(optimum.pairs <= most);
  }
}

TEST_CASE("exact adversary: a text alone has the bytes that it has in a batch, with any number of threads") {
  ExactAdversaryInputs together;
  uint64_t seed = 40;
  for (const int32_t words : {40, 17, 1, 33, 300, 5, 2}) together.add_random(++seed, words);
  Device device = test_device();
  const std::vector<ExactOptimum> batch = run(device, together);
  const auto same = [](const ExactOptimum& a, const ExactOptimum& b) { return std::memcmp(&a, &b, sizeof a) == 0; };
  for (int32_t b = 0; b < together.sequences(); ++b) {
    ExactAdversaryInputs alone;
    alone.add_random(41 + b, together.words(b));
    const std::vector<ExactOptimum> one = run(device, alone);
    for (size_t e = 0; e < one.size(); ++e) CHECK(same(one[e], batch[e * together.sequences() + b]));
    // The epsilons do not see each other, either.
    alone.epsilons = {together.epsilons[3]};
    CHECK(same(run(device, alone)[0], batch[3 * together.sequences() + b]));
  }
  for (const int threads : {1, 2, 3}) {
    device.threads = threads;
    const std::vector<ExactOptimum> again = run(device, together);
    for (size_t i = 0; i < batch.size(); ++i) CHECK(same(again[i], batch[i]));
  }
}

TEST_CASE("exact adversary: what is not a number comes out as NaN there and nowhere else") {
  ExactAdversaryInputs sound;
  for (const int32_t words : {9, 12, 5}) sound.add_random(words, words);
  const std::vector<ExactOptimum> expected = run(test_device(), sound);
  const auto second = static_cast<size_t>(sound.offsets[1]) + 4;
  ExactAdversaryInputs contribution = sound, attention = sound, infinite = sound;
  contribution.contributions[second] = attention.log_attention[second] = std::numeric_limits<float>::quiet_NaN();
  infinite.contributions[second] = std::numeric_limits<float>::infinity();
  for (const ExactAdversaryInputs* p : {&contribution, &attention, &infinite}) {
    const std::vector<ExactOptimum> results = run(test_device(), *p);
    for (size_t i = 0; i < results.size(); ++i) {
      if (i % 3 == 1) {
        CHECK(std::isnan(results[i].divergence));
        CHECK(std::isnan(results[i].probability));
        CHECK(results[i].word_low == -1);
      } else {
        CHECK(std::memcmp(&results[i], &expected[i], sizeof results[i]) == 0);
      }
    }
  }
}

}  // namespace notnot
