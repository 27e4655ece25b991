#include "engine/corpora/mimic.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <compare>
#include <map>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/corpora/clinical_text.h"
#include "engine/io/csv_stream.h"
#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/text.h"
#include "engine/math/numpy_random.h"
#include "kernels/base/error.h"

namespace notnot {
namespace {

constexpr std::string_view kNotes = "NOTEEVENTS.csv";
constexpr std::string_view kCodes = "DIAGNOSES_ICD.csv";

struct AdmissionId {
  int64_t subject = 0, admission = 0;
  auto operator<=>(const AdmissionId&) const = default;
};

/// Where a note stands in NOTEEVENTS.csv, and what decides its place in the admission's text.
struct Note {
  bool addendum = false;
  std::string date;  ///< CHARTDATE; sorts as text
  ByteRange range;
};

struct Admission {
  bool diabetes = false, acute_anemia = false, chronic_anemia = false;
  std::vector<Note> notes;
};

/// The order is that of the output.
using Admissions = std::map<AdmissionId, Admission>;
using Folds = std::unordered_map<int64_t, SplitName>;  ///< by HADM_ID

/// `csv` must be read to its end.
Source source_of(CsvStream& csv, std::string_view name) {
  return {.path = std::string(name), .bytes = static_cast<int64_t>(csv.size()), .sha256 = csv.sha256()};
}

std::optional<int64_t> whole_number(std::string_view field) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc() || end != field.data() + field.size() || value < 0) return std::nullopt;
  return value;
}

int64_t id_field(const CsvStream& csv, std::string_view column, const std::string& field) {
  const auto id = whole_number(field);
  if (!id) {
    csv.fail(fmt::format("{} {} is not a whole number; use the file as it is distributed", column, in_quotes(field)));
  }
  return *id;
}

CsvStream open_table(const MimicSource& source, std::string_view name, const MimicProgress& progress) {
  const auto path = source.raw / name;
  std::error_code ignored;
  const auto packed = source.raw / fmt::format("{}.gz", name);
  if (!std::filesystem::exists(path, ignored) && std::filesystem::exists(packed, ignored)) {
    throw InputError(fmt::format("{} is packed; unpack it with: gunzip {}", packed.string(), packed.string()));
  }
  BytesProgress bytes;
  if (progress) bytes = [&progress, name](uint64_t done, uint64_t total) { progress(name, done, total); };
  return CsvStream(path, std::move(bytes));
}

/// One HADM_ID per line.
void read_fold(const std::filesystem::path& path, std::string_view content, SplitName split, Folds& folds) {
  int64_t line_number = 0;
  for (size_t begin = 0; begin < content.size();) {
    const size_t end = std::min(content.find('\n', begin), content.size());
    std::string_view line = std::string_view(content).substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    begin = end + 1;
    ++line_number;
    const auto fail = [&](const std::string& message) {
      throw InputError(fmt::format("{}, line {}: {}", path.string(), line_number, message));
    };
    const auto id = whole_number(line);
    if (!id) fail(fmt::format("{} is no HADM_ID; the file holds one per line and no header", in_quotes(line)));
    const auto [known, is_new] = folds.emplace(*id, split);
    if (!is_new)
      fail(fmt::format("{} stands in {} already; take the lists as published", *id, to_string(known->second)));
  }
  if (line_number == 0)
    throw InputError(fmt::format("{}: the file is empty; take the list as published", path.string()));
}

Folds read_folds(const std::filesystem::path& folder, MimicReport& report) {
  SourceReader sources(folder, "the lists of admissions");
  Folds folds;
  for (const SplitName split : kSplitNames) {
    const std::string name = fmt::format("{}_50_hadm_ids.csv", to_string(split));
    read_fold(folder / name, sources.read(name), split, folds);
  }
  report.sources = sources.sources();
  return folds;
}

/// The codes of every admission that has any.
Admissions read_codes(const MimicSource& source, const MimicProgress& progress, MimicReport& report) {
  CsvStream csv = open_table(source, kCodes, progress);
  const size_t subject = csv.column("SUBJECT_ID"), admission = csv.column("HADM_ID"), code = csv.column("ICD9_CODE");
  Admissions admissions;
  while (csv.next()) {
    ++report.codes;
    const auto& fields = csv.fields();
    if (std::count(fields.begin(), fields.end(), "") > 0) {
      ++report.incomplete_codes;
      continue;
    }
    if (fields[code].find('.') != std::string::npos) {
      csv.fail(fmt::format("ICD9_CODE {} has a point; MIMIC-III's codes have none: use the file as it is distributed",
                           in_quotes(fields[code])));
    }
    const std::string dotted =
        fields[code].substr(0, 3) + "." + fields[code].substr(std::min<size_t>(3, fields[code].size()));
    Admission& found =
        admissions[{id_field(csv, "SUBJECT_ID", fields[subject]), id_field(csv, "HADM_ID", fields[admission])}];
    found.diabetes = found.diabetes || dotted.starts_with("250.00");
    found.acute_anemia = found.acute_anemia || dotted.starts_with("285.1");
    found.chronic_anemia = found.chronic_anemia || dotted.starts_with("285.2");
  }
  report.sources.push_back(source_of(csv, kCodes));
  return admissions;
}

/// Reads NOTEEVENTS.csv from front to back, then the notes that are needed again.
class NoteReader {
 public:
  NoteReader(const MimicSource& source, const MimicProgress& progress)
      : lossy_(source.lossy), csv_(open_table(source, kNotes, progress)) {}

  /// Gives the admissions their notes, in the order in which they are joined.
  void find_notes(Admissions& admissions, MimicReport& report) {
    while (csv_.next()) {
      ++report.notes;
      if (field(category_) != "Discharge summary") continue;
      ++report.summaries;
      if (!field(is_error_).empty()) {
        ++report.errors;
      } else if (field(admission_).empty()) {
        ++report.without_admission;
      } else {
        const auto found = admissions.find(
            {id_field(csv_, "SUBJECT_ID", field(subject_)), id_field(csv_, "HADM_ID", field(admission_))});
        if (found != admissions.end()) add_note(found->second, report);
      }
    }
    report.sources.push_back(source_of(csv_, kNotes));
    for (auto& [id, admission] : admissions) {
      std::stable_sort(admission.notes.begin(), admission.notes.end(), [](const Note& a, const Note& b) {
        return std::tie(a.addendum, a.date) < std::tie(b.addendum, b.date);
      });
      for (const Note& note : admission.notes) ++(note.addendum ? report.used_addenda : report.used_notes);
    }
  }

  /// The admission's notes, joined.
  std::string text(const Admission& admission) const {
    std::string joined;
    for (const Note& note : admission.notes) {
      if (!joined.empty()) joined += ' ';
      const auto fields = csv_.read_again(note.range);
      NOTNOT_CHECK(fields.size() > text_, "a record of {} fields", fields.size());
      joined += lossy_ ? replace_invalid_utf8(fields[text_]) : fields[text_];
    }
    return joined;
  }

 private:
  const std::string& field(size_t column) const { return csv_.fields()[column]; }

  void add_note(Admission& admission, MimicReport& report) {
    const std::string& description = field(description_);
    if (description != "Report" && description != "Addendum") {
      csv_.fail(
          fmt::format("DESCRIPTION {} of a discharge summary is neither Report nor Addendum; use the file as it is "
                      "distributed",
                      in_quotes(description)));
    }
    if (!is_date(field(date_))) {
      csv_.fail(fmt::format("CHARTDATE {} is no date like 2151-08-04; use the file as it is distributed",
                            in_quotes(field(date_))));
    }
    if (!lossy_) check_text();
    if (split_at_white_space(field(text_)).empty()) return;
    report.synthetic = report.synthetic || field(text_).starts_with(kSyntheticMark);
    admission.notes.push_back({description == "Addendum", field(date_), csv_.range()});
  }

  static constexpr std::string_view kDateForm = "dddd-dd-dd";
  /// A time may follow, as in older releases.
  static bool is_date(std::string_view field) {
    if (field.size() < kDateForm.size() || (field.size() > kDateForm.size() && field[kDateForm.size()] != ' '))
      return false;
    for (size_t i = 0; i < kDateForm.size(); ++i) {
      const bool digit = field[i] >= '0' && field[i] <= '9';
      if (kDateForm[i] == 'd' ? !digit : field[i] != kDateForm[i]) return false;
    }
    return true;
  }

  void check_text() const {
    const std::string& text = field(text_);
    if (!first_invalid_utf8(text) && text.find('\0') == std::string::npos) return;
    // The record's own bytes tell where in the file.
    const std::string raw = csv_.raw(csv_.range());
    const size_t at = std::min(first_invalid_utf8(raw).value_or(raw.size()), raw.find('\0'));
    NOTNOT_CHECK(at < raw.size(), "the record has no such byte");
    csv_.fail(fmt::format("byte {} of the file (0x{:02X}) is {}; use the file as it is distributed, or give --lossy",
                          csv_.range().begin + at, static_cast<unsigned char>(raw[at]),
                          raw[at] == '\0' ? "NUL" : "not UTF-8"));
  }

  bool lossy_;
  CsvStream csv_;
  size_t subject_ = csv_.column("SUBJECT_ID"), admission_ = csv_.column("HADM_ID"), date_ = csv_.column("CHARTDATE"),
         category_ = csv_.column("CATEGORY"), description_ = csv_.column("DESCRIPTION"),
         is_error_ = csv_.column("ISERROR"), text_ = csv_.column("TEXT");
};

/// A text of the output.
struct Place {
  AdmissionId id;
  int32_t label = 0;
  SplitName split = SplitName::train;
};

/// `admissions` are those of the folds that were found.
std::vector<Place> place_diabetes(const Admissions& admissions, const Folds& folds, const MimicSource& source) {
  Folds missing = folds;
  std::vector<Place> places;
  for (const auto& [id, admission] : admissions) {
    if (missing.erase(id.admission) == 0) {
      throw InputError(fmt::format("{}: admission {} belongs to two patients; use the files as they are distributed",
                                   source.raw.string(), id.admission));
    }
    places.push_back({id, admission.diabetes ? 1 : 0, folds.at(id.admission)});
  }
  if (!missing.empty()) {
    const auto first = std::min_element(missing.begin(), missing.end());
    throw InputError(
        fmt::format("{} of the {} admissions listed in {} have no discharge summary with codes in {} (for one, {} of "
                    "the {} split); take the published lists and the whole of MIMIC-III",
                    missing.size(), folds.size(), source.folds.string(), source.raw.string(), first->first,
                    to_string(first->second)));
  }
  return places;
}

std::vector<Place> place_anemia(const Admissions& admissions, const MimicSource& source) {
  std::vector<Place> places;
  for (const int32_t label : {0, 1}) {
    const size_t before = places.size();
    for (const auto& [id, admission] : admissions) {
      if ((admission.acute_anemia ? 1 : 0) == label) places.push_back({id, label, SplitName::train});
    }
    if (places.size() == before) {
      throw InputError(fmt::format("{}: no admission with a discharge summary has {} only; use the whole of MIMIC-III",
                                   source.raw.string(), label == 1 ? "285.1" : "285.2"));
    }
  }
  std::vector<int32_t> labels;
  labels.reserve(places.size());
  for (const Place& place : places) labels.push_back(place.label);
  const auto outer = stratified_train_test_split(labels, 0.2, 12939);
  for (const int64_t i : outer.test) places[i].split = SplitName::test;
  labels.clear();
  for (const int64_t i : outer.train) labels.push_back(places[i].label);
  const auto inner = stratified_train_test_split(labels, 0.15, 13448);
  for (const int64_t i : inner.test) places[outer.train[i]].split = SplitName::dev;
  return places;
}

}  // namespace

MimicReport read_mimic(MimicTask task, const MimicSource& source, const TextSink& take, const MimicProgress& progress) {
  MimicReport report;
  Folds folds;
  if (task == MimicTask::diabetes) folds = read_folds(source.folds, report);
  Admissions admissions = read_codes(source, progress, report);
  std::erase_if(admissions, [&](const auto& entry) {
    const auto& [id, admission] = entry;
    return task == MimicTask::diabetes ? !folds.contains(id.admission)
                                       : admission.acute_anemia == admission.chronic_anemia;
  });
  NoteReader notes(source, progress);
  notes.find_notes(admissions, report);
  std::erase_if(admissions, [](const auto& entry) { return entry.second.notes.empty(); });

  const auto places =
      task == MimicTask::diabetes ? place_diabetes(admissions, folds, source) : place_anemia(admissions, source);
  uint64_t done = 0, total = 0;
  for (const auto& [id, admission] : admissions) {
    for (const Note& note : admission.notes) total += note.range.bytes;
  }
  for (const SplitName split : kSplitNames) {
    for (const Place& place : places) {
      if (place.split != split) continue;
      const Admission& admission = admissions.at(place.id);
      take({.words = clean_clinical_text(notes.text(admission)),
            .label = place.label,
            .split = split,
            .row = place.id.admission,
            .id = std::to_string(place.id.admission),
            .group = place.id.subject});
      for (const Note& note : admission.notes) done += note.range.bytes;
      if (progress) progress("texts", done, total);
    }
  }
  return report;
}

}  // namespace notnot
