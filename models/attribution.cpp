#include "models/attribution.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "engine/data/text_order.h"
#include "engine/io/input_error.h"
#include "engine/io/stop.h"
#include "engine/math/gauss_legendre.h"
#include "engine/math/logistic.h"
#include "engine/math/random.h"
#include "models/input_gradients.h"
#include "models/leave_one_out.h"
#include "models/training.h"

namespace notnot {
namespace {

constexpr int32_t kFewestNodes = 8;  // of integrated gradients
constexpr float kNoScore = std::numeric_limits<float>::quiet_NaN();

Attributions without_scores(const Split& split) {
  Attributions result;
  result.offsets = split.offsets;
  result.label = split.labels;
  result.row = split.rows;
  result.group = split.groups;
  result.score_probability.assign(split.token_ids.size(), kNoScore);
  result.score_logit.assign(split.token_ids.size(), kNoScore);
  result.probability.resize(split.labels.size());
  result.logit.resize(split.labels.size());
  return result;
}

/// A score of every word of a text at random: a permutation of 1/N, 2/N, ..., 1.
std::vector<float> random_scores(std::span<const int32_t> ids, uint64_t seed) {
  const auto stream = static_cast<uint32_t>(hash_of_content(std::as_bytes(ids)) >> 32);
  const Random random(seed, Purpose::random_order, stream);
  const auto words = static_cast<int64_t>(ids.size()) - 2;
  std::vector<float> scores(words);
  for (int64_t n = 0; n < words; ++n) scores[n] = static_cast<float>(n + 1) / static_cast<float>(words);
  for (int64_t n = words - 1; n > 0; --n) std::swap(scores[n], scores[random.integer(n, 0, n)]);
  return scores;
}

void check_finite(const Split& split, int32_t text, float logit) {
  NOTNOT_CHECK(std::isfinite(logit), "the model gives the text of row {} the logit {}: its training diverged",
               split.rows[text], logit);
}

// --- attention, contributions, a random order ------------------------------------------------------------------------

void attend_split(AttentionClassifier& model, const Split& split, Measure measure, uint64_t seed,
                  Attributions& result) {
  for (const auto& texts : prediction_batches(model.device(), split)) {
    check_stop();
    const HostBatch batch = assemble_batch(split, texts, model.options().vocabulary);
    const auto base = model.contributions(batch);
    for (size_t b = 0; b < batch.texts.size(); ++b) {
      const int32_t text = batch.texts[b];
      const int64_t begin = split.offsets[text], end = split.offsets[text + 1];
      result.probability[text] = base.predictions.probability[b];
      result.logit[text] = base.predictions.logit[b];
      check_finite(split, text, result.logit[text]);
      const std::span ids = std::span(split.token_ids).subspan(begin, end - begin);
      const std::vector<float> order = measure == Measure::random ? random_scores(ids, seed) : std::vector<float>{};
      for (int64_t n = begin + 1; n < end - 1; ++n) {
        const size_t token = batch.offsets[b] + (n - begin);
        float score = std::exp(base.predictions.log_attention[token]);
        if (measure == Measure::contribution) score *= base.contribution[token];
        if (measure == Measure::random) score = order[n - begin - 1];
        result.score_probability[n] = result.score_logit[n] = score;
      }
    }
  }
}

// --- leave-one-out ---------------------------------------------------------------------------------------------------

void delete_words(AttentionClassifier& model, const Split& split, Attributions& result) {
  LeaveOneOut leave_one_out(model, split);
  for (const auto& texts : prediction_batches(model.device(), split)) {
    const HostBatch batch = assemble_batch(split, texts, model.options().vocabulary);
    const auto whole = model.contributions(batch);
    for (size_t b = 0; b < batch.texts.size(); ++b) {
      check_finite(split, batch.texts[b], whole.predictions.logit[b]);
    }
    const std::vector<float> without = leave_one_out.logit_without(batch, whole);
    for (size_t b = 0; b < batch.texts.size(); ++b) {
      const int32_t text = batch.texts[b];
      const double logit = whole.predictions.logit[b];
      result.probability[text] = whole.predictions.probability[b];
      result.logit[text] = whole.predictions.logit[b];
      for (int64_t n = split.offsets[text] + 1; n < split.offsets[text + 1] - 1; ++n) {
        const double other = without[batch.offsets[b] + (n - split.offsets[text])];
        result.score_logit[n] = static_cast<float>(logit - other);
        result.score_probability[n] = static_cast<float>(probability_change(logit, other));
      }
    }
  }
}

// --- gradients -------------------------------------------------------------------------------------------------------

/// The texts of a split, longest first; of one length in the order of the split.
std::vector<int32_t> longest_first(const Split& split) {
  std::vector<int32_t> texts(split.size());
  for (int32_t i = 0; i < split.size(); ++i) texts[i] = i;
  std::stable_sort(texts.begin(), texts.end(), [&](int32_t a, int32_t b) { return split.length(a) > split.length(b); });
  return texts;
}

/// Computes points one batch after another.
class PathBatches {
 public:
  /// `most` is the largest number of points of a text.
  PathBatches(AttentionClassifier& model, const Split& split, InputGradients::Kind kind, int64_t most)
      : split_(split),
        kind_(kind),
        capacity_(capacity_for(model.device(), split, most)),
        gradients_(model, capacity_, is_norm(kind)) {}

  std::vector<MemoryRow> memory_table() const { return gradients_.memory_table(); }

  /// Calls visit(point, logit, values of its tokens) for every point, in their order. Longest texts come first.
  template <class Visit>
  void compute(const std::vector<PathPoint>& points, const Visit& visit) {
    for (size_t begin = 0; begin < points.size();) {
      check_stop();
      size_t end = begin;
      int64_t tokens = 0;
      for (; end < points.size() && static_cast<int64_t>(end - begin) < capacity_.sequences; ++end) {
        tokens += split_.length(points[end].text);
        if (tokens > capacity_.tokens) break;
      }
      const std::vector<PathPoint> batch(points.begin() + begin, points.begin() + end);
      const InputGradients::Result result = gradients_.compute(split_, batch, kind_);
      int64_t token = 0;
      for (size_t i = 0; i < batch.size(); ++i) {
        const int32_t length = split_.length(batch[i].text);
        check_finite(split_, batch[i].text, result.logit[i]);
        visit(batch[i], result.logit[i], std::span(result.values).subspan(token, length));
        token += length;
      }
      begin = end;
    }
  }

 private:
  static bool is_norm(InputGradients::Kind kind) {
    return kind == InputGradients::Kind::norm || kind == InputGradients::Kind::norm_held;
  }
  static BatchCapacity capacity_for(const Device& device, const Split& split, int64_t most) {
    const EvaluationLimits limits = evaluation_limits(device);
    int64_t longest = 0, shortest = std::numeric_limits<int64_t>::max();
    for (int32_t i = 0; i < split.size(); ++i) {
      longest = std::max<int64_t>(longest, split.length(i));
      shortest = std::min<int64_t>(shortest, split.length(i));
    }
    const auto all = static_cast<int64_t>(split.token_ids.size()) * most;
    const int64_t tokens = std::max(longest, std::min(all, std::max(limits.tokens, limits.most_tokens)));
    return {tokens / shortest, tokens, 0};
  }

  const Split& split_;
  InputGradients::Kind kind_;
  BatchCapacity capacity_;
  InputGradients gradients_;
};

InputGradients::Kind kind_of(Measure measure) {
  switch (measure) {
    case Measure::input_x_gradient_held:
      return InputGradients::Kind::product_held;
    case Measure::gradient_norm_held:
      return InputGradients::Kind::norm_held;
    case Measure::gradient_norm:
      return InputGradients::Kind::norm;
    default:
      return InputGradients::Kind::product;
  }
}

/// The derivative at the texts themselves. Of p it is p q times that of the logit; p q, which may underflow, comes last.
void differentiate_split(AttentionClassifier& model, const Split& split, Measure measure, Attributions& result) {
  PathBatches batches(model, split, kind_of(measure), 1);
  std::vector<PathPoint> points;
  for (const int32_t text : longest_first(split)) points.push_back({text, 1});
  batches.compute(points, [&](const PathPoint& point, float logit, std::span<const float> values) {
    const int64_t begin = split.offsets[point.text];
    const double slope = probability_slope(logit);
    result.logit[point.text] = logit;
    result.probability[point.text] = sigmoid(logit);
    for (size_t n = 1; n + 1 < values.size(); ++n) {
      result.score_logit[begin + n] = values[n];
      result.score_probability[begin + n] = static_cast<float>(slope * values[n]);
    }
  });
}

// --- integrated gradients --------------------------------------------------------------------------------------------

/// Integrates all texts with 8, 16, 32, ... nodes, until their scores sum to what they should. The integral of p and
/// that of the logit take the same derivatives, but each ends with the first number of nodes that suffices for it.
class Integrator {
 public:
  Integrator(AttentionClassifier& model, const Split& split, const AttributionOptions& options, Attributions& result)
      : split_(split),
        options_(options),
        result_(result),
        batches_(model, split, InputGradients::Kind::product, kFewestNodes + 2),
        baseline_(split.size()) {
    for (Integral* integral : {&probability_, &logit_}) {
      integral->sums.resize(split.token_ids.size());
      integral->open.assign(split.size(), true);
      integral->to->nodes.resize(split.size());
      integral->to->error.resize(split.size());
      integral->to->converged.resize(split.size());
    }
  }

  void integrate() {
    std::vector<int32_t> texts = longest_first(split_);
    take_ends(texts);
    for (int32_t nodes = kFewestNodes; !texts.empty(); nodes *= 2) {
      add_derivatives(texts, gauss_legendre(nodes));
      for (const int32_t text : texts) {
        close(probability_, text, nodes, probability_change(result_.logit[text], baseline_[text]));
        close(logit_, text, nodes, double{result_.logit[text]} - baseline_[text]);
      }
      std::erase_if(texts, [&](int32_t text) { return !probability_.open[text] && !logit_.open[text]; });
    }
  }

 private:
  struct Integral {
    std::vector<float>* scores;
    Attributions::Integration* to;
    std::vector<double> sums = {};  ///< [tokens] of the texts that are open
    std::vector<bool> open = {};    ///< [size]
  };

  /// The logits at both ends of every text's path.
  void take_ends(const std::vector<int32_t>& texts) {
    std::vector<PathPoint> points;
    for (const int32_t text : texts) points.insert(points.end(), {{text, 0}, {text, 1}});
    batches_.compute(points, [&](const PathPoint& point, float logit, std::span<const float>) {
      if (point.t == 0) {
        baseline_[point.text] = logit;
      } else {
        result_.logit[point.text] = logit;
        result_.probability[point.text] = sigmoid(logit);
      }
    });
  }

  void add_derivatives(const std::vector<int32_t>& texts, const Quadrature& rule) {
    std::vector<PathPoint> points;
    for (const int32_t text : texts) {
      for (const double node : rule.nodes) points.push_back({text, node});
      for (Integral* integral : {&probability_, &logit_}) {
        std::fill(integral->sums.begin() + split_.offsets[text], integral->sums.begin() + split_.offsets[text + 1],
                  0.0);
      }
    }
    size_t k = 0;
    batches_.compute(points, [&](const PathPoint& point, float logit, std::span<const float> values) {
      const double weight = rule.weights[k++ % rule.nodes.size()], slope = probability_slope(logit);
      const int64_t begin = split_.offsets[point.text];
      for (size_t n = 1; n + 1 < values.size(); ++n) {
        probability_.sums[begin + n] += weight * slope * values[n];
        logit_.sums[begin + n] += weight * values[n];
      }
    });
  }

  /// Keeps the scores of an open text if they sum to `difference`, or if there are no more nodes.
  void close(Integral& integral, int32_t text, int32_t nodes, double difference) const {
    if (!integral.open[text]) return;
    double sum = 0;
    for (int64_t n = split_.offsets[text] + 1; n < split_.offsets[text + 1] - 1; ++n) sum += integral.sums[n];
    const double error = std::abs(sum - difference);
    if (!(error < options_.completeness) && nodes < options_.most_nodes) return;
    integral.open[text] = false;
    integral.to->nodes[text] = nodes;
    integral.to->error[text] = static_cast<float>(error);
    integral.to->converged[text] = error < options_.completeness ? 1 : 0;
    for (int64_t n = split_.offsets[text] + 1; n < split_.offsets[text + 1] - 1; ++n) {
      (*integral.scores)[n] = static_cast<float>(integral.sums[n]);
    }
  }

  const Split& split_;
  const AttributionOptions& options_;
  Attributions& result_;
  PathBatches batches_;
  std::vector<float> baseline_;  ///< [size] the logit where the embeddings of all words are zero
  Integral probability_{&result_.score_probability, &result_.integration_probability};
  Integral logit_{&result_.score_logit, &result_.integration_logit};
};

}  // namespace

Attributions attribute_split(AttentionClassifier& model, const Split& split, Measure measure,
                             const AttributionOptions& options) {
  Attributions result = without_scores(split);
  switch (measure) {
    case Measure::attention:
    case Measure::contribution:
    case Measure::random:
      attend_split(model, split, measure, options.seed, result);
      break;
    case Measure::integrated_gradients:
      Integrator(model, split, options, result).integrate();
      break;
    case Measure::leave_one_out:
      delete_words(model, split, result);
      break;
    default:
      differentiate_split(model, split, measure, result);
  }
  return result;
}

std::vector<MemoryRow> attribution_memory(AttentionClassifier& model, const Split& split, Measure measure) {
  switch (measure) {
    case Measure::attention:
    case Measure::contribution:
    case Measure::random:
      return {};
    case Measure::integrated_gradients:
      return PathBatches(model, split, kind_of(measure), kFewestNodes + 2).memory_table();
    case Measure::leave_one_out:
      return LeaveOneOut(model, split).memory_table();
    default:
      return PathBatches(model, split, kind_of(measure), 1).memory_table();
  }
}

}  // namespace notnot
