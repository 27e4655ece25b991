#pragma once
// The arrays of bilstm_forward and bilstm_backward.
#include "kernels/bilstm.h"
#include "kernels/cases/device_data.h"

namespace notnot {

struct BiLstmInputs {
  HostRagged batch;
  int32_t hidden = 0;            ///< H
  std::vector<float> table;      ///< [U, 2, 4, H]
  std::vector<float> weight_hh;  ///< [2, 4, H, H]
  std::vector<float> dstates;    ///< [N, 2, H]
};
BiLstmInputs random_bilstm_inputs(const HostRagged& batch, int32_t hidden, uint64_t seed);

/// Forward fills gates, cells and previous, and backward reads them. In evaluation they are empty, and there is no
/// backward.
struct BiLstmCase {
  BiLstmCase(const Device& device, const BiLstmInputs& inputs, bool training);
  BiLstmForward forward() const;
  BiLstmBackward backward() const;

  int32_t hidden;
  DeviceRagged batch;
  DeviceArray<float> table, weight_hh, dstates, states, gates, cells, previous, dweight_hh, workspace;
};

}  // namespace notnot
