// oneDNN's sgemm, cut into calls of a fixed shape, each on one thread. oneDNN chooses its blocking from the shape and
// the number of threads, so a fixed shape fixes every bit. Our threads share the calls out.
#include <dnnl.h>
#include <omp.h>

#include "kernels/base/cpu.h"
#include "kernels/gemm.h"

namespace notnot::NOTNOT_CPU_NAMESPACE {
namespace {

/// While it lives, a parallel region that oneDNN opens on this thread has one thread.
class OneDnnSingleThread {
 public:
  OneDnnSingleThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneDnnSingleThread() { omp_set_num_threads(before_); }
  OneDnnSingleThread(const OneDnnSingleThread&) = delete;
  OneDnnSingleThread& operator=(const OneDnnSingleThread&) = delete;

 private:
  int before_;
};

/// A matrix product does this many operations in the time that parallel_for counts as one.
constexpr int64_t kOperationsPerLane = 8;

// A weight gradient is cut into tiles of kOutputTile outputs by kInnerTile rows. 96 rows are two tiles of oneDNN's loop
// over the sum.
constexpr int32_t kOutputTile = kLanes == 16 ? 256 : 128, kInnerTile = 96;

/// c += a^T b for at most kInnerTile rows. oneDNN's AVX-512 kernel packs a transposed `a` itself. Its other kernels
/// read `a` in place, where rows 4 KiB apart share the sets of the first-level cache (40 GFLOP/s instead of 80 to 87).
/// So they get a copy whose rows lie a cache line more than a power of two apart.
dnnl_status_t add_transposed_product(int32_t outputs, int32_t inputs, int32_t rows, const float* a, int64_t a_stride,
                                     const float* b, int64_t b_stride, float* c) {
  constexpr int32_t kStride = kOutputTile + 16;
  alignas(64) float copy[kLanes == 16 ? 1 : kInnerTile * kStride];
  if (kLanes < 16) {
    for (int32_t i = 0; i < rows; ++i) {
      __builtin_memcpy(copy + i * kStride, a + i * a_stride, outputs * sizeof(float));
    }
    a = copy;
    a_stride = kStride;
  }
  return dnnl_sgemm('T', 'N', outputs, inputs, rows, 1.0F, a, a_stride, b, b_stride, 1.0F, c, inputs);
}

/// c[first .. first + outputs) += a^T b.
dnnl_status_t weight_gradient_tile(const WeightGradient& args, int32_t first, int32_t outputs) {
  dnnl_status_t status = dnnl_success;
  for (int32_t row = 0; row < args.rows && status == dnnl_success; row += kInnerTile) {
    status = add_transposed_product(
        outputs, args.inputs, smaller(kInnerTile, args.rows - row), &args.a[int64_t{row} * args.a_stride + first],
        args.a_stride, &args.b[int64_t{row} * args.b_stride], args.b_stride, &args.c[int64_t{first} * args.inputs]);
  }
  return status;
}

}  // namespace

void matmul(const Device& device, const MatMul& args) {
  const OneDnnSingleThread single;
  int failed = dnnl_success;
  const int64_t cost = int64_t{2} * kRowTile * args.inner * args.columns / kOperationsPerLane;
  parallel_for(device.threads, static_cast<int32_t>(padded_rows(args.rows) / kRowTile), cost, [&](int32_t tile) {
    const int32_t row = tile * kRowTile;
    omp_set_num_threads(1);  // a setting of each thread
    const dnnl_status_t status =
        dnnl_sgemm('N', 'N', kRowTile, args.columns, args.inner, 1.0F, &args.a[row * args.row_stride_of_a()],
                   args.row_stride_of_a(), args.b.data, args.row_stride_of_b(), args.accumulate ? 1.0F : 0.0F,
                   &args.c[int64_t{row} * args.columns], args.columns);
    if (status != dnnl_success) __atomic_store_n(&failed, static_cast<int>(status), __ATOMIC_RELAXED);
  });
  if (failed != dnnl_success) throw_gemm_failed(failed);
}

void weight_gradient(const Device& device, const WeightGradient& args) {
  const OneDnnSingleThread single;
  int failed = dnnl_success;
  const int64_t cost = int64_t{2} * kOutputTile * args.inputs * args.rows / kOperationsPerLane;
  parallel_for(device.threads, (args.outputs + kOutputTile - 1) / kOutputTile, cost, [&](int32_t tile) {
    const int32_t output = tile * kOutputTile;
    omp_set_num_threads(1);
    const dnnl_status_t status = weight_gradient_tile(args, output, smaller(kOutputTile, args.outputs - output));
    if (status != dnnl_success) __atomic_store_n(&failed, static_cast<int>(status), __ATOMIC_RELAXED);
  });
  if (failed != dnnl_success) throw_gemm_failed(failed);
}

}  // namespace notnot::NOTNOT_CPU_NAMESPACE
