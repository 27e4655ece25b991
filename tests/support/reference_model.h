#pragma once
// The whole model in the plainest loops, with the scalar maths that the kernels share, for any number type. In double,
// reference_test holds it to 1e-10 against the golden vectors of the authors' modules, and so checks that maths. With
// Rounded (error_model.h) it says how far fp32 may be off.
#include <cmath>
#include <limits>
#include <vector>

#include "engine/data/batches.h"
#include "kernels/adam_math.h"
#include "kernels/attention_head_math.h"
#include "kernels/bilstm_math.h"
#include "models/attention_classifier.h"

namespace notnot::test {

template <class Real>
struct ReferenceTargets {
  std::vector<Real> given_log_attention, base_log_attention, base_probability;
  std::vector<std::vector<Real>> peers = {};  ///< [N] each: the log attention of the others that train side by side
};

template <class Real>
class ReferenceModel {
 public:
  ReferenceModel(const ModelOptions& options, std::vector<Real> parameters)
      : options(options), layout(options), values(std::move(parameters)) {}

  /// Computes forward pass, loss and gradients of one batch into the members below. Its sums over the texts go through
  /// them in `order`.
  void run(const HostBatch& batch, const ObjectiveOptions& objective, const ReferenceTargets<Real>& targets,
           const std::vector<int32_t>& order) {
    const int64_t width = options.width();
    gradients.assign(values.size(), Real(0));
    hidden.assign(static_cast<size_t>(batch.tokens() * width), Real(0));
    dhidden = hidden;
    activation.assign(static_cast<size_t>(batch.tokens() * options.attention_width()), Real(0));
    attention.assign(static_cast<size_t>(batch.tokens()), Real(0));
    log_attention.assign(static_cast<size_t>(batch.tokens()), Real(-std::numeric_limits<double>::infinity()));
    for (auto* of_texts : {&probability, &logit, &divergence, &peer_divergence}) of_texts->resize(batch.labels.size());
    loss = Real(0);
    Real scale(0);
    for (const int32_t label : batch.labels) scale += Real(label == 1 ? objective.positive_weight : 1);
    for (const int32_t b : order) {
      const int32_t begin = batch.offsets[static_cast<size_t>(b)], end = batch.offsets[static_cast<size_t>(b) + 1];
      encode(batch, begin, end);
      head(batch, b, objective, scale, targets);
      encode_backward(batch, begin, end);
    }
  }

  ModelOptions options;
  ParameterLayout layout;
  std::vector<Real> values, gradients, hidden, dhidden, log_attention, attention, probability, logit, divergence,
      peer_divergence;
  Real loss{};

 private:
  Real* at(const std::string& name) { return values.data() + layout.find(name).offset; }
  Real* gradient_at(const std::string& name) { return gradients.data() + layout.find(name).offset; }
  static std::string suffix(int direction) { return direction == 0 ? "" : "_reverse"; }

  struct Step {
    std::vector<LstmGates<Real>> gates;  // [H]
    std::vector<Real> cell, previous_cell, previous_hidden;
  };

  void encode(const HostBatch& batch, int32_t begin, int32_t end) {
    const int64_t e = options.embed, h = options.hidden;
    if (options.encoder == Encoder::tokens) {
      for (int64_t n = begin; n < end; ++n) {
        const Real* x = at("encoder.embedding.weight") + batch.token_ids[static_cast<size_t>(n)] * e;
        const Real* w = at("encoder.projection.weight");
        for (int64_t j = 0; j < h; ++j) {
          Real z = at("encoder.projection.bias")[j];
          for (int64_t k = 0; k < e; ++k) z += w[j * e + k] * x[k];
          hidden[static_cast<size_t>(n * h + j)] = hyperbolic_tangent(z);
        }
      }
      return;
    }
    for (int direction = 0; direction < 2; ++direction) {
      steps[direction].assign(static_cast<size_t>(end - begin), {});
      std::vector<Real> state(static_cast<size_t>(h), Real(0)), cell(static_cast<size_t>(h), Real(0));
      for (int32_t t = 0; t < end - begin; ++t) {
        const int64_t n = direction == 0 ? begin + t : end - 1 - t;
        Step& step = steps[direction][static_cast<size_t>(t)];
        step.previous_hidden = state;
        step.previous_cell = cell;
        const auto z = gate_inputs(direction, batch.token_ids[static_cast<size_t>(n)], state);
        for (int64_t j = 0; j < h; ++j) {
          const auto gates = lstm_gates(z[static_cast<size_t>(j)], z[static_cast<size_t>(h + j)],
                                        z[static_cast<size_t>(2 * h + j)], z[static_cast<size_t>(3 * h + j)]);
          step.gates.push_back(gates);
          cell[static_cast<size_t>(j)] = lstm_cell(gates, cell[static_cast<size_t>(j)]);
          state[static_cast<size_t>(j)] = lstm_output(gates, cell[static_cast<size_t>(j)]);
          hidden[static_cast<size_t>((n * 2 + direction) * h + j)] = state[static_cast<size_t>(j)];
        }
        step.cell = cell;
      }
    }
  }

  std::vector<Real> gate_inputs(int direction, int32_t id, const std::vector<Real>& state) {
    const int64_t e = options.embed, h = options.hidden;
    const Real* x = at("encoder.embedding.weight") + id * e;
    const Real* w_ih = at("encoder.rnn.weight_ih_l0" + suffix(direction));
    const Real* w_hh = at("encoder.rnn.weight_hh_l0" + suffix(direction));
    std::vector<Real> z;
    for (int64_t row = 0; row < 4 * h; ++row) {
      Real sum =
          at("encoder.rnn.bias_ih_l0" + suffix(direction))[row] + at("encoder.rnn.bias_hh_l0" + suffix(direction))[row];
      for (int64_t k = 0; k < e; ++k) sum += w_ih[row * e + k] * x[k];
      for (int64_t k = 0; k < h; ++k) sum += w_hh[row * h + k] * state[static_cast<size_t>(k)];
      z.push_back(sum);
    }
    return z;
  }

  /// Log-attention and attention of the words first..last-1.
  void attend(int64_t first, int64_t last, const ReferenceTargets<Real>& targets) {
    const int64_t d = options.width(), a = options.attention_width();
    const Real *w_a = at("decoder.attention.attn1.weight"), *b_a = at("decoder.attention.attn1.bias");
    const Real* v = at("decoder.attention.attn2.weight");
    Real total(0);
    for (int64_t n = first; n < last; ++n) {
      Real score(0);
      for (int64_t j = 0; j < a && options.attention == AttentionKind::learned; ++j) {
        Real z = b_a[j];
        for (int64_t k = 0; k < d; ++k) z += w_a[j * d + k] * hidden[static_cast<size_t>(n * d + k)];
        activation[static_cast<size_t>(n * a + j)] = hyperbolic_tangent(z);
        score += v[j] * activation[static_cast<size_t>(n * a + j)];
      }
      log_attention[static_cast<size_t>(n)] = score;
      total += exponential(score);
    }
    const Real log_total = logarithm(total);
    for (int64_t n = first; n < last; ++n) {
      const auto u = static_cast<size_t>(n);
      const bool given = options.attention == AttentionKind::given;
      log_attention[u] = given ? targets.given_log_attention[u] : log_attention[u] - log_total;
      attention[u] = exponential(log_attention[u]);
    }
  }

  void head(const HostBatch& batch, int32_t b, const ObjectiveOptions& objective, Real scale,
            const ReferenceTargets<Real>& targets) {
    const int64_t d = options.width(), first = batch.offsets[static_cast<size_t>(b)] + 1;
    const int64_t last = batch.offsets[static_cast<size_t>(b) + 1] - 1;
    attend(first, last, targets);
    const bool adversary = objective.objective == Objective::adversary;
    std::vector<Real> context(static_cast<size_t>(d)), log_ratio(static_cast<size_t>(last - first));
    Real kl(0), from_peers(0);
    std::vector<Real> peer_log_ratio(static_cast<size_t>(last - first), Real(0));
    for (int64_t n = first; n < last; ++n) {
      const auto u = static_cast<size_t>(n);
      for (int64_t k = 0; k < d; ++k) {
        context[static_cast<size_t>(k)] += attention[u] * hidden[static_cast<size_t>(n * d + k)];
      }
      if (!adversary) continue;
      log_ratio[static_cast<size_t>(n - first)] = log_attention[u] - targets.base_log_attention[u];
      kl += attention[u] * log_ratio[static_cast<size_t>(n - first)];
      for (const std::vector<Real>& peer : targets.peers) {
        const auto distance = peer_distance(log_attention[u], attention[u], peer[u], exponential(peer[u]));
        peer_log_ratio[static_cast<size_t>(n - first)] += distance.log_ratio / Real(targets.peers.size());
        from_peers += distance.divergence / Real(targets.peers.size());
      }
    }
    Real z = at("decoder.linear_1.bias")[0];
    for (int64_t k = 0; k < d; ++k) z += at("decoder.linear_1.weight")[k] * context[static_cast<size_t>(k)];
    const auto text = static_cast<size_t>(b);
    logit[text] = z;
    probability[text] = sigmoid(z);
    divergence[text] = kl;
    peer_divergence[text] = from_peers;
    const int32_t label = batch.labels[text];
    const auto result =
        adversary ? adversarial_loss(probability[text], targets.base_probability[static_cast<size_t>(b)],
                                     kl + from_peers, scale, Real(objective.tvd_factor), Real(objective.lambda))
                  : classification_loss(z, label, Real(label == 1 ? objective.positive_weight : 1));
    loss += result.loss;
    gradient_at("decoder.linear_1.bias")[0] += result.dlogit;
    for (int64_t k = 0; k < d; ++k) {
      gradient_at("decoder.linear_1.weight")[k] += result.dlogit * context[static_cast<size_t>(k)];
    }
    attention_backward(first, last, result.dlogit, adversary ? scale * Real(objective.lambda) : Real(0), log_ratio, kl,
                       peer_log_ratio);
  }

  void attention_backward(int64_t first, int64_t last, Real dlogit, Real kl_factor, const std::vector<Real>& log_ratio,
                          Real kl, const std::vector<Real>& peer_log_ratio) {
    const int64_t d = options.width();
    const Real* w = at("decoder.linear_1.weight");
    std::vector<Real> dattention(static_cast<size_t>(last - first));
    Real mean(0);
    for (int64_t n = first; n < last; ++n) {
      Real& sum = dattention[static_cast<size_t>(n - first)];
      const Real factor = dlogit * attention[static_cast<size_t>(n)];
      for (int64_t k = 0; k < d; ++k) {
        sum += dlogit * w[k] * hidden[static_cast<size_t>(n * d + k)];
        dhidden[static_cast<size_t>(n * d + k)] = factor * w[k];
      }
      sum -= kl_factor * peer_log_ratio[static_cast<size_t>(n - first)];
      mean += attention[static_cast<size_t>(n)] * sum;
    }
    for (int64_t n = first; n < last && options.attention == AttentionKind::learned; ++n) {
      const auto word = static_cast<size_t>(n - first);
      score_backward(n, attention_score_gradient(attention[static_cast<size_t>(n)], dattention[word], mean, kl_factor,
                                                 log_ratio[word], kl));
    }
  }

  /// Gradient `dscore` at the score of token n.
  void score_backward(int64_t n, Real dscore) {
    const int64_t d = options.width(), a = options.attention_width();
    const Real *w_a = at("decoder.attention.attn1.weight"), *v = at("decoder.attention.attn2.weight");
    Real *dw_a = gradient_at("decoder.attention.attn1.weight"), *db_a = gradient_at("decoder.attention.attn1.bias");
    Real* dv = gradient_at("decoder.attention.attn2.weight");
    for (int64_t j = 0; j < a; ++j) {
      const Real u = activation[static_cast<size_t>(n * a + j)];
      const Real dz = dscore * v[j] * (Real(1) - u * u);
      dv[j] += dscore * u;
      db_a[j] += dz;
      for (int64_t k = 0; k < d; ++k) {
        dw_a[j * d + k] += dz * hidden[static_cast<size_t>(n * d + k)];
        dhidden[static_cast<size_t>(n * d + k)] += dz * w_a[j * d + k];
      }
    }
  }

  void encode_backward(const HostBatch& batch, int32_t begin, int32_t end) {
    const int64_t h = options.hidden;
    if (options.encoder == Encoder::tokens) {
      for (int64_t n = begin; n < end; ++n) {
        for (int64_t j = 0; j < h; ++j) {
          const Real output = hidden[static_cast<size_t>(n * h + j)];
          const Real dz = dhidden[static_cast<size_t>(n * h + j)] * (Real(1) - output * output);
          gradient_at("encoder.projection.bias")[j] += dz;
          input_backward(batch.token_ids[static_cast<size_t>(n)], "encoder.projection.weight", j, dz);
        }
      }
      return;
    }
    for (int direction = 0; direction < 2; ++direction) {
      std::vector<Real> dstate(static_cast<size_t>(h), Real(0)), dcell(static_cast<size_t>(h), Real(0));
      for (int32_t t = end - begin - 1; t >= 0; --t) {
        const int64_t n = direction == 0 ? begin + t : end - 1 - t;
        lstm_step_backward(direction, batch.token_ids[static_cast<size_t>(n)], n,
                           steps[direction][static_cast<size_t>(t)], dstate, dcell);
      }
    }
  }

  void lstm_step_backward(int direction, int32_t id, int64_t n, const Step& step, std::vector<Real>& dstate,
                          std::vector<Real>& dcell) {
    const int64_t h = options.hidden;
    std::vector<Real> dz(static_cast<size_t>(4 * h));
    for (int64_t j = 0; j < h; ++j) {
      const auto u = static_cast<size_t>(j);
      const auto g = lstm_backward(step.gates[u], step.cell[u], step.previous_cell[u],
                                   dstate[u] + dhidden[static_cast<size_t>((n * 2 + direction) * h + j)], dcell[u]);
      dcell[u] = g.dprevious_cell;
      dz[u] = g.dz.i;
      dz[static_cast<size_t>(h) + u] = g.dz.f;
      dz[static_cast<size_t>(2 * h) + u] = g.dz.g;
      dz[static_cast<size_t>(3 * h) + u] = g.dz.o;
    }
    std::fill(dstate.begin(), dstate.end(), Real(0));
    const Real* w_hh = at("encoder.rnn.weight_hh_l0" + suffix(direction));
    Real* dw_hh = gradient_at("encoder.rnn.weight_hh_l0" + suffix(direction));
    for (int64_t row = 0; row < 4 * h; ++row) {
      const Real value = dz[static_cast<size_t>(row)];
      gradient_at("encoder.rnn.bias_ih_l0" + suffix(direction))[row] += value;
      gradient_at("encoder.rnn.bias_hh_l0" + suffix(direction))[row] += value;
      for (int64_t k = 0; k < h; ++k) {
        dw_hh[row * h + k] += value * step.previous_hidden[static_cast<size_t>(k)];
        dstate[static_cast<size_t>(k)] += w_hh[row * h + k] * value;
      }
      input_backward(id, "encoder.rnn.weight_ih_l0" + suffix(direction), row, value);
    }
  }

  /// Gradient `dz` at output `row` of an affine map of the embedding of `id`.
  void input_backward(int32_t id, const std::string& weight, int64_t row, Real dz) {
    const int64_t e = options.embed;
    const Real *x = at("encoder.embedding.weight") + id * e, *w = at(weight) + row * e;
    Real *dx = gradient_at("encoder.embedding.weight") + id * e, *dw = gradient_at(weight) + row * e;
    for (int64_t k = 0; k < e; ++k) {
      dw[k] += dz * x[k];
      dx[k] += dz * w[k];
    }
  }

  std::vector<Step> steps[2];
  std::vector<Real> activation;  // [N, A]
};

}  // namespace notnot::test
