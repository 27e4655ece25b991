// The published facts against the paper: Table 1 of Wiegreffe & Pinter (2019), and the pipeline of Jain & Wallace
// (2019) that it uses, typed here a second time.
#include "engine/corpora/published.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

using namespace notnot;

TEST_CASE("published: Table 1, and the pipeline's options") {
  struct Row {
    const char* name;
    const char* title;
    int words;
    std::array<int32_t, 2> train, test;
    int32_t min_df, min_length, max_length, vocabulary;  // lengths: -1 for none
  };
  for (const Row& row : {Row{"diabetes", "Diabetes", 1858, {6381, 1353}, {1295, 319}, 5, 6, 4000, 18888},
                         {"anemia", "Anemia", 2188, {1847, 3251}, {460, 802}, 5, -1, 4000, 16274},
                         {"imdb", "IMDb", 179, {12500, 12500}, {2184, 2172}, 10, 6, -1, 12487},
                         {"sst", "SST", 19, {3034, 3321}, {863, 862}, 1, 5, -1, 13826},
                         {"agnews", "AG News", 36, {30000, 30000}, {1900, 1900}, 5, -1, -1, 13715},
                         {"20news", "20News", 115, {716, 710}, {151, 183}, 2, 6, 500, 6515}}) {
    CAPTURE(row.name);
    const PublishedCorpus* corpus = find_published(row.name);
    REQUIRE(corpus != nullptr);
    CHECK(corpus->title.find(row.title) != std::string::npos);
    CHECK(corpus->words == row.words);
    CHECK(corpus->train == row.train);
    CHECK(corpus->test == row.test);
    CHECK(corpus->vocabulary == row.vocabulary);
    CHECK(corpus->options.min_df == row.min_df);
    CHECK(corpus->options.filter_by_length == (row.min_length >= 0 || row.max_length >= 0));
    CHECK(corpus->options.min_length == row.min_length);
    CHECK(corpus->options.max_length == row.max_length);
  }
}

TEST_CASE("published: label 1 is the paper's second class") {
  using Classes = std::array<std::string_view, 2>;
  CHECK(find_published("sst")->classes == Classes{"negative", "positive"});
  CHECK(find_published("imdb")->classes == Classes{"negative", "positive"});
  CHECK(find_published("agnews")->classes == Classes{"world", "business"});
  CHECK(find_published("20news")->classes == Classes{"baseball", "hockey"});
  CHECK(find_published("diabetes")->classes == Classes{"absent", "present"});
  CHECK(find_published("anemia")->classes == Classes{"chronic", "acute"});
}
