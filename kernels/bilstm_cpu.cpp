// The recurrence on the CPU. Directions and groups of sequences are independent, so each thread runs whole sequences
// through time without a barrier. In a step, the repacked W_hh (256 KiB per direction at H = 128: it stays in the
// second-level cache) is multiplied into a register tile of kRows sequences x one vector of units x 4 gates, which goes
// through the cell at once. Every product sums over k in ascending order, one fused multiply-add each, so a sequence's
// bits do not depend on its neighbours, on the tile or on the number of threads.
#include "kernels/base/cpu.h"
#include "kernels/bilstm.h"
#include "kernels/bilstm_math.h"

namespace notnot::NOTNOT_CPU_NAMESPACE {
namespace {

// A register tile has 6 sequences x kPass vectors. 6 x 4 sums and 4 weights fit into the 32 registers of AVX-512, 6 x 2
// and 2 into the 16 of the other sets, which therefore take two passes for the four gates. kTiles tiles take a step
// together.
constexpr int32_t kRows = 6, kPass = kLanes == 16 ? 4 : 2, kTiles = 6;
static_assert(4 % kPass == 0);
// With more threads than directions, a task has so many sequences (smaller groups would reload W_hh too often).
constexpr int32_t kGroup = 8;

/// The part of a call that does not change over time, for one direction.
struct Direction {
  int32_t index = 0;    // 0 forward, 1 backward
  int32_t hidden = 0;   // H
  int32_t vectors = 0;  // ceil(H / kLanes)
  RaggedBatch batch;
  const float* packed = nullptr;
  const int32_t* rows = nullptr;  // forward: [N] every token's row of the table
  bool streamed = false;          // forward: gates, cells and previous are stored past the caches (kCachedGates)

  int64_t padded() const { return int64_t{vectors} * kLanes; }
  int32_t length(int32_t sequence) const { return batch.offsets[sequence + 1] - batch.offsets[sequence]; }
  /// The token that `sequence` meets at step `t`.
  int32_t token(int32_t sequence, int32_t t) const {
    return index == 0 ? batch.offsets[sequence] + t : batch.offsets[sequence + 1] - 1 - t;
  }
  /// How many of the sequences begin..end-1 (longest first) are still running at step `t`.
  int32_t running(int32_t begin, int32_t end, int32_t t) const {
    int32_t last = end;
    while (last > begin && length(last - 1) <= t) --last;
    return last;
  }
};

Direction direction_of(int32_t index, int32_t hidden, const RaggedBatch& batch, const float* packed) {
  const int32_t vectors = (hidden + kLanes - 1) / kLanes;
  return {.index = index, .hidden = hidden, .vectors = vectors, .batch = batch, .packed = packed};
}

int64_t packed_size(int32_t hidden) {
  const int64_t padded = (hidden + kLanes - 1) / kLanes * kLanes;
  return 4 * hidden * padded;
}

/// to[vector][gate / kPass][k][gate % kPass][lane] = W[gate, vector * kLanes + lane, k], zero beyond H. In this order
/// forward reads it.
void pack_forward(const float* weight, int32_t hidden, float* to) {
  for (int32_t unit = 0; unit < hidden; unit += kLanes) {
    for (int32_t gate = 0; gate < 4; ++gate) {
      float* pass = to + int64_t{gate / kPass} * hidden * kPass * kLanes + gate % kPass * kLanes;
      for (int32_t lane = 0; lane < kLanes; ++lane) {
        const bool inside = unit + lane < hidden;
        const float* row = weight + (int64_t{gate} * hidden + unit + lane) * hidden;
        for (int32_t k = 0; k < hidden; ++k) pass[int64_t{k} * kPass * kLanes + lane] = inside ? row[k] : 0.0F;
      }
    }
    to += int64_t{hidden} * 4 * kLanes;
  }
}

/// to[vector][row][lane] = W[row, vector * kLanes + lane] over the 4H rows, zero beyond H: W_hh^T dz reads it.
void pack_backward(const float* weight, int32_t hidden, float* to) {
  for (int32_t unit = 0; unit < hidden; unit += kLanes) {
    for (int32_t row = 0; row < 4 * hidden; ++row) {
      for (int32_t lane = 0; lane < kLanes; ++lane) {
        *to++ = unit + lane < hidden ? weight[int64_t{row} * hidden + unit + lane] : 0.0F;
      }
    }
  }
}

/// z[r][gate] = sum_k W[gate, units, k] * h[r][k] for Rows sequences, one vector of units and kPass gates.
/// Not inlined: within the loops of run_forward GCC would spill half of the sums.
template <int32_t Rows>
__attribute__((noinline)) void recurrent_product(const float* packed, const float* const* h, int32_t hidden, float* z) {
  Lanes sum[Rows][kPass];
#pragma GCC unroll 8
  for (int32_t r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (int32_t gate = 0; gate < kPass; ++gate) sum[r][gate] = Lanes{};
  }
  for (int32_t k = 0; k < hidden; ++k) {
    Lanes w[kPass];
#pragma GCC unroll 4
    for (int32_t gate = 0; gate < kPass; ++gate) w[gate] = load(packed + gate * kLanes);
    packed += kPass * kLanes;
#pragma GCC unroll 8
    for (int32_t r = 0; r < Rows; ++r) {
      const float value = h[r][k];
#pragma GCC unroll 4
      for (int32_t gate = 0; gate < kPass; ++gate) sum[r][gate] += w[gate] * value;
    }
  }
#pragma GCC unroll 8
  for (int32_t r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (int32_t gate = 0; gate < kPass; ++gate) store(z + (r * 4 + gate) * kLanes, sum[r][gate]);
  }
}

/// recurrent_product of `rows` sequences for all four gates.
void recurrent_products(int32_t rows, const float* packed, const float* const* h, int32_t hidden, float* z) {
  constexpr void (*kProducts[kRows])(const float*, const float* const*, int32_t, float*) = {
      recurrent_product<1>, recurrent_product<2>, recurrent_product<3>,
      recurrent_product<4>, recurrent_product<5>, recurrent_product<6>};
  for (int32_t gate = 0; gate < 4; gate += kPass) {
    kProducts[rows - 1](packed + int64_t{gate} * hidden * kLanes, h, hidden, z + gate * kLanes);
  }
}

/// Copies the first `count` lanes. In the usual case, a whole vector, that is one load and one store.
NOTNOT_HD void copy_lanes(float* to, const float* from, int32_t count) {
  if (count == kLanes) {
    store(to, load(from));
  } else {
    __builtin_memcpy(to, from, count * sizeof(float));
  }
}

/// Stores values that training keeps for the backward pass: past the caches if `streamed`.
NOTNOT_HD void keep_lanes(bool streamed, float* to, const float* from, int32_t count) {
  if (streamed) {
    stream(to, load(from));
  } else {
    copy_lanes(to, from, count);
  }
}

/// Adds the first `count` lanes.
NOTNOT_HD void add_lanes(float* to, const float* from, int32_t count) {
  if (count == kLanes) {
    store(to, load(to) + load(from));
  } else {
    for (int32_t lane = 0; lane < count; ++lane) to[lane] += from[lane];
  }
}

/// Takes one vector of units from the four pre-activations to gates (in place), cell and output. The number of
/// iterations is a constant: with a variable number GCC finds the loop too short to vectorise, and forward runs at a
/// third of the speed.
void cell_forward(float* zi, float* zf, float* zg, float* zo, float* cell, float* output) {
  NOTNOT_SIMD
  for (int32_t lane = 0; lane < kLanes; ++lane) {
    const auto gates = lstm_gates(zi[lane], zf[lane], zg[lane], zo[lane]);
    const float c = lstm_cell(gates, cell[lane]);
    cell[lane] = c;
    output[lane] = lstm_output(gates, c);
    zi[lane] = gates.i;
    zf[lane] = gates.f;
    zg[lane] = gates.g;
    zo[lane] = gates.o;
  }
}

/// Up to kRows sequences at one step: where each reads and writes.
struct Tile {
  int32_t rows = 0;
  const float* input[kRows];     // [4, H] the token's row of the table
  const float* previous[kRows];  // [H] h of the step before; at step 0 null, or the initial one
  int64_t place[kRows];          // (token, direction) as a row number
  int64_t next_place[kRows];     // the row number of the next step, -1 after the last one
  float* cells[kRows];           // [padded H] carried
};

/// Whether gates, cells and previous are stored past the caches (kCachedGates).
bool streams_gates(const BiLstmForward& args) {
  return kLanes == 16 && args.gates.size * static_cast<int64_t>(sizeof(float)) > kCachedGates &&
         args.hidden % kLanes == 0 && is_aligned(args.gates.data) && is_aligned(args.cells.data) &&
         is_aligned(args.previous.data);
}

/// The sequence's row of `values` [B, 2, H]; null if there are none.
const float* initial(const Span<const float>& values, const Direction& direction, int32_t sequence) {
  return values.empty() ? nullptr : &values[(int64_t{sequence} * 2 + direction.index) * direction.hidden];
}

Tile tile_of(const BiLstmForward& args, const Direction& direction, int32_t first, int32_t rows, int32_t t,
             float* cells) {
  const int64_t hidden = direction.hidden, d = direction.index;
  Tile tile;
  tile.rows = rows;
  for (int32_t r = 0; r < rows; ++r) {
    const int64_t token = direction.token(first + r, t);
    const bool last = t + 1 == direction.length(first + r);
    tile.place[r] = token * 2 + d;
    tile.next_place[r] = last ? -1 : int64_t{direction.token(first + r, t + 1)} * 2 + d;
    tile.input[r] = &args.table[(int64_t{direction.rows[token]} * 2 + d) * 4 * hidden];
    tile.previous[r] = t > 0 ? &args.states[(int64_t{direction.token(first + r, t - 1)} * 2 + d) * hidden]
                             : initial(args.initial_states, direction, first + r);
    tile.cells[r] = cells + r * direction.padded();
    // Rows of the table lie in no order. While the first vector's product runs, the other vectors' input is fetched.
    for (int64_t at = 0; at < 4 * hidden; at += 64 / sizeof(float)) __builtin_prefetch(tile.input[r] + at);
  }
  return tile;
}

/// Takes one vector of units of one sequence through the cell, from z (the recurrent part) plus the input side, and
/// stores everything that training keeps.
void step_forward(const BiLstmForward& args, const Direction& direction, const Tile& tile, int32_t r, int32_t unit,
                  float* z) {
  const int64_t hidden = args.hidden;
  const int32_t count = smaller(kLanes, args.hidden - unit);
  for (int32_t gate = 0; gate < 4; ++gate) add_lanes(z + gate * kLanes, tile.input[r] + gate * hidden + unit, count);
  alignas(64) float output[kLanes];
  float* cell = tile.cells[r] + unit;
  cell_forward(z, z + kLanes, z + 2 * kLanes, z + 3 * kLanes, cell, output);
  copy_lanes(&args.states[tile.place[r] * hidden + unit], output, count);
  if (!args.training()) return;
  float* gates = &args.gates[tile.place[r] * 4 * hidden + unit];
  for (int32_t gate = 0; gate < 4; ++gate)
    keep_lanes(direction.streamed, gates + gate * hidden, z + gate * kLanes, count);
  keep_lanes(direction.streamed, &args.cells[tile.place[r] * hidden + unit], cell, count);
  if (tile.next_place[r] >= 0) {
    keep_lanes(direction.streamed, &args.previous[tile.next_place[r] * hidden + unit], output, count);
  }
}

/// One step of `count` tiles. All tiles take a vector of units before the next vector: so its weights (at H = 128, 32
/// KiB with AVX-512 and 16 KiB with AVX2) come from the second-level cache once.
void advance(const BiLstmForward& args, const Direction& direction, const Tile* tiles, int32_t count) {
  for (int32_t vector = 0; vector < direction.vectors; ++vector) {
    const float* packed = direction.packed + int64_t{vector} * direction.hidden * 4 * kLanes;
    for (const Tile* tile = tiles; tile < tiles + count; ++tile) {
      alignas(64) float z[kRows * 4 * kLanes];
      if (tile->previous[0] != nullptr) {
        recurrent_products(tile->rows, packed, tile->previous, direction.hidden, z);
      } else {
        __builtin_memset(z, 0, sizeof z);
      }
      for (int32_t r = 0; r < tile->rows; ++r)
        step_forward(args, direction, *tile, r, vector * kLanes, z + r * 4 * kLanes);
    }
  }
}

/// All steps of the sequences begin..end-1 in one direction. `cells` is [end - begin, padded H].
void run_forward(const BiLstmForward& args, const Direction& direction, int32_t begin, int32_t end, float* cells) {
  const int64_t hidden = direction.hidden;
  __builtin_memset(cells, 0, (end - begin) * direction.padded() * sizeof(float));
  for (int32_t b = begin; b < end && args.starts_given(); ++b) {
    __builtin_memcpy(cells + (b - begin) * direction.padded(), initial(args.initial_cells, direction, b),
                     hidden * sizeof(float));
  }
  for (int32_t b = begin; b < end && args.training(); ++b) {
    __builtin_memset(&args.previous[(int64_t{direction.token(b, 0)} * 2 + direction.index) * hidden], 0,
                     hidden * sizeof(float));
  }
  const int32_t longest = direction.length(begin);
  for (int32_t t = 0; t < longest; ++t) {
    const int32_t running = direction.running(begin, end, t);
    for (int32_t first = begin; first < running;) {
      Tile tiles[kTiles];
      int32_t count = 0;
      for (; count < kTiles && first < running; first += kRows) {
        const int32_t rows = smaller(kRows, running - first);
        tiles[count++] = tile_of(args, direction, first, rows, t, cells + (first - begin) * direction.padded());
      }
      advance(args, direction, tiles, count);
    }
  }
  if (direction.streamed) streams_visible();
}

/// Replaces the gates of one token by their dz. `dcell` [H] holds the gradient that the next step handed back, and
/// receives the one for the previous step.
void cell_backward(const BiLstmBackward& args, const Direction& direction, int32_t sequence, int32_t t,
                   const float* dcarried, float* dcell) {
  const int64_t hidden = direction.hidden;
  const int64_t token = direction.token(sequence, t);
  float* gates = &args.gates[(token * 2 + direction.index) * 4 * hidden];
  const float* cell = &args.cells[(token * 2 + direction.index) * hidden];
  const float* dstate = &args.dstates[(token * 2 + direction.index) * hidden];
  const float* previous =
      t == 0 ? nullptr : &args.cells[(int64_t{direction.token(sequence, t - 1)} * 2 + direction.index) * hidden];
  const float has_previous = t == 0 ? 0.0F : 1.0F;
  if (previous == nullptr) previous = cell;
  NOTNOT_SIMD
  for (int32_t unit = 0; unit < direction.hidden; ++unit) {
    const LstmGates<float> g{gates[unit], gates[hidden + unit], gates[2 * hidden + unit], gates[3 * hidden + unit]};
    const auto gradient =
        lstm_backward(g, cell[unit], has_previous * previous[unit], dstate[unit] + dcarried[unit], dcell[unit]);
    gates[unit] = gradient.dz.i;
    gates[hidden + unit] = gradient.dz.f;
    gates[2 * hidden + unit] = gradient.dz.g;
    gates[3 * hidden + unit] = gradient.dz.o;
    dcell[unit] = gradient.dprevious_cell;
  }
}

/// dh[r][units] = sum over the 4H rows of W of W[row, units] * dz[r][row], for Rows sequences and Vectors vectors of
/// units.
template <int32_t Rows, int32_t Vectors>
void transposed_product(const float* packed, const float* const* dz, int32_t hidden, float* const* dh) {
  const int64_t stride = int64_t{4} * hidden * kLanes;  // from one vector's weights to the next one's
  Lanes sum[Rows][Vectors];
#pragma GCC unroll 8
  for (int32_t r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (int32_t v = 0; v < Vectors; ++v) sum[r][v] = Lanes{};
  }
  for (int32_t row = 0; row < 4 * hidden; ++row) {
    Lanes w[Vectors];
#pragma GCC unroll 4
    for (int32_t v = 0; v < Vectors; ++v) w[v] = load(packed + v * stride);
    packed += kLanes;
#pragma GCC unroll 8
    for (int32_t r = 0; r < Rows; ++r) {
      const float value = dz[r][row];
#pragma GCC unroll 4
      for (int32_t v = 0; v < Vectors; ++v) sum[r][v] += w[v] * value;
    }
  }
#pragma GCC unroll 8
  for (int32_t r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (int32_t v = 0; v < Vectors; ++v) store(dh[r] + v * kLanes, sum[r][v]);
  }
}

template <int32_t Vectors>
void transposed_products(int32_t rows, const float* packed, const float* const* dz, int32_t hidden, float* const* dh) {
  constexpr void (*kProducts[kRows])(const float*, const float* const*, int32_t, float* const*) = {
      transposed_product<1, Vectors>, transposed_product<2, Vectors>, transposed_product<3, Vectors>,
      transposed_product<4, Vectors>, transposed_product<5, Vectors>, transposed_product<6, Vectors>};
  kProducts[rows - 1](packed, dz, hidden, dh);
}

/// dcarried = W_hh^T dz of the sequences begin..end-1 at step t.
void carry_back(const BiLstmBackward& args, const Direction& direction, int32_t begin, int32_t end, int32_t t,
                float* dcarried) {
  const int64_t hidden = direction.hidden;
  for (int32_t vector = 0; vector < direction.vectors;) {
    const int32_t vectors = direction.vectors - vector >= kPass ? kPass : 1;
    const float* packed = direction.packed + int64_t{vector} * 4 * hidden * kLanes;
    for (int32_t first = begin; first < end; first += kRows) {
      const int32_t rows = smaller(kRows, end - first);
      const float* dz[kRows];
      float* dh[kRows];
      for (int32_t r = 0; r < rows; ++r) {
        dz[r] = &args.gates[(int64_t{direction.token(first + r, t)} * 2 + direction.index) * 4 * hidden];
        dh[r] = dcarried + (first + r - begin) * direction.padded() + vector * kLanes;
      }
      if (vectors == kPass) {
        transposed_products<kPass>(rows, packed, dz, direction.hidden, dh);
      } else {
        transposed_products<1>(rows, packed, dz, direction.hidden, dh);
      }
    }
    vector += vectors;
  }
}

/// All steps of the sequences begin..end-1 in one direction. `dcarried` and `dcells` are [end - begin, padded H] each.
void run_backward(const BiLstmBackward& args, const Direction& direction, int32_t begin, int32_t end, float* dcarried,
                  float* dcells) {
  const size_t bytes = (end - begin) * direction.padded() * sizeof(float);
  __builtin_memset(dcarried, 0, bytes);
  __builtin_memset(dcells, 0, bytes);
  for (int32_t t = direction.length(begin) - 1; t >= 0; --t) {
    const int32_t running = direction.running(begin, end, t);
    for (int32_t b = begin; b < running; ++b) {
      const int64_t row = (b - begin) * direction.padded();
      cell_backward(args, direction, b, t, dcarried + row, dcells + row);
    }
    if (t > 0) carry_back(args, direction, begin, running, t, dcarried);
  }
}

/// Zeros rows first..last-1 of a matrix.
void clear_rows(const Span<float>& matrix, int64_t width, int64_t first, int64_t last) {
  __builtin_memset(matrix.data + first * width, 0, (last - first) * width * sizeof(float));
}

/// What one of the two times `groups` tasks costs, for parallel_for: the product with the recurrent weights.
int64_t cost_of_task(const RaggedBatch& batch, int32_t hidden, int32_t groups) {
  return int64_t{8} * hidden * hidden * batch.tokens / groups;
}

int32_t group_size(const Device& device, int32_t sequences) { return device.threads <= 2 ? sequences : kGroup; }

}  // namespace

void bilstm_forward(const Device& device, const BiLstmForward& args) {
  check_precision(device, args.precision, args.hidden);
  const int32_t sequences = args.batch.sequences, group = group_size(device, sequences);
  const int32_t groups = (sequences + group - 1) / group;
  const int64_t packed = packed_size(args.hidden);
  float* cells = args.workspace.data + 2 * packed;
  const bool streamed = streams_gates(args);
  parallel_for(device.threads, 2, packed, [&](int32_t d) {
    pack_forward(&args.weight_hh[int64_t{d} * 4 * args.hidden * args.hidden], args.hidden,
                 args.workspace.data + d * packed);
  });
  parallel_for(device.threads, 2 * groups, cost_of_task(args.batch, args.hidden, groups), [&](int32_t task) {
    const int32_t d = task % 2, begin = task / 2 * group, end = smaller(begin + group, sequences);
    Direction direction = direction_of(d, args.hidden, args.batch, args.workspace.data + d * packed);
    direction.rows = args.batch.unique_row.data + int64_t{d} * args.backward_row_shift;
    direction.streamed = streamed;
    run_forward(args, direction, begin, end, cells + (int64_t{d} * sequences + begin) * direction.padded());
  });
  const int64_t end = args.batch.offsets[sequences], tokens = args.batch.tokens, width = int64_t{2} * args.hidden;
  clear_rows(args.states, width, end, padded_rows(tokens));
  if (args.training()) clear_rows(args.previous, width, end, tokens);
}

void bilstm_backward(const Device& device, const BiLstmBackward& args) {
  check_precision(device, args.precision, args.hidden);
  const int32_t sequences = args.batch.sequences, group = group_size(device, sequences), hidden = args.hidden;
  const int32_t groups = (sequences + group - 1) / group;
  const int64_t packed = packed_size(hidden);
  float* carried = args.workspace.data + 2 * packed;
  parallel_for(device.threads, 2, packed, [&](int32_t d) {
    pack_backward(&args.weight_hh[int64_t{d} * 4 * hidden * hidden], hidden, args.workspace.data + d * packed);
  });
  parallel_for(device.threads, 2 * groups, cost_of_task(args.batch, hidden, groups), [&](int32_t task) {
    const int32_t d = task % 2, begin = task / 2 * group, end = smaller(begin + group, sequences);
    const Direction direction = direction_of(d, hidden, args.batch, args.workspace.data + d * packed);
    float* dcarried = carried + (int64_t{d} * sequences + begin) * direction.padded();
    run_backward(args, direction, begin, end, dcarried, dcarried + 2 * int64_t{sequences} * direction.padded());
  });
  clear_rows(args.gates, int64_t{8} * hidden, args.batch.offsets[sequences], args.batch.tokens);
}

}  // namespace notnot::NOTNOT_CPU_NAMESPACE
