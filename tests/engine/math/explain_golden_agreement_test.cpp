// Agreement of scores and the statistics that decide, against float64 values from another implementation (NumPy, each
// checked against SciPy or by brute force). It reads all files in the folder NOTNOT_GOLDEN_EXPLAIN, by default
// tests/golden/explain, and knows them by their tensors:
//   x, y, word_offsets          pairs of score vectors, with their measures
//   agree/A+B/                  the measures of two explanations A, B of a model; the scores are in the file, too
//   bootstrap/, multiple/, tost/
// Other suites have the rest of these files.
//
// How far a value may be off follows from its arithmetic: n roundings, relative to what is summed, of kEpsilon each, on
// either side.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <set>

#include "engine/io/safetensors.h"
#include "engine/math/agreement.h"
#include "engine/math/crossed_bootstrap.h"
#include "engine/math/equivalence.h"
#include "engine/math/multiple_testing.h"
#include "tests/support/golden_folder.h"

namespace notnot {
namespace {

using Values = std::vector<double>;
constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

void check_near(double actual, double expected, double tolerance, const std::string& what) {
  const bool same = std::isnan(expected) ? std::isnan(actual) : std::fabs(actual - expected) <= tolerance;
  CHECK_MESSAGE(same, what, ": ", fmt::format("{} is not {}, to within {}", actual, expected, tolerance));
}

void check_near(const Values& actual, const Values& expected, double tolerance, const std::string& what) {
  REQUIRE(actual.size() == expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    check_near(actual[i], expected[i], tolerance, fmt::format("{}[{}]", what, i));
  }
}

// --- agreement -------------------------------------------------------------------------------------------------------

/// The largest |value| over the largest |value - mean|: what the difference loses.
double cancellation(std::span<const double> values) {
  const double centre = mean(values);
  double largest = 0, deviation = 0;
  for (const double value : values) {
    largest = std::max(largest, std::fabs(value));
    deviation = std::max(deviation, std::fabs(value - centre));
  }
  return largest / deviation;
}

/// The measures of two score vectors and how far each may be off.
struct Measures {
  KendallTau tau;
  double pearson;
  Overlap top, rbo;
  double tau_tolerance, pearson_tolerance, top_tolerance, rbo_tolerance;

  Measures(std::span<const double> x, std::span<const double> y, double p) {
    const Ranking rank_x(x), rank_y(y);
    tau = kendall_tau(rank_x, rank_y);
    pearson = pearson_correlation(x, y);
    top = top_k_overlap(rank_x, rank_y);
    rbo = rank_biased_overlap(rank_x, rank_y, p);
    const double n = kEpsilon * static_cast<double>(x.size());
    tau_tolerance = 4 * kEpsilon;  // a product, a root and a quotient of whole numbers
    pearson_tolerance = 4 * n * (1 + cancellation(x) + cancellation(y));
    top_tolerance = 4 * kEpsilon + n;
    rbo_tolerance = 4 * (kEpsilon + n);
  }
};

/// A part of the p value: erfc(u) has the condition number 2 u^2, which is about -2 ln p; exact ones are sums of
/// positive numbers over at most 33 words.
double p_tolerance(double p, size_t words) {
  if (!(p > 0)) return 0;
  const auto n = static_cast<double>(std::min<size_t>(words, 33));
  return p * kEpsilon * (20 * (1 - 2 * std::log(p)) + n * n);
}

/// (value - chance) / (1 - chance) of two values that may be off by `tolerance`.
double corrected_tolerance(const Overlap& overlap, double tolerance) {
  return std::isnan(overlap.corrected) ? 0 : 3 * tolerance * (1 + std::fabs(overlap.corrected)) / (1 - overlap.chance);
}

/// Pairs of score vectors with their measures, as a file has them below `prefix`.
class AgreementCases {
 public:
  AgreementCases(const Safetensors& file, const std::string& prefix, Values x, Values y, double rbo_p)
      : file_(file), prefix_(prefix), x_(std::move(x)), y_(std::move(y)), rbo_p_(rbo_p) {
    const bool model = !prefix.empty();
    offsets_ = file.values<int64_t>(model ? "texts/word_offsets" : "word_offsets");
    permutations_ = file.values<int64_t>(model ? "agree/permutations" : "permutations");
    for (const char* name : {"tau_b", "tau_p_asymptotic", "tau_p_auto", "pearson", "top_k", "top_k_chance",
                             "top_k_corrected", "rbo", "rbo_chance", "rbo_corrected", "tau_b_permuted_mean",
                             "pearson_permuted_mean", "top_k_permuted_mean", "rbo_permuted_mean"}) {
      expected_[name] = file.values<double>(prefix + name);
      REQUIRE(expected_[name].size() == offsets_.size() - 1);
    }
    REQUIRE(offsets_.back() == std::ssize(x_));
    REQUIRE(x_.size() == y_.size());
  }

  void check() const {
    for (size_t text = 0; text + 1 < offsets_.size(); ++text) {
      check_text(text);
      check_permuted_means(text);
    }
  }

 private:
  std::span<const double> words(const Values& values, size_t text) const {
    return std::span(values).subspan(offsets_[text], offsets_[text + 1] - offsets_[text]);
  }

  void check_value(const std::string& name, size_t text, double actual, double tolerance) const {
    check_near(actual, expected_.at(name)[text], tolerance,
               fmt::format("{}, {}{} of text {}", file_.path().filename().string(), prefix_, name, text));
  }

  void check_text(size_t text) const {
    const Measures m(words(x_, text), words(y_, text), rbo_p_);
    const size_t n = words(x_, text).size();
    check_value("tau_b", text, m.tau.tau_b, m.tau_tolerance);
    check_value("tau_p_asymptotic", text, m.tau.p_asymptotic, p_tolerance(m.tau.p_asymptotic, n));
    check_value("tau_p_auto", text, m.tau.p, p_tolerance(m.tau.p, n));
    check_value("pearson", text, m.pearson, m.pearson_tolerance);
    check_value("top_k", text, m.top.value, m.top_tolerance);
    check_value("top_k_chance", text, m.top.chance, kEpsilon);
    check_value("top_k_corrected", text, m.top.corrected, corrected_tolerance(m.top, m.top_tolerance));
    check_value("rbo", text, m.rbo.value, m.rbo_tolerance);
    check_value("rbo_chance", text, m.rbo.chance, m.rbo_tolerance);
    check_value("rbo_corrected", text, m.rbo.corrected, corrected_tolerance(m.rbo, m.rbo_tolerance));
  }

  /// The means over the permutations of the file.
  void check_permuted_means(size_t text) const {
    const auto x = words(x_, text), y = words(y_, text);
    const int64_t rows = std::ssize(permutations_) / std::ssize(x_);
    double tau = 0, pearson = 0, top = 0, rbo = 0, tolerance = 0;
    for (int64_t row = 0; row < rows; ++row) {
      Values permuted(x.size());
      for (size_t n = 0; n < x.size(); ++n) permuted[n] = x[permutations_[row * std::ssize(x_) + offsets_[text] + n]];
      const Measures m(permuted, y, rbo_p_);
      tau += m.tau.tau_b / static_cast<double>(rows);
      pearson += m.pearson / static_cast<double>(rows);
      top += m.top.value / static_cast<double>(rows);
      rbo += m.rbo.value / static_cast<double>(rows);
      tolerance = std::isnan(m.pearson) ? 0 : m.pearson_tolerance;
    }
    const double of_mean = kEpsilon * static_cast<double>(rows);
    const Measures m(x, y, rbo_p_);
    check_value("tau_b_permuted_mean", text, tau, m.tau_tolerance + of_mean);
    check_value("pearson_permuted_mean", text, pearson, tolerance + of_mean);
    check_value("top_k_permuted_mean", text, top, m.top_tolerance + of_mean);
    check_value("rbo_permuted_mean", text, rbo, m.rbo_tolerance + of_mean);
  }

  const Safetensors& file_;
  std::string prefix_;
  Values x_, y_;
  double rbo_p_;
  std::vector<int64_t> offsets_, permutations_;
  std::map<std::string, Values> expected_;
};

void check_first_ranks(const Safetensors& file, const std::string& name) {
  const auto offsets = file.values<int64_t>("word_offsets"), expected = file.values<int64_t>(name + "_first_rank");
  const auto scores = file.values<double>(name);
  for (size_t text = 0; text + 1 < offsets.size(); ++text) {
    const Ranking ranking(std::span<const double>(scores).subspan(offsets[text], offsets[text + 1] - offsets[text]));
    CHECK(std::equal(ranking.first_rank().begin(), ranking.first_rank().end(), expected.begin() + offsets[text]));
  }
}

/// The names A+B that the file has measures for.
std::set<std::string> compared_explanations(const Safetensors& file) {
  std::set<std::string> names;
  for (const auto& [name, entry] : file.entries()) {
    const size_t end = name.rfind('/');
    if (name.starts_with("agree/") && end > 6) names.insert(name.substr(6, end - 6));
  }
  names.erase("permutations");
  return names;
}

/// The scores of an explanation: Jain & Wallace compare absolute values, of p.
Values explanation(const Safetensors& file, const std::string& name) {
  if (name == "attention") return file.values<double>("base/attention");
  return file.values<double>("explain/" + (name == "contribution" ? name : name + "_p") + "_abs");
}

TEST_CASE("measures of agreement") {
  for (const auto& path : test::golden_explanations()) {
    const Safetensors file = Safetensors::read(path);
    if (file.contains("x") && file.contains("y")) {
      check_first_ranks(file, "x");
      check_first_ranks(file, "y");
      AgreementCases(file, "", file.values<double>("x"), file.values<double>("y"), file.values<double>("rbo_p").front())
          .check();
    }
    for (const std::string& pair : compared_explanations(file)) {
      const size_t plus = pair.find('+');
      REQUIRE(plus != std::string::npos);
      AgreementCases(file, "agree/" + pair + "/", explanation(file, pair.substr(0, plus)),
                     explanation(file, pair.substr(plus + 1)), 0.9)
          .check();
    }
  }
}

// --- statistics ------------------------------------------------------------------------------------------------------

void check_bootstrap(const Safetensors& file) {
  const auto table = file.values<double>("bootstrap/differences");
  const auto shape = file.entry("bootstrap/differences").shape;
  const auto seed_draws = file.values<int64_t>("bootstrap/seed_draws");
  const auto text_draws = file.values<int64_t>("bootstrap/text_draws");
  const auto expected = file.values<double>("bootstrap/means");
  const auto draw = [&](int32_t replicate, std::span<int32_t> seeds, std::span<int32_t> texts) {
    std::copy_n(seed_draws.begin() + replicate * shape[0], seeds.size(), seeds.begin());
    std::copy_n(text_draws.begin() + replicate * shape[1], texts.size(), texts.begin());
  };
  const CrossedBootstrap result =
      crossed_bootstrap(table, static_cast<int32_t>(shape[0]), static_cast<int32_t>(expected.size()), draw);
  double largest = 0;
  for (const double value : table) largest = std::max(largest, std::fabs(value));
  const double tolerance = static_cast<double>(table.size()) * kEpsilon * largest;
  check_near(result.replicates, expected, tolerance, "bootstrap/means");
  check_near({result.estimate}, file.values<double>("bootstrap/estimate"), tolerance, "bootstrap/estimate");
  check_near({result.p_value()}, file.values<double>("bootstrap/p_value"), kEpsilon, "bootstrap/p_value");
  const Interval wide = result.interval(0.95), narrow = result.interval(0.9);
  check_near({wide.low, wide.high}, file.values<double>("bootstrap/interval_95"), 2 * tolerance, "interval_95");
  check_near({narrow.low, narrow.high}, file.values<double>("bootstrap/interval_90"), 2 * tolerance, "interval_90");
}

void check_corrections(const Safetensors& file) {
  const auto p = file.values<double>("multiple/p");
  check_near(holm(p), file.values<double>("multiple/holm"), 4 * kEpsilon, "multiple/holm");
  check_near(benjamini_hochberg(p), file.values<double>("multiple/benjamini_hochberg"), 4 * kEpsilon, "multiple/bh");
}

void check_equivalence(const Safetensors& file) {
  const auto values = file.values<double>("tost/values");
  const double margin = file.values<double>("tost/margin").front();
  const Equivalence result = two_one_sided_t_tests(values, margin);
  // n roundings move mean and error, and a p by at most n times as much: a tail falls as t^-(n - 1).
  const double n = static_cast<double>(values.size()), relative = 16 * n * n * kEpsilon;
  double largest = margin;
  for (const double value : values) largest = std::max(largest, std::fabs(value));
  const auto both = file.values<double>("tost/p_low_high");
  check_near(result.p_above_low, both[0], relative * both[0], "tost/p_low_high[0]");
  check_near(result.p_below_high, both[1], relative * both[1], "tost/p_low_high[1]");
  check_near({result.p()}, file.values<double>("tost/p"), relative * result.p(), "tost/p");
  check_near({result.interval.low, result.interval.high}, file.values<double>("tost/interval_90"),
             16 * n * kEpsilon * largest, "tost/interval_90");
  CHECK(int64_t{result.equivalent()} == file.values<int64_t>("tost/equivalent").front());
  CHECK(equivalent(result.interval, margin) == result.equivalent());
}

TEST_CASE("the crossed bootstrap, corrections for many tests, equivalence") {
  for (const auto& path : test::golden_explanations()) {
    const Safetensors file = Safetensors::read(path);
    CAPTURE(path);
    if (file.contains("bootstrap/differences")) check_bootstrap(file);
    if (file.contains("multiple/p")) check_corrections(file);
    if (file.contains("tost/values")) check_equivalence(file);
  }
}

TEST_CASE("the folder has golden vectors") {
  const auto paths = test::golden_explanations();
  CHECK_FALSE(paths.empty());
  const auto known = std::count_if(paths.begin(), paths.end(), [](const auto& path) {
    const Safetensors file = Safetensors::read(path);
    return file.contains("x") || file.contains("bootstrap/differences") || file.contains("base/logit") ||
           file.contains("adversary/jsd");
  });
  CHECK(known > 0);
}

}  // namespace
}  // namespace notnot
