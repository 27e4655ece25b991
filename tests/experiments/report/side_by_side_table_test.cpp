#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "experiments/report/side_by_side.h"
#include "tests/experiments/report/report_page.h"
#include "tests/experiments/report/small_study.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

using Row = std::vector<std::string>;

RunSpec member(int32_t number, int32_t members) {
  RunSpec result = spec(RunKind::side_by_side, 10, 1e-3, kBaseName);
  result.members = members;
  result.member = number;
  return result;
}

const nlohmann::json kChoices = {{"tvd_factor", 0.5}};

/// Three members: the first two look at the second word of all texts, the third halfway. Their predictions are 0.02,
/// 0.06 and 0.1 from the base model's.
void fake_group(const TemporaryFolder& folder) {
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8);
  fake_run(folder, member(1, 3), moved(0.02F, {0, 0, 0, 0}), 0.79, kChoices);
  fake_run(folder, member(2, 3), moved(0.06F, {0, 0, 0, 0}), 0.78, kChoices);
  fake_run(folder, member(3, 3), moved(0.1F, {0.5F, 0.5F, 0.5F, 0.5F}), 0.77, kChoices);
}

TEST_CASE("side by side: the members' distances from the base model and from each other") {
  const TemporaryFolder folder;
  fake_group(folder);
  const LoadedStudy study = only_study(folder);
  const std::vector<AdversaryGroup> groups = adversary_groups_side_by_side(study);
  REQUIRE(groups.size() == 1);
  const AdversaryGroup& group = groups.front();
  REQUIRE(group.members.size() == 3);
  CHECK(group.members[1]->spec().member == 2);
  CHECK(group.jsd[0][1] == 0);
  CHECK(group.jsd[0][2] == doctest::Approx(kHalfway));
  CHECK(group.jsd[2][0] == group.jsd[0][2]);
  CHECK(group.from_others(0) == doctest::Approx(kHalfway / 2));
  CHECK(group.from_others(2) == doctest::Approx(kHalfway));
  const ResultTable table = group_table(study, group, 0);  // halfway: 0.216
  CHECK(table.rows[0] == Row{"1", "0.790", "0.010", "0.693", "0.108", "0.900", "5 of 8"});
  CHECK(table.rows[2] == Row{"3", "0.770", "0.050", "0.216", "0.216", "0.900", "5 of 8"});
  CHECK(table.rows[3] == Row{"Mean", "0.780", "0.030", "0.534", "0.144", "0.900", ""});
  const ResultTable distances = group_distance_table(study, group, 0);
  CHECK(distances.header == Row{"Member", "Base", "1", "2", "3"});
  CHECK(distances.rows[0] == Row{"1", "0.693", "-", "0.000", "0.216"});
  CHECK(distances.rows[2] == Row{"3", "0.216", "0.216", "0.216", "-"});
}

TEST_CASE("side by side: how many adversaries exist at once below a TVD") {
  const TemporaryFolder folder;
  fake_group(folder);
  const LoadedStudy study = only_study(folder);
  const AdversaryGroup group = adversary_groups_side_by_side(study).front();
  CHECK(most_adversaries(group, 0.005, 0) == 0);
  CHECK(most_adversaries(group, 0.04, 0.0) == 2);  // any distance: those with TVD 0.01 and 0.03
  CHECK(most_adversaries(group, 0.04, 0.1) == 1);  // the two are in one place
  CHECK(most_adversaries(group, 0.06, 0.0) == 3);
  CHECK(most_adversaries(group, 0.06, 0.2) == 2);   // one of the two, and the third one
  CHECK(most_adversaries(group, 0.06, 0.25) == 1);  // the third one is nearer
  const ResultTable table = adversary_count_table(study, {group});
  CHECK(table.header ==
        Row{"Group", "TVD below", "JSD \u2265 0.05", "JSD \u2265 0.1", "JSD \u2265 0.2", "JSD \u2265 0.4"});
  REQUIRE(table.rows.size() == 4);
  CHECK(table.rows[1] ==
        Row{"3 adversaries side by side, \u03bb = 0.001, seed 10", "0.02", "1 of 3", "1 of 3", "1 of 3", "1 of 3"});
  CHECK(table.rows[3] ==
        Row{"3 adversaries side by side, \u03bb = 0.001, seed 10", "0.1", "2 of 3", "2 of 3", "2 of 3", "1 of 3"});
}

TEST_CASE("side by side: the set of members that are apart is the largest, not the first one") {
  AdversaryGroup group;
  std::vector<LoadedRun> runs(4);
  for (LoadedRun& run : runs) {
    run.from_attacked = {.tvd = {0.01}, .jsd = {0.5}};
    group.members.push_back(&run);
  }
  // The first member is near to the second and the third; the others are apart.
  group.jsd = {{0, 0.1, 0.1, 0.5}, {0.1, 0, 0.5, 0.5}, {0.1, 0.5, 0, 0.5}, {0.5, 0.5, 0.5, 0}};
  CHECK(most_adversaries(group, 0.02, 0.4) == 3);
}

TEST_CASE("side by side: the section of the page, with its definition, and no member among single adversaries") {
  const TemporaryFolder folder;
  fake_group(folder);
  CHECK(only_study(folder).of_kind(RunKind::adversary).empty());
  const TemporaryFolder out;
  const std::string page = page_of({folder.path()}, out);
  check_well_formed(page);
  check_links(page, out / "report");
  CHECK_HAS(page, "<h3 id=\"sst-side-by-side\">Adversaries side by side</h3>");
  CHECK_HAS(page, "<summary>What is trained and what is counted</summary>");
  CHECK_HAS(page, "every count is a lower bound");
  CHECK_HAS(page, "<a class=\"term\" href=\"#definition-adversaries-side-by-side\">adversaries</a>");
  CHECK_HAS(page, "id=\"definition-adversaries-side-by-side\"");
  CHECK_HAS(page, "Adversary 2 of 3 side by side");
}

TEST_CASE("side by side: members whose group is not whole are left out, and the page says so") {
  const TemporaryFolder folder;
  fake_group(folder);
  std::filesystem::remove_all(folder / run_name("sst", member(2, 3)));
  CHECK(adversary_groups_side_by_side(only_study(folder)).empty());
  const TemporaryFolder out;
  CHECK_HAS(page_of({folder.path()}, out), "2 runs of groups whose other members or base model");
}

TEST_CASE("side by side: members of two trainings are an error") {
  const TemporaryFolder folder;
  fake_group(folder);
  nlohmann::json longer = kChoices;
  longer["epochs"] = 9;
  const RunSpec second = member(2, 3);
  std::filesystem::remove_all(folder / run_name("sst", second));
  fake_run(folder, second, moved(0.06F, {0, 0, 0, 0}), 0.78, longer);
  const LoadedStudy study = only_study(folder);
  CHECK_HAS(input_error([&] { (void)adversary_groups_side_by_side(study); }), "but not of one training (epochs)");
}

}  // namespace
}  // namespace notnot
