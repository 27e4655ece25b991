// oneDNN's sgemm, cut into calls of a fixed shape that each run on one thread: oneDNN chooses its blocking from the
// shape and the number of threads, so a fixed shape fixes every bit. Threads share out the tiles.
#include <dnnl.h>

#include "kernels/cpu.h"
#include "kernels/gemm.h"

namespace notnot::NOTNOT_CPU_NAMESPACE {
namespace {

/// While it lives, a region opened by oneDNN on this thread has one thread.
class OneDnnSingleThread {
 public:
  OneDnnSingleThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneDnnSingleThread() { omp_set_num_threads(before_); }
  OneDnnSingleThread(const OneDnnSingleThread&) = delete;
  OneDnnSingleThread& operator=(const OneDnnSingleThread&) = delete;

 private:
  int before_;
};

// A weight gradient goes through panels of a: kPanelRows x kOutputTile, copied to rows that lie a line more than a
// power of two apart. Where they lie, their columns share the sets of the first-level cache (rows of 4 KiB: the product
// runs at 40 GFLOP/s instead of 80 to 87, the copy included). 96 rows are two tiles of oneDNN's loop over the sum.
constexpr int32_t kOutputTile = 128, kPanelRows = 96, kPanelStride = kOutputTile + 16;

/// c[first .. first + outputs) += a^T b.
dnnl_status_t weight_gradient_tile(const WeightGradient& args, int32_t first, int32_t outputs) {
  alignas(64) float panel[kPanelRows * kPanelStride];
  for (int32_t row = 0; row < args.rows; row += kPanelRows) {
    const int32_t rows = smaller(kPanelRows, args.rows - row);
    for (int32_t i = 0; i < rows; ++i) {
      __builtin_memcpy(panel + i * kPanelStride, &args.a[int64_t{row + i} * args.a_stride + first],
                       static_cast<size_t>(outputs) * sizeof(float));
    }
    const dnnl_status_t status = dnnl_sgemm('T', 'N', outputs, args.inputs, rows, 1.0F, panel, kPanelStride,
                                            &args.b[int64_t{row} * args.b_stride], args.b_stride, 1.0F,
                                            &args.c[int64_t{first} * args.inputs], args.inputs);
    if (status != dnnl_success) return status;
  }
  return dnnl_success;
}

}  // namespace

void matmul(const Device& device, const MatMul& args) {
  const OneDnnSingleThread single;
  int failed = dnnl_success;
#pragma omp parallel for num_threads(device.threads) schedule(static) reduction(max : failed)
  for (int32_t row = 0; row < args.rows; row += kRowTile) {
    omp_set_num_threads(1);
    const dnnl_status_t status = dnnl_sgemm(
        'N', 'N', kRowTile, args.columns, args.inner, 1.0F, &args.a[int64_t{row} * args.inner], args.inner, args.b.data,
        args.row_stride_of_b(), args.accumulate ? 1.0F : 0.0F, &args.c[int64_t{row} * args.columns], args.columns);
    failed = status > failed ? static_cast<int>(status) : failed;
  }
  if (failed != dnnl_success) throw_gemm_failed(failed);
}

void weight_gradient(const Device& device, const WeightGradient& args) {
  const OneDnnSingleThread single;
  int failed = dnnl_success;
#pragma omp parallel for num_threads(device.threads) schedule(static) reduction(max : failed)
  for (int32_t output = 0; output < args.outputs; output += kOutputTile) {
    omp_set_num_threads(1);
    const dnnl_status_t status = weight_gradient_tile(args, output, smaller(kOutputTile, args.outputs - output));
    failed = status > failed ? static_cast<int>(status) : failed;
  }
  if (failed != dnnl_success) throw_gemm_failed(failed);
}

}  // namespace notnot::NOTNOT_CPU_NAMESPACE
