#include "models/perturbation.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>

#include "engine/data/text_order.h"
#include "engine/io/input_error.h"
#include "engine/io/stop.h"
#include "engine/math/random.h"
#include "kernels/attention_permutation.h"
#include "kernels/exact_adversary.h"
#include "kernels/instance_adversary.h"
#include "models/training.h"

namespace notnot {
namespace {

/// The keys of the texts' random numbers. Texts that share one by chance share their draws.
std::vector<uint32_t> keys_of(const HostBatch& batch) {
  std::vector<uint32_t> keys;
  for (size_t b = 0; b + 1 < batch.offsets.size(); ++b) {
    const std::span ids = std::span(batch.token_ids).subspan(batch.offsets[b], batch.offsets[b + 1] - batch.offsets[b]);
    keys.push_back(static_cast<uint32_t>(hash_of_content(std::as_bytes(ids)) >> 32));
  }
  return keys;
}

/// The adversaries' free vectors [K, N] at the start: log(1 / length) + 3 N(0, 1). Jain & Wallace's released code has
/// the constant log(1 / length); softmax removes it.
std::vector<float> starts_of(const HostBatch& batch, const std::vector<uint32_t>& keys,
                             const PerturbationOptions& options) {
  std::vector<float> starts;
  starts.reserve(options.adversaries * batch.token_ids.size());
  for (int32_t k = 0; k < options.adversaries; ++k) {
    for (size_t b = 0; b < keys.size(); ++b) {
      const Random random(options.seed, Purpose::adversary_start, keys[b]);
      const int32_t length = batch.offsets[b + 1] - batch.offsets[b];
      const float uniform = -std::log(static_cast<float>(length));
      for (int32_t n = 0; n < length; ++n) {
        const auto index = static_cast<uint64_t>(k) << 32 | n;
        starts.push_back(uniform + 3 * random.normal(index));
      }
    }
  }
  return starts;
}

/// Runs both perturbations on one batch after another, in device memory that is sized for the largest.
class Perturber {
 public:
  Perturber(AttentionClassifier& model, const Split& split, const PerturbationOptions& options)
      : model_(model), device_(model.device()), split_(split), options_(options) {
    const BatchCapacity c = prediction_plan(model.device(), split).evaluation;
    const int64_t adversaries = options.adversaries;
    arena_.add("perturbation", "offsets", {c.sequences + 1}, &offsets_);
    arena_.add("perturbation", "keys", {c.sequences}, &keys_);
    arena_.add("perturbation", "contributions", {c.tokens}, &contributions_);
    arena_.add("perturbation", "bias", {1}, &bias_);
    arena_.add("perturbation", "base log_attention", {c.tokens}, &base_log_attention_);
    arena_.add("perturbation", "base probability", {c.sequences}, &base_probability_);
    arena_.add("perturbation", "step scalars", {options.steps}, &scalars_);
    arena_.add("perturbation", "log_attention", {adversaries, c.tokens}, &log_attention_);
    arena_.add("perturbation", "probability", {adversaries, c.sequences}, &probability_);
    arena_.add("perturbation", "divergence", {adversaries, c.sequences}, &divergence_);
    arena_.add("perturbation", "change", {c.sequences, options.permutations}, &change_);
    arena_.add("perturbation", "median", {c.sequences}, &median_);
    arena_.add("perturbation", "workspace",
               {std::max(instance_adversary_workspace(options.adversaries, c.sequences, c.tokens),
                         attention_permutation_workspace(c.tokens))},
               &workspace_);
    constexpr int64_t epsilons = kExactEpsilons.size();
    arena_.add("perturbation", "exact epsilons", {epsilons}, &epsilons_);
    arena_.add("perturbation", "exact optima", {epsilons, c.sequences}, &optima_);
    arena_.add("perturbation", "exact scores", {c.tokens}, &scores_);
    arena_.add("perturbation", "exact order", {2, c.tokens}, &order_);
    arena_.add("perturbation", "exact records", {exact_adversary_records(epsilons, c.tokens)}, &records_);
    arena_.allocate(device_);
    upload(epsilons_, std::vector<double>(kExactEpsilons.begin(), kExactEpsilons.end()));
    std::vector<AdamStepScalars> scalars;
    for (int64_t t = 1; t <= options.steps; ++t) {
      scalars.push_back(adam_step_scalars<float>(options.learning_rate, 0.9, 0.999, t));
    }
    upload(scalars_, scalars);
  }

  void perturb(const HostBatch& batch, Perturbations& result) {
    const auto base = model_.contributions(batch);
    check_finite(batch, base.predictions.probability);
    const std::vector<uint32_t> keys = keys_of(batch);
    upload(offsets_, batch.offsets);
    upload(keys_, keys);
    upload(contributions_, base.contribution);
    upload(bias_, std::vector<float>{base.bias});
    upload(base_log_attention_, base.predictions.log_attention);
    upload(base_probability_, base.predictions.probability);
    upload(log_attention_, starts_of(batch, keys, options_));
    permute(batch, result);
    attack(batch);
    choose(batch, base.predictions, result);
    find_exact(batch, result.exact);
  }

 private:
  template <class T>
  void upload(const Span<T>& to, const std::vector<T>& from) {
    copy_to_device(device_, to.data, from.data(), from.size() * sizeof(T));
  }

  void check_finite(const HostBatch& batch, const std::vector<float>& probability) const {
    for (size_t b = 0; b < batch.texts.size(); ++b) {
      NOTNOT_CHECK(std::isfinite(probability[b]),
                   "the model gives the text of row {} the probability {}: its training diverged",
                   split_.rows[batch.texts[b]], probability[b]);
    }
  }

  void permute(const HostBatch& batch, Perturbations& result) {
    attention_permutation(device_, {.sequences = batch.sequences(),
                                    .tokens = batch.tokens(),
                                    .longest = batch.longest,
                                    .permutations = options_.permutations,
                                    .seed = options_.seed,
                                    .purpose = static_cast<uint32_t>(Purpose::permutation),
                                    .offsets = offsets_,
                                    .keys = keys_,
                                    .contributions = contributions_,
                                    .output_bias = bias_,
                                    .log_attention = base_log_attention_,
                                    .change = change_,
                                    .median = median_,
                                    .workspace = workspace_});
    const std::vector<float> median = to_host(device_, median_.subspan(0, batch.sequences()));
    for (size_t b = 0; b < batch.texts.size(); ++b) {
      result.permutation_change[batch.texts[b]] = median[b];
    }
  }

  void attack(const HostBatch& batch) {
    instance_adversary(device_, {.sequences = batch.sequences(),
                                 .tokens = batch.tokens(),
                                 .longest = batch.longest,
                                 .adversaries = options_.adversaries,
                                 .steps = options_.steps,
                                 .hinge = static_cast<float>(options_.hinge),
                                 .tolerance = static_cast<float>(options_.tolerance),
                                 .offsets = offsets_,
                                 .scalars = scalars_,
                                 .contributions = contributions_,
                                 .output_bias = bias_,
                                 .base_log_attention = base_log_attention_,
                                 .base_probability = base_probability_,
                                 .log_attention = log_attention_,
                                 .probability = probability_,
                                 .divergence = divergence_,
                                 .workspace = workspace_});
  }

  /// Chooses the adversary of every text that is reported.
  void choose(const HostBatch& batch, const AttentionClassifier::Predictions& base, Perturbations& result) {
    const auto sequences = batch.texts.size(), tokens = batch.token_ids.size();
    const std::vector<float> logs =
        to_host(device_, log_attention_.subspan(0, options_.adversaries * int64_t{batch.tokens()}));
    const std::vector<float> probability =
        to_host(device_, probability_.subspan(0, options_.adversaries * int64_t{batch.sequences()}));
    for (size_t b = 0; b < sequences; ++b) {
      const size_t begin = batch.offsets[b], length = batch.offsets[b + 1] - begin;
      const std::span<const float> own = std::span(base.log_attention).subspan(begin, length);
      std::span<const float> chosen = own;
      float chosen_probability = base.probability[b];
      double largest = 0;
      for (int32_t k = 0; k < options_.adversaries; ++k) {
        const std::span<const float> weights = std::span(logs).subspan(k * tokens + begin, length);
        const float p = probability[k * sequences + b];
        const double divergence = jensen_shannon(weights, own);  // throws where the attention is NaN
        if (!(std::abs(double{p} - base.probability[b]) <= options_.accepted_change) || divergence <= largest) continue;
        chosen = weights;
        chosen_probability = p;
        largest = divergence;
      }
      const int32_t text = batch.texts[b];
      result.adversary_jsd[text] = largest;
      result.adversary_tvd[text] = 0.5 * std::abs(double{chosen_probability} - base.probability[b]);
      result.adversary_probability[text] = chosen_probability;
      std::copy(chosen.begin(), chosen.end(), result.adversary_log_attention.begin() + split_.offsets[text]);
    }
  }

  void find_exact(const HostBatch& batch, ExactAdversaries& result) {
    constexpr int64_t epsilons = kExactEpsilons.size();
    const Span<ExactOptimum> found = optima_.subspan(0, epsilons * batch.sequences());
    exact_adversary(device_, {.sequences = batch.sequences(),
                              .tokens = batch.tokens(),
                              .longest = batch.longest,
                              .offsets = offsets_,
                              .epsilons = epsilons_,
                              .contributions = contributions_,
                              .output_bias = bias_,
                              .log_attention = base_log_attention_,
                              .optima = found,
                              .scores = scores_,
                              .order = order_,
                              .records = records_});
    const std::vector<ExactOptimum> optima = to_host(device_, found);
    for (size_t i = 0; i < optima.size(); ++i) {
      const size_t epsilon = i / batch.texts.size(), text = batch.texts[i % batch.texts.size()];
      record(optima[i], text, epsilon * split_.size() + text, result);
    }
  }

  /// Writes the optimum of a text to place i of the results.
  void record(const ExactOptimum& optimum, size_t text, size_t i, ExactAdversaries& result) const {
    NOTNOT_CHECK(optimum.kind != VertexKind::undefined,
                 "the text of row {} has attention or contributions that are not finite: its training diverged",
                 split_.rows[text]);
    const bool alone = optimum.kind == VertexKind::single;
    result.jsd[i] = std::min(optimum.divergence, std::numbers::ln2_v<float>);
    result.probability[i] = optimum.probability;
    result.word[2 * i] = optimum.word_low;
    result.word[2 * i + 1] = optimum.word_high;
    result.weight[2 * i] = optimum.weight_low;
    result.weight[2 * i + 1] = alone ? 0 : optimum.weight_high;
  }

  AttentionClassifier& model_;
  Device device_;
  const Split& split_;
  const PerturbationOptions& options_;
  Arena arena_;
  Span<int32_t> offsets_;
  Span<uint32_t> keys_;
  Span<float> contributions_, bias_, base_log_attention_, base_probability_;
  Span<AdamStepScalars> scalars_;
  Span<float> log_attention_, probability_, divergence_, change_, median_, workspace_;
  Span<double> epsilons_, scores_;
  Span<ExactOptimum> optima_;
  Span<int32_t> order_;
  Span<AdversaryRecord> records_;
};

}  // namespace

Perturbations perturb_split(AttentionClassifier& model, const Split& split, const PerturbationOptions& options) {
  Perturbations result;
  result.offsets = split.offsets;
  result.label = split.labels;
  result.row = split.rows;
  for (auto* measure :
       {&result.permutation_change, &result.adversary_jsd, &result.adversary_tvd, &result.adversary_probability}) {
    measure->resize(result.label.size());
  }
  result.adversary_log_attention.resize(split.token_ids.size());
  const size_t exact = kExactEpsilons.size() * result.label.size();
  result.exact = {.epsilon = {kExactEpsilons.begin(), kExactEpsilons.end()},
                  .jsd = std::vector<float>(exact),
                  .probability = std::vector<float>(exact),
                  .word = std::vector<int32_t>(2 * exact),
                  .weight = std::vector<float>(2 * exact)};
  Perturber perturber(model, split, options);
  for (const auto& texts : prediction_batches(model.device(), split)) {
    check_stop();
    perturber.perturb(assemble_batch(split, texts, model.options().vocabulary), result);
  }
  return result;
}

}  // namespace notnot
