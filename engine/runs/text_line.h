#pragma once
// How a text stands in the lines of JSON that other programs read: predictions.jsonl and the words of a data set.
#include "engine/data/word_reader.h"
#include "engine/io/json_lines.h"

namespace notnot {

/// Adds `row`, and `id` if the data set has ids: null for a text without one.
void add_name(JsonLine& line, const Split& split, size_t text);

/// Adds `tokens`, the words as they stand in the text, and `unknown`, the places (from 0) of those that the vocabulary
/// lacks.
void add_words(JsonLine& line, const WordReader& words, size_t text);

}  // namespace notnot
