#pragma once
// The arrays of unique_tokens.
#include "kernels/cases/device_data.h"
#include "kernels/unique_tokens.h"

namespace notnot {

/// The operation has to find the last four arrays of `host`.
struct UniqueTokensCase {
  UniqueTokensCase(const Device& device, const HostRagged& host, int32_t of_vocabulary)
      : tokens(host.tokens()),
        vocabulary(of_vocabulary),
        unique(host.unique()),
        token_ids(device, host.token_ids),
        unique_ids(device, unique),
        unique_row(device, tokens),
        occurrence_offsets(device, unique + 1),
        occurrences(device, tokens),
        workspace(device, unique_tokens_workspace(tokens, vocabulary)) {}

  UniqueTokens arguments() const {
    return {.tokens = tokens,
            .vocabulary = vocabulary,
            .unique = unique,
            .token_ids = token_ids,
            .unique_ids = unique_ids,
            .unique_row = unique_row,
            .occurrence_offsets = occurrence_offsets,
            .occurrences = occurrences,
            .workspace = workspace};
  }

  int32_t tokens, vocabulary, unique;
  DeviceArray<int32_t> token_ids, unique_ids, unique_row, occurrence_offsets, occurrences, workspace;
};

}  // namespace notnot
