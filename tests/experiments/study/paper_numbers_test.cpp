#include "experiments/study/paper_numbers.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/corpora/published.h"

namespace notnot {
namespace {

TEST_CASE("the paper's numbers") {
  const PaperResults* sst = find_in_paper("sst");
  REQUIRE(sst != nullptr);
  CHECK(sst->base_f1 == 0.831);
  CHECK(sst->jain_wallace_f1 == 0.81);
  CHECK(sst->guides.adversary == 0.592);
  CHECK(sst->adversary.lambda == 5.25e-4);
  CHECK(find_in_paper("diabetes")->guides.uniform == 0.404);
  CHECK(find_in_paper("anemia")->adversary.jsd == 0.481);
  CHECK(std::isnan(find_in_paper("agnews")->guides.base));
  CHECK(find_in_paper("planted") == nullptr);
  for (const PublishedCorpus& corpus : kPublishedCorpora) CHECK(find_in_paper(corpus.name) != nullptr);
}

}  // namespace
}  // namespace notnot
