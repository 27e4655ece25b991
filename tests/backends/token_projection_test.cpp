#include "kernels/token_projection.h"

#include <cmath>
#include <limits>

#include "kernels/cases/token_projection_case.h"
#include "tests/backends/backend.h"
#include "tests/support/error_model.h"

namespace notnot {
namespace {

TokenProjectionInputs make_inputs(const std::vector<int32_t>& lengths, int32_t vocabulary, int32_t embed, int32_t width,
                                  Activation activation, bool two_biases) {
  TokenProjectionInputs inputs =
      random_token_projection_inputs(make_ragged(lengths, vocabulary, 21), vocabulary, embed, width, 22);
  inputs.activation = activation;
  if (!two_biases) inputs.second_bias.clear();
  return inputs;
}

/// Forward and closed-form backward for any number type, straight from the formulas, token by token rather than id by
/// id.
template <class Real>
struct Reference {
  Reference(const TokenProjectionInputs& p, const std::vector<Real>& embedding, const std::vector<Real>& weight) {
    const auto embed = static_cast<size_t>(p.embed), width = static_cast<size_t>(p.width);
    const auto unique = p.batch.unique_ids.size();
    const bool tanh = p.activation == Activation::tanh;
    table.resize(unique * width);
    dweight.assign(width * embed, Real(kStartOfGradient));
    dbias.assign(width, Real(kStartOfGradient));
    drows.resize(unique * embed);
    for (size_t u = 0; u < unique; ++u) {
      const Real* row = &embedding[static_cast<size_t>(p.batch.unique_ids[u]) * embed];
      for (size_t j = 0; j < width; ++j) {
        Real z = p.second_bias.empty() ? Real(p.bias[j]) : Real(p.bias[j]) + Real(p.second_bias[j]);
        for (size_t k = 0; k < embed; ++k) z += weight[j * embed + k] * row[k];
        table[u * width + j] = tanh ? hyperbolic_tangent(z) : z;
      }
    }
    for (const int32_t token : test::visiting_order<Real>(p.batch.tokens())) {
      const auto n = static_cast<size_t>(token), u = static_cast<size_t>(p.batch.unique_row[n]);
      const Real* row = &embedding[static_cast<size_t>(p.batch.token_ids[n]) * embed];
      for (size_t j = 0; j < width; ++j) {
        const Real y = table[u * width + j], dvalue(p.dvalues[n * width + j]);
        const Real dz = tanh ? dvalue * (Real(1) - y * y) : dvalue;
        dbias[j] += dz;
        for (size_t k = 0; k < embed; ++k) {
          dweight[j * embed + k] += dz * row[k];
          drows[u * embed + k] += dz * weight[j * embed + k];
        }
      }
    }
  }
  std::vector<Real> table, dweight, dbias, drows;
};

struct Expected {
  test::Allowed table, dweight, dbias, drows;
};
Expected expected_of(const TokenProjectionInputs& p) {
  const auto results = test::with_allowances([&]<class Real>() {
    const Reference<Real> r(p, test::inputs<Real>(as_double(p.embedding)), test::inputs<Real>(as_double(p.weight)));
    return test::NamedValues<Real>{{"table", r.table}, {"dweight", r.dweight}, {"dbias", r.dbias}, {"drows", r.drows}};
  });
  return {results[0], results[1], results[2], results[3]};
}

/// sum over tokens of dvalues . table[token]. Backward computes the gradient of this function.
double objective(const TokenProjectionInputs& p, const std::vector<double>& embedding,
                 const std::vector<double>& weight) {
  const std::vector<double> table = Reference<double>(p, embedding, weight).table;
  const auto width = static_cast<size_t>(p.width);
  double sum = 0;
  for (size_t n = 0; n < p.batch.token_ids.size(); ++n) {
    for (size_t j = 0; j < width; ++j) {
      sum += p.dvalues[n * width + j] * table[static_cast<size_t>(p.batch.unique_row[n]) * width + j];
    }
  }
  return sum;
}

/// The table of all ids, from the embedding as it is.
std::vector<float> vocabulary_table(const Device& device, const TokenProjectionInputs& p) {
  std::vector<float> padded = p.embedding;
  padded.resize(padded_rows(p.vocabulary) * p.embed, std::numeric_limits<float>::quiet_NaN());
  const DeviceArray<float> embedding(device, padded), table(device, padded_rows(p.vocabulary) * p.width);
  const TokenProjectionCase arrays(device, p);
  TokenProjectionForward args = arrays.forward();
  args.count = p.vocabulary;
  args.rows = embedding;
  args.table = table;
  token_projection_forward(device, args);
  return head(table.host(), int64_t{p.vocabulary} * p.width);
}

struct Result {
  std::vector<float> table, dweight, dbias, second_dbias, drows;
};

Result run(const Device& device, const TokenProjectionInputs& p) {
  const TokenProjectionCase arrays(device, p);
  token_projection_forward(device, arrays.forward());
  token_projection_backward(device, arrays.backward());
  embedding_gradients(device, arrays.backward());
  add_projection_gradients(device, arrays.backward());
  const int64_t unique = p.batch.unique();
  return {head(arrays.table.host(), unique * p.width), arrays.dweight.host(), arrays.dbias.host(),
          arrays.second_dbias.host(), head(arrays.drows.host(), unique * p.embed)};
}

void check_sums(const Result& actual, const Expected& expected) {
  check_allowed(actual.dweight, expected.dweight, "");
  check_allowed(actual.dbias, expected.dbias, "");
  if (!actual.second_dbias.empty()) check_allowed(actual.second_dbias, expected.dbias, "second ");
}

void check_against_reference(const TokenProjectionInputs& p) {
  Device device = test_device();
  const Result actual = run(device, p);
  const Expected expected = expected_of(p);
  CHECK(actual.second_dbias.empty() == p.second_bias.empty());
  check_allowed(actual.table, expected.table, "");
  check_sums(actual, expected);
  check_allowed(actual.drows, expected.drows, "");
  device.threads = 3;
  const Result again = run(device, p);
  check_same_bytes(again.table, actual.table, "table, other threads");
  check_same_bytes(again.dweight, actual.dweight, "dweight, other threads");
  check_same_bytes(again.dbias, actual.dbias, "dbias, other threads");
  check_same_bytes(again.drows, actual.drows, "drows, other threads");
}

TEST_CASE("token projection against double on every shape") {
  for (const NamedLengths& shape : ragged_shapes()) {
    CAPTURE(shape.name);
    check_against_reference(make_inputs(shape.lengths, 50, 20, 72, Activation::identity, true));
    check_against_reference(make_inputs(shape.lengths, 50, 13, 129, Activation::tanh, false));
  }
}

TEST_CASE("token projection at the size of the paper's models") {
  check_against_reference(make_inputs({20, 12, 7}, 60, 300, 1024, Activation::identity, true));
}

TEST_CASE("slack behind a batch reaches no result") {
  for (const Activation activation : {Activation::identity, Activation::tanh}) {
    TokenProjectionInputs p = make_inputs({20, 12, 7}, 60, 30, 72, activation, true);
    std::fill_n(p.embedding.begin(), p.embed, 0.0F);  // the row of kPaddingId
    const Result exact = run(test_device(), p);
    TokenProjectionInputs longer = p;
    longer.batch = with_slack(p.batch, kRowTile, 70);
    longer.dvalues.resize(longer.batch.tokens() * p.width, std::numeric_limits<float>::quiet_NaN());
    const Result actual = run(test_device(), longer);
    check_same_bytes(head(actual.table, exact.table.size()), exact.table, "table");
    check_same_bytes(head(actual.drows, exact.drows.size()), exact.drows, "drows");
    check_sums(actual, expected_of(p));
  }
}

TEST_CASE("the gradient is the derivative of the forward pass") {
  const TokenProjectionInputs p = make_inputs({6, 4, 3}, 9, 5, 7, Activation::tanh, true);
  const Result actual = run(test_device(), p);
  const std::vector<double> embedding = as_double(p.embedding), weight = as_double(p.weight);
  constexpr double kStep = 1e-5;
  const auto derivative = [&](bool of_weight, size_t at) {
    double difference = 0;
    for (const double sign : {1.0, -1.0}) {
      std::vector<double> moved = of_weight ? weight : embedding;
      moved[at] += sign * kStep;
      difference += sign * (of_weight ? objective(p, embedding, moved) : objective(p, moved, weight));
    }
    return difference / (2 * kStep);
  };
  std::vector<double> dweight, drows;
  for (size_t i = 0; i < weight.size(); ++i) dweight.push_back(kStartOfGradient + derivative(true, i));
  for (const int32_t id : p.batch.unique_ids) {
    for (size_t k = 0; k < 5; ++k) drows.push_back(derivative(false, static_cast<size_t>(id) * 5 + k));
  }
  Expected expected = expected_of(p);
  expected.dweight.values = dweight;
  expected.drows.values = drows;
  check_allowed(actual.dweight, expected.dweight, "");
  check_allowed(actual.drows, expected.drows, "");
}

TEST_CASE("an id's projection does not depend on the batch") {
  const Device device = test_device();
  TokenProjectionInputs p = make_inputs({30, 28, 9, 3}, 80, 300, 256, Activation::identity, true);
  const std::vector<float> together = run(device, p).table;
  const HostRagged batch = p.batch;
  for (int32_t sequence = 0; sequence < batch.sequences(); ++sequence) {
    p.batch = select_sequences(batch, {sequence});
    p.dvalues.resize(p.batch.tokens() * 256);
    const std::vector<float> alone = run(device, p).table;
    for (int32_t n = 0; n < p.batch.tokens(); ++n) {
      const auto begin = together.begin() + batch.unique_row[batch.offsets[sequence] + n] * 256;
      const auto alone_begin = alone.begin() + p.batch.unique_row[n] * 256;
      check_same_bytes(std::vector<float>(alone_begin, alone_begin + 256), std::vector<float>(begin, begin + 256),
                       fmt::format("sequence {} token {}", sequence, n));
    }
    p = make_inputs({30, 28, 9, 3}, 80, 300, 256, Activation::identity, true);
  }
}

TEST_CASE("an id's projection is the same in a batch's table and in the vocabulary's") {
  const Device device = test_device();
  for (const int32_t vocabulary : {50, 96, 97}) {
    for (const bool encoder : {false, true}) {
      const TokenProjectionInputs p = make_inputs({30, 28, 9, 3}, vocabulary, encoder ? 300 : 13, encoder ? 256 : 129,
                                                  encoder ? Activation::identity : Activation::tanh, encoder);
      const auto width = static_cast<std::ptrdiff_t>(p.width);
      const std::vector<float> batch = run(device, p).table, all = vocabulary_table(device, p);
      for (size_t u = 0; u < p.batch.unique_ids.size(); ++u) {
        const auto row = batch.begin() + u * width;
        const auto same = all.begin() + p.batch.unique_ids[u] * width;
        check_same_bytes(std::vector<float>(row, row + width), std::vector<float>(same, same + width),
                         fmt::format("id {} of {}", p.batch.unique_ids[u], vocabulary));
      }
    }
  }
}

}  // namespace
}  // namespace notnot
