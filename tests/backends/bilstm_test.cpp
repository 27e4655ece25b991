// The recurrence against float64 on every backend, and what its header promises about bits.
#include "kernels/bilstm.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "kernels/bilstm_math.h"
#include "kernels/cases/bilstm_case.h"
#include "tests/backends/backend.h"
#include "tests/support/error_model.h"

namespace notnot {
namespace {

constexpr int32_t kVocabulary = 9;
const std::vector<int32_t> kLengths = {8, 8, 7, 7, 6, 6, 6, 5, 4, 3, 3};

BiLstmInputs make_inputs(const std::vector<int32_t>& lengths, int32_t hidden) {
  return random_bilstm_inputs(make_ragged(lengths, kVocabulary, 31), hidden, 32);
}

std::vector<float> slice(const std::vector<float>& values, int64_t begin, int64_t end) {
  return {values.begin() + begin, values.begin() + end};
}

/// The sequence `b` as a batch of its own.
BiLstmInputs alone(const BiLstmInputs& all, int32_t b) {
  BiLstmInputs one = all;
  one.batch = select_sequences(all.batch, {b});
  one.table.clear();
  for (const int32_t id : one.batch.unique_ids) {
    const auto& ids = all.batch.unique_ids;
    const auto row = all.table.begin() + (std::find(ids.begin(), ids.end(), id) - ids.begin()) * 8 * all.hidden;
    one.table.insert(one.table.end(), row, row + 8 * all.hidden);
  }
  const int64_t width = 2 * all.hidden, begin = all.batch.offsets[b];
  one.dstates = slice(all.dstates, begin * width, (begin + one.batch.tokens()) * width);
  return one;
}

/// All arrays that the operations write.
template <class Real>
struct Results {
  std::vector<Real> states, gates, cells, previous, dz, dweight_hh;

  test::NamedValues<Real> all() const {
    return {{"states", states},     {"gates", gates}, {"cells", cells},
            {"previous", previous}, {"dz", dz},       {"dweight_hh", dweight_hh}};
  }
};

constexpr int64_t kWeightOffset = kWeightAlignment / sizeof(float);

/// Forward and backward on a device; evaluation is forward without what backward needs.
Results<float> run(const Device& device, const BiLstmInputs& inputs, bool evaluation = false,
                   Precision precision = Precision::fp32) {
  const BiLstmCase arrays(device, inputs, !evaluation);
  // W_hh is aligned as it must be, and no better.
  std::vector<float> behind_others = inputs.weight_hh;
  behind_others.insert(behind_others.begin(), kWeightOffset, 0.0F);
  const DeviceArray<float> parameters(device, behind_others);
  BiLstmForward forward = arrays.forward();
  BiLstmBackward backward = arrays.backward();
  forward.weight_hh = backward.weight_hh = parameters.span().subspan(kWeightOffset, arrays.weight_hh.span().size);
  forward.precision = backward.precision = precision;
  bilstm_forward(device, forward);
  Results<float> results{
      arrays.states.host(), arrays.gates.host(), arrays.cells.host(), arrays.previous.host(), {}, {}};
  if (evaluation) return results;
  bilstm_backward(device, backward);
  add_recurrent_weight_gradient(device, backward);
  results.dz = arrays.gates.host();
  results.dweight_hh = arrays.dweight_hh.host();
  return results;
}

/// Forward and backward with the plainest loops, one sequence and direction at a time, for any number type.
template <class Real>
class Reference {
 public:
  explicit Reference(const BiLstmInputs& inputs) : inputs_(inputs), h_(inputs.hidden) {
    const size_t units = inputs.batch.token_ids.size() * static_cast<size_t>(2 * h_);
    for (auto* values : {&results.states, &results.cells, &results.previous}) values->resize(units);
    for (auto* values : {&results.gates, &results.dz}) values->resize(4 * units);
    results.dweight_hh.assign(inputs.weight_hh.size(), Real(kStartOfGradient));
    for (const int32_t b : test::visiting_order<Real>(inputs.batch.sequences())) {
      begin_ = inputs.batch.offsets[static_cast<size_t>(b)];
      end_ = inputs.batch.offsets[static_cast<size_t>(b) + 1];
      for (direction_ = 0; direction_ < 2; ++direction_) {
        forward();
        backward();
      }
    }
  }
  Results<Real> results;

 private:
  /// Row of [N, 2] that the sequence meets at step t.
  int64_t row(int64_t t) const { return (direction_ == 0 ? begin_ + t : end_ - 1 - t) * 2 + direction_; }
  /// W_hh, its row counted over the gates.
  Real weight(int64_t row, int64_t k) const { return Real(inputs_.weight_hh[(direction_ * 4 * h_ + row) * h_ + k]); }
  Real& gate_of(std::vector<Real>& values, int64_t row, int64_t gate, int64_t unit) const {
    return values[(row * 4 + gate) * h_ + unit];
  }
  Real& unit_of(std::vector<Real>& values, int64_t row, int64_t unit) const { return values[row * h_ + unit]; }

  Real pre_activation(int64_t now, int64_t gate, int64_t unit) {
    const int64_t input = int64_t{inputs_.batch.unique_row[now / 2]} * 2 + direction_;
    Real z(inputs_.table[(input * 4 + gate) * h_ + unit]);
    for (int64_t k = 0; k < h_; ++k) z += weight(gate * h_ + unit, k) * unit_of(results.previous, now, k);
    return z;
  }

  void forward() {
    for (int64_t t = 0; t < end_ - begin_; ++t) {
      const int64_t now = row(t), before = t > 0 ? row(t - 1) : -1;
      for (int64_t j = 0; j < h_ && t > 0; ++j) unit_of(results.previous, now, j) = unit_of(results.states, before, j);
      for (int64_t j = 0; j < h_; ++j) {
        const auto gates = lstm_gates(pre_activation(now, 0, j), pre_activation(now, 1, j), pre_activation(now, 2, j),
                                      pre_activation(now, 3, j));
        const Real cell = lstm_cell(gates, t > 0 ? unit_of(results.cells, before, j) : Real(0));
        unit_of(results.cells, now, j) = cell;
        unit_of(results.states, now, j) = lstm_output(gates, cell);
        const Real of_gate[4] = {gates.i, gates.f, gates.g, gates.o};
        for (int64_t gate = 0; gate < 4; ++gate) gate_of(results.gates, now, gate, j) = of_gate[gate];
      }
    }
  }

  void backward() {
    std::vector<Real> dh(h_), dcell = dh;
    for (int64_t t = end_ - begin_ - 1; t >= 0; --t) {
      const int64_t now = row(t), before = t > 0 ? row(t - 1) : -1;
      for (int64_t j = 0; j < h_; ++j) {
        const auto gate = [&](int64_t g) { return gate_of(results.gates, now, g, j); };
        dh[j] += Real(inputs_.dstates[now * h_ + j]);
        const auto gradient = lstm_backward<Real>({gate(0), gate(1), gate(2), gate(3)}, unit_of(results.cells, now, j),
                                                  t > 0 ? unit_of(results.cells, before, j) : Real(0), dh[j], dcell[j]);
        dcell[j] = gradient.dprevious_cell;
        const Real dz[4] = {gradient.dz.i, gradient.dz.f, gradient.dz.g, gradient.dz.o};
        for (int64_t g = 0; g < 4; ++g) gate_of(results.dz, now, g, j) = dz[g];
      }
      dh.assign(dh.size(), Real(0));
      for (int64_t row = 0; row < 4 * h_; ++row) {
        const Real dz = results.dz[now * 4 * h_ + row];
        for (int64_t k = 0; k < h_; ++k) {
          dh[k] += weight(row, k) * dz;
          results.dweight_hh[(direction_ * 4 * h_ + row) * h_ + k] += dz * unit_of(results.previous, now, k);
        }
      }
    }
  }

  const BiLstmInputs& inputs_;
  int64_t h_, begin_ = 0, end_ = 0, direction_ = 0;
};

std::vector<test::Allowed> expected_of(const BiLstmInputs& inputs) {
  return test::with_allowances([&]<class Real>() { return Reference<Real>(inputs).results.all(); });
}

void check_against_reference(const Device& device, const NamedLengths& shape, int32_t hidden) {
  const BiLstmInputs inputs = make_inputs(shape.lengths, hidden);
  Results<float> actual = run(device, inputs);
  const std::string where = fmt::format("H {}, {}: ", hidden, shape.name);
  const int64_t end = int64_t{inputs.batch.tokens()} * 2 * hidden;
  const auto behind = slice(actual.states, end, actual.states.size());
  CHECK_MESSAGE(std::all_of(behind.begin(), behind.end(), [](float value) { return std::isfinite(value); }), where,
                "a state behind the last token is not finite");
  actual.states.resize(end);
  const std::vector<test::Allowed> expected = expected_of(inputs);
  const auto arrays = actual.all();
  for (size_t i = 0; i < arrays.size(); ++i) check_allowed(arrays[i].second, expected[i], where);
}

// --- bf16x3 ----------------------------------------------------------------------------------------------------------
// A product w h is wrong by e_w h + w e_h + (lo of w)(lo of h). Rounding to bf16's 8 bits has an error of 2^-8 at most,
// and of 0.4 * 2^-8 in the root mean square over mantissas. So each of the three terms is 0.16 * 2^-16 of the product,
// and the error of a product 4.2e-6 of its value. A gate sums 128 products of some 0.05 * 0.3 with both signs: 7e-7,
// and the largest of the thousands of values here 4.5 times that, 3e-6. Earlier steps' errors are added, damped. A
// tensor core may truncate where the emulator rounds: 24 additions of up to 2^-23 of the sum, another 3e-6. Without the
// products of lo, the terms would be 0.4 * 2^-8, 360 times as much: 1e-3.
constexpr double kBf16x3Tolerance = 1e-5;

void check_bf16x3(const Device& device, const std::vector<int32_t>& lengths) {
  const BiLstmInputs inputs = make_inputs(lengths, kBf16x3Hidden);
  const Results<float> actual = run(device, inputs, false, Precision::bf16x3), fp32 = run(device, inputs);
  const std::string where = fmt::format("bf16x3, {} sequences: ", lengths.size());
  const auto arrays = actual.all(), of_fp32 = fp32.all();
  for (size_t i = 0; i < arrays.size(); ++i) {
    check_close(arrays[i].second, as_double(of_fp32[i].second), kBf16x3Tolerance, where + arrays[i].first);
  }
}

void check_same(const Results<float>& actual, const Results<float>& expected, const std::string& what) {
  const auto arrays = actual.all(), same = expected.all();
  for (size_t i = 0; i < arrays.size(); ++i) {
    check_same_bytes(arrays[i].second, same[i].second, what + ": " + arrays[i].first);
  }
}

/// `batch` are the results of the whole batch.
void check_alone_as_in_batch(const Device& device, const BiLstmInputs& inputs, const Results<float>& batch, int32_t b,
                             Precision precision = Precision::fp32) {
  const BiLstmInputs single = alone(inputs, b);
  const Results<float> one = run(device, single, false, precision);
  const int64_t width = 2 * inputs.hidden, begin = inputs.batch.offsets[b] * width;
  const int64_t end = begin + single.batch.tokens() * width;
  const std::string what = fmt::format("H {}, sequence {} alone: ", inputs.hidden, b);
  check_same_bytes(head(one.states, end - begin), slice(batch.states, begin, end), what + "states");
  check_same_bytes(one.cells, slice(batch.cells, begin, end), what + "cells");
  check_same_bytes(one.gates, slice(batch.gates, begin * 4, end * 4), what + "gates");
  check_same_bytes(one.previous, slice(batch.previous, begin, end), what + "previous");
  check_same_bytes(one.dz, slice(batch.dz, begin * 4, end * 4), what + "dz");
}

}  // namespace

TEST_CASE("bilstm: forward and backward against float64") {
  const Device device = test_device();
  for (const NamedLengths& shape : ragged_shapes()) {
    for (const int32_t hidden : {1, 5, 8, 16}) check_against_reference(device, shape, hidden);
  }
  // The histories of more tokens would take a minute. Larger batches have the bytes of their sequences alone, below.
  check_against_reference(device, {"three sequences", {21, 16, 12}}, 128);
  check_against_reference(device, {"one word each", {3, 3, 3, 3, 3}}, 128);
  check_against_reference(device, {"two sequences", {5, 3}}, 130);
}

TEST_CASE("bilstm: a sequence alone has the bytes that it has in a batch") {
  for (const int32_t hidden : {16, 128}) {
    const BiLstmInputs inputs = make_inputs(kLengths, hidden);
    const Results<float> batch = run(test_device(), inputs);
    for (const int32_t b : {0, 4, 10}) check_alone_as_in_batch(test_device(), inputs, batch, b);
  }
  const BiLstmInputs many = make_inputs(ragged_shapes()[1].lengths, 128);
  const Results<float> batch = run(test_device(), many);
  for (int32_t b = 0; b < many.batch.sequences(); ++b) check_alone_as_in_batch(test_device(), many, batch, b);
}

TEST_CASE("bilstm: a batch too large for the caches has the bytes of a small one (CPU)" * only_on(Backend::cpu)) {
  const int32_t hidden = 16;
  const BiLstmInputs inputs = make_inputs(std::vector<int32_t>(600, 30), hidden);
  REQUIRE(inputs.batch.tokens() * 8 * hidden * static_cast<int64_t>(sizeof(float)) > kCachedGates);
  const Results<float> batch = run(test_device(), inputs);
  for (const int32_t b : {0, 7, 599}) check_alone_as_in_batch(test_device(), inputs, batch, b);
}

/// The sum over the tokens of dz previous^T, which both precisions compute in fp32.
test::Allowed weight_gradient_of(const BiLstmInputs& inputs, const Results<float>& results) {
  const int64_t h = inputs.hidden;
  std::vector<test::Sum> sums(inputs.weight_hh.size(), test::Sum(kStartOfGradient));
  for (int64_t place = 0; place < int64_t{inputs.batch.tokens()} * 2; ++place) {
    for (int64_t row = 0; row < 4 * h; ++row) {
      for (int64_t k = 0; k < h; ++k) {
        sums[(place % 2 * 4 * h + row) * h + k].add(double{results.dz[place * 4 * h + row]} *
                                                    results.previous[place * h + k]);
      }
    }
  }
  return test::allowed_sums("dweight_hh", sums);
}

void check_slack_reaches_nothing(int32_t hidden, Precision precision) {
  const BiLstmInputs inputs = make_inputs(kLengths, hidden);
  const Results<float> exact = run(test_device(), inputs, false, precision);
  const test::Allowed dweight_hh = weight_gradient_of(inputs, exact);
  for (const int32_t slack : {1, kRowTile + 1}) {
    constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
    BiLstmInputs longer = inputs;
    longer.batch = with_slack(inputs.batch, slack, slack);
    longer.table.resize(longer.batch.unique() * 8 * hidden, kNaN);
    longer.dstates.resize(longer.batch.tokens() * 2 * hidden, kNaN);
    const Results<float> actual = run(test_device(), longer, false, precision);
    const int64_t end = int64_t{inputs.batch.tokens()} * 2 * hidden;
    const std::string where = fmt::format("H {}, {} tokens of slack: ", hidden, slack);
    check_same_bytes(head(actual.states, end), head(exact.states, end), where + "states");
    check_same_bytes(head(actual.cells, end), exact.cells, where + "cells");
    check_same_bytes(head(actual.previous, end), exact.previous, where + "previous");
    check_same_bytes(head(actual.dz, 4 * end), exact.dz, where + "dz");
    check_allowed(actual.dweight_hh, dweight_hh, where);
  }
}

TEST_CASE("bilstm: slack behind a batch reaches no result") {
  for (const int32_t hidden : {16, 128}) check_slack_reaches_nothing(hidden, Precision::fp32);
}

TEST_CASE("bilstm: slack behind a batch reaches no result of bf16x3 (CUDA)" * only_on(Backend::cuda)) {
  check_slack_reaches_nothing(kBf16x3Hidden, Precision::bf16x3);
}

TEST_CASE("bilstm: the number of threads changes no byte") {
  Device device = test_device();
  for (const int32_t hidden : {5, 128}) {
    const BiLstmInputs inputs = make_inputs(kLengths, hidden);
    device.threads = 1;
    const Results<float> one = run(device, inputs);
    for (const int threads : {2, 3}) {
      device.threads = threads;
      check_same(run(device, inputs), one, fmt::format("H {}, {} threads", hidden, threads));
    }
  }
}

TEST_CASE("bilstm: evaluation has the bytes of training") {
  for (const int32_t hidden : {16, 128}) {
    const BiLstmInputs inputs = make_inputs(kLengths, hidden);
    check_same_bytes(run(test_device(), inputs, true).states, run(test_device(), inputs).states, "states");
  }
}

// Each sequence is cut: its first part, or for direction 1 its last, has been run before, and the rest starts from there.
// Both directions' rests are as long, and read rows of their own.
TEST_CASE("bilstm: a sequence that starts from given states goes on with the bytes of the whole one") {
  for (const int32_t hidden : {5, 127, 128}) {
    const BiLstmInputs whole = make_inputs(kLengths, hidden);
    const Results<float> expected = run(test_device(), whole);
    HostRagged rest;
    std::vector<int32_t> backward_row;
    std::vector<float> states, cells, of_whole;
    rest.offsets = {0};
    rest.unique_ids = whole.batch.unique_ids;
    const auto append = [&](std::vector<float>& to, const std::vector<float>& from, int64_t token, int64_t direction) {
      const auto row = from.begin() + (token * 2 + direction) * hidden;
      to.insert(to.end(), row, row + hidden);
    };
    for (int32_t b = 0; b < whole.batch.sequences(); ++b) {
      const int32_t begin = whole.batch.offsets[b], length = whole.batch.offsets[b + 1] - begin;
      const int32_t cut = 2,
                    left = length - cut;  // direction 0 has done the first two tokens, direction 1 the last two
      append(states, expected.states, begin + cut - 1, 0);
      append(states, expected.states, begin + left, 1);
      append(cells, expected.cells, begin + cut - 1, 0);
      append(cells, expected.cells, begin + left, 1);
      for (int32_t t = 0; t < left; ++t) {
        rest.token_ids.push_back(0);
        rest.unique_row.push_back(whole.batch.unique_row[begin + cut + t]);
        backward_row.push_back(whole.batch.unique_row[begin + t]);
        append(of_whole, expected.states, begin + cut + t, 0);
        append(of_whole, expected.states, begin + t, 1);
      }
      rest.offsets.push_back(rest.offsets.back() + left);
    }
    const int32_t tokens = rest.tokens();
    rest.unique_row.insert(rest.unique_row.end(), backward_row.begin(), backward_row.end());
    const DeviceArray<int32_t> offsets(test_device(), rest.offsets), rows(test_device(), rest.unique_row);
    const DeviceArray<float> table(test_device(), whole.table), weight_hh(test_device(), whole.weight_hh),
        initial_states(test_device(), states), initial_cells(test_device(), cells),
        result(test_device(), padded_rows(tokens) * 2 * hidden),
        workspace(test_device(), bilstm_workspace(hidden, rest.sequences()));
    BiLstmForward forward = {.batch = {.sequences = rest.sequences(),
                                       .tokens = tokens,
                                       .longest = rest.offsets[1],
                                       .unique = rest.unique(),
                                       .offsets = offsets,
                                       .unique_ids = {},
                                       .unique_row = rows,
                                       .occurrence_offsets = {},
                                       .occurrences = {}},
                             .hidden = hidden,
                             .table = table,
                             .weight_hh = weight_hh,
                             .states = result,
                             .gates = {},
                             .cells = {},
                             .previous = {},
                             .workspace = workspace,
                             .backward_row_shift = tokens,
                             .initial_states = initial_states,
                             .initial_cells = initial_cells};
    Device device = test_device();
    for (const int models : {1, 40, 80}) {  // several sequences per block
      device.models = models;
      bilstm_forward(device, forward);
      check_same_bytes(head(result.host(), std::ssize(of_whole)), of_whole, fmt::format("H {}", hidden));
    }
    forward.gates = result;
    CHECK_THROWS_AS(bilstm_forward(test_device(), forward), Error);
    forward.gates = {};
    forward.initial_cells = {};
    CHECK_THROWS_AS(bilstm_forward(test_device(), forward), Error);
    forward.initial_cells = initial_cells;
    forward.backward_row_shift = tokens + 1;
    CHECK_THROWS_AS(bilstm_forward(test_device(), forward), Error);
  }
}

TEST_CASE("bilstm: the number of sequences per block changes no byte (CUDA)" * only_on(Backend::cuda)) {
  Device device = test_device();
  // A block carries 1, 2 or 4 sequences; the number of sequences per pair of multiprocessors decides.
  for (const int32_t sequences : {3, 11}) {
    const BiLstmInputs inputs = make_inputs(head(kLengths, sequences), 128);
    device.multiprocessors = 2 * sequences;
    const Results<float> one = run(device, inputs);
    for (const int multiprocessors : {sequences + 1, 2}) {
      device.multiprocessors = multiprocessors;
      check_same(run(device, inputs), one, fmt::format("{} sequences, {} SMs", sequences, multiprocessors));
    }
    device.multiprocessors = 2 * sequences;
    for (device.models = 2; device.models <= 2 * sequences; device.models *= 3) {
      check_same(run(device, inputs), one, fmt::format("{} sequences, {} models", sequences, device.models));
    }
    device.models = 1;
  }
}

TEST_CASE("bilstm: bf16x3 against fp32 (CUDA)" * only_on(Backend::cuda)) {
  const Device device = test_device();
  for (const size_t sequences : {1, 7, 8, 9, 33}) {
    std::vector<int32_t> lengths;
    for (size_t i = 0; i < sequences; ++i) lengths.push_back(kLengths[i * kLengths.size() / sequences]);
    check_bf16x3(device, lengths);
  }
}

TEST_CASE("bilstm: with bf16x3, too, a single sequence has the bytes that it has in a batch (CUDA)" *
          only_on(Backend::cuda)) {
  const Device device = test_device();
  const BiLstmInputs inputs = make_inputs(kLengths, kBf16x3Hidden);
  const Results<float> batch = run(device, inputs, false, Precision::bf16x3);
  for (const int32_t b : {4, 10}) check_alone_as_in_batch(device, inputs, batch, b, Precision::bf16x3);
  check_same_bytes(run(device, inputs, true, Precision::bf16x3).states, batch.states, "states of evaluation");
}

TEST_CASE("bilstm: a factor of bf16x3 that is not finite shows in the result (CUDA)" * only_on(Backend::cuda)) {
  const Device device = test_device();
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    BiLstmInputs inputs = make_inputs({3, 3}, kBf16x3Hidden);
    inputs.weight_hh[0] = value;
    const Results<float> results = run(device, inputs, false, Precision::bf16x3);
    CHECK(std::isnan(results.gates[8 * kBf16x3Hidden]));  // gate i of unit 0 at the second token
  }
}

TEST_CASE("bilstm: bf16x3 is refused where it cannot be computed") {
  const Device device = test_device();
  const int32_t hidden = device.backend == Backend::cuda ? 16 : 128;
  const char* reason =
      device.backend == Backend::cuda ? "H = 16: bf16x3 is computed for H = 128 only" : "CUDA devices only";
  CHECK_THROWS_WITH_AS(run(device, make_inputs({3}, hidden), true, Precision::bf16x3), doctest::Contains(reason),
                       Error);
  BiLstmBackward args;
  args.hidden = hidden;
  args.precision = Precision::bf16x3;
  CHECK_THROWS_WITH_AS(device.backend == Backend::cuda ? cuda::bilstm_backward(device, args)
                                                       : cpu_baseline::bilstm_backward(device, args),
                       doctest::Contains(reason), Error);
}

TEST_CASE("bilstm: a batch with more tokens or ids than can be indexed is refused (CUDA)" * only_on(Backend::cuda)) {
  const Device device = test_device();
  for (const Precision precision : {Precision::fp32, Precision::bf16x3}) {
    BiLstmForward forward;
    BiLstmBackward backward;
    forward.hidden = backward.hidden = kBf16x3Hidden;
    forward.precision = backward.precision = precision;
    forward.batch.unique = backward.batch.tokens = 1 << 22;
    const auto reason = doctest::Contains("are too large for H = 128 on CUDA, at most 4194303 each");
    CHECK_THROWS_WITH_AS(cuda::bilstm_forward(device, forward), reason, Error);
    CHECK_THROWS_WITH_AS(cuda::bilstm_backward(device, backward), reason, Error);
  }
}

TEST_CASE("bilstm: bf16x3 is refused by a device with less shared memory than it takes (emulator)" *
          doctest::skip(std::getenv("NOTNOT_SIMT_SHARED_KIB") == nullptr)) {
  const Device device = test_device();
  const char* kib = std::getenv("NOTNOT_SIMT_SHARED_KIB");
  const int there = kib == nullptr ? 0 : 1024 * std::atoi(kib);
  const auto reason = [there](int takes) {
    return fmt::format("bf16x3 takes {} bytes of shared memory per block, device 0 has {}; use fp32", takes, there);
  };
  CHECK_THROWS_WITH_AS(run(device, make_inputs({3}, kBf16x3Hidden), true, Precision::bf16x3),
                       doctest::Contains(reason(107'024).c_str()), Error);
  BiLstmBackward args;
  args.hidden = kBf16x3Hidden;
  args.precision = Precision::bf16x3;
  CHECK_THROWS_WITH_AS(cuda::bilstm_backward(device, args), doctest::Contains(reason(131'344).c_str()), Error);
}

TEST_CASE("bilstm: recurrent weights that are not aligned are refused") {
  const Device device = test_device();
  const BiLstmCase arrays(device, make_inputs({3}, 4), true);
  const DeviceArray<float> parameters(device, int64_t{8} * 4 * 4 + 4);
  for (int64_t offset = 1; offset < kWeightOffset; ++offset) {
    BiLstmForward forward = arrays.forward();
    BiLstmBackward backward = arrays.backward();
    forward.weight_hh = backward.weight_hh = parameters.span().subspan(offset, arrays.weight_hh.span().size);
    const auto reason = doctest::Contains("`weight_hh` does not begin at a multiple of 16 bytes");
    CHECK_THROWS_WITH_AS(bilstm_forward(device, forward), reason, Error);
    CHECK_THROWS_WITH_AS(bilstm_backward(device, backward), reason, Error);
  }
}

TEST_CASE("bilstm: a hidden size that no kernel takes is named (CUDA)" * only_on(Backend::cuda)) {
  const Device device = test_device();
  BiLstmForward args;
  args.hidden = 2049;
  CHECK_THROWS_WITH_AS(cuda::bilstm_forward(device, args), doctest::Contains("H = 2049: at most 2048"), Error);
}

TEST_CASE("bilstm: the cell's backward is the derivative of its forward") {
  const std::vector<double> inputs = {0.3, -0.7, 0.4, 1.1, -0.6};  // z_i, z_f, z_g, z_o, c'
  const double dh = 0.8, dcell = -1.3, step = 1e-5;
  const auto value = [&](const std::vector<double>& x) {
    const auto gates = lstm_gates(x[0], x[1], x[2], x[3]);
    const double cell = lstm_cell(gates, x[4]);
    return dh * lstm_output(gates, cell) + dcell * cell;
  };
  const auto gates = lstm_gates(inputs[0], inputs[1], inputs[2], inputs[3]);
  const auto gradient = lstm_backward(gates, lstm_cell(gates, inputs[4]), inputs[4], dh, dcell);
  const double analytic[5] = {gradient.dz.i, gradient.dz.f, gradient.dz.g, gradient.dz.o, gradient.dprevious_cell};
  for (size_t i = 0; i < inputs.size(); ++i) {
    auto up = inputs, down = inputs;
    up[i] += step;
    down[i] -= step;
    CHECK(std::abs((value(up) - value(down)) / (2 * step) - analytic[i]) < 1e-9);
  }
}

}  // namespace notnot
