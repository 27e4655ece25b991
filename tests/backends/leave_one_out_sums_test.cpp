#include <algorithm>

#include "kernels/cases/leave_one_out_case.h"
#include "kernels/leave_one_out_math.h"
#include "tests/backends/backend.h"
#include "tests/support/error_model.h"

namespace notnot {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
const std::vector<AttentionKind> kKinds = {AttentionKind::learned, AttentionKind::uniform};

/// Of a text with N words no run reads the forward states of <SOS>, word N and <EOS>, nor the backward states of <SOS>,
/// word 1 and <EOS>; no run reads rows behind the last token. All these are NaN.
LeaveOneOutInputs make_inputs(const std::vector<int32_t>& lengths, int32_t hidden, int32_t attention_width) {
  LeaveOneOutInputs inputs = random_leave_one_out_inputs(lengths, hidden, attention_width, 41);
  const int64_t h = hidden, a = attention_width;
  const auto unread_rows = [&](int64_t rows, int64_t first, std::vector<float>& projected) {
    for (int64_t direction = 0; direction < 2; ++direction) {
      const auto end = projected.begin() + (direction + 1) * padded_rows(rows) * a;
      std::fill(end - (padded_rows(rows) - first) * a, end, kNan);
    }
  };
  unread_rows(inputs.offsets.back(), inputs.offsets.back(), inputs.projected);
  unread_rows(inputs.text_tokens, inputs.text_tokens, inputs.text_projected);
  const auto unread = [&](int64_t token, int64_t direction) {
    std::fill_n(inputs.text_states.begin() + (token * 2 + direction) * h, h, kNan);
    std::fill_n(inputs.text_projected.begin() + (direction * padded_rows(inputs.text_tokens) + token) * a, a, kNan);
  };
  int64_t begin = 0;
  for (const int32_t length : lengths) {
    for (const int64_t token : {begin, begin + length - 2, begin + length - 1}) unread(token, 0);
    for (const int64_t token : {begin, begin + 1, begin + length - 1}) unread(token, 1);
    begin += length;
  }
  return inputs;
}

/// [S, 2] as largest, weights, products.
std::vector<double> compute(const Device& device, const LeaveOneOutInputs& inputs, AttentionKind kind) {
  const LeaveOneOutCase arrays(device, inputs);
  const DeviceArray<AttentionSums> sums(
      device, std::vector<AttentionSums>(inputs.first_token.size(), AttentionSums{kNan, kNan, kNan}));
  LeaveOneOutSums args = arrays.arguments();
  args.kind = kind;
  args.sums = sums;
  leave_one_out_sums(device, args);
  std::vector<double> result;
  for (const AttentionSums& each : sums.host()) {
    result.insert(result.end(), {each.largest, each.weights, each.products});
  }
  return result;
}

/// a + b as the operation adds up its words: in float64.
double exact_sum(double a, double b) { return a + b; }
test::Rounded exact_sum(test::Rounded a, test::Rounded b) { return test::Rounded(a.value() + b.value()); }

/// Straight from the formulas of leave_one_out.h; results are rounded to fp32, in which they are compared.
template <class Real>
test::NamedValues<Real> reference(const LeaveOneOutInputs& p, AttentionKind kind) {
  const int64_t h = p.hidden, a = p.attention_width;
  std::vector<Real> largest, weights, products;
  for (size_t i = 0; i < p.first_token.size(); ++i) {
    const int64_t d = i % 2, begin = p.offsets[i / 2], end = p.offsets[i / 2 + 1];
    std::vector<Real> scores, contributions;
    for (int64_t token = begin; token < end; ++token) {
      const int64_t of_text = p.first_token[i] + token - begin;
      const float* const halves[] = {&p.states[(token * 2 + d) * h], &p.text_states[(of_text * 2 + 1 - d) * h]};
      Real contribution(0), score(0);
      for (const int32_t j : test::visiting_order<Real>(2 * p.hidden)) {
        const int64_t half = j / h, direction = half == 0 ? d : 1 - d;
        contribution += Real(halves[half][j % h]) * Real(p.output_weight[direction * h + j % h]);
      }
      const float* const own = &p.projected[(d * padded_rows(p.offsets.back()) + token) * a];
      const float* const other = &p.text_projected[((1 - d) * padded_rows(p.text_tokens) + of_text) * a];
      for (const int32_t j : test::visiting_order<Real>(p.attention_width)) {
        const Real sum = Real(own[j]) + Real(other[j]) + Real(p.attention_bias[j]);
        if (kind == AttentionKind::learned) score += Real(p.attention_vector[j]) * hyperbolic_tangent(sum);
      }
      scores.push_back(score);
      contributions.push_back(contribution);
    }
    largest.push_back(scores[0]);
    for (const Real& score : scores) largest.back() = score > largest.back() ? score : largest.back();
    Real weight_sum(0), product_sum(0);
    for (size_t m = 0; m < scores.size(); ++m) {
      const Real weight = exponential(scores[m] - largest.back());
      weight_sum = exact_sum(weight_sum, weight);
      product_sum = exact_sum(product_sum, weight * contributions[m]);
    }
    weights.push_back(weight_sum * Real(1));
    products.push_back(product_sum * Real(1));
  }
  return {{"largest", largest}, {"weights", weights}, {"products", products}};
}

void check_against_float64(const LeaveOneOutInputs& inputs, AttentionKind kind, const std::string& where) {
  const auto expected = test::with_allowances([&]<class Real>() { return reference<Real>(inputs, kind); });
  const std::vector<double> sums = compute(test_device(), inputs, kind);
  for (size_t part = 0; part < 3; ++part) {
    std::vector<float> actual;
    for (size_t i = part; i < sums.size(); i += 3) actual.push_back(static_cast<float>(sums[i]));
    check_allowed(actual, expected[part], where);
  }
}

/// The runs `selected`, in this order, of the same texts.
LeaveOneOutInputs select_runs(const LeaveOneOutInputs& all, const std::vector<int32_t>& selected) {
  LeaveOneOutInputs result = all;
  result.offsets = {0};
  result.first_token.clear();
  result.states.clear();
  std::vector<int64_t> tokens;
  for (const int32_t s : selected) {
    for (int64_t token = all.offsets[s]; token < all.offsets[s + 1]; ++token) tokens.push_back(token);
    result.offsets.push_back(static_cast<int32_t>(tokens.size()));
    result.first_token.insert(result.first_token.end(), {all.first_token[2 * s], all.first_token[2 * s + 1]});
  }
  const int64_t h = all.hidden, a = all.attention_width, rows = padded_rows(std::ssize(tokens));
  result.projected.assign(2 * rows * a, kNan);
  for (size_t n = 0; n < tokens.size(); ++n) {
    const auto state = all.states.begin() + tokens[n] * 2 * h;
    result.states.insert(result.states.end(), state, state + 2 * h);
    for (int64_t direction = 0; direction < 2; ++direction) {
      std::copy_n(all.projected.begin() + (direction * padded_rows(all.offsets.back()) + tokens[n]) * a, a,
                  result.projected.begin() + (direction * rows + static_cast<int64_t>(n)) * a);
    }
  }
  return result;
}

}  // namespace

// Texts of two words have one run of one token. Runs of 7, 8 and 9 words are less than, as many as and more than the
// warps of a block; 14 words have 91 tokens in their runs, and 33 texts of two words have 33.
TEST_CASE("leave-one-out sums: largest score, weights and products against float64") {
  struct Shape {
    const char* name;
    std::vector<int32_t> lengths;  // of texts, boundary tokens included
  };
  const Shape shapes[] = {{"one word", {4}},
                          {"33 texts of two words", std::vector<int32_t>(33, 4)},
                          {"tiles", {11, 10, 9, 12}},
                          {"ragged", {16, 4, 5, 35, 3, 4}}};
  for (const auto& [hidden, width] : {std::pair{1, 1}, {5, 31}, {32, 32}, {33, 33}, {128, 128}, {130, 300}}) {
    for (const auto& [name, lengths] : shapes) {
      const LeaveOneOutInputs inputs = make_inputs(lengths, hidden, width);
      const std::string where = fmt::format("{}, H {}, A {}: ", name, hidden, width);
      for (const AttentionKind kind : kKinds) check_against_float64(inputs, kind, where);
    }
  }
}

TEST_CASE("leave-one-out sums: scores far apart neither overflow nor leave NaN") {
  LeaveOneOutInputs inputs = make_inputs({30, 9}, 16, 40);
  for (float& value : inputs.attention_vector) value *= 100;
  check_against_float64(inputs, AttentionKind::learned, "scores of some hundreds: ");
}

TEST_CASE("leave-one-out sums: a run's bytes do not depend on its company, its place or threads") {
  const LeaveOneOutInputs inputs = make_inputs({23, 4, 12, 7}, 37, 70);
  const auto runs = static_cast<int32_t>(inputs.offsets.size() - 1);
  Device device = test_device();
  for (const AttentionKind kind : kKinds) {
    const std::vector<double> together = compute(device, inputs, kind);
    const auto check_runs = [&](const std::vector<int32_t>& selected, const std::string& what) {
      std::vector<double> expected;
      for (const int32_t s : selected) {
        expected.insert(expected.end(), together.begin() + s * 6, together.begin() + s * 6 + 6);
      }
      check_same_bytes(compute(device, select_runs(inputs, selected), kind), expected, what);
    };
    for (int32_t s = 0; s < runs; ++s) check_runs({s}, fmt::format("run {} alone", s));
    for (const int32_t at_once : {2, 7}) {
      for (int32_t s = 0; s < runs; s += at_once) {
        std::vector<int32_t> chunk;
        for (int32_t i = s; i < std::min(s + at_once, runs); ++i) chunk.push_back(i);
        check_runs(chunk, fmt::format("a chunk of {} runs", chunk.size()));
      }
    }
    std::vector<int32_t> reversed;
    for (int32_t s = runs; s-- > 0;) reversed.push_back(s);
    check_runs(reversed, "reversed");
    for (const int threads : {2, 3, 16}) {
      device.threads = threads;
      check_same_bytes(compute(device, inputs, kind), together, fmt::format("{} threads", threads));
    }
    device = test_device();
  }
}

TEST_CASE("leave-one-out sums: uniform attention has the sums of scores that are all 0, without their arrays") {
  LeaveOneOutInputs inputs = make_inputs({12, 5}, 20, 9);
  std::fill(inputs.attention_vector.begin(), inputs.attention_vector.end(), 0.0F);
  const std::vector<double> expected = compute(test_device(), inputs, AttentionKind::learned);
  const LeaveOneOutCase arrays(test_device(), inputs);
  LeaveOneOutSums args = arrays.arguments();
  args.kind = AttentionKind::uniform;
  args.attention_width = 0;
  args.projected = args.text_projected = args.attention_bias = args.attention_vector = {};
  leave_one_out_sums(test_device(), args);
  std::vector<double> actual;
  for (const AttentionSums& each : arrays.sums.host()) {
    actual.insert(actual.end(), {each.largest, each.weights, each.products});
  }
  check_same_bytes(actual, expected, "uniform");
}

TEST_CASE("leave-one-out sums: two sets of words merge to the sums of all, and no words leave the other set's bytes") {
  const std::vector<std::pair<float, float>> words = {{-3, 2}, {0.5F, -1}, {90, 4}, {89, -2}, {-200, 7}};
  const auto sums_of = [&](size_t begin, size_t end) {
    AttentionSums sums;
    for (size_t i = begin; i < end; ++i) add_word(sums, words[i].first, words[i].second);
    return sums;
  };
  const AttentionSums all = sums_of(0, words.size());
  for (size_t cut = 0; cut <= words.size(); ++cut) {
    const AttentionSums first = sums_of(0, cut), second = sums_of(cut, words.size());
    for (const AttentionSums& merged : {merge(first, second), merge(second, first)}) {
      CHECK(merged.largest == 90);
      CHECK(merged.weights == doctest::Approx(all.weights).epsilon(1e-6));
      CHECK(merged.products == doctest::Approx(all.products).epsilon(1e-6));
    }
  }
  const AttentionSums with_none = merge({}, all);
  CHECK(with_none.weights == all.weights);
  CHECK(with_none.products == all.products);
  CHECK(merge({}, {}).weights == 0);
  CHECK(logit_of({}, -0.75) == -0.75);
  CHECK(logit_of({.largest = 3, .weights = 2, .products = 5}, -0.75) == 1.75);
}

TEST_CASE("leave-one-out sums: wrong arguments are refused") {
  const LeaveOneOutCase arrays(test_device(), make_inputs({9, 4}, 6, 5));
  const auto refused = [&](const auto& change) {
    LeaveOneOutSums args = arrays.arguments();
    change(args);
    CHECK_THROWS_AS(leave_one_out_sums(test_device(), args), Error);
  };
  refused([](LeaveOneOutSums& args) { args.kind = AttentionKind::given; });
  refused([](LeaveOneOutSums& args) { args.sequences = 0; });
  refused([](LeaveOneOutSums& args) { args.attention_width = 0; });
  refused([](LeaveOneOutSums& args) { args.text_projected = args.text_projected.subspan(0, 5); });
  refused([](LeaveOneOutSums& args) { args.first_token = args.first_token.subspan(0, 3); });
  refused([](LeaveOneOutSums& args) { args.sums = args.sums.subspan(0, 3); });
}

}  // namespace notnot
