#include "engine/data/prepared.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <span>
#include <system_error>
#include <utility>

#include "engine/data/prepared_description.h"
#include "engine/data/text_order.h"
#include "engine/io/checksum.h"
#include "engine/io/csv_writer.h"
#include "engine/io/delimited.h"
#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/json.h"
#include "engine/io/safetensors.h"
#include "engine/io/stop.h"
#include "engine/io/text.h"
#include "engine/io/version.h"

namespace notnot {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kFormat = "notnot prepared data set";
constexpr int kVersion = 2;
constexpr const char* kDescription = "dataset.json";
constexpr const char* kVocabulary = "vocabulary.txt";
constexpr const char* kData = "data.safetensors";
constexpr const char* kTexts = "texts.csv";
constexpr size_t kTextColumns = 5;  // of texts.csv
constexpr const char* kVectors = "vectors.safetensors";
// Tensors of data.safetensors: the strings of Split as bytes, and where they begin.
constexpr const char *kIds = "ids", *kIdsOffsets = "ids_offsets", *kGroups = "groups";
constexpr const char *kRationales = "rationales", *kRationaleOffsets = "rationale_offsets";
constexpr const char *kOutside = "outside", *kOutsideOffsets = "outside_offsets";

std::string to_text(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

/// The checksum of dataset.json, taken without the checksum itself.
std::string checksum_of(Json description) {
  description.erase("checksum");
  return sha256(to_text(description));
}

std::string tensor_name(SplitName split, const char* column) { return fmt::format("{}.{}", to_string(split), column); }

using TokenIds = std::function<void(SplitName, const Sink&)>;

/// `token_ids` hands over the token ids of a split. The widest columns come first, so that every column is aligned.
std::vector<TensorView> tensors_of(const Dataset& outline, const TokenIds& token_ids) {
  std::vector<TensorView> tensors;
  const auto add = [&](SplitName split, const char* column, DType dtype, const auto& values) {
    tensors.push_back({tensor_name(split, column), dtype, {static_cast<int64_t>(values.size())}, values.data()});
  };
  for (const SplitName name : kSplitNames) {
    const Split& split = outline.split(name);
    add(name, "offsets", DType::i64, split.offsets);
    add(name, "rows", DType::i64, split.rows);
    add(name, kOutsideOffsets, DType::i64, split.outside.offsets);
    if (!split.ids.empty()) add(name, kIdsOffsets, DType::i64, split.ids.offsets);
    if (!split.groups.empty()) add(name, kGroups, DType::i64, split.groups);
    if (!split.rationale_offsets.empty()) add(name, kRationaleOffsets, DType::i64, split.rationale_offsets);
  }
  for (const SplitName name : kSplitNames) {
    const Split& split = outline.split(name);
    add(name, "labels", DType::i32, split.labels);
    add(name, "unknown", DType::i32, split.unknown);
    if (!split.rationale_offsets.empty()) add(name, kRationales, DType::i32, split.rationales);
    tensors.push_back({.name = tensor_name(name, "token_ids"),
                       .dtype = DType::i32,
                       .shape = {split.offsets.back()},
                       .stream = [&token_ids, name](const Sink& sink) { token_ids(name, sink); }});
  }
  for (const SplitName name : kSplitNames) {
    const Split& split = outline.split(name);
    add(name, kOutside, DType::u8, split.outside.bytes);
    if (!split.ids.empty()) add(name, kIds, DType::u8, split.ids.bytes);
  }
  return tensors;
}

Json describe(const Split& split, const SplitCounts& counts) {
  return {{"negative", split.size() - split.positives()},
          {"positive", split.positives()},
          {"tokens", split.offsets.back()},
          {"before_length_filter", {{"negative", counts.negative}, {"positive", counts.positive}}}};
}

Json describe(const Preparation& preparation) {
  Json sources = Json::array();
  for (const Source& source : preparation.sources) {
    sources.push_back(
        {{"path", source.path}, {"files", source.files}, {"bytes", source.bytes}, {"sha256", source.sha256}});
  }
  const DatasetOptions& options = preparation.options;
  return {{"format", kFormat},
          {"format_version", kVersion},
          {"name", preparation.name},
          {"corpus", preparation.corpus},
          {"synthetic", preparation.synthetic},
          {"confidential", preparation.confidential},
          {"classes", preparation.classes},
          {"sources", std::move(sources)},
          {"options",
           {{"min_df", options.min_df},
            {"length_filter", options.filter_by_length},
            {"min_length", options.min_length},
            {"max_length", options.max_length}}},
          {"choices", preparation.choices},
          {"created_by", {{"version", version()}, {"commit", commit()}}},
          {"files", Json::object()}};
}

StringColumn strings(const Safetensors& data, const std::string& bytes, const std::string& offsets) {
  return {data.column<char>(bytes), data.column<int64_t>(offsets)};
}

bool spells_unknown_words(const Split& split) {
  if (!split.outside.fits()) return false;
  const auto is_outside = [size = split.outside.size()](int32_t word) {
    return word >= 0 && static_cast<size_t>(word) < size;
  };
  return std::all_of(split.unknown.begin(), split.unknown.end(), is_outside) &&
         std::count(split.token_ids.begin(), split.token_ids.end(), kUnknownId) == std::ssize(split.unknown);
}

bool has_fitting_rationales(const Split& split) {
  const Column<int64_t>& begin = split.rationale_offsets;
  if (begin.empty()) return split.rationales.empty();
  if (begin.size() != split.labels.size() + 1 || begin.front() != 0 || begin.back() != std::ssize(split.rationales) ||
      !std::is_sorted(begin.begin(), begin.end()))
    return false;
  for (int32_t i = 0; i < split.size(); ++i) {
    const std::span places(split.rationales.data() + begin[i], split.rationales.data() + begin[i + 1]);
    if (!are_places(places, static_cast<size_t>(split.length(i) - 2))) return false;
  }
  return true;
}

/// The reason why the split's columns do not belong together; empty if they do.
std::string fault(const Split& split, int32_t vocabulary) {
  constexpr size_t kMost = std::numeric_limits<int32_t>::max();  // texts, and tokens of a text, are counted in 32 bits
  const size_t size = split.labels.size();
  if (size == 0) return "it has no text";
  if (split.offsets.size() != size + 1 || split.rows.size() != size) return "columns of different lengths";
  if (split.offsets.front() != 0 || split.offsets.back() != std::ssize(split.token_ids))
    return "offsets that do not span the tokens";
  if (size > kMost) return fmt::format("{} texts are too many", size);
  for (size_t i = 0; i < size; ++i) {
    // Each offset is at least 3 above the one before, and the last is the number of tokens, so all lie inside.
    const int64_t begin = split.offsets[i], end = split.offsets[i + 1];
    if (begin > split.offsets.back() - 3 || end < begin + 3) return fmt::format("text {} without a word", i);
    if (end > begin + int64_t{kMost}) return fmt::format("text {} is too long", i);
  }
  const auto is_wrong_id = [vocabulary](int32_t id) { return id < kUnknownId || id >= vocabulary; };
  if (std::any_of(split.token_ids.begin(), split.token_ids.end(), is_wrong_id)) return "a token outside the vocabulary";
  const auto is_wrong_label = [](int32_t label) { return label != 0 && label != 1; };
  if (std::any_of(split.labels.begin(), split.labels.end(), is_wrong_label)) return "a label that is neither 0 nor 1";
  if (!split.ids.fits() || (!split.ids.empty() && split.ids.size() != size)) return "ids that do not fit the texts";
  if (!split.groups.empty() && split.groups.size() != size) return "groups that do not fit the texts";
  if (!has_fitting_rationales(split)) return "rationales that do not fit the texts";
  return spells_unknown_words(split) ? "" : "spellings that do not fit the unknown words";
}

/// The reason why the split is not the one that dataset.json counts, or that a model can be trained and tested on;
/// empty if it is.
std::string fault(const Split& split, SplitName name, const Json& counts) {
  const int64_t positive = split.positives(), negative = split.size() - positive;
  if (counts.at("negative") != negative || counts.at("positive") != positive ||
      counts.at("tokens") != split.offsets.back())
    return "other counts than in dataset.json";
  return name != SplitName::dev && (negative == 0 || positive == 0) ? "texts of one class only" : "";
}

[[noreturn]] void cannot_write(const std::filesystem::path& out, const std::error_code& reason) {
  throw InputError(
      fmt::format("cannot write {}: {}; choose another folder with --out", out.string(), reason.message()));
}

std::filesystem::path without_slash(const std::filesystem::path& path) {
  return path.has_filename() ? path : path.parent_path();
}

/// The folder beside `out` that becomes `out`.
PrivateFolder start(const std::filesystem::path& out) {
  std::error_code error;
  if (std::filesystem::exists(std::filesystem::symlink_status(out, error))) {
    throw InputError(fmt::format("{} exists already; remove it, or choose another folder with --out", out.string()));
  }
  try {
    const std::string name = fmt::format(".notnot-{}.tmp", out.filename().string());
    if (std::optional<PrivateFolder> folder = PrivateFolder::make(out.parent_path() / name)) return *std::move(folder);
  } catch (const std::system_error& failure) {
    cannot_write(out, failure.code());
  }
  throw InputError(fmt::format("another process prepares {}; wait for it, or give another --out", out.string()));
}

}  // namespace

// --- writing

PreparedWriter::PreparedWriter(const std::filesystem::path& out)
    : out_(without_slash(out.lexically_normal())), folder_(start(out_)) {}

void PreparedWriter::record(const std::string& name) {
  const std::filesystem::path path = folder_.path() / name;
  description_["files"][name] = {{"bytes", std::filesystem::file_size(path)}, {"sha256", sha256_of_file(path)}};
}

void PreparedWriter::write(const DatasetBuilder& builder, const Preparation& preparation) {
  options_ = preparation.options;
  Dataset outline = builder.outline(preparation.name, options_);
  vocabulary_ = std::move(outline.vocabulary);
  description_ = describe(preparation);
  description_["vocabulary"] = vocabulary_->size();
  write_atomically(folder_.path() / kVocabulary, vocabulary_->serialize());
  write_safetensors(folder_.path() / kData, tensors_of(outline, [&](SplitName split, const Sink& sink) {
                      builder.encode(*vocabulary_, split, options_, [&](std::span<const int32_t> text) {
                        check_stop();
                        sink({reinterpret_cast<const char*>(text.data()), text.size_bytes()});
                      });
                    }));
  write_atomically(folder_.path() / kTexts, [&](const Sink& sink) {
    sink("text,label,split,row,id\n");
    for (const SplitName split : kSplitNames) {
      const SplitCounts counts = builder.count(split, options_);
      description_["splits"][std::string(to_string(split))] = describe(outline.split(split), counts);
      unknown_words_[split] = std::ssize(outline.split(split).unknown);
      for (const size_t i : counts.kept) {
        check_stop();
        const LabelledText text = builder.text(i);
        sink(fmt::format("{},{},{},{},{}\n", csv_field(text.words), text.label, to_string(split), text.row,
                         csv_field(text.id)));
      }
    }
  });
  for (const char* name : {kVocabulary, kData, kTexts}) record(name);
}

void PreparedWriter::write_training_texts(const std::filesystem::path& path, const DatasetBuilder& builder) const {
  std::vector<std::pair<uint64_t, size_t>> order;
  for (const size_t i : builder.count(SplitName::train, options_).kept) {
    check_stop();
    const std::string words = builder.text(i).words;
    order.emplace_back(hash_of_content(std::as_bytes(std::span(words))), i);
  }
  std::sort(order.begin(), order.end());
  write_atomically(path, [&](const Sink& sink) {
    for (const auto& [hash, i] : order) {
      check_stop();
      sink(builder.text(i).words + "\n");
    }
  });
}

void PreparedWriter::write_vectors(const WordVectors& vectors, Json origin) {
  const int64_t words = vocabulary().size();
  write_safetensors(folder_.path() / kVectors, {{"vectors", DType::f32, {words, vectors.width}, vectors.rows.data()}});
  description_["vectors"] = {{"width", vectors.width}, {"found", vectors.found}, {"origin", std::move(origin)}};
  record(kVectors);
}

void PreparedWriter::finish(const std::vector<std::string>& warnings) {
  description_["warnings"] = warnings;
  description_["checksum"] = checksum_of(description_);
  write_atomically(folder_.path() / kDescription, to_text(description_));
  try {
    folder_.become(out_.filename().string());
  } catch (const std::system_error& failure) {
    cannot_write(out_, failure.code());
  }
}

// --- reading

PreparedFolder::PreparedFolder(std::filesystem::path path) : path_(std::move(path)) {
  if (other_than_file(path_).empty()) {
    throw InputError(fmt::format(
        "{} is a file, and a prepared data set is a folder; make one with notnot prepare csv, or train on the file",
        path_.string()));
  }
  if (!is_at(path_)) {
    throw InputError(fmt::format("{} is no prepared data set: the directory has no {}; make one with notnot prepare",
                                 path_.string(), kDescription));
  }
  description_ = read_json_object(path_ / kDescription, "prepare the data set again");
  if (description_.value("format", Json()) != kFormat) damaged(kDescription, "it describes something else");
  if (const Json version = description_.value("format_version", Json()); version != kVersion) {
    throw InputError(fmt::format("{} has format version {}, this program reads version {}; prepare it again",
                                 (path_ / kDescription).string(), version.is_number() ? version.dump() : "none",
                                 kVersion));
  }
  if (description_.value("checksum", Json()) != checksum_of(description_))
    damaged(kDescription, "its checksum is not that of its content");
  if (const std::string what = fault_of_description(description_); !what.empty()) damaged(kDescription, what);
  for (const auto& [file, known] : description_.at("files").items()) check_size(file, known);
}

/// Throws InputError unless the file is one of a prepared folder, and as large as it should be.
void PreparedFolder::check_size(const std::string& file, const Json& known) const {
  constexpr std::array kFiles = {kVocabulary, kData, kTexts, kVectors};
  if (std::find(kFiles.begin(), kFiles.end(), file) == kFiles.end())
    damaged(kDescription, fmt::format("{} is no file of a prepared data set", in_quotes(file)));
  if (const std::string what = other_than_file(path_ / file); !what.empty())
    damaged(file, fmt::format("there is {} and no file", what));
  if (const size_t bytes = FileReader(path_ / file).size(); known.at("bytes") != bytes)
    damaged(file, fmt::format("{} bytes instead of {}", bytes, known.at("bytes").dump()));
}

bool PreparedFolder::is_at(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path / kDescription, ignored);
}

void PreparedFolder::damaged(const std::string& file, const std::string& what) const {
  throw InputError(fmt::format("{} is damaged: {}; prepare the data set again", (path_ / file).string(), what));
}

bool PreparedFolder::is_marked_confidential() const {
  const auto mark = description_.find("confidential");  // folders of earlier versions have none
  return mark != description_.end() && *mark == true;
}

std::string PreparedFolder::checksum() const {
  Sha256 sums;
  for (const char* file : {kVocabulary, kData}) sums.update(fmt::format("{}  {}\n", known_checksum(file), file));
  return sums.hex();
}

void PreparedFolder::check(const char* file, const std::string& checksum) const {
  if (checksum != known_checksum(file)) damaged(file, "its checksum is not the one in dataset.json");
}

DatasetOptions PreparedFolder::options() const {
  const Json& options = description_.at("options");
  return {.min_df = options.at("min_df"),
          .filter_by_length = options.at("length_filter"),
          .min_length = options.at("min_length"),
          .max_length = options.at("max_length")};
}

Dataset PreparedFolder::dataset() const {
  const Safetensors data = Safetensors::read(path_ / kData);
  // Before it is read: what Vocabulary::load says about a fault is meant for the vocabulary of a run.
  check(kVocabulary, sha256_of_file(path_ / kVocabulary));
  Dataset dataset{name(), Vocabulary::load(path_ / kVocabulary), {}};
  if (description_.at("vocabulary") != dataset.vocabulary.size())
    damaged(kVocabulary, fmt::format("{} words", dataset.vocabulary.size()));
  for (const SplitName name : kSplitNames) {
    check_stop();
    Split& split = dataset.splits[name];
    split.token_ids = data.column<int32_t>(tensor_name(name, "token_ids"));
    split.offsets = data.column<int64_t>(tensor_name(name, "offsets"));
    split.labels = data.column<int32_t>(tensor_name(name, "labels"));
    split.rows = data.column<int64_t>(tensor_name(name, "rows"));
    split.unknown = data.column<int32_t>(tensor_name(name, "unknown"));
    split.outside = strings(data, tensor_name(name, kOutside), tensor_name(name, kOutsideOffsets));
    const std::string ids = tensor_name(name, kIds);
    if (data.contains(ids)) split.ids = strings(data, ids, tensor_name(name, kIdsOffsets));
    const std::string groups = tensor_name(name, kGroups);
    if (data.contains(groups)) split.groups = data.column<int64_t>(groups);
    const std::string rationales = tensor_name(name, kRationales);
    if (data.contains(rationales)) {
      split.rationales = data.column<int32_t>(rationales);
      split.rationale_offsets = data.column<int64_t>(tensor_name(name, kRationaleOffsets));
    }
    const std::string what = fault(split, dataset.vocabulary.size());
    if (!what.empty()) damaged(kData, fmt::format("the {} split: {}", to_string(name), what));
  }
  // After the checks above, whose messages say more. They have touched the pages that the sum needs.
  check(kVocabulary, sha256(dataset.vocabulary.serialize()));
  check(kData, data.checksum());
  for (const SplitName name : kSplitNames) {
    const Json& counts = description_.at("splits").at(std::string(to_string(name)));
    const std::string what = fault(dataset.split(name), name, counts);
    if (!what.empty()) damaged(kData, fmt::format("the {} split: {}", to_string(name), what));
  }
  return dataset;
}

std::optional<WordVectors> PreparedFolder::vectors() const {
  const auto known = description_.find("vectors");
  if (known == description_.end()) return std::nullopt;
  const Safetensors file = Safetensors::read(path_ / kVectors);
  const std::vector<int64_t>& shape = file.entry("vectors").shape;
  if (shape != std::vector<int64_t>{description_.at("vocabulary"), known->at("width")})
    damaged(kVectors, fmt::format("its shape is [{}]", fmt::join(shape, ", ")));
  WordVectors vectors{.width = known->at("width"), .found = known->at("found"), .rows = file.values<float>("vectors")};
  vectors.checksum = file.checksum();
  check(kVectors, vectors.checksum);
  const auto wrong =
      std::find_if_not(vectors.rows.begin(), vectors.rows.end(), [](float x) { return std::isfinite(x); });
  if (wrong != vectors.rows.end()) {
    damaged(kVectors, fmt::format("the vector of the word in line {} of {} has the value {}",
                                  (wrong - vectors.rows.begin()) / vectors.width + 1, kVocabulary, *wrong));
  }
  return vectors;
}

void PreparedFolder::for_each_text(const TextSink& take) const {
  const FileReader file(path_ / kTexts);
  const auto mapped = file.map();
  DelimitedReader reader((path_ / kTexts).string(), {});
  reader.read({static_cast<const char*>(mapped.get()), file.size()}, [&](Record&& fields) {
    if (reader.record() == 0) return;
    fields.resize(kTextColumns);
    LabelledText text{.words = std::move(fields[0]), .id = std::move(fields[4])};
    const std::string &label = fields[1], &row = fields[3];
    const auto split = std::find_if(kSplitNames.begin(), kSplitNames.end(),
                                    [&](SplitName name) { return to_string(name) == fields[2]; });
    const auto [end, error] = std::from_chars(row.data(), row.data() + row.size(), text.row);
    if (split == kSplitNames.end() || (label != "0" && label != "1") || error != std::errc())
      damaged(kTexts, fmt::format("record {} is not as it was written", reader.record()));
    text.label = label == "1" ? 1 : 0;
    text.split = *split;
    take(std::move(text));
  });
}

void PreparedFolder::verify() const {
  for (const auto& [file, known] : description_.at("files").items()) {
    check(file.c_str(), sha256_of_file(path_ / file));
  }
}

}  // namespace notnot
