#include "experiments/report/side_by_side.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

#include "engine/io/input_error.h"
#include "engine/math/statistics.h"
#include "experiments/format/html.h"
#include "experiments/report/adversaries.h"
#include "experiments/report/comparisons.h"
#include "experiments/report/definitions.h"
#include "experiments/report/measures.h"

namespace notnot {
namespace {

/// Bounds of JSD in the table of counts; the last one is that of Table 4.
constexpr std::array kDistances = {0.05, 0.1, 0.2, kFarAttention};
/// Bounds of TVD there, for the factor kTvdSingle.
constexpr std::array kTvds = {0.01, 0.02, kNearTvd, 0.1};

bool of_one_group(const RunSpec& a, const RunSpec& b) { return group_of(a) == group_of(b); }

std::vector<std::vector<const LoadedRun*>> complete_groups(const LoadedStudy& study) {
  std::vector<std::vector<const LoadedRun*>> groups;
  for (const LoadedRun* run : study.of_kind(RunKind::side_by_side)) {
    if (study.other_of(*run) == nullptr) continue;
    auto found = std::find_if(groups.begin(), groups.end(),
                              [&](const auto& members) { return of_one_group(members.front()->spec(), run->spec()); });
    if (found == groups.end()) found = groups.insert(found, std::vector<const LoadedRun*>());
    found->push_back(run);
  }
  std::erase_if(groups, [](const auto& members) { return std::ssize(members) < members.front()->spec().members; });
  return groups;
}

/// The members of a group stop together and keep the same epoch, and they read the same inputs.
void check_one_training(const std::vector<const LoadedRun*>& members) {
  const LoadedRun& first = *members.front();
  for (const LoadedRun* run : members) {
    std::vector<std::string> keys = differing_choices(first.config, run->config);
    std::erase(keys, "member");
    if (keys.empty() && run->result.epoch == first.result.epoch && run->epochs_trained == first.epochs_trained)
      continue;
    throw InputError(fmt::format(
        "{} and {} are of one group, but not of one training ({}); train the group again with --retrain, or "
        "report without it",
        first.path.string(), run->path.string(), keys.empty() ? "other epochs" : in_words(keys)));
  }
}

AdversaryGroup measured(const LoadedStudy& study, std::vector<const LoadedRun*> members) {
  std::vector<Attention> attention;
  attention.reserve(members.size());
  for (const LoadedRun* run : members) attention.push_back(test_attention(*run));
  AdversaryGroup group{.members = std::move(members), .jsd = {}};
  group.jsd.assign(attention.size(), std::vector<double>(attention.size(), 0.0));
  for (size_t a = 0; a < attention.size(); ++a) {
    for (size_t b = 0; b < a; ++b) {
      group.jsd[a][b] = group.jsd[b][a] = divergences(attention[a], attention[b], study.tvd_factor).mean_jsd();
    }
  }
  return group;
}

/// "3 adversaries side by side, λ = 0.001, seed 10".
std::string name_of(const LoadedStudy& study, const AdversaryGroup& group) {
  const LoadedRun& first = *group.members.front();
  const LoadedRun* base = study.other_of(first);
  return fmt::format("{} adversaries side by side, \u03bb = {}, seed {}{}", group.members.size(), first.spec().lambda,
                     first.spec().seed, base == &study.reference_run() ? "" : fmt::format(", of {}", base->label));
}

std::string key_of(const LoadedStudy& study, size_t number, const char* what) {
  return fmt::format("{}-side-by-side{}-{}", study.key, number + 1, what);
}

double mean_from_others(const AdversaryGroup& group) {
  double sum = 0;
  for (size_t k = 0; k < group.members.size(); ++k) sum += group.from_others(k);
  return sum / group.members.size();
}

/// The loss, and what a count says.
std::string method_in_words(const LoadedStudy& study) {
  return fmt::format(
      "<details><summary>What is trained and what is counted</summary>\n<p>K {} of one base model train in step, from "
      "different initial parameters. The loss of a batch is W &sum;<sub>texts</sub> &sum;<sub>k</sub> "
      "[{}|p<sub>k</sub> &minus; p<sub>base</sub>| &minus; &lambda; (KL(&alpha;<sub>k</sub> &#8214; "
      "&alpha;<sub>base</sub>) + mean<sub>l&ne;k</sub> {}(&alpha;<sub>k</sub>, &alpha;<sub>l</sub>))]; W is the sum of "
      "the batch&#39;s class weights. All members keep the epoch with the lowest sum of their losses.</p>\n"
      "<p>A count is the largest number of members such that each has a {} below the row&#39;s bound and a JSD of at "
      "least the column&#39;s bound from the base model, and each two have at least that JSD from each other; both are "
      "means over the test texts. All sets of members are tried. What training found exists; that no more adversaries "
      "exist is not shown, so every count is a lower bound, and none can pass K.</p></details>\n",
      defined("adversaries side by side", "adversaries"), tvd_factor_in_words(study.tvd_factor), defined("JSD"),
      defined("TVD"));
}

/// Which groups are not complete, as a paragraph; empty if all are.
std::string incomplete_in_words(const LoadedStudy& study, const std::vector<AdversaryGroup>& groups) {
  size_t shown = 0;
  for (const AdversaryGroup& group : groups) shown += group.members.size();
  const size_t left = study.of_kind(RunKind::side_by_side).size() - shown;
  if (left == 0) return "";
  return fmt::format(
      "<p class=\"muted\">{} run{} of groups whose other members or base model are not among those given {} left out "
      "here.</p>\n",
      left, left == 1 ? "" : "s", left == 1 ? "is" : "are");
}

Section side_by_side_section(const LoadedStudy& study, const Exhibits& exhibits) {
  Section section{study.key + "-side-by-side", "Adversaries side by side", "", "adversary --side-by-side 3"};
  const std::vector<AdversaryGroup> groups = adversary_groups_side_by_side(study);
  const std::string incomplete = incomplete_in_words(study, groups);
  if (groups.empty() && incomplete.empty()) return section;
  section.html =
      "<p>One adversary shows that attention could have been otherwise. How many different ones are there? These were "
      "trained to keep the base model&#39;s predictions, far from its attention and from each other&#39;s.</p>\n" +
      method_in_words(study) + incomplete;
  if (!groups.empty()) section.html += exhibits.table(adversary_count_table(study, groups));
  for (size_t i = 0; i < groups.size(); ++i) {
    section.html += fmt::format("<h4>{}</h4>\n", escape(name_of(study, groups[i]))) +
                    exhibits.table(group_table(study, groups[i], i)) +
                    exhibits.table(group_distance_table(study, groups[i], i));
  }
  return section;
}

}  // namespace

Part side_by_side_part() { return {.section = side_by_side_section}; }

double AdversaryGroup::from_others(size_t member) const {
  double sum = 0;
  for (const double distance : jsd[member]) sum += distance;
  return sum / static_cast<double>(members.size() - 1);
}

std::vector<AdversaryGroup> adversary_groups_side_by_side(const LoadedStudy& study) {
  std::vector<AdversaryGroup> groups;
  for (std::vector<const LoadedRun*>& members : complete_groups(study)) {
    check_one_training(members);
    groups.push_back(measured(study, std::move(members)));
  }
  return groups;
}

int32_t most_adversaries(const AdversaryGroup& group, double tvd, double jsd) {
  const size_t size = group.members.size();
  std::vector<uint32_t> near(size, 0);  // the members that are too near to each, as bits
  uint32_t allowed = 0;
  for (size_t a = 0; a < size; ++a) {
    const Divergences& from_base = group.members[a]->from_attacked;
    if (from_base.mean_tvd() < tvd && from_base.mean_jsd() >= jsd) allowed |= uint32_t{1} << a;
    for (size_t b = 0; b < size; ++b) {
      if (a != b && group.jsd[a][b] < jsd) near[a] |= uint32_t{1} << b;
    }
  }
  int32_t most = 0;
  for (uint32_t set = 0; set < uint32_t{1} << size; ++set) {
    if ((set & ~allowed) != 0 || std::popcount(set) <= most) continue;
    bool apart = true;
    for (size_t a = 0; a < size && apart; ++a) apart = (set >> a & 1) == 0 || (near[a] & set) == 0;
    if (apart) most = std::popcount(set);
  }
  return most;
}

ResultTable group_table(const LoadedStudy& study, const AdversaryGroup& group, size_t number) {
  ResultTable table{.name = key_of(study, number, "members"),
                    .caption = fmt::format("Each of {} on {}", name_of(study, group), study.title()),
                    .note =
                        "Means over the test texts; TVD and JSD from the base model, and the mean JSD from the other "
                        "members. " +
                        tvd_note(study) + conditions(study),
                    .header = {"Member", "F1", "TVD", "JSD", "JSD from the others", "ROC-AUC", "Epoch"},
                    .rows = {},
                    .left = 1};
  std::vector<double> f1, tvd, jsd, others, roc_auc;
  for (size_t k = 0; k < group.members.size(); ++k) {
    const LoadedRun& run = *group.members[k];
    f1.push_back(run.test().f1);
    tvd.push_back(run.from_attacked.mean_tvd());
    jsd.push_back(run.from_attacked.mean_jsd());
    others.push_back(group.from_others(k));
    roc_auc.push_back(run.test().roc_auc);
    table.rows.push_back({fmt::format("{}", run.spec().member), three_decimals(f1.back()), three_decimals(tvd.back()),
                          three_decimals(jsd.back()), three_decimals(others.back()), three_decimals(roc_auc.back()),
                          fmt::format("{} of {}", run.result.epoch, run.epochs_trained)});
  }
  table.rows.push_back({"Mean", three_decimals(mean(f1)), three_decimals(mean(tvd)), three_decimals(mean(jsd)),
                        three_decimals(mean(others)), three_decimals(mean(roc_auc)), ""});
  return table;
}

ResultTable group_distance_table(const LoadedStudy& study, const AdversaryGroup& group, size_t number) {
  ResultTable table{
      .name = key_of(study, number, "distances"),
      .caption = fmt::format("Mean JSD between each two of {} on {}", name_of(study, group), study.title()),
      .note = fmt::format("The mean over the pairs of members is {}. ", three_decimals(mean_from_others(group))) +
              conditions(study),
      .header = {"Member", "Base"},
      .rows = {},
      .left = 1};
  for (const LoadedRun* run : group.members) table.header.push_back(fmt::format("{}", run->spec().member));
  for (size_t a = 0; a < group.members.size(); ++a) {
    const LoadedRun& run = *group.members[a];
    std::vector<std::string> row = {fmt::format("{}", run.spec().member), three_decimals(run.from_attacked.mean_jsd())};
    for (size_t b = 0; b < group.members.size(); ++b) row.push_back(a == b ? "-" : three_decimals(group.jsd[a][b]));
    table.rows.push_back(std::move(row));
  }
  return table;
}

ResultTable adversary_count_table(const LoadedStudy& study, const std::vector<AdversaryGroup>& groups) {
  ResultTable table{
      .name = study.key + "-side-by-side-counts",
      .caption = fmt::format("How many adversaries exist at once below a TVD on {}", study.title()),
      .note =
          "At least so many members of the group keep their TVD from the base model below the bound, while each is "
          "at least so far (JSD) from it and from each of the others. " +
          tvd_note(study) + conditions(study),
      .header = {"Group", "TVD below"},
      .rows = {},
      .left = 1};
  for (const double distance : kDistances) table.header.push_back(fmt::format("JSD \u2265 {:g}", distance));
  for (const AdversaryGroup& group : groups) {
    for (const double tvd : kTvds) {
      const double bound = tvd * study.tvd_factor / kTvdSingle;
      std::vector<std::string> row = {name_of(study, group), fmt::format("{:g}", bound)};
      for (const double distance : kDistances) {
        row.push_back(fmt::format("{} of {}", most_adversaries(group, bound, distance), group.members.size()));
      }
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

}  // namespace notnot
