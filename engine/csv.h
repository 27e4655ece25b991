#pragma once
// The user's own texts: a CSV file in UTF-8 whose first record names the columns `text`, `label` and `split`, in any
// order; `exp_split` is accepted for `split`, further columns are ignored. RFC 4180: fields that contain commas, quotes
// or newlines stand between double quotes, quotes inside doubled. LF or CRLF, a byte order mark is skipped, empty lines
// are too.
//
// label  0 or 1
// split  train, dev (or val, valid, validation) or test
// text   cleaned: lower case (Unicode), split at Unicode white space, joined by single blanks. Nothing else is done:
//        punctuation that should be a token of its own must already stand between blanks. A file that is so tokenised,
//        as the published sst_dataset.csv, comes out as it is.
//
// Anything else throws InputError, which names the file, the record (1 = the first after the header), the line on which
// the record starts, and the remedy: bytes that are not UTF-8, NUL bytes, unbalanced quotes, a wrong number of fields,
// unknown labels and splits, a text without any word, a missing or doubled column, a file without records, no such
// file.
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/dataset.h"

namespace notnot {

/// The file's texts in their order; LabelledText::row is the record's number.
std::vector<LabelledText> read_csv(const std::filesystem::path& path);

/// The same from memory; `name` stands for the file in messages.
std::vector<LabelledText> parse_csv(std::string_view content, const std::string& name);

}  // namespace notnot
