#pragma once
// The order of texts by their content. What is drawn for a text is drawn for its place in this order, so that the order
// in which a user's file has the texts changes no result.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/data/dataset.h"

namespace notnot {

/// [size] The place of each text when all are sorted by their token ids, and by their labels where these are equal.
/// Texts that are equal in both are one and the same to a model; they have places in the order of the file.
std::vector<int32_t> places_by_content(const Split& split);

/// The numbers of the texts in the order of their words, and of their labels where these are equal.
std::vector<size_t> order_by_content(const std::vector<LabelledText>& texts);

/// A number that depends on nothing but the bytes of a text, its words or its ids: FNV-1a, 64 bits. Two texts may share
/// it by chance.
uint64_t hash_of_content(std::span<const std::byte> bytes);

}  // namespace notnot
