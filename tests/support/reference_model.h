#pragma once
// The whole model in float64: the scalar maths that the kernels share, in the plainest loops. reference_test holds it
// to 1e-10 against the golden vectors of the authors' modules, and so checks that maths.
#include <cmath>
#include <limits>
#include <vector>

#include "engine/data/batches.h"
#include "kernels/adam_math.h"
#include "kernels/attention_head_math.h"
#include "kernels/bilstm_math.h"
#include "models/attention_classifier.h"

namespace notnot::test {

struct ReferenceTargets {
  std::vector<double> given_log_attention, base_log_attention, base_probability;
};

class ReferenceModel {
 public:
  ReferenceModel(const ModelOptions& options, std::vector<double> parameters)
      : options(options), layout(options), values(std::move(parameters)) {}

  /// Computes forward pass, loss and gradients of one batch into the members below.
  void run(const HostBatch& batch, const ObjectiveOptions& objective, const ReferenceTargets& targets) {
    const int64_t width = options.width();
    gradients.assign(values.size(), 0.0);
    hidden.assign(static_cast<size_t>(batch.tokens() * width), 0.0);
    dhidden = hidden;
    log_attention.assign(static_cast<size_t>(batch.tokens()), -std::numeric_limits<double>::infinity());
    probability.clear();
    logit.clear();
    divergence.clear();
    loss = 0;
    double scale = 0;
    for (const int32_t label : batch.labels) scale += label == 1 ? objective.positive_weight : 1.0;
    for (int32_t b = 0; b < batch.sequences(); ++b) {
      const int32_t begin = batch.offsets[static_cast<size_t>(b)], end = batch.offsets[static_cast<size_t>(b) + 1];
      encode(batch, begin, end);
      head(batch, b, begin, end, objective, scale, targets);
      encode_backward(batch, begin, end);
    }
  }

  ModelOptions options;
  ParameterLayout layout;
  std::vector<double> values, gradients, hidden, dhidden, log_attention, probability, logit, divergence;
  double loss = 0;

 private:
  double* at(const std::string& name) { return values.data() + layout.find(name).offset; }
  double* gradient_at(const std::string& name) { return gradients.data() + layout.find(name).offset; }
  static std::string suffix(int direction) { return direction == 0 ? "" : "_reverse"; }

  struct Step {
    std::vector<LstmGates<double>> gates;  // [H]
    std::vector<double> cell, previous_cell, previous_hidden;
  };

  void encode(const HostBatch& batch, int32_t begin, int32_t end) {
    const int64_t e = options.embed, h = options.hidden;
    if (options.encoder == Encoder::tokens) {
      for (int64_t n = begin; n < end; ++n) {
        const double* x = at("encoder.embedding.weight") + batch.token_ids[static_cast<size_t>(n)] * e;
        for (int64_t j = 0; j < h; ++j) {
          double z = at("encoder.projection.bias")[j];
          for (int64_t k = 0; k < e; ++k) z += at("encoder.projection.weight")[j * e + k] * x[k];
          hidden[static_cast<size_t>(n * h + j)] = hyperbolic_tangent(z);
        }
      }
      return;
    }
    for (int direction = 0; direction < 2; ++direction) {
      steps[direction].assign(static_cast<size_t>(end - begin), {});
      std::vector<double> state(static_cast<size_t>(h), 0.0), cell(static_cast<size_t>(h), 0.0);
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

  std::vector<double> gate_inputs(int direction, int32_t id, const std::vector<double>& state) {
    const int64_t e = options.embed, h = options.hidden;
    const double* x = at("encoder.embedding.weight") + id * e;
    const double* w_ih = at("encoder.rnn.weight_ih_l0" + suffix(direction));
    const double* w_hh = at("encoder.rnn.weight_hh_l0" + suffix(direction));
    std::vector<double> z;
    for (int64_t row = 0; row < 4 * h; ++row) {
      double sum =
          at("encoder.rnn.bias_ih_l0" + suffix(direction))[row] + at("encoder.rnn.bias_hh_l0" + suffix(direction))[row];
      for (int64_t k = 0; k < e; ++k) sum += w_ih[row * e + k] * x[k];
      for (int64_t k = 0; k < h; ++k) sum += w_hh[row * h + k] * state[static_cast<size_t>(k)];
      z.push_back(sum);
    }
    return z;
  }

  void head(const HostBatch& batch, int32_t b, int32_t begin, int32_t end, const ObjectiveOptions& objective,
            double scale, const ReferenceTargets& targets) {
    const int64_t d = options.width(), a = options.attention_width();
    const double *w_a = at("decoder.attention.attn1.weight"), *b_a = at("decoder.attention.attn1.bias");
    const double *v = at("decoder.attention.attn2.weight"), *w = at("decoder.linear_1.weight");
    std::vector<std::vector<double>> activation(static_cast<size_t>(end - begin),
                                                std::vector<double>(static_cast<size_t>(a)));
    double total = 0;
    for (int64_t n = begin + 1; n < end - 1; ++n) {
      double score =
          options.attention == AttentionKind::given ? targets.given_log_attention[static_cast<size_t>(n)] : 0.0;
      for (int64_t j = 0; j < a && options.attention == AttentionKind::learned; ++j) {
        double z = b_a[j];
        for (int64_t k = 0; k < d; ++k) z += w_a[j * d + k] * hidden[static_cast<size_t>(n * d + k)];
        activation[static_cast<size_t>(n - begin)][static_cast<size_t>(j)] = hyperbolic_tangent(z);
        score += v[j] * hyperbolic_tangent(z);
      }
      log_attention[static_cast<size_t>(n)] = score;
      total += std::exp(score);
    }
    std::vector<double> context(static_cast<size_t>(d));
    for (int64_t n = begin + 1; n < end - 1; ++n) {
      if (options.attention != AttentionKind::given) log_attention[static_cast<size_t>(n)] -= std::log(total);
      for (int64_t k = 0; k < d; ++k) {
        context[static_cast<size_t>(k)] +=
            std::exp(log_attention[static_cast<size_t>(n)]) * hidden[static_cast<size_t>(n * d + k)];
      }
    }
    double z = at("decoder.linear_1.bias")[0];
    for (int64_t k = 0; k < d; ++k) z += w[k] * context[static_cast<size_t>(k)];
    logit.push_back(z);
    probability.push_back(sigmoid(z));
    double kl = 0;
    const bool adversary = objective.objective == Objective::adversary;
    const auto log_ratio = [&](int64_t n) {
      return adversary ? log_attention[static_cast<size_t>(n)] - targets.base_log_attention[static_cast<size_t>(n)]
                       : 0.0;
    };
    for (int64_t n = begin + 1; n < end - 1; ++n) kl += std::exp(log_attention[static_cast<size_t>(n)]) * log_ratio(n);
    divergence.push_back(kl);
    const int32_t label = batch.labels[static_cast<size_t>(b)];
    const auto result = adversary
                            ? adversarial_loss(probability.back(), targets.base_probability[static_cast<size_t>(b)], kl,
                                               scale, objective.tvd_factor, objective.lambda)
                            : classification_loss(z, label, label == 1 ? objective.positive_weight : 1.0);
    loss += result.loss;
    gradient_at("decoder.linear_1.bias")[0] += result.dlogit;
    for (int64_t k = 0; k < d; ++k)
      gradient_at("decoder.linear_1.weight")[k] += result.dlogit * context[static_cast<size_t>(k)];

    std::vector<double> dattention(static_cast<size_t>(end - begin));
    double mean = 0;
    for (int64_t n = begin + 1; n < end - 1; ++n) {
      const double attention = std::exp(log_attention[static_cast<size_t>(n)]);
      for (int64_t k = 0; k < d; ++k) {
        dattention[static_cast<size_t>(n - begin)] += result.dlogit * w[k] * hidden[static_cast<size_t>(n * d + k)];
        dhidden[static_cast<size_t>(n * d + k)] = result.dlogit * attention * w[k];
      }
      mean += attention * dattention[static_cast<size_t>(n - begin)];
    }
    if (options.attention != AttentionKind::learned) return;
    for (int64_t n = begin + 1; n < end - 1; ++n) {
      const double du = attention_score_gradient(std::exp(log_attention[static_cast<size_t>(n)]),
                                                 dattention[static_cast<size_t>(n - begin)], mean,
                                                 adversary ? scale * objective.lambda : 0.0, log_ratio(n), kl);
      for (int64_t j = 0; j < a; ++j) {
        const double u = activation[static_cast<size_t>(n - begin)][static_cast<size_t>(j)];
        const double dz = du * v[j] * (1 - u * u);
        gradient_at("decoder.attention.attn2.weight")[j] += du * u;
        gradient_at("decoder.attention.attn1.bias")[j] += dz;
        for (int64_t k = 0; k < d; ++k) {
          gradient_at("decoder.attention.attn1.weight")[j * d + k] += dz * hidden[static_cast<size_t>(n * d + k)];
          dhidden[static_cast<size_t>(n * d + k)] += dz * w_a[j * d + k];
        }
      }
    }
  }

  void encode_backward(const HostBatch& batch, int32_t begin, int32_t end) {
    const int64_t h = options.hidden;
    if (options.encoder == Encoder::tokens) {
      for (int64_t n = begin; n < end; ++n) {
        for (int64_t j = 0; j < h; ++j) {
          const double output = hidden[static_cast<size_t>(n * h + j)];
          const double dz = dhidden[static_cast<size_t>(n * h + j)] * (1 - output * output);
          gradient_at("encoder.projection.bias")[j] += dz;
          input_backward(batch.token_ids[static_cast<size_t>(n)], "encoder.projection.weight", j, dz);
        }
      }
      return;
    }
    for (int direction = 0; direction < 2; ++direction) {
      std::vector<double> dstate(static_cast<size_t>(h), 0.0), dcell(static_cast<size_t>(h), 0.0);
      for (int32_t t = end - begin - 1; t >= 0; --t) {
        const int64_t n = direction == 0 ? begin + t : end - 1 - t;
        lstm_step_backward(direction, batch.token_ids[static_cast<size_t>(n)], n,
                           steps[direction][static_cast<size_t>(t)], dstate, dcell);
      }
    }
  }

  void lstm_step_backward(int direction, int32_t id, int64_t n, const Step& step, std::vector<double>& dstate,
                          std::vector<double>& dcell) {
    const int64_t h = options.hidden;
    std::vector<double> dz(static_cast<size_t>(4 * h));
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
    std::fill(dstate.begin(), dstate.end(), 0.0);
    const double* w_hh = at("encoder.rnn.weight_hh_l0" + suffix(direction));
    for (int64_t row = 0; row < 4 * h; ++row) {
      const double value = dz[static_cast<size_t>(row)];
      gradient_at("encoder.rnn.bias_ih_l0" + suffix(direction))[row] += value;
      gradient_at("encoder.rnn.bias_hh_l0" + suffix(direction))[row] += value;
      for (int64_t k = 0; k < h; ++k) {
        gradient_at("encoder.rnn.weight_hh_l0" + suffix(direction))[row * h + k] +=
            value * step.previous_hidden[static_cast<size_t>(k)];
        dstate[static_cast<size_t>(k)] += w_hh[row * h + k] * value;
      }
      input_backward(id, "encoder.rnn.weight_ih_l0" + suffix(direction), row, value);
    }
  }

  /// Gradient `dz` at output `row` of an affine map of the embedding of `id`.
  void input_backward(int32_t id, const std::string& weight, int64_t row, double dz) {
    const int64_t e = options.embed;
    for (int64_t k = 0; k < e; ++k) {
      gradient_at(weight)[row * e + k] += dz * at("encoder.embedding.weight")[id * e + k];
      gradient_at("encoder.embedding.weight")[id * e + k] += dz * at(weight)[row * e + k];
    }
  }

  std::vector<Step> steps[2];
};

}  // namespace notnot::test
