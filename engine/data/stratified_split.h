#pragma once
// A split of our own for texts that come without one.
#include <cstdint>
#include <vector>

#include "engine/data/dataset.h"

namespace notnot {

struct SplitRequest {
  double dev = 0.15, test = 0.2;  ///< shares of all texts; the rest is for training
  uint64_t seed = 1;
};

/// Deals each class out at random: round(test * n) of its n texts to the test split, round(dev * n) to the dev split,
/// the rest to training. Texts of one group (LabelledText::group) go to one split, that of the class that most of them
/// have; a split then has as many texts as whole groups make. The result depends on the request and the texts, not on their order. Throws InputError when
/// the shares leave nothing for training.
void split_stratified(std::vector<LabelledText>& texts, const SplitRequest& request);

}  // namespace notnot
