// Products, sums and moves of matrices.
#include "bench/kernel_sizes.h"
#include "kernels/gemm.h"
#include "kernels/matrix.h"

namespace notnot::bench {
namespace {

struct Matrices {
  Matrices(const Device& device, const Sizes& sizes)
      : s(sizes),
        states(device, random_floats(padded_rows(s.batch.n) * s.d, 2)),
        weight(device, random_weights(s.d * s.a, 3, s.d)),
        products(device, random_floats(padded_rows(s.batch.n) * s.a, 4)),
        gradient(device, std::vector<float>(s.d * s.a)),
        rows(device, s.batch.ragged.unique_row),
        gathered(device, s.batch.n * s.d),
        sums(device, std::vector<float>(s.d)),
        workspace(device, column_sum_workspace(s.batch.n, s.d)) {}
  int32_t n() const { return s.batch.n; }
  int32_t d() const { return s.d; }
  int32_t a() const { return s.a; }
  const Sizes& s;
  Array states, weight, products, gradient;
  DeviceArray<int32_t> rows;
  Array gathered, sums, workspace;
};

struct Multiply : Matrices {
  using Matrices::Matrices;
  void launch(const Device& device) {
    matmul(device, {.rows = n(), .inner = d(), .columns = a(), .a = states, .b = weight, .c = products});
  }
  std::vector<float> result() { return head(products.host(), s.batch.n * s.a); }
};

struct GradientOfWeight : Matrices {
  using Matrices::Matrices;
  void launch(const Device& device) {
    weight_gradient(device, {.rows = n(),
                             .outputs = a(),
                             .inputs = d(),
                             .a_stride = a(),
                             .b_stride = d(),
                             .a = products,
                             .b = states,
                             .c = gradient});
  }
  std::vector<float> result() { return gradient.host(); }
};

struct Gather : Matrices {
  using Matrices::Matrices;
  void launch(const Device& device) {
    gather_rows(device, {.count = n(), .columns = d(), .from_rows = n(), .from = states, .rows = rows, .to = gathered});
  }
  std::vector<float> result() { return gathered.host(); }
};

struct SumColumns : Matrices {
  using Matrices::Matrices;
  void launch(const Device& device) {
    ColumnSums args{.parts = {}, .workspace = workspace};
    args.parts[0] = {.rows = n(), .columns = d(), .values = states, .sums = sums};
    column_sums(device, args);
  }
  std::vector<float> result() { return sums.host(); }
};

struct DotRows : Matrices {
  DotRows(const Device& device, const Sizes& sizes)
      : Matrices(device, sizes), vector(device, random_weights(s.d, 5, s.d)), dots(device, s.batch.n) {}
  void launch(const Device& device) {
    row_dot(device, {.rows = n(), .columns = d(), .values = states, .vector = vector, .products = dots});
  }
  std::vector<float> result() { return dots.host(); }
  Array vector, dots;
};

struct NormRows : DotRows {
  using DotRows::DotRows;
  void launch(const Device& device) {
    row_norm(device, {.rows = n(), .columns = d(), .values = states, .norms = dots});
  }
};

struct TransposeWeight {
  TransposeWeight(const Device& device, const Sizes& sizes)
      : s(sizes), from(device, random_floats(s.p * s.e, 2)), to(device, s.p * s.e) {}
  void launch(const Device& device) {
    transpose(device, {.rows = static_cast<int32_t>(s.p), .columns = s.embed, .from = from, .to = to});
  }
  std::vector<float> result() { return to.host(); }
  const Sizes& s;
  Array from, to;
};

}  // namespace

void add_matrix_cases(std::vector<KernelCase>& cases, const SizesPointer& s) {
  const auto n = static_cast<double>(s->batch.n), d = static_cast<double>(s->d), a = static_cast<double>(s->a);
  const std::string shape = fmt::format("{} [N,{}]", s->tokens(), s->d);
  cases.push_back({.name = "matmul",
                   .shape = fmt::format("{}x[{},{}]", shape, s->d, s->a),
                   .flop = 2 * n * d * a,
                   .bytes = floats(n * d + d * a + n * a),
                   .tolerance = kSumTolerance,
                   .prepare = preparing<Multiply>(s)});
  cases.push_back({.name = "weight_gradient",
                   .shape = fmt::format("{} [{},N]x[N,{}]", s->tokens(), s->a, s->d),
                   .flop = 2 * n * d * a,
                   .bytes = floats(n * d + 2 * d * a + n * a),
                   .tolerance = kSumTolerance,
                   .prepare = preparing<GradientOfWeight>(s)});
  cases.push_back({.name = "gather_rows", .shape = shape, .bytes = floats(2 * n * d), .prepare = preparing<Gather>(s)});
  cases.push_back({.name = "column_sums",
                   .shape = shape,
                   .bytes = floats(n * d),
                   .tolerance = kSumTolerance,
                   .prepare = preparing<SumColumns>(s)});
  cases.push_back({.name = "row_dot",
                   .shape = shape,
                   .flop = 2 * n * d,
                   .bytes = floats(n * d + d + n),
                   .tolerance = kSumTolerance,
                   .prepare = preparing<DotRows>(s)});
  cases.push_back({.name = "row_norm",
                   .shape = shape,
                   .flop = 2 * n * d,
                   .bytes = floats(n * d + n),
                   .tolerance = kSumTolerance,
                   .prepare = preparing<NormRows>(s)});
  cases.push_back({.name = "transpose",
                   .shape = fmt::format("{} [{},{}]", s->name, s->p, s->e),
                   .bytes = floats(2.0 * static_cast<double>(s->p * s->e)),
                   .prepare = preparing<TransposeWeight>(s)});
}

}  // namespace notnot::bench
