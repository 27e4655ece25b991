// cuBLASLt on the CPU. A product is computed by what its descriptors say, so a wrong leading dimension, a forgotten
// transpose or a promise that is not kept shows as on a GPU. Matrices, products and scalars are fp32; everything else
// is CUBLAS_STATUS_NOT_SUPPORTED.
//
// An element's sum over k has one order, whatever m and n are. The order differs between algorithms, and each algorithm
// has shapes, alignments and amounts of workspace for which it does not run, so that the choice between them matters.
#include <cublasLt.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

struct cublasLtContext {
  int device = notnot::simt::current_device;
};

namespace notnot::simt {
namespace {

// --- what lies in the opaque structs ---------------------------------------------------------------------------------
// Every struct begins with a mark of its own, so that one that was never initialised is not taken for another.
struct Layout {
  static constexpr uint64_t kMark = 0x6C61796F7574;
  uint64_t mark = kMark;
  int64_t rows = 0, columns = 0, stride = 0;
  cudaDataType type = CUDA_R_32F;
};
struct Operation {
  static constexpr uint64_t kMark = 0x70726F64756374;
  uint64_t mark = kMark;
  cublasComputeType_t compute_type = CUBLAS_COMPUTE_32F;
  cudaDataType scale_type = CUDA_R_32F;
  std::array<int32_t, 2> transposed = {CUBLAS_OP_N, CUBLAS_OP_N};  ///< a, b
};
struct Preference {
  static constexpr uint64_t kMark = 0x707265666572;
  uint64_t mark = kMark;
  uint64_t workspace = 0;
  uint32_t schemes = CUBLASLT_REDUCTION_SCHEME_MASK;
  std::array<uint32_t, 4> alignments = {256, 256, 256, 256};  ///< a, b, c, d
};
struct Algorithm {
  static constexpr uint64_t kMark = 0x616C676F;
  uint64_t mark = kMark;
  int32_t id = 0;  ///< the place in kKinds
  int32_t reserved = 0;
};

/// The struct in `opaque`; nothing if `opaque` is null or was not initialised.
template <class T, class Opaque>
std::optional<T> read(const Opaque* opaque) {
  static_assert(sizeof(T) <= sizeof(Opaque));
  if (opaque == nullptr) return std::nullopt;
  T value;
  std::memcpy(static_cast<void*>(&value), opaque, sizeof value);
  return value.mark == T::kMark ? std::optional(value) : std::nullopt;
}

template <class T, class Opaque>
cublasStatus_t write(Opaque* opaque, const T& value) {
  if (opaque == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(opaque, &value, sizeof value);
  return CUBLAS_STATUS_SUCCESS;
}

/// Copies an attribute's value, if there is one and it has the attribute's size.
template <class T>
cublasStatus_t assign(T& attribute, const void* value, size_t bytes) {
  if (value == nullptr || bytes != sizeof(T)) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(&attribute, value, sizeof(T));
  return CUBLAS_STATUS_SUCCESS;
}

// --- products --------------------------------------------------------------------------------------------------------
/// An operand after its transposition: element (i, j) lies at i * down + j * right.
struct Operand {
  int64_t down = 0, right = 0;
};
/// d = alpha a b + beta c: [m, k] x [k, n], column-major.
struct Product {
  int64_t m = 0, n = 0, k = 0;
  Operand a, b;
  int64_t c_stride = 0, d_stride = 0;
  int64_t strides = 0;  ///< the bits of all leading dimensions
};

bool is_transposition(int32_t value) { return value == CUBLAS_OP_N || value == CUBLAS_OP_T; }

/// The product that the descriptors describe, or why there is none.
cublasStatus_t describe(const cublasLtMatmulDescOpaque_t* operation_descriptor,
                        const std::array<const cublasLtMatrixLayoutOpaque_t*, 4>& descriptors, Product& product) {
  const auto operation = read<Operation>(operation_descriptor);
  if (!operation || !std::ranges::all_of(operation->transposed, is_transposition)) return CUBLAS_STATUS_INVALID_VALUE;
  std::array<Layout, 4> layouts;
  for (size_t i = 0; i < layouts.size(); ++i) {
    const auto layout = read<Layout>(descriptors[i]);
    if (!layout || layout->rows <= 0 || layout->columns <= 0 || layout->stride < layout->rows) {
      return CUBLAS_STATUS_INVALID_VALUE;
    }
    if (layout->type != CUDA_R_32F) return CUBLAS_STATUS_NOT_SUPPORTED;
    product.strides |= layout->stride;
    layouts[i] = *layout;
  }
  if (operation->compute_type != CUBLAS_COMPUTE_32F || operation->scale_type != CUDA_R_32F) {
    return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  const auto& [a, b, c, d] = layouts;
  const bool a_transposed = operation->transposed[0] == CUBLAS_OP_T,
             b_transposed = operation->transposed[1] == CUBLAS_OP_T;
  product.m = a_transposed ? a.columns : a.rows;
  product.k = a_transposed ? a.rows : a.columns;
  product.n = b_transposed ? b.rows : b.columns;
  product.a = a_transposed ? Operand{a.stride, 1} : Operand{1, a.stride};
  product.b = b_transposed ? Operand{b.stride, 1} : Operand{1, b.stride};
  product.c_stride = c.stride;
  product.d_stride = d.stride;
  const bool fits = (b_transposed ? b.columns : b.rows) == product.k && c.rows == product.m && d.rows == product.m &&
                    c.columns == product.n && d.columns == product.n;
  return fits ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

// --- algorithms ------------------------------------------------------------------------------------------------------
struct Kind {
  int64_t smallest_n = 1, smallest_k = 1;
  uint32_t alignment = 4;           ///< of all pointers, and up to 16 of all leading dimensions, in bytes
  int32_t splits = 1;               ///< parts of k whose sums go through the workspace
  size_t workspace_per_column = 0;  ///< bytes
  bool in_eights = false;           ///< eight products are summed before they are added to the sum
};
/// The fastest first, for a product of many columns. The last one computes every product. Those that need the promised alignment come before others
/// of their sort, so that a promise that is not kept does not pass unnoticed.
constexpr std::array<Kind, 8> kKinds = {{
    {.smallest_k = 256, .alignment = 16, .splits = 4},
    {.smallest_k = 64, .alignment = 16, .splits = 2, .in_eights = true},
    {.smallest_k = 64, .splits = 3},
    {.smallest_n = 128, .alignment = 16, .in_eights = true},
    {.alignment = 16, .workspace_per_column = 256},
    {.alignment = 128},
    {.alignment = 16, .in_eights = true},
    {},
}};
constexpr size_t kWorkspaceAlignment = 16;

size_t workspace_of(const Kind& kind, const Product& product) {
  const size_t columns = static_cast<size_t>(product.n),
               partial = columns * static_cast<size_t>(product.m) * sizeof(float);
  return kind.workspace_per_column * columns + (kind.splits > 1 ? static_cast<size_t>(kind.splits) * partial : 0);
}

bool runs(const Kind& kind, const Product& product) {
  const int64_t elements = std::min<int64_t>(kind.alignment, 16) / static_cast<int64_t>(sizeof(float));
  return product.n >= kind.smallest_n && product.k >= kind.smallest_k && product.strides % elements == 0;
}

bool offered(const Kind& kind, const Product& product, const Preference& preference) {
  const bool aligned =
      std::ranges::all_of(preference.alignments, [&](uint32_t promised) { return promised >= kind.alignment; });
  const bool reduces = kind.splits == 1 || (preference.schemes & CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE) != 0;
  return aligned && reduces && workspace_of(kind, product) <= preference.workspace && runs(kind, product);
}

/// The kind at this place of the order from fastest to slowest, which depends on the shape.
size_t in_order(size_t place, const Product& product) {
  constexpr int64_t kFewColumns = 96;
  return product.n >= kFewColumns ? place : (place + kKinds.size() - 1) % kKinds.size();
}

const Kind* kind_of(const cublasLtMatmulAlgo_t* opaque) {
  const auto algorithm = read<Algorithm>(opaque);
  const bool known = algorithm && algorithm->id >= 0 && static_cast<size_t>(algorithm->id) < kKinds.size();
  return known ? &kKinds[static_cast<size_t>(algorithm->id)] : nullptr;
}

// --- sums ------------------------------------------------------------------------------------------------------------
// A tile of the result is computed for kInner elements of k at a time: 32 KiB of `a`, packed, stay in the first-level
// cache while the tile's columns pass.
constexpr int64_t kRows = 256, kColumns = 64, kInner = 32;

/// sums[i] += a[0][i] b[0] + a[1][i] b[1] + ..., in this order. The arrays are this file's own, so that there is
/// nothing for AddressSanitizer to see; each element of the caller's matrices is read outside of this function.
template <bool kInEights>
__attribute__((no_sanitize("address", "undefined"))) void add_products(const float* __restrict a, const float* b,
                                                                       int64_t inner, int64_t rows,
                                                                       float* __restrict sums) {
  int64_t k = 0;
  for (; k + 8 <= inner; k += 8) {
    const float *a0 = a + k * kRows, *a4 = a0 + 4 * kRows;
    const float b0 = b[k], b1 = b[k + 1], b2 = b[k + 2], b3 = b[k + 3], b4 = b[k + 4], b5 = b[k + 5], b6 = b[k + 6],
                b7 = b[k + 7];
    for (int64_t i = 0; i < rows; ++i) {
      float sum = kInEights ? a0[i] * b0 : sums[i] + a0[i] * b0;
      sum += a0[kRows + i] * b1;
      sum += a0[2 * kRows + i] * b2;
      sum += a0[3 * kRows + i] * b3;
      sum += a4[i] * b4;
      sum += a4[kRows + i] * b5;
      sum += a4[2 * kRows + i] * b6;
      sum += a4[3 * kRows + i] * b7;
      sums[i] = kInEights ? sums[i] + sum : sum;
    }
  }
  for (; k < inner; ++k) {
    for (int64_t i = 0; i < rows; ++i) sums[i] += a[k * kRows + i] * b[k];
  }
}

struct Range {
  int64_t first, last;
  int64_t size() const { return last - first; }
};
/// Calls action(range) for pieces of at most `most` that cover `all`.
template <class Action>
void in_pieces(const Range& all, int64_t most, Action action) {
  for (int64_t first = all.first; first < all.last; first += most)
    action(Range{first, std::min(first + most, all.last)});
}

/// The sums over `inner` of the tile `rows` x `columns`, into tile[column][kRows].
void sum_tile(const Product& product, const float* a, const float* b, const Range& rows, const Range& columns,
              const Range& inner, bool in_eights, std::vector<float>& tile) {
  std::array<float, kRows * kInner> packed;
  std::array<float, kInner> factors;
  std::ranges::fill(tile, 0.0F);
  in_pieces(inner, kInner, [&](const Range& ks) {
    for (int64_t k = 0; k < ks.size(); ++k) {
      const float* from = a + rows.first * product.a.down + (ks.first + k) * product.a.right;
      for (int64_t i = 0; i < rows.size(); ++i) packed[static_cast<size_t>(k * kRows + i)] = from[i * product.a.down];
    }
    for (int64_t j = 0; j < columns.size(); ++j) {
      const float* from = b + ks.first * product.b.down + (columns.first + j) * product.b.right;
      for (int64_t k = 0; k < ks.size(); ++k) factors[static_cast<size_t>(k)] = from[k * product.b.down];
      const auto add = in_eights ? add_products<true> : add_products<false>;
      add(packed.data(), factors.data(), ks.size(), rows.size(), tile.data() + j * kRows);
    }
  });
}

/// Calls store(i, j, sum) for every element's sum over `inner`.
template <class Store>
void sum_all(const Product& product, const float* a, const float* b, const Range& inner, bool in_eights, Store store) {
  std::vector<float> tile(kRows * kColumns);
  in_pieces({0, product.n}, kColumns, [&](const Range& columns) {
    in_pieces({0, product.m}, kRows, [&](const Range& rows) {
      sum_tile(product, a, b, rows, columns, inner, in_eights, tile);
      for (int64_t j = 0; j < columns.size(); ++j) {
        for (int64_t i = 0; i < rows.size(); ++i) {
          store(rows.first + i, columns.first + j, tile[static_cast<size_t>(j * kRows + i)]);
        }
      }
    });
  });
}

struct Pointers {
  const float *a, *b, *c;
  float *d, *workspace;
};

void compute(const Product& product, const Kind& kind, const Pointers& at, float alpha, float beta) {
  const auto finish = [&](int64_t i, int64_t j, float sum) {
    // c is not read if beta is 0: it may hold NaN.
    at.d[i + j * product.d_stride] = beta == 0 ? alpha * sum : alpha * sum + beta * at.c[i + j * product.c_stride];
  };
  if (kind.splits == 1) return sum_all(product, at.a, at.b, {0, product.k}, kind.in_eights, finish);
  const int64_t elements = product.m * product.n, part = (product.k + kind.splits - 1) / kind.splits;
  for (int64_t split = 0; split < kind.splits; ++split) {
    const Range inner = {std::min(split * part, product.k), std::min((split + 1) * part, product.k)};
    sum_all(product, at.a, at.b, inner, kind.in_eights,
            [&](int64_t i, int64_t j, float sum) { at.workspace[split * elements + i + j * product.m] = sum; });
  }
  for (int64_t j = 0; j < product.n; ++j) {
    for (int64_t i = 0; i < product.m; ++i) {
      float sum = at.workspace[i + j * product.m];
      for (int64_t split = 1; split < kind.splits; ++split) sum += at.workspace[split * elements + i + j * product.m];
      finish(i, j, sum);
    }
  }
}

/// A handle is for the device that was current when it was created, and is to be used while that one is current.
cublasStatus_t check_handle(cublasLtHandle_t handle) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  use_current_device();
  return handle->device == current_device ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

bool aligned(const void* pointer, size_t bytes) { return reinterpret_cast<uintptr_t>(pointer) % bytes == 0; }

}  // namespace
}  // namespace notnot::simt

using namespace notnot::simt;  // NOLINT(google-build-using-namespace): what follows are cuBLASLt's own names

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  if (handle == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  use_current_device();
  return *handle = new cublasLtContext, CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  use_current_device();
  return delete handle, CUBLAS_STATUS_SUCCESS;
}

const char* cublasLtGetStatusName(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
      return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
      return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_EXECUTION_FAILED:
      return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "CUBLAS_STATUS_NOT_SUPPORTED";
  }
  return "CUBLAS_STATUS_UNKNOWN";
}

cublasStatus_t cublasLtMatmulDescInit(cublasLtMatmulDesc_t operation, cublasComputeType_t compute_type,
                                      cudaDataType scale_type) {
  return write(operation, Operation{.compute_type = compute_type, .scale_type = scale_type});
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t opaque, cublasLtMatmulDescAttributes_t attribute,
                                              const void* value, size_t bytes) {
  auto operation = read<Operation>(opaque);
  if (!operation) return CUBLAS_STATUS_INVALID_VALUE;
  const cublasStatus_t status =
      assign(operation->transposed[attribute == CUBLASLT_MATMUL_DESC_TRANSA ? 0 : 1], value, bytes);
  return status == CUBLAS_STATUS_SUCCESS ? write(opaque, *operation) : status;
}

cublasStatus_t cublasLtMatrixLayoutInit(cublasLtMatrixLayout_t layout, cudaDataType type, uint64_t rows,
                                        uint64_t columns, int64_t stride) {
  return write(layout, Layout{.rows = static_cast<int64_t>(rows),
                              .columns = static_cast<int64_t>(columns),
                              .stride = stride,
                              .type = type});
}

cublasStatus_t cublasLtMatmulPreferenceInit(cublasLtMatmulPreference_t preference) {
  return write(preference, Preference());
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t opaque,
                                                    cublasLtMatmulPreferenceAttributes_t attribute, const void* value,
                                                    size_t bytes) {
  auto preference = read<Preference>(opaque);
  if (!preference) return CUBLAS_STATUS_INVALID_VALUE;
  const auto set = [&] {
    switch (attribute) {
      case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
        return assign(preference->workspace, value, bytes);
      case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
        return assign(preference->schemes, value, bytes);
      default:
        return assign(preference->alignments[attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES], value, bytes);
    }
  };
  const cublasStatus_t status = set();
  return status == CUBLAS_STATUS_SUCCESS ? write(opaque, *preference) : status;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t opaque, int most,
                                              cublasLtMatmulHeuristicResult_t results[], int* found) {
  if (const cublasStatus_t status = check_handle(handle); status != CUBLAS_STATUS_SUCCESS) return status;
  const auto preference = read<Preference>(opaque);
  if (!preference || most <= 0 || results == nullptr || found == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  Product product;
  const cublasStatus_t status = describe(operation, {a, b, c, d}, product);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  // The first result is none, as cuBLASLt's may be: its algorithm cannot be used.
  results[0] = {.algo = {}, .workspaceSize = 0, .state = CUBLAS_STATUS_NOT_SUPPORTED, .wavesCount = 0, .reserved = {}};
  *found = 1;
  for (size_t place = 0; place < kKinds.size() && *found < most; ++place) {
    const size_t id = in_order(place, product);
    if (!offered(kKinds[id], product, *preference)) continue;
    cublasLtMatmulHeuristicResult_t& result = results[(*found)++];
    result = {.algo = {},
              .workspaceSize = workspace_of(kKinds[id], product),
              .state = CUBLAS_STATUS_SUCCESS,
              .wavesCount = 1,
              .reserved = {}};
    write(&result.algo, Algorithm{.id = static_cast<int32_t>(id)});
  }
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoCheck(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                                       cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
                                       cublasLtMatrixLayout_t d, const cublasLtMatmulAlgo_t* algorithm,
                                       cublasLtMatmulHeuristicResult_t* result) {
  if (const cublasStatus_t status = check_handle(handle); status != CUBLAS_STATUS_SUCCESS) return status;
  const Kind* kind = kind_of(algorithm);
  if (kind == nullptr || result == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  Product product;
  const cublasStatus_t status = describe(operation, {a, b, c, d}, product);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  if (!runs(*kind, product)) return CUBLAS_STATUS_NOT_SUPPORTED;
  result->workspaceSize = workspace_of(*kind, product);
  result->state = CUBLAS_STATUS_SUCCESS;
  result->wavesCount = 1;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoConfigGetAttribute(const cublasLtMatmulAlgo_t* algorithm,
                                                    cublasLtMatmulAlgoConfigAttributes_t attribute, void* value,
                                                    size_t bytes, size_t* written) {
  const Kind* kind = kind_of(algorithm);
  if (kind == nullptr || (bytes == 0 ? written == nullptr : value == nullptr || bytes != sizeof(int32_t))) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const int32_t scheme = kind->splits > 1 ? CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE : CUBLASLT_REDUCTION_SCHEME_NONE;
  const int32_t attribute_value = attribute == CUBLASLT_ALGO_CONFIG_SPLITK_NUM         ? kind->splits
                                  : attribute == CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME ? scheme
                                                                                       : read<Algorithm>(algorithm)->id;
  if (bytes != 0) std::memcpy(value, &attribute_value, sizeof attribute_value);
  if (written != nullptr) *written = sizeof attribute_value;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation, const void* alpha, const void* a,
                              cublasLtMatrixLayout_t a_layout, const void* b, cublasLtMatrixLayout_t b_layout,
                              const void* beta, const void* c, cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algorithm, void* workspace,
                              size_t workspace_bytes, cudaStream_t stream) {
  if (const cublasStatus_t status = check_handle(handle); status != CUBLAS_STATUS_SUCCESS) return status;
  const Kind* kind = kind_of(algorithm);
  for (const void* pointer : {static_cast<const void*>(kind), alpha, a, b, beta, c, static_cast<const void*>(d)}) {
    if (pointer == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  }
  Product product;
  const cublasStatus_t status = describe(operation, {a_layout, b_layout, c_layout, d_layout}, product);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  if (!runs(*kind, product)) return CUBLAS_STATUS_NOT_SUPPORTED;
  for (const void* pointer : {a, b, c, static_cast<const void*>(d)}) {
    if (!aligned(pointer, kind->alignment)) return CUBLAS_STATUS_INVALID_VALUE;
  }
  if (c == d && product.c_stride != product.d_stride) return CUBLAS_STATUS_INVALID_VALUE;
  const size_t needed = workspace_of(*kind, product);
  if (needed > workspace_bytes) return CUBLAS_STATUS_INVALID_VALUE;
  if (needed > 0 && (workspace == nullptr || !aligned(workspace, kWorkspaceAlignment))) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const auto bytes = [](const Operand& operand, int64_t down, int64_t right) {
    return static_cast<size_t>((down - 1) * operand.down + (right - 1) * operand.right + 1) * sizeof(float);
  };
  const auto in_memory = [](const void* pointer, size_t size) {
    return check_memory(pointer, size, current_device, "a matrix product");
  };
  const bool fits = in_memory(a, bytes(product.a, product.m, product.k)) &&
                    in_memory(b, bytes(product.b, product.k, product.n)) &&
                    in_memory(c, bytes({1, product.c_stride}, product.m, product.n)) &&
                    in_memory(d, bytes({1, product.d_stride}, product.m, product.n)) && in_memory(workspace, needed);
  if (!fits || !is_current(stream)) return CUBLAS_STATUS_EXECUTION_FAILED;
  const Pointers at = {static_cast<const float*>(a), static_cast<const float*>(b), static_cast<const float*>(c),
                       static_cast<float*>(d), static_cast<float*>(workspace)};
  enqueue(stream, [=, alpha_value = *static_cast<const float*>(alpha), beta_value = *static_cast<const float*>(beta)] {
    compute(product, *kind, at, alpha_value, beta_value);
  });
  return CUBLAS_STATUS_SUCCESS;
}
