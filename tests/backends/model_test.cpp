// Whole models on each backend. Batch, fleet, number of threads and interruptions must not change a bit of the results.
#include <doctest/doctest.h>

#include <filesystem>
#include <limits>
#include <set>
#include <thread>

#include "engine/corpora/planted_corpus.h"
#include "engine/io/files.h"
#include "engine/io/safetensors.h"
#include "engine/io/text.h"
#include "models/training.h"
#include "tests/backends/backend.h"
#include "tests/backends/short_texts.h"
#include "tests/support/temporary_folder.h"

namespace notnot {
namespace {

Dataset small_corpus() { return short_texts(70, 20, 20); }

ModelOptions small_model(const Dataset& data, Encoder encoder, AttentionKind attention, int32_t hidden = 5) {
  return {
      .encoder = encoder, .attention = attention, .vocabulary = data.vocabulary.size(), .embed = 7, .hidden = hidden};
}

/// A context on the tested backend; on CUDA it is opened for this object only.
class ScopedDevice {
 public:
  ScopedDevice() : device_(test_device()) {
    if (device_.backend == Backend::cuda) device_ = cuda::open(0);
  }
  ~ScopedDevice() {
    if (device_.backend == Backend::cuda) cuda::close(device_);
  }
  ScopedDevice(const ScopedDevice&) = delete;
  ScopedDevice& operator=(const ScopedDevice&) = delete;
  Device& get() { return device_; }

 private:
  Device device_;
};

/// Trains `steps` steps from the initial parameters of `seed`; returns the parameters.
std::vector<float> train_steps(const Device& device, const Dataset& data, const ModelOptions& options, uint64_t seed,
                               int32_t batch_size, size_t steps) {
  TrainingOptions training{.seed = seed, .batch_size = batch_size, .optimiser = {}};
  AttentionClassifier model(device, options, training_plan(device, data, training));
  model.allocate();
  model.set_parameters(initial_parameters(model.layout(), seed, {}));
  const Split& split = data.split(SplitName::train);
  const auto batches = training_batches(split, batch_size, seed, 1);
  for (size_t step = 0; step < steps; ++step) {
    model.compute_gradients(assemble_batch(split, batches[step % batches.size()], options.vocabulary),
                            {.positive_weight = 1.5});
    model.apply_gradients();
  }
  return model.parameters();
}

const std::vector<std::pair<Encoder, AttentionKind>> kModels = {{Encoder::lstm, AttentionKind::learned},
                                                                {Encoder::lstm, AttentionKind::uniform},
                                                                {Encoder::tokens, AttentionKind::learned},
                                                                {Encoder::tokens, AttentionKind::uniform}};

class Silent : public TrainingMonitor {
 public:
  explicit Silent(int64_t stop_after = -1) : left_(stop_after) {}
  void batch_done(int32_t, int32_t, int32_t) override { --left_; }
  void epoch_done(const EpochMetrics&, bool) override {}
  bool stop_requested() override { return left_ == 0; }

 private:
  int64_t left_;
};

/// What a kill leaves: it ends the training without a word.
struct Killed {};

/// Kills the training at a batch, or asks it to stop at a poll; both are counted from 1, and 0 is never.
class Disturbing : public TrainingMonitor {
 public:
  Disturbing(int64_t kill_at_batch, int64_t stop_at_poll) : kill_(kill_at_batch), stop_(stop_at_poll) {}
  void batch_done(int32_t, int32_t, int32_t) override {
    if (--kill_ == 0) throw Killed();
  }
  void epoch_done(const EpochMetrics&, bool) override {}
  bool stop_requested() override { return --stop_ == 0; }

 private:
  int64_t kill_, stop_;
};

TrainingRequest small_request(const Dataset& data, const ModelOptions& options) {
  TrainingRequest request{.dataset = &data,
                          .model = options,
                          .training = {.seed = 3, .epochs = 3, .batch_size = 16, .optimiser = {}},
                          .initial_parameters = initial_parameters(ParameterLayout(options), 3, {}),
                          .config = {{"choices", 1}}};
  return request;
}

std::string content(const std::filesystem::path& path) { return read_file(path); }

void check_same_run(const RunFolder& a, const RunFolder& b) {
  CHECK(content(a.model_path()) == content(b.model_path()));
  CHECK(content(a.result_path()) == content(b.result_path()));
  CHECK(content(a.predictions_path()) == content(b.predictions_path()));
  for (const SplitName split : kSplitNames) CHECK(content(a.attention_path(split)) == content(b.attention_path(split)));
}

}  // namespace

/// The predictions of a base model with random parameters for every text.
Targets random_targets(const Device& device, const Dataset& data, uint64_t seed) {
  const ModelOptions options = small_model(data, Encoder::lstm, AttentionKind::learned);
  AttentionClassifier model(device, options,
                            training_plan(device, data, {.seed = seed, .batch_size = 16, .optimiser = {}}));
  model.allocate();
  model.set_parameters(initial_parameters(model.layout(), seed, {}));
  Targets targets;
  for (const SplitName name : kSplitNames) {
    SplitPredictions predictions = predict_split(model, data.split(name), 1.0);
    targets[name] = {std::move(predictions.log_attention), std::move(predictions.probability)};
  }
  return targets;
}

/// An adversary's targets for a batch.
BatchTargets targets_of(const Split& split, const HostBatch& batch, const TextTargets& targets) {
  BatchTargets result;
  for (const int32_t text : batch.texts) {
    const auto begin = targets.log_attention.begin() + split.offsets[text];
    result.base_log_attention.insert(result.base_log_attention.end(), begin, begin + split.length(text));
    result.base_probability.push_back(targets.probability[text]);
  }
  return result;
}

/// Steps in flight are uploaded while others run, and captured on CUDA; they must have the bytes of steps one by one.
void check_batches_in_flight(Objective objective, Encoder encoder, int32_t hidden) {
  const Dataset data = small_corpus();
  const Split& split = data.split(SplitName::train);
  const Targets targets = random_targets(test_device(), data, 6);
  const ModelOptions options = small_model(data, encoder, AttentionKind::learned, hidden);
  const TrainingOptions training{.batch_size = 8, .optimiser = {}};
  const ObjectiveOptions towards{.objective = objective, .positive_weight = 1.5, .lambda = 0.1};
  AttentionClassifier one_by_one(test_device(), options, training_plan(test_device(), data, training)),
      in_flight(test_device(), options, training_plan(test_device(), data, training));
  for (AttentionClassifier* model : {&one_by_one, &in_flight}) {
    model->allocate();
    model->set_parameters(initial_parameters(model->layout(), 3, {}));
  }
  std::vector<double> expected, losses;
  std::vector<std::vector<int32_t>> batches = training_batches(split, training.batch_size, 5, 1);
  batches.resize(4);
  // Three rounds over the same batches: a size is first seen, then captured, then replayed. Batches of equal sizes
  // share the captured step.
  for (int round = 0; round < 3; ++round) {
    for (const std::vector<int32_t>& texts : batches) {
      const HostBatch batch = assemble_batch(split, texts, options.vocabulary);
      const BatchTargets base =
          objective == Objective::adversary ? targets_of(split, batch, targets[SplitName::train]) : BatchTargets{};
      expected.push_back(one_by_one.compute_gradients(batch, towards, base));
      one_by_one.apply_gradients();
      in_flight.enqueue_step(batch, towards, base);
      if (in_flight.batches_in_flight() == 2) losses.push_back(in_flight.finish_step());
    }
    losses.push_back(in_flight.finish_step());
    CHECK(in_flight.batches_in_flight() == 0);
    check_same_bytes(predict_split(in_flight, split, 1).probability, predict_split(one_by_one, split, 1).probability,
                     "predictions between the rounds");
  }
  CHECK(losses == expected);
  check_same_bytes(in_flight.parameters(), one_by_one.parameters(), "parameters");
  CHECK((in_flight.captured_steps() > 0) == (test_device().backend == Backend::cuda));
}

TEST_CASE("the same seed gives the same bytes") {
  const Dataset data = small_corpus();
  ScopedDevice device;
  for (const auto& [encoder, attention] : kModels) {
    const ModelOptions options = small_model(data, encoder, attention);
    check_same_bytes(train_steps(device.get(), data, options, 10, 32, 4),
                     train_steps(device.get(), data, options, 10, 32, 4), "second run");
  }
}

TEST_CASE("the number of threads changes no byte of a training (CPU)" * only_on(Backend::cpu)) {
  const Dataset data = small_corpus();
  Device device = test_device();
  for (const auto& [encoder, attention] : kModels) {
    const ModelOptions options = small_model(data, encoder, attention);
    device.threads = 1;
    const auto one = train_steps(device, data, options, 10, 32, 4);
    for (const int threads : {2, 3, 5}) {
      device.threads = threads;
      check_same_bytes(train_steps(device, data, options, 10, 32, 4), one, std::to_string(threads) + " threads");
    }
  }
}

TEST_CASE("steps in flight, captured, have the bytes of steps one by one") {
  check_batches_in_flight(Objective::classify, Encoder::lstm, 5);
}

TEST_CASE("steps in flight of another objective, another encoder and of H = 128 have the bytes of steps one by one") {
  check_batches_in_flight(Objective::adversary, Encoder::lstm, 5);
  check_batches_in_flight(Objective::classify, Encoder::tokens, 5);
  check_batches_in_flight(Objective::classify, Encoder::lstm, 128);  // on CUDA, the persistent kernels
}

TEST_CASE("predictions in flight have the bytes of predictions one by one, and are no steps") {
  const Dataset data = small_corpus();
  const Split& split = data.split(SplitName::train);
  const ModelOptions options = small_model(data, Encoder::lstm, AttentionKind::learned);
  AttentionClassifier model(test_device(), options,
                            training_plan(test_device(), data, {.batch_size = 4, .optimiser = {}}));
  model.allocate();
  model.set_parameters(initial_parameters(model.layout(), 3, {}));
  std::vector<AttentionClassifier::Predictions> expected;
  std::vector<HostBatch> batches;
  for (int32_t i = 0; i < 12; i += 2) {
    batches.push_back(assemble_batch(split, {i, i + 1}, options.vocabulary));
    expected.push_back(model.predict(batches.back()));
  }
  model.set_parameters(initial_parameters(model.layout(), 3, {}));  // no word is projected
  size_t finished = 0;
  const auto check_oldest = [&] {
    const AttentionClassifier::Predictions actual = model.finish_prediction();
    check_same_bytes(actual.probability, expected[finished].probability, "probability");
    check_same_bytes(actual.logit, expected[finished].logit, "logit");
    check_same_bytes(actual.log_attention, expected[finished].log_attention, "attention");
    ++finished;
  };
  for (size_t i = 0; i < batches.size(); ++i) {
    model.enqueue_prediction(batches[i]);
    if (i > 0) check_oldest();
  }
  CHECK_THROWS_WITH_AS(model.finish_step(), doctest::Contains("the oldest batch in flight is no training step"), Error);
  check_oldest();
  CHECK_THROWS_WITH_AS(model.finish_prediction(), doctest::Contains("nothing is in flight"), Error);
  model.enqueue_step(batches[0], {});
  CHECK_THROWS_WITH_AS(model.finish_prediction(), doctest::Contains("is a training step"), Error);
  model.finish_step();
}

TEST_CASE("models that come and go on the device during a training change no byte of it") {
  const Dataset data = small_corpus();
  const Split& split = data.split(SplitName::train);
  const ModelOptions options = small_model(data, Encoder::lstm, AttentionKind::learned, 128);
  const auto batches = training_batches(split, 8, 5, 1);
  const auto train = [&](bool with_others) {
    AttentionClassifier model(test_device(), options,
                              training_plan(test_device(), data, {.batch_size = 8, .optimiser = {}}));
    model.allocate();
    model.set_parameters(initial_parameters(model.layout(), 3, {}));
    std::vector<RunningModel> others;
    for (int step = 0; step < 12; ++step) {
      if (with_others && step == 4) {
        for (int i = 0; i < 5; ++i) others.emplace_back(test_device());
      }
      if (step == 8) others.clear();
      model.enqueue_step(assemble_batch(split, batches[step % 2], options.vocabulary), {});
      if (model.batches_in_flight() == 2) model.finish_step();
      if (step == 9) model.finish_step();
      if (step % 4 == 3 && test_device().backend == Backend::cuda) {
        // What was captured is forgotten where more models come, before step 4, and where fewer are left and nothing
        // is in flight: before step 10.
        CHECK(model.captured_steps() == (with_others && step == 11 ? 0 : 2));
      }
    }
    model.finish_step();
    return model.parameters();
  };
  check_same_bytes(train(true), train(false), "parameters");
}

TEST_CASE("the models on a device are counted, rounded up to a power of two") {
  const RunningModel one(test_device());
  CHECK(one.on_device() == 1);
  {
    std::vector<RunningModel> others;
    for (const int expected : {2, 4, 4, 8}) {
      others.emplace_back(test_device());
      CHECK(one.on_device() == expected);
    }
  }
  CHECK(one.on_device() == 1);
}

TEST_CASE("a token of a batch's slack reads a row of the table, whatever the memory of the upload held before") {
  const Dataset data = small_corpus();
  const Split& split = data.split(SplitName::train);
  const ModelOptions options = small_model(data, Encoder::tokens, AttentionKind::given);
  AttentionClassifier one_by_one(test_device(), options,
                                 training_plan(test_device(), data, {.batch_size = 16, .optimiser = {}})),
      in_flight(test_device(), options, training_plan(test_device(), data, {.batch_size = 16, .optimiser = {}}));
  for (AttentionClassifier* model : {&one_by_one, &in_flight}) {
    model->allocate();
    model->set_parameters(initial_parameters(model->layout(), 3, {}));
  }
  std::vector<double> losses, expected;
  for (int32_t step = 0; step < 24; ++step) {  // of 1 to 16 texts: another layout each time, minus infinity behind it
    std::vector<int32_t> texts;
    for (int32_t i = 0; i <= step * 7 % 16; ++i) texts.push_back((step + i) % split.size());
    const HostBatch batch = assemble_batch(split, texts, options.vocabulary);
    BatchTargets given;
    for (const int32_t text : batch.texts) {
      for (int32_t n = 0; n < split.length(text); ++n) {
        const bool boundary = n == 0 || n + 1 == split.length(text);
        given.given_log_attention.push_back(boundary ? -std::numeric_limits<float>::infinity()
                                                     : -std::log(static_cast<float>(split.length(text) - 2)));
      }
    }
    expected.push_back(one_by_one.compute_gradients(batch, {}, given));
    one_by_one.apply_gradients();
    in_flight.enqueue_step(batch, {}, given);
    if (in_flight.batches_in_flight() == 2) losses.push_back(in_flight.finish_step());
  }
  losses.push_back(in_flight.finish_step());
  CHECK(losses == expected);
  for (const double loss : losses) CHECK(std::isfinite(loss));
  check_same_bytes(in_flight.parameters(), one_by_one.parameters(), "parameters");
}

TEST_CASE("targets that a step does not need change nothing of it, captured or not") {
  const Dataset data = small_corpus();
  const Split& split = data.split(SplitName::train);
  const Targets targets = random_targets(test_device(), data, 6);
  const ModelOptions options = small_model(data, Encoder::lstm, AttentionKind::learned);
  const HostBatch batch = assemble_batch(split, {0, 1, 2}, options.vocabulary);
  std::vector<std::vector<float>> results;
  for (const bool with_targets : {false, true}) {
    AttentionClassifier model(test_device(), options,
                              training_plan(test_device(), data, {.batch_size = 4, .optimiser = {}}));
    model.allocate();
    model.set_parameters(initial_parameters(model.layout(), 3, {}));
    for (int step = 0; step < 12; ++step) {
      model.enqueue_step(
          batch, {}, with_targets && step >= 6 ? targets_of(split, batch, targets[SplitName::train]) : BatchTargets{});
      model.finish_step();
    }
    results.push_back(model.parameters());
  }
  check_same_bytes(results[1], results[0], "parameters");
}

TEST_CASE("another seed gives other parameters") {
  const Dataset data = small_corpus();
  ScopedDevice device;
  const ModelOptions options = small_model(data, Encoder::lstm, AttentionKind::learned);
  CHECK(train_steps(device.get(), data, options, 10, 32, 1) != train_steps(device.get(), data, options, 11, 32, 1));
}

TEST_CASE("batches of 1 and 33 texts, one of them with a single word, train and stay finite") {
  const Dataset data = small_corpus();
  ScopedDevice device;
  const ModelOptions options = small_model(data, Encoder::lstm, AttentionKind::learned);
  for (const int32_t batch_size : {1, 33}) {
    for (const float value : train_steps(device.get(), data, options, 10, batch_size, 3)) REQUIRE(std::isfinite(value));
  }
}

TEST_CASE("a text's prediction is the same alone, in a batch and after any other, bit for bit") {
  const Dataset data = small_corpus();
  const Split& split = data.split(SplitName::test);
  ScopedDevice device;
  for (const auto& [encoder, attention] : kModels) {
    const ModelOptions options = small_model(data, encoder, attention, 16);
    AttentionClassifier model(device.get(), options, prediction_plan(device.get(), split));
    model.allocate();
    model.set_parameters(initial_parameters(model.layout(), 10, {}));
    const SplitPredictions together = predict_split(model, split, 1.0);
    const auto check_alone = [&](int32_t i) {
      const auto alone = model.predict(assemble_batch(split, {i}, options.vocabulary));
      check_same_bytes(alone.probability, {together.probability[i]}, "probability");
      const auto begin = together.log_attention.begin() + split.offsets[i];
      check_same_bytes(alone.log_attention, std::vector<float>(begin, begin + split.length(i)), "attention");
    };
    for (int32_t i = 0; i < split.size(); ++i) check_alone(i);
    // Now fill the table of projected words in another order; then let the model refuse a batch in between.
    model.set_parameters(initial_parameters(model.layout(), 10, {}));
    for (int32_t i = split.size() - 1; i >= 0; --i) check_alone(i);
    model.set_parameters(initial_parameters(model.layout(), 10, {}));
    std::vector<int32_t> too_many(2 * split.size());
    for (size_t i = 0; i < too_many.size(); ++i) too_many[i] = static_cast<int32_t>(i) / 2;
    CHECK_THROWS_AS(model.predict(assemble_batch(split, too_many, options.vocabulary)), Error);
    check_alone(0);
  }
}

TEST_CASE("a prediction is that of the parameters as they are, whatever the model did before") {
  const Dataset data = small_corpus();
  const Split &split = data.split(SplitName::test), &train = data.split(SplitName::train);
  ScopedDevice device;
  for (const auto& [encoder, attention] : kModels) {
    const ModelOptions options = small_model(data, encoder, attention);
    const HostBatch some = assemble_batch(train, {0, 1, 2}, options.vocabulary);
    const HostBatch others = assemble_batch(train, {3, 4}, options.vocabulary);
    const auto start = initial_parameters(ParameterLayout(options), 10, {});
    const auto make = [&](const std::vector<float>& parameters) {
      AttentionClassifier model(device.get(), options,
                                training_plan(device.get(), data, {.batch_size = 4, .optimiser = {}}));
      model.allocate();
      model.set_parameters(parameters);
      return model;
    };
    const auto check_same = [&](AttentionClassifier& model, const SplitPredictions& expected, const char* when) {
      const SplitPredictions actual = predict_split(model, split, 1.0);
      check_same_bytes(actual.probability, expected.probability, when);
      check_same_bytes(actual.log_attention, expected.log_attention, when);
    };
    AttentionClassifier model = make(start);
    const SplitPredictions before = predict_split(model, split, 1.0);
    model.compute_gradients(some, {});
    check_same(model, before, "after gradients");
    for (const HostBatch* batch : {&some, &others}) {
      model.compute_gradients(*batch, {});
      model.apply_gradients();
    }
    const SplitPredictions after = predict_split(model, split, 1.0);
    CHECK(after.probability != before.probability);
    AttentionClassifier fresh = make(model.parameters());
    check_same(fresh, after, "a fresh model of the trained parameters");
    model.set_parameters(start);
    check_same(model, before, "with the first parameters again");
  }
}

TEST_CASE("what follows an update at once has the bytes of what waits for it") {
  const Dataset data = small_corpus();
  const Split& split = data.split(SplitName::train);
  const ModelOptions options = small_model(data, Encoder::lstm, AttentionKind::learned);
  const auto batch = [&](int32_t first) { return assemble_batch(split, {first, first + 1}, options.vocabulary); };
  std::vector<std::vector<float>> results;
  for (const bool waits : {true, false}) {
    AttentionClassifier model(test_device(), options,
                              training_plan(test_device(), data, {.batch_size = 2, .optimiser = {}}));
    model.allocate();
    model.set_parameters(initial_parameters(model.layout(), 10, {}));
    const auto update = [&](int32_t first) {
      model.compute_gradients(batch(first), {});
      model.apply_gradients();
      if (waits) synchronize(test_device());
    };
    for (int32_t round = 0; round < 8; ++round) {
      update(2 * round);
      update(2 * round + 2);
      model.predict(batch(20 + 2 * round));  // loads into the slot of the second update's batch
      update(2 * round + 4);
      model.enqueue_step(batch(30), {});
      model.enqueue_step(batch(32), {});  // loads into the slot of the third update's batch
      model.finish_step();
      model.finish_step();
    }
    results.push_back(model.parameters());
  }
  check_same_bytes(results[1], results[0], "parameters");
}

TEST_CASE("bf16x3 moves no gradient of a step by more than 1e-5 of the largest of its group (CUDA)" *
          only_on(Backend::cuda)) {
  ScopedDevice device;
  const Dataset data = small_corpus();
  const Split& split = data.split(SplitName::train);
  ModelOptions options = small_model(data, Encoder::lstm, AttentionKind::learned, kBf16x3Hidden);
  const ParameterLayout layout(options);
  const HostBatch batch = assemble_batch(split, training_batches(split, 32, 10, 1).front(), options.vocabulary);
  std::vector<std::vector<float>> gradients;
  for (const Precision precision : {Precision::fp32, Precision::bf16x3}) {
    options.precision = precision;
    AttentionClassifier model(device.get(), options,
                              training_plan(device.get(), data, {.batch_size = 32, .optimiser = {}}));
    model.allocate();
    model.set_parameters(initial_parameters(layout, 10, {}));
    model.compute_gradients(batch, {});
    gradients.push_back(model.gradients());
  }
  CHECK(gradients[0] != gradients[1]);
  // The tolerance is relative to the group's largest gradient: in the gradient of attn1.bias nearly all terms cancel
  // (those of each text sum to 0), so its own largest value would be too small a measure.
  for (const ParameterGroup group :
       {ParameterGroup::embedding, ParameterGroup::encoder, ParameterGroup::output, ParameterGroup::attention}) {
    std::vector<float> actual, expected;
    for (const Parameter& p : layout.parameters()) {
      if (p.group != group) continue;
      const auto append = [&](std::vector<float>& to, const std::vector<float>& from) {
        to.insert(to.end(), from.begin() + p.offset, from.begin() + p.offset + p.size);
      };
      append(actual, gradients[1]);
      append(expected, gradients[0]);
    }
    check_close(actual, as_double(expected), 1e-5, fmt::format("group {}", static_cast<int>(group)));
  }
}

TEST_CASE("a model in a fleet of three trains to the bytes it reaches alone") {
  const Dataset data = small_corpus();
  ScopedDevice alone;
  const ModelOptions options = small_model(data, Encoder::lstm, AttentionKind::learned);
  std::vector<std::vector<float>> fleet(3);
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < fleet.size(); ++i) {
      threads.emplace_back([&, i] {
        ScopedDevice own;
        fleet[i] = train_steps(own.get(), data, options, 20 + i, 16, 5);
      });
    }
  }
  for (size_t i = 0; i < fleet.size(); ++i) {
    check_same_bytes(fleet[i], train_steps(alone.get(), data, options, 20 + i, 16, 5), "model " + std::to_string(i));
  }
}

TEST_CASE("models on two devices, one after the other and in turns, have the bytes of one device (CUDA)" *
          only_on(Backend::cuda)) {
  if (second_device() == nullptr) return;
  const Dataset data = small_corpus();
  const ModelOptions options = small_model(data, Encoder::lstm, AttentionKind::learned);
  const auto expected = train_steps(test_device(), data, options, 10, 16, 6);
  check_same_bytes(train_steps(*second_device(), data, options, 10, 16, 6), expected, "on the second device");

  const Split& split = data.split(SplitName::train);
  const auto plan = training_plan(test_device(), data, {.batch_size = 16, .optimiser = {}});
  AttentionClassifier first(test_device(), options, plan), second(*second_device(), options, plan);
  for (AttentionClassifier* model : {&first, &second}) {
    model->allocate();
    model->set_parameters(initial_parameters(model->layout(), 10, {}));
  }
  const auto batches = training_batches(split, 16, 10, 1);
  for (size_t step = 0; step < 6; ++step) {
    const HostBatch batch = assemble_batch(split, batches[step % batches.size()], options.vocabulary);
    for (AttentionClassifier* model : {&first, &second}) model->enqueue_step(batch, {.positive_weight = 1.5});
    for (AttentionClassifier* model : {&second, &first}) model->finish_step();
  }
  check_same_bytes(first.parameters(), expected, "in turns, on the first device");
  check_same_bytes(second.parameters(), expected, "in turns, on the second device");
}

TEST_CASE("a base model, its uniform twin and a token model start from the same embedding") {
  const Dataset data = small_corpus();
  const ModelOptions base = small_model(data, Encoder::lstm, AttentionKind::learned);
  const ModelOptions uniform = small_model(data, Encoder::lstm, AttentionKind::uniform);
  check_same_bytes(initial_parameters(ParameterLayout(base), 7, {}),
                   initial_parameters(ParameterLayout(uniform), 7, {}), "parameters");
  const auto parameters = initial_parameters(ParameterLayout(base), 7, {});
  for (int i = 0; i < base.embed; ++i) CHECK(parameters[i] == 0);
}

TEST_CASE("row 0 of the embedding stays zero, untouched rows move as dense Adam moves them") {
  const Dataset data = small_corpus();
  ScopedDevice device;
  const ModelOptions options = small_model(data, Encoder::lstm, AttentionKind::learned);
  const auto before = initial_parameters(ParameterLayout(options), 10, {});
  const auto after = train_steps(device.get(), data, options, 10, 4, 1);
  const int32_t columns = options.embed;
  for (int32_t i = 0; i < columns; ++i) CHECK(after[i] == 0);
  // <UNK> (row 1) never occurs in a training text here: only L2 moves it. Its gradient is g = 1e-5 p, and the first
  // step of Adam lr g / (|g| + eps). It is right to an ulp of p, and to the ten roundings of the step itself.
  for (int32_t i = columns; i < 2 * columns; ++i) {
    const double gradient = 1e-5 * before[i], step = 1e-3 * gradient / (std::abs(gradient) + 1e-8);
    CHECK(std::abs(before[i] - after[i] - step) <= 0x1p-23 * std::abs(before[i]) + 10 * 0x1p-24 * std::abs(step));
  }
}

TEST_CASE("a run that is interrupted anywhere and resumed ends in the bytes of an uninterrupted one") {
  const Dataset data = small_corpus();
  ScopedDevice device;
  device.get().threads = 1;  // many tiny batches
  const ModelOptions options = small_model(data, Encoder::lstm, AttentionKind::learned);
  TemporaryFolder folder;
  const RunFolder whole(folder.path(), "whole");
  {
    RunWriter writer(whole);
    Silent monitor;
    train(device.get(), small_request(data, options), writer, monitor);
  }
  for (const int64_t stop_after : {1, 5, 7, 14}) {
    const RunFolder parts(folder.path(), fmt::format("parts{}", stop_after));
    RunWriter writer(parts);
    TrainingRequest request = small_request(data, options);
    request.resume = true;
    Silent stopping(stop_after), going;
    CHECK_THROWS_AS(train(device.get(), request, writer, stopping), Interrupted);
    CHECK(parts.state() == RunState::resumable);
    train(device.get(), request, writer, going);
    check_same_run(parts, whole);
  }
}

TEST_CASE("a run that is killed at any batch, with a checkpoint after each, loses one and ends in the same bytes") {
  const Dataset data = small_corpus();
  ScopedDevice device;
  device.get().threads = 1;
  TemporaryFolder folder;
  TrainingRequest request = small_request(data, small_model(data, Encoder::lstm, AttentionKind::learned));
  request.resume = true;
  RunWriter whole(RunFolder(folder.path(), "whole"));
  Silent going;
  train(device.get(), request, whole, going);
  request.checkpoint_seconds = 0;
  for (const int64_t batch : {2, 3, 6, 8}) {
    RunWriter parts(RunFolder(folder.path(), fmt::format("killed{}", batch)));
    Disturbing killing(batch, 0);
    CHECK_THROWS_AS(train(device.get(), request, parts, killing), Killed);
    const Safetensors checkpoint = Safetensors::read(parts.folder().checkpoint_path());
    CHECK(checkpoint.values<int64_t>("step").at(0) == batch - 1);
    train(device.get(), request, parts, going);
    check_same_run(parts.folder(), whole.folder());
  }
}

TEST_CASE("a run that is stopped at any poll, in training and in evaluation, ends in the same bytes when it goes on") {
  const Dataset data = small_corpus();
  ScopedDevice device;
  device.get().threads = 1;
  TemporaryFolder folder;
  TrainingRequest request = small_request(data, small_model(data, Encoder::lstm, AttentionKind::learned));
  request.training.epochs = 2;
  request.resume = true;
  RunWriter whole(RunFolder(folder.path(), "whole"));
  Silent going;
  train(device.get(), request, whole, going);
  std::set<std::string> places;
  for (int64_t poll = 1;; ++poll) {
    RunWriter parts(RunFolder(folder.path(), fmt::format("stopped{}", poll)));
    Disturbing stopping(0, poll);
    try {
      train(device.get(), request, parts, stopping);
      break;  // it was over before this poll
    } catch (const Interrupted& stopped) {
      places.insert(stopped.what());
    }
    CHECK(parts.folder().state() == RunState::resumable);
    train(device.get(), request, parts, going);
    check_same_run(parts.folder(), whole.folder());
  }
  const Split& split = data.split(SplitName::train);
  const auto batches = training_batches(split, request.training.batch_size, request.training.seed, 1).size();
  CHECK(places.contains(fmt::format("stopped in epoch 1 after batch {} of {}", batches, batches)));
  CHECK(places.contains("stopped after the last epoch"));
  // A batch that is under way is finished first, so no epoch stops after its first batch.
  CHECK(places.size() == 2 * (batches - 1) + 1);
}

TEST_CASE("a run that is stopped at any batch of an evaluation of several ends in the same bytes when it goes on") {
  std::vector<LabelledText> texts;
  for (const SplitName name : kSplitNames) {
    for (int32_t i = 0; i < 6; ++i) {
      std::string words;
      for (int n = 0; n < (name == SplitName::dev ? 3'000 : 10); ++n) words += fmt::format(" w{}", (n * n + i) % 7);
      texts.push_back({words.substr(1), i % 2, name, std::ssize(texts) + 1});
    }
  }
  const Dataset data = make_dataset("long", texts, {});
  REQUIRE(prediction_batches(test_device(), data.split(SplitName::dev)).size() > 2);
  ScopedDevice device;
  device.get().threads = 1;
  TemporaryFolder folder;
  TrainingRequest request = small_request(data, small_model(data, Encoder::tokens, AttentionKind::learned, 2));
  request.training.epochs = 1;
  request.resume = true;
  RunWriter whole(RunFolder(folder.path(), "whole"));
  Silent going;
  train(device.get(), request, whole, going);
  int stopped = 0;
  for (int64_t poll = 1;; ++poll, ++stopped) {
    RunWriter parts(RunFolder(folder.path(), fmt::format("stopped{}", poll)));
    Disturbing stopping(0, poll);
    try {
      train(device.get(), request, parts, stopping);
      break;  // it was over before this poll
    } catch (const Interrupted&) {
      CHECK(parts.folder().state() == RunState::resumable);
    }
    train(device.get(), request, parts, going);
    check_same_run(parts.folder(), whole.folder());
  }
  CHECK(stopped > 8);  // one batch of training, and twice one, three and one of evaluation
}

TEST_CASE("an adversary ends when its loss falls no more, keeps the lowest, and resumes to the same bytes") {
  const Dataset data = small_corpus();
  ScopedDevice device;
  const ModelOptions options = small_model(data, Encoder::lstm, AttentionKind::learned);
  TrainingRequest request = small_request(data, options);
  request.training.objective = Objective::adversary;
  request.training.patience = 2;
  request.resume = true;
  TemporaryFolder folder;
  SUBCASE("a loss that is 0 from the first epoch on") {
    // The adversary starts as the base model itself, so TVD is 0, and KL has no weight: nothing moves.
    const Targets targets = random_targets(device.get(), data, 3);
    request.targets = &targets;
    request.training.epochs = 9;
    request.training.optimiser.learning_rate = 0;
    RunWriter writer(RunFolder(folder.path(), "still"));
    Silent monitor;
    const RunResult result = train(device.get(), request, writer, monitor);
    CHECK(result.epoch == 1);
    CHECK(result.selected_on == "train loss");
    const std::vector<EpochMetrics> metrics = writer.folder().metrics();
    REQUIRE(metrics.size() == 3);  // the first and `patience` more
    CHECK(metrics.front().loss.train == 0);
    CHECK(std::isnan(metrics.front().split.train.f1));
    CHECK(std::isfinite(metrics.front().split.test.f1));
  }
  SUBCASE("stopped in the middle of an epoch") {
    const Targets targets = random_targets(device.get(), data, 4);
    request.targets = &targets;
    request.training.lambda = 0.01;
    request.training.epochs = 2;
    RunWriter whole(RunFolder(folder.path(), "whole")), parts(RunFolder(folder.path(), "parts"));
    Silent whole_monitor, stopping(3), going;
    train(device.get(), request, whole, whole_monitor);
    CHECK_THROWS_AS(train(device.get(), request, parts, stopping), Interrupted);
    train(device.get(), request, parts, going);
    check_same_run(parts.folder(), whole.folder());
    const std::vector<EpochMetrics> a = whole.folder().metrics(), b = parts.folder().metrics();
    for (size_t epoch = 0; epoch < 2; ++epoch) CHECK(a[epoch].loss.train == b[epoch].loss.train);
  }
}

TEST_CASE("a guided model has its guide's attention on every split") {
  const Dataset data = small_corpus();
  ScopedDevice device;
  const Targets targets = random_targets(device.get(), data, 4);
  TrainingRequest request = small_request(data, small_model(data, Encoder::tokens, AttentionKind::given));
  request.targets = &targets;
  request.training.epochs = 1;
  TemporaryFolder folder;
  RunWriter writer(RunFolder(folder.path(), "guided"));
  Silent monitor;
  train(device.get(), request, writer, monitor);
  for (const SplitName split : kSplitNames) {
    CHECK(writer.folder().attention(split).log_attention == targets[split].log_attention);
  }
}

/// A word that batch `wanted` of the first epoch (counted from 1) has, and no earlier batch.
int32_t word_first_met_in(const Dataset& data, const TrainingRequest& request, size_t wanted) {
  const Split& split = data.split(SplitName::train);
  const auto batches = training_batches(split, request.training.batch_size, request.training.seed, 1);
  std::set<int32_t> met;
  for (size_t b = 0; b < batches.size(); ++b) {
    const HostBatch batch = assemble_batch(split, batches[b], data.vocabulary.size());
    for (const int32_t id : batch.token_ids) {
      if (b + 1 == wanted && !met.contains(id)) return id;
    }
    met.insert(batch.token_ids.begin(), batch.token_ids.end());
  }
  throw Error("no word is new in that batch");
}

TEST_CASE("a loss that is not finite stops the run, says where and keeps the last good model") {
  const Dataset data = small_corpus();
  ScopedDevice device;
  const ModelOptions options = small_model(data, Encoder::lstm, AttentionKind::learned);
  TemporaryFolder folder;
  RunWriter writer(RunFolder(folder.path(), "run"));
  TrainingRequest request = small_request(data, options);
  const int64_t poisoned = word_first_met_in(data, request, 3) * options.embed;
  request.initial_parameters[poisoned] = std::numeric_limits<float>::quiet_NaN();
  Silent monitor;
  try {
    train(device.get(), request, writer, monitor);
    FAIL("the run ended as if nothing had happened");
  } catch (const Error& error) {
    const std::string message = error.what();
    CHECK_MESSAGE(message.find("the loss is NaN in epoch 1, batch 3 (training texts of rows") != std::string::npos,
                  message);
  }
  CHECK(writer.folder().state() == RunState::unfinished);
}

}  // namespace notnot
