// AG News itself, where NOTNOT_DATA has it. Its training file may be partial; the test file has the published counts.
#include "engine/corpora/ag_news.h"

#include <doctest/doctest.h>

#include "engine/corpora/published.h"
#include "tests/support/real_data.h"

using namespace notnot;

TEST_CASE("ag news: the published test texts, and 15 % of the training texts for dev") {
  SourceReader sources(real_corpus("agnews", "ag_news_csv/train.csv") / "ag_news_csv", "ag_news_csv");
  const Dataset dataset = make_dataset("agnews", read_ag_news(sources, {}), find_published("agnews")->options);
  const Split &train = dataset.split(SplitName::train), &dev = dataset.split(SplitName::dev),
              &test = dataset.split(SplitName::test);
  CHECK(test.size() == 3800);
  CHECK(test.positives() == 1900);
  CHECK(dev.size() / (dev.size() + train.size() + 0.0) == doctest::Approx(0.15).epsilon(1e-3));
  const double words = static_cast<double>(test.token_ids.size()) / test.size() - 2;
  CHECK(words == doctest::Approx(find_published("agnews")->words).epsilon(0.06));
}
