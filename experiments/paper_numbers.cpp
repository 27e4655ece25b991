#include "experiments/paper_numbers.h"

#include <algorithm>

namespace notnot {
namespace {

constexpr std::array<PaperDataset, 1> kDatasets = {{{.name = "sst",
                                                     .title = "Stanford Sentiment Treebank (SST)",
                                                     .test_texts = {863, 862},
                                                     .f1 = {0.831, 0.822, 0.817, 0.812},
                                                     .epochs = 8,
                                                     .hidden = 128}}};

}  // namespace

std::string_view to_string(PaperModel model) {
  constexpr std::array<std::string_view, 4> names = {"Base", "Uniform", "Trained MLP", "Uniform MLP"};
  return names[static_cast<size_t>(model)];
}

const PaperDataset* find_in_paper(std::string_view dataset) {
  const auto* found = std::find_if(kDatasets.begin(), kDatasets.end(),
                                   [&](const PaperDataset& entry) { return entry.name == dataset; });
  return found == kDatasets.end() ? nullptr : found;
}

}  // namespace notnot
