// How texts become words, for each kind of data set.
#include "engine/corpora/cleaning.h"

#include <doctest/doctest.h>

#include <string>

using namespace notnot;

TEST_CASE("cleaning: the user's own texts") {
  CHECK(clean_text(" A  \"Film\",\tIt's\xC2\xA0GOOD. ", Cleaning::blanks) == "a \"film\", it's good.");
  CHECK(clean_text(" A  \"Film\",\tIt's\xC2\xA0GOOD. ", Cleaning::words) == "a \" film \" , it's good .");
  CHECK(clean_text("\t\n", Cleaning::blanks).empty());
  CHECK(clean_text("\t\n", Cleaning::words).empty());
  for (const Cleaning cleaning : {Cleaning::blanks, Cleaning::words})
    CHECK(clean_text("\xEF\xBB\xBFgood \xEF\xBB\xBF"
                     "ba\xEF\xBB\xBF"
                     "d",
                     cleaning) == "good bad");
}

TEST_CASE("cleaning: texts without blanks are cut at Unicode's word boundaries") {
  // "I like watching films." in Chinese: I, like, watch, film, full stop
  const std::string chinese = "\xE6\x88\x91\xE5\x96\x9C\xE6\xAC\xA2\xE7\x9C\x8B\xE7\x94\xB5\xE5\xBD\xB1\xE3\x80\x82";
  CHECK(clean_text(chinese, Cleaning::blanks) == chinese);
  CHECK(clean_text(chinese, Cleaning::words) ==
        "\xE6\x88\x91 \xE5\x96\x9C\xE6\xAC\xA2 \xE7\x9C\x8B \xE7\x94\xB5\xE5\xBD\xB1 \xE3\x80\x82");
}

TEST_CASE("cleaning: a reader's texts are cleaned as it cleans them") {
  const auto cleaned = [](const char* reader, const std::string& text) {
    return clean_text(text, cleaning_of(reader, ""));
  };
  CHECK(cleaned("csv", "A 28k-film, don't!") == "a 28k-film, don't!");
  CHECK(cleaned("planted", "A b.") == "a b.");
  CHECK(cleaned("", "A b.") == "a b.");
  CHECK(cleaned("sst", "A 28k-film, don't!") == "a 28 k film don t");
  CHECK(cleaned("imdb", "A 28k-film, don't!<br />") == "a 28k film don't br");
  CHECK(cleaned("agnews", "Up 5% to 28k.") == "up qqq % to qqq .");
  CHECK(cleaned("20news", "Up, (5) to") == "up qqq to");
  CHECK(cleaned("diabetes", "Seen [**Name 1**] --- 12") == "seen <DE> - qqq");
  CHECK(cleaned("anemia", "Seen [**Name 1**] --- 12") == "seen <DE> - qqq");
  CHECK(cleaning_of("csv", "words") == Cleaning::words);
  CHECK(cleaning_of("csv", "blanks") == Cleaning::blanks);
  CHECK(cleaning_of("sst", "words") == Cleaning::sst);
}
