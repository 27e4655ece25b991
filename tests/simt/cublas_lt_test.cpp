// The emulated cuBLASLt computes what its descriptors say, and refuses what cuBLASLt's documentation refuses.
#include <cublasLt.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "kernels/base/launch.cuh"

namespace notnot {
namespace {

constexpr size_t kMegabyte = size_t{1} << 20;

/// A column-major matrix. What lies between its columns is NaN.
struct Matrix {
  int64_t rows, columns, stride;
  std::vector<float> values;

  Matrix(int64_t rows_, int64_t columns_, int64_t stride_) : rows(rows_), columns(columns_), stride(stride_) {
    values.assign(static_cast<size_t>(stride * columns), std::numeric_limits<float>::quiet_NaN());
    for (int64_t j = 0; j < columns; ++j) {
      for (int64_t i = 0; i < rows; ++i) values[index(i, j)] = static_cast<float>((7 * i + 3 * j + rows) % 11 - 5);
    }
  }
  size_t index(int64_t i, int64_t j) const { return static_cast<size_t>(i + j * stride); }
};

/// Device memory that holds `values` from the byte `shift` on.
struct Memory {
  std::unique_ptr<void, cudaError_t (*)(void*)> owner{nullptr, cudaFree};
  float* data = nullptr;

  Memory(const std::vector<float>& values, size_t shift) {
    void* memory = nullptr;
    cudaMalloc(&memory, values.size() * sizeof(float) + shift);
    owner.reset(memory);
    data = reinterpret_cast<float*>(static_cast<std::byte*>(memory) + shift);
    std::copy(values.begin(), values.end(), data);
  }
};

/// c = alpha op(a) op(b) + beta c, in place. Every part of the call can be made wrong.
struct Call {
  int64_t m, n, k;
  Matrix a, b, c;
  std::array<cublasOperation_t, 2> operations = {CUBLAS_OP_N, CUBLAS_OP_N};
  float alpha = 2, beta = 3;
  cublasComputeType_t compute_type = CUBLAS_COMPUTE_32F;
  cudaDataType type_of_a = CUDA_R_32F;
  uint32_t alignment = 4;  ///< what is promised
  uint32_t schemes = CUBLASLT_REDUCTION_SCHEME_NONE;
  size_t workspace_bytes = kMegabyte;
  std::array<size_t, 4> shifts = {0, 0, 0, 0};  ///< bytes behind an aligned address: a, b, c, workspace

  std::unique_ptr<cublasLtContext, cublasStatus_t (*)(cublasLtHandle_t)> handle{nullptr, cublasLtDestroy};
  cublasLtMatmulDescOpaque_t operation{};
  cublasLtMatrixLayoutOpaque_t a_layout{}, b_layout{}, c_layout{};

  explicit Call(int64_t m_ = 5, int64_t n_ = 3, int64_t k_ = 4, bool a_transposed = false, bool b_transposed = false)
      : m(m_),
        n(n_),
        k(k_),
        a(a_transposed ? k : m, a_transposed ? m : k, (a_transposed ? k : m) + 4),
        b(b_transposed ? n : k, b_transposed ? k : n, (b_transposed ? n : k) + 8),
        c(m, n, m) {
    if (a_transposed) operations[0] = CUBLAS_OP_T;
    if (b_transposed) operations[1] = CUBLAS_OP_T;
    cublasLtHandle_t created = nullptr;
    cublasLtCreate(&created);
    handle.reset(created);
  }
  void describe() {
    cublasLtMatmulDescInit(&operation, compute_type, CUDA_R_32F);
    cublasLtMatmulDescSetAttribute(&operation, CUBLASLT_MATMUL_DESC_TRANSA, &operations[0], sizeof operations[0]);
    cublasLtMatmulDescSetAttribute(&operation, CUBLASLT_MATMUL_DESC_TRANSB, &operations[1], sizeof operations[1]);
    const auto init = [](cublasLtMatrixLayoutOpaque_t& layout, const Matrix& matrix, cudaDataType type) {
      cublasLtMatrixLayoutInit(&layout, type, static_cast<uint64_t>(matrix.rows), static_cast<uint64_t>(matrix.columns),
                               matrix.stride);
    };
    init(a_layout, a, type_of_a);
    init(b_layout, b, CUDA_R_32F);
    init(c_layout, c, CUDA_R_32F);
  }
  cublasStatus_t find(std::vector<cublasLtMatmulHeuristicResult_t>& results) {
    describe();
    cublasLtMatmulPreferenceOpaque_t preference;
    cublasLtMatmulPreferenceInit(&preference);
    const auto set = [&](int attribute, auto value) {
      cublasLtMatmulPreferenceSetAttribute(&preference, static_cast<cublasLtMatmulPreferenceAttributes_t>(attribute),
                                           &value, sizeof value);
    };
    set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, uint64_t{workspace_bytes});
    set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, schemes);
    for (int i = 0; i < 4; ++i) set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES + i, alignment);
    results.resize(32);
    int found = 0;
    const cublasStatus_t status =
        cublasLtMatmulAlgoGetHeuristic(handle.get(), &operation, &a_layout, &b_layout, &c_layout, &c_layout,
                                       &preference, static_cast<int>(results.size()), results.data(), &found);
    results.resize(static_cast<size_t>(found));
    return status;
  }
  /// The candidates that can be used.
  std::vector<cublasLtMatmulHeuristicResult_t> candidates() {
    std::vector<cublasLtMatmulHeuristicResult_t> results;
    REQUIRE(find(results) == CUBLAS_STATUS_SUCCESS);
    std::erase_if(results, [](const auto& result) { return result.state != CUBLAS_STATUS_SUCCESS; });
    REQUIRE(!results.empty());
    return results;
  }
  /// The status that a check of the algorithm for this shape returns.
  cublasStatus_t check(const cublasLtMatmulAlgo_t& algorithm) {
    describe();
    cublasLtMatmulHeuristicResult_t result{};
    return cublasLtMatmulAlgoCheck(handle.get(), &operation, &a_layout, &b_layout, &c_layout, &c_layout, &algorithm,
                                   &result);
  }
  /// Computes the product, and takes it into c.values.
  cublasStatus_t run(const cublasLtMatmulAlgo_t& algorithm) {
    describe();
    const Memory on_a(a.values, shifts[0]), on_b(b.values, shifts[1]), on_c(c.values, shifts[2]);
    const Memory workspace(std::vector<float>(workspace_bytes / sizeof(float)), shifts[3]);
    const cublasStatus_t status =
        cublasLtMatmul(handle.get(), &operation, &alpha, on_a.data, &a_layout, on_b.data, &b_layout, &beta, on_c.data,
                       &c_layout, on_c.data, &c_layout, &algorithm, workspace.data, workspace_bytes, nullptr);
    if (status == CUBLAS_STATUS_SUCCESS) std::copy_n(on_c.data, c.values.size(), c.values.begin());
    return status;
  }
  cublasStatus_t run_fastest() { return run(candidates().front().algo); }
  /// What c must become, from the definition. All numbers are small and whole, so every order gives the same sum.
  std::vector<float> expected() const {
    std::vector<float> result = c.values;
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        float sum = 0;
        for (int64_t l = 0; l < k; ++l) {
          sum += a.values[operations[0] == CUBLAS_OP_T ? a.index(l, i) : a.index(i, l)] *
                 b.values[operations[1] == CUBLAS_OP_T ? b.index(j, l) : b.index(l, j)];
        }
        float& element = result[c.index(i, j)];
        element = beta == 0 ? alpha * sum : alpha * sum + beta * element;
      }
    }
    return result;
  }
};

TEST_CASE("a product is what its descriptors say, by every algorithm") {
  size_t most = 0;
  for (const auto& [m, n, k] :
       std::vector<std::array<int64_t, 3>>{{5, 3, 4}, {1, 1, 1}, {300, 70, 41}, {16, 128, 1024}, {40, 132, 260}}) {
    for (const int variant : {0, 1, 2, 3, 4, 5, 6, 7}) {
      Call call(m, n, k, (variant & 1) != 0, (variant & 2) != 0);
      if ((variant & 4) != 0) {
        call.beta = 0;
        std::ranges::fill(call.c.values, std::numeric_limits<float>::quiet_NaN());  // is not read then
      }
      call.schemes = CUBLASLT_REDUCTION_SCHEME_MASK;
      call.alignment = 256;
      const std::vector<float> before = call.c.values, expected = call.expected();
      const auto candidates = call.candidates();
      for (const auto& candidate : candidates) {
        call.c.values = before;
        CHECK(call.run(candidate.algo) == CUBLAS_STATUS_SUCCESS);
        CHECK(call.c.values == expected);
      }
      most = std::max(most, candidates.size());
    }
  }
  CHECK(most == 8);
}

TEST_CASE("alpha and beta are read when a product is captured, matrices when it is launched") {
  cudaStream_t stream = nullptr;
  cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
  Call call(1, 1, 1);
  call.describe();
  const auto algorithm = call.candidates().front().algo;
  std::vector<float> a = {0}, b = {5}, c = {7};
  cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal);
  CHECK(cublasLtMatmul(call.handle.get(), &call.operation, &call.alpha, a.data(), &call.a_layout, b.data(),
                       &call.b_layout, &call.beta, c.data(), &call.c_layout, c.data(), &call.c_layout, &algorithm,
                       nullptr, 0, stream) == CUBLAS_STATUS_SUCCESS);
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t work = nullptr;
  cudaStreamEndCapture(stream, &graph);
  cudaGraphInstantiate(&work, graph, 0);
  CHECK(c[0] == 7);
  call.alpha = call.beta = 0;
  for (const float expected : {2 * 5 + 3 * 7, 4 * 5 + 3 * 31}) {
    a[0] += 1;
    cudaGraphLaunch(work, stream);
    cudaStreamSynchronize(stream);
    CHECK(c[0] == expected);
  }
  cudaGraphExecDestroy(work);
  cudaGraphDestroy(graph);
  cudaStreamDestroy(stream);
}

TEST_CASE("candidates keep to the preferences, and one of them is none") {
  Call call(8, 8, 64);
  std::vector<cublasLtMatmulHeuristicResult_t> results;
  REQUIRE(call.find(results) == CUBLAS_STATUS_SUCCESS);
  CHECK(results[0].state != CUBLAS_STATUS_SUCCESS);
  CHECK(call.run(results[0].algo) == CUBLAS_STATUS_INVALID_VALUE);
  const auto most_splits = [&] {
    int32_t most = 0;
    for (const auto& candidate : call.candidates()) {
      int32_t splits = 0;
      CHECK(candidate.workspaceSize <= call.workspace_bytes);
      CHECK(cublasLtMatmulAlgoConfigGetAttribute(&candidate.algo, CUBLASLT_ALGO_CONFIG_SPLITK_NUM, &splits,
                                                 sizeof splits, nullptr) == CUBLAS_STATUS_SUCCESS);
      most = std::max(most, splits);
    }
    return most;
  };
  CHECK(most_splits() == 1);
  call.schemes = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
  CHECK(most_splits() == 3);
  call.workspace_bytes = 2 * 8 * 8 * sizeof(float) - 1;
  CHECK(most_splits() == 1);
}

TEST_CASE("an algorithm does not run for every shape, and says how much workspace it needs") {
  Call large(8, 128, 64), small(8, 127, 64);
  large.alignment = small.alignment = 16;
  const auto wide = large.candidates().front().algo;
  CHECK(large.check(wide) == CUBLAS_STATUS_SUCCESS);
  CHECK(small.check(wide) == CUBLAS_STATUS_NOT_SUPPORTED);
  CHECK(small.run(wide) == CUBLAS_STATUS_NOT_SUPPORTED);

  Call split(8, 96, 64);
  split.schemes = CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
  const auto candidate = split.candidates().front();
  CHECK(candidate.workspaceSize == 3 * 8 * 96 * sizeof(float));
  CHECK(Call(8, 96, 63).check(candidate.algo) == CUBLAS_STATUS_NOT_SUPPORTED);
  split.workspace_bytes = candidate.workspaceSize;
  CHECK(split.run(candidate.algo) == CUBLAS_STATUS_SUCCESS);
  split.shifts[3] = 8;
  CHECK(split.run(candidate.algo) == CUBLAS_STATUS_INVALID_VALUE);
  split.shifts[3] = 0;
  split.workspace_bytes -= sizeof(float);
  CHECK(split.run(candidate.algo) == CUBLAS_STATUS_INVALID_VALUE);
}

TEST_CASE("a promise of alignment that is not kept is refused") {
  for (const size_t broken : {0, 1, 2}) {
    Call call(8, 96, 8);
    call.alignment = 16;
    call.shifts[broken] = 4;
    CHECK(call.run_fastest() == CUBLAS_STATUS_INVALID_VALUE);
    call.alignment = 4;
    const std::vector<float> expected = call.expected();
    CHECK(call.run_fastest() == CUBLAS_STATUS_SUCCESS);
    CHECK(call.c.values == expected);
  }
}

TEST_CASE("a wrong leading dimension") {
  Call call;
  call.a.stride = call.m - 1;
  std::vector<cublasLtMatmulHeuristicResult_t> results;
  CHECK(call.find(results) == CUBLAS_STATUS_INVALID_VALUE);
  call.a.stride = call.m + 4;
  const std::vector<float> expected = call.expected();
  call.a.stride = call.m;  // possible, but not how the values lie
  CHECK(call.run_fastest() == CUBLAS_STATUS_SUCCESS);
  CHECK(call.c.values != expected);
}

TEST_CASE("a forgotten transpose") {
  Call rectangular(5, 3, 4, false, true), square(4, 4, 4, false, true);
  const std::vector<float> expected = square.expected();
  rectangular.operations[1] = square.operations[1] = CUBLAS_OP_N;
  std::vector<cublasLtMatmulHeuristicResult_t> results;
  CHECK(rectangular.find(results) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(square.run_fastest() == CUBLAS_STATUS_SUCCESS);
  CHECK(square.c.values != expected);
}

TEST_CASE("calls that cuBLASLt refuses") {
  const auto algorithm = Call().candidates().front().algo;
  Call call;
  call.compute_type = CUBLAS_COMPUTE_32F_FAST_TF32;
  CHECK(call.run(algorithm) == CUBLAS_STATUS_NOT_SUPPORTED);
  call.compute_type = CUBLAS_COMPUTE_32F;
  call.type_of_a = CUDA_R_16F;
  CHECK(call.run(algorithm) == CUBLAS_STATUS_NOT_SUPPORTED);
  call.type_of_a = CUDA_R_32F;
  CHECK(call.run(algorithm) == CUBLAS_STATUS_SUCCESS);
  CHECK(call.run({}) == CUBLAS_STATUS_INVALID_VALUE);

  call.describe();
  cublasLtMatrixLayoutOpaque_t other_stride;
  cublasLtMatrixLayoutInit(&other_stride, CUDA_R_32F, 5, 3, 6);
  std::vector<float> c(18);
  const auto multiply = [&](cublasLtHandle_t handle, const float* alpha, cublasLtMatrixLayout_t d_layout) {
    return cublasLtMatmul(handle, &call.operation, alpha, call.a.values.data(), &call.a_layout, call.b.values.data(),
                          &call.b_layout, &call.beta, c.data(), &call.c_layout, c.data(), d_layout, &algorithm, nullptr,
                          0, nullptr);
  };
  CHECK(multiply(call.handle.get(), &call.alpha, &call.c_layout) == CUBLAS_STATUS_SUCCESS);
  CHECK(multiply(nullptr, &call.alpha, &call.c_layout) == CUBLAS_STATUS_NOT_INITIALIZED);
  CHECK(multiply(call.handle.get(), nullptr, &call.c_layout) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(multiply(call.handle.get(), &call.alpha, nullptr) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(multiply(call.handle.get(), &call.alpha, &other_stride) == CUBLAS_STATUS_INVALID_VALUE);  // in place
}

}  // namespace
}  // namespace notnot
