#include "experiments/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>
#include <set>

#include "engine/metrics.h"
#include "engine/planted_corpus.h"
#include "experiments/html.h"

namespace notnot {
namespace {

using Runs = std::vector<ReportedRun>;
/// How well text i fits a group; nothing when it does not.
using Score = std::function<std::optional<double>(size_t i)>;

const char* class_name(int32_t label) { return label == 1 ? "positive" : "negative"; }

/// The mean over the other runs.
double mean_divergence(const Runs& runs, size_t reference, size_t text) {
  double sum = 0;
  for (const ReportedRun& run : runs) sum += divergence(runs[reference].test[text], run.test[text]);
  return sum / static_cast<double>(runs.size() - 1);  // the reference's own is 0
}

std::vector<size_t> candidates(const std::vector<TestText>& texts) {
  std::vector<size_t> all(texts.size()), shown;
  std::iota(all.begin(), all.end(), 0);
  std::copy_if(all.begin(), all.end(), std::back_inserter(shown),
               [&](size_t i) { return texts[i].tokens.size() <= kLongestShown; });
  return shown.empty() ? all : shown;
}

/// The `count` best of `from` that are not in `taken`, which they are added to.
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

// --- HTML

std::string words_html(const TestText& text, double largest, bool planted) {
  std::string html;
  for (size_t i = 0; i < text.tokens.size(); ++i) {
    const std::string word = escape(text.tokens[i]);
    html += fmt::format("{}<span class=\"w{}\" title=\"{:.9g}\">{}</span>", i == 0 ? "" : " ",
                        shade_of(text.attention[i], largest), text.attention[i],
                        planted && is_planted_evidence(text.tokens[i]) ? "<u>" + word + "</u>" : word);
  }
  return html;
}

/// Three decimals, but never a 0 or 1 that the model did not give.
std::string probability_html(double p) {
  if (p < 0.001) return "p &lt; 0.001";
  if (p > 0.999) return "p &gt; 0.999";
  return fmt::format("p = {:.3f}", p);
}

/// One text under one run.
std::string map_html(const Runs& runs, size_t run, size_t index, double largest) {
  const size_t reference = reference_run(runs);
  const TestText& text = runs[run].test[index];
  const bool right = text.predicted() == text.label;
  std::string facts = fmt::format("{}, {}, <span class=\"{}\">{}</span>", probability_html(text.probability),
                                  class_name(text.predicted()), right ? "right" : "wrong", right ? "right" : "wrong");
  if (run != reference) {
    facts += fmt::format("<br>JSD {:.3f} from {}", divergence(runs[reference].test[index], text),
                         escape(runs[reference].label));
  }
  if (runs[run].planted()) facts += fmt::format("<br>{:.0f} % on evidence", 100 * evidence_mass(text));
  return fmt::format(
      "<div class=\"map\"><div class=\"who\"><b>{}</b> {}</div>\n<p class=\"words\" dir=\"auto\">{}</p></div>\n",
      escape(runs[run].label), facts, words_html(text, largest, runs[run].planted()));
}

/// The weights as a table: for keyboards, screen readers and touch screens, which have no tooltips.
std::string weights_html(const Runs& runs, size_t index) {
  HtmlTable table{.name = "Attention weights", .note = "", .header = {"Word"}, .rows = {}};
  for (const ReportedRun& run : runs) table.header.push_back(escape(run.label));
  const TestText& first = runs.front().test[index];
  for (size_t i = 0; i < first.tokens.size(); ++i) {
    std::vector<std::string> row = {escape(first.tokens[i])};
    if (runs.front().planted() && is_planted_evidence(first.tokens[i])) row.front() += " (evidence)";
    for (const ReportedRun& run : runs) row.push_back(fmt::format("{:.9g}", run.test[index].attention[i]));
    table.rows.push_back(std::move(row));
  }
  return fmt::format("<details><summary>Weights of text {} as a table</summary>\n{}</details>\n", first.id,
                     to_html(table));
}

std::string text_html(const Runs& runs, size_t index) {
  double largest = 0;
  for (const ReportedRun& run : runs) {
    for (const double weight : run.test[index].attention) largest = std::max(largest, weight);
  }
  const TestText& text = runs.front().test[index];
  std::string html = fmt::format(
      "<article class=\"text\"><div class=\"head\"><h4>Text {}: labelled {}</h4>"
      "<span class=\"muted\">{} words; the darkest shade is a weight of {:.3f}</span></div>\n",
      text.id, class_name(text.label), text.tokens.size(), largest);
  for (size_t run = 0; run < runs.size(); ++run) html += map_html(runs, run, index, largest);
  return html + weights_html(runs, index) + "</article>\n";
}

std::string legend_html(bool planted) {
  std::string bar;
  for (int level = 0; level <= kDarkest; ++level) bar += fmt::format("<span class=\"w{}\"></span>", level);
  return fmt::format(
      "<p class=\"legend\"><span>weight 0</span> <span class=\"bar\" aria-hidden=\"true\">{}</span> "
      "<span>largest weight of the text, in any run{}</span></p>\n",
      bar, planted ? ". <u>Underlined</u>: evidence, the words that decide the label" : "");
}

}  // namespace

size_t reference_run(const Runs& runs) {
  const auto base =
      std::find_if(runs.begin(), runs.end(), [](const ReportedRun& run) { return run.model == PaperModel::base; });
  return base == runs.end() ? 0 : static_cast<size_t>(base - runs.begin());
}

double divergence(const TestText& a, const TestText& b) {
  const auto log_attention = [](const TestText& text) {
    std::vector<float> result;
    for (const double weight : text.attention) result.push_back(static_cast<float>(std::log(weight)));
    return result;
  };
  return jensen_shannon(log_attention(a), log_attention(b));
}

std::vector<TextGroup> choose_texts(const Runs& runs) {
  const size_t reference = reference_run(runs);
  const std::vector<TestText>& texts = runs[reference].test;
  const std::vector<size_t> from = candidates(texts);
  const auto confident = [&](int32_t predicted, bool right) -> Score {
    return [&texts, predicted, right](size_t i) -> std::optional<double> {
      const TestText& text = texts[i];
      if (text.predicted() != predicted || (text.label == predicted) != right) return std::nullopt;
      return std::fabs(text.probability - 0.5);
    };
  };
  std::set<size_t> taken;
  std::vector<TextGroup> groups = {{"Confident and right", "the most confident right prediction of each class", {}},
                                   {"Confident and wrong", "the most confident wrong prediction of each class", {}},
                                   {"Undecided", "the three probabilities nearest to 0.5", {}}};
  for (const int32_t predicted : {1, 0}) {
    take_best(from, 1, confident(predicted, true), taken, groups[0]);
    take_best(from, 1, confident(predicted, false), taken, groups[1]);
  }
  take_best(
      from, 3, [&](size_t i) { return -std::fabs(texts[i].probability - 0.5); }, taken, groups[2]);
  if (runs.size() > 1) {
    const std::string others = runs.size() == 2 ? escape(runs[1 - reference].label) : "the other runs, on average";
    groups.push_back(
        {"Attention differs most",
         fmt::format("the three largest Jensen-Shannon divergences (JSD, from 0 to 0.693) between the attention "
                     "of {} and of {}",
                     escape(runs[reference].label), others),
         {}});
    const auto differs = [&](size_t i) -> std::optional<double> {
      const double value = mean_divergence(runs, reference, i);
      return value > 0 ? std::optional(value) : std::nullopt;
    };
    take_best(from, 3, differs, taken, groups[3]);
  }
  return groups;
}

std::string heat_map_section(const Runs& runs) {
  const ReportedRun& reference = runs[reference_run(runs)];
  std::string html = fmt::format(
      "<section>\n<h2>Where the attention lies</h2>\n"
      "<p>Each test text appears once per run. The darker a word, the more attention it gets. All runs of a text share "
      "one scale, so that uniform attention looks as flat as it is. Point at a word for its weight, or open the table "
      "below the text. <code>&lt;UNK&gt;</code> is a word that the vocabulary lacks, p the probability of the positive "
      "class, and a text&#39;s number its row in the data.</p>\n"
      "<p>The texts are chosen by rule, not by hand: by the probabilities of {}, among the texts of at most {} words; "
      "the first in the test split where two fit alike, and none twice.</p>\n",
      escape(reference.label), kLongestShown);
  html += legend_html(reference.planted());
  for (const TextGroup& group : choose_texts(runs)) {
    html += fmt::format("<h3>{}</h3>\n<p class=\"muted\">Rule: {}.{}</p>\n", group.title, group.rule,
                        group.texts.empty() ? " No text is of this kind." : "");
    for (const size_t index : group.texts) html += text_html(runs, index);
  }
  return html + "</section>\n";
}

}  // namespace notnot
