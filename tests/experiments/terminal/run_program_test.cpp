#include "experiments/terminal/run_program.h"

#include <doctest/doctest.h>

#include <csignal>

#include "experiments/terminal/interrupt.h"
#include "tests/support/temporary_folder.h"

namespace notnot {

TEST_CASE("a program that outlives its readers starts others that do not") {
  const TemporaryFolder folder;
  outlive_readers();
  REQUIRE(std::raise(SIGPIPE) == 0);  // and this test goes on
  CHECK(run_program({"sh", "-c", "kill -PIPE $$; exit 3"}, folder / "log") == 128 + SIGPIPE);
  CHECK(run_program({"sh", "-c", "exit 3"}, folder / "log") == 3);
}

}  // namespace notnot
