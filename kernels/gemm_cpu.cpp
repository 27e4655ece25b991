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

// Rows of a weight gradient per call: b is repacked by every call, which costs about 2 / kOutputTile of the product.
constexpr int32_t kOutputTile = 128;

}  // namespace

void matmul(const Device& device, const MatMul& args) {
  const OneDnnSingleThread single;
  int failed = dnnl_success;
#pragma omp parallel for num_threads(device.threads) schedule(static) reduction(max : failed)
  for (int32_t row = 0; row < args.rows; row += kRowTile) {
    omp_set_num_threads(1);
    const dnnl_status_t status = dnnl_sgemm(
        'N', 'N', kRowTile, args.columns, args.inner, 1.0F, &args.a[int64_t{row} * args.inner], args.inner, args.b.data,
        args.columns, args.accumulate ? 1.0F : 0.0F, &args.c[int64_t{row} * args.columns], args.columns);
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
    const dnnl_status_t status = dnnl_sgemm('T', 'N', smaller(kOutputTile, args.outputs - output), args.inputs,
                                            args.rows, 1.0F, &args.a[output], args.a_stride, args.b.data, args.b_stride,
                                            1.0F, &args.c[int64_t{output} * args.inputs], args.inputs);
    failed = status > failed ? static_cast<int>(status) : failed;
  }
  if (failed != dnnl_success) throw_gemm_failed(failed);
}

}  // namespace notnot::NOTNOT_CPU_NAMESPACE
