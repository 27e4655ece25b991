#pragma once
// The safetensors format: 8 bytes little-endian header length, a JSON header {name: {dtype, shape, data_offsets}}, raw
// data. Source: the format's public description. Used for models (the authors' PyTorch parameter names), checkpoints
// and attention files.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/io/column.h"
#include "engine/io/files.h"

namespace notnot {

/// `u8` is for the bytes of texts.
enum class DType : uint8_t { f32, f64, i32, i64, u8 };

/// One named tensor to be written. `data` stays the caller's and must outlive the call.
struct TensorView {
  std::string name;
  DType dtype = DType::f32;
  std::vector<int64_t> shape;
  const void* data = nullptr;
  /// Instead of `data`, for a tensor that is too large for the memory: called once, hands over all of its bytes in
  /// pieces.
  std::function<void(const Sink&)> stream = {};
};

/// Writes atomically; tensors in the order given, header padded so that data starts 8-aligned; `metadata` becomes
/// `__metadata__`.
void write_safetensors(const std::filesystem::path& path, const std::vector<TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

/// A file open for reading. Opening it checks every offset, dtype and shape and the file's length; the values
/// themselves are not looked at and may be NaN. A truncated or corrupted file throws InputError that names the file,
/// the tensor and what is wrong. A pipe is refused: the file is read in parts.
class Safetensors {
 public:
  static Safetensors read(const std::filesystem::path& path);

  struct Entry {
    DType dtype = DType::f32;
    std::vector<int64_t> shape;
    size_t begin = 0, end = 0;  ///< byte range inside the data section
    int64_t elements() const;
  };
  const std::filesystem::path& path() const { return path_; }
  const std::map<std::string, Entry>& entries() const { return entries_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  bool contains(const std::string& name) const { return entries_.count(name) != 0; }
  /// The entry of the tensor `name`; throws InputError when it is missing.
  const Entry& entry(const std::string& name) const;

  /// The values converted to T (float, double, int32_t or int64_t; f32 <-> f64 and i32 <-> i64 convert, floats never
  /// become integers). Throws InputError when the tensor is missing, its type does not convert or an i64 does not fit
  /// an i32.
  template <class T>
  std::vector<T> values(const std::string& name) const;

  /// The values without reading them: they stay in the file, which is mapped into memory. The type must be T itself;
  /// U8 is char.
  /// Throws InputError when it is another, or the values are not aligned.
  template <class T>
  Column<T> column(const std::string& name) const;

  /// The SHA-256 of the file that is open here, even when another one has taken over its path.
  std::string checksum() const;

 private:
  explicit Safetensors(const std::filesystem::path& path) : path_(path), file_(path) {}

  std::filesystem::path path_;
  FileReader file_;  ///< values are read when they are asked for: a checkpoint is four times the model
  std::map<std::string, Entry> entries_;
  std::map<std::string, std::string> metadata_;
  mutable std::shared_ptr<const void> mapped_;  ///< once a column was asked for
  size_t data_begin_ = 0;                       ///< where the data section starts in the file
};

}  // namespace notnot
