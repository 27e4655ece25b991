#include "engine/io/file_kind.h"

#include <algorithm>
#include <array>

#include "engine/io/text.h"

namespace notnot {
namespace {

using namespace std::string_view_literals;

struct Signature {
  size_t at;
  std::string_view bytes;
  std::string_view what;  ///< what the file is and what to do
};

constexpr std::string_view kSpreadsheet =
    "a Zip file, perhaps a spreadsheet (.xlsx, .ods); unpack it (unzip), or save the spreadsheet as CSV (UTF-8)";

constexpr std::string_view kTar = "a tar archive; unpack it (tar -xf) and give the file that it holds";

constexpr std::string_view kR = "data of R; write it with write.csv instead";

constexpr std::string_view kSpss =
    "data of SPSS (.sav); save it as CSV (UTF-8), or convert it with pandas.read_spss and to_csv";

constexpr std::string_view kStata = "data of Stata (.dta); write it with export delimited instead";

constexpr std::array kSignatures = {
    Signature{0, "PK\3\4"sv, kSpreadsheet},
    Signature{0, "PK\5\6"sv, kSpreadsheet},
    Signature{0, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv,
              "an old document of Microsoft Office (.xls, .doc); save it as CSV (UTF-8)"},
    Signature{0, "\x1F\x8B"sv, "a file packed with gzip; unpack it (gunzip)"},
    Signature{0, "\x1F\x9D"sv, "a file packed with compress; unpack it (uncompress)"},
    Signature{4, "1AY&SY"sv, "a file packed with bzip2; unpack it (bunzip2)"},
    Signature{0, "\xFD\x37zXZ\0"sv, "a file packed with xz; unpack it (xz -d)"},
    Signature{0, "\x28\xB5\x2F\xFD"sv, "a file packed with Zstandard; unpack it (zstd -d)"},
    Signature{0, "\x04\x22\x4D\x18"sv, "a file packed with LZ4; unpack it (lz4 -d)"},
    Signature{0, "7z\xBC\xAF\x27\x1C"sv, "a 7z archive; unpack it (7z x)"},
    Signature{0, "Rar!\x1A\x07"sv, "a RAR archive; unpack it (unrar x)"},
    Signature{257, "ustar\0"sv, kTar},
    Signature{257, "ustar  \0"sv, kTar},  // GNU's
    Signature{0, "PAR1"sv, "a Parquet file; convert it to CSV, with pandas.read_parquet and to_csv, say"},
    Signature{0, "ARROW1\0"sv, "an Arrow file; convert it to CSV, with pandas.read_feather and to_csv, say"},
    Signature{0, "FEA1"sv, "a Feather file; convert it to CSV, with pandas.read_feather and to_csv, say"},
    Signature{0, "Obj\x01"sv, "an Avro file; convert it to CSV or JSON lines"},
    Signature{0, "\x93NUMPY"sv, "an array of NumPy (.npy); write it as text instead"},
    Signature{0, "\x89HDF\r\n\x1A\n"sv, "an HDF5 file; write its content as text instead"},
    Signature{0, "SQLite format 3\0"sv, "a database of SQLite; export the table as CSV (sqlite3 -header -csv)"},
    Signature{0, "RDX3\n"sv, kR},
    Signature{0, "RDX2\n"sv, kR},
    Signature{0, "RDA3\n"sv, kR},
    Signature{0, "RDA2\n"sv, kR},
    Signature{0, "X\n\0\0\0\3"sv, kR},
    Signature{0, "X\n\0\0\0\2"sv, kR},
    Signature{0, "$FL2"sv, kSpss},
    Signature{0, "$FL3"sv, kSpss},
    Signature{0, "<stata_dta>"sv, kStata},
    Signature{0, "<?xml"sv, "XML; convert it to CSV or JSON lines"},
    Signature{0, "%PDF-"sv, "a PDF; text is needed"},
    Signature{0, "{\\rtf"sv, "a document in rich text format; save it as plain text (UTF-8)"},
    Signature{0, "\x7F\x45LF"sv, "a program; give the data instead"},
    Signature{0, "\x89PNG\r\n\x1A\n"sv, "a picture (PNG); text is needed"},
    Signature{0, "\xFF\xD8\xFF"sv, "a picture (JPEG); text is needed"},
    Signature{0, "\xBA\x16\x4F\x2F"sv,
              "a model of fastText in its binary form (.bin); give its word vectors in the text form (.vec)"},
    Signature{0, "version https://git-lfs.github.com/spec/"sv,
              "a pointer of Git LFS, which stands for a file that was not downloaded; get the file (git lfs pull)"},
    Signature{0, "\xFF\xFE\0\0"sv, "UTF-32; save the file as UTF-8"},
    Signature{0, "\0\0\xFE\xFF"sv, "UTF-32; save the file as UTF-8"},
};

bool is_ascii(char byte) { return byte > 0; }

/// Whether the bytes are those of ASCII characters, `width` bytes each, of which the one at `place` is not 0.
bool is_wide_ascii(std::string_view bytes, size_t width, size_t place) {
  constexpr size_t kCharacters = 4;
  if (bytes.size() < kCharacters * width) return false;
  for (size_t i = 0; i < kCharacters * width; ++i) {
    if (i % width == place ? !is_ascii(bytes[i]) : bytes[i] != '\0') return false;
  }
  return true;
}

/// A mark, and the length of the first message in four bytes.
bool is_arrow_stream(std::string_view bytes) {
  return bytes.size() >= 8 && bytes.starts_with("\xFF\xFF\xFF\xFF") && bytes[7] == '\0';
}

/// Stata's formats 113 to 115: the number, the order of the bytes, 1 and 0.
bool is_old_stata(std::string_view bytes) {
  return bytes.size() > 4 && bytes[0] >= 113 && bytes[0] <= 115 && (bytes[1] == 1 || bytes[1] == 2) &&
         bytes.substr(2, 2) == "\1\0"sv;
}

/// RFC 1950: the first two bytes, of which the second one tells the level. That of level 2 to 5 could be text.
bool is_zlib(std::string_view bytes) {
  const bool header = bytes.starts_with("x\x01") || bytes.starts_with("x\x9C") || bytes.starts_with("x\xDA");
  return header && first_invalid_utf8(bytes.substr(0, 64)).value_or(64) < 60;  // 64 may be inside a character
}

/// Pickle's protocols 2 to 5, which begin with their number; 4 and 5 go on with a frame.
bool is_pickle(std::string_view bytes) {
  return bytes.size() > 2 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5 && bytes.find('\0') != bytes.npos;
}

}  // namespace

std::string what_else(std::string_view beginning) {
  for (const Signature& known : kSignatures) {
    if (beginning.size() >= known.at && beginning.substr(known.at).starts_with(known.bytes))
      return std::string(known.what);
  }
  if (is_wide_ascii(beginning, 2, 0) || is_wide_ascii(beginning, 2, 1))
    return "UTF-16 without a byte order mark; save the file as UTF-8";
  if (is_wide_ascii(beginning, 4, 0) || is_wide_ascii(beginning, 4, 3)) return "UTF-32; save the file as UTF-8";
  if (is_arrow_stream(beginning))
    return "a stream of Arrow; convert it to CSV, with pyarrow.ipc.open_stream, to_pandas and to_csv, say";
  if (is_old_stata(beginning)) return std::string(kStata);
  if (is_zlib(beginning)) return "a file packed with zlib; unpack it (zlib-flate -uncompress, or zlib in Python)";
  if (is_pickle(beginning)) return "a pickle of Python; write the data as text instead";
  if (is_safetensors(beginning))
    return "a safetensors file; give a text file, or, where tensors are taken, a regular file that is not packed";
  return "";
}

bool is_marked_utf16(std::string_view beginning) {
  return beginning.starts_with("\xFF\xFE") || beginning.starts_with("\xFE\xFF");
}

/// A length of 8 bytes, of which the upper ones are 0, and a JSON object.
bool is_safetensors(std::string_view beginning) {
  return beginning.size() > 10 && beginning.substr(4, 4) == "\0\0\0\0"sv && beginning.substr(8, 2) == "{\"";
}

bool is_web_page(std::string_view beginning) {
  std::string tag(beginning.substr(std::min(beginning.find_first_not_of(" \t\r\n"), beginning.size())).substr(0, 14));
  for (char& byte : tag) byte = byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
  return tag == "<!doctype html" || tag.starts_with("<html>") || tag.starts_with("<html ");
}

}  // namespace notnot
