// A file of its own: who reads and writes the configuration of a run needs the names, and no kernel.
#include "kernels/bilstm.h"

namespace notnot {

std::string_view to_string(Precision precision) { return precision == Precision::fp32 ? "fp32" : "bf16x3"; }

}  // namespace notnot
