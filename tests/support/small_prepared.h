#pragma once
// The smallest prepared data set, for tests of what is read from it.
#include <filesystem>
#include <string>
#include <vector>

#include "engine/data/prepared.h"

namespace notnot {

/// Two texts in every split, of which the first has the words 0 and 2 marked; the vocabulary is a, b and c (ids 4 to 6), with vectors of 2 values, which are 0
/// except the one of b that is `value`.
inline void write_small_prepared(const std::filesystem::path& out, const std::vector<std::string>& warnings = {},
                                 float value = 0) {
  DatasetBuilder builder;
  int64_t row = 0;
  for (const SplitName split : kSplitNames) {
    builder.add({.words = "a b c", .label = 1, .split = split, .row = ++row, .rationale = {0, 2}});
    builder.add({"c a", 0, split, ++row});
  }
  PreparedWriter writer(out);
  writer.write(builder, {.name = "small", .corpus = "csv", .classes = {"0", "1"}, .options = {}, .sources = {}});
  WordVectors vectors{.width = 2, .found = 1, .rows = std::vector<float>(2 * writer.vocabulary().size())};
  vectors.rows[9] = value;
  writer.write_vectors(vectors, {});
  writer.finish(warnings);
}

}  // namespace notnot
