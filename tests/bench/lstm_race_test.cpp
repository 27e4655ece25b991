#include "bench/lstm_race.h"

#include <doctest/doctest.h>

#include "engine/device/open_device.h"
#include "engine/io/files.h"
#include "tests/support/temporary_folder.h"

namespace notnot::bench {
namespace {

const CudnnVariant kStandard{}, kStatic{.algorithm = CudnnVariant::Algorithm::persist_static},
    kDynamic{.algorithm = CudnnVariant::Algorithm::persist_dynamic},
    kSmall{.algorithm = CudnnVariant::Algorithm::persist_static_small_h}, kTf32{.tf32 = true};

/// STANDARD is notnot's own layer; the other algorithms refuse, each at another call; TF32 computes something else.
class Opponent {
 public:
  Opponent(const Device& device, const CudnnVariant& variant, const LstmTask& task)
      : variant_(variant), lstm_(device, task) {
    refuse(CudnnVariant::Algorithm::persist_static, "constructor");
  }
  void forward(bool training) {
    refuse(CudnnVariant::Algorithm::persist_dynamic, "forward");
    lstm_.forward(training);
  }
  void backward() {
    refuse(CudnnVariant::Algorithm::persist_static_small_h, "backward");
    lstm_.backward();
  }
  LstmResults results() const {
    LstmResults results = lstm_.results();
    if (variant_.tf32) results.dweight_hh.front() += 100;
    return results;
  }

 private:
  void refuse(CudnnVariant::Algorithm algorithm, const char* call) const {
    if (variant_.algorithm == algorithm) throw CudnnRefused(fmt::format("{}: no run-time compiler (1234)", call));
  }
  CudnnVariant variant_;
  OurLstm lstm_;
};

/// The verdict, and the rows of the result file.
std::pair<bool, nlohmann::json> race_against(const std::vector<CudnnVariant>& variants) {
  const TemporaryFolder folder;
  const OpenDevice device("cpu", 1);
  ResultFile results((folder / "race.json").string(), device, "rows", {});
  const Workload workload{.name = "small", .lengths = {3, 4, 5}, .vocabulary = 20, .embed = 6, .hidden = 4};
  const bool passed = race<Opponent>(device.get(), workload, variants, 2, results);
  return {passed, nlohmann::json::parse(read_file(folder / "race.json"))["rows"]};
}

TEST_CASE("a variant that refuses, wherever, is listed with the reason, and the race goes on") {
  const auto [passed, rows] = race_against({kStatic, kDynamic, kSmall, kStandard});
  CHECK(passed);
  REQUIRE(rows.size() == 4);
  CHECK(rows[0]["refused"] == "constructor: no run-time compiler (1234)");
  CHECK(rows[1]["refused"] == "forward: no run-time compiler (1234)");
  CHECK(rows[2]["refused"] == "backward: no run-time compiler (1234)");
  CHECK(rows[3]["ok"] == true);
  CHECK(rows[3]["error"] == 0);
  CHECK(rows[3]["training"] > 0);
}

TEST_CASE("a race in which all refuse fails, and so does one with another result") {
  CHECK_FALSE(race_against({kStatic, kDynamic}).first);
  const auto [passed, rows] = race_against({kStandard, kTf32});
  CHECK_FALSE(passed);
  CHECK(rows[0]["ok"] == true);
  CHECK(rows[1]["ok"] == false);
}

}  // namespace
}  // namespace notnot::bench
