#include "engine/io/checksum.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "engine/io/files.h"
#include "engine/io/stop.h"
#include "kernels/base/error.h"

namespace notnot {
namespace {

EVP_MD_CTX* raw(const std::shared_ptr<void>& context) { return static_cast<EVP_MD_CTX*>(context.get()); }

}  // namespace

Sha256::Sha256()
    : context_(EVP_MD_CTX_new(), [](void* context) { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context)); }) {
  NOTNOT_CHECK(context_ && EVP_DigestInit_ex(raw(context_), EVP_sha256(), nullptr) == 1, "OpenSSL has no SHA-256");
}

void Sha256::update(std::string_view bytes) {
  NOTNOT_CHECK(EVP_DigestUpdate(raw(context_), bytes.data(), bytes.size()) == 1, "OpenSSL: SHA-256 failed");
}

std::string Sha256::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  NOTNOT_CHECK(EVP_DigestFinal_ex(raw(context_), digest.data(), &size) == 1, "OpenSSL: SHA-256 failed");
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

std::string sha256(std::string_view bytes) {
  Sha256 sum;
  sum.update(bytes);
  return sum.hex();
}

std::string sha256_of_file(const std::filesystem::path& path) {
  const FileReader file(path);
  Sha256 sum;
  std::string part(std::min(file.size(), size_t{1} << 20), '\0');
  for (size_t begin = 0; begin < file.size(); begin += part.size()) {
    check_stop();
    part.resize(std::min(part.size(), file.size() - begin));
    file.read(begin, part.size(), part.data());
    sum.update(part);
  }
  return sum.hex();
}

}  // namespace notnot
