#include "engine/math/crossed_bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "engine/math/random.h"
#include "engine/math/resampling.h"
#include "kernels/base/error.h"
#include "kernels/base/share_out.h"

namespace notnot {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// What a replicate draws texts from: groups of texts, which come together.
struct Groups {
  int32_t columns = 0;        ///< of the table: seeds, or pairs of seeds and then seeds
  std::vector<double> sums;   ///< [groups, columns] over the texts of the group that count
  std::vector<double> texts;  ///< [groups] how many of its texts count
  int64_t all = 0, left_out = 0;

  int32_t size() const { return static_cast<int32_t>(texts.size()); }
};

/// [texts] whether a text counts: whether it has no NaN. `table` [columns, texts].
std::vector<bool> complete_texts(const std::vector<double>& table, int32_t columns) {
  const size_t texts = table.size() / columns;
  std::vector<bool> complete(texts, true);
  for (size_t i = 0; i < table.size(); ++i) {
    NOTNOT_CHECK(!std::isinf(table[i]), "text {} of {} has {} in column {}", i % texts, texts, table[i], i / texts);
    if (std::isnan(table[i])) complete[i % texts] = false;
  }
  return complete;
}

/// Groups of which no text counts are none. `table` [columns, texts]; `cluster` as in crossed_bootstrap.
Groups groups_of(const std::vector<double>& table, int32_t columns, std::span<const int32_t> cluster) {
  const std::vector<bool> complete = complete_texts(table, columns);
  const size_t texts = complete.size();
  NOTNOT_CHECK(cluster.empty() || cluster.size() == texts, "{} texts, and the groups of {}", texts, cluster.size());
  const auto group_of = [&](size_t text) { return cluster.empty() ? static_cast<int32_t>(text) : cluster[text]; };
  std::map<int32_t, int32_t> number;  // of the groups that count, in the order of their numbers in `cluster`
  for (size_t text = 0; text < texts; ++text) {
    if (complete[text]) number.emplace(group_of(text), 0);
  }
  int32_t next = 0;
  for (auto& [group, of_group] : number) of_group = next++;
  Groups groups{.columns = columns,
                .sums = std::vector<double>(number.size() * columns),
                .texts = std::vector<double>(number.size()),
                .all = std::count(complete.begin(), complete.end(), true),
                .left_out = std::count(complete.begin(), complete.end(), false)};
  for (size_t text = 0; text < texts; ++text) {
    if (!complete[text]) continue;
    const int32_t group = number.at(group_of(text));
    ++groups.texts[group];
    for (int32_t c = 0; c < columns; ++c) groups.sums[int64_t{group} * columns + c] += table[c * texts + text];
  }
  return groups;
}

/// The mean over the drawn groups' texts and over the columns from `first` on, which weigh `weights`.
double mean_of_drawn(const Groups& groups, int32_t first, const std::vector<double>& weights,
                     std::span<const int32_t> drawn) {
  double sum = 0, texts = 0;
  for (const int32_t group : drawn) {
    const auto row = groups.sums.begin() + int64_t{group} * groups.columns + first;
    sum += std::inner_product(weights.begin(), weights.end(), row, 0.0);
    texts += groups.texts[group];
  }
  return sum / (std::accumulate(weights.begin(), weights.end(), 0.0) * texts);
}

/// The mean of one replicate: `times` [seeds] says how often each seed was drawn.
using MeanOfDrawn = std::function<double(const std::vector<double>& times, std::span<const int32_t> groups)>;

CrossedBootstrap bootstrap(const Groups& groups, int32_t seeds, int32_t replicates, const CrossedDraw& draw,
                           int threads, const MeanOfDrawn& mean) {
  NOTNOT_CHECK(replicates >= 1, "{} replicates", replicates);
  CrossedBootstrap result{
      .estimate = kNaN, .replicates = {}, .texts = groups.all, .groups = groups.size(), .left_out = groups.left_out};
  if (groups.size() == 0) return result;
  std::vector<int32_t> each_group(groups.size());
  std::iota(each_group.begin(), each_group.end(), 0);
  result.estimate = mean(std::vector<double>(seeds, 1.0), each_group);
  result.replicates.resize(replicates);
  constexpr int64_t kCostOfDraw = 50;  // of its random number
  parallel_for(threads, replicates, (kCostOfDraw + groups.columns) * groups.size(), [&](int32_t replicate) {
    std::vector<int32_t> drawn_seeds(seeds), drawn_groups(groups.size());
    draw(replicate, drawn_seeds, drawn_groups);
    std::vector<double> times(seeds);
    for (const int32_t seed : drawn_seeds) ++times[seed];
    result.replicates[replicate] = mean(times, drawn_groups);
  });
  return result;
}

/// [pairs] in the order of SeedPairs.
std::vector<double> pair_weights(const std::vector<double>& times) {
  std::vector<double> weights;
  for (size_t s = 0; s < times.size(); ++s) {
    for (size_t t = s + 1; t < times.size(); ++t) weights.push_back(times[s] * times[t]);
  }
  return weights;
}

/// The draws of the overloads with a random seed; `distinct`: at least two of the seeds differ.
CrossedDraw random_draw(uint64_t random_seed, bool distinct) {
  return [=](int32_t replicate, std::span<int32_t> seeds, std::span<int32_t> groups) {
    const Random random(random_seed, Purpose::crossed_bootstrap, replicate);
    uint64_t index = 0;
    do {
      for (int32_t& seed : seeds) seed = static_cast<int32_t>(random.integer(index++, 0, std::ssize(seeds) - 1));
    } while (distinct && std::equal(seeds.begin() + 1, seeds.end(), seeds.begin()));
    for (int32_t& group : groups) group = static_cast<int32_t>(random.integer(index++, 0, std::ssize(groups) - 1));
  };
}

}  // namespace

Interval CrossedBootstrap::interval(double coverage) const {
  return {quantile(replicates, (1 - coverage) / 2), quantile(replicates, (1 + coverage) / 2)};
}

double CrossedBootstrap::p_value() const {
  if (replicates.empty()) return kNaN;
  const auto as_far = std::count_if(replicates.begin(), replicates.end(),
                                    [&](double value) { return std::fabs(value - estimate) >= std::fabs(estimate); });
  return static_cast<double>(1 + as_far) / static_cast<double>(1 + replicates.size());
}

CrossedBootstrap crossed_bootstrap(std::span<const double> table, int32_t seeds, int32_t replicates,
                                   const CrossedDraw& draw, int threads, std::span<const int32_t> cluster) {
  NOTNOT_CHECK(seeds >= 1 && table.size() % seeds == 0, "{} values of {} seeds", table.size(), seeds);
  const Groups groups = groups_of({table.begin(), table.end()}, seeds, cluster);
  return bootstrap(groups, seeds, replicates, draw, threads,
                   [&](const std::vector<double>& times, std::span<const int32_t> drawn) {
                     return mean_of_drawn(groups, 0, times, drawn);
                   });
}

CrossedBootstrap crossed_bootstrap(std::span<const double> table, int32_t seeds, uint64_t random_seed, int threads,
                                   std::span<const int32_t> cluster) {
  return crossed_bootstrap(table, seeds, kResamples, random_draw(random_seed, false), threads, cluster);
}

CrossedBootstrap bootstrap_of_pairs(const SeedPairs& pairs, int32_t replicates, const CrossedDraw& draw, int threads) {
  const int32_t seeds = pairs.seeds, count = seeds * (seeds - 1) / 2;
  NOTNOT_CHECK(seeds >= 2 && pairs.table.size() % count == 0, "{} values of the pairs of {} seeds", pairs.table.size(),
               seeds);
  NOTNOT_CHECK(pairs.minus.empty() || pairs.minus.size() / seeds == pairs.table.size() / count,
               "{} values of {} pairs, minus {} of {} seeds", pairs.table.size(), count, pairs.minus.size(), seeds);
  std::vector<double> table(pairs.table.begin(), pairs.table.end());
  table.insert(table.end(), pairs.minus.begin(), pairs.minus.end());
  const Groups groups = groups_of(table, pairs.minus.empty() ? count : count + seeds, pairs.cluster);
  return bootstrap(groups, seeds, replicates, draw, threads,
                   [&](const std::vector<double>& times, std::span<const int32_t> drawn) {
                     const double mean = mean_of_drawn(groups, 0, pair_weights(times), drawn);
                     return pairs.minus.empty() ? mean : mean - mean_of_drawn(groups, count, times, drawn);
                   });
}

CrossedBootstrap bootstrap_of_pairs(const SeedPairs& pairs, uint64_t random_seed, int threads) {
  return bootstrap_of_pairs(pairs, kResamples, random_draw(random_seed, true), threads);
}

}  // namespace notnot
