#include "experiments/report/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "engine/math/metrics.h"
#include "experiments/format/html.h"
#include "experiments/report/adversaries.h"

namespace notnot {
namespace {

using Models = std::vector<ShownModel>;
using Words = std::map<size_t, TextWords>;
/// How well text i fits a group; nothing when it does not fit.
using Score = std::function<std::optional<double>(size_t i)>;

int32_t predicted(const Attention& attention, size_t text) { return predicted_class(attention.probability[text]); }

/// The attention weights of a text's words, without the boundary tokens.
std::vector<double> weights(const Attention& attention, size_t text) {
  std::vector<double> result;
  for (int64_t at = attention.offsets[text] + 1; at < attention.offsets[text + 1] - 1; ++at) {
    result.push_back(std::exp(static_cast<double>(attention.log_attention[at])));
  }
  return result;
}

/// For each text, the mean JSD of the other models from the first one.
std::vector<double> mean_divergence(const Models& models) {
  std::vector<double> sum(models.front().attention.label.size(), 0);
  for (size_t m = 1; m < models.size(); ++m) {
    const Divergences each = divergences(models.front().attention, models[m].attention, kTvdSingle);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += each.jsd[i] / (models.size() - 1);
  }
  return sum;
}

size_t words_in(const Attention& attention, size_t text) {
  return attention.offsets[text + 1] - attention.offsets[text] - 2;
}

/// The texts that may be shown, in the order of the split.
std::vector<size_t> candidates(const Attention& attention) {
  std::vector<size_t> texts(attention.label.size());
  std::iota(texts.begin(), texts.end(), 0);
  const auto words = [&](size_t i) { return words_in(attention, i); };
  std::stable_sort(texts.begin(), texts.end(), [&](size_t a, size_t b) { return words(a) < words(b); });
  const auto longer = std::find_if(texts.begin(), texts.end(), [&](size_t i) { return words(i) > kLongestShown; });
  const size_t shown = longer - texts.begin();
  texts.resize(shown == 0 ? std::min(texts.size(), kShortest) : shown);
  std::sort(texts.begin(), texts.end());
  return texts;
}

/// The texts that may be shown, in words.
std::string candidates_of(const Attention& attention) {
  const std::vector<size_t> texts = candidates(attention);
  return words_in(attention, texts.front()) <= kLongestShown
             ? fmt::format("the test texts of at most {} words", kLongestShown)
             : fmt::format("the {} shortest test texts, as all have more than {} words", texts.size(), kLongestShown);
}

/// Adds the `count` best texts of `from` that are not yet in `taken` to `group` and to `taken`.
void take_best(const std::vector<size_t>& from, size_t count, const Score& score, std::set<size_t>& taken,
               TextGroup& group) {
  std::vector<std::pair<double, size_t>> ranking;
  for (const size_t i : from) {
    const std::optional<double> value = taken.contains(i) ? std::nullopt : score(i);
    if (value) ranking.emplace_back(-*value, i);
  }
  std::sort(ranking.begin(), ranking.end());
  for (size_t k = 0; k < std::min(count, ranking.size()); ++k) {
    group.texts.push_back(ranking[k].second);
    taken.insert(ranking[k].second);
  }
}

// --- HTML ------------------------------------------------------------------------------------------------------------

/// The models and texts of one section.
struct Maps {
  const Models& models;
  const Words& words;
  std::array<std::string, 2> classes;
  bool planted = false;
  const char* heading = "h5";

  const std::string& word(size_t text, size_t i) const { return words.at(text).words[i]; }
  bool unknown(size_t text, size_t i) const { return words.at(text).unknown.contains(i); }
  bool evidence(size_t text, size_t i) const { return planted && words.at(text).is_evidence(i); }
};

/// The word with the marks that the legend explains.
std::string marked_word(const Maps& maps, size_t text, size_t i) {
  const std::string word = escape(maps.word(text, i));
  if (maps.unknown(text, i)) return "<i>" + word + "</i>";
  return maps.evidence(text, i) ? "<u>" + word + "</u>" : word;
}

std::string words_html(const Maps& maps, const std::vector<double>& weights, size_t text, double largest) {
  std::string html;
  for (size_t i = 0; i < weights.size(); ++i) {
    html += fmt::format("{}<span class=\"w{}\" title=\"{:.9g}\">{}</span>", i == 0 ? "" : " ",
                        shade_of(weights[i], largest), weights[i], marked_word(maps, text, i));
  }
  return html;
}

/// Three decimals. A probability that is not 0 or 1 is never shown as 0 or 1.
std::string probability_html(double p) {
  if (p < 0.001) return "p &lt; 0.001";
  if (p > 0.999) return "p &gt; 0.999";
  return fmt::format("p = {:.3f}", p);
}

double divergence(const Attention& a, const Attention& b, size_t text) {
  const auto part = [text](const Attention& attention) {
    const int64_t begin = attention.offsets[text];
    return std::span(attention.log_attention).subspan(begin, attention.offsets[text + 1] - begin);
  };
  return jensen_shannon(part(a), part(b));
}

/// One text under one model.
std::string map_html(const Maps& maps, size_t model, size_t text, double largest) {
  const ShownModel &shown = maps.models[model], &first = maps.models.front();
  const std::vector<double> weight = weights(shown.attention, text);
  const int32_t says = predicted(shown.attention, text);
  const char* right = says == shown.attention.label[text] ? "right" : "wrong";
  std::string facts =
      fmt::format("{}, {}, <span class=\"{}\">{}</span>", probability_html(shown.attention.probability[text]),
                  escape(maps.classes.at(says)), right, right);
  if (model != 0) {
    facts +=
        fmt::format("<br>JSD {:.3f} from {}", divergence(first.attention, shown.attention, text), escape(first.label));
  }
  if (maps.planted) {
    double mass = 0;
    for (size_t i = 0; i < weight.size(); ++i) mass += maps.evidence(text, i) ? weight[i] : 0;
    facts += fmt::format("<br>{:.0f} % on evidence", 100 * mass);
  }
  return fmt::format(
      "<div class=\"map\"><div class=\"who\"><b>{}</b> {}</div>\n<p class=\"words\" dir=\"auto\">{}</p></div>\n",
      escape(shown.label), facts, words_html(maps, weight, text, largest));
}

/// The weights of a text as a table, for readers without tooltips: with a keyboard, a screen reader or a touch screen.
std::string weights_html(const Maps& maps, size_t text) {
  HtmlTable table{.name = "Attention weights", .note = "", .header = {"Word"}, .rows = {}};
  std::vector<std::vector<double>> columns;
  for (const ShownModel& model : maps.models) {
    table.header.push_back(escape(model.label));
    columns.push_back(weights(model.attention, text));
  }
  for (size_t i = 0; i < columns.front().size(); ++i) {
    std::vector<std::string> row = {escape(maps.word(text, i)) + (maps.evidence(text, i)  ? " (evidence)"
                                                                  : maps.unknown(text, i) ? " (not in the vocabulary)"
                                                                                          : "")};
    for (const auto& column : columns) row.push_back(fmt::format("{:.9g}", column[i]));
    table.rows.push_back(std::move(row));
  }
  return fmt::format("<details><summary>Weights of text {} as a table</summary>\n{}</details>\n",
                     maps.models.front().attention.row[text], to_html(table));
}

std::string text_html(const Maps& maps, size_t text) {
  double largest = 0;
  for (const ShownModel& model : maps.models) {
    for (const double weight : weights(model.attention, text)) largest = std::max(largest, weight);
  }
  const Attention& first = maps.models.front().attention;
  std::string html = fmt::format(
      "<article class=\"text\"><div class=\"head\"><{0}>Text {1}: labelled {2}</{0}><span class=\"muted\">{3} words; "
      "the darkest shade is a weight of {4:.3f}</span></div>\n",
      maps.heading, first.row[text], escape(maps.classes.at(first.label[text])), maps.words.at(text).words.size(),
      largest);
  for (size_t model = 0; model < maps.models.size(); ++model) html += map_html(maps, model, text, largest);
  return html + weights_html(maps, text) + "</article>\n";
}

std::string legend_html(bool planted) {
  std::string bar;
  for (int level = 0; level <= kDarkest; ++level) bar += fmt::format("<span class=\"w{}\"></span>", level);
  return fmt::format(
      "<p class=\"legend\"><span>weight 0</span> <span class=\"bar\" aria-hidden=\"true\">{}</span> "
      "<span>largest weight of the text, in any model. <i>Dotted</i>: not in the vocabulary, so that no model knows "
      "the word{}</span></p>\n",
      bar, planted ? ". <u>Underlined</u>: evidence, the words that decide the label" : "");
}

constexpr const char* kHidden =
    "<p class=\"muted\">The texts are confidential, so that none is shown here. <code>notnot report "
    "--show-texts</code> shows some.</p>\n";

ShownModel shown(const LoadedRun& run) { return {run.label, test_attention(run)}; }

/// A run whose predictions.jsonl has the words of the texts; null without one. Every run but a perturbation has them.
const LoadedRun* reader_of(const LoadedStudy& study) {
  for (const LoadedRun& run : study.runs) {
    if (run.spec().kind != RunKind::perturbation) return &run;
  }
  return nullptr;
}

Words words_of(const LoadedStudy& study, const std::vector<size_t>& texts) {
  return read_words(*reader_of(study), {texts.begin(), texts.end()}, study.row, study.offsets);
}

}  // namespace

std::vector<TextGroup> choose_texts(const Models& models) {
  const Attention& first = models.front().attention;
  const std::vector<size_t> from = candidates(first);
  const auto sureness = [&first](size_t i) { return std::fabs(first.probability[i] - 0.5); };
  const auto confident = [&](int32_t says, bool right) -> Score {
    return [&first, sureness, says, right](size_t i) -> std::optional<double> {
      if (predicted(first, i) != says || (first.label[i] == says) != right) return std::nullopt;
      return sureness(i);
    };
  };
  std::set<size_t> taken;
  std::vector<TextGroup> groups = {{"Confident and right", "the most confident right prediction of each class", {}},
                                   {"Confident and wrong", "the most confident wrong prediction of each class", {}},
                                   {"Undecided", "the three probabilities nearest to 0.5", {}}};
  for (const int32_t says : {1, 0}) {
    take_best(from, 1, confident(says, true), taken, groups[0]);
    take_best(from, 1, confident(says, false), taken, groups[1]);
  }
  take_best(
      from, 3, [&](size_t i) { return -sureness(i); }, taken, groups[2]);
  if (models.size() > 1) {
    groups.push_back(
        {"Attention differs most",
         fmt::format("the three largest Jensen-Shannon divergences (JSD, from 0 to 0.693) between the "
                     "attention of {} and of {}",
                     models[0].label, models.size() == 2 ? models[1].label : "the other models, on average"),
         {}});
    const std::vector<double> divergence = mean_divergence(models);
    const auto differs = [&](size_t i) { return divergence[i] > 0 ? std::optional(divergence[i]) : std::nullopt; };
    take_best(from, 3, differs, taken, groups[3]);
  }
  return groups;
}

std::optional<size_t> most_different(const Attention& base, const Attention& adversary) {
  const std::vector<double> jsd = divergences(base, adversary, kTvdSingle).jsd;
  std::optional<size_t> best;
  for (const size_t i : candidates(base)) {
    const double change = std::fabs(static_cast<double>(base.probability[i]) - adversary.probability[i]);
    if (predicted(base, i) != predicted(adversary, i) || change > kSamePrediction) continue;
    if (!best || jsd[i] > jsd[*best]) best = i;
  }
  return best;
}

Models shown_models(const LoadedStudy& study) {
  const LoadedRun& reference = study.reference_run();
  Models models = {shown(reference)};
  for (const RunKind kind : {RunKind::uniform, RunKind::trained_mlp}) {
    const LoadedRun* run = study.find(kind, reference.spec().seed);
    if (run != nullptr && run != &reference) models.push_back(shown(*run));
  }
  for (const LoadedRun* run : study.of_kind(RunKind::base)) {
    if (run != &reference && models.size() < kMostShown) models.push_back(shown(*run));
  }
  return models;
}

std::string heat_maps_html(const LoadedStudy& study) {
  if (reader_of(study) == nullptr) return "";
  if (!study.shows_texts) return kHidden;
  const Models models = shown_models(study);
  const std::vector<TextGroup> groups = choose_texts(models);
  std::vector<size_t> texts;
  for (const TextGroup& group : groups) texts.insert(texts.end(), group.texts.begin(), group.texts.end());
  const Words words = words_of(study, texts);
  const Maps maps{models, words, study.classes(), study.planted()};
  std::string html = fmt::format(
      "<p>Each test text appears once per model. The darker a word, the more attention it gets. All models of a text "
      "share one scale, so that uniform attention looks as flat as it is. Point at a word for its weight, or open the "
      "table below the text. p is the probability of class 1 ({}), and the number of a text is its row in the "
      "data.</p>\n"
      "<p>The texts are chosen by rule, not by hand: by the probabilities of {}, among {}. Where two texts fit equally "
      "well, the one that comes first in the test split is shown. No text is shown twice.</p>\n",
      escape(study.classes()[1]), escape(models.front().label), candidates_of(models.front().attention));
  html += legend_html(study.planted());
  for (const TextGroup& group : groups) {
    html += fmt::format("<h4>{}</h4>\n<p class=\"muted\">Rule: {}.{}</p>\n", group.title, escape(group.rule),
                        group.texts.empty() ? " No text is of this kind." : "");
    for (const size_t text : group.texts) html += text_html(maps, text);
  }
  return html;
}

std::string adversary_maps_html(const LoadedStudy& study) {
  const LoadedRun* trained = shown_adversary(study);
  const LoadedRun* per_instance = study.perturbation_of_reference();
  if (!study.has_base() || (trained == nullptr && per_instance == nullptr)) return "";
  if (!study.shows_texts) return kHidden;
  Models models = {shown(study.reference_run())};
  for (const LoadedRun* run : {per_instance, trained}) {
    if (run != nullptr) models.push_back(shown(*run));
  }
  const std::optional<size_t> text = most_different(models.front().attention, models.back().attention);
  if (!text) {
    return fmt::format("<p>None of {} keeps its prediction (the same class, p within {:g}) under {}.</p>\n",
                       candidates_of(models.front().attention), kSamePrediction, escape(models.back().label));
  }
  const Words words = words_of(study, {*text});
  const Maps maps{models, words, study.classes(), study.planted(), "h4"};
  return fmt::format(
             "<p>Rule: of {} whose prediction {} keeps (the same class, p within {:g}), the one whose attention "
             "differs most from that of {}.</p>\n{}",
             candidates_of(models.front().attention), escape(models.back().label), kSamePrediction,
             escape(models.front().label), legend_html(study.planted())) +
         text_html(maps, *text);
}

Part maps_part() {
  return {.section = [](const LoadedStudy& study, const Exhibits&) {
    return Section{study.key + "-maps", "Where the attention lies", heat_maps_html(study)};
  }};
}

}  // namespace notnot
