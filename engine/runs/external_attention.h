#pragma once
// Attention, or any other importance per word, that comes from elsewhere: read from a file and aligned to a data set.
// The guided-MLP diagnostic (Wiegreffe & Pinter 2019, section 3.4) takes such weights as given.
//
// read_external_attention takes one of these:
//
// a JSON object per line  {"split": "train", "id": 17, "attention": [0.25, 0.75], "tokens": ["a", "film"]}: `id` is
//                         LabelledText::row, as in predictions.jsonl; one number per word, none for the boundary
//                         tokens; `tokens` may be missing, further members are ignored. Every text of every split
//                         once, in any order. A line of write_tokens with `attention` added is such a line.
// FILE.safetensors        per split, texts in the data set's order, tensors `train/attention` [words] f32 or f64 and
//                         `train/offsets` [texts + 1] i64: text i has the words offsets[i] .. offsets[i+1], boundary
//                         tokens not counted; `train/row` [texts] i64 is checked if there is one
// a folder                a run of `notnot train` on the same data set (engine/runs/run_folder.h)
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
/// another form; texts that are missing, unknown or given twice; another number of weights than words; other words (a
/// word that the vocabulary lacks may be any); numbers that are not finite; a text without a weight above 0. A run
/// folder has weights: any other `importance` is an error. The memory is that of the weights and of one line.
ExternalAttention read_external_attention(const std::filesystem::path& path, const Dataset& dataset,
                                          Importance importance);

/// Writes every text of train, dev and test as {"split", "id", "label", "tokens"}, an object per line, in the data
/// set's order; a word that the vocabulary lacks is `<UNK>`. Atomically; throws InputError as write_atomically does.
void write_tokens(const std::filesystem::path& path, const Dataset& dataset);

}  // namespace notnot
