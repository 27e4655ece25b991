// Adversaries side by side on every backend: against float64, alone, in flight, with threads, stopped and killed.
#include "models/side_by_side.h"

#include <doctest/doctest.h>

#include <memory>
#include <numeric>

#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "models/training.h"
#include "tests/backends/backend.h"
#include "tests/backends/short_texts.h"
#include "tests/support/error_model.h"
#include "tests/support/reference_model.h"
#include "tests/support/temporary_folder.h"

namespace notnot {
namespace {

/// Contexts on the tested backend; on CUDA each has a stream of its own.
class Contexts {
 public:
  explicit Contexts(size_t count) : devices_(count, test_device()) {
    for (Device& device : devices_) {
      if (device.backend == Backend::cuda) device = cuda::open(0);
    }
  }
  ~Contexts() {
    for (Device& device : devices_) {
      if (device.backend == Backend::cuda) cuda::close(device);
    }
  }
  Contexts(const Contexts&) = delete;
  Contexts& operator=(const Contexts&) = delete;
  std::vector<Device>& all() { return devices_; }

 private:
  std::vector<Device> devices_;
};

ModelOptions small_model(const Dataset& data) {
  return {.encoder = Encoder::lstm,
          .attention = AttentionKind::learned,
          .vocabulary = data.vocabulary.size(),
          .embed = 7,
          .hidden = 5};
}

constexpr ObjectiveOptions kObjective{.objective = Objective::adversary, .positive_weight = 1.5, .lambda = 0.1};
constexpr size_t kMembers = 3;

std::vector<float> start_of(const ModelOptions& options, int32_t member) {
  return initial_parameters(ParameterLayout(options), 30 + member, {});
}

/// What a base model with random parameters says of every text.
Targets base_targets(const Dataset& data) {
  const ModelOptions options = small_model(data);
  AttentionClassifier model(test_device(), options,
                            training_plan(test_device(), data, {.batch_size = 16, .optimiser = {}}));
  model.allocate();
  model.set_parameters(initial_parameters(model.layout(), 6, {}));
  Targets targets;
  for (const SplitName name : kSplitNames) {
    SplitPredictions predictions = predict_split(model, data.split(name), 1.0);
    targets[name] = {std::move(predictions.log_attention), std::move(predictions.probability)};
  }
  return targets;
}

BatchTargets targets_of(const Split& split, const HostBatch& batch, const TextTargets& targets) {
  BatchTargets result;
  for (const int32_t text : batch.texts) {
    const auto begin = targets.log_attention.begin() + split.offsets[text];
    result.base_log_attention.insert(result.base_log_attention.end(), begin, begin + split.length(text));
    result.base_probability.push_back(targets.probability[text]);
  }
  return result;
}

/// A group that starts from start_of, in contexts of its own.
struct Group {
  Group(const Dataset& data, size_t members, int threads = 0) : contexts(members) {
    for (Device& device : contexts.all()) device.threads = threads > 0 ? threads : device.threads;
    const ModelOptions options = small_model(data);
    models = std::make_unique<SideBySide>(
        contexts.all(), options,
        training_plan(contexts.all().front(), data, {.epochs = 9, .batch_size = 16, .optimiser = {}}));
    models->allocate();
    for (int32_t k = 0; k < models->size(); ++k) (*models)[k].set_parameters(start_of(options, k));
  }
  Contexts contexts;
  std::unique_ptr<SideBySide> models;
};

/// Trains a group for `rounds` over four batches with up to `in_flight` steps in flight; returns all parameters, then
/// the losses.
std::vector<float> trained(const Dataset& data, size_t members, int rounds, int in_flight, int threads = 0) {
  const Targets targets = base_targets(data);
  const Split& split = data.split(SplitName::train);
  Group group(data, members, threads);
  std::vector<double> losses;
  const auto finish = [&](int left) {
    while (group.models->batches_in_flight() > left) {
      const std::vector<double> step = group.models->finish_step();
      losses.insert(losses.end(), step.begin(), step.end());
    }
  };
  std::vector<std::vector<int32_t>> batches = training_batches(split, 16, 5, 1);
  batches.resize(4);
  for (int round = 0; round < rounds; ++round) {
    for (const std::vector<int32_t>& texts : batches) {
      const HostBatch batch = assemble_batch(split, texts, data.vocabulary.size());
      group.models->enqueue_step(batch, kObjective, targets_of(split, batch, targets[SplitName::train]));
      finish(in_flight - 1);
    }
  }
  finish(0);
  std::vector<float> result;
  for (int32_t k = 0; k < group.models->size(); ++k) {
    const std::vector<float> parameters = (*group.models)[k].parameters();
    result.insert(result.end(), parameters.begin(), parameters.end());
  }
  result.insert(result.end(), losses.begin(), losses.end());
  return result;
}

/// Loss and gradients of every member of the group in a reference model, named by the member.
template <class Real>
test::NamedValues<Real> reference(const Dataset& data, const HostBatch& batch, const BatchTargets& base) {
  const ModelOptions options = small_model(data);
  const auto as_real = [](const std::vector<float>& values) {
    return test::inputs<Real>(std::vector<double>(values.begin(), values.end()));
  };
  test::ReferenceTargets<Real> targets{{}, as_real(base.base_log_attention), as_real(base.base_probability)};
  const auto order = test::visiting_order<Real>(batch.sequences());
  std::vector<test::ReferenceModel<Real>> models;
  for (size_t k = 0; k < kMembers; ++k) {
    models.emplace_back(options, as_real(start_of(options, static_cast<int32_t>(k))));
    models.back().run(batch, kObjective, targets, order);
  }
  test::NamedValues<Real> results;
  for (size_t k = 0; k < kMembers; ++k) {
    test::ReferenceTargets<Real> with_peers = targets;
    for (size_t other = 0; other < kMembers; ++other) {
      if (other != k) with_peers.peers.push_back(models[other].log_attention);
    }
    test::ReferenceModel<Real> model = models[k];
    model.run(batch, kObjective, with_peers, order);
    results.push_back({fmt::format("loss of member {}", k), {model.loss}});
    results.push_back({fmt::format("gradients of member {}", k), model.gradients});
  }
  return results;
}

}  // namespace

TEST_CASE("side by side: losses and gradients of a step against float64") {
  const Dataset data = short_texts(70, 20, 20);
  const Split& split = data.split(SplitName::train);
  const Targets targets = base_targets(data);
  const HostBatch batch = assemble_batch(split, {0, 5, 9, 12, 20, 33}, data.vocabulary.size());
  const BatchTargets base = targets_of(split, batch, targets[SplitName::train]);
  const auto expected = test::with_allowances([&]<class Real>() { return reference<Real>(data, batch, base); });
  Group group(data, kMembers);
  group.models->enqueue_step(batch, kObjective, base);
  const std::vector<double> losses = group.models->finish_step();
  for (size_t k = 0; k < kMembers; ++k) {
    check_allowed({static_cast<float>(losses[k])}, expected[2 * k], "side by side: ");
    check_allowed((*group.models)[static_cast<int32_t>(k)].gradients(), expected[2 * k + 1], "side by side: ");
  }
}

TEST_CASE("side by side: a group of one has the bytes of a model alone") {
  const Dataset data = short_texts(70, 20, 20);
  const Split& split = data.split(SplitName::train);
  const Targets targets = base_targets(data);
  AttentionClassifier model(test_device(), small_model(data),
                            training_plan(test_device(), data, {.epochs = 9, .batch_size = 16, .optimiser = {}}));
  model.allocate();
  model.set_parameters(start_of(small_model(data), 0));
  std::vector<std::vector<int32_t>> batches = training_batches(split, 16, 5, 1);
  batches.resize(4);
  std::vector<float> losses;
  for (const std::vector<int32_t>& texts : batches) {
    const HostBatch batch = assemble_batch(split, texts, data.vocabulary.size());
    model.enqueue_step(batch, kObjective, targets_of(split, batch, targets[SplitName::train]));
    losses.push_back(static_cast<float>(model.finish_step()));
  }
  std::vector<float> expected = model.parameters();
  expected.insert(expected.end(), losses.begin(), losses.end());
  check_same_bytes(trained(data, 1, 1, 1), expected, "a group of one");
}

TEST_CASE("side by side: steps in flight, captured, have the bytes of steps one by one") {
  const Dataset data = short_texts(70, 20, 20);
  check_same_bytes(trained(data, kMembers, 3, 2), trained(data, kMembers, 3, 1), "two in flight");
}

TEST_CASE("side by side: the number of threads changes no byte (CPU)" * only_on(Backend::cpu)) {
  const Dataset data = short_texts(70, 20, 20);
  const std::vector<float> one = trained(data, kMembers, 1, 2, 1);
  for (const int threads : {2, 5}) check_same_bytes(trained(data, kMembers, 1, 2, threads), one, "threads");
}

TEST_CASE("side by side: the others change what a member learns") {
  const Dataset data = short_texts(70, 20, 20);
  std::vector<float> three = trained(data, 3, 1, 1), one = trained(data, 1, 1, 1);
  const auto size = static_cast<size_t>(ParameterLayout(small_model(data)).total());
  three.resize(size);
  one.resize(size);
  CHECK(three != one);
}

// --- whole runs ------------------------------------------------------------------------------------------------------

namespace {

/// What a kill leaves: it ends the training without a word.
struct Killed {};

/// Kills the training at a batch, or asks it to stop at a poll; both are counted from 1, and 0 is never.
class Disturbing : public TrainingMonitor {
 public:
  explicit Disturbing(int64_t kill_at_batch = 0, int64_t stop_at_poll = 0)
      : kill_(kill_at_batch), stop_(stop_at_poll) {}
  void batch_done(int32_t, int32_t, int32_t) override {
    if (--kill_ == 0) throw Killed();
  }
  void epoch_done(const EpochMetrics&, bool) override {}
  bool stop_requested() override { return --stop_ == 0; }

 private:
  int64_t kill_, stop_;
};

/// Trains a group of two runs in FOLDER/1 and FOLDER/2; the monitor is that of the second one.
class Runs {
 public:
  Runs(const Dataset& data, const Targets& targets, const std::filesystem::path& folder) : contexts_(2) {
    for (int32_t k = 0; k < 2; ++k) {
      TrainingRequest request;
      request.dataset = &data;
      request.targets = &targets;
      request.model = small_model(data);
      request.training = {.seed = 3, .epochs = 2, .batch_size = 16, .optimiser = {}};
      request.training.objective = Objective::adversary;
      request.training.lambda = 0.01;
      request.initial_parameters = start_of(request.model, k);
      request.config = {{"choices", {{"member", k}}}};
      request.resume = true;
      request.checkpoint_seconds = 0;
      requests_.push_back(std::move(request));
      writers_.push_back(std::make_unique<RunWriter>(RunFolder(folder, fmt::format("{}", k + 1))));
    }
  }
  std::vector<RunResult> train(TrainingMonitor& monitor) {
    Disturbing calm;
    return train_side_by_side(
        contexts_.all(), {{&requests_[0], writers_[0].get(), &calm}, {&requests_[1], writers_[1].get(), &monitor}});
  }
  const RunFolder& folder(size_t k) const { return writers_[k]->folder(); }

 private:
  Contexts contexts_;
  std::vector<TrainingRequest> requests_;
  std::vector<std::unique_ptr<RunWriter>> writers_;
};

void check_same_runs(const Runs& a, const Runs& b) {
  for (size_t k = 0; k < 2; ++k) {
    const RunFolder &x = a.folder(k), &y = b.folder(k);
    CHECK(read_file(x.model_path()) == read_file(y.model_path()));
    CHECK(read_file(x.result_path()) == read_file(y.result_path()));
    for (const SplitName split : kSplitNames) {
      CHECK(read_file(x.attention_path(split)) == read_file(y.attention_path(split)));
    }
  }
}

}  // namespace

TEST_CASE("side by side: a group that is killed or stopped anywhere ends in the same bytes when it goes on") {
  const Dataset data = short_texts(40, 10, 10);
  const Targets targets = base_targets(data);
  TemporaryFolder folder;
  Runs whole(data, targets, folder / "whole");
  Disturbing calm;
  const std::vector<RunResult> results = whole.train(calm);
  CHECK(results[0].epoch == results[1].epoch);
  CHECK(read_file(whole.folder(0).model_path()) != read_file(whole.folder(1).model_path()));
  CHECK(whole.folder(1).state() == RunState::finished);
  CHECK_FALSE(std::filesystem::exists(whole.folder(1).checkpoint_path()));  // that of the group lies in the first
  int disturbed = 0;
  for (const bool kill : {true, false}) {
    for (int64_t at = 1;; ++at, ++disturbed) {
      Runs parts(data, targets, folder / fmt::format("{}{}", kill ? "killed" : "stopped", at));
      Disturbing disturbing(kill ? at : 0, kill ? 0 : at);
      try {
        parts.train(disturbing);
        break;  // it was over before
      } catch (const Killed&) {
      } catch (const Interrupted&) {
        CHECK(parts.folder(0).state() == RunState::resumable);
      }
      CHECK(parts.folder(0).state() != RunState::finished);
      parts.train(calm);
      check_same_runs(parts, whole);
    }
  }
  CHECK(disturbed > 10);
}

TEST_CASE("side by side: a group whose files do not belong together does not go on") {
  const Dataset data = short_texts(40, 10, 10);
  const Targets targets = base_targets(data);
  TemporaryFolder folder;
  Runs runs(data, targets, folder / "runs");
  Disturbing killing(5), calm;  // in the second epoch
  CHECK_THROWS_AS(runs.train(killing), Killed);
  const auto refused = [&](const char* what) {
    CHECK_THROWS_WITH_AS(runs.train(calm), doctest::Contains(what), InputError);
  };
  SUBCASE("the second member's model is the first one's") {
    std::filesystem::copy_file(runs.folder(0).model_path(), runs.folder(1).model_path(),
                               std::filesystem::copy_options::overwrite_existing);
    refused("is not the model of the best epoch so far");
  }
  SUBCASE("the second member's metrics are lost") {
    std::filesystem::remove(runs.folder(1).metrics_path());
    refused("metrics.csv is missing");
  }
  SUBCASE("a byte of the second member's checkpoint has changed") {
    std::string bytes = read_file(runs.folder(0).checkpoint_path());
    bytes[bytes.size() - 3] ^= 1;
    write_atomically(runs.folder(0).checkpoint_path(), bytes);
    refused("its values are not those of its checksum");
  }
}

}  // namespace notnot
