#include "experiments/report/page.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "experiments/format/html.h"
#include "experiments/report/adversaries.h"
#include "experiments/report/data.h"
#include "experiments/report/definitions.h"
#include "experiments/report/erasure.h"
#include "experiments/report/evidence.h"
#include "experiments/report/exclusivity.h"
#include "experiments/report/guides.h"
#include "experiments/report/heat_map.h"
#include "experiments/report/importance.h"
#include "experiments/report/limits.h"
#include "experiments/report/measures.h"
#include "experiments/report/part.h"
#include "experiments/report/perturbation.h"
#include "experiments/report/runs.h"
#include "experiments/report/seeds.h"
#include "experiments/report/side_by_side.h"
#include "experiments/report/uniform.h"

namespace notnot {
namespace {

/// A study and its sections on the page.
struct Chapter {
  const LoadedStudy& study;
  const std::vector<Finding>& findings;  ///< empty without a finished run
  std::vector<Section> sections;         ///< those that have something to show
  std::vector<Section> missing;          ///< those that have nothing to show, although a command makes such runs
};

std::string title_of(const std::vector<LoadedStudy>& studies) {
  return studies.size() == 1 ? "Attention on " + studies.front().title()
                             : fmt::format("Attention on {} data sets", studies.size());
}

/// The title as a heading: "The planted corpus".
std::string heading_of(const LoadedStudy& study) {
  std::string title = study.title();
  if (title.starts_with("the ")) title.front() = 'T';
  return escape(title);
}

/// The parts of a chapter, in their order. The findings stand before them, the list of runs behind them.
std::vector<Part> parts() {
  return {data_part(),        uniform_part(),      seeds_part(),        guides_part(),
          adversaries_part(), side_by_side_part(), perturbation_part(), exclusivity_part(),
          importance_part(),  evidence_part(),     erasure_part(),      maps_part()};
}

/// A caveat if the findings are not about the paper's data; otherwise empty.
const char* caveat_of_data(const LoadedStudy& study) {
  if (study.synthetic()) return " The texts are SYNTHETIC: this says nothing about the real data.";
  if (!is_papers_test_split(study)) return " The test split is not the paper&#39;s.";
  return study.planted() ? " The corpus is made up." : "";
}

/// training_caveat as a paragraph behind `name`; empty if the runs were trained alike.
std::string caveat_of_training(const LoadedStudy& study, const std::string& name = "") {
  const std::string caveat = training_caveat(study);
  return caveat.empty() ? "" : fmt::format("<p><b>{}{}</b></p>\n", name, escape(caveat));
}

/// How to read the verdicts on the study.
std::string rule_of_verdicts(const LoadedStudy& study, size_t tests) {
  const std::string errors =
      "An interval (Student&#39;s t) has two sources of chance, whose standard errors are given: other seeds, and "
      "other "
      "test texts.";
  if (!has_claims(study)) {
    return "The paper does not have these texts, so that the numbers of its tests stand here without a verdict. " +
           errors;
  }
  const std::string many =
      tests == 0 ? ""
                 : fmt::format(
                       "The tests behind the verdicts of this report, {} in number, are judged together (Holm), "
                       "so that the chance of even one wrong verdict is about 5%. ",
                       tests);
  return fmt::format(
      "Whether these runs agree with what the paper claims for this data set. A verdict needs {} seeds. {} {}&ldquo;"
      "Cannot be told&rdquo; does not mean that there is no difference: it says how small a difference could have been "
      "seen.",
      kSeedsForVerdict, errors, many);
}

std::string finding_html(const Finding& finding) {
  std::string lines;
  for (const char letter : escape(finding.reason)) lines += letter == '\n' ? "<br>\n" : std::string(1, letter);
  return fmt::format("<div class=\"finding\"><p><b>{}.</b> {}</p>\n<p>{}{}. {}</p></div>\n", escape(finding.title),
                     with_definitions(finding.claim), verdict_html(finding.verdict),
                     finding.why.empty() ? "" : ": " + escape(finding.why), lines);
}

/// Without findings that have neither a claim nor numbers.
Section findings_section(const LoadedStudy& study, const std::vector<Finding>& findings, size_t tests) {
  std::string html = fmt::format("<p>{}{}</p>\n{}<div class=\"findings\">\n", rule_of_verdicts(study, tests),
                                 caveat_of_data(study), caveat_of_training(study));
  for (const Finding& finding : findings) {
    if (finding.verdict != Verdict::no_claim || !finding.tests.empty()) html += finding_html(finding);
  }
  return {study.key + "-findings", "Findings", html + "</div>\n"};
}

Chapter chapter_of(const LoadedStudy& study, const std::vector<Finding>& findings, size_t tests,
                   const Exhibits& exhibits) {
  Chapter chapter{study, findings, {}, {}};
  const auto add = [&](Section section) {
    if (!section.html.empty()) {
      chapter.sections.push_back(std::move(section));
    } else if (!section.command.empty()) {
      chapter.missing.push_back(std::move(section));
    }
  };
  if (!study.runs.empty()) {
    add(findings_section(study, chapter.findings, tests));
    for (const Part& part : parts()) add(part.section(study, exhibits));
  }
  add(runs_part().section(study, exhibits));
  return chapter;
}

std::string counts(const LoadedStudy& study, SplitName split) {
  const SplitSizes& texts = study.any_run().config.texts[split];
  const auto classes = study.classes();
  return fmt::format("{} <span class=\"muted\">{} {} + {} {}</span>", with_thousands(texts.negative + texts.positive),
                     with_thousands(texts.negative), escape(classes[0]), with_thousands(texts.positive),
                     escape(classes[1]));
}

/// The distinct answers for the runs of the study, as HTML.
template <class Describe>
std::string distinct(const LoadedStudy& study, Describe describe) {
  return escape(distinct_answers(study.runs, describe));
}

std::string embeddings_of(const LoadedRun& run) {
  const InputPaths& paths = run.config.paths;
  if (!paths.init.empty()) return "from " + std::filesystem::path(paths.init).filename().string();
  if (paths.vectors.empty()) return fmt::format("random, {} wide", run.config.embed);
  return vectors_in_words(run);
}

std::string facts(const LoadedStudy& study) {
  const std::vector<std::pair<const char*, std::string>> entries = {
      {"Training texts", counts(study, SplitName::train)},
      {"Development texts", counts(study, SplitName::dev)},
      {"Test texts", counts(study, SplitName::test)},
      {"Vocabulary", with_thousands(study.any_run().config.vocabulary)},
      {"Embeddings at the start", distinct(study, embeddings_of)},
      {"Seeds", distinct(study, [](const LoadedRun& run) { return fmt::format("{}", run.spec().seed); })},
      {"Device", distinct(study, [](const LoadedRun& run) { return devices_in_words(run.config); })},
      {"Program", distinct(study, [](const LoadedRun& run) { return "notnot " + programs_in_words(run.config); })}};
  std::string html = "<dl class=\"facts\">\n";
  for (const auto& [name, value] : entries) {
    if (!value.empty()) html += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", name, value);
  }
  return html + "</dl>\n";
}

/// Who may see the page; empty if everybody may.
std::string banner(const std::vector<LoadedStudy>& studies) {
  std::vector<std::string> names;
  bool shown = false;
  for (const LoadedStudy& study : studies) {
    if (!study.confidential()) continue;
    names.push_back(escape(study.title()));
    shown = shown || study.shows_texts;
  }
  if (names.empty()) return "";
  return fmt::format(
      "<p class=\"banner\"><b>CONFIDENTIAL: this report may not be shared.</b> It is about {}. {} Numbers about all "
      "texts of a split may be published if the terms of the data allow it; read them first.</p>\n",
      joined_with_and(names),
      shown ? "It <b>shows texts</b>, with the numbers that they have in the data."
            : "It shows no texts and no numbers of single texts.");
}

std::string header_html(const std::vector<LoadedStudy>& studies) {
  size_t runs = 0;
  bool in_paper = false;
  for (const LoadedStudy& study : studies) {
    runs += study.runs.size();
    in_paper = in_paper || study.paper() != nullptr;
  }
  return fmt::format(
      "<header>\n{}\n<h1>{}</h1>\n<p class=\"lead\">Can a text classifier&#39;s attention be trusted as an "
      "explanation? {} finished run{}, under the tests of <cite>Attention is not not Explanation</cite> (Wiegreffe "
      "&amp; Pinter, 2019){}.</p>\n{}</header>\n",
      kPageMark, escape(title_of(studies)), runs, runs == 1 ? "" : "s",
      in_paper ? ", beside the paper&#39;s numbers" : "", banner(studies));
}

std::string contents(const std::vector<Chapter>& chapters, bool has_definitions) {
  std::string html = "<nav aria-label=\"Contents\">\n<ul>\n";
  for (const Chapter& chapter : chapters) {
    html += fmt::format("<li><a href=\"#{}\">{}</a>\n<ul>\n", chapter.study.key, heading_of(chapter.study));
    for (const Section& section : chapter.sections) {
      html += fmt::format("<li><a href=\"#{}\">{}</a></li>\n", section.id, escape(section.title));
    }
    html += "</ul></li>\n";
  }
  if (has_definitions) html += "<li><a href=\"#definitions\">Definitions</a></li>\n";
  return html + "</ul>\n</nav>\n";
}

/// The verdict on every finding for every data set, in one table. Only a report on several data sets has it.
std::string overview(const std::vector<Chapter>& chapters) {
  HtmlTable table{.name = "The paper's findings on every data set", .note = "", .header = {"Finding"}, .rows = {}};
  std::string caveats;
  for (const Chapter& chapter : chapters) {
    if (chapter.findings.empty()) continue;
    caveats += caveat_of_training(chapter.study, heading_of(chapter.study) + ": ");
    table.header.push_back(
        fmt::format("<a href=\"#{}-findings\">{}</a>", chapter.study.key, heading_of(chapter.study)));
    for (size_t i = 0; i < chapter.findings.size(); ++i) {
      if (table.rows.size() <= i) table.rows.push_back({escape(chapter.findings[i].title)});
      table.rows[i].push_back(verdict_html(chapter.findings[i].verdict));
    }
  }
  table.left = table.header.size();
  return "<section>\n<h2 id=\"overview\">Overview</h2>\n<p>Whether the runs agree with the paper.</p>\n" + caveats +
         to_html(table) + "</section>\n";
}

std::string chapter_html(const Chapter& chapter) {
  const LoadedStudy& study = chapter.study;
  std::string html = fmt::format("<section>\n<h2 id=\"{}\">{}</h2>\n{}{}", study.key, heading_of(study), facts(study),
                                 study.runs.empty() ? "" : limits_html(study, chapter.findings));
  for (const Section& section : chapter.sections) {
    html += fmt::format("<section>\n<h3 id=\"{}\">{}</h3>\n{}</section>\n", section.id, escape(section.title),
                        section.html);
  }
  std::vector<std::string> missing;
  for (const Section& section : chapter.missing) {
    missing.push_back(fmt::format("{} (<code>notnot {}</code>)", escape(section.title), section.command));
  }
  if (!missing.empty()) {
    html += fmt::format(
        "<p class=\"muted\">Not here, as their runs are not among those given: {}. The command in brackets makes "
        "them.</p>\n",
        joined_with_and(missing));
  }
  return html + "</section>\n";
}

}  // namespace

JudgedFindings findings(const std::vector<LoadedStudy>& studies) {
  JudgedFindings all;
  for (const LoadedStudy& study : studies) {
    std::vector<Finding>& of_study = all.of_study.emplace_back();
    if (study.runs.empty()) continue;
    for (const Part& part : parts()) {
      for (const auto& finding : part.findings) of_study.push_back(finding(study));
    }
    if (!has_few_groups(study)) continue;
    for (Finding& finding : of_study) {
      if (!finding.of_paper || !finding.obstacle.empty()) continue;
      finding.obstacle = fmt::format("too few groups of texts (as many as {:.1f} of equal size; {} are needed)",
                                     study.effective_clusters(), kGroupsForVerdict);
    }
  }
  all.tests = judge(all.of_study);
  return all;
}

std::string report_page(const std::vector<LoadedStudy>& studies, const Exhibits& exhibits) {
  std::vector<Chapter> chapters;
  chapters.reserve(studies.size());
  const JudgedFindings judged = findings(studies);
  for (size_t i = 0; i < studies.size(); ++i) {
    chapters.push_back(chapter_of(studies[i], judged.of_study[i], judged.tests, exhibits));
  }
  std::string main = studies.size() > 1 ? overview(chapters) : "";
  for (const Chapter& chapter : chapters) main += chapter_html(chapter);
  const std::string terms = definitions_html(main);
  const std::string body = "<a class=\"skip\" href=\"#main\">Skip to the content</a>\n" + header_html(studies) +
                           contents(chapters, !terms.empty()) + "<main id=\"main\">\n" + main + terms;
  return html_page(title_of(studies), body + "</main>\n");
}

std::filesystem::path write_report(const std::vector<LoadedStudy>& studies, ReportFolder& folder) {
  folder.add("index.html", report_page(studies, Exhibits(folder)));
  return folder.write();
}

}  // namespace notnot
