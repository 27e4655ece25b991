#include "experiments/report/definitions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "engine/io/input_error.h"
#include "experiments/format/html.h"

namespace notnot {
namespace {

/// Plain text. `meaning` is what stands behind the term; terms in it become links.
struct Definition {
  std::string_view term, meaning;
};

/// In the order of the section, which is that of the alphabet.
constexpr Definition kDefinitions[] = {
    {"95% interval",
     "The interval of Student's t around a mean over seeds, with two sources of chance: other seeds (the sample "
     "variance "
     "over the seeds) and other test texts (a bootstrap over the texts, the same resamples for all seeds). It is never "
     "shorter than that of either source alone. Where there are too few seeds, it is said that it is over texts "
     "alone."},
    {"adversaries side by side",
     "Several adversaries of one base model, the members of a group, that train together: each keeps the base model's "
     "predictions and moves its attention away from the base model's (KL) and from the other members' (JSD). Those "
     "that "
     "are far from each other exist at once; that there are no more is not shown."},
    {"average precision",
     "Of an order of a text's words, held against the words that are known, or marked, as the reason for the label: "
     "the "
     "area under the curve of precision against recall as more and more words are taken. Words with equal scores are "
     "taken together. 1 if all evidence comes first."},
    {"ceiling",
     "How far a measure of importance agrees with itself between two base models that differ in nothing but their "
     "seed: "
     "the mean Kendall's tau-b on the same texts, over all pairs of seeds. That attention agrees with another measure "
     "as "
     "well as with itself under another seed is as much as can be asked of two accounts that are made apart. A measure "
     "that is made of the same model's attention, such as contribution, may lie above it."},
    {"comprehensiveness",
     "By how much the probability, or the logit, of the predicted class falls when the first words of an order are "
     "deleted and the model is run again: the mean over 1, 5, 10, 20 and 50 % of the words, rounded up (DeYoung et "
     "al., "
     "2020; AOPC). High if the model needs these words."},
    {"corrected for chance",
     "Of an overlap m of two score vectors of a text: (m \u2212 c) / (1 \u2212 c), where c is its mean over all ways "
     "to "
     "deal the one vector's scores out to the words anew, which is known exactly. 0 is chance, 1 is full agreement; "
     "undefined where c is 1."},
    {"equivalence",
     "Of two agreements: their difference is as good as none, if its 90 % interval lies within 0.05 of 0 on both sides "
     "(two one-sided tests at 5 %, Schuirmann 1987). A difference that is not significant need not be one, and a "
     "significant one may be. With fewer than three seeds nothing is decided."},
    {"exact adversary",
     "Of all attention weights \u03b2 over the words of one text (\u03b2 \u2265 0, sum 1) that move the model's "
     "probability by at "
     "most \u03b5, with its hidden states and output layer frozen, the one with the largest JSD from the model's own "
     "attention. It has a closed form: JSD is convex in \u03b2, so the largest value lies at a vertex of the set that "
     "is "
     "allowed, which has one or two words. All vertices that can be the best are compared; nothing is searched, so no "
     "method can go farther."},
    {"exclusivity curve",
     "The mean JSD of the exact adversary over the test texts, for each change \u03b5 of p that is allowed (0.001, "
     "0.005, "
     "0.01, 0.05, 0.1). High at a small \u03b5: on most texts some very different attention gives the same prediction, "
     "so "
     "that the prediction alone does not single out the model's own. Low: the prediction ties the attention down. It "
     "can "
     "only rise with \u03b5, and never above ln 2. It says that such attention exists, not how much of it there is."},
    {"F1",
     "The harmonic mean of precision and recall of class 1 on the test split. A text is predicted as class 1 if its "
     "probability p is above 0.5."},
    {"floor",
     "The agreement that scores reach by chance: when they are dealt out anew among the words of their text. Its mean "
     "over all ways to do so is 0 for Kendall's tau-b and for Pearson's correlation, and for overlaps that are "
     "corrected "
     "for chance."},
    {"JSD",
     "The Jensen-Shannon divergence of two attention vectors \u03b1 and \u03b2 of a text: (KL(\u03b1, m) + KL(\u03b2, "
     "m)) / 2 with "
     "m = (\u03b1 + \u03b2) / 2, in natural logarithms. 0 if they are equal; at most ln 2 = 0.693, if no word has "
     "weight in both."},
    {"Kendall's tau-b",
     "A rank correlation of two score vectors of one text: concordant minus discordant pairs of words, over the "
     "geometric "
     "mean of the numbers of pairs that are not tied in the one and in the other. 1 if both rank the words alike, 0 by "
     "chance, -1 if they rank them the other way round. Undefined for one word and where all scores are equal."},
    {"leakage",
     "The part of a guided model's ROC-AUC above 0.5 that it loses when the weights of its guide are replaced by equal "
     "ones. Near 0, its words tell the class by themselves; near 1, only the weights tell it."},
    {"per-instance adversary",
     "Jain and Wallace's (2019, section 4.2.2) search for other attention weights of one text, with the model's hidden "
     "states and output layer frozen: gradient steps on five random starts. Of those that change p by at most 0.05, "
     "the one "
     "with the largest JSD from the model's own attention counts. The exact adversary says how far it could have "
     "gone."},
    {"RBO",
     "Rank-biased overlap (Webber, Moffat and Zobel 2010, p = 0.9) of two rankings of a text's words: the overlap of "
     "their first d words, for each d, with weights that fall with d. Corrected for chance: 0 is what scores reach "
     "that "
     "are dealt out anew, 1 is the same ranking."},
    {"ROC-AUC",
     "The area under the receiver operating characteristic: how often a text of class 1 gets a higher probability than "
     "a "
     "text of class 0, where ties count one half."},
    {"share of the optimum",
     "The mean JSD that the per-instance adversary reaches, divided by the mean JSD of the exact adversary that may "
     "change p "
     "as much (0.05). A text on which "
     "the search's JSD is at most 0.9 of the exact one counts as a tenth or more below."},
    {"sufficiency",
     "By how much the probability, or the logit, of the predicted class falls when all but the first words of an order "
     "are deleted and the model is run again: the mean over 1, 5, 10, 20 and 50 % of the words, rounded up (DeYoung et "
     "al., 2020; AOPC). Low, or below 0, if these words are enough."},
    {"token F1",
     "The F1 of the first k words of an order against the k words of a text that are known, or marked, as the reason "
     "for its label; the mean over drawing lots where words with equal scores compete for the last places."},
    {"top-k overlap",
     "The share of the k words of a text with the largest scores by one measure that are also among the k with the "
     "largest by the other; k is a tenth of the words, rounded up. Where words with equal scores compete for the last "
     "places, it is the mean over drawing lots. It is corrected for chance, which is k / N with N words."},
    {"TVD",
     "The total variation distance of two models' predictions for a text: half of |\u0394p|, the change of the "
     "probability "
     "of class 1; all of it where the adversaries were trained with --tvd two-class. A note says so."},
    {"words erased",
     "The share of a text's words that must be erased, in the order of a measure, until the predicted class changes "
     "(Serrano & Smith, 2019). A word is erased by setting its attention to 0 and dividing the rest by its sum; the "
     "hidden states stay. A text whose class never changes counts as 1. The optimum is the least share that any order "
     "needs. It is exact: the logit is a sum over the words, so the words that add most to it go first."},
};

std::string anchor_of(std::string_view term) {
  std::string anchor = "definition-";
  for (const char c : term) {
    const auto character = static_cast<unsigned char>(c);
    if (std::isalnum(character) != 0) anchor += static_cast<char>(std::tolower(character));
    if (c == ' ' || c == '-') anchor += '-';
  }
  return anchor;
}

std::string link(const Definition& definition, std::string_view words) {
  return fmt::format("<a class=\"term\" href=\"#{}\">{}</a>", anchor_of(definition.term), escape(words));
}

bool is_of_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || (c & 0x80) != 0; }

/// Whether `text` has the term at `begin`, as words of their own.
bool mentions_at(std::string_view text, size_t begin, std::string_view term) {
  const std::string_view found = text.substr(begin, term.size());
  if (found.size() < term.size() || found.substr(1) != term.substr(1)) return false;
  if (found[0] != term[0] && found[0] != std::toupper(static_cast<unsigned char>(term[0]))) return false;
  const size_t end = begin + term.size();
  return (begin == 0 || !is_of_word(text[begin - 1])) && (end == text.size() || !is_of_word(text[end]));
}

/// with_definitions without links to `own`, whose definition `text` is.
std::string linked(std::string_view text, std::string_view own) {
  std::string html;
  std::set<std::string_view> seen = {own};
  for (size_t at = 0; at < text.size();) {
    const auto* found =
        std::find_if(std::begin(kDefinitions), std::end(kDefinitions), [&](const Definition& definition) {
          return !seen.contains(definition.term) && mentions_at(text, at, definition.term);
        });
    if (found == std::end(kDefinitions)) {
      html += escape(text.substr(at++, 1));
      continue;
    }
    seen.insert(found->term);
    html += link(*found, text.substr(at, found->term.size()));
    at += found->term.size();
  }
  return html;
}

}  // namespace

std::string defined(std::string_view term, std::string_view words) {
  const auto* found = std::find_if(std::begin(kDefinitions), std::end(kDefinitions),
                                   [&](const Definition& definition) { return definition.term == term; });
  NOTNOT_CHECK(found != std::end(kDefinitions), "'{}' has no definition (experiments/report/definitions.cpp)", term);
  return link(*found, words.empty() ? term : words);
}

std::string with_definitions(std::string_view text) { return linked(text, ""); }

std::string definitions_html(std::string_view page) {
  std::set<std::string_view> wanted;
  std::string linking(page);  // the page, and the definitions that it leads to
  for (size_t before = 1; before != wanted.size();) {
    before = wanted.size();
    for (const auto& [term, meaning] : kDefinitions) {
      const bool has_link = linking.find(fmt::format("href=\"#{}\"", anchor_of(term))) != std::string::npos;
      if (has_link && wanted.insert(term).second) linking += linked(meaning, term);
    }
  }
  if (wanted.empty()) return "";
  std::string html = "<section>\n<h2 id=\"definitions\">Definitions</h2>\n<dl class=\"definitions\">\n";
  for (const auto& [term, meaning] : kDefinitions) {
    if (!wanted.contains(term)) continue;
    html += fmt::format("<div id=\"{}\"><dt>{}</dt><dd>{}</dd></div>\n", anchor_of(term), escape(term),
                        linked(meaning, term));
  }
  return html + "</dl>\n</section>\n";
}

}  // namespace notnot
