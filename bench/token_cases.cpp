// Distinct ids and the projection of their embeddings.
#include "bench/kernel_sizes.h"
#include "kernels/gemm.h"
#include "kernels/token_projection.h"
#include "kernels/unique_tokens.h"

namespace notnot::bench {
namespace {

struct FindUnique {
  FindUnique(const Device& device, const Sizes& sizes)
      : s(sizes),
        ids(device, s.batch.ragged.token_ids),
        unique_ids(device, s.batch.u),
        row(device, s.batch.n),
        offsets(device, s.batch.u + 1),
        occurrences(device, s.batch.n),
        workspace(device, unique_tokens_workspace(s.batch.n, s.vocabulary)) {}
  void launch(const Device& device) {
    unique_tokens(device, {.tokens = static_cast<int32_t>(s.batch.n),
                           .vocabulary = s.vocabulary,
                           .unique = static_cast<int32_t>(s.batch.u),
                           .token_ids = ids,
                           .unique_ids = unique_ids,
                           .unique_row = row,
                           .occurrence_offsets = offsets,
                           .occurrences = occurrences,
                           .workspace = workspace});
  }
  std::vector<float> result() {
    std::vector<float> all;
    for (const auto* array : {&unique_ids, &row, &offsets, &occurrences}) {
      for (const int32_t value : array->host()) all.push_back(static_cast<float>(value));
    }
    return all;
  }
  const Sizes& s;
  DeviceArray<int32_t> ids, unique_ids, row, offsets, occurrences, workspace;
};

struct ProjectForward {
  ProjectForward(const Device& device, const Sizes& sizes)
      : s(sizes),
        rows(device, random_floats(padded_rows(s.batch.u) * s.e, 2)),
        weight_transposed(normal_scale(device, s.e * weight_stride(s.p), 3, s.h)),
        bias(normal_scale(device, s.p, 4, s.h)),
        table(device, padded_rows(s.batch.u) * s.p) {}
  void launch(const Device& device) {
    token_projection_forward(device, {.count = static_cast<int32_t>(s.batch.u),
                                      .embed = s.embed,
                                      .width = static_cast<int32_t>(s.p),
                                      .rows = rows,
                                      .weight_transposed = weight_transposed,
                                      .bias = bias,
                                      .second_bias = {},
                                      .table = table});
  }
  std::vector<float> result() { return head(table.host(), s.batch.u * s.p); }
  const Sizes& s;
  Array rows, weight_transposed, bias, table;
};

/// The product of the projection for every token, which is what the distinct ids replace.
struct ProjectEveryToken {
  ProjectEveryToken(const Device& device, const Sizes& sizes)
      : s(sizes),
        words(device, random_floats(padded_rows(s.batch.n) * s.e, 2)),
        weight_transposed(normal_scale(device, s.e * weight_stride(s.p), 3, s.h)),
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

struct ProjectBackward {
  ProjectBackward(const Device& device, const Sizes& sizes)
      : s(sizes),
        batch(device, s.batch.ragged),
        rows(device, random_floats(padded_rows(s.batch.u) * s.e, 2)),
        table(device, padded_rows(s.batch.u) * s.p),
        weight(normal_scale(device, s.p * s.e, 3, s.h)),
        dvalues(device, random_floats(s.batch.n * s.p, 4)),
        dtable(device, padded_rows(s.batch.u) * s.p),
        dweight(device, std::vector<float>(static_cast<size_t>(s.p * s.e))),
        dbias(device, std::vector<float>(static_cast<size_t>(s.p))),
        drows(device, padded_rows(s.batch.u) * s.e),
        workspace(device, column_sum_workspace(s.batch.u, s.p)) {}
  void launch(const Device& device) {
    token_projection_backward(device, {.batch = batch.batch(),
                                       .embed = s.embed,
                                       .width = static_cast<int32_t>(s.p),
                                       .rows = rows,
                                       .table = table,
                                       .weight = weight,
                                       .dvalues = dvalues,
                                       .dtable = dtable,
                                       .dweight = dweight,
                                       .dbias = dbias,
                                       .second_dbias = {},
                                       .drows = drows,
                                       .workspace = workspace});
  }
  std::vector<float> result() {
    std::vector<float> all = dweight.host();
    const std::vector<float> more = head(drows.host(), s.batch.u * s.e);
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  const Sizes& s;
  DeviceRagged batch;
  Array rows, table, weight, dvalues, dtable, dweight, dbias, drows, workspace;
};

}  // namespace

void add_token_cases(std::vector<KernelCase>& cases, const SizesPointer& s) {
  const auto n = static_cast<double>(s->batch.n), u = static_cast<double>(s->batch.u);
  const auto e = static_cast<double>(s->e), p = static_cast<double>(s->p);
  cases.push_back({.name = "unique_tokens",
                   .shape = s->tokens(),
                   .bytes = floats(3 * n + 2 * u),
                   .prepare = preparing<FindUnique>(s)});
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
}

}  // namespace notnot::bench
