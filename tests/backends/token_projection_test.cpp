#include "kernels/token_projection.h"

#include <cmath>
#include <limits>

#include "tests/backends/backend.h"

namespace notnot {
namespace {

struct Problem {
  HostRagged batch;
  int32_t vocabulary, embed, width;
  Activation activation;
  bool two_biases;
  std::vector<float> embedding, weight, bias, second_bias, dvalues;
};

Problem make_problem(const std::vector<int32_t>& lengths, int32_t vocabulary, int32_t embed, int32_t width,
                     Activation activation, bool two_biases) {
  Problem p{make_ragged(lengths, vocabulary, 21), vocabulary, embed, width, activation, two_biases, {}, {}, {}, {}, {}};
  p.embedding = random_floats(int64_t{vocabulary} * embed, 22);
  p.weight = random_floats(int64_t{width} * embed, 23, 1 / std::sqrt(static_cast<float>(embed)));
  p.bias = random_floats(width, 24);
  p.second_bias = random_floats(two_biases ? width : 0, 25);
  p.dvalues = random_floats(int64_t{p.batch.tokens()} * width, 26);
  return p;
}

/// Forward and closed-form backward in double, straight from the formulas, token by token rather than id by id.
struct Reference {
  std::vector<double> table, dweight, dbias, drows;
};

Reference reference(const Problem& p, const std::vector<double>& embedding, const std::vector<double>& weight) {
  const auto embed = static_cast<size_t>(p.embed), width = static_cast<size_t>(p.width);
  const auto unique = p.batch.unique_ids.size();
  Reference r{std::vector<double>(unique * width), std::vector<double>(width * embed), std::vector<double>(width),
              std::vector<double>(unique * embed)};
  for (size_t u = 0; u < unique; ++u) {
    const double* row = &embedding[static_cast<size_t>(p.batch.unique_ids[u]) * embed];
    for (size_t j = 0; j < width; ++j) {
      double z = p.bias[j] + (p.two_biases ? double{p.second_bias[j]} : 0.0);
      for (size_t k = 0; k < embed; ++k) z += weight[j * embed + k] * row[k];
      r.table[u * width + j] = p.activation == Activation::tanh ? std::tanh(z) : z;
    }
  }
  for (size_t n = 0; n < p.batch.token_ids.size(); ++n) {
    const auto u = static_cast<size_t>(p.batch.unique_row[n]);
    const double* row = &embedding[static_cast<size_t>(p.batch.token_ids[n]) * embed];
    for (size_t j = 0; j < width; ++j) {
      const double y = r.table[u * width + j];
      const double dz = p.dvalues[n * width + j] * (p.activation == Activation::tanh ? 1 - y * y : 1.0);
      r.dbias[j] += dz;
      for (size_t k = 0; k < embed; ++k) {
        r.dweight[j * embed + k] += dz * row[k];
        r.drows[u * embed + k] += dz * weight[j * embed + k];
      }
    }
  }
  return r;
}

/// sum over tokens of dvalues . table[token]: the function whose gradient backward computes.
double objective(const Problem& p, const std::vector<double>& embedding, const std::vector<double>& weight) {
  const std::vector<double> table = reference(p, embedding, weight).table;
  const auto width = static_cast<size_t>(p.width);
  double sum = 0;
  for (size_t n = 0; n < p.batch.token_ids.size(); ++n) {
    for (size_t j = 0; j < width; ++j) {
      sum += p.dvalues[n * width + j] * table[static_cast<size_t>(p.batch.unique_row[n]) * width + j];
    }
  }
  return sum;
}

/// What the projections of ids need.
struct Weights {
  Weights(const Device& device, const Problem& p)
      : weight(device, p.weight),
        transposed(device, p.embed * weight_stride(p.width)),
        bias(device, p.bias),
        second_bias(device, p.second_bias) {
    transpose(
        device,
        {.rows = p.width, .columns = p.embed, .to_stride = weight_stride(p.width), .from = weight, .to = transposed});
  }
  void project(const Device& device, const Problem& p, int32_t count, const DeviceArray<float>& rows,
               const DeviceArray<float>& table) const {
    token_projection_forward(device, {.count = count,
                                      .embed = p.embed,
                                      .width = p.width,
                                      .activation = p.activation,
                                      .rows = rows,
                                      .weight_transposed = transposed,
                                      .bias = bias,
                                      .second_bias = second_bias,
                                      .table = table});
  }
  DeviceArray<float> weight, transposed, bias, second_bias;
};

/// The table of all ids, from the embedding as it is.
std::vector<float> vocabulary_table(const Device& device, const Problem& p) {
  std::vector<float> padded = p.embedding;
  padded.resize(static_cast<size_t>(padded_rows(p.vocabulary) * p.embed), std::numeric_limits<float>::quiet_NaN());
  const DeviceArray<float> embedding(device, padded), table(device, padded_rows(p.vocabulary) * p.width);
  Weights(device, p).project(device, p, p.vocabulary, embedding, table);
  return head(table.host(), int64_t{p.vocabulary} * p.width);
}

struct Result {
  std::vector<float> table, dweight, dbias, second_dbias, drows;
};

Result run(const Device& device, const Problem& p) {
  const DeviceRagged ragged(device, p.batch);
  const int64_t unique = p.batch.unique(), padded = padded_rows(unique), weights = int64_t{p.embed} * p.width;
  const DeviceArray<float> embedding(device, p.embedding), dvalues(device, p.dvalues);
  const Weights parameters(device, p);
  const DeviceArray<float> rows(device, padded * p.embed), table(device, padded * p.width);
  const DeviceArray<float> dtable(device, padded * p.width), drows(device, padded * p.embed);
  // Gradients accumulate: they start at 1, which is taken off below.
  const auto ones = [](int64_t size) { return std::vector<float>(static_cast<size_t>(size), 1.0F); };
  const DeviceArray<float> dweight(device, ones(weights)), dbias(device, ones(p.width));
  const DeviceArray<float> second_dbias(device, ones(p.two_biases ? p.width : 0));
  const DeviceArray<float> workspace(device, column_sum_workspace(unique, p.width));
  gather_rows(device, {.count = p.batch.unique(),
                       .columns = p.embed,
                       .from_rows = p.vocabulary,
                       .from = embedding,
                       .rows = ragged.batch().unique_ids,
                       .to = rows});
  parameters.project(device, p, p.batch.unique(), rows, table);
  token_projection_backward(device, {.batch = ragged.batch(),
                                     .embed = p.embed,
                                     .width = p.width,
                                     .activation = p.activation,
                                     .rows = rows,
                                     .table = table,
                                     .weight = parameters.weight,
                                     .dvalues = dvalues,
                                     .dtable = dtable,
                                     .dweight = dweight,
                                     .dbias = dbias,
                                     .second_dbias = second_dbias,
                                     .drows = drows,
                                     .workspace = workspace});
  return {head(table.host(), unique * p.width), dweight.host(), dbias.host(), second_dbias.host(),
          head(drows.host(), unique * p.embed)};
}

std::vector<double> plus_one(std::vector<double> values) {
  for (double& value : values) value += 1;
  return values;
}

void check_against_reference(const Problem& p) {
  Device device = test_device();
  const Result actual = run(device, p);
  const Reference expected = reference(p, as_double(p.embedding), as_double(p.weight));
  check_close(actual.table, expected.table, 2e-6, "table");
  check_close(actual.dweight, plus_one(expected.dweight), 4e-6, "dweight");
  check_close(actual.dbias, plus_one(expected.dbias), 4e-6, "dbias");
  check_close(actual.second_dbias, p.two_biases ? plus_one(expected.dbias) : std::vector<double>(), 4e-6,
              "second_dbias");
  check_close(actual.drows, expected.drows, 4e-6, "drows");
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
    check_against_reference(make_problem(shape.lengths, 50, 20, 72, Activation::identity, true));
    check_against_reference(make_problem(shape.lengths, 50, 13, 129, Activation::tanh, false));
  }
}

TEST_CASE("token projection at the size of the paper's models") {
  check_against_reference(make_problem({20, 12, 7}, 60, 300, 1024, Activation::identity, true));
}

TEST_CASE("room behind a batch reaches no result") {
  for (const Activation activation : {Activation::identity, Activation::tanh}) {
    Problem p = make_problem({20, 12, 7}, 60, 30, 72, activation, true);
    std::fill_n(p.embedding.begin(), p.embed, 0.0F);  // of kPaddingId
    const Result exact = run(test_device(), p);
    Problem roomy = p;
    roomy.batch = with_slack(p.batch, kRowTile, 70);
    roomy.dvalues.resize(static_cast<size_t>(roomy.batch.tokens() * p.width), std::numeric_limits<float>::quiet_NaN());
    const Result actual = run(test_device(), roomy);
    check_same_bytes(head(actual.table, static_cast<int64_t>(exact.table.size())), exact.table, "table");
    check_same_bytes(head(actual.drows, static_cast<int64_t>(exact.drows.size())), exact.drows, "drows");
    check_close(actual.dweight, as_double(exact.dweight), 4e-6, "dweight");
    check_close(actual.dbias, as_double(exact.dbias), 4e-6, "dbias");
    check_close(actual.second_dbias, as_double(exact.second_dbias), 4e-6, "second_dbias");
  }
}

TEST_CASE("the gradient is the derivative of the forward pass") {
  const Problem p = make_problem({6, 4, 3}, 9, 5, 7, Activation::tanh, true);
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
  for (size_t i = 0; i < weight.size(); ++i) dweight.push_back(1 + derivative(true, i));
  for (const int32_t id : p.batch.unique_ids) {
    for (size_t k = 0; k < 5; ++k) drows.push_back(derivative(false, static_cast<size_t>(id) * 5 + k));
  }
  check_close(actual.dweight, dweight, 4e-6, "dweight");
  check_close(actual.drows, drows, 4e-6, "drows");
}

TEST_CASE("an id's projection does not depend on the batch") {
  const Device device = test_device();
  Problem p = make_problem({30, 28, 9, 3}, 80, 300, 256, Activation::identity, true);
  const std::vector<float> together = run(device, p).table;
  const HostRagged batch = p.batch;
  for (int32_t sequence = 0; sequence < batch.sequences(); ++sequence) {
    p.batch = select_sequences(batch, {sequence});
    p.dvalues.resize(static_cast<size_t>(p.batch.tokens()) * 256);
    const std::vector<float> alone = run(device, p).table;
    for (int32_t n = 0; n < p.batch.tokens(); ++n) {
      const auto begin = together.begin() +
                         batch.unique_row[static_cast<size_t>(batch.offsets[static_cast<size_t>(sequence)] + n)] * 256;
      const auto alone_begin = alone.begin() + p.batch.unique_row[static_cast<size_t>(n)] * 256;
      check_same_bytes(std::vector<float>(alone_begin, alone_begin + 256), std::vector<float>(begin, begin + 256),
                       fmt::format("sequence {} token {}", sequence, n));
    }
    p = make_problem({30, 28, 9, 3}, 80, 300, 256, Activation::identity, true);
  }
}

TEST_CASE("an id's projection is the same in a batch's table and in the vocabulary's") {
  const Device device = test_device();
  for (const int32_t vocabulary : {50, 96, 97}) {
    for (const bool encoder : {false, true}) {
      const Problem p = make_problem({30, 28, 9, 3}, vocabulary, encoder ? 300 : 13, encoder ? 256 : 129,
                                     encoder ? Activation::identity : Activation::tanh, encoder);
      const auto width = static_cast<std::ptrdiff_t>(p.width);
      const std::vector<float> batch = run(device, p).table, all = vocabulary_table(device, p);
      for (size_t u = 0; u < p.batch.unique_ids.size(); ++u) {
        const auto row = batch.begin() + static_cast<std::ptrdiff_t>(u) * width;
        const auto same = all.begin() + p.batch.unique_ids[u] * width;
        check_same_bytes(std::vector<float>(row, row + width), std::vector<float>(same, same + width),
                         fmt::format("id {} of {}", p.batch.unique_ids[u], vocabulary));
      }
    }
  }
}

}  // namespace
}  // namespace notnot
