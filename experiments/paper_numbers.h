#pragma once
// Numbers of "Attention is not not Explanation" (Wiegreffe & Pinter 2019) that ours are set beside.
#include <array>
#include <cstdint>
#include <string_view>

namespace notnot {

/// The four models of the paper's first and third test that are trained on labels alone.
enum class PaperModel : uint8_t {
  base,         ///< BiLSTM, learned attention
  uniform,      ///< BiLSTM, uniform attention
  trained_mlp,  ///< token-level encoder, learned attention
  uniform_mlp   ///< token-level encoder, uniform attention
};
/// "Base", "Uniform", "Trained MLP", "Uniform MLP".
std::string_view to_string(PaperModel model);

struct PaperDataset {
  std::string_view name;                ///< as in config.json
  std::string_view title;               ///< for people
  std::array<int32_t, 2> test_texts{};  ///< Table 1, by label
  std::array<double, 4> f1{};           ///< of the positive class, by PaperModel: Table 2 (reproduced) and Table 3
  int32_t epochs = 0, hidden = 0;
};

/// Null for a data set that the paper does not have.
const PaperDataset* find_in_paper(std::string_view dataset);

}  // namespace notnot
