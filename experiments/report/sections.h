#pragma once
// The sections of the report's page on one data set, as HTML. Each writes its tables and figures through `exhibits`.
#include <optional>
#include <string>
#include <vector>

#include "experiments/report/exhibits.h"
#include "experiments/report/findings.h"
#include "experiments/report/loaded_study.h"

namespace notnot {

struct Section {
  std::string id;            ///< of its heading, unique in the report
  std::string title;         ///< plain text
  std::string html;          ///< without the heading; empty: the runs that it needs are missing
  std::string command = {};  ///< `notnot COMMAND` makes those runs
};

Section findings_section(const LoadedStudy& study, const std::vector<Finding>& findings);
Section data_section(const LoadedStudy& study, const Exhibits& exhibits);
Section uniform_section(const LoadedStudy& study, const Exhibits& exhibits);
Section seeds_section(const LoadedStudy& study, const Exhibits& exhibits);
Section guides_section(const LoadedStudy& study, const Exhibits& exhibits);
Section adversary_section(const LoadedStudy& study, const Exhibits& exhibits);
Section perturbation_section(const LoadedStudy& study, const Exhibits& exhibits);
Section evidence_section(const LoadedStudy& study, const Exhibits& exhibits);
Section maps_section(const LoadedStudy& study, const Exhibits& exhibits);
Section runs_section(const LoadedStudy& study, const Exhibits& exhibits);

/// "agrees" and the others with a mark, for colour-blind readers and those who see no colour.
std::string verdict_html(Verdict verdict);

}  // namespace notnot
