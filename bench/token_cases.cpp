// The projection of the embeddings of distinct ids.
#include "bench/kernel_sizes.h"
#include "kernels/cases/scaled_projection_case.h"
#include "kernels/cases/token_projection_case.h"
#include "kernels/gemm.h"

namespace notnot::bench {
namespace {

struct ProjectForward : TokenProjectionCase {
  ProjectForward(const Device& device, const Sizes& s)
      : TokenProjectionCase(device, random_token_projection_inputs(s.batch.ragged, s.vocabulary, s.embed,
                                                                   static_cast<int32_t>(s.p), 2)) {}
  void launch(const Device& device) { token_projection_forward(device, forward()); }
  std::vector<float> result() { return head(table.host(), int64_t{batch.batch().unique} * width); }
};

struct ProjectBackward : ProjectForward {
  using ProjectForward::ProjectForward;
  void launch(const Device& device) {
    token_projection_backward(device, backward());
    embedding_gradients(device, backward());
    add_projection_gradients(device, backward());
  }
  std::vector<float> result() {
    std::vector<float> all = dweight.host();
    const std::vector<float> more = head(drows.host(), int64_t{batch.batch().unique} * embed);
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
};

/// Along the path of an attribution: every token has a value and a derivative of its own.
struct Scale : ScaledProjectionCase {
  Scale(const Device& device, const Sizes& s)
      : ScaledProjectionCase(
            device, random_scaled_projection_inputs(static_cast<int32_t>(s.batch.n), static_cast<int32_t>(s.batch.u),
                                                    static_cast<int32_t>(s.p), Activation::identity, 2)) {}
  void launch(const Device& device) { scaled_projection_forward(device, forward()); }
  std::vector<float> result() { return values.host(); }
};

struct ScaleBackward : Scale {
  using Scale::Scale;
  void launch(const Device& device) { scaled_projection_backward(device, backward()); }
  std::vector<float> result() { return dscale.host(); }
};

/// The product of the projection for every token; the projection of distinct ids replaces it.
struct ProjectEveryToken {
  ProjectEveryToken(const Device& device, const Sizes& sizes)
      : s(sizes),
        words(device, random_floats(padded_rows(s.batch.n) * s.e, 2)),
        weight_transposed(device, random_weights(s.e * weight_stride(s.p), 3, s.e)),
        values(device, padded_rows(s.batch.n) * s.p) {}
  void launch(const Device& device) {
    matmul(device, {.rows = static_cast<int32_t>(s.batch.n),
                    .inner = s.embed,
                    .columns = static_cast<int32_t>(s.p),
                    .b_stride = weight_stride(s.p),
                    .a = words,
                    .b = weight_transposed,
                    .c = values});
  }
  std::vector<float> result() { return head(values.host(), s.batch.n * s.p); }
  const Sizes& s;
  Array words, weight_transposed, values;
};

}  // namespace

void add_token_cases(std::vector<KernelCase>& cases, const SizesPointer& s) {
  const auto n = static_cast<double>(s->batch.n), u = static_cast<double>(s->batch.u);
  const auto e = static_cast<double>(s->e), p = static_cast<double>(s->p);
  cases.push_back({.name = "token_projection_forward",
                   .shape = fmt::format("{} [U,{}]x[{},{}]", s->tokens(), s->e, s->e, s->p),
                   .flop = 2 * u * e * p,
                   .bytes = floats(u * e + e * p + u * p),
                   .tolerance = kSumTolerance,
                   .prepare = preparing<ProjectForward>(s)});
  cases.push_back({.name = "matmul, every token's projection (before: distinct ids)",
                   .shape = fmt::format("{} [N,{}]x[{},{}]", s->tokens(), s->e, s->e, s->p),
                   .flop = 2 * n * e * p,
                   .bytes = floats(n * e + e * p + n * p),
                   .tolerance = kSumTolerance,
                   .prepare = preparing<ProjectEveryToken>(s)});
  cases.push_back({.name = "token_projection_backward",
                   .shape = fmt::format("{} [U,{}]x[{},{}]", s->tokens(), s->p, s->p, s->e),
                   .flop = 4 * u * e * p,
                   .bytes = floats(n * p + u * p + 2 * u * e + 3 * e * p),
                   .tolerance = kSumTolerance,
                   .prepare = preparing<ProjectBackward>(s)});
  const std::string shape = fmt::format("{} [N,{}]", s->tokens(), s->p);
  cases.push_back({.name = "scaled_projection_forward",
                   .shape = shape,
                   .flop = 2 * n * p,
                   .bytes = floats(u * p + n * p),
                   .tolerance = kSumTolerance,
                   .prepare = preparing<Scale>(s)});
  cases.push_back({.name = "scaled_projection_backward",
                   .shape = shape,
                   .flop = 2 * n * p,
                   .bytes = floats(u * p + n * p),
                   .tolerance = kSumTolerance,
                   .prepare = preparing<ScaleBackward>(s)});
}

}  // namespace notnot::bench
