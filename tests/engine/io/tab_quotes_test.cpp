// Whether quotes in a table with tabs follow rules. Tables of other programs stand here as these programs write them.
#include "engine/io/tab_quotes.h"

#include <doctest/doctest.h>

#include <string>

using namespace notnot;

TEST_CASE("tab quotes: data sets without rules") {
  CHECK_FALSE(quotes_have_rules(""));
  CHECK_FALSE(quotes_have_rules("text\tlabel\na 5\" disk\t1\n"));
  // As SST-2 of GLUE: quotes stand anywhere, and two lone ones do not make one record of the lines between them.
  CHECK_FALSE(quotes_have_rules("sentence\tlabel\n\" it begins here\t1\nso what\t0\nand ends with \"\t1\n"));
  CHECK_FALSE(quotes_have_rules("text\tlabel\n\" it begins here\t1\nso what\t0\n\"\t1\n"));
  CHECK_FALSE(quotes_have_rules("text\tlabel\n\"never closed\t1\nb\t0\n"));
  CHECK_FALSE(quotes_have_rules("text\tlabel\n\"a film\" of note\t1\nb\t0\n"));
  // Neither all texts have quotes around them, nor those that need them.
  CHECK_FALSE(quotes_have_rules("text\tlabel\n\"hello world\"\t1\nb\t0\n"));
  CHECK_FALSE(quotes_have_rules("text\tlabel\n\"hello, world\"\t1\nb, c\t0\n"));
  CHECK_FALSE(quotes_have_rules("text\tlabel\n\" a title between blanks \"\t1\nb\t0\n"));
  CHECK_FALSE(quotes_have_rules("text\tid\n\"a title\"\t\"\"\nb\tx\n"));
}

TEST_CASE("tab quotes: doubled quotes show rules, whatever else has quotes around it") {
  CHECK(quotes_have_rules("text\tlabel\n\"a \"\"b\"\" c\"\t1\n\"d\"\t0\ne\t1\n"));
  CHECK(quotes_have_rules("text\tnote\n\"a \"\"b\"\"\"\t\" c\"\nd\te\n"));
  // ... but not where a quote breaks them.
  CHECK_FALSE(quotes_have_rules("text\tlabel\n\"a \"\"b\"\" c\"\t1\n\"d\" e\t0\n"));
  CHECK_FALSE(quotes_have_rules("text\tlabel\n\"a \"\"b\"\" c\"\t1\n\"d \"e\" f\"\t0\n"));
  CHECK_FALSE(quotes_have_rules("text\tlabel\n\"a \"\"b\"\" c\"\t1\na 5\" disk\t0\n"));
  CHECK_FALSE(quotes_have_rules("text\tlabel\n\"a \"\"b\"\" c\"\t1\n\" begins\t0\nand ends \"\t0\n"));
}

TEST_CASE("tab quotes: polars and DuckDB write an empty text as two quotes") {
  CHECK(quotes_have_rules("text\tlabel\tid\n\"a \"\"b\"\" c\"\t1\t\"\"\nd\t0\t\ne\t0\tx\n"));
  CHECK(quotes_have_rules("text\tid\na b\t\"\"\nc\tx\n"));
}

TEST_CASE("tab quotes: R's row names make every record one field longer than the header") {
  CHECK(quotes_have_rules("\"text\"\t\"label\"\n\"1\"\t\"a b\"\t1\n\"2\"\t\"c\"\t0\n"));
  CHECK_FALSE(quotes_have_rules("\"text\"\t\"label\"\n\"1\"\t\"a b\"\t1\n\"c\"\t0\n"));
  CHECK_FALSE(quotes_have_rules("\"text\"\t\"label\"\n\"1\"\t\"2\"\t\"a b\"\t1\n"));
}

TEST_CASE("tab quotes: tables of pandas, Excel and R") {
  // pandas: to_csv(sep="\t") puts quotes around fields with tabs, quotes and line ends.
  CHECK(quotes_have_rules("text\tlabel\n\"a \"\"b\"\" c\"\t1\nd, e\t0\n"));
  CHECK(quotes_have_rules("text\tlabel\n\"a\tb\"\t1\nc\t0\n"));
  CHECK(quotes_have_rules("text\tlabel\n\"a\nb \"\"c\"\"\"\t1\nc\t0\n"));
  // pandas: quoting=csv.QUOTE_NONNUMERIC; R: write.table(sep = "\t", qmethod = "double", row.names = FALSE).
  CHECK(quotes_have_rules("\"text\"\t\"label\"\n\"a b\"\t1\n\"c\"\t0\n"));
  CHECK(quotes_have_rules("\"text\"\t\"label\"\r\n\"a\"\t\"1\"\r\n\"c \"\"d\"\"\"\t\"0\"\r\n"));
  // Excel, "text (tab delimited)": also around fields with commas.
  CHECK(quotes_have_rules("text\tlabel\r\n\"a, b\"\t1\r\nc\t0\r\n\"d \"\"e\"\"\"\t1\r\n"));
  CHECK(quotes_have_rules("\xEF\xBB\xBF\"text\"\t\"label\"\n\"a b\"\t1\n"));
  CHECK(quotes_have_rules("text\tlabel\n  \"a \"\"b\"\" c\" \t1\n   \nd, e\t0\n"));
}

TEST_CASE("tab quotes: a carriage return in a text decides nothing") {
  // Python's csv puts quotes around it, older versions of it do not, nor does pandas.
  CHECK(quotes_have_rules("text\tlabel\n\"he said \"\"hi\"\"\"\t1\n\"bad\rbreak\"\t0\nplain\t1\n"));
  CHECK(quotes_have_rules("text\tlabel\r\n\"he said \"\"hi\"\"\"\t1\r\n\"bad\r\"\t0\r\n"));
  CHECK(quotes_have_rules("text\tlabel\n\"he said \"\"hi\"\"\"\t1\nbad\rbreak\t0\n"));
  CHECK(quotes_have_rules("text\tlabel\n\"a, b\"\t1\n\"bad\rbreak\"\t0\n"));
  CHECK_FALSE(quotes_have_rules("text\tlabel\n\"hello\"\t1\n\"bad\rbreak\"\t0\nplain\t1\n"));
}

TEST_CASE("tab quotes: missing values in a column with quotes around all others") {
  // R writes NA, LibreOffice nothing, pandas an empty text in quotes.
  CHECK(quotes_have_rules("\"text\"\t\"note\"\n\"a b\"\t\"x\"\n\"c\"\tNA\n\"d\"\t\"y\"\n"));
  CHECK(quotes_have_rules("\"text\"\t\"note\"\n\"a b\"\t\"x\"\n\"c\"\t\n"));
  CHECK(quotes_have_rules("\"text\"\t\"score\"\n\"a b\"\t0.5\n\"c\"\t\"\"\n"));
  CHECK_FALSE(quotes_have_rules("text\tnote\n\"a b\"\tx\nc\tNA\n"));
}
