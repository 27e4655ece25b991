#include "experiments/report/heat_map.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <regex>
#include <tuple>

#include "experiments/format/html.h"
#include "tests/experiments/report/report_page.h"
#include "tests/support/fake_runs.h"
#include "tests/support/input_error.h"
#include "tests/support/run_damage.h"

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
  remove_checksums(RunFolder(run));
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

/// A model on texts of these lengths in words, all of label 1, with these probabilities.
ShownModel model_of_lengths(const std::vector<std::pair<size_t, float>>& texts) {
  ShownModel model{"Base", {}};
  constexpr float kNothing = -std::numeric_limits<float>::infinity();
  Attention& attention = model.attention;
  attention.offsets = {0};
  for (const auto& text : texts) {
    attention.log_attention.push_back(kNothing);
    attention.log_attention.insert(attention.log_attention.end(), text.first,
                                   -std::log(static_cast<float>(text.first)));
    attention.log_attention.push_back(kNothing);
    attention.offsets.push_back(static_cast<int64_t>(attention.log_attention.size()));
    attention.label.push_back(1);
    attention.probability.push_back(text.second);
    attention.row.push_back(static_cast<int64_t>(attention.row.size()));
  }
  return model;
}

TEST_CASE("texts of up to 60 words are shown; if all are longer, the 50 shortest") {
  CHECK(choose_texts({model_of_lengths({{61, 0.99F}, {60, 0.9F}, {10, 0.8F}})})[0].texts == std::vector<size_t>{1});
  CHECK(choose_texts({model_of_lengths({{61, 0.9F}, {62, 0.99F}})})[0].texts == std::vector<size_t>{1});
  // The longer the surer: of lengths 61, 62, ... the 50th has 110 words.
  std::vector<std::pair<size_t, float>> texts;
  for (size_t i = 0; i < 60; ++i) texts.emplace_back(120 - i, 0.99F - 0.001F * static_cast<float>(i));
  CHECK(choose_texts({model_of_lengths(texts)})[0].texts == std::vector<size_t>{10});
}

TEST_CASE("where two texts fit equally well, the earlier one is shown") {
  const auto groups =
      choose_texts({model_of_lengths({{2, 0.6F}, {2, 0.9F}, {2, 0.9F}, {2, 0.4F}, {2, 0.4F}, {2, 0.6F}})});
  REQUIRE(groups.size() == 3);
  CHECK(groups[0].texts == std::vector<size_t>{1});  // all have label 1
  CHECK(groups[1].texts == std::vector<size_t>{3});
  CHECK(groups[2].texts == std::vector<size_t>{4, 0, 5});  // as a float 0.4 is nearer to 0.5 than 0.6 is
  CHECK(groups[0].title == "Confident and right");
  CHECK(groups[1].title == "Confident and wrong");
  CHECK(groups[2].title == "Undecided");
}

TEST_CASE("with several models the texts with the largest divergence on average are shown") {
  const auto model = [](const char* label, const std::vector<float>& first) {
    std::vector<std::tuple<int, float, float>> texts;
    for (const float weight : first) texts.emplace_back(1, 0.7F, weight);
    return shown_model(label, texts, 0);
  };
  // 0 to 3 are taken by the other groups. From the first model, text 4 differs by ln 2 and 0, text 5 by 0.2158 twice,
  // text 6 by 0.2158 and ln 2, text 7 by nothing.
  const auto groups = choose_texts({model("A", {1, 1, 1, 1, 1, 1, 1, 1}), model("B", {1, 1, 1, 1, 0, 0.5F, 0.5F, 1}),
                                    model("C", {1, 1, 1, 1, 1, 0.5F, 0, 1})});
  REQUIRE(groups.size() == 4);
  CHECK(groups[3].texts == std::vector<size_t>{6, 4, 5});
  CHECK_HAS(groups[3].rule, "between the attention of A and of the other models, on average");
  const auto of_two = choose_texts({model("A", {1, 1, 1, 1, 1}), model("B", {1, 1, 1, 1, 0})});
  CHECK_HAS(of_two[3].rule, "between the attention of A and of B");
}

TEST_CASE("shades are rounded to the nearest, and never beyond the darkest") {
  CHECK(shade_of(0.11, 1) == 2);  // 2.2
  CHECK(shade_of(0.13, 1) == 3);  // 2.6
  CHECK(shade_of(0.24, 0.5) == 10);
  CHECK(shade_of(2, 1) == kDarkest);
  CHECK(shade_of(-1, 1) == 0);
}

TEST_CASE("a text says what it is, and each model what it says of it") {
  const TemporaryFolder folder;
  const auto texts = [](float p, float q, float first) {
    return std::vector<FakeText>{{"good film", 1, p, {first, 1 - first}}, {"bad old film", 0, q, {0.5F, 0.25F, 0.25F}}};
  };
  const LoadedStudy study =
      load_studies({fake_run(folder, "a", nlohmann::json::object(), texts(0.0004F, 0.9996F, 0.25F)),
                    fake_run(folder, "b", kUniform, texts(0.501F, 0.001F, 0.5F))})
          .front();
  const std::string maps = heat_maps_html(study);
  CHECK(has(maps,
            "Text 101: labelled positive</h5><span class=\"muted\">2 words; the darkest shade is a weight of 0.750"));
  CHECK(has(maps,
            "Text 102: labelled negative</h5><span class=\"muted\">3 words; the darkest shade is a weight of 0.500"));
  CHECK(has(maps, "<b>Base</b> p &lt; 0.001, negative, <span class=\"wrong\">wrong</span></div>"));
  CHECK(has(maps, "<b>Base</b> p &gt; 0.999, positive, <span class=\"wrong\">wrong</span></div>"));
  CHECK(has(maps, "<b>Uniform</b> p = 0.501, positive, <span class=\"right\">right</span><br>JSD "));
  CHECK(has(maps, "<b>Uniform</b> p = 0.001, negative, <span class=\"right\">right</span><br>JSD 0.000 from Base"));
  // The legend has every shade once, from the lightest on.
  std::string bar;
  for (int level = 0; level <= 20; ++level) bar += fmt::format("<span class=\"w{}\"></span>", level);
  CHECK(has(maps, bar));
}

TEST_CASE("the models shown: the reference, its uniform twin and MLP, then other base models, four at most") {
  const TemporaryFolder folder;
  for (const uint64_t seed : {10, 2, 50, 7}) fake_run(folder, spec(RunKind::base, seed), kTexts, 0.8);
  fake_run(folder, spec(RunKind::trained_mlp), kTexts, 0.8);
  fake_run(folder, spec(RunKind::trained_mlp, 2), kTexts, 0.8);
  const auto labels = [&] {
    std::vector<std::string> result;
    for (const ShownModel& model : shown_models(load_studies({folder.path()}).front())) result.push_back(model.label);
    return result;
  };
  using Labels = std::vector<std::string>;
  CHECK(labels() == Labels{"Base, seed 10", "Trained MLP, seed 10", "Base, seed 2", "Base, seed 7"});
  fake_run(folder, spec(RunKind::uniform), uniform_texts(), 0.8);
  CHECK(labels() == Labels{"Base, seed 10", "Uniform", "Trained MLP, seed 10", "Base, seed 2"});
}

TEST_CASE("Figure 2: the base model, the per-instance adversary and the trained one, in this order") {
  const TemporaryFolder folder;
  const std::string base = run_name("sst", spec(RunKind::base));
  const auto looking = [](float one, float two) { return with_attention(kTexts, {{one, 1 - one}, {two, 1 - two}}); };
  fake_run(folder, spec(RunKind::base), kTexts, 0.8);
  CHECK(adversary_maps_html(load_studies({folder.path()}).front()).empty());
  fake_run(folder, spec(RunKind::adversary, 10, 1e-3, base), looking(0.75F, 0), 0.8);
  fake_perturbation(folder, spec(RunKind::perturbation, 10, 0, base), looking(0, 1), {0.1F, 0.2F});
  const std::string maps = adversary_maps_html(load_studies({folder.path()}).front());
  const std::vector<std::string> models = all_matches(maps, "<div class=\"who\"><b>([^<]*)</b>");
  CHECK(models == std::vector<std::string>{"Base", "Per-instance adversary", "Adversary, λ = 0.001"});
  CHECK(has(maps, "<h4>Text 102: labelled negative</h4>"));  // the trained adversary moves only there
  CHECK(has(maps, "whose prediction Adversary, λ = 0.001 keeps (the same class, p within 0.05)"));
  CHECK(count(maps, "Text 101") == 0);
}

TEST_CASE("Figure 2: a change of the prediction by 0.05 is the same prediction") {
  const Attention base = shown_model("", {{1, 0.75F, 1}}, 0).attention;
  CHECK(most_different(base, shown_model("", {{1, 0.7017F, 0}}, 0).attention) == 0);
  CHECK(most_different(base, shown_model("", {{1, 0.7983F, 0}}, 0).attention) == 0);
  CHECK_FALSE(most_different(base, shown_model("", {{1, 0.6983F, 0}}, 0).attention));
  CHECK_FALSE(most_different(base, shown_model("", {{1, 0.8017F, 0}}, 0).attention));
}

TEST_CASE("a probability has three decimals, and is never shown as 0 or 1") {
  const TemporaryFolder folder;
  const auto shown = [&](float p) {
    const std::vector<FakeText> texts = {{"good film", 1, p, {0.5F, 0.5F}}};
    const std::string maps =
        heat_maps_html(load_studies({fake_run(folder, "a", nlohmann::json::object(), texts)}).front());
    const std::vector<std::string> found = all_matches(maps, "<b>Base</b> (p [^,]*), ");
    REQUIRE(!found.empty());
    return found.front();
  };
  CHECK(shown(0.995F) == "p = 0.995");
  CHECK(shown(0.9986F) == "p = 0.999");
  CHECK(shown(0.9991F) == "p &gt; 0.999");
  CHECK(shown(1) == "p &gt; 0.999");
  CHECK(shown(0.0049F) == "p = 0.005");
  CHECK(shown(0.0011F) == "p = 0.001");
  CHECK(shown(0.0009F) == "p &lt; 0.001");
  CHECK(shown(0) == "p &lt; 0.001");
}

TEST_CASE("the heat maps say among which texts they choose, and when none fits") {
  const TemporaryFolder folder, longer;
  const std::string base = run_name("sst", spec(RunKind::base));
  std::vector<FakeText> changed = kTexts;
  for (FakeText& text : changed) text.probability = 1 - text.probability;
  fake_run(folder, spec(RunKind::base), kTexts, 0.8);
  fake_run(folder, spec(RunKind::adversary, 10, 1e-3, base), changed, 0.8);
  const LoadedStudy study = load_studies({folder.path()}).front();
  CHECK_HAS(heat_maps_html(study), "by the probabilities of Base, among the test texts of at most 60 words. Where two");
  CHECK(adversary_maps_html(study) ==
        "<p>None of the test texts of at most 60 words keeps its prediction (the same class, p within 0.05) under "
        "Adversary, λ = 0.001.</p>\n");
  FakeText text{"", 1, 0.9F, std::vector<float>(61, 1 / 61.0F)};
  for (int i = 0; i < 61; ++i) text.words += (i == 0 ? "w" : " w") + std::to_string(i);
  CHECK_HAS(heat_maps_html(load_studies({fake_run(longer, "a", nlohmann::json::object(), {text, text})}).front()),
            "among the 2 shortest test texts, as all have more than 60 words.");
}

}  // namespace
}  // namespace notnot
