// The skeleton's CUDA backend of a build without CUDA. An operation of kernels/ has its line in kernels/no_cuda.cpp.
#include "kernels/skeleton/scale_rows.h"

namespace notnot::cuda {

#define NOTNOT_NO_CUDA(operation, Args) \
  void operation(const Device&, const Args&) { throw Error("this build has no CUDA; use --device cpu"); }
NOTNOT_NO_CUDA(scale_rows_forward, ScaleRowsForward)
NOTNOT_NO_CUDA(scale_rows_backward, ScaleRowsBackward)
#undef NOTNOT_NO_CUDA

}  // namespace notnot::cuda
