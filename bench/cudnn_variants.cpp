// What cudnn_lstm.h says of the variants without cuDNN.
#include <fmt/format.h>

#include <array>

#include "bench/cudnn_lstm.h"

namespace notnot::bench {
namespace {

// In the order of CudnnVariant::Algorithm.
constexpr std::array kNames = {"STANDARD", "PERSIST_STATIC", "PERSIST_DYNAMIC", "PERSIST_STATIC_SMALL_H"};

}  // namespace

std::string CudnnVariant::name() const {
  return fmt::format("{} {} {}", kNames[static_cast<size_t>(algorithm)], padded ? "padded" : "packed",
                     tf32 ? "tf32" : "fp32");
}

std::vector<CudnnVariant> cudnn_variants() {
  std::vector<CudnnVariant> variants;
  for (size_t algorithm = 0; algorithm < kNames.size(); ++algorithm) {
    for (const bool padded : {false, true}) {
      for (const bool tf32 : {false, true}) {
        variants.push_back(
            {.algorithm = static_cast<CudnnVariant::Algorithm>(algorithm), .padded = padded, .tf32 = tf32});
      }
    }
  }
  return variants;
}

}  // namespace notnot::bench
