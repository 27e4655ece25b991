#include "engine/device/open_device.h"

#include <doctest/doctest.h>

#include <fstream>

#include "engine/io/input_error.h"
#include "tests/support/temporary_folder.h"

namespace notnot {

TEST_CASE("devices are opened by name") {
  CHECK(OpenDevice("cpu", 2).get().threads == 2);
  CHECK(OpenDevice("cpu", 1).description().starts_with("cpu ("));
  CHECK_NOTHROW(OpenDevice("auto", 1));
  for (const char* name : {"gpu", "", "cuda:", "cuda:x", "cuda:-1", "cuda0", "CPU"}) {
    CHECK_THROWS_WITH_AS(OpenDevice(name, 1), doctest::Contains("unknown device"), InputError);
  }
  CHECK_THROWS_AS(OpenDevice("cuda:9999", 1), InputError);
  CHECK(describe_devices().starts_with("cpu"));
}

TEST_CASE("a card has a file nvidia0, nvidia1, ... in /dev; the driver's other files are none") {
  const TemporaryFolder folder;
  CHECK(!has_nvidia_card(folder / "missing"));
  for (const char* name : {"nvidia", "nvidiactl", "nvidia-uvm", "nvidia0x", "sda0"}) {
    std::ofstream(folder / name).put(0);
    CHECK(!has_nvidia_card(folder.path()));
  }
  std::ofstream(folder / "nvidia12").put(0);
  CHECK(has_nvidia_card(folder.path()));
}

}  // namespace notnot
