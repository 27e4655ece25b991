#include "experiments/study/estimate.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <future>
#include <limits>
#include <memory>

#include "models/attribution.h"
#include "models/erasure.h"
#include "models/perturbation.h"

namespace notnot {
namespace {

using Clock = std::chrono::steady_clock;

/// How many seconds training is measured for each kind of model; evaluation is measured for as long.
constexpr double kMeasured = 1.0;

/// The batches that are measured, and how often.
struct Rounds {
  size_t batches = std::numeric_limits<size_t>::max();  ///< at most
  int warm_up = 0;                                      ///< rounds before; 0: only the first batch
  int most = 1;                                         ///< timed rounds; it ends earlier after kMeasured
};
// On the CPU most of an epoch is measured. On CUDA a few batches are, over and over: a training captures each size of
// step when it comes up the second time, for each of two slots (engine/device/streams.h), and launches it as a whole
// from the third time on. That is the speed of nearly all steps, so it is the one to measure. Evaluations, too, are
// measured when they have projected their words.
constexpr Rounds kCpuRounds, kCudaRounds = {.batches = 16, .warm_up = 4, .most = 100};
const Rounds& rounds_of(const Device& device) { return device.backend == Backend::cuda ? kCudaRounds : kCpuRounds; }

using Batches = std::vector<std::vector<int32_t>>;

/// Of as many batches as `rounds` has, evenly spread.
Batches some_of(const Batches& all, const Rounds& rounds) {
  const size_t count = std::min(all.size(), rounds.batches);
  Batches some;
  for (size_t i = 0; i < count; ++i) some.push_back(all[i * all.size() / count]);
  return some;
}

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// Uses the batches one after another.
class BatchLoop {
 public:
  BatchLoop(const Split& split, const Batches& batches, int32_t vocabulary, const Rounds& rounds)
      : split_(split), batches_(batches), vocabulary_(vocabulary), rounds_(rounds) {}

  template <class Use, class Finish>
  void warm_up(const Use& use, const Finish& finish) const {
    if (rounds_.warm_up == 0) use(assemble_batch(split_, batches_.front(), vocabulary_));
    for (int round = 0; round < rounds_.warm_up; ++round) {
      for (const auto& texts : batches_) {
        check_stop();
        use(assemble_batch(split_, texts, vocabulary_));
      }
    }
    finish();
  }

  /// Seconds per token. `finish` waits for what `use` has enqueued.
  template <class Use, class Finish>
  double seconds_per_token(const Use& use, const Finish& finish) const {
    int64_t tokens = 0;
    const auto begin = Clock::now();
    for (int round = 0; round < rounds_.most && seconds_since(begin) <= kMeasured; ++round) {
      for (const auto& texts : batches_) {
        check_stop();
        const HostBatch batch = assemble_batch(split_, texts, vocabulary_);
        use(batch);
        tokens += batch.tokens();
        if (seconds_since(begin) > kMeasured) break;
      }
    }
    finish();
    return seconds_since(begin) / tokens;
  }

 private:
  const Split& split_;
  const Batches& batches_;
  int32_t vocabulary_;
  const Rounds& rounds_;
};

/// Calls work(number) for each of `count` numbers, in a thread of its own each, and returns the mean of the results.
template <class Work>
double mean_side_by_side(int count, const Work& work) {
  if (count == 1) return work(0);
  std::vector<std::future<double>> results;
  results.reserve(count);
  for (int i = 0; i < count; ++i) results.push_back(std::async(std::launch::async, work, i));
  double sum = 0;
  for (auto& result : results) sum += result.get();
  return sum / count;
}

/// Made-up attention and probabilities in place of another model's. Their values do not change the time.
BatchTargets some_targets(const HostBatch& batch, AttentionKind kind, Objective objective) {
  const int64_t tokens = batch.tokens();
  BatchTargets targets;
  if (kind == AttentionKind::given) targets.given_log_attention.assign(tokens, -3.0F);
  if (objective == Objective::adversary) {
    targets.base_log_attention.assign(tokens, -3.0F);
    targets.base_probability.assign(batch.sequences(), 0.5F);
  }
  return targets;
}

/// What the time of a measure is proportional to: leave-one-out reruns a text for each of its words, the others go
/// through it a few times.
double attribution_work(const Split& split, Measure measure) {
  double work = 0;
  for (int32_t i = 0; i < split.size(); ++i) {
    const double length = split.length(i);
    work += measure == Measure::leave_one_out ? length * length : length;
  }
  return work;
}

Split first_texts(const Split& split, int32_t most) {
  const int32_t size = std::min(split.size(), most);
  Split some;
  some.offsets = std::vector<int64_t>(split.offsets.begin(), split.offsets.begin() + size + 1);
  some.token_ids = std::vector<int32_t>(split.token_ids.begin(), split.token_ids.begin() + some.offsets[size]);
  some.labels = std::vector<int32_t>(split.labels.begin(), split.labels.begin() + size);
  some.rows = std::vector<int64_t>(split.rows.begin(), split.rows.begin() + size);
  return some;
}

/// The middle one of three measured times. Work of more than a second is measured once: a stall of the machine or the
/// first use of its parts weighs little there, while it would be most of a few milliseconds.
double middle_of_three(const std::function<double()>& seconds) {
  std::array<double, 3> times = {seconds(), 0, 0};
  if (times[0] > 1) return times[0];
  times[1] = seconds();
  times[2] = seconds();
  std::sort(times.begin(), times.end());
  return times[1];
}

}  // namespace

/// A model of a run on a context of its own, with batches to train and to evaluate on.
class Estimator::Trial {
 public:
  Trial(const Inputs& inputs, const RunSpec& spec, const Device& device)
      : texts_(inputs.corpus.dataset.split(SplitName::train)),
        options_(inputs.model(spec)),
        training_(inputs.training(spec)),
        rounds_(rounds_of(device)),
        training_batches_(some_of(training_batches(texts_, training_.batch_size, training_.seed, 1), rounds_)),
        evaluation_batches_(device.backend == Backend::cuda ? some_of(prediction_batches(device, texts_), rounds_)
                                                            : training_batches_),
        model_(device, options_, capacity(device, inputs), training_.optimiser) {
    if (spec.kind == RunKind::side_by_side) {
      shared_.members = spec.members;
      const int64_t tokens = with_slack(device, capacity(device, inputs).training).tokens;
      arena_.add("side by side", "attention of all", {spec.members, tokens}, &shared_.log_attention);
      arena_.allocate(device);
    }
    model_.allocate();
    model_.set_parameters(inputs.initial_parameters(spec));
  }

  void warm_up_training() {
    training_loop().warm_up([this](const HostBatch& batch) { train(batch); }, [this] { finish_training(0); });
  }
  double training_seconds_per_token() {
    return training_loop().seconds_per_token([this](const HostBatch& batch) { train(batch); },
                                             [this] { finish_training(0); });
  }
  void warm_up_evaluation() {
    evaluation_loop().warm_up([this](const HostBatch& batch) { evaluate(batch); }, [this] { finish_evaluation(0); });
  }
  double evaluation_seconds_per_token() {
    return evaluation_loop().seconds_per_token([this](const HostBatch& batch) { evaluate(batch); },
                                               [this] { finish_evaluation(0); });
  }

 private:
  ModelCapacity capacity(const Device& device, const Inputs& inputs) const {
    TrainingOptions training = training_;
    training.epochs = std::max(1, rounds_.warm_up) + rounds_.most;
    return training_plan(device, inputs.corpus.dataset, training);
  }
  BatchLoop training_loop() const { return {texts_, training_batches_, options_.vocabulary, rounds_}; }
  BatchLoop evaluation_loop() const { return {texts_, evaluation_batches_, options_.vocabulary, rounds_}; }

  /// As in a training, the host reads the results of a step or a prediction after it has enqueued the next one. Of
  /// adversaries side by side one is trained, beside others whose attention is made up, too.
  void train(const HostBatch& batch) {
    const ObjectiveOptions objective{.objective = training_.objective, .lambda = training_.lambda};
    const BatchTargets targets = some_targets(batch, options_.attention, training_.objective);
    if (shared_.members > 1) {
      model_.enqueue_attention(batch, objective, targets, shared_);
      model_.enqueue_rest_of_step(objective, shared_);
    } else {
      model_.enqueue_step(batch, objective, targets);
    }
    finish_training(1);
  }
  void finish_training(int in_flight) {
    while (model_.batches_in_flight() > in_flight) model_.finish_step();
  }
  void evaluate(const HostBatch& batch) {
    model_.enqueue_prediction(batch, some_targets(batch, options_.attention, Objective::classify));
    finish_evaluation(1);
  }
  void finish_evaluation(int in_flight) {
    while (model_.batches_in_flight() > in_flight) model_.finish_prediction();
  }

  const Split& texts_;
  ModelOptions options_;
  TrainingOptions training_;
  const Rounds& rounds_;
  Batches training_batches_, evaluation_batches_;
  Arena arena_;
  SharedAttention shared_;
  AttentionClassifier model_;
};

Estimator::Estimator(const Inputs& inputs, int threads)
    : inputs_(inputs), threads_(threads), device_(inputs.settings.device, threads) {}

int Estimator::side_by_side(int at_once) const { return device_.get().backend == Backend::cuda ? at_once : 1; }

std::vector<OpenDevice> Estimator::open_devices(int count) const {
  std::vector<OpenDevice> devices;
  devices.reserve(count);
  for (int i = 0; i < count; ++i) devices.emplace_back(inputs_.settings.device, threads_);
  return devices;
}

Speed Estimator::measure(const RunSpec& spec, int models) const {
  const std::vector<OpenDevice> devices = open_devices(models);
  std::vector<std::unique_ptr<Trial>> trials;
  trials.reserve(models);
  for (const OpenDevice& device : devices) trials.push_back(std::make_unique<Trial>(inputs_, spec, device.get()));
  // Each line begins when the one before has ended for all.
  mean_side_by_side(models, [&](int i) { return trials[i]->warm_up_training(), 0.0; });
  const double train_token = mean_side_by_side(models, [&](int i) { return trials[i]->training_seconds_per_token(); });
  mean_side_by_side(models, [&](int i) { return trials[i]->warm_up_evaluation(), 0.0; });
  return {train_token, mean_side_by_side(models, [&](int i) { return trials[i]->evaluation_seconds_per_token(); })};
}

const Speed& Estimator::speed(const RunSpec& spec, int models) {
  const ModelOptions options = inputs_.model(spec);
  const auto key = std::tuple(options.encoder, options.attention, spec.members, models);
  const auto found = speeds_.find(key);
  return found != speeds_.end() ? found->second : speeds_.emplace(key, measure(spec, models)).first->second;
}

double Estimator::perturbation_seconds(const RunSpec& spec, int models) const {
  const Split& split = inputs_.corpus.dataset.split(SplitName::test);
  const Split some = first_texts(split, 16);
  const std::vector<OpenDevice> devices = open_devices(models);
  std::vector<AttentionClassifier> trials;
  for (const OpenDevice& device : devices) {
    AttentionClassifier& model =
        trials.emplace_back(device.get(), inputs_.model(spec), prediction_plan(device.get(), some));
    model.allocate();
    model.set_parameters(inputs_.initial_parameters(spec));
    // The first use of a word projects it. A whole split repeats its words, so the projection is not measured.
    predict_split(model, some, 1.0);
  }
  const double seconds = mean_side_by_side(models, [&](int i) {
    const auto begin = Clock::now();
    perturb_split(trials[i], some, {});
    return seconds_since(begin);
  });
  return seconds * split.token_ids.size() / some.token_ids.size();
}

double Estimator::attribution_seconds(const RunSpec& spec, int models) const {
  const Dataset& data = inputs_.corpus.dataset;
  const Split some = first_texts(data.split(spec.splits.front()), 16);
  const RunFolder other(inputs_.settings.runs, spec.other);
  const bool trained = other.state() == RunState::finished;  // integrals of an untrained model need fewer nodes
  const std::vector<OpenDevice> devices = open_devices(models);
  std::vector<AttentionClassifier> trials;
  for (const OpenDevice& device : devices) {
    AttentionClassifier& model =
        trials.emplace_back(device.get(), inputs_.model(spec), prediction_plan(device.get(), some));
    model.allocate();
    model.set_parameters(trained ? load_parameters(model.layout(), other.intact(other.model_path()))
                                 : inputs_.initial_parameters(spec));
    predict_split(model, some, 1.0);  // the first use of a word projects it
  }
  std::vector<Attributions> attributions(trials.size());
  const double attributing = middle_of_three([&] {
    return mean_side_by_side(models, [&](int i) {
      const auto begin = Clock::now();
      attributions[i] = attribute_split(trials[i], some, spec.measure, {});
      return seconds_since(begin);
    });
  });
  const double erasing = middle_of_three([&] {
    return mean_side_by_side(models, [&](int i) {
      const auto begin = Clock::now();
      erase_split(trials[i], some, attributions[i]);
      return seconds_since(begin);
    });
  });
  double work = 0, erased = 0;
  for (const SplitName name : spec.splits) {
    work += attribution_work(data.split(name), spec.measure);
    if (name != SplitName::train) erased += static_cast<double>(data.split(name).token_ids.size());
  }
  return attributing * work / attribution_work(some, spec.measure) +
         erasing * erased / static_cast<double>(some.token_ids.size());
}

double Estimator::seconds(const RunSpec& spec, int models) {
  if (spec.kind == RunKind::attribution) return attribution_seconds(spec, models);
  if (spec.kind == RunKind::perturbation) return perturbation_seconds(spec, models);
  const Dataset& data = inputs_.corpus.dataset;
  const TrainingOptions training = inputs_.training(spec);
  return training_seconds(data, training, speed(spec, models));
}

Estimate Estimator::estimate(const RunSpec& spec, int at_once) {
  return explain_out_of_memory([&] { return describe_memory(inputs_, spec, device_.get()); },
                               [&] {
                                 const int models = at_once * static_cast<int>(group_of(spec).size());
                                 return Estimate{.seconds = seconds(spec, side_by_side(models)),
                                                 .memory = memory_need(inputs_, spec, device_.get())};
                               });
}

}  // namespace notnot
