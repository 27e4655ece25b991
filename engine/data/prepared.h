#pragma once
// A prepared data set: a folder that says what it is and loads in milliseconds.
//
// dataset.json         format version, name, where the texts come from (files, sizes, SHA-256), every option, counts by
//                      split and class, what the user should know ("warnings"), sizes and SHA-256 of the files below,
//                      and of itself ("checksum": of the rest)
// vocabulary.txt       a word per line; line k holds id k - 1
// data.safetensors     per split: token_ids, offsets, labels, rows, unknown, as in Split; its strings as bytes (U8) and
//                      where they begin: outside and outside_offsets, and for texts with ids also ids and ids_offsets; for
//                      texts with groups also groups, and for texts with rationales also rationales, rationale_offsets
// texts.csv            text,label,split,row,id: the same texts as words, in the same order
// vectors.safetensors  [V, E] word vectors, where they were attached
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/data/dataset.h"
#include "engine/data/dataset_builder.h"
#include "engine/data/sources.h"
#include "engine/data/word_vectors.h"
#include "engine/io/private_folder.h"

namespace notnot {

/// The facts that dataset.json has about the texts, beside their counts.
struct Preparation {
  std::string name;                    ///< of the data set, also in run folders
  std::string corpus;                  ///< which reader read it: sst, imdb, ..., or csv
  std::array<std::string, 2> classes;  ///< the meaning of the labels 0 and 1
  DatasetOptions options;
  nlohmann::json choices = nlohmann::json::object();  ///< the reader's own options
  std::vector<Source> sources;
  bool synthetic = false;     ///< the texts are made up, which is said wherever the data set is shown
  bool confidential = false;  ///< the texts may not be shared: see keep_private in engine/io/file_modes.h
};

using UnknownWords = BySplit<int64_t>;

class PreparedWriter {
 public:
  /// Starts a PrivateFolder that becomes `out` when it is finished and disappears otherwise. Throws InputError when
  /// `out` exists or cannot be written, or when another process is writing it.
  explicit PreparedWriter(const std::filesystem::path& out);

  /// Builds and writes the data set, a text at a time. Throws what DatasetBuilder::outline throws, and Interrupted when
  /// the user asks to stop.
  void write(const DatasetBuilder& builder, const Preparation& preparation);
  const Vocabulary& vocabulary() const { return *vocabulary_; }
  /// How many words of each split are not in the vocabulary.
  const UnknownWords& unknown_words() const { return unknown_words_; }
  /// Writes the training split as lines of words, for tools that train word vectors. Their order depends on the words
  /// only (text_order.h).
  void write_training_texts(const std::filesystem::path& path, const DatasetBuilder& builder) const;
  /// `origin` says where the vectors come from.
  void write_vectors(const WordVectors& vectors, nlohmann::json origin);
  /// A path in the folder for a file of the caller's, who removes it before finish().
  std::filesystem::path scratch(const std::string& name) const { return folder_.path() / name; }

  /// Writes dataset.json, with sentences that whoever uses the data set should know, and gives the folder its name.
  void finish(const std::vector<std::string>& warnings = {});

 private:
  void record(const std::string& name);

  std::filesystem::path out_;
  PrivateFolder folder_;
  std::optional<Vocabulary> vocabulary_;
  UnknownWords unknown_words_{};
  DatasetOptions options_;
  nlohmann::json description_;
};

class PreparedFolder {
 public:
  /// Reads dataset.json. Throws InputError naming file and remedy when the folder is none, of another format version,
  /// or its files have other sizes than they should, or are no files. The description is as
  /// engine/data/prepared_description.h wants it.
  explicit PreparedFolder(std::filesystem::path path);

  /// Whether `path` is a folder with a dataset.json.
  static bool is_at(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  const nlohmann::json& description() const { return description_; }
  std::string name() const { return description_.at("name"); }
  DatasetOptions options() const;
  bool is_synthetic() const { return description_.at("synthetic"); }
  /// Whether it was marked as confidential. Ask is_confidential (engine/corpora/corpus.h), which knows more.
  bool is_marked_confidential() const;
  std::string corpus() const { return description_.at("corpus"); }
  /// What was said of the texts and their word vectors when they were prepared; nothing in older folders.
  std::vector<std::string> warnings() const { return description_.value("warnings", std::vector<std::string>()); }
  /// Identifies the data: the same texts that are prepared again, elsewhere or by a newer program, have the same sum.
  /// It is what `sha256sum vocabulary.txt data.safetensors | sha256sum` prints.
  std::string checksum() const;

  /// The data set, its columns mapped. Throws InputError when what was read has another checksum than dataset.json
  /// says, and when ids, offsets or labels are out of their ranges.
  Dataset dataset() const;
  /// The word vectors that are stored; nothing when there are none. Throws InputError when they have another checksum
  /// than dataset.json says, or a value is not finite.
  std::optional<WordVectors> vectors() const;
  /// The texts as words, one at a time, in the order of the splits. The file is mapped, so that its size does not
  /// matter.
  void for_each_text(const TextSink& take) const;
  /// Reads everything. Throws InputError naming the first file whose checksum differs.
  void verify() const;

 private:
  void check_size(const std::string& file, const nlohmann::json& known) const;
  [[noreturn]] void damaged(const std::string& file, const std::string& what) const;
  /// The checksum of the file, as dataset.json has it.
  std::string known_checksum(const char* file) const { return description_.at("files").at(file).at("sha256"); }
  /// Throws InputError unless `checksum`, of what was read, is that of the file.
  void check(const char* file, const std::string& checksum) const;

  std::filesystem::path path_;
  nlohmann::json description_;
};

}  // namespace notnot
