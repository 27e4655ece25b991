// The CUDA backend of a build without CUDA. It counts no devices and says why; everything else throws.
#include "kernels/adam.h"
#include "kernels/attention_head.h"
#include "kernels/attention_permutation.h"
#include "kernels/bilstm.h"
#include "kernels/erasure_flip.h"
#include "kernels/exact_adversary.h"
#include "kernels/gemm.h"
#include "kernels/instance_adversary.h"
#include "kernels/leave_one_out.h"
#include "kernels/matrix.h"
#include "kernels/scaled_projection.h"
#include "kernels/token_projection.h"

namespace notnot::cuda {
namespace {

[[noreturn]] void throw_no_cuda() {
  throw Error(fmt::format("this build has no CUDA ({}); use --device cpu", NOTNOT_CUDA_STATUS));
}

}  // namespace

std::string build_status() { return NOTNOT_CUDA_STATUS; }
int device_count(std::string& reason) {
  reason = NOTNOT_CUDA_STATUS;
  return 0;
}
std::string why_unusable(int) { throw_no_cuda(); }
bool card_exists() { return false; }
std::string connections() { return ""; }
DeviceInfo describe(int) { throw_no_cuda(); }
Device open(int) { throw_no_cuda(); }
void close(Device&) noexcept {}

void* allocate(const Device&, size_t) { throw_no_cuda(); }
void release(const Device&, void*) noexcept {}
void copy_to_device(const Device&, void*, const void*, size_t) { throw_no_cuda(); }
void copy_to_host(const Device&, void*, const void*, size_t) { throw_no_cuda(); }
void fill_zero(const Device&, void*, size_t) { throw_no_cuda(); }
void synchronize(const Device&) { throw_no_cuda(); }

Device open_side_stream(const Device&, bool) { throw_no_cuda(); }
void* allocate_pinned(const Device&, size_t) { throw_no_cuda(); }
void release_pinned(const Device&, void*) noexcept {}
void enqueue_copy_to_pinned(const Device&, void*, const void*, size_t) { throw_no_cuda(); }
void enqueue_copy_from_pinned(const Device&, void*, const void*, size_t) { throw_no_cuda(); }
CUevent_st* open_event(const Device&) { throw_no_cuda(); }
void close_event(const Device&, CUevent_st*) noexcept {}
void record(const Device&, CUevent_st*) { throw_no_cuda(); }
void wait(const Device&, CUevent_st*) { throw_no_cuda(); }
void synchronize(const Device&, CUevent_st*) { throw_no_cuda(); }
void begin_capture(const Device&) { throw_no_cuda(); }
CUgraphExec_st* end_capture(const Device&) { throw_no_cuda(); }
void abandon_capture(const Device&) noexcept {}
void launch_captured(const Device&, CUgraphExec_st*) { throw_no_cuda(); }
void close_captured(const Device&, CUgraphExec_st*) noexcept {}

#define NOTNOT_NO_CUDA(operation, Args) \
  void operation(const Device&, const Args&) { throw_no_cuda(); }
NOTNOT_NO_CUDA(matmul, MatMul)
NOTNOT_NO_CUDA(weight_gradient, WeightGradient)
NOTNOT_NO_CUDA(transpose, Transpose)
NOTNOT_NO_CUDA(gather_rows, GatherRows)
NOTNOT_NO_CUDA(column_sums, ColumnSums)
NOTNOT_NO_CUDA(row_dot, RowDot)
NOTNOT_NO_CUDA(row_norm, RowNorm)
NOTNOT_NO_CUDA(token_projection_forward, TokenProjectionForward)
NOTNOT_NO_CUDA(token_projection_backward, TokenProjectionBackward)
NOTNOT_NO_CUDA(scaled_projection_forward, ScaledProjectionForward)
NOTNOT_NO_CUDA(scaled_projection_backward, ScaledProjectionBackward)
NOTNOT_NO_CUDA(bilstm_forward, BiLstmForward)
NOTNOT_NO_CUDA(bilstm_backward, BiLstmBackward)
NOTNOT_NO_CUDA(attention_head_forward, AttentionHeadForward)
NOTNOT_NO_CUDA(attention_head_train, AttentionHeadTrain)
NOTNOT_NO_CUDA(attention_permutation, AttentionPermutation)
NOTNOT_NO_CUDA(instance_adversary, InstanceAdversary)
NOTNOT_NO_CUDA(exact_adversary, ExactAdversary)
NOTNOT_NO_CUDA(erasure_flip, ErasureFlip)
NOTNOT_NO_CUDA(leave_one_out_sums, LeaveOneOutSums)
NOTNOT_NO_CUDA(adam_step, AdamStep)
NOTNOT_NO_CUDA(adam_rows_replay, AdamRowsReplay)
NOTNOT_NO_CUDA(adam_rows_step, AdamRowsStep)
#undef NOTNOT_NO_CUDA

}  // namespace notnot::cuda
