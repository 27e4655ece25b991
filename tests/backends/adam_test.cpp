#include "kernels/adam.h"

#include <algorithm>
#include <cmath>

#include "kernels/cases/adam_case.h"
#include "tests/backends/backend.h"
#include "tests/support/error_model.h"

namespace notnot {
namespace {

constexpr double kLearningRate = 1e-3, kBeta1 = 0.9, kBeta2 = 0.999;

AdamHyper hyper_with_decay(float decay) {
  AdamHyper hyper;
  hyper.decay = decay;
  return hyper;
}

/// Step t of those that `scalars` belong to.
void dense_step(const Device& device, const AdamCase& arrays, const AdamHyper& hyper,
                const std::vector<AdamStepScalars>& scalars, int32_t t, const std::vector<float>& gradient) {
  const DeviceArray<float> device_gradient(device, gradient);
  const DeviceArray<AdamStepScalars> device_scalars(device, scalars);
  const DeviceArray<int32_t> completed(device, std::vector<int32_t>{t - 1});
  adam_step(device, arrays.step(hyper, device_scalars, completed, device_gradient));
}

/// The formulas of adam.h for any number type, written as in the paper's algorithm and not as in the code.
template <class Real>
class Reference {
 public:
  explicit Reference(const std::vector<float>& start)
      : parameter(test::inputs<Real>(as_double(start))), m_(start.size()), v_(start.size()), largest_(start.size()) {}

  void step(const std::vector<float>& gradient, double decay) {
    using std::sqrt;
    ++t_;
    const Real correction1(1 - std::pow(kBeta1, t_)), correction2(1 - std::pow(kBeta2, t_));
    for (size_t i = 0; i < parameter.size(); ++i) {
      const Real g = Real(gradient[i]) + Real(decay) * parameter[i];
      m_[i] = Real(kBeta1) * m_[i] + Real(1 - kBeta1) * g;
      v_[i] = Real(kBeta2) * v_[i] + Real(1 - kBeta2) * g * g;
      largest_[i] = v_[i] > largest_[i] ? v_[i] : largest_[i];
      const Real m_hat = m_[i] / correction1, v_hat = largest_[i] / correction2;
      parameter[i] -= Real(kLearningRate) * m_hat / (sqrt(v_hat) + Real(1e-8));
    }
  }
  std::vector<Real> parameter;

 private:
  std::vector<Real> m_, v_, largest_;
  int t_ = 0;
};

TEST_CASE("adam_step against double over 20 steps") {
  for (const int64_t size : {1, 255, 256, 257, 20000}) {
    for (const float decay : {0.0F, 1e-5F, 0.1F}) {
      CAPTURE(size);
      CAPTURE(decay);
      const Device device = test_device();
      const std::vector<float> start = random_floats(size, 1);
      const AdamCase arrays(device, start);
      std::vector<std::vector<float>> gradients;
      const std::vector<AdamStepScalars> scalars = adam_scalars(kLearningRate, 20);
      for (int32_t t = 1; t <= 20; ++t) {
        // Gradients shrink, so that the largest second moment is not the current one.
        gradients.push_back(random_floats(size, 100 + t, 1.0F / static_cast<float>(t)));
        dense_step(device, arrays, hyper_with_decay(decay), scalars, t, gradients.back());
      }
      const auto expected = test::with_allowances([&]<class Real>() {
        Reference<Real> reference(start);
        for (const std::vector<float>& gradient : gradients) reference.step(gradient, decay);
        return test::NamedValues<Real>{{"parameter", reference.parameter}};
      });
      check_allowed(arrays.parameter.host(), expected[0], "");
    }
  }
}

/// An embedding whose rows are brought up to date lazily.
struct Rows {
  const Device& device;
  AdamRowsCase arrays;

  void replay(const AdamHyper& hyper, int32_t step, const std::vector<int32_t>& ids) const {
    const DeviceArray<int32_t> device_ids(device, ids), completed(device, std::vector<int32_t>{step});
    adam_rows_replay(
        device,
        {.state = arrays.state(hyper, completed), .count = static_cast<int32_t>(ids.size()), .ids = device_ids});
  }
  void step(const AdamHyper& hyper, int32_t step, const std::vector<int32_t>& ids,
            const std::vector<float>& gradients) const {
    const DeviceArray<int32_t> device_ids(device, ids), completed(device, std::vector<int32_t>{step - 1});
    const DeviceArray<float> device_gradients(device, gradients);
    adam_rows_step(device, {.state = arrays.state(hyper, completed),
                            .count = static_cast<int32_t>(ids.size()),
                            .ids = device_ids,
                            .gradients = device_gradients});
  }
};

TEST_CASE("rows brought up to date lazily have the bits of the dense update") {
  constexpr int32_t kRows = 12, kSteps = 60;
  for (const int32_t columns : {1, 63, 64, 300}) {
    CAPTURE(columns);
    const Device device = test_device();
    const AdamHyper hyper = hyper_with_decay(1e-5F);
    std::vector<float> start = random_floats(int64_t{kRows} * columns, 5);
    std::fill_n(start.begin(), columns, 0.0F);  // <pad>
    const std::vector<AdamStepScalars> scalars = adam_scalars(kLearningRate, kSteps);
    const AdamCase dense(device, start);
    const Rows lazy{device, AdamRowsCase(device, start, columns, scalars)};
    for (int32_t t = 1; t <= kSteps; ++t) {
      // Row r is touched in every r-th step, the last but one in two steps that lie far apart, the last row never: its
      // largest second moment grows with every step. The batch has three rows of slack.
      std::vector<int32_t> ids;
      for (int32_t row = 1; row < kRows - 2; ++row) {
        if (t % row == 0) ids.push_back(row);
      }
      if (t == 3 || t == 40) ids.push_back(kRows - 2);
      const size_t words = ids.size();
      ids.insert(ids.end(), 3, kPaddingId);
      const std::vector<float> gradients = random_floats(static_cast<int64_t>(ids.size()) * columns, t);
      std::vector<float> dense_gradient(start.size(), 0.0F);
      for (size_t i = 0; i < words; ++i) {
        std::copy_n(gradients.begin() + i * columns, columns, dense_gradient.begin() + int64_t{ids[i]} * columns);
      }
      dense_step(device, dense, hyper, scalars, t, dense_gradient);
      lazy.replay(hyper, t - 1, ids);
      lazy.step(hyper, t, ids, gradients);
      if (t == kSteps / 2) {
        check_same_bytes(head(lazy.arrays.parameter.host(), 2 * columns), head(dense.parameter.host(), 2 * columns),
                         "rows 0 and 1 half-way");
        const auto rows_behind = lazy.arrays.last_step.host();
        CHECK(rows_behind[kRows - 1] == 0);
        CHECK(rows_behind[1] == t);
      }
    }
    lazy.replay(hyper, kSteps, {});
    check_same_bytes(lazy.arrays.parameter.host(), dense.parameter.host(), "parameter");
    check_same_bytes(lazy.arrays.first_moment.host(), dense.first_moment.host(), "first moment");
    check_same_bytes(lazy.arrays.second_moment.host(), dense.second_moment.host(), "second moment");
    check_same_bytes(lazy.arrays.largest_second_moment.host(), dense.largest_second_moment.host(), "largest moment");
    std::vector<int32_t> last_step(kRows, kSteps);
    last_step[kPaddingId] = 0;
    CHECK(lazy.arrays.last_step.host() == last_step);
    lazy.replay(hyper, kSteps, {});
    check_same_bytes(lazy.arrays.parameter.host(), dense.parameter.host(), "replayed twice");
  }
}

TEST_CASE("a zero row without gradient stays zero") {
  const Device device = test_device();
  const Rows rows{device, AdamRowsCase(device, std::vector<float>(5), 5, adam_scalars(kLearningRate, 9))};
  rows.replay(hyper_with_decay(1e-5F), 9, {});
  check_same_bytes(rows.arrays.parameter.host(), std::vector<float>(5), "<pad>");
}

}  // namespace
}  // namespace notnot
