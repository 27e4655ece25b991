#include "engine/device/profile.h"

#include <algorithm>
#include <cstring>

#include "engine/io/warning.h"

namespace notnot {

void Profile::add(const char* name, double seconds, double flop) {
  auto row = std::find_if(rows_.begin(), rows_.end(), [&](const Row& r) { return std::strcmp(r.name, name) == 0; });
  if (row == rows_.end()) row = rows_.insert(rows_.end(), Row{.name = name});
  row->seconds += seconds;
  row->flop += flop;
  ++row->calls;
}

std::string Profile::format() const {
  std::vector<Row> rows = rows_;
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.seconds > b.seconds; });
  double total = 0;
  for (const Row& row : rows) total += row.seconds;
  std::string text =
      fmt::format("{:<32} {:>7} {:>10} {:>8} {:>10}\n", "section", "share", "seconds", "calls", "GFLOP/s");
  for (const Row& row : rows) {
    text += fmt::format("{:<32} {:>6.1f}% {:>10.3f} {:>8} {:>10}\n", row.name, 100 * row.seconds / total, row.seconds,
                        row.calls, row.flop > 0 ? fmt::format("{:.1f}", row.flop / row.seconds * 1e-9) : "");
  }
  return text + fmt::format("{:<32} {:>7} {:>10.3f}\n", "all sections", "", total);
}

Profile::Section::Section(Profile* profile, const Device& device, const char* name, double flop)
    : profile_(profile), device_(device), name_(name), flop_(flop) {
  if (profile_ == nullptr) return;
  synchronize(device_);
  begin_ = std::chrono::steady_clock::now();
}

Profile::Section::~Section() {
  if (profile_ == nullptr) return;
  try {
    synchronize(device_);
    profile_->add(name_, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count(), flop_);
  } catch (const std::exception& error) {
    warn(fmt::format("the profile of {} is lost: {}", name_, error.what()));
  }
}

}  // namespace notnot
