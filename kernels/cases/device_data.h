#pragma once
// Shared by tests and benchmarks of operations: arrays on a device, a comparison that NaN cannot pass, random values,
// and ragged batches. Every NAME_case.h beside this file has the arrays of one operation: NAMEInputs are its inputs on
// the host, which a test may change before they go to a device; NAMECase has them on a device, with the outputs, and
// makes the operation's arguments of them. Outputs are poisoned, gradients of parameters start at kStartOfGradient.
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "kernels/base/ragged.h"

namespace notnot {

/// `values.size()` elements of device memory, released with the object.
template <class T>
class DeviceArray {
 public:
  /// Poisoned with NaN; integers with 0x7F7F7F7F, which is no valid index of any array here.
  DeviceArray(const Device& device, int64_t size) : DeviceArray(device, poison(size)) {}
  DeviceArray(const Device& device, const std::vector<T>& values) : device_(device) {
    span_.data = static_cast<T*>(allocate(device, values.size() * sizeof(T)));
    span_.size = values.size();
    copy_to_device(device_, span_.data, values.data(), values.size() * sizeof(T));
  }
  DeviceArray(DeviceArray&& other) noexcept : device_(other.device_), span_(std::exchange(other.span_, {})) {}
  DeviceArray& operator=(DeviceArray&&) = delete;
  ~DeviceArray() { release(device_, span_.data); }

  Span<T> span() const { return span_; }
  operator Span<T>() const { return span_; }        // NOLINT(google-explicit-constructor): stands for its span in calls
  operator Span<const T>() const { return span_; }  // NOLINT(google-explicit-constructor)
  std::vector<T> host() const { return to_host(device_, span_); }

 private:
  static std::vector<T> poison(int64_t size) {
    T value;
    std::memset(static_cast<void*>(&value), 0x7F, sizeof value);
    if constexpr (std::is_floating_point_v<T>) value = std::numeric_limits<T>::quiet_NaN();
    return std::vector<T>(size, value);
  }
  Device device_;
  Span<T> span_;
};

/// Empty if every |actual - expected| <= tolerance * (largest finite |expected|, or 1 if all are 0). Otherwise it says
/// what is wrong, with the worst index. NaN on either side is wrong; an infinity must be the same infinity.
std::string difference(const std::vector<float>& actual, const std::vector<double>& expected, double tolerance);

// --- data ------------------------------------------------------------------------------------------------------------
/// Uniform in [-scale, scale), the same on every platform.
std::vector<float> random_floats(int64_t size, uint64_t seed, float scale = 1);
/// random_floats as a layer's parameters start: in [-1 / sqrt(fan_in), 1 / sqrt(fan_in)).
std::vector<float> random_weights(int64_t size, uint64_t seed, int64_t fan_in);
/// [N] logarithms of random weights that sum to 1 over each sequence's words; -infinity at its first and last token.
std::vector<float> random_log_attention(const std::vector<int32_t>& offsets, uint64_t seed);
std::vector<double> as_double(const std::vector<float>& values);
/// The transpose of a matrix [rows, columns]. Rows of the result are `stride` elements apart, with NaN between them.
std::vector<float> transposed(const std::vector<float>& values, int64_t rows, int64_t columns, int64_t stride);
/// Every gradient of parameters starts at this value, which a test's reference adds to: so a gradient that is assigned
/// instead of accumulated is found.
inline constexpr float kStartOfGradient = 0.25F;
DeviceArray<float> started_gradient(const Device& device, int64_t size);
/// The first `count` elements.
template <class T>
std::vector<T> head(const std::vector<T>& values, int64_t count) {
  return {values.begin(), values.begin() + count};
}

/// A ragged batch on the host. Plain code makes its last four arrays, so the test of find_distinct_ids compares with
/// them.
struct HostRagged {
  int32_t longest = 0;
  std::vector<int32_t> token_ids, offsets, unique_ids, unique_row, occurrence_offsets, occurrences;

  int32_t sequences() const { return offsets.size() - 1; }
  int32_t tokens() const { return token_ids.size(); }
  int32_t unique() const { return unique_ids.size(); }
};
/// Sequences of these lengths (in any order), with ids below `vocabulary` (at least 5); low ids are more frequent.
HostRagged make_ragged(std::vector<int32_t> lengths, int32_t vocabulary, uint64_t seed);
/// The batch of some sequences of another batch (in ascending order).
HostRagged select_sequences(const HostRagged& batch, const std::vector<int32_t>& sequences);
/// The batch with slack behind its end (RaggedBatch): `tokens` more tokens and `unique` more ids.
HostRagged with_slack(HostRagged batch, int32_t tokens, int32_t unique);

/// Tokens of the longest sequence.
int32_t longest_sequence(const std::vector<int32_t>& offsets);

struct NamedLengths {
  const char* name;
  std::vector<int32_t> lengths;
};
/// One sequence, 33 sequences, one word each, kRowTile - 1, kRowTile and kRowTile + 1 tokens, ragged.
const std::vector<NamedLengths>& ragged_shapes();

class DeviceRagged {
 public:
  DeviceRagged(const Device& device, const HostRagged& host);
  const RaggedBatch& batch() const { return batch_; }

 private:
  DeviceArray<int32_t> offsets_, unique_ids_, unique_row_, occurrence_offsets_, occurrences_;
  RaggedBatch batch_;
};

}  // namespace notnot
