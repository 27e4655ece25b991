// libFuzzer on JSON and on the names of runs, wherever they come from: for any bytes, either a value that can be copied
// and written, and read again as the same value, or a fault. tests/README.md says how to build and run it.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "engine/io/json.h"
#include "engine/io/json_lines.h"
#include "experiments/study/run_spec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const notnot::ParsedJson parsed = notnot::parse_json(text);
  if (parsed.at > size || notnot::json_object(text).has_value() != notnot::json_fault(text).empty()) std::abort();
  if (parsed.fault.empty()) {
    const nlohmann::json copy = parsed.value;
    if (notnot::parse_json(copy.dump()).value != copy) std::abort();
    (void)notnot::whole_number(copy);
  }
  if (const auto spec = notnot::parse_run_name("sst", text)) {
    if (notnot::run_name("sst", *spec) != text) std::abort();
  }
  return 0;
}
