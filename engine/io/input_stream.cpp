#include "engine/io/input_stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "engine/io/checksum.h"
#include "engine/io/file_kind.h"
#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/stop.h"

namespace notnot {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 16;
constexpr size_t kLongestLine = size_t{256} << 20;  // a device may never end its line

/// Bytes that come from somewhere, once. They can be looked at before they are read.
class Bytes {
 public:
  virtual ~Bytes() = default;

  std::string_view peek(size_t least) {
    while (!ended_ && buffer_.size() - at_ < least) {
      buffer_.erase(0, at_);
      at_ = 0;
      const size_t had = buffer_.size();
      buffer_.resize(had + kBufferBytes);
      const size_t got = produce(buffer_.data() + had, kBufferBytes);
      buffer_.resize(had + got);
      ended_ = got == 0;
    }
    return std::string_view(buffer_).substr(at_);
  }
  void skip(size_t count) { at_ += count; }
  size_t read(char* to, size_t most) {
    const std::string_view next = peek(1);
    const size_t count = std::min(most, next.size());
    next.copy(to, count);
    skip(count);
    return count;
  }

 protected:
  /// Writes at most `most` bytes, and at least one except at the end.
  virtual size_t produce(char* to, size_t most) = 0;

 private:
  std::string buffer_;
  size_t at_ = 0;       ///< how much of the buffer was read
  bool ended_ = false;  ///< the end was there once: a file may grow, and a pipe may get another writer
};

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  throw InputError(fmt::format("cannot read {}: {}", path.string(), what));
}

/// Standard input is used as it was opened: a socket cannot be opened by its name, nor can another user's terminal.
bool is_stdin(const std::filesystem::path& path) {
  return path == "/dev/stdin" || path == "/dev/fd/0" || path == "/proc/self/fd/0";
}

/// Whether standard output or standard error goes to the file: what is printed would be read as input.
bool takes_output(const struct stat& file) {
  const auto is_same = [&file](int descriptor) {
    struct stat output {};
    return ::fstat(descriptor, &output) == 0 && output.st_dev == file.st_dev && output.st_ino == file.st_ino;
  };
  return S_ISREG(file.st_mode) && (is_same(STDOUT_FILENO) || is_same(STDERR_FILENO));
}

std::atomic<bool> stdin_is_taken = false;

/// The file's own bytes. O_NONBLOCK: to open a pipe would wait for somebody who writes to it, and could not be stopped.
/// Before a first writer comes, poll waits; that the end is there it says only when a writer has gone.
class FileBytes : public Bytes {
 public:
  explicit FileBytes(std::filesystem::path path)
      : path_(std::move(path)),
        descriptor_(is_stdin(path_) ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                    : ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (descriptor_ < 0 && path_ == "-") fail(path_, "for standard input give /dev/stdin");
    if (descriptor_ < 0) throw_system_error("read", path_, errno);
    try {
      check();
    } catch (...) {
      ::close(descriptor_);
      throw;
    }
  }
  ~FileBytes() override { ::close(descriptor_); }
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;

  const std::filesystem::path& path() const { return path_; }
  uint64_t bytes() const { return bytes_; }
  /// After the end.
  std::string checksum() {
    if (checksum_.empty()) checksum_ = sum_.hex();
    return checksum_;
  }

 private:
  void check() const {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) throw_system_error("read", path_, errno);
    if (S_ISDIR(status.st_mode)) throw_system_error("read", path_, EISDIR);
    if (takes_output(status)) fail(path_, "the output goes to it; send the output to another file");
    if (is_stdin(path_) && stdin_is_taken.exchange(true))
      fail(path_, "it was read already, and can be read once; give standard input for one thing only");
  }

  size_t produce(char* to, size_t most) override {
    for (;;) {
      wait_until_readable(descriptor_);
      const ssize_t got = ::read(descriptor_, to, most);
      if (got >= 0) {
        sum_.update({to, static_cast<size_t>(got)});
        bytes_ += got;
        return got;
      }
      // EAGAIN: a pipe that another program has read empty.
      if (errno != EINTR && errno != EAGAIN) throw_system_error("read", path_, errno);
    }
  }

  std::filesystem::path path_;
  int descriptor_;
  uint64_t bytes_ = 0;
  Sha256 sum_;
  std::string checksum_;
};

/// What a gzip holds: all of its members, one after the other.
class UnpackedBytes : public Bytes {
 public:
  UnpackedBytes(Bytes& packed, const std::filesystem::path& path) : packed_(packed), path_(path) {
    constexpr int kGzipOnly = 16;
    if (inflateInit2(&stream_, MAX_WBITS + kGzipOnly) != Z_OK) fail(path_, "zlib does not start");
  }
  ~UnpackedBytes() override { inflateEnd(&stream_); }
  UnpackedBytes(const UnpackedBytes&) = delete;
  UnpackedBytes& operator=(const UnpackedBytes&) = delete;

 private:
  size_t produce(char* to, size_t most) override {
    stream_.next_out = reinterpret_cast<unsigned char*>(to);
    stream_.avail_out = most;
    while (stream_.avail_out == most && start_member()) inflate_some();
    return most - stream_.avail_out;
  }

  void inflate_some() {
    const std::string_view input = packed_.peek(1);
    if (input.empty()) fail(path_, "the gzip file is cut short; get it again");
    stream_.next_in = reinterpret_cast<unsigned char*>(const_cast<char*>(input.data()));
    stream_.avail_in = input.size();
    const int status = inflate(&stream_, Z_NO_FLUSH);
    packed_.skip(input.size() - stream_.avail_in);
    if (status == Z_STREAM_END) {
      in_member_ = false;
    } else if (status != Z_OK) {
      fail(path_, fmt::format("the gzip file is damaged ({}); get it again",
                              stream_.msg == nullptr ? zError(status) : stream_.msg));
    }
  }

  /// Whether a member is open. Behind the last one zeros may stand: tapes are filled up with them.
  bool start_member() {
    if (in_member_) return true;
    std::string_view rest = packed_.peek(2);
    if (rest.starts_with("\x1F\x8B")) {
      inflateReset(&stream_);
      in_member_ = true;
      return true;
    }
    for (; !rest.empty(); rest = packed_.peek(1)) {
      if (rest.find_first_not_of('\0') != rest.npos)
        fail(path_, "bytes that are no gzip stand behind the gzip file's end; get it again");
      packed_.skip(rest.size());
    }
    return false;
  }

  Bytes& packed_;
  const std::filesystem::path& path_;
  z_stream stream_{};
  bool in_member_ = true;
};

void append_utf8(std::string& text, uint32_t code_point) {
  const auto add = [&text](uint32_t byte) { text += static_cast<char>(byte); };
  if (code_point < 0x80) {
    add(code_point);
  } else if (code_point < 0x800) {
    add(0xC0 | code_point >> 6);
    add(0x80 | (code_point & 0x3F));
  } else {
    if (code_point < 0x10000) {
      add(0xE0 | code_point >> 12);
    } else {
      add(0xF0 | code_point >> 18);
      add(0x80 | (code_point >> 12 & 0x3F));
    }
    add(0x80 | (code_point >> 6 & 0x3F));
    add(0x80 | (code_point & 0x3F));
  }
}

/// UTF-16 as UTF-8, without its byte order mark.
class Utf16Bytes : public Bytes {
 public:
  Utf16Bytes(Bytes& utf16, bool little_endian, const std::filesystem::path& path)
      : utf16_(utf16), little_endian_(little_endian), path_(path) {
    utf16_.skip(2);
  }

 private:
  size_t produce(char* to, size_t most) override {
    constexpr size_t kMostBytesPerUnit = 3;
    std::string text;
    while (text.size() + 2 * kMostBytesPerUnit <= most && !utf16_.peek(1).empty()) append_utf8(text, code_point());
    text.copy(to, text.size());
    return text.size();
  }

  uint32_t code_point() {
    const uint32_t first = unit();
    if (first < 0xD800 || first > 0xDFFF) return first;
    if (first > 0xDBFF || utf16_.peek(1).empty()) fail_at_surrogate();
    const uint32_t second = unit();
    if (second < 0xDC00 || second > 0xDFFF) fail_at_surrogate();
    return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
  }

  uint32_t unit() {
    const std::string_view bytes = utf16_.peek(2);
    if (bytes.size() < 2) fail(path_, "it is UTF-16 and ends within a character, so it was cut; get it again");
    const auto first = static_cast<unsigned char>(bytes[0]), second = static_cast<unsigned char>(bytes[1]);
    utf16_.skip(2);
    read_ += 2;
    return little_endian_ ? second << 8 | first : first << 8 | second;
  }

  [[noreturn]] void fail_at_surrogate() const {
    fail(path_,
         fmt::format("it is UTF-16, but half of a pair of surrogates stands before byte {}; get the file again, or "
                     "save it as UTF-8",
                     read_));
  }

  Bytes& utf16_;
  bool little_endian_;
  const std::filesystem::path& path_;
  uint64_t read_ = 2;
};

}  // namespace

/// Each layer reads the one above.
struct InputStream::Layers {
  explicit Layers(std::filesystem::path path) : file(std::move(path)) {
    if (file.peek(2).starts_with("\x1F\x8B")) {
      unpacked = std::make_unique<UnpackedBytes>(file, file.path());
      content = unpacked.get();
    }
    const std::string_view beginning = content->peek(kTellingBytes);
    const std::string kind = what_else(beginning.substr(0, kTellingBytes));
    if (!kind.empty()) throw InputError(fmt::format("{} looks like {}", file.path().string(), kind));
    if (is_marked_utf16(beginning)) {
      utf8 = std::make_unique<Utf16Bytes>(*content, beginning.starts_with("\xFF\xFE"), file.path());
      content = utf8.get();
    }
  }

  FileBytes file;
  std::unique_ptr<Bytes> unpacked, utf8;
  Bytes* content = &file;
  bool any_line = false;  ///< whether a line was read
  std::string old_lines;  ///< a whole file whose lines end with '\r'
  size_t old_lines_read = 0;
};

InputStream::InputStream(std::filesystem::path path) : layers_(std::make_unique<Layers>(std::move(path))) {}
InputStream::~InputStream() = default;
InputStream::InputStream(InputStream&&) noexcept = default;
InputStream& InputStream::operator=(InputStream&&) noexcept = default;

bool InputStream::read_line(std::string& line) {
  Layers& layers = *layers_;
  line.clear();
  bool any = false, ended = false;
  for (std::string_view next = peek(1); !ended && !next.empty(); next = peek(1)) {
    any = true;
    const size_t end = next.find('\n');
    ended = end != next.npos;
    line.append(next.substr(0, end));
    if (line.size() > kLongestLine) {
      fail(path(),
           fmt::format("it has a line of more than {} MiB, which is no text; give another file", kLongestLine >> 20));
    }
    layers.content->skip(ended ? end + 1 : next.size());
  }
  const bool whole_file = any && !ended && !layers.any_line;
  layers.any_line = true;
  if (whole_file && line.find('\r') != line.npos) layers.old_lines.swap(line);
  const std::string_view old_lines = std::string_view(layers.old_lines).substr(layers.old_lines_read);
  if (old_lines.empty()) return any;
  line = old_lines.substr(0, old_lines.find('\r'));
  layers.old_lines_read += std::min(line.size() + 1, old_lines.size());
  return true;
}

size_t InputStream::read(char* to, size_t most) { return layers_->content->read(to, most); }

std::string InputStream::read_rest() {
  std::string rest;
  for (std::string_view next = peek(1); !next.empty(); next = peek(1)) {
    rest += next;
    layers_->content->skip(next.size());
  }
  return rest;
}

std::string_view InputStream::peek(size_t least) { return layers_->content->peek(least); }

const std::filesystem::path& InputStream::path() const { return layers_->file.path(); }

std::string InputStream::checksum() {
  // Through the layers, so that a gzip that is damaged behind the part that was needed is an error, too.
  for (size_t next = peek(1).size(); next > 0; next = peek(1).size()) layers_->content->skip(next);
  return layers_->file.checksum();
}

uint64_t InputStream::file_bytes() const { return layers_->file.bytes(); }

InputFile read_input(const std::filesystem::path& path) {
  InputStream stream(path);
  InputFile file;
  file.content = stream.read_rest();
  file.checksum = stream.checksum();
  file.bytes = stream.file_bytes();
  return file;
}

}  // namespace notnot
