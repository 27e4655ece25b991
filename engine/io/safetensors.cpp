#include "engine/io/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <type_traits>

#include "engine/io/checksum.h"
#include "engine/io/file_kind.h"
#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/json.h"
#include "engine/io/memory.h"
#include "engine/io/stop.h"
#include "kernels/base/error.h"

namespace notnot {
namespace {

static_assert(std::endian::native == std::endian::little,
              "safetensors files are little-endian and are copied as they are");

using Json = nlohmann::json;

constexpr size_t kLengthBytes = 8;
constexpr const char* kMetadata = "__metadata__";
constexpr uint64_t kLongestHeader = 100'000'000;  // the format's own limit

struct DTypeInfo {
  DType dtype;
  std::string_view name;
  size_t bytes;
};
constexpr std::array<DTypeInfo, 5> kDTypes = {{{DType::f32, "F32", 4},
                                               {DType::f64, "F64", 8},
                                               {DType::i32, "I32", 4},
                                               {DType::i64, "I64", 8},
                                               {DType::u8, "U8", 1}}};

const DTypeInfo& info(DType dtype) { return kDTypes[static_cast<size_t>(dtype)]; }

/// The number of elements and of bytes, or false when either is beyond what 63 bits hold.
bool measure(const std::vector<int64_t>& shape, DType dtype, int64_t& elements, int64_t& bytes) {
  elements = 1;
  for (const int64_t extent : shape) {
    if (__builtin_mul_overflow(elements, extent, &elements)) return false;
  }
  return !__builtin_mul_overflow(elements, info(dtype).bytes, &bytes);
}

/// Throws InputError about one damaged file.
class Complaint {
 public:
  explicit Complaint(const std::filesystem::path& path) : path_(path) {}
  [[noreturn]] void damaged(const std::string& what) const {
    throw InputError(
        fmt::format("{} is not a readable safetensors file: {}; copy or create it again", path_.string(), what));
  }
  [[noreturn]] void half(const std::string& tensor, const std::string& dtype) const {
    throw InputError(
        fmt::format("{}: tensor `{}` is {}, which is not read; convert it to float32 (in PyTorch "
                    "tensor.float())",
                    path_.string(), tensor, dtype));
  }
  [[noreturn]] void damaged(const std::string& tensor, const std::string& what) const {
    damaged(fmt::format("tensor `{}`: {}", tensor, what));
  }

 private:
  const std::filesystem::path& path_;
};

/// The header as JSON.
Json parse_header(std::string_view text, const Complaint& complaint) {
  ParsedJson header = parse_json(text);
  if (!header.fault.empty()) complaint.damaged(fmt::format("its header is not JSON ({})", header.fault));
  if (!header.value.is_object()) complaint.damaged("the header is not a JSON object");
  return std::move(header.value);
}

const Json& member(const Json& entry, const char* key, const std::string& tensor, const Complaint& complaint) {
  const auto found = entry.find(key);
  if (found == entry.end()) complaint.damaged(tensor, fmt::format("`{}` is missing", key));
  return *found;
}

/// An array of integers that are not negative.
std::vector<int64_t> integers(const Json& entry, const char* key, const std::string& tensor,
                              const Complaint& complaint) {
  const Json& array = member(entry, key, tensor, complaint);
  std::vector<int64_t> result;
  const auto is_valid = [](const Json& value) {
    return value.is_number_unsigned() && value.get<uint64_t>() <= uint64_t{std::numeric_limits<int64_t>::max()};
  };
  if (!array.is_array() || !std::all_of(array.begin(), array.end(), is_valid)) {
    complaint.damaged(tensor, fmt::format("`{}` is not a list of integers from 0 to 2^63 - 1", key));
  }
  for (const Json& value : array) result.push_back(value.get<int64_t>());
  return result;
}

DType parse_dtype(const Json& entry, const std::string& tensor, const Complaint& complaint) {
  const Json& name = member(entry, "dtype", tensor, complaint);
  if (!name.is_string()) complaint.damaged(tensor, "`dtype` is not a string");
  const auto& text = name.get_ref<const std::string&>();
  for (const DTypeInfo& known : kDTypes) {
    if (known.name == text) return known.dtype;
  }
  if (text == "F16" || text == "BF16") complaint.half(tensor, text);
  complaint.damaged(tensor, fmt::format("dtype {} is not one of F32, F64, I32, I64, U8", text));
}

Safetensors::Entry parse_entry(const Json& json, const std::string& tensor, size_t data_size,
                               const Complaint& complaint) {
  if (!json.is_object()) complaint.damaged(tensor, "its entry in the header is not a JSON object");
  Safetensors::Entry entry;
  entry.dtype = parse_dtype(json, tensor, complaint);
  entry.shape = integers(json, "shape", tensor, complaint);
  const std::vector<int64_t> range = integers(json, "data_offsets", tensor, complaint);
  if (range.size() != 2 || range[0] > range[1]) complaint.damaged(tensor, "`data_offsets` is not [begin, end]");
  entry.begin = range[0];
  entry.end = range[1];
  if (entry.end > data_size) {
    complaint.damaged(tensor,
                      fmt::format("its data ends at byte {} of {}: the file is cut short", entry.end, data_size));
  }
  int64_t elements = 0, bytes = 0;
  if (!measure(entry.shape, entry.dtype, elements, bytes) || static_cast<size_t>(bytes) != entry.end - entry.begin) {
    complaint.damaged(
        tensor, fmt::format("shape [{}] of {} does not take the {} bytes it is given", fmt::join(entry.shape, ", "),
                            info(entry.dtype).name, entry.end - entry.begin));
  }
  return entry;
}

/// The format allows no overlap and no byte outside a tensor.
void check_tiling(const std::map<std::string, Safetensors::Entry>& entries, size_t data_size,
                  const Complaint& complaint) {
  std::vector<std::pair<std::pair<size_t, size_t>, std::string>> ranges;
  ranges.reserve(entries.size());
  for (const auto& [name, entry] : entries) ranges.push_back({{entry.begin, entry.end}, name});
  std::sort(ranges.begin(), ranges.end());
  size_t expected = 0;
  for (const auto& [range, name] : ranges) {
    if (range.first != expected) {
      const char* fault = range.first < expected ? "overlaps another tensor" : "leaves a gap before it";
      complaint.damaged(name,
                        fmt::format("its data begins at byte {} and {} ({} expected)", range.first, fault, expected));
    }
    expected = range.second;
  }
  if (expected != data_size) {
    complaint.damaged(fmt::format("{} bytes follow the last tensor", data_size - expected));
  }
}

std::map<std::string, std::string> parse_metadata(const Json& json, const Complaint& complaint) {
  std::map<std::string, std::string> metadata;
  if (!json.is_object()) complaint.damaged("`__metadata__` is not a JSON object");
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string()) complaint.damaged(fmt::format("`__metadata__`: the value of `{}` is not a string", key));
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

std::string make_header(const std::vector<TensorView>& tensors, const std::map<std::string, std::string>& metadata,
                        std::vector<size_t>& sizes) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[kMetadata] = metadata;
  int64_t begin = 0;
  for (const TensorView& tensor : tensors) {
    int64_t elements = 0, bytes = 0;
    NOTNOT_CHECK(tensor.name != kMetadata && !header.contains(tensor.name), "tensor name `{}` is taken", tensor.name);
    NOTNOT_CHECK(std::all_of(tensor.shape.begin(), tensor.shape.end(), [](int64_t extent) { return extent >= 0; }) &&
                     measure(tensor.shape, tensor.dtype, elements, bytes),
                 "tensor `{}` has the impossible shape [{}]", tensor.name, fmt::join(tensor.shape, ", "));
    NOTNOT_CHECK(tensor.data != nullptr || tensor.stream || bytes == 0, "tensor `{}` has no data", tensor.name);
    header[tensor.name] = {
        {"dtype", info(tensor.dtype).name}, {"shape", tensor.shape}, {"data_offsets", {begin, begin + bytes}}};
    sizes.push_back(bytes);
    begin += bytes;
  }
  // Metadata may hold a path that is not UTF-8; that is no reason to lose a model.
  std::string text = header.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

void write_data(const TensorView& tensor, size_t size, const Sink& sink) {
  if (!tensor.stream) return sink({static_cast<const char*>(tensor.data), size});
  size_t written = 0;
  tensor.stream([&](std::string_view piece) {
    written += piece.size();
    sink(piece);
  });
  NOTNOT_CHECK(written == size, "tensor `{}` has {} bytes, and its shape takes {}", tensor.name, written, size);
}

template <class From, class To>
constexpr bool kConverts = std::is_floating_point_v<From> == std::is_floating_point_v<To>;

template <class T>
std::string_view type_name() {
  if constexpr (std::is_same_v<T, char>) return "U8";
  if constexpr (std::is_floating_point_v<T>) return sizeof(T) == 4 ? "F32" : "F64";
  return sizeof(T) == 4 ? "I32" : "I64";
}

/// Throws InputError that names what the file is if it is certainly something else.
void check_kind(const std::filesystem::path& path, const FileReader& file) {
  std::string beginning(std::min<uint64_t>(file.size(), kTellingBytes), '\0');
  file.read(0, beginning.size(), beginning.data());
  if (is_safetensors(beginning)) return;
  const std::string kind = is_web_page(beginning) ? "a web page; download the file again" : what_else(beginning);
  if (kind.empty()) return;
  throw InputError(fmt::format("{} looks like {} (a safetensors file is needed, as safetensors.torch.save_file writes)",
                               path.string(), kind));
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const std::vector<TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<size_t> sizes;
  const std::string header = make_header(tensors, metadata, sizes);
  write_atomically(path, [&](const Sink& sink) {
    const uint64_t length = header.size();
    sink({reinterpret_cast<const char*>(&length), kLengthBytes});
    sink(header);
    for (size_t i = 0; i < tensors.size(); ++i) write_data(tensors[i], sizes[i], sink);
  });
}

Safetensors Safetensors::read(const std::filesystem::path& path) {
  Safetensors result(path);
  const Complaint complaint(path);
  const FileReader& file = result.file_;
  if (file.size() < kLengthBytes) complaint.damaged(fmt::format("{} bytes are too few for a header", file.size()));
  check_kind(path, file);
  uint64_t length = 0;
  file.read(0, kLengthBytes, &length);
  if (length > file.size() - kLengthBytes) {
    complaint.damaged(
        fmt::format("the header should have {} bytes, but only {} follow", length, file.size() - kLengthBytes));
  }
  if (length > kLongestHeader)
    complaint.damaged(fmt::format("a header of {} bytes, where {} are the most", length, kLongestHeader));
  std::string text(length, '\0');
  file.read(kLengthBytes, text.size(), text.data());
  result.data_begin_ = kLengthBytes + text.size();
  const size_t data_size = file.size() - result.data_begin_;
  const Json header = parse_header(text, complaint);
  for (const auto& [name, json] : header.items()) {
    check_stop();
    if (name == kMetadata) {
      result.metadata_ = parse_metadata(json, complaint);
    } else {
      result.entries_[name] = parse_entry(json, name, data_size, complaint);
    }
  }
  check_tiling(result.entries_, data_size, complaint);
  return result;
}

int64_t Safetensors::Entry::elements() const {
  int64_t product = 1;
  for (const int64_t extent : shape) product *= extent;
  return product;
}

const Safetensors::Entry& Safetensors::entry(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    throw InputError(
        fmt::format("{} has no tensor `{}`; give a file that was written for this purpose", path_.string(), name));
  }
  return found->second;
}

template <class T>
std::vector<T> Safetensors::values(const std::string& name) const {
  const Entry& source = entry(name);
  check_memory(source.elements(), sizeof(T), fmt::format("tensor `{}` of {}", name, path_.string()));
  std::vector<T> result(source.elements());
  const auto copy = [&]<class From>(From) {
    if constexpr (!kConverts<From, T>) {
      throw InputError(fmt::format("{}: tensor `{}` is {} and cannot be read as {}; give a file with that type",
                                   path_.string(), name, info(source.dtype).name, type_name<T>()));
    } else {
      if constexpr (std::is_same_v<From, T>) {
        file_.read(data_begin_ + source.begin, source.end - source.begin, result.data());
        return;
      }
      std::vector<From> stored(result.size());
      file_.read(data_begin_ + source.begin, source.end - source.begin, stored.data());
      for (size_t i = 0; i < result.size(); ++i) {
        result[i] = static_cast<T>(stored[i]);
        if constexpr (sizeof(T) < sizeof(From) && std::is_integral_v<T>) {
          if (result[i] != stored[i]) {
            throw InputError(fmt::format("{}: tensor `{}`: element {} is {}, beyond 32 bits; store smaller numbers",
                                         path_.string(), name, i, stored[i]));
          }
        }
      }
    }
  };
  switch (source.dtype) {
    case DType::f32:
      copy(float{});
      break;
    case DType::f64:
      copy(double{});
      break;
    case DType::i32:
      copy(int32_t{});
      break;
    case DType::i64:
      copy(int64_t{});
      break;
    case DType::u8:
      copy(uint8_t{});
      break;
  }
  return result;
}

template <class T>
Column<T> Safetensors::column(const std::string& name) const {
  const Entry& source = entry(name);
  const size_t begin = data_begin_ + source.begin;
  if (info(source.dtype).name != type_name<T>() || begin % alignof(T) != 0) {
    throw InputError(fmt::format("{}: tensor `{}` is {} at byte {}, where aligned {} must stand; create the file again",
                                 path_.string(), name, info(source.dtype).name, begin, type_name<T>()));
  }
  if (source.begin == source.end) return {};
  if (!mapped_) mapped_ = file_.map();
  const auto* values = reinterpret_cast<const T*>(static_cast<const char*>(mapped_.get()) + begin);
  return {mapped_, std::span(values, source.elements())};
}

std::string Safetensors::checksum() const {
  const std::shared_ptr<const void> mapped = mapped_ ? mapped_ : file_.map();
  std::string_view bytes(static_cast<const char*>(mapped.get()), file_.size());
  constexpr size_t kAtOnce = size_t{1} << 24;  // between two looks at the user's wish to stop
  Sha256 sum;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(kAtOnce, bytes.size()))) {
    check_stop();
    sum.update(bytes.substr(0, kAtOnce));
  }
  return sum.hex();
}

template Column<float> Safetensors::column(const std::string&) const;
template Column<char> Safetensors::column(const std::string&) const;
template Column<int32_t> Safetensors::column(const std::string&) const;
template Column<int64_t> Safetensors::column(const std::string&) const;

template std::vector<float> Safetensors::values(const std::string&) const;
template std::vector<double> Safetensors::values(const std::string&) const;
template std::vector<int32_t> Safetensors::values(const std::string&) const;
template std::vector<int64_t> Safetensors::values(const std::string&) const;

}  // namespace notnot
