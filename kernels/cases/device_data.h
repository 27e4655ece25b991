#pragma once
// What tests and benchmarks of operations share: arrays on a device, a comparison that NaN cannot pass, and ragged
// batches.
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
  /// Poisoned: NaN, or 0x7F7F7F7F in integers, which is no valid index anywhere.
  DeviceArray(const Device& device, int64_t size) : DeviceArray(device, poison(size)) {}
  DeviceArray(const Device& device, const std::vector<T>& values) : device_(device) {
    span_.data = static_cast<T*>(allocate(device, values.size() * sizeof(T)));
    span_.size = static_cast<int64_t>(values.size());
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
    std::memset(&value, 0x7F, sizeof value);
    if constexpr (std::is_floating_point_v<T>) value = std::numeric_limits<T>::quiet_NaN();
    return std::vector<T>(static_cast<size_t>(size), value);
  }
  Device device_;
  Span<T> span_;
};

/// Empty when every |actual - expected| <= tolerance * (largest finite |expected|, or 1 if all are 0), else what is
/// wrong, with the worst index. NaN on either side is wrong; an infinity must be met exactly.
std::string difference(const std::vector<float>& actual, const std::vector<double>& expected, double tolerance);

// --- data ------------------------------------------------------------------------------------------------------------
/// Uniform in [-scale, scale), the same on every platform.
std::vector<float> random_floats(int64_t size, uint64_t seed, float scale = 1);
std::vector<double> as_double(const std::vector<float>& values);
/// The first `count` elements.
template <class T>
std::vector<T> head(const std::vector<T>& values, int64_t count) {
  return {values.begin(), values.begin() + count};
}

/// A ragged batch on the host, its last four arrays found by the simplest means.
struct HostRagged {
  int32_t longest = 0;
  std::vector<int32_t> token_ids, offsets, unique_ids, unique_row, occurrence_offsets, occurrences;

  int32_t sequences() const { return static_cast<int32_t>(offsets.size()) - 1; }
  int32_t tokens() const { return static_cast<int32_t>(token_ids.size()); }
  int32_t unique() const { return static_cast<int32_t>(unique_ids.size()); }
};
/// Sequences of these lengths (in any order), ids below `vocabulary` (at least 5), low ids more frequent.
HostRagged make_ragged(std::vector<int32_t> lengths, int32_t vocabulary, uint64_t seed);
/// The batch made of the given sequences of another one (in ascending order).
HostRagged select_sequences(const HostRagged& batch, const std::vector<int32_t>& sequences);
/// The batch with room behind its end, see RaggedBatch.
HostRagged with_slack(HostRagged batch, int32_t tokens, int32_t unique);

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
