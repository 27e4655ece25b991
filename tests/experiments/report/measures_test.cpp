#include "experiments/report/measures.h"

#include <doctest/doctest.h>

#include "tests/experiments/report/small_study.h"
#include "tests/support/input_error.h"

namespace notnot {
namespace {

TEST_CASE("a part of the paper's training texts is said at each number") {
  const TemporaryFolder folder;
  fake_run(folder, spec(RunKind::base), base_texts(), 0.8, {{"dataset", "agnews"}});
  CHECK_HAS(conditions(only_study(folder)),
            "Data: agnews, not the paper's test split, PARTIAL: 7,176 training and development texts where the paper's "
            "Table 1 has 60,000. Start:");
}

}  // namespace
}  // namespace notnot
