#pragma once
// Attention, or any other importance per word, that comes from elsewhere: read from a file and aligned to a data set.
// The guided-MLP diagnostic (Wiegreffe & Pinter 2019, section 3.4) takes such weights as given.
//
// read_external_attention takes one of these:
//
// JSON lines              an object per text, in any order; read once, so that a pipe will do, and unpacked if gzipped:
//                           {"split": "train", "row": 17, "attention": [0.25, 0.75], "tokens": ["a", "film"]}
//                         `attention`: a number per word, none for the boundary tokens. The text is named by
//                           row      LabelledText::row, as in predictions.jsonl and in what write_tokens writes, or
//                           id       LabelledText::id: a string, or a whole number for its digits; no other text of the
//                                    split may have it
//                         or by both, which must then agree. Whole numbers may be written as 17.0.
//                           tokens   must be the text's words; `<UNK>` may stand for one outside the vocabulary. They
//                                    may be left out. A line with neither `row` nor `tokens` must say "key": "id":
//                                    nothing else would tell an `id` that counts records from one of the data's own.
//                           label    must be the text's if it is 0 or 1, false or true; anything else is ignored
//                         Further members are ignored, so that a line of write_tokens with `attention` added will do.
// safetensors             per split, in the data set's order, which is the key: `train/attention` [words] f32 or f64
//                         and `train/offsets` [texts + 1] i64: text i has the words offsets[i] .. offsets[i+1],
//                         boundary tokens not counted. `train/row` [texts] i64 is compared with LabelledText::row if
//                         there is one. A warning names tensors of other names, which are not read
// a folder                a run on the same data set (engine/runs/run_folder.h): a model's attention, or an attribution of
//                         all three splits, which becomes weights by log_shares (attributions.h)
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/data/dataset.h"

namespace notnot {

/// [tokens of the split] natural log of weights that sum to 1 over the words of each text;
/// -infinity for a weight of 0 and for the two boundary tokens.
using LogAttention = BySplit<std::vector<float>>;

struct ExternalAttention {
  LogAttention log_attention;
  /// Of what was read: the file's SHA-256; of a run folder, RunFolder::attention_checksum.
  std::string checksum;
  std::vector<std::string> warnings = {};  ///< sentences about what was not read
};

/// How the numbers of a file become weights. Afterwards the weights of each text are divided by their sum.
enum class Importance : uint8_t {
  weights,   ///< as they are; a negative one is an error
  absolute,  ///< |x|: gradients, SHAP values
  positive,  ///< max(x, 0)
  softmax    ///< exp(x): attention scores before their softmax
};
inline constexpr std::array<Importance, 4> kImportances = {Importance::weights, Importance::absolute,
                                                           Importance::positive, Importance::softmax};
std::string_view to_string(Importance importance);

/// Throws InputError naming the file, the line or text, what is wrong and the remedy: a file that is missing or of
/// another form; texts that are missing, unknown, ambiguous or given twice; another number of weights than words; other
/// words; numbers that are not finite; a text without a weight above 0; a run folder that is changed meanwhile. A run
/// folder has weights: any other `importance` is an error. The memory is that of the weights, of an index of the texts
/// and of one line.
ExternalAttention read_external_attention(const std::filesystem::path& path, const Dataset& dataset,
                                          Importance importance);

/// Writes every text of train, dev and test as {"split", "row", "id", "label", "tokens", "unknown"}, an object per
/// line, in the data set's order. `id` is null for a text without one, and missing if no text has one. `tokens` are the
/// words as they stand in the text, `unknown` the places, from 0, of those outside the vocabulary. Throws InputError as
/// write_atomically does.
void write_tokens(const std::filesystem::path& path, const Dataset& dataset);

}  // namespace notnot
