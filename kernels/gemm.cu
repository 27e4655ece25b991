// Matrix products through cuBLASLt in plain fp32 (CUBLAS_COMPUTE_32F: no TF32).
//
// Bits. Left to itself cuBLASLt picks an algorithm for every shape, and then the order of a row's sum over `inner`
// changes with the number of rows. So the algorithm of a MatMul is picked for kCanonicalRows rows, whatever the number
// of rows is, and never splits `inner`: one thread sums an element, in one order. A WeightGradient sums over the rows
// and has few outputs, so it must split the rows to fill the chip (512 x 128 outputs are four tiles of 128 x 128 on 132
// SMs). The partial sums go through the workspace and are added in order. Its algorithm is picked per power of two of
// the number of rows. Both choices depend only on the shape, the alignment and the device.
//
// Row-major c = a b is column-major c^T = b^T a^T: cuBLASLt's first matrix is our b.
//
// Cost: 2 rows inner columns flop; about 50 TFLOP/s of fp32 on an H200. Descriptors live on the stack. Chosen
// algorithms are kept, because cuBLASLt's heuristic takes host time.
#include <cublasLt.h>

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <vector>

#include "kernels/base/gemm_context.h"
#include "kernels/base/launch.cuh"
#include "kernels/gemm.h"

#define NOTNOT_CUBLAS_CHECK(call)                                                                         \
  do {                                                                                                    \
    const cublasStatus_t notnot_status = (call);                                                          \
    NOTNOT_CHECK(notnot_status == CUBLAS_STATUS_SUCCESS, "{} ({})", cublasLtGetStatusName(notnot_status), \
                 static_cast<int>(notnot_status));                                                        \
  } while (false)

namespace notnot::cuda {
namespace {

constexpr int64_t kCanonicalRows = 4096;
constexpr int64_t kMostRows = padded_rows(int64_t{1} << 18);  // the largest MatMul that an algorithm is checked for

/// Column-major `d = first second + beta d`: [m, k] x [k, n]; `second_transposed` means that it is stored [n, k].
struct Product {
  int64_t m = 0, n = 0, k = 0;
  int64_t first_stride = 0, second_stride = 0;
  bool second_transposed = false;
  bool split_k = false;
  uint32_t alignment = 0;  // bytes, common to the three matrices
  bool operator==(const Product&) const = default;
};

struct Gemm {
  cublasLtHandle_t handle = nullptr;
  void* workspace = nullptr;
  struct Choice {
    Product shape;
    cublasLtMatmulAlgo_t algorithm;
  };
  std::vector<Choice> choices;  // a handful per model

  ~Gemm() {
    if (workspace != nullptr) cudaFree(workspace);
    if (handle != nullptr) cublasLtDestroy(handle);
  }
};

struct Descriptors {
  cublasLtMatmulDescOpaque_t operation;
  cublasLtMatrixLayoutOpaque_t first, second, result;

  explicit Descriptors(const Product& p) {
    NOTNOT_CUBLAS_CHECK(cublasLtMatmulDescInit(&operation, CUBLAS_COMPUTE_32F, CUDA_R_32F));
    const cublasOperation_t second_operation = p.second_transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    NOTNOT_CUBLAS_CHECK(cublasLtMatmulDescSetAttribute(&operation, CUBLASLT_MATMUL_DESC_TRANSB, &second_operation,
                                                       sizeof second_operation));
    const int64_t rows = p.second_transposed ? p.n : p.k, columns = p.second_transposed ? p.k : p.n;
    NOTNOT_CUBLAS_CHECK(cublasLtMatrixLayoutInit(&first, CUDA_R_32F, p.m, p.k, p.first_stride));
    NOTNOT_CUBLAS_CHECK(cublasLtMatrixLayoutInit(&second, CUDA_R_32F, rows, columns, p.second_stride));
    NOTNOT_CUBLAS_CHECK(cublasLtMatrixLayoutInit(&result, CUDA_R_32F, p.m, p.n, p.m));
  }
};

template <class T>
void set_preference(cublasLtMatmulPreference_t preference, cublasLtMatmulPreferenceAttributes_t attribute, T value) {
  NOTNOT_CUBLAS_CHECK(cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof value));
}

/// Whether the algorithm can compute the product with our workspace.
bool runs(const Gemm& gemm, const Product& p, const cublasLtMatmulAlgo_t& algorithm) {
  Descriptors d(p);
  cublasLtMatmulHeuristicResult_t result{};
  const cublasStatus_t status = cublasLtMatmulAlgoCheck(gemm.handle, &d.operation, &d.first, &d.second, &d.result,
                                                        &d.result, &algorithm, &result);
  return status == CUBLAS_STATUS_SUCCESS && result.workspaceSize <= kGemmWorkspaceBytes;
}

/// The fastest algorithm, by cuBLASLt's own estimate, of those that can compute every shape that it is chosen for: a
/// weight gradient has more than half of the canonical number of rows, a MatMul any number of tiles.
cublasLtMatmulAlgo_t choose_algorithm(const Gemm& gemm, const Product& p) {
  Product smallest = p, largest = p;
  if (p.split_k) {
    smallest.k = p.k / 2 + 1;
  } else {
    smallest.n = kRowTile;
    largest.n = kMostRows;
  }
  Descriptors d(p);
  cublasLtMatmulPreferenceOpaque_t preference;
  NOTNOT_CUBLAS_CHECK(cublasLtMatmulPreferenceInit(&preference));
  set_preference(&preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, uint64_t{kGemmWorkspaceBytes});
  set_preference(
      &preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
      static_cast<uint32_t>(p.split_k ? CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE : CUBLASLT_REDUCTION_SCHEME_NONE));
  for (const auto matrix : {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                            CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES}) {
    set_preference(&preference, matrix, p.alignment);
  }
  std::array<cublasLtMatmulHeuristicResult_t, 32> candidates{};
  int found = 0;
  NOTNOT_CUBLAS_CHECK(cublasLtMatmulAlgoGetHeuristic(gemm.handle, &d.operation, &d.first, &d.second, &d.result,
                                                     &d.result, &preference, static_cast<int>(candidates.size()),
                                                     candidates.data(), &found));
  for (int i = 0; i < found; ++i) {
    const auto& candidate = candidates[i];
    if (candidate.state != CUBLAS_STATUS_SUCCESS) continue;
    int32_t splits = 0;
    NOTNOT_CUBLAS_CHECK(cublasLtMatmulAlgoConfigGetAttribute(&candidate.algo, CUBLASLT_ALGO_CONFIG_SPLITK_NUM, &splits,
                                                             sizeof splits, nullptr));
    if ((p.split_k || splits <= 1) && runs(gemm, smallest, candidate.algo) && runs(gemm, largest, candidate.algo)) {
      return candidate.algo;
    }
  }
  throw Error(fmt::format("cuBLASLt has no algorithm for [{}, {}] x [{}, {}] among {}", p.m, p.k, p.k, p.n, found));
}

cublasLtMatmulAlgo_t find_algorithm(Gemm& gemm, const Product& shape) {
  for (const auto& choice : gemm.choices) {
    if (choice.shape == shape) return choice.algorithm;
  }
  gemm.choices.push_back({shape, choose_algorithm(gemm, shape)});
  return gemm.choices.back().algorithm;
}

/// The largest power of two, up to a vector load's 16 bytes, that divides all three addresses.
uint32_t common_alignment(const float* a, const float* b, const float* c) {
  const auto bits = reinterpret_cast<uintptr_t>(a) | reinterpret_cast<uintptr_t>(b) | reinterpret_cast<uintptr_t>(c);
  return uint32_t{1} << std::min(std::countr_zero(bits), 4);
}

/// Computes the product `shape` with the algorithm that is chosen for `canonical`.
void multiply(const Device& device, const Product& shape, Product canonical, const float* first, const float* second,
              float* result, float beta) {
  NOTNOT_CUDA_CHECK(cudaSetDevice(device.ordinal));  // the handle is for this device
  Gemm& gemm = *static_cast<Gemm*>(device.gemm);
  canonical.alignment = common_alignment(first, second, result);
  const cublasLtMatmulAlgo_t algorithm = find_algorithm(gemm, canonical);
  Descriptors d(shape);
  const float alpha = 1;
  NOTNOT_CUBLAS_CHECK(cublasLtMatmul(gemm.handle, &d.operation, &alpha, first, &d.first, second, &d.second, &beta,
                                     result, &d.result, result, &d.result, &algorithm, gemm.workspace,
                                     kGemmWorkspaceBytes, device.stream));
}

}  // namespace

void* open_gemm() {
  auto gemm = std::make_unique<Gemm>();
  NOTNOT_CUBLAS_CHECK(cublasLtCreate(&gemm->handle));
  NOTNOT_CUDA_CHECK(cudaMalloc(&gemm->workspace, kGemmWorkspaceBytes));
  return gemm.release();
}

void close_gemm(void* gemm) noexcept { delete static_cast<Gemm*>(gemm); }

void matmul(const Device& device, const MatMul& args) {
  const ProfileRange range("matmul");
  Product shape;
  shape.m = args.columns;
  shape.first_stride = args.row_stride_of_b();
  shape.n = padded_rows(args.rows);
  shape.k = args.inner;
  shape.second_stride = args.row_stride_of_a();
  Product canonical = shape;
  canonical.n = kCanonicalRows;
  multiply(device, shape, canonical, args.b.data, args.a.data, args.c.data, args.accumulate ? 1.0F : 0.0F);
}

void weight_gradient(const Device& device, const WeightGradient& args) {
  const ProfileRange range("weight_gradient");
  Product shape;
  shape.m = args.inputs;
  shape.n = args.outputs;
  shape.k = args.rows;
  shape.first_stride = args.b_stride;
  shape.second_stride = args.a_stride;
  shape.second_transposed = true;
  shape.split_k = true;
  Product canonical = shape;
  canonical.k = static_cast<int64_t>(std::bit_ceil(static_cast<uint32_t>(args.rows)));
  multiply(device, shape, canonical, args.b.data, args.a.data, args.c.data, 1.0F);
}

}  // namespace notnot::cuda
