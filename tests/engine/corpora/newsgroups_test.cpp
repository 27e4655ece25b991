// 20 Newsgroups itself, where NOTNOT_DATA has it: the published split's counts, and a vocabulary near the published
// one, whose words spaCy found.
#include "engine/corpora/newsgroups.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/corpora/published.h"
#include "tests/support/real_data.h"

using namespace notnot;

TEST_CASE("20 newsgroups: counts within 2 of the published split's, vocabulary within 1 %") {
  const PublishedCorpus& published = *find_published("20news");
  SourceReader sources(real_corpus("20news", "20news-bydate-train/rec.sport.hockey"), "20 Newsgroups");
  const auto texts = read_newsgroups(sources);
  CHECK(texts.size() == 1933);
  const Dataset dataset = make_dataset("20news", texts, published.options);
  CHECK(std::abs(dataset.split(SplitName::train).size() - 1151) <= 2);
  CHECK(std::abs(dataset.split(SplitName::dev).size() - 278) <= 2);
  CHECK(std::abs(dataset.split(SplitName::test).size() - 357) <= 2);
  CHECK(std::abs(dataset.vocabulary.size() - published.vocabulary) <= published.vocabulary / 100);
}
