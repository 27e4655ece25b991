#pragma once
// SHA-256, through OpenSSL: what `sha256sum` prints.
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace notnot {

class Sha256 {
 public:
  Sha256();
  void update(std::string_view bytes);
  /// The sum as 64 hexadecimal digits. May be called once, at the end.
  std::string hex();

 private:
  std::shared_ptr<void> context_;
};

std::string sha256(std::string_view bytes);
/// The SHA-256 of a file, which is read in parts. Throws InputError when it cannot be read.
std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace notnot
