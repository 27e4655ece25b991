// The clinical pipeline on made-up files in MIMIC-III's format.
#include "engine/corpora/mimic.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/corpora/clinical_text.h"
#include "engine/io/checksum.h"
#include "engine/io/files.h"
#include "engine/io/text.h"
#include "kernels/base/error.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

using namespace notnot;

namespace {

constexpr std::string_view kNotesHeader =
    R"("ROW_ID","SUBJECT_ID","HADM_ID","CHARTDATE","CHARTTIME","STORETIME","CATEGORY","DESCRIPTION","CGID","ISERROR","TEXT")";
constexpr std::string_view kCodesHeader = R"("ROW_ID","SUBJECT_ID","HADM_ID","SEQ_NUM","ICD9_CODE")";

struct NoteRow {
  int subject;
  std::string admission;
  std::string text;
  std::string date = "2151-08-04";
  std::string description = "Report";
  std::string category = "Discharge summary";
  std::string is_error = {};
};

struct CodeRow {
  int subject;
  int admission;
  std::string code;
};

std::string csv_field(const std::string& field) {
  std::string doubled;
  for (const char c : field) doubled += c == '"' ? std::string("\"\"") : std::string(1, c);
  return "\"" + doubled + "\"";
}

std::string notes_csv(const std::vector<NoteRow>& rows, std::string_view line_end = "\n") {
  std::string csv = std::string(kNotesHeader).append(line_end);
  int number = 0;
  for (const NoteRow& row : rows) {
    csv +=
        fmt::format("{},{},{},{},,,{},{},,{},{}{}", ++number, row.subject, row.admission, row.date,
                    csv_field(row.category), csv_field(row.description), row.is_error, csv_field(row.text), line_end);
  }
  return csv;
}

std::string codes_csv(const std::vector<CodeRow>& rows, std::string_view line_end = "\n") {
  std::string csv = std::string(kCodesHeader).append(line_end);
  int number = 0;
  for (const CodeRow& row : rows) {
    const std::string code = row.code.empty() ? "" : csv_field(row.code);
    csv += fmt::format("{},{},{},1,{}{}", ++number, row.subject, row.admission, code, line_end);
  }
  return csv;
}

/// A folder with the files of both tasks.
class Mimic {
 public:
  Mimic(const std::vector<NoteRow>& notes, const std::vector<CodeRow>& codes) {
    write("NOTEEVENTS.csv", notes_csv(notes));
    write("DIAGNOSES_ICD.csv", codes_csv(codes));
  }
  void write(const std::string& name, const std::string& content) const { write_atomically(folder_ / name, content); }
  void folds(const std::string& train, const std::string& dev, const std::string& test) const {
    write("train_50_hadm_ids.csv", train);
    write("dev_50_hadm_ids.csv", dev);
    write("test_50_hadm_ids.csv", test);
  }
  std::vector<LabelledText> read(MimicTask task) {
    std::vector<LabelledText> texts;
    report = read_mimic(task, source(), [&](LabelledText&& text) { texts.push_back(std::move(text)); });
    return texts;
  }
  std::string error(MimicTask task) {
    return input_error([&] { read(task); });
  }
  MimicSource source() const { return {folder_.path(), folder_.path(), lossy}; }

  MimicReport report;
  bool lossy = false;

 private:
  TemporaryFolder folder_;
};

/// Three admissions, one per split; the first has label 1.
Mimic small_diabetes() {
  return {{{1, "101", "one"}, {2, "102", "two"}, {3, "103", "three"}},
          {{1, 101, "25000"}, {2, 102, "4019"}, {3, 103, "25001"}}};
}

std::string words_of(const std::vector<LabelledText>& texts, int64_t admission) {
  const auto found = std::find_if(texts.begin(), texts.end(), [&](const auto& text) { return text.row == admission; });
  return found == texts.end() ? "not there" : found->words;
}

}  // namespace

TEST_CASE("clinical text is cleaned as published") {
  CHECK(clean_clinical_text("Admission Date:  [**2118-6-2**]\n\nService: MEDICINE") ==
        "admission date : <DE> service : medicine");
  CHECK(clean_clinical_text("Dr. [**Last Name (un) 123**] saw [**Known firstname*lastname**]") == "dr . <DE> saw <DE>");
  CHECK(clean_clinical_text("[** A **][**B**]") == "<DE> <DE>");
  CHECK(clean_clinical_text("an open [**bracket") == "an open [ * bracket");
  CHECK(clean_clinical_text("a [**]") == "a [ * ]");
  CHECK(clean_clinical_text("-----\n* * *  x -- ... !!") == "- * x - . !");
  CHECK(clean_clinical_text("_____ a") == "_ a");
  CHECK(clean_clinical_text("400mg b12 3.5 2-3 WBC-7") == "qqq qqq qqq qqq wbc - qqq");
  CHECK(clean_clinical_text("pooh  \t\r\n x") == "pooh x");
  CHECK(clean_clinical_text("\xC3\x89t\xC3\xA9 \xE2\x80\x94\xE2\x80\x94 fin") == "\xC3\xA9t\xC3\xA9 \xE2\x80\x94 fin");
  CHECK(clean_clinical_text(" \n").empty());
}

TEST_CASE("cleaning takes time in proportion to the text, brackets that never close included") {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "[**x ";
  CHECK(clean_clinical_text(text).size() > 200'000);
}

TEST_CASE("diabetes: labels, folds and order") {
  Mimic mimic(
      {{9, "101", "third"}, {2, "205", "second"}, {2, "104", "first"}, {1, "103", "d"}, {1, "102", "e"}},
      {{9, 101, "25000"}, {2, 205, "25002"}, {2, 104, "V5861"}, {2, 104, "25000"}, {1, 103, "042"}, {1, 102, "25000"}});
  mimic.folds("101\n205\n104\n", "103\n", "102\n");
  const auto texts = mimic.read(MimicTask::diabetes);
  REQUIRE(texts.size() == 5);
  struct Expected {
    int64_t subject, row;
    std::string words;
    int32_t label;
    SplitName split;
  };
  const std::vector<Expected> expected = {{2, 104, "first", 1, SplitName::train},
                                          {2, 205, "second", 0, SplitName::train},
                                          {9, 101, "third", 1, SplitName::train},
                                          {1, 103, "d", 0, SplitName::dev},
                                          {1, 102, "e", 1, SplitName::test}};
  for (size_t i = 0; i < expected.size(); ++i) {
    INFO(i);
    CHECK(texts[i].row == expected[i].row);
    CHECK(texts[i].id == std::to_string(expected[i].row));
    CHECK(texts[i].group == expected[i].subject);
    CHECK(texts[i].words == expected[i].words);
    CHECK(texts[i].label == expected[i].label);
    CHECK(texts[i].split == expected[i].split);
  }
}

TEST_CASE("what was read is reported") {
  Mimic mimic = small_diabetes();
  mimic.folds("101\n", "102\n", "103\n");
  mimic.read(MimicTask::diabetes);
  const auto& sources = mimic.report.sources;
  REQUIRE(sources.size() == 5);
  for (const Source& file : sources) {
    INFO(file.path);
    const std::string content = read_file(mimic.source().raw / file.path);
    CHECK(file.bytes == static_cast<int64_t>(content.size()));
    CHECK(file.sha256 == sha256(content));
  }
  CHECK(sources[0].path == "train_50_hadm_ids.csv");
  CHECK(sources[4].path == "NOTEEVENTS.csv");
}

TEST_CASE("reports before addenda, each by date, then as in the file") {
  Mimic mimic({{1, "101", "addendum late", "2151-08-20", "Addendum"},
               {1, "101", "addendum early", "2151-08-01", "Addendum"},
               {2, "102", "other"},
               {1, "101", "report late", "2151-08-09"},
               {1, "101", "report early", "2151-08-04"},
               {1, "101", "report early too", "2151-08-04"},
               {3, "103", "last"}},
              {{1, 101, "25000"}, {2, 102, "4019"}, {3, 103, "4019"}});
  mimic.folds("101\n", "102\n", "103\n");
  const auto texts = mimic.read(MimicTask::diabetes);
  CHECK(words_of(texts, 101) == "report early report early too report late addendum early addendum late");
  CHECK(mimic.report.used_notes == 5);
  CHECK(mimic.report.used_addenda == 2);
}

TEST_CASE(
    "what is left out: other notes, errors, no admission, no words, missing codes; admissions of one patient stay "
    "apart") {
  Mimic mimic({{1, "101", "kept \"quoted\"\n\nlines"},
               {1, "101", "nursing", "2151-08-04", "Report", "Nursing"},
               {1, "101", "wrong", "2151-08-04", "Report", "Discharge summary", "1"},
               {1, "", "nowhere"},
               {1, "101", " \n "},
               {1, "102", "same patient, again"},
               {4, "104", "no codes at all"},
               {5, "105", "its code is missing"},
               {3, "103", "test"}},
              {{1, 101, "25000"}, {1, 102, "4019"}, {3, 103, "4019"}, {5, 105, ""}});
  mimic.folds("101\n", "102\n", "103\n");
  const auto texts = mimic.read(MimicTask::diabetes);
  REQUIRE(texts.size() == 3);
  CHECK(words_of(texts, 101) == "kept \" quoted \" lines");
  CHECK(words_of(texts, 102) == "same patient , again");
  CHECK(mimic.report.notes == 9);
  CHECK(mimic.report.summaries == 8);
  CHECK(mimic.report.errors == 1);
  CHECK(mimic.report.without_admission == 1);
  CHECK(mimic.report.codes == 4);
  CHECK(mimic.report.incomplete_codes == 1);
  CHECK(mimic.report.used_notes == 3);
  CHECK_FALSE(mimic.report.synthetic);
}

TEST_CASE("made-up texts are known as such") {
  Mimic mimic({{1, "101", "SYNTHETIC TEXT made by tools/make_mimic_like"}, {2, "102", "x"}, {3, "103", "x"}},
              {{1, 101, "25000"}, {2, 102, "4019"}, {3, 103, "4019"}});
  mimic.folds("101\n", "102\n", "103\n");
  mimic.read(MimicTask::diabetes);
  CHECK(mimic.report.synthetic);
}

TEST_CASE(
    "CRLF, a byte order mark, empty lines, small letters in the header, columns in another order: the same texts") {
  Mimic mimic = small_diabetes();
  mimic.folds("101\n", "102\n", "103\n");
  mimic.read(MimicTask::diabetes);
  const std::vector<NoteRow> notes = {{1, "101", "one\r\nline"}, {2, "102", "two"}, {3, "103", "three"}};
  mimic.write("NOTEEVENTS.csv", "\xEF\xBB\xBF" + notes_csv(notes, "\r\n") + "\r\n \r\n");
  mimic.write("DIAGNOSES_ICD.csv", "hadm_id,icd9_code,subject_id\r\n\r\n101,\"25000\",1\r\n102,4019,2\r\n103,4019,3");
  mimic.folds("101\r\n", "102\r\n", "103");
  const auto texts = mimic.read(MimicTask::diabetes);
  REQUIRE(texts.size() == 3);
  CHECK(words_of(texts, 101) == "one line");
  CHECK(words_of(texts, 102) == "two");
  CHECK(words_of(texts, 103) == "three");
}

TEST_CASE("notes larger than the buffer, and across its end") {
  std::vector<NoteRow> notes;
  std::vector<CodeRow> codes;
  std::string train;
  for (int i = 0; i < 60; ++i) {
    const int admission = 1000 + i;
    // 60 notes of 50 kB with line ends, and one of 3 MB without.
    std::string text = i == 30 ? std::string(3'000'000, 'x') : std::string();
    for (int k = 0; i != 30 && k < 5'000; ++k)
      text += fmt::format("word \"{}\"\n", static_cast<char>('a' + (i + k) % 26));
    notes.push_back({i, std::to_string(admission), text});
    codes.push_back({i, admission, i % 2 == 0 ? "25000" : "4019"});
    if (i < 58) train += fmt::format("{}\n", admission);
  }
  Mimic mimic(notes, codes);
  mimic.folds(train, "1058\n", "1059\n");
  const auto texts = mimic.read(MimicTask::diabetes);
  REQUIRE(texts.size() == 60);
  for (size_t i = 0; i < texts.size(); ++i) {
    INFO(i);
    CHECK(texts[i].row == static_cast<int64_t>(1000 + i));
    CHECK((texts[i].words == clean_clinical_text(notes[i].text)));
  }
}

TEST_CASE("anemia: exactly one of the two codes, and scikit-learn's folds") {
  std::vector<NoteRow> notes;
  std::vector<CodeRow> codes;
  for (int i = 0; i < 60; ++i) {  // every third has 285.1
    notes.push_back({i, std::to_string(100 + i), fmt::format("number {}", static_cast<char>('a' + i % 26))});
    codes.push_back({i, 100 + i, i % 3 == 0 ? "2851" : i % 2 == 0 ? "28521" : "28529"});
  }
  notes.push_back({70, "170", "both"});
  codes.insert(codes.end(), {{70, 170, "2851"}, {70, 170, "28522"}});
  notes.push_back({71, "171", "another anemia"});
  codes.push_back({71, 171, "2859"});
  codes.push_back({72, 172, "2851"});  // without a note
  Mimic mimic(notes, codes);
  const auto texts = mimic.read(MimicTask::anemia);
  REQUIRE(texts.size() == 60);

  // sklearn 1.9: train_test_split(range(60), test_size=0.2, random_state=12939, stratify=labels), the negatives first;
  // then test_size=0.15, random_state=13448 of its training part.
  const std::vector<int64_t> dev = {101, 132, 138, 141, 159, 124, 133, 148};
  const std::vector<int64_t> test = {102, 123, 128, 129, 131, 137, 147, 149, 100, 103, 115, 151};
  std::vector<int64_t> got_dev, got_test;
  for (const auto& text : texts) {
    CHECK(text.label == ((text.row - 100) % 3 == 0 ? 1 : 0));
    if (text.split == SplitName::dev) got_dev.push_back(text.row);
    if (text.split == SplitName::test) got_test.push_back(text.row);
  }
  CHECK(got_dev == dev);
  CHECK(got_test == test);
  CHECK(std::is_sorted(texts.begin(), texts.end(), [](const auto& a, const auto& b) {
    return std::tuple(a.split, a.label, a.row) < std::tuple(b.split, b.label, b.row);
  }));
}

TEST_CASE("progress: bytes of each file, and of the texts") {
  Mimic mimic = small_diabetes();
  mimic.folds("101\n", "102\n", "103\n");
  std::vector<std::string> what;
  uint64_t last_done = 0, last_total = 0;
  read_mimic(
      MimicTask::diabetes, mimic.source(), [](LabelledText&&) {},
      [&](std::string_view name, uint64_t done, uint64_t total) {
        if (what.empty() || what.back() != name) {
          CHECK(last_done == last_total);
          what.emplace_back(name);
        }
        CHECK(done <= total);
        last_done = done;
        last_total = total;
      });
  CHECK(what == std::vector<std::string>{"DIAGNOSES_ICD.csv", "NOTEEVENTS.csv", "texts"});
  CHECK(last_done == last_total);
}

TEST_CASE("errors: files and folds") {
  Mimic mimic = small_diabetes();
  CHECK_HAS(mimic.error(MimicTask::diabetes), "train_50_hadm_ids.csv");
  CHECK_HAS(mimic.error(MimicTask::anemia), "no admission with a discharge summary has 285.2 only");
  mimic.folds("hadm_id\n101\n", "102\n", "103\n");
  CHECK_HAS(mimic.error(MimicTask::diabetes), "train_50_hadm_ids.csv, line 1: 'hadm_id' is no HADM_ID");
  mimic.folds("101\n", "102\n101\n", "103\n");
  CHECK_HAS(mimic.error(MimicTask::diabetes), "dev_50_hadm_ids.csv, line 2: 101 stands in train already");
  mimic.folds("101\n", "", "103\n");
  CHECK_HAS(mimic.error(MimicTask::diabetes), "dev_50_hadm_ids.csv: the file is empty");
  mimic.folds("101\n", "102\n", "103\n999\n");
  CHECK_HAS(mimic.error(MimicTask::diabetes), "1 of the 4 admissions listed in");
  CHECK_HAS(mimic.error(MimicTask::diabetes), "for one, 999 of the test split");

  mimic.folds("101\n", "102\n", "103\n");
  mimic.write("NOTEEVENTS.csv.gz", "packed");
  std::filesystem::remove(mimic.source().raw / "NOTEEVENTS.csv");
  CHECK_HAS(mimic.error(MimicTask::diabetes), "unpack it with: gunzip");
  std::filesystem::remove(mimic.source().raw / "DIAGNOSES_ICD.csv");
  CHECK_HAS(mimic.error(MimicTask::diabetes), "DIAGNOSES_ICD.csv: No such file");
}

TEST_CASE("errors: records, named by file, record and line") {
  Mimic mimic = small_diabetes();
  mimic.folds("101\n", "102\n", "103\n");
  const std::string good = notes_csv({{1, "101", "two\nlines"}});
  const auto notes_error = [&](const std::string& content) {
    mimic.write("NOTEEVENTS.csv", content);
    return mimic.error(MimicTask::diabetes);
  };
  const std::string row = "2,2,102,2151-08-04,,,\"Discharge summary\",\"Report\",,,";
  CHECK_HAS(notes_error(""), "NOTEEVENTS.csv: the file is empty");
  CHECK_HAS(notes_error("\"ROW_ID\",\"SUBJECT_ID\"\n"), "there is no column 'HADM_ID'");
  CHECK_HAS(notes_error("TEXT,TEXT,SUBJECT_ID,HADM_ID,CHARTDATE,CATEGORY,DESCRIPTION,ISERROR\n"),
            "more than one column is called 'TEXT'");
  CHECK_HAS(notes_error(good + "2,2,102\n"), "NOTEEVENTS.csv, record 2 (line 4): 3 fields where the header has 11");
  CHECK_HAS(notes_error(good + row + "\"never closed\nmore\n"), "record 2 (line 4): a double quote is never closed");
  CHECK_HAS(notes_error(good + row + "wrong \"quote\n"),
            "record 2 (line 4): a double quote in the wrong place on line 4");
  CHECK_HAS(notes_error(good + row + "\"a\nb\" c\n"), "record 2 (line 4): a double quote in the wrong place on line 5");
  CHECK_HAS(notes_error(good + row + "a\r" + row + "b\n"), "record 2 (line 4): a carriage return between two records");
  CHECK_HAS(notes_error(notes_csv({{1, "101.0", "x"}})), "record 1 (line 2): HADM_ID '101.0' is not a whole number");
  CHECK_HAS(notes_error(notes_csv({{1, "101", "x", "04.08.2151"}})), "CHARTDATE '04.08.2151' is no date");
  CHECK_HAS(notes_error(notes_csv({{1, "101", "x", "2151-08-04x"}})), "is no date");
  CHECK_HAS(notes_error(notes_csv({{1, "101", "x", "2151-08-04", "Draft"}})), "DESCRIPTION 'Draft'");
  CHECK_HAS(notes_error(std::string("\x7F\x45\x4C\x46\0\x01\n\0\0\xFF", 10)), "NOTEEVENTS.csv looks like a program");
  CHECK_HAS(notes_error("a,b\n"), "there is no column 'SUBJECT_ID'");

  mimic.write("NOTEEVENTS.csv", notes_csv({{1, "101", "one"}, {7, "101", "two"}, {2, "102", "x"}, {3, "103", "x"}}));
  mimic.write("DIAGNOSES_ICD.csv", codes_csv({{1, 101, "25000"}, {7, 101, "25000"}, {2, 102, "1"}, {3, 103, "1"}}));
  CHECK_HAS(mimic.error(MimicTask::diabetes), "admission 101 belongs to two patients");
  mimic.write("DIAGNOSES_ICD.csv", codes_csv({{1, 101, "250.00"}}));
  CHECK_HAS(mimic.error(MimicTask::diabetes), "DIAGNOSES_ICD.csv, record 1 (line 2): ICD9_CODE '250.00' has a point");
}

TEST_CASE("bytes that are no text: an error with their place in a text that is used, otherwise none; lossy replaces") {
  Mimic mimic = small_diabetes();
  mimic.folds("101\n", "102\n", "103\n");
  const std::string other = notes_csv({{1, "101", "one"}, {8, "108", "\xFF unused"}, {2, "102", "two"}});
  const std::string row = "4,3,103,2151-08-04,,,\"Discharge summary\",\"Report\",,,\"";
  mimic.write("NOTEEVENTS.csv", other + row + "caf\xE9\"\n");
  CHECK_HAS(mimic.error(MimicTask::diabetes),
            fmt::format("record 4 (line 5): byte {} of the file (0xE9) is not UTF-8", other.size() + row.size() + 3));
  mimic.lossy = true;
  CHECK(words_of(mimic.read(MimicTask::diabetes), 103) == "caf \xEF\xBF\xBD");
  mimic.lossy = false;
  mimic.write("NOTEEVENTS.csv", other + row + std::string("a\0b", 3) + "\"\n");
  CHECK_HAS(mimic.error(MimicTask::diabetes),
            fmt::format("byte {} of the file (0x00) is NUL", other.size() + row.size() + 1));
}

// tests/scripts/make_mimic_like.py runs this on files of any size, and looks at the lines and at the memory.
TEST_CASE("the files in NOTNOT_MIMIC") {
  const char* folder = std::getenv("NOTNOT_MIMIC");
  if (folder == nullptr) return;
  for (const auto& [name, task] : {std::pair{"diabetes", MimicTask::diabetes}, {"anemia", MimicTask::anemia}}) {
    const auto print = [name = name](const LabelledText& text) {
      const auto words = split_words(text.words);
      std::string planted;
      for (const std::string_view word : words) {
        if (word.starts_with("synth") && word != "synthetic") planted.append(" ").append(word);
      }
      fmt::print("{} {} {} {} {}{}\n", name, to_string(text.split), text.label, text.row, words.size(), planted);
    };
    const auto report = read_mimic(task, {folder, folder}, print);
    fmt::print("{} synthetic {}\n", name, report.synthetic);
  }
  // Not by the parent: what it sees starts at its own size.
  std::ifstream file("/proc/self/status");
  const std::string status{std::istreambuf_iterator<char>(file), {}};
  const size_t peak = status.find("VmHWM:");
  REQUIRE(peak != std::string::npos);
  fmt::print("peak {} kB\n", std::stoll(status.substr(peak + 6)));
}
