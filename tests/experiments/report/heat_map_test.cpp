#include "experiments/report/heat_map.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <regex>
#include <tuple>

#include "experiments/format/html.h"
#include "tests/experiments/report/report_page.h"
#include "tests/support/fake_runs.h"

namespace notnot {
namespace {

TEST_CASE("text is readable on every shade, and each shade is darker than the one before") {
  const auto luminance = [](const std::string& hex) {
    double sum = 0;
    for (size_t i = 0; i < 3; ++i) {
      const double value = std::stoi(hex.substr(2 * i, 2), nullptr, 16) / 255.0;
      const double linear = value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
      sum += linear * std::array{0.2126, 0.7152, 0.0722}[i];
    }
    return sum;
  };
  const std::string page = html_page("", "");
  const std::regex rule(R"(\.w(\d+) \{ background: #([0-9a-f]{6}); color: #(000|fff); \})");
  double before = 2;
  int level = 0;
  for (std::sregex_iterator at(page.begin(), page.end(), rule), end; at != end; ++at, ++level) {
    CAPTURE(level);
    CHECK(std::stoi((*at)[1]) == level);
    const double background = luminance((*at)[2]), text = (*at)[3] == "fff" ? 1 : 0;
    CHECK((std::max(background, text) + 0.05) / (std::min(background, text) + 0.05) >= 4.5);
    CHECK(background < before - 0.005);
    before = background;
  }
  CHECK(level == kDarkest + 1);
}

TEST_CASE("shades are proportional to the weight") {
  CHECK(shade_of(0, 0.5) == 0);
  CHECK(shade_of(0.5, 0.5) == kDarkest);
  CHECK(shade_of(0.25, 0.5) == kDarkest / 2);
  CHECK(shade_of(0, 0) == 0);
}

TEST_CASE("all models of a text share one scale, and every weight is given exactly") {
  const TemporaryFolder folder;
  const LoadedStudy study =
      load_studies({fake_run(folder, "a"), fake_run(folder, "b", kUniform, uniform_texts())}).front();
  const std::string maps = heat_maps_html(study);
  check_well_formed(maps);
  // The file of a run holds the logarithm of a weight as a float.
  const auto exact = [](float weight) { return fmt::format("{:.9g}", std::exp(double{std::log(weight)})); };
  const auto row = [&](float first, int good, float second, int film) {
    return fmt::format(R"(<span class="w{}" title="{}">good</span> <span class="w{}" title="{}">film</span>)", good,
                       exact(first), film, exact(second));
  };
  CHECK(has(maps, row(0.75F, 20, 0.25F, 7)));
  CHECK(has(maps, row(0.5F, 13, 0.5F, 13)));
  CHECK(has(maps,
            fmt::format(R"(<th scope="row" class="l">good</th><td>{}</td><td>{}</td>)", exact(0.75F), exact(0.5F))));
  CHECK(has(maps, "p = 0.900, positive"));
  CHECK(has(maps, "JSD 0.216 from Base"));  // of (1, 0) and (0.5, 0.5): 0.75 ln(4/3), worked by hand
}

TEST_CASE("a word outside the vocabulary is shown as it stands in the text, and marked") {
  const TemporaryFolder folder;
  const std::filesystem::path run = fake_run(folder, "a");
  std::string predictions = read_file(run / "predictions.jsonl");
  const std::string known = R"("tokens": ["good", "film"], "unknown": [])";
  REQUIRE(has(predictions, known));
  predictions.replace(predictions.find(known), known.size(), R"("tokens": ["good", "<b>rare"], "unknown": [1])");
  write_atomically(run / "predictions.jsonl", predictions);
  const std::string maps = heat_maps_html(load_studies({run}).front());
  check_well_formed(maps);
  CHECK(has(maps, ">good</span>"));
  CHECK(has(maps, "><i>&lt;b&gt;rare</i></span>"));
  CHECK(has(maps, "&lt;b&gt;rare (not in the vocabulary)</th>"));
  CHECK(has(maps, "<i>Dotted</i>: not in the vocabulary"));
  CHECK(has(html_page("", ""), ".words i, .legend i {"));
}

/// A model on texts of two words. Each entry of `texts` is a text's label, its probability, and the attention weight of
/// its first word. The first `long_ones` texts get so many further words that they are too long to be shown.
ShownModel shown_model(const std::string& label, const std::vector<std::tuple<int, float, float>>& texts,
                       size_t long_ones) {
  ShownModel model{label, {}};
  constexpr float kNothing = -std::numeric_limits<float>::infinity();
  Attention& attention = model.attention;
  attention.offsets = {0};
  for (const auto& [text_label, probability, weight] : texts) {
    attention.log_attention.insert(attention.log_attention.end(),
                                   {kNothing, std::log(weight), std::log(1 - weight), kNothing});
    if (attention.label.size() < long_ones) {
      attention.log_attention.insert(attention.log_attention.end(), kLongestShown, kNothing);
    }
    attention.offsets.push_back(static_cast<int64_t>(attention.log_attention.size()));
    attention.label.push_back(text_label);
    attention.probability.push_back(probability);
    attention.row.push_back(static_cast<int64_t>(attention.row.size()));
  }
  return model;
}

TEST_CASE("texts are chosen by the stated rule") {
  std::vector<std::tuple<int, float, float>> texts = {{1, 0.99F, 0.5F},   // 0: too long
                                                      {1, 0.90F, 0.9F},   // 1: right, as confident as 2, earlier
                                                      {1, 0.90F, 0.5F},   // 2
                                                      {0, 0.10F, 0.5F},   // 3: right, class 0
                                                      {0, 0.80F, 0.5F},   // 4: wrong, says 1
                                                      {1, 0.30F, 0.5F},   // 5: wrong, says 0
                                                      {1, 0.20F, 1.0F},   // 6: wrong, says 0, surer
                                                      {0, 0.50F, 0.5F},   // 7: undecided
                                                      {1, 0.55F, 0.8F},   // 8: undecided
                                                      {0, 0.46F, 0.5F},   // 9: undecided
                                                      {1, 0.70F, 0.7F},   // 10: differs
                                                      {1, 0.71F, 0.2F}};  // 11: differs more
  const ShownModel base = shown_model("Base", texts, 1);
  for (auto& text : texts) std::get<2>(text) = 0.5F;
  const std::vector<TextGroup> groups = choose_texts({base, shown_model("Uniform", texts, 1)});
  REQUIRE(groups.size() == 4);
  CHECK(groups[0].texts == std::vector<size_t>{1, 3});
  CHECK(groups[1].texts == std::vector<size_t>{4, 6});
  CHECK(groups[2].texts == std::vector<size_t>{7, 9, 8});
  CHECK(groups[3].texts == std::vector<size_t>{11, 10});  // 1, 6 and 8 are taken; equal attention does not differ
  CHECK(choose_texts({base}).size() == 3);
  CHECK(choose_texts({shown_model("Base", {texts[0]}, 1)})[0].texts == std::vector<size_t>{0});  // nothing shorter
}

TEST_CASE("Figure 2 shows the most different attention at the same prediction") {
  const Attention base = shown_model("", {{1, 0.9F, 1}, {1, 0.9F, 1}, {1, 0.9F, 1}, {1, 0.52F, 1}}, 1).attention;
  const auto chosen = [&](const std::vector<std::tuple<int, float, float>>& texts) {
    return most_different(base, shown_model("", texts, 1).attention);
  };
  // 0 is too long, 1 changes its prediction too much, 3 its class.
  CHECK(chosen({{1, 0.9F, 0}, {1, 0.8F, 0}, {1, 0.88F, 0.5F}, {1, 0.49F, 0}}) == 2);
  CHECK(chosen({{1, 0.9F, 0}, {1, 0.88F, 0.5F}, {1, 0.88F, 0.1F}, {1, 0.53F, 0.2F}}) == 2);
  CHECK_FALSE(chosen({{1, 0.9F, 0}, {1, 0.8F, 0}, {1, 0.8F, 0.5F}, {1, 0.49F, 0}}));
}

}  // namespace
}  // namespace notnot
