// `notnot devices`: lists the devices that can train.
#include <fmt/format.h>

#include "engine/device/open_device.h"
#include "experiments/commands/commands.h"
#include "experiments/terminal/show.h"

namespace notnot {

void add_devices_command(CLI::App& app) {
  app.add_subcommand("devices",
                     "List what can train models on this machine: the CPU, and every CUDA device or why there is none")
      ->callback([] { show("{}", describe_devices()); });
}

}  // namespace notnot
