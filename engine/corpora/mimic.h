#pragma once
// The paper's two clinical tasks, from the files NOTEEVENTS.csv (3.7 GB) and DIAGNOSES_ICD.csv of MIMIC-III v1.4
// (Johnson et al., "MIMIC-III, a freely accessible critical care database", Scientific Data 2016). One text is one
// hospital admission: its discharge summaries, joined and cleaned as the published preprocessing does it (Jain &
// Wallace 2019, whose data Wiegreffe & Pinter 2019 section 3.1 reuse).
//
// notes      CATEGORY "Discharge summary", ISERROR empty; the report before its addenda (DESCRIPTION), each by
//            CHARTDATE, then in the file's order; joined by blanks per (SUBJECT_ID, HADM_ID). A note without HADM_ID or
//            without any word is dropped.
// codes      ICD9_CODE with a '.' after the third character. A row with any value missing is dropped. An admission
//            needs both notes and codes.
// diabetes   label 1: any code that starts with 250.00. Splits: {train,dev,test}_50_hadm_ids.csv, one HADM_ID per line
//            and no header, the lists of the 50-code split of Mullenbach et al. 2018. Every id must be found, as the
//            published code demands.
// anemia     the admissions with exactly one of 285.1 (acute; label 1) and 285.2 (chronic; label 0). Splits:
//            stratified, 20 % test with seed 12939, then 15 % of the rest dev with seed 13448.
//
// Errors are InputError and name file, record, line and remedy: a missing file or column, a record with a wrong number
// of fields or wrong quotes, an id that is no number, a DESCRIPTION or CHARTDATE that is none, bytes that are not UTF-8
// and NUL bytes in a text that is used, an id of the folds that is not found or stands twice, no admission of a class.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/data/dataset_builder.h"
#include "engine/data/sources.h"

namespace notnot {

enum class MimicTask : uint8_t { diabetes, anemia };

struct MimicSource {
  std::filesystem::path raw;    ///< the folder with NOTEEVENTS.csv and DIAGNOSES_ICD.csv
  std::filesystem::path folds;  ///< diabetes only: the folder with the lists of ids
  bool lossy = false;           ///< bytes that are not UTF-8 and NUL bytes become U+FFFD instead of an error
};

/// The first words of every note that tools/make_mimic_like writes.
inline constexpr std::string_view kSyntheticMark = "SYNTHETIC TEXT";

/// Counts of what was read and what was left out, for dataset.json.
struct MimicReport {
  int64_t notes = 0;                         ///< records of NOTEEVENTS.csv
  int64_t summaries = 0;                     ///< discharge summaries among them; the next two count some of these
  int64_t errors = 0;                        ///< dropped: ISERROR is set
  int64_t without_admission = 0;             ///< dropped: no HADM_ID
  int64_t codes = 0;                         ///< records of DIAGNOSES_ICD.csv
  int64_t incomplete_codes = 0;              ///< dropped: a value is missing
  int64_t used_notes = 0, used_addenda = 0;  ///< reports and addenda in the texts
  /// Whether a note that was used starts with kSyntheticMark: then the texts are made up, which must be said wherever
  /// they are shown.
  bool synthetic = false;
  std::vector<Source> sources;  ///< the files, relative to their folders
};

/// Bytes done of the total, about once per MiB. `what` is the file that is being read, or "texts" at the end.
using MimicProgress = std::function<void(std::string_view what, uint64_t done, uint64_t total)>;

/// Hands over the task's texts one at a time: first all of train, then dev, then test; inside a split by (SUBJECT_ID,
/// HADM_ID), for anemia all of label 0 before those of label 1, as published. LabelledText::row and id
/// are the HADM_ID, and group is the SUBJECT_ID. NOTEEVENTS.csv is read once from front to back, which keeps only the places of the notes that will
/// be needed; then those notes are read again. So memory depends on the number of admissions and on the longest one,
/// not on the file's size, and nothing is written anywhere.
MimicReport read_mimic(MimicTask task, const MimicSource& source, const TextSink& take,
                       const MimicProgress& progress = {});

}  // namespace notnot
