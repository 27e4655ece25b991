#include "kernels/cases/device_data.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

namespace notnot {
namespace {

double uniform(std::mt19937_64& generator) { return static_cast<double>(generator() >> 11) * 0x1p-53; }

}  // namespace

std::string difference(const std::vector<float>& actual, const std::vector<double>& expected, double tolerance) {
  if (actual.size() != expected.size()) return fmt::format("{} elements, not {}", actual.size(), expected.size());
  double scale = 0;
  for (const double value : expected) scale = std::isfinite(value) ? std::max(scale, std::abs(value)) : scale;
  if (scale == 0) scale = 1;
  double worst_error = 0;
  size_t worst = 0, wrong = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    const double value = actual[i];
    const double error = value == expected[i] ? 0 : std::abs(value - expected[i]) / scale;
    const bool comparable = std::isfinite(error);
    if (!(error <= tolerance)) ++wrong;
    if (comparable && !(error > worst_error)) continue;
    if (!comparable && !std::isfinite(worst_error)) continue;
    worst_error = error;
    worst = i;
  }
  if (wrong == 0) return "";
  return fmt::format(
      "{} of {} elements differ; element {} is {}, not {}: error {:.3g} of the scale {:.3g}, allowed {:.3g}", wrong,
      actual.size(), worst, actual[worst], expected[worst], worst_error, scale, tolerance);
}

std::vector<float> random_floats(int64_t size, uint64_t seed, float scale) {
  std::mt19937_64 generator(seed);
  std::vector<float> values(size);
  for (float& value : values) value = scale * static_cast<float>(2 * uniform(generator) - 1);
  return values;
}

std::vector<float> random_weights(int64_t size, uint64_t seed, int64_t fan_in) {
  return random_floats(size, seed, 1 / std::sqrt(static_cast<float>(fan_in)));
}

std::vector<float> random_log_attention(const std::vector<int32_t>& offsets, uint64_t seed) {
  constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();
  std::vector<float> logs = random_floats(offsets.back(), seed, 2);
  for (size_t b = 0; b + 1 < offsets.size(); ++b) {
    const auto begin = static_cast<size_t>(offsets[b]), end = static_cast<size_t>(offsets[b + 1]);
    double sum = 0;
    for (size_t n = begin + 1; n < end - 1; ++n) sum += std::exp(double{logs[n]});
    for (size_t n = begin + 1; n < end - 1; ++n) logs[n] = static_cast<float>(logs[n] - std::log(sum));
    logs[begin] = logs[end - 1] = kMinusInfinity;
  }
  return logs;
}

std::vector<double> as_double(const std::vector<float>& values) { return {values.begin(), values.end()}; }

std::vector<float> transposed(const std::vector<float>& values, int64_t rows, int64_t columns, int64_t stride) {
  std::vector<float> to(columns * stride, std::numeric_limits<float>::quiet_NaN());
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      to[j * stride + i] = values[i * columns + j];
    }
  }
  return to;
}

DeviceArray<float> started_gradient(const Device& device, int64_t size) {
  return {device, std::vector<float>(size, kStartOfGradient)};
}

namespace {

/// Fills in the distinct ids and their occurrences.
void find_unique(HostRagged& batch) {
  std::map<int32_t, std::vector<int32_t>> positions;
  for (int32_t n = 0; n < batch.tokens(); ++n) positions[batch.token_ids[n]].push_back(n);
  batch.unique_row.resize(batch.token_ids.size());
  batch.occurrence_offsets = {0};
  for (const auto& [id, places] : positions) {
    for (const int32_t n : places) batch.unique_row[n] = batch.unique();
    batch.unique_ids.push_back(id);
    batch.occurrences.insert(batch.occurrences.end(), places.begin(), places.end());
    batch.occurrence_offsets.push_back(batch.occurrences.size());
  }
}

}  // namespace

HostRagged make_ragged(std::vector<int32_t> lengths, int32_t vocabulary, uint64_t seed) {
  std::sort(lengths.rbegin(), lengths.rend());
  std::mt19937_64 generator(seed);
  HostRagged batch;
  batch.longest = lengths.front();
  batch.offsets = {0};
  for (const int32_t length : lengths) {
    batch.token_ids.push_back(2);
    for (int32_t word = 0; word < length - 2; ++word) {
      const double u = uniform(generator);
      batch.token_ids.push_back(4 + static_cast<int32_t>(u * u * (vocabulary - 4)));
    }
    batch.token_ids.push_back(3);
    batch.offsets.push_back(batch.tokens());
  }
  find_unique(batch);
  return batch;
}

HostRagged select_sequences(const HostRagged& batch, const std::vector<int32_t>& sequences) {
  HostRagged selected;
  selected.offsets = {0};
  for (const int32_t sequence : sequences) {
    const int32_t begin = batch.offsets[sequence];
    const int32_t end = batch.offsets[sequence + 1];
    selected.token_ids.insert(selected.token_ids.end(), batch.token_ids.begin() + begin, batch.token_ids.begin() + end);
    selected.offsets.push_back(selected.tokens());
    selected.longest = std::max(selected.longest, end - begin);
  }
  find_unique(selected);
  return selected;
}

HostRagged with_slack(HostRagged batch, int32_t tokens, int32_t unique) {
  const int32_t end = batch.tokens();
  batch.token_ids.resize(end + tokens, kPaddingId);
  batch.unique_row.resize(batch.token_ids.size(), 0);
  batch.occurrences.resize(batch.token_ids.size(), 0);
  batch.unique_ids.resize(batch.unique_ids.size() + unique, kPaddingId);
  batch.occurrence_offsets.resize(batch.unique_ids.size() + 1, end);
  return batch;
}

int32_t longest_sequence(const std::vector<int32_t>& offsets) {
  int32_t longest = 0;
  for (size_t b = 1; b < offsets.size(); ++b) longest = std::max(longest, offsets[b] - offsets[b - 1]);
  return longest;
}

const std::vector<NamedLengths>& ragged_shapes() {
  static const std::vector<NamedLengths> shapes = [] {
    std::vector<int32_t> many(33);
    for (int32_t i = 0; i < 33; ++i) many[i] = 3 + i * 7 % 23;
    static_assert(kRowTile == 48);
    return std::vector<NamedLengths>{{"one sequence", {7}},
                                     {"33 sequences", many},
                                     {"one word each", {3, 3, 3, 3, 3}},
                                     {"tile - 1 tokens", {20, 15, 12}},
                                     {"tile tokens", {21, 15, 12}},
                                     {"tile + 1 tokens", {21, 16, 12}},
                                     {"ragged", {61, 40, 40, 17, 5, 4, 3}}};
  }();
  return shapes;
}

DeviceRagged::DeviceRagged(const Device& device, const HostRagged& host)
    : offsets_(device, host.offsets),
      unique_ids_(device, host.unique_ids),
      unique_row_(device, host.unique_row),
      occurrence_offsets_(device, host.occurrence_offsets),
      occurrences_(device, host.occurrences) {
  batch_ = {.sequences = host.sequences(),
            .tokens = host.tokens(),
            .longest = host.longest,
            .unique = host.unique(),
            .offsets = offsets_,
            .unique_ids = unique_ids_,
            .unique_row = unique_row_,
            .occurrence_offsets = occurrence_offsets_,
            .occurrences = occurrences_};
}

}  // namespace notnot
