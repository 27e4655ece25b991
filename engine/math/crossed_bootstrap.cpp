#include "engine/math/crossed_bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/math/random.h"
#include "engine/math/resampling.h"
#include "kernels/base/error.h"
#include "kernels/base/share_out.h"

namespace notnot {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// The texts of the table that count, a row for each: [texts, seeds].
std::vector<double> complete_texts(std::span<const double> table, int32_t seeds) {
  const size_t texts = table.size() / seeds;
  std::vector<double> rows, row(seeds);
  rows.reserve(table.size());
  for (size_t text = 0; text < texts; ++text) {
    for (int32_t seed = 0; seed < seeds; ++seed) {
      row[seed] = table[seed * texts + text];
      NOTNOT_CHECK(!std::isinf(row[seed]), "text {} of {} has {} under seed {}", text, texts, row[seed], seed);
    }
    if (std::none_of(row.begin(), row.end(), [](double value) { return std::isnan(value); })) {
      rows.insert(rows.end(), row.begin(), row.end());
    }
  }
  return rows;
}

double mean_of_drawn(const std::vector<double>& rows, std::span<const int32_t> seeds, std::span<const int32_t> texts) {
  std::vector<double> times(seeds.size());
  for (const int32_t seed : seeds) ++times[seed];
  double sum = 0;
  for (const int32_t text : texts) {
    sum += std::inner_product(times.begin(), times.end(), rows.begin() + text * std::ssize(seeds), 0.0);
  }
  return sum / static_cast<double>(seeds.size() * texts.size());
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
                                   const CrossedDraw& draw, int threads) {
  NOTNOT_CHECK(seeds >= 1 && table.size() % seeds == 0, "{} values of {} seeds", table.size(), seeds);
  NOTNOT_CHECK(replicates >= 1, "{} replicates", replicates);
  const std::vector<double> rows = complete_texts(table, seeds);
  const auto texts = static_cast<int32_t>(rows.size() / seeds);
  CrossedBootstrap result{.estimate = kNaN,
                          .replicates = {},
                          .texts = texts,
                          .left_out = static_cast<int64_t>(table.size() / seeds) - texts};
  if (texts == 0) return result;
  std::vector<int32_t> each_seed(seeds), each_text(texts);
  std::iota(each_seed.begin(), each_seed.end(), 0);
  std::iota(each_text.begin(), each_text.end(), 0);
  result.estimate = mean_of_drawn(rows, each_seed, each_text);
  result.replicates.resize(replicates);
  constexpr int64_t kCostOfDraw = 50;  // of its random number
  parallel_for(threads, replicates, (kCostOfDraw + seeds) * texts, [&](int32_t replicate) {
    std::vector<int32_t> drawn_seeds(seeds), drawn_texts(texts);
    draw(replicate, drawn_seeds, drawn_texts);
    result.replicates[replicate] = mean_of_drawn(rows, drawn_seeds, drawn_texts);
  });
  return result;
}

CrossedBootstrap crossed_bootstrap(std::span<const double> table, int32_t seeds, uint64_t random_seed, int threads) {
  const auto draw = [&](int32_t replicate, std::span<int32_t> drawn_seeds, std::span<int32_t> drawn_texts) {
    const Random random(random_seed, Purpose::crossed_bootstrap, replicate);
    uint64_t index = 0;
    for (int32_t& seed : drawn_seeds) seed = static_cast<int32_t>(random.integer(index++, 0, seeds - 1));
    for (int32_t& text : drawn_texts)
      text = static_cast<int32_t>(random.integer(index++, 0, std::ssize(drawn_texts) - 1));
  };
  return crossed_bootstrap(table, seeds, kResamples, draw, threads);
}

}  // namespace notnot
