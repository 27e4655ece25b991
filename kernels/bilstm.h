#pragma once
// The bidirectional LSTM over a ragged batch (Hochreiter & Schmidhuber 1997; gate order i, f, g, o as in cuDNN and
// PyTorch):
//   z = table[token] + W_hh h',  i, f, o = sigmoid(z_i, z_f, z_o),  g = tanh(z_g),  c = f c' + i g,  h = o tanh(c).
// h' and c' are h and c of the step before, at the first step zero or given. Direction 0 starts at a sequence's first
// token, direction 1 at its last one. The input side, W_ih x + b_ih + b_hh, comes ready in `table` (token_projection.h).
#include <string_view>

#include "kernels/base/operation.h"
#include "kernels/base/ragged.h"

namespace notnot {

/// Floats of workspace that forward and backward need: on the CPU for repacked recurrent weights and carried states, on
/// CUDA for the persistent kernels' ticket counters.
constexpr int64_t bilstm_workspace(int64_t hidden, int64_t sequences) {
  const int64_t padded = (hidden + 15) / 16 * 16;
  return 2 * 4 * padded * padded + 2 * 3 * sequences * padded + 1024;
}

/// How the product with W_hh is computed. All other arithmetic is fp32 in both cases.
enum class Precision : uint8_t {
  fp32,
  /// On tensor cores. Every factor is split into two bf16 numbers: x = hi + lo + e, |e| <= 2^-16 |x|; x y is computed
  /// as hi hi + hi lo + lo hi and summed in fp32. So a product is wrong by at most 3 * 2^-16 of itself. It is for many
  /// sequences on one GPU. Only on CUDA and only for H = 128; a factor above 3.39e38 becomes NaN.
  bf16x3
};
std::string_view to_string(Precision precision);
/// The only H of Precision::bf16x3.
inline constexpr int32_t kBf16x3Hidden = 128;
/// Throws Error if `device` cannot compute in that precision.
void check_precision(const Device& device, Precision precision, int32_t hidden);

/// If the gates of a batch take up to so many bytes, the CPU's forward pass leaves them in the caches for the backward
/// pass. The gates of a larger batch would push out of the caches what is read next, and leave them before they are
/// needed: they are stored past the caches (only with AVX-512, whose vectors are whole cache lines). The values are the
/// same in both cases.
inline constexpr int64_t kCachedGates = int64_t{8} << 20;

/// Bytes: the CUDA versions read four weights at a time.
inline constexpr int kWeightAlignment = 16;

struct BiLstmForward {
  RaggedBatch batch;
  int32_t hidden = 0;       ///< H per direction
  Span<const float> table;  ///< [U, 2, 4, H] input side per id, direction, gate
  /// [2, 4, H, H] per direction: row (gate, unit), column = unit of h'. Begins at a multiple of kWeightAlignment.
  Span<const float> weight_hh;
  Span<float> states;  ///< out [padded_rows(N), 2, H] h: forward, then backward direction; zero in the slack
  Span<float> gates;   ///< out [N, 2, 4, H] i, f, g, o after their nonlinearity; empty in evaluation
  Span<float> cells;   ///< out [N, 2, H] c; empty in evaluation
  /// out [N, 2, H] h' of every token, zero at each direction's start and in the slack; empty in evaluation
  Span<float> previous;
  Span<float> workspace;  ///< [bilstm_workspace(H, B)]
  Precision precision = Precision::fp32;
  /// Direction 1 reads the table's row batch.unique_row[token + backward_row_shift]: with N, unique_row is [2, N] and has
  /// rows of its own for each direction. Not below 0.
  int32_t backward_row_shift = 0;
  /// [B, 2, H] h' and c' of each direction's first step; both empty: zeros. Only in evaluation and in fp32
  Span<const float> initial_states = {}, initial_cells = {};

  bool training() const { return !gates.empty(); }
  NOTNOT_HD bool starts_given() const { return !initial_states.empty() || !initial_cells.empty(); }
  void check() const {
    batch.check();
    NOTNOT_CHECK(hidden > 0, "H {}", hidden);
    NOTNOT_CHECK_SIZE(table, int64_t{batch.unique} * 8 * hidden);
    NOTNOT_CHECK_SIZE(weight_hh, int64_t{8} * hidden * hidden);
    NOTNOT_CHECK_ALIGNED(weight_hh, kWeightAlignment);
    NOTNOT_CHECK_SIZE(states, padded_rows(batch.tokens) * 2 * hidden);
    NOTNOT_CHECK_SIZE(workspace, bilstm_workspace(hidden, batch.sequences));
    NOTNOT_CHECK(backward_row_shift >= 0, "backward_row_shift {}", backward_row_shift);
    NOTNOT_CHECK_SIZE(batch.unique_row, int64_t{batch.tokens} + backward_row_shift);
    if (starts_given()) {
      NOTNOT_CHECK_SIZE(initial_states, int64_t{batch.sequences} * 2 * hidden);
      NOTNOT_CHECK_SIZE(initial_cells, int64_t{batch.sequences} * 2 * hidden);
      NOTNOT_CHECK(!training() && precision == Precision::fp32,
                   "initial states are for evaluation in fp32: leave the outputs of training empty");
    }
    if (!training()) return;
    NOTNOT_CHECK_SIZE(gates, int64_t{batch.tokens} * 8 * hidden);
    NOTNOT_CHECK_SIZE(cells, int64_t{batch.tokens} * 2 * hidden);
    NOTNOT_CHECK_SIZE(previous, int64_t{batch.tokens} * 2 * hidden);
  }
};
NOTNOT_OPERATION(bilstm_forward, BiLstmForward)

struct BiLstmBackward {
  RaggedBatch batch;
  int32_t hidden = 0;           ///< H per direction
  Span<const float> weight_hh;  ///< [2, 4, H, H], aligned as for forward
  Span<const float> dstates;    ///< [N, 2, H]
  /// in: forward's gates; out [N, 2, 4, H]: dz, the gradient before the nonlinearities; zero in the slack
  Span<float> gates;
  Span<const float> cells;     ///< [N, 2, H] from forward
  Span<const float> previous;  ///< [N, 2, H] from forward
  Span<float> dweight_hh;      ///< [2, 4, H, H] only add_recurrent_weight_gradient adds to it
  Span<float> workspace;       ///< [bilstm_workspace(H, B)]
  Precision precision = Precision::fp32;

  void check() const {
    batch.check();
    NOTNOT_CHECK(hidden > 0, "H {}", hidden);
    NOTNOT_CHECK_SIZE(weight_hh, int64_t{8} * hidden * hidden);
    NOTNOT_CHECK_ALIGNED(weight_hh, kWeightAlignment);
    NOTNOT_CHECK_SIZE(dstates, int64_t{batch.tokens} * 2 * hidden);
    NOTNOT_CHECK_SIZE(gates, int64_t{batch.tokens} * 8 * hidden);
    NOTNOT_CHECK_SIZE(cells, int64_t{batch.tokens} * 2 * hidden);
    NOTNOT_CHECK_SIZE(previous, int64_t{batch.tokens} * 2 * hidden);
    NOTNOT_CHECK_SIZE(workspace, bilstm_workspace(hidden, batch.sequences));
  }
};
NOTNOT_OPERATION(bilstm_backward, BiLstmBackward)

/// dweight_hh += sum over tokens of dz h'^T, from the dz that bilstm_backward leaves in `gates`. It is not part of that
/// operation, so that it can be computed beside what else needs dz.
void add_recurrent_weight_gradient(const Device& device, const BiLstmBackward& args);

}  // namespace notnot
