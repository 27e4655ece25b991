// The attention head in evaluation, and in training of a classifier, of an adversary, and of adversaries side by side.
#include "bench/kernel_sizes.h"
#include "kernels/cases/attention_head_case.h"
#include "kernels/cases/leave_one_out_case.h"

namespace notnot::bench {
namespace {

struct HeadForward : AttentionHeadCase {
  HeadForward(const Device& device, const Sizes& s, Objective objective = Objective::classify, int32_t members = 1)
      : AttentionHeadCase(device, some_inputs(s, objective, members)) {}
  void launch(const Device& device) { attention_head_forward(device, forward()); }
  std::vector<float> result() { return context.host(); }

 private:
  static AttentionHeadInputs some_inputs(const Sizes& s, Objective objective, int32_t members) {
    AttentionHeadInputs inputs = random_attention_head_inputs(
        s.batch.ragged, static_cast<int32_t>(s.d), static_cast<int32_t>(s.a), AttentionKind::learned, objective, 2);
    if (members > 1) put_side_by_side(inputs, members, 0, 3);
    return inputs;
  }
};

template <Objective kObjective, int32_t kMembers = 1>
struct HeadTrain : HeadForward {
  HeadTrain(const Device& device, const Sizes& s) : HeadForward(device, s, kObjective, kMembers) {}
  void launch(const Device& device) {
    attention_head_train(device, train());
    add_head_gradients(device, train());
  }
  std::vector<float> result() { return head(dhidden.host(), log_attention.span().size * inputs.width); }
};

/// Of one text as long as the batch's longest: all its runs.
struct LeaveOut : LeaveOneOutCase {
  LeaveOut(const Device& device, const Sizes& s)
      : LeaveOneOutCase(device, random_leave_one_out_inputs({s.batch.ragged.longest}, static_cast<int32_t>(s.h),
                                                            static_cast<int32_t>(s.a), 2)) {}
  void launch(const Device& device) { leave_one_out_sums(device, arguments()); }
  std::vector<float> result() {
    std::vector<float> values;
    for (const AttentionSums& of_run : sums.host())
      values.push_back(static_cast<float>(of_run.products / of_run.weights));
    return values;
  }
};

}  // namespace

void add_head_cases(std::vector<KernelCase>& cases, const SizesPointer& s) {
  const auto n = static_cast<double>(s->batch.n), d = static_cast<double>(s->d), a = static_cast<double>(s->a);
  const std::string shape = fmt::format("{} B={} D={} A={}", s->tokens(), s->batch.b, s->d, s->a);
  const KernelCase train = {.name = "attention_head_train, classify",
                            .shape = shape,
                            .flop = 6 * n * d * a,
                            .bytes = floats(2 * n * d + 3 * d * a),
                            .tolerance = kSumTolerance,
                            .prepare = preparing<HeadTrain<Objective::classify>>(s)};
  KernelCase adversary = train;
  adversary.name = "attention_head_train, adversary";
  adversary.prepare = preparing<HeadTrain<Objective::adversary>>(s);
  KernelCase side_by_side = adversary;  // beside each step's attention_head_forward
  side_by_side.name = "attention_head_train, 5 side by side";
  side_by_side.bytes += floats(4 * n);
  side_by_side.prepare = preparing<HeadTrain<Objective::adversary, 5>>(s);
  cases.push_back({.name = "attention_head_forward",
                   .shape = shape,
                   .flop = 2 * n * d * a,
                   .bytes = floats(n * d + d * a + n),
                   .tolerance = kSumTolerance,
                   .prepare = preparing<HeadForward>(s)});
  // Both directions: a sum over the attention's units, two over those of the state; all is read once.
  const double longest = s->batch.ragged.longest, words = longest - 2, pairs = words * (words - 1), h = d / 2;
  cases.push_back({.name = "leave_one_out_sums",
                   .shape = fmt::format("{} words={} H={} A={}", s->name, words, h, s->a),
                   .flop = 2 * pairs * (a + 2 * h),
                   .bytes = floats((pairs + 2 * longest) * (h + a)),
                   .tolerance = kSumTolerance,
                   .prepare = preparing<LeaveOut>(s)});
  cases.push_back(train);
  cases.push_back(adversary);
  cases.push_back(side_by_side);
}

}  // namespace notnot::bench
