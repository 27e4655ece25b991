#include "engine/data/batches.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <vector>

#include "engine/math/random.h"

namespace notnot {
namespace {

/// `count` texts of lengths 3..60 whose ids are below `vocabulary`.
Split random_split(int32_t count, int32_t vocabulary) {
  const Random random(5, Purpose::test_data);
  Split split;
  for (int32_t i = 0; i < count; ++i) {
    const auto length = random.integer(i, 3, 60);
    for (int64_t n = 0; n < length; ++n) {
      split.token_ids.push_back(random.integer(split.token_ids.size() + 1000, 1, vocabulary - 1));
    }
    split.offsets.push_back(split.token_ids.size());
    split.labels.push_back(i % 2);
    split.rows.push_back(i + 1);
  }
  return split;
}

std::vector<int32_t> flattened(const std::vector<std::vector<int32_t>>& batches) {
  std::vector<int32_t> texts;
  for (const auto& batch : batches) texts.insert(texts.end(), batch.begin(), batch.end());
  std::sort(texts.begin(), texts.end());
  return texts;
}

}  // namespace

TEST_CASE("an epoch holds every text once, in batches of the given size but for one") {
  const Split split = random_split(203, 50);
  const auto batches = training_batches(split, 32, 10, 1);
  std::vector<int32_t> all(203);
  std::iota(all.begin(), all.end(), 0);
  CHECK(flattened(batches) == all);
  CHECK(batches.size() == 7);
  CHECK(std::count_if(batches.begin(), batches.end(), [](const auto& b) { return b.size() == 32; }) == 6);
}

TEST_CASE("the jittered lengths of two batches do not interleave, and the short batch holds the longest texts") {
  const Split split = random_split(203, 50);
  const auto batches = training_batches(split, 32, 10, 1);
  const auto short_batch = std::find_if(batches.begin(), batches.end(), [](const auto& b) { return b.size() < 32; });
  REQUIRE(short_batch != batches.end());
  // L + jitter lies in [L - ceil(0.1 L), L + ceil(0.1 L) - 1], so lengths of neighbouring batches overlap by a tenth at
  // most.
  for (const auto& batch : batches) {
    if (&batch == &*short_batch) continue;
    const auto shorter = [&](int32_t a, int32_t b) { return split.length(a) < split.length(b); };
    const double longest = split.length(*std::max_element(batch.begin(), batch.end(), shorter));
    const double shortest = split.length(*std::min_element(short_batch->begin(), short_batch->end(), shorter));
    CHECK(longest - std::ceil(0.1 * longest) <= shortest + std::ceil(0.1 * shortest) - 1);
  }
}

TEST_CASE("batches depend on seed and epoch, and on nothing else") {
  const Split split = random_split(203, 50);
  CHECK(training_batches(split, 32, 10, 1) == training_batches(split, 32, 10, 1));
  CHECK(training_batches(split, 32, 10, 1) != training_batches(split, 32, 10, 2));
  CHECK(training_batches(split, 32, 10, 1) != training_batches(split, 32, 11, 1));
}

TEST_CASE("the batches are shuffled") {
  const Split split = random_split(640, 50);
  const auto batches = training_batches(split, 32, 10, 1);
  std::vector<double> means;
  means.reserve(batches.size());
  for (const auto& batch : batches) {
    means.push_back(
        std::accumulate(batch.begin(), batch.end(), 0.0, [&](double s, int32_t t) { return s + split.length(t); }) /
        static_cast<double>(batch.size()));
  }
  CHECK(!std::is_sorted(means.begin(), means.end()));
}

TEST_CASE("jitter takes the protocol's whole range and no more") {
  // Keys of length 20 lie in 18..21, of length 24 (range [-3, 2]) in 21..26: they meet in 21 only, where a quarter of
  // the short texts and a sixth of the long ones lie in any order.
  Split split;
  for (int i = 0; i < 400; ++i) {
    split.token_ids.insert(split.token_ids.end(), i < 200 ? 24 : 20, 4);
    split.offsets.push_back(split.token_ids.size());
    split.labels.push_back(0);
  }
  const auto batches = training_batches(split, 400, 10, 1);
  const auto& order = batches.at(0);
  const auto first_long = std::find_if(order.begin(), order.end(), [](int32_t t) { return t < 200; }) - order.begin();
  const auto end_short = order.rend() - std::find_if(order.rbegin(), order.rend(), [](int32_t t) { return t >= 200; });
  CHECK(first_long > 120);  // three quarters of the short texts' keys lie below 21
  CHECK(first_long < 185);
  CHECK(end_short > 210);  // the last of the others stands near the end of the sixth of the long texts' keys that is 21
  CHECK(end_short < 260);
}

TEST_CASE("evaluation batches hold every text once and stay below the bound") {
  const Split split = random_split(203, 50);
  const auto batches = evaluation_batches(split, {.tokens = 300});
  CHECK(flattened(batches).size() == 203);
  for (const auto& batch : batches) {
    const int64_t tokens = std::accumulate(batch.begin(), batch.end(), int64_t{0},
                                           [&](int64_t s, int32_t t) { return s + split.length(t); });
    CHECK((tokens <= 300 || batch.size() == 1));
  }
  CHECK(evaluation_batches(split, {.tokens = 1}).size() == 203);
}

TEST_CASE("a batch on the host: longest first, its ids, its distinct ids") {
  const Split split = random_split(20, 50);
  const std::vector<int32_t> texts = {3, 1, 4, 15, 9, 2, 6};
  const HostBatch batch = assemble_batch(split, texts, 50);
  REQUIRE(batch.sequences() == 7);
  std::set<int32_t> distinct;
  for (int32_t b = 0; b < 7; ++b) {
    const int32_t length = batch.offsets[b + 1] - batch.offsets[b];
    CHECK(length == split.length(batch.texts[b]));
    if (b > 0) CHECK(length <= batch.offsets[b] - batch.offsets[b - 1]);
    CHECK(batch.labels[b] == split.labels[batch.texts[b]]);
    for (int32_t n = 0; n < length; ++n) {
      const int32_t id = batch.token_ids[batch.offsets[b] + n];
      CHECK(id == split.token_ids[split.offsets[batch.texts[b]] + n]);
      distinct.insert(id);
    }
  }
  CHECK(batch.unique == static_cast<int32_t>(distinct.size()));
  CHECK(batch.longest == batch.offsets[1]);
  CHECK_THROWS_AS(assemble_batch(split, texts, 20), Error);
}

TEST_CASE("an id gets one row of the table, and others fill the tile") {
  const int32_t vocabulary = 110;  // two tiles and 14
  ProjectionRows table(vocabulary);
  std::vector<int32_t> id_of_row;
  const auto add = [&](const std::vector<int32_t>& ids) {
    const auto first = static_cast<int32_t>(id_of_row.size());
    CHECK(table.size() == first);
    const std::vector<int32_t> rows = table.rows_of(ids, id_of_row);
    CHECK(table.size() == static_cast<int32_t>(id_of_row.size()));
    REQUIRE(rows.size() == ids.size());
    for (size_t n = 0; n < ids.size(); ++n) CHECK(id_of_row.at(static_cast<size_t>(rows[n])) == ids[n]);
    return table.size() - first;
  };
  CHECK(add({100, 7, 100, 3}) == kRowTile);
  CHECK(std::vector<int32_t>(id_of_row.begin(), id_of_row.begin() + 5) == std::vector<int32_t>{100, 7, 3, 0, 1});
  CHECK(add({7, 3, 100, 0}) == 0);
  std::vector<int32_t> many(50);  // 100 has its row
  std::iota(many.begin(), many.end(), 60);
  CHECK(add(many) == vocabulary - kRowTile);
  std::vector<int32_t> all = id_of_row;
  std::sort(all.begin(), all.end());
  for (int32_t id = 0; id < vocabulary; ++id) CHECK(all[id] == id);
  CHECK(ProjectionRows::most_added(4, vocabulary) == kRowTile);
  CHECK(ProjectionRows::most_added(1000, vocabulary) == padded_rows(vocabulary));

  table.clear();
  id_of_row.clear();
  CHECK(add({5}) == kRowTile);
  CHECK(id_of_row.front() == 5);
}

TEST_CASE("no training batch exceeds the planned capacity, and one of the longest texts fills it") {
  const Split split = random_split(203, 50);
  const BatchCapacity capacity = training_capacity(split, 32, 50);
  CHECK(capacity.sequences == 32);
  CHECK(capacity.unique == 50);
  std::vector<int32_t> lengths;
  lengths.reserve(split.size());
  for (int32_t i = 0; i < split.size(); ++i) lengths.push_back(split.length(i));
  std::sort(lengths.rbegin(), lengths.rend());
  CHECK(capacity.tokens == std::accumulate(lengths.begin(), lengths.begin() + 32, int64_t{0}));
  for (const auto& texts : training_batches(split, 32, 1, 1))
    CHECK(assemble_batch(split, texts, 50).tokens() <= capacity.tokens);
}

/// The chi-squared statistic of counts that should be equal.
double chi_squared(const std::map<std::vector<int32_t>, int>& counts, double draws, double kinds) {
  const double expected = draws / kinds;
  double sum = (kinds - static_cast<double>(counts.size())) * expected;  // the kinds that never came
  for (const auto& count : counts) sum += (count.second - expected) * (count.second - expected) / expected;
  return sum;
}

/// Texts of these lengths, boundary tokens included, of words that do not matter.
Split split_of_lengths(const std::vector<int32_t>& lengths) {
  Split split;
  for (const int32_t length : lengths) {
    split.token_ids.insert(split.token_ids.end(), length, 4);
    split.offsets.push_back(split.token_ids.size());
    split.labels.push_back(0);
    split.rows.push_back(split.size());
  }
  return split;
}

TEST_CASE("every order of the batches comes equally often, over the epochs and over the seeds") {
  // Jittered lengths 2..3, 9..10, 27..32 and 90..109: each text is a batch of its own, whose place before the shuffle
  // is known. 24 orders, 23 degrees of freedom, p = 0.001. A shuffle that never leaves a batch in its place
  // (Sattolo's) has 6 of them, and one that swaps with any place (not only those behind) is uneven by up to a half.
  const Split split = split_of_lengths({3, 10, 30, 100});
  constexpr int kDraws = 9600;
  std::map<std::vector<int32_t>, int> by_epoch, by_seed;
  for (int draw = 1; draw <= kDraws; ++draw) {
    const auto order = [](const std::vector<std::vector<int32_t>>& batches) {
      std::vector<int32_t> texts;
      texts.reserve(batches.size());
      for (const auto& batch : batches) texts.push_back(batch.at(0));
      return texts;
    };
    ++by_epoch[order(training_batches(split, 1, 10, draw))];
    ++by_seed[order(training_batches(split, 1, draw, 1))];
  }
  CHECK(by_epoch.size() == 24);
  CHECK(chi_squared(by_epoch, kDraws, 24) < 49.7);
  CHECK(by_seed.size() == 24);
  CHECK(chi_squared(by_seed, kDraws, 24) < 49.7);
}

TEST_CASE("two batches change places in half of the epochs") {
  const Split split = split_of_lengths({3, 100});
  int kept = 0;
  for (int epoch = 1; epoch <= 2000; ++epoch) kept += training_batches(split, 1, 3, epoch).front().front() == 0 ? 1 : 0;
  CHECK(kept > 888);  // five standard deviations of Binomial(2000, 1/2)
  CHECK(kept < 1112);
}

TEST_CASE("the jitter of a text is uniform, and of its own") {
  // Keys of length 20 are uniform on 18..21, of length 22 on 19..24. The shorter is before the longer in 18 of the 24
  // pairs of keys, and 3 are ties, of which each decides half: (18 + 1.5) / 24 = 0.8125. With the same draw for both it
  // would always be first.
  const Split split = split_of_lengths({20, 22});
  constexpr int kEpochs = 40000;
  double shorter_first = 0;
  for (int epoch = 1; epoch <= kEpochs; ++epoch)
    shorter_first += training_batches(split, 2, 10, epoch).front().front() == 0 ? 1 : 0;
  const double deviation = std::sqrt(0.8125 * 0.1875 / kEpochs);
  CHECK(std::fabs(shorter_first / kEpochs - 0.8125) < 5 * deviation);
}

TEST_CASE("ties fall at random: every order of three equal lengths comes equally often") {
  // Length 3: keys 2 and 3. 6 orders, 5 degrees of freedom, p = 0.001.
  Split split = split_of_lengths({3, 3, 3});
  split.token_ids = std::vector<int32_t>{2, 4, 3, 2, 5, 3, 2, 6, 3};
  std::map<std::vector<int32_t>, int> by_epoch, by_seed;
  constexpr int kDraws = 6000;
  for (int draw = 1; draw <= kDraws; ++draw) {
    ++by_epoch[training_batches(split, 3, 10, draw).front()];
    ++by_seed[training_batches(split, 3, draw, 1).front()];
  }
  CHECK(by_epoch.size() == 6);
  CHECK(chi_squared(by_epoch, kDraws, 6) < 20.5);
  CHECK(by_seed.size() == 6);
  CHECK(chi_squared(by_seed, kDraws, 6) < 20.5);
}

TEST_CASE("a file that is sorted by label gives mixed batches") {
  // As SST: 6400 texts, few lengths, first all of one class and then all of the other. The share of a class in batches
  // of 32 that are drawn at random has the standard deviation sqrt(0.25 / 32) = 0.088.
  Split split;
  const Random random(7, Purpose::test_data);
  for (int32_t i = 0; i < 6400; ++i) {
    const auto length = random.integer(i, 10, 40);
    for (int64_t n = 0; n < length; ++n)
      split.token_ids.push_back(static_cast<int32_t>(random.integer(split.token_ids.size() + 10000, 4, 999)));
    split.offsets.push_back(static_cast<int64_t>(split.token_ids.size()));
    split.labels.push_back(i < 3200 ? 0 : 1);
    split.rows.push_back(i + 1);
  }
  double squares = 0;
  const auto batches = training_batches(split, 32, 10, 1);
  for (const auto& batch : batches) {
    double positive = 0;
    for (const int32_t text : batch) positive += split.labels[text] / 32.0;
    CHECK(positive > 0.1);
    CHECK(positive < 0.9);
    squares += (positive - 0.5) * (positive - 0.5) / static_cast<double>(batches.size());
  }
  CHECK(std::sqrt(squares) > 0.066);  // 0.088 (1 - 5 / sqrt(2 * 200))
  CHECK(std::sqrt(squares) < 0.11);   // 0.088 (1 + 5 / sqrt(2 * 200))
}

TEST_CASE("the same texts in another order meet in the same batches") {
  const Split split = random_split(203, 50);
  std::vector<int32_t> order(203);
  std::iota(order.begin(), order.end(), 0);
  std::reverse(order.begin() + 40, order.end());
  std::rotate(order.begin(), order.begin() + 91, order.end());
  Split other;
  for (const int32_t text : order) {
    for (int64_t n = split.offsets[text]; n < split.offsets[text + 1]; ++n)
      other.token_ids.push_back(split.token_ids[n]);
    other.offsets.push_back(static_cast<int64_t>(other.token_ids.size()));
    other.labels.push_back(split.labels[text]);
    other.rows.push_back(split.rows[text]);
  }
  for (int epoch = 1; epoch <= 3; ++epoch) {
    auto batches = training_batches(other, 32, 10, epoch);
    for (auto& batch : batches) {
      for (int32_t& text : batch) text = order[text];
    }
    CHECK(batches == training_batches(split, 32, 10, epoch));
  }
}

TEST_CASE("where a device computes a wave of sequences at once, evaluation batches are full waves as far as they fit") {
  Split split;
  for (int32_t i = 0; i < 203; ++i) {  // 100 texts of 3 tokens, 50 of 10, 40 of 30, 13 of 100
    const int64_t length = i < 100 ? 3 : i < 150 ? 10 : i < 190 ? 30 : 100;
    split.offsets.push_back(split.offsets.back() + length);
    split.labels.push_back(0);
  }
  std::vector<size_t> sizes;
  const auto batches = evaluation_batches(split, {.tokens = 150, .wave = 6, .most_tokens = 300});
  for (const auto& batch : batches) sizes.push_back(batch.size());
  CHECK(flattened(batches).size() == 203);
  // 150 tokens hold 50 texts of 3: twice 24. Then four waves, of 4 x 3 + 20 x 10 tokens; 29 texts of 10 are more than
  // 24, and 24 are more than 150 tokens. 10 texts of 30 hold one wave, 3 texts of 100 none.
  CHECK(sizes == std::vector<size_t>{48, 48, 24, 24, 12, 6, 6, 6, 6, 6, 5, 3, 3, 3, 3});
  CHECK(evaluation_batches(split, {.tokens = 50, .wave = 1, .most_tokens = 50}).back().size() == 1);
}

TEST_CASE("in every epoch, and with every seed, other texts meet in a batch") {
  const Split split = random_split(203, 50);
  const auto meetings = [&](uint64_t seed, int32_t epoch) {
    auto batches = training_batches(split, 32, seed, epoch);
    for (auto& batch : batches) std::sort(batch.begin(), batch.end());
    return std::set<std::vector<int32_t>>(batches.begin(), batches.end());
  };
  CHECK(meetings(10, 1) != meetings(10, 2));
  CHECK(meetings(10, 1) != meetings(11, 1));
}

}  // namespace notnot
