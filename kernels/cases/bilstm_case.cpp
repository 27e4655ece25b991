#include "kernels/cases/bilstm_case.h"

namespace notnot {

BiLstmInputs random_bilstm_inputs(const HostRagged& batch, int32_t hidden, uint64_t seed) {
  return {.batch = batch,
          .hidden = hidden,
          .table = random_floats(int64_t{batch.unique()} * 8 * hidden, seed, 1.5F),
          .weight_hh = random_weights(int64_t{8} * hidden * hidden, seed + 1, hidden),
          .dstates = random_floats(int64_t{batch.tokens()} * 2 * hidden, seed + 2)};
}

BiLstmCase::BiLstmCase(const Device& device, const BiLstmInputs& inputs, bool training)
    : hidden(inputs.hidden),
      batch(device, inputs.batch),
      table(device, inputs.table),
      weight_hh(device, inputs.weight_hh),
      dstates(device, inputs.dstates),
      states(device, padded_rows(inputs.batch.tokens()) * 2 * hidden),
      gates(device, training ? int64_t{inputs.batch.tokens()} * 8 * hidden : 0),
      cells(device, training ? int64_t{inputs.batch.tokens()} * 2 * hidden : 0),
      previous(device, training ? int64_t{inputs.batch.tokens()} * 2 * hidden : 0),
      dweight_hh(started_gradient(device, inputs.weight_hh.size())),
      workspace(device, bilstm_workspace(hidden, inputs.batch.sequences())) {}

BiLstmForward BiLstmCase::forward() const {
  return {.batch = batch.batch(),
          .hidden = hidden,
          .table = table,
          .weight_hh = weight_hh,
          .states = states,
          .gates = gates,
          .cells = cells,
          .previous = previous,
          .workspace = workspace};
}

BiLstmBackward BiLstmCase::backward() const {
  return {.batch = batch.batch(),
          .hidden = hidden,
          .weight_hh = weight_hh,
          .dstates = dstates,
          .gates = gates,
          .cells = cells,
          .previous = previous,
          .dweight_hh = dweight_hh,
          .workspace = workspace};
}

}  // namespace notnot
