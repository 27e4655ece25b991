#include "kernels/base/available_threads.h"

#include <doctest/doctest.h>
#include <sched.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>

#include "tests/support/temporary_folder.h"

using namespace notnot;

namespace {

void write(const std::filesystem::path& path, const std::string& content) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << content;
}

/// While it lives, OMP_NUM_THREADS has this value; null: it is not set.
class OmpNumThreads {
 public:
  explicit OmpNumThreads(const char* value) {
    if (const char* before = std::getenv("OMP_NUM_THREADS")) before_ = before;
    set(value);
  }
  ~OmpNumThreads() { set(before_ ? before_->c_str() : nullptr); }
  OmpNumThreads(const OmpNumThreads&) = delete;
  OmpNumThreads& operator=(const OmpNumThreads&) = delete;

 private:
  static void set(const char* value) {
    if (value == nullptr) {
      unsetenv("OMP_NUM_THREADS");
    } else {
      setenv("OMP_NUM_THREADS", value, 1);
    }
  }
  std::optional<std::string> before_;
};

}  // namespace

TEST_CASE("threads: OMP_NUM_THREADS is respected") {
  {
    const OmpNumThreads three("3");
    CHECK(available_threads() == 3);
  }
  const OmpNumThreads list("5,2");  // five, and two for a loop within a loop
  CHECK(available_threads() == 5);
}

TEST_CASE("threads: no number in OMP_NUM_THREADS counts as none") {
  const OmpNumThreads none(nullptr);
  const int threads = available_threads();
  for (const char* value : {"", "0", "-2", "many"}) {
    const OmpNumThreads no_number(value);
    CHECK(available_threads() == threads);
  }
}

TEST_CASE("threads: no more than processors on which the process may run") {
  const OmpNumThreads none(nullptr);
  cpu_set_t before;
  REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
  CHECK(available_threads() <= CPU_COUNT(&before));
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
  }
  REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
  CHECK(available_threads() == 1);
  sched_setaffinity(0, sizeof before, &before);
}

TEST_CASE("quota: version 2 of the control groups, the smallest of all groups on the way up") {
  const TemporaryFolder folder;
  const auto groups = folder.path() / "cgroup", membership = folder.path() / "self";
  write(membership, "0::/user.slice/job\n");
  CHECK_FALSE(cpu_quota(groups, membership));
  write(groups / "user.slice/job/cpu.max", "max 100000\n");
  CHECK_FALSE(cpu_quota(groups, membership));
  write(groups / "user.slice/job/cpu.max", "150000 100000\n");
  CHECK(cpu_quota(groups, membership) == 1.5);
  write(groups / "user.slice/cpu.max", "50000 100000\n");
  CHECK(cpu_quota(groups, membership) == 0.5);
  write(groups / "user.slice/cpu.max", "400000 100000\n");
  CHECK(cpu_quota(groups, membership) == 1.5);
  write(groups / "user.slice/other/cpu.max", "10000 100000\n");
  CHECK(cpu_quota(groups, membership) == 1.5);
}

TEST_CASE("quota: in a container the group is the root") {
  const TemporaryFolder folder;
  write(folder.path() / "self", "0::/\n");
  write(folder.path() / "cgroup/cpu.max", "250000 50000\n");
  CHECK(cpu_quota(folder.path() / "cgroup", folder.path() / "self") == 5);
}

TEST_CASE("quota: version 1 of the control groups") {
  const TemporaryFolder folder;
  const auto groups = folder.path() / "cgroup", membership = folder.path() / "self";
  write(membership, "12:cpuset:/elsewhere\n4:cpu,cpuacct:/job\n0::/\n");
  write(groups / "cpu/job/cpu.cfs_quota_us", "-1\n");
  write(groups / "cpu/job/cpu.cfs_period_us", "100000\n");
  CHECK_FALSE(cpu_quota(groups, membership));
  write(groups / "cpu/job/cpu.cfs_quota_us", "200000\n");
  CHECK(cpu_quota(groups, membership) == 2);
  // The group of another controller does not count.
  write(groups / "cpu/elsewhere/cpu.cfs_quota_us", "100000\n");
  write(groups / "cpu/elsewhere/cpu.cfs_period_us", "100000\n");
  CHECK(cpu_quota(groups, membership) == 2);
}

TEST_CASE("quota: files that are missing or say something else count as no quota") {
  const TemporaryFolder folder;
  const auto groups = folder.path() / "cgroup", membership = folder.path() / "self";
  CHECK_FALSE(cpu_quota(groups, membership));
  for (const char* line : {"", "0", "0::", "0::job", "nothing", ":::::"}) {
    write(membership, line);
    CHECK_FALSE(cpu_quota(groups, membership));
  }
  write(membership, "0::/../..\n");
  CHECK_FALSE(cpu_quota(groups, membership));
  write(membership, "0::/\n");
  for (const char* line : {"", "150000", "0 100000", "150000 0", "-1 100000", "x y"}) {
    write(groups / "cpu.max", line);
    CHECK_FALSE(cpu_quota(groups, membership));
  }
}
