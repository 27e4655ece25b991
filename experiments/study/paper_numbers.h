#pragma once
// Results of the paper, "Attention is not not Explanation" (Wiegreffe & Pinter 2019), for comparison with ours. The
// paper's numbers about the data are in engine/corpora/published.h.
#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

namespace notnot {

inline constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

/// F1 is that of the positive class. NaN stands where the paper has no number: the news sets are only in Table 2.
struct PaperResults {
  std::string_view name;  ///< the `corpus` of config.json

  /// Table 2: the model with learned attention, as Jain & Wallace (2019) report it and as the paper reproduced it
  /// (base), and the model with uniform attention.
  double jain_wallace_f1 = kNoNumber, base_f1 = kNoNumber, uniform_f1 = kNoNumber;

  /// Table 3: the F1 of an MLP by the attention that guides it. The adversary's lambda is kGuideLambda.
  struct Guides {
    double uniform = kNoNumber, trained_mlp = kNoNumber, base = kNoNumber, adversary = kNoNumber;
  } guides;

  /// Table 4: the adversary with the best F1 among those whose mean JSD is above kFarAttention.
  struct Adversary {
    double lambda = kNoNumber, f1 = kNoNumber, tvd = kNoNumber, jsd = kNoNumber;
  } adversary;
};

/// Jain & Wallace's (2019) released results on the agreement of attention with other measures: the mean Kendall's tau-b
/// over the test texts, and the share of them with an unadjusted p of at most .05. Their table of differences between
/// these pairs has the labels of the first two exchanged; here each number is of the pair that it is named by.
struct PublishedAgreement {
  std::string_view name;                            ///< the `corpus` of config.json
  double gradient, gradient_significant;            ///< attention with input times gradient, attention held
  double leave_one_out, leave_one_out_significant;  ///< attention with leave-one-out
  double rivals, rivals_significant;                ///< that gradient with leave-one-out
};
/// Null if there are none; ask as find_in_paper.
const PublishedAgreement* find_agreement(std::string_view corpus);

/// The lambda of the adversary whose attention guides an MLP (Table 3).
inline constexpr double kGuideLambda = 1e-3;
/// The grid: the lambdas that adversaries are trained with by default. The lambdas of the paper's Figure 5 and Table 4
/// lie in its range.
inline constexpr std::array<double, 12> kLambdas = {0,    1e-4,    2e-4, 2.5e-4, 3e-4, 4e-4,
                                                    5e-4, 5.25e-4, 6e-4, 8e-4,   1e-3, 2e-3};
/// The mean JSD over the test texts that the adversaries of Table 4 must exceed.
inline constexpr double kFarAttention = 0.4;
inline constexpr int32_t kPaperEpochs = 8, kPaperAdversaryEpochs = 80, kPaperHidden = 128;
inline constexpr uint64_t kPaperSeed = 10;

/// The paper's results on a corpus; null if the paper does not have it. Ask by the reader of the texts
/// (Corpus::reader), never by the name of a data set, which may be anybody's.
const PaperResults* find_in_paper(std::string_view corpus);

}  // namespace notnot
