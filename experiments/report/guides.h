#pragma once
// The paper's third test (section 3.4, Table 3): does the attention help a model that sees no context?
#include "experiments/report/part.h"

namespace notnot {

Part guides_part();

ResultTable guide_table(const LoadedStudy& study);  ///< Table 3

}  // namespace notnot
