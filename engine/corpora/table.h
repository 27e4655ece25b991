#pragma once
// The user's own texts: a table in UTF-8 with the columns `text`, `label` and `split`, in any order; `exp_split` is
// accepted for `split`; columns `id`, `group` and `rationale` are kept, further columns are ignored. Where no column
// has a name exactly, one has it in any case (`Text`, `ID`).
//
// CSV         engine/io/delimited.h; the first record names the columns
// TSV         as CSV, with tabs for commas; quotes have rules only where they follow some (engine/io/tab_quotes.h)
// JSON lines  a JSON object per line, its members are the columns
//
// A file that begins with `{` or `[{` has JSON, whatever its name is; a list is refused. Otherwise the extension
// says the form (.csv, .tsv, .tab; .jsonl, .ndjson, .json); for any other, a pipe's say, the first line does. An
// extension .gz is left out: gzip is unpacked, and UTF-16 with a byte order mark is read (engine/io/input_stream.h).
// Byte order marks are skipped wherever they stand. Blanks around the names of columns, labels and splits are no
// matter. Lines may end with a carriage return alone if no line feed is in the file; otherwise one within a line is
// a blank.
//
// label  0 or 1, also as 1.0, true or false (in any case); or one of the two names in TableOptions::labels, exactly
// split  train, dev (or val, valid, validation) or test
// id     anything, or nothing; several texts may have the same. In JSON a string, a whole number or null
// group  likewise; texts with the same group belong together, such as those of one patient, and a text without one
//        stands alone, also with NA, NaN, NULL or None (with a warning). Blanks around it are no matter
// rationale  which words a person marked as the reason for the label: their places among the pieces of the text
//        between white space, counted from 0, with blanks between them ("3 4 7"); in JSON also a list of whole numbers.
//        Nothing, null or NA: nobody marked any. What the tokeniser cuts from a marked piece is marked. (Characters
//        would be ambiguous: programs count bytes, UTF-16 units or code points. What other data has as spans of tokens,
//        as ERASER does, are such places where the tokens are joined by blanks.)
// text   cleaned (cleaning.h), by white space only unless asked for otherwise: punctuation that should be a token of
//        its own must then already stand between blanks, and a file that is so tokenised, as the published
//        sst_dataset.csv, comes out as it is
//
// Anything else throws InputError, which names the file, the record (1 = the first), the line on which the record
// starts, and the remedy: bytes that are not UTF-8, NUL bytes, unbalanced quotes, a wrong number of fields, unknown
// labels and splits, a text without any word, a missing or doubled column, a file without records or of another form,
// no such file.
#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/corpora/cleaning.h"
#include "engine/data/dataset.h"

namespace notnot {

enum class TableFormat : uint8_t { csv, tsv, json_lines };

/// The format of the file, by its content and its extension.
TableFormat table_format(const std::filesystem::path& path, std::string_view content);

/// The file's name without folder and extensions: "films" for films.csv and films.csv.gz.
std::string table_name(const std::filesystem::path& path);

struct TableOptions {
  /// How the file writes the classes 0 and 1.
  std::array<std::string, 2> labels = {"0", "1"};
  /// Bytes that are not UTF-8 and NUL bytes become U+FFFD instead of an error.
  bool lossy = false;
  /// Without it a file may lack the column `split`; its texts are then all in the training split.
  bool needs_split = true;
  Cleaning cleaning = Cleaning::blanks;
};

struct Table {
  /// In the file's order. LabelledText::row is the record's number, LabelledText::group the row of the first text with
  /// the same group.
  std::vector<LabelledText> texts;
  bool has_split = false;
  std::string checksum = {};  ///< SHA-256 of the file; empty for a table in memory
  /// Sentences about what may be wrong with the form of the file: a quote that is never closed.
  std::vector<std::string> warnings = {};
  int64_t bytes = 0;  ///< of the file, packed if it is packed; 0 for a table in memory
};

/// Reads the file once.
Table read_table(const std::filesystem::path& path, const TableOptions& options = {});

/// Reads the table from memory; `name` stands for the file in messages.
Table parse_table(std::string_view content, const std::string& name, TableFormat format,
                  const TableOptions& options = {});

/// A CSV file with the labels 0 and 1 and a column `split`.
std::vector<LabelledText> parse_csv(std::string_view content, const std::string& name);

}  // namespace notnot
