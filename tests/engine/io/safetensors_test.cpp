#include "engine/io/safetensors.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>

#include "engine/io/checksum.h"
#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/math/random.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

namespace notnot {
namespace {

/// A file with this header text (its length filled in) and this many zero bytes of data.
std::string raw_file(const std::string& header, size_t data_bytes) {
  const uint64_t length = header.size();
  std::string file(8, '\0');
  std::memcpy(file.data(), &length, 8);
  return file + header + std::string(data_bytes, '\0');
}

/// The message with which reading `content` fails; it must name the file.
std::string complaint(const TemporaryFolder& folder, const std::string& content) {
  write_atomically(folder / "file.safetensors", content);
  try {
    Safetensors::read(folder / "file.safetensors");
  } catch (const InputError& error) {
    const std::string message = error.what();
    CHECK(message.starts_with((folder / "file.safetensors").string()));
    return message;
  }
  return "read without complaint";
}

struct Sample {
  std::vector<float> weight = {
      1.5F, -2.25F, std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity(), 0, 3};
  std::vector<int64_t> offsets = {0, int64_t{1} << 40, -7};
  std::vector<int32_t> label = {1, 0, -5};
  std::vector<double> loss = {0.1};

  void write(const std::filesystem::path& path) const {
    write_safetensors(path,
                      {{"encoder.weight", DType::f32, {2, 3}, weight.data()},
                       {"label", DType::i32, {3}, label.data()},
                       {"a", DType::i64, {3}, offsets.data()},
                       {"loss", DType::f64, {}, loss.data()},
                       {"empty", DType::f32, {0, 4}, nullptr}},
                      {{"format", "pt"}, {"note", "quotes \" and \xC3\xA9"}});
  }
};

TEST_CASE("a tensor that comes in pieces gives the same bytes, and none when it is too short or too long") {
  const TemporaryFolder folder;
  const std::vector<int32_t> values = {1, 2, 3, 4, 5, 6, 7};
  const double loss = 0.5;
  const auto write = [&](const std::string& name, size_t count) {
    const auto stream = [&](const Sink& sink) {
      for (size_t i = 0; i < count; ++i) sink({reinterpret_cast<const char*>(&values[i]), sizeof(int32_t)});
    };
    write_safetensors(folder / name, {{.name = "a", .dtype = DType::i32, .shape = {6}, .stream = stream},
                                      {"loss", DType::f64, {}, &loss}});
  };
  write_safetensors(folder / "whole", {{"a", DType::i32, {6}, values.data()}, {"loss", DType::f64, {}, &loss}});
  write("pieces", 6);
  CHECK(read_file(folder / "pieces") == read_file(folder / "whole"));
  for (const size_t count : {size_t{0}, size_t{5}, size_t{7}}) {
    CHECK_THROWS_AS(write("wrong", count), Error);
    CHECK_FALSE(std::filesystem::exists(folder / "wrong"));
  }
}

TEST_CASE("what was written is read back") {
  const TemporaryFolder folder;
  const Sample sample;
  sample.write(folder / "s.safetensors");
  const Safetensors file = Safetensors::read(folder / "s.safetensors");

  CHECK(file.entries().size() == 5);
  CHECK(file.metadata() == std::map<std::string, std::string>{{"format", "pt"}, {"note", "quotes \" and \xC3\xA9"}});
  CHECK(file.entry("encoder.weight").shape == std::vector<int64_t>{2, 3});
  CHECK(file.entry("encoder.weight").elements() == 6);
  CHECK(file.entry("loss").shape.empty());
  CHECK(file.entry("loss").elements() == 1);
  const auto weight = file.values<float>("encoder.weight");
  REQUIRE(weight.size() == 6);
  CHECK(std::memcmp(weight.data(), sample.weight.data(), 24) == 0);
  CHECK(file.values<int64_t>("a") == sample.offsets);
  CHECK(file.values<int32_t>("label") == sample.label);
  CHECK(file.values<double>("loss") == sample.loss);
  CHECK(file.values<float>("empty").empty());
  CHECK(file.contains("label"));
  CHECK_FALSE(file.contains("__metadata__"));
}

TEST_CASE("the checksum is of the file that is open, not of one that takes over its path") {
  const TemporaryFolder folder;
  const auto path = folder / "s.safetensors";
  Sample().write(path);
  const std::string sum = sha256(read_file(path));
  const Safetensors file = Safetensors::read(path);
  CHECK(file.checksum() == sum);
  write_atomically(path, "another file");
  CHECK(file.checksum() == sum);
  const Column<float> weight = file.column<float>("encoder.weight");
  CHECK(weight.size() == 6);
  CHECK(file.checksum() == sum);
}

TEST_CASE("a pipe is refused by name, before anybody waits for it") {
  const TemporaryFolder folder;
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK_HAS(input_error([&] { Safetensors::read(folder / "pipe"); }),
            (folder / "pipe").string() + ": it is a pipe, and it is read in parts, not from front to back; write it");
}

TEST_CASE("the bytes are those of the format") {
  const TemporaryFolder folder;
  const std::vector<float> one = {1.0F};
  write_safetensors(folder / "s.safetensors", {{"w", DType::f32, {1}, one.data()}});
  const std::string header = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  std::string expected = raw_file(header + std::string(8 - header.size() % 8, ' '), 4);
  expected[expected.size() - 2] = static_cast<char>(0x80);
  expected[expected.size() - 1] = 0x3F;
  CHECK(read_file(folder / "s.safetensors") == expected);
}

TEST_CASE("values convert between widths, never from floats to integers") {
  const TemporaryFolder folder;
  Sample().write(folder / "s.safetensors");
  const Safetensors file = Safetensors::read(folder / "s.safetensors");
  CHECK(file.values<float>("loss")[0] == 0.1F);
  CHECK(file.values<double>("encoder.weight")[1] == -2.25);
  CHECK(file.values<int64_t>("label") == std::vector<int64_t>{1, 0, -5});
  const std::string path = (folder / "s.safetensors").string();
  CHECK_THROWS_WITH_AS(
      file.values<int32_t>("a"),
      (path + ": tensor `a`: element 1 is 1099511627776, beyond 32 bits; store smaller numbers").c_str(), InputError);
  CHECK_THROWS_WITH_AS(file.values<int32_t>("loss"),
                       (path + ": tensor `loss` is F64 and cannot be read as I32; give a file with that type").c_str(),
                       InputError);
  CHECK_THROWS_AS(file.values<float>("label"), InputError);
  CHECK_THROWS_WITH_AS(file.values<float>("absent"),
                       (path + " has no tensor `absent`; give a file that was written for this purpose").c_str(),
                       InputError);
}

TEST_CASE("a file of another writer: any order in the header, unaligned data, no metadata") {
  const TemporaryFolder folder;
  std::string content = raw_file(R"({"z":{"data_offsets":[0,4],"shape":[1],"dtype":"I32"},)"
                                 R"("b":{"dtype":"F64","shape":[1,1],"data_offsets":[4,12]}} )",
                                 12);
  const double value = 2.5;
  std::memcpy(content.data() + content.size() - 8, &value, 8);
  write_atomically(folder / "s.safetensors", content);
  const Safetensors file = Safetensors::read(folder / "s.safetensors");
  CHECK(file.values<double>("b") == std::vector<double>{2.5});
  CHECK(file.metadata().empty());
}

TEST_CASE("our own mistakes are errors of the program") {
  const TemporaryFolder folder;
  const float value = 0;
  const auto write = [&](const std::vector<TensorView>& tensors) {
    write_safetensors(folder / "s.safetensors", tensors);
  };
  CHECK_THROWS_AS(write({{"w", DType::f32, {1}, &value}, {"w", DType::f32, {1}, &value}}), Error);
  CHECK_THROWS_AS(write({{"__metadata__", DType::f32, {1}, &value}}), Error);
  CHECK_THROWS_AS(write({{"w", DType::f32, {-1}, &value}}), Error);
  CHECK_THROWS_AS(write({{"w", DType::f32, {int64_t{1} << 62, 2}, &value}}), Error);
  CHECK_THROWS_AS(write({{"w", DType::f32, {1}, nullptr}}), Error);
  CHECK_FALSE(std::filesystem::exists(folder / "s.safetensors"));
}

TEST_CASE("the bytes of texts") {
  const TemporaryFolder folder;
  const std::string text = "caf\xC3\xA9\xFF";
  write_safetensors(folder / "s.safetensors",
                    {{"text", DType::u8, {6}, text.data()}, {"none", DType::u8, {0}, nullptr}});
  const Safetensors file = Safetensors::read(folder / "s.safetensors");
  const Column<char> bytes = file.column<char>("text");
  CHECK(std::string(bytes.begin(), bytes.end()) == text);
  CHECK(file.column<char>("none").empty());
  CHECK(file.values<int32_t>("text") == std::vector<int32_t>{'c', 'a', 'f', 0xC3, 0xA9, 0xFF});
  CHECK_HAS(input_error([&] { file.values<double>("text"); }), "tensor `text` is U8 and cannot be read as F64");
  CHECK_HAS(input_error([&] { file.column<int32_t>("text"); }), "tensor `text` is U8 at byte");
  CHECK_HAS(read_file(folder / "s.safetensors"), R"("text":{"dtype":"U8","shape":[6],"data_offsets":[0,6]})");
}

TEST_CASE("what is wrong with a damaged file is said") {
  const TemporaryFolder folder;
  const std::string tail = "; copy or create it again";
  const auto check = [&](const std::string& content, const std::string& what) {
    CAPTURE(what);
    const std::string message = complaint(folder, content);
    CHECK_MESSAGE(message.find(what) != std::string::npos, message);
    CHECK(message.ends_with(tail));
  };
  check("", "0 bytes are too few");
  check("1234567", "7 bytes are too few");
  check(std::string(8, '\xFF') + "{}", "the header should have 18446744073709551615 bytes, but only 2 follow");
  check(raw_file("{}", 0).substr(0, 9), "the header should have 2 bytes, but only 1 follow");
  check(raw_file("", 0), "its header is not JSON");
  check(raw_file("{\"w\":", 0), "its header is not JSON");
  check(raw_file("{\"\xFF\":1}", 0), "its header is not JSON");
  check(raw_file("[1]", 0), "the header is not a JSON object");
  check(raw_file("{}", 3), "3 bytes follow the last tensor");
  check(raw_file(std::string(100'000, '['), 0), "nested too deep");
  check(raw_file(R"({"w":{"dtype":{"a":1}}})", 0), "tensor `w`: `dtype` is not a string");
  check(raw_file(R"({"w":1})", 0), "tensor `w`: its entry in the header is not a JSON object");
  check(raw_file(R"({"__metadata__":{"a":1}})", 0), "the value of `a` is not a string");
  check(raw_file(R"({"__metadata__":"a"})", 0), "`__metadata__` is not a JSON object");
}

TEST_CASE("a file that is something else is named") {
  const TemporaryFolder folder;
  const std::vector<std::pair<std::string, std::string>> kinds = {
      {"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "looks like a pointer of Git LFS"},
      {"PK\x03\x04 archive/data.pkl", "looks like a Zip file"},
      {"\x1F\x8B packed with gzip", "looks like a file packed with gzip"},
      {"<!DOCTYPE html>\n<html>", "looks like a web page"}};
  for (const auto& [content, kind] : kinds) {
    write_atomically(folder / "file", content);
    const std::string message = input_error([&] { Safetensors::read(folder / "file"); });
    CHECK_HAS(message, kind);
    CHECK_HAS(message, "a safetensors file is needed");
  }
}

TEST_CASE("what is wrong with a tensor's entry is said with its name") {
  const TemporaryFolder folder;
  const auto check = [&](const std::string& header, const std::string& what) {
    CAPTURE(header);
    const std::string message = complaint(folder, raw_file(header, 16));
    CHECK_MESSAGE(message.find(what) != std::string::npos, message);
  };
  const std::string good = R"("g":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  const auto second = [&](const std::string& entry) { return "{" + good + ",\"w\":{" + entry + "}}"; };
  check(second(R"("shape":[2],"data_offsets":[8,16])"), "tensor `w`: `dtype` is missing");
  check(second(R"("dtype":3,"shape":[2],"data_offsets":[8,16])"), "tensor `w`: `dtype` is not a string");
  check(second(R"("dtype":"BF16","shape":[4],"data_offsets":[8,16])"),
        "tensor `w` is BF16, which is not read; convert it to float32 (in PyTorch tensor.float())");
  check(second(R"("dtype":"F32","data_offsets":[8,16])"), "tensor `w`: `shape` is missing");
  check(second(R"("dtype":"F32","shape":[-2],"data_offsets":[8,16])"), "tensor `w`: `shape` is not a list");
  check(second(R"("dtype":"F32","shape":[2.0],"data_offsets":[8,16])"), "tensor `w`: `shape` is not a list");
  check(second(R"("dtype":"F32","shape":[18446744073709551615],"data_offsets":[8,16])"),
        "tensor `w`: `shape` is not a list");
  check(second(R"("dtype":"F32","shape":2,"data_offsets":[8,16])"), "tensor `w`: `shape` is not a list");
  check(second(R"("dtype":"F32","shape":[2])"), "tensor `w`: `data_offsets` is missing");
  check(second(R"("dtype":"F32","shape":[2],"data_offsets":[8])"), "tensor `w`: `data_offsets` is not [begin, end]");
  check(second(R"("dtype":"F32","shape":[2],"data_offsets":[16,8])"), "tensor `w`: `data_offsets` is not [begin, end]");
  check(second(R"("dtype":"F32","shape":[4],"data_offsets":[8,24])"), "tensor `w`: its data ends at byte 24 of 16");
  check(second(R"("dtype":"F32","shape":[3],"data_offsets":[8,16])"),
        "tensor `w`: shape [3] of F32 does not take the 8 bytes");
  check(second(R"("dtype":"F64","shape":[2],"data_offsets":[8,16])"),
        "tensor `w`: shape [2] of F64 does not take the 8 bytes");
  // 2^62 x 4 elements are 0 modulo 2^64, 2^62 elements of 4 bytes too.
  check(second(R"("dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[8,8])"), "does not take the 0 bytes");
  check(second(R"("dtype":"F32","shape":[4611686018427387904],"data_offsets":[8,8])"), "does not take the 0 bytes");
  check(second(R"("dtype":"F32","shape":[3],"data_offsets":[4,16])"),
        "tensor `w`: its data begins at byte 4 and overlaps");
  check(second(R"("dtype":"F32","shape":[1],"data_offsets":[12,16])"),
        "tensor `w`: its data begins at byte 12 and leaves a gap");
  check(second(R"("dtype":"F32","shape":[1],"data_offsets":[8,12])"), "4 bytes follow the last tensor");
  check("{" + good + "," + good + "}", "its header is not JSON (\"g\" stands twice in one object)");
  check(second(R"("dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[8,16])"),
        "its header is not JSON (\"dtype\" stands twice in one object)");
}

TEST_CASE("a header is not longer than the format allows, and neither is an array than the memory") {
  const TemporaryFolder folder;
  const auto path = folder / "long.safetensors";
  const uint64_t length = 100'000'001;
  write_atomically(path, {reinterpret_cast<const char*>(&length), sizeof length});
  std::filesystem::resize_file(path, 8 + length);  // takes no space
  CHECK_HAS(input_error([&] { Safetensors::read(path); }), "a header of 100000001 bytes, where 100000000 are the most");

  const int64_t terabytes = int64_t{4} << 40;
  const std::string entry = fmt::format(R"({{"w":{{"dtype":"U8","shape":[{0}],"data_offsets":[0,{0}]}}}})", terabytes);
  write_atomically(path, raw_file(entry, 0));
  const auto header = std::filesystem::file_size(path);
  std::error_code error;
  std::filesystem::resize_file(path, header + terabytes, error);
  if (error) return;  // a file system without such files
  const Safetensors file = Safetensors::read(path);
  CHECK_HAS(input_error([&] { (void)file.values<int64_t>("w"); }), "takes 33554432 MiB, and the machine has");
}

TEST_CASE("a header of very many tensors is read in time") {
  const TemporaryFolder folder;
  constexpr int kTensors = 30000;
  std::string header = "{";
  for (int i = 0; i < kTensors; ++i) {
    header +=
        fmt::format(R"({}"t{}":{{"dtype":"U8","shape":[1],"data_offsets":[{},{}]}})", i == 0 ? "" : ",", i, i, i + 1);
  }
  write_atomically(folder / "many", raw_file(header + "}", kTensors));
  CHECK(Safetensors::read(folder / "many").entries().size() == kTensors);
}

/// Reads every tensor in every type; only InputError may come out.
bool reads_or_complains(const std::filesystem::path& path) {
  try {
    const Safetensors file = Safetensors::read(path);
    for (const auto& [name, entry] : file.entries()) {
      const bool is_float = entry.dtype == DType::f32 || entry.dtype == DType::f64;
      const size_t size = is_float ? file.values<double>(name).size() : file.values<int64_t>(name).size();
      CHECK(size == static_cast<size_t>(entry.elements()));
    }
    return true;
  } catch (const InputError&) {
    return false;
  }
}

TEST_CASE("a corrupted file either reads or throws InputError") {
  const TemporaryFolder folder;
  Sample().write(folder / "s.safetensors");
  const std::string good = read_file(folder / "s.safetensors");
  const int64_t header_end = good.find("}}") + 2;
  int read = 0, refused = 0;
  for (uint32_t trial = 0; trial < 3000; ++trial) {
    const Random random(20190813, Purpose::test_data, trial);
    std::string bad = good;
    const int64_t changes = random.integer(0, 1, 4);
    for (int64_t change = 0; change < changes; ++change) {
      const uint64_t draw = 1 + 4 * change;
      // Mostly the header: that is where structure can break.
      const int64_t last = random.integer(draw, 0, 9) == 0 ? static_cast<int64_t>(bad.size()) - 1 : header_end + 7;
      const auto at =
          static_cast<size_t>(std::min(random.integer(draw + 1, 0, last), static_cast<int64_t>(bad.size()) - 1));
      const char digit = static_cast<char>('0' + random.integer(draw + 2, 0, 9));
      switch (random.integer(draw + 3, 0, 4)) {
        case 0:
          bad[at] = static_cast<char>(random.bits(draw + 2));
          break;
        case 1:
          bad[at] = digit;
          break;
        case 2:
          bad.erase(at, 1);
          break;
        case 3:
          bad.insert(at, 1, digit);
          break;
        default:
          bad.resize(at + 1);
      }
    }
    // Through the file system without fsync: 3000 synced writes would take minutes on a real disk.
    std::FILE* file = std::fopen((folder / "bad.safetensors").c_str(), "wb");
    REQUIRE(file != nullptr);
    REQUIRE(std::fwrite(bad.data(), 1, bad.size(), file) == bad.size());
    REQUIRE(std::fclose(file) == 0);
    reads_or_complains(folder / "bad.safetensors") ? ++read : ++refused;
  }
  CHECK(read > 30);
  CHECK(refused > 1000);
}

TEST_CASE("a file cut at any byte is refused") {
  const TemporaryFolder folder;
  Sample().write(folder / "s.safetensors");
  const auto size = std::filesystem::file_size(folder / "s.safetensors");
  for (auto cut = size; cut-- > 0;) {
    std::filesystem::resize_file(folder / "s.safetensors", cut);
    CHECK_FALSE(reads_or_complains(folder / "s.safetensors"));
  }
}

}  // namespace
}  // namespace notnot
