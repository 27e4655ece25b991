#pragma once
// The race of cudnn_race on one batch: notnot's LSTM layer with its input side against another one.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "bench/comparison.h"
#include "bench/cudnn_lstm.h"
#include "bench/kernel_cases.h"
#include "bench/measuring.h"
#include "bench/result_file.h"

namespace notnot::bench {

// Sums of hundreds of products in another order, through up to 400 steps; TF32 has 10 bits of mantissa.
inline constexpr double kTolerance = 1e-4, kTf32Tolerance = 2e-2;

inline LstmTask make_task(const Workload& workload) {
  const HostRagged batch = make_ragged(workload.lengths, workload.vocabulary, 1);
  return {.input = random_token_projection_inputs(batch, workload.vocabulary, workload.embed, 8 * workload.hidden, 2),
          .recurrence = random_bilstm_inputs(batch, workload.hidden, 7)};
}

/// notnot's side. It also sums the input's gradient over the occurrences of each id, which cuDNN leaves to its caller.
class OurLstm {
 public:
  OurLstm(const Device& device, const LstmTask& task)
      : device_(device),
        task_(task),
        embedding_(device, task.input.embedding),
        input_(device, task.input),
        recurrence_(device, task.recurrence, true) {}

  void forward(bool training) {
    gather_rows(device_, {.count = input_.batch.batch().unique,
                          .columns = input_.embed,
                          .from_rows = task_.input.vocabulary,
                          .from = embedding_,
                          .rows = input_.batch.batch().unique_ids,
                          .to = input_.rows});
    token_projection_forward(device_, input_.forward());
    BiLstmForward args = recurrence_.forward();
    args.table = input_.table;
    if (!training) args.gates = args.cells = args.previous = {};
    bilstm_forward(device_, args);
  }

  void backward() {
    bilstm_backward(device_, recurrence_.backward());
    add_recurrent_weight_gradient(device_, recurrence_.backward());
    TokenProjectionBackward args = input_.backward();
    args.dvalues = recurrence_.gates;
    token_projection_backward(device_, args);
    embedding_gradients(device_, args);
    add_projection_gradients(device_, args);
  }

  LstmResults results() const {
    return {.states = head(recurrence_.states.host(), recurrence_.dstates.span().size),
            .dweight_ih = without_start(input_.dweight.host()),
            .dweight_hh = without_start(recurrence_.dweight_hh.host())};
  }

 private:
  /// cuDNN's gradients start at zero.
  static std::vector<float> without_start(std::vector<float> gradient) {
    for (float& value : gradient) value -= kStartOfGradient;
    return gradient;
  }

  Device device_;
  const LstmTask& task_;
  DeviceArray<float> embedding_;
  TokenProjectionCase input_;
  BiLstmCase recurrence_;
};

/// The states of the forward direction only: padding does not change them.
inline std::vector<float> forward_states(const std::vector<float>& states, int64_t hidden) {
  std::vector<float> values;
  for (auto row = states.begin(); row != states.end(); row += 2 * hidden)
    values.insert(values.end(), row, row + hidden);
  return values;
}

/// The largest relative difference of the results that should be equal.
inline double error_of(const LstmResults& theirs, const LstmResults& ours, bool padded, int64_t hidden) {
  if (padded) return relative_difference(forward_states(theirs.states, hidden), forward_states(ours.states, hidden));
  double worst = relative_difference(theirs.states, ours.states);
  for (const auto& [a, b] : {std::pair{&theirs.dweight_ih, &ours.dweight_ih}, {&theirs.dweight_hh, &ours.dweight_hh}}) {
    const double difference = relative_difference(*a, *b);
    if (!(difference <= worst)) worst = difference;
  }
  return worst;
}

/// Median microseconds: of the forward pass of evaluation, and of forward and backward pass of training.
struct LstmTimes {
  double evaluation = 0, training = 0;
};

class LstmClock {
 public:
  LstmClock(const Device& device, int repeats) : device_(device), repeats_(repeats), caches_(device) {}

  template <class Lstm>
  LstmTimes time(Lstm& lstm) const {
    caches_.raise_clocks();
    return {.evaluation = median([&] { lstm.forward(false); }), .training = median([&] {
                                                                  lstm.forward(true);
                                                                  lstm.backward();
                                                                })};
  }

 private:
  template <class Work>
  double median(Work work) const {
    Timer timer(device_);
    std::vector<double> times;
    for (int i = 0; i <= repeats_; ++i) {  // the first warms up
      caches_.empty_caches();
      timer.start();
      work();
      const double time = timer.stop();
      if (i > 0) times.push_back(time);
    }
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
  }

  const Device& device_;
  int repeats_;
  CacheFlush caches_;
};

/// Races on one batch against each variant of `Theirs`, which has the members of CudnnLstm. A variant that is refused
/// is listed with the reason. Returns false if one computes something else, or if all are refused.
template <class Theirs>
bool race(const Device& device, const Workload& workload, const std::vector<CudnnVariant>& variants, int repeats,
          ResultFile& results) {
  const LstmTask task = make_task(workload);
  OurLstm ours(device, task);
  ours.forward(true);
  ours.backward();
  const LstmResults expected = ours.results();
  const LstmClock clock(device, repeats);
  const LstmTimes our_times = clock.time(ours);
  fmt::print("{:<6} {:<35} {:>9} {:>10.1f} {:>10.1f}\n", workload.name, "notnot", "", our_times.evaluation,
             our_times.training);
  bool passed = true, raced = false;
  for (const CudnnVariant& variant : variants) {
    nlohmann::json row = {{"batch", workload.name},
                          {"variant", variant.name()},
                          {"ours_evaluation", our_times.evaluation},
                          {"ours_training", our_times.training}};
    try {
      Theirs theirs(device, variant, task);
      theirs.forward(true);
      theirs.backward();
      const double error = error_of(theirs.results(), expected, variant.padded, task.recurrence.hidden);
      const bool equal = error <= (variant.tf32 ? kTf32Tolerance : kTolerance);
      const LstmTimes times = clock.time(theirs);
      fmt::print("{:<6} {:<35} {:>9.1e} {:>10.1f} {:>10.1f} {:>8.2f} {:>8.2f}  {}\n", workload.name, variant.name(),
                 error, times.evaluation, times.training, times.evaluation / our_times.evaluation,
                 times.training / our_times.training, equal ? "PASS" : "FAIL");
      row.update({{"error", error}, {"evaluation", times.evaluation}, {"training", times.training}, {"ok", equal}});
      passed = passed && equal;
      raced = true;
    } catch (const CudnnRefused& error) {
      fmt::print("{:<6} {:<35} refused: {}\n", workload.name, variant.name(), error.what());
      row["refused"] = error.what();
    }
    results.add(std::move(row));
    std::fflush(stdout);
  }
  if (!raced) fmt::print("{:<6} every algorithm of cuDNN refused; nothing was compared\n", workload.name);
  return passed && raced;
}

}  // namespace notnot::bench
