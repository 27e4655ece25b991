#include "bench/track.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "bench/kernel_cases.h"
#include "models/training.h"

namespace notnot::bench {
namespace {

constexpr uint64_t kSeed = 10;

/// Like a training loop, it reads a step's loss after it has enqueued the next step.
void train_step(AttentionClassifier& model, const HostBatch& batch) {
  model.enqueue_step(batch, {.positive_weight = kPositiveWeight});
  if (model.batches_in_flight() > 1) model.finish_step();
}

void finish_steps(AttentionClassifier& model) {
  while (model.batches_in_flight() > 0) model.finish_step();
}

/// FLOPs of a forward pass, 2 per multiply-add of the products: of the recurrence, and of the rest.
struct ForwardFlop {
  double recurrent = 0, rest = 0;

  ForwardFlop(const ModelOptions& model, double tokens, double distinct) {
    const double e = model.embed, h = model.hidden, d = model.width(), a = model.attention_width();
    recurrent = 2 * tokens * 8 * h * h;
    rest = 2 * distinct * e * 8 * h + 2 * tokens * d * a;
  }
};

/// `clocks` are those of the longest sequence's steps.
double one_model_floor(double recurrent, double rest, double clocks, const Limits& limits) {
  const double chain = limits.clocks_per_second > 0 ? clocks / limits.clocks_per_second : 0;
  return std::max(recurrent / limits.flop_per_second, chain) + rest / limits.flop_per_second;
}

}  // namespace

Track::Track(const TextShape& shape, int32_t its_batch_size, int32_t batch_count, int64_t epochs)
    : batch_size(its_batch_size), texts(make_texts(shape, batch_size * batch_count)) {
  model.vocabulary = shape.vocabulary;
  for (const auto& indices : training_batches(texts, batch_size, kSeed, 1)) {
    batches.push_back(assemble_batch(texts, indices, model.vocabulary));
  }
  steps = epochs * batch_count;
  start = initial_parameters(ParameterLayout(model), kSeed, {});
}

AttentionClassifier make_model(const Track& track, const Device& device) {
  ModelCapacity capacity = prediction_plan(device, track.texts);
  capacity.training = training_capacity(track.texts, track.batch_size, track.model.vocabulary);
  capacity.steps = track.steps;
  AttentionClassifier model(device, track.model, capacity);
  model.allocate();
  model.set_parameters(track.start);
  return model;
}

void train_batches(const Track& track, AttentionClassifier& model) {
  for (const HostBatch& batch : track.batches) train_step(model, batch);
  finish_steps(model);
}

void train_epoch(const Track& track, AttentionClassifier& model, uint64_t seed, int32_t epoch) {
  for (const auto& indices : training_batches(track.texts, track.batch_size, seed, epoch)) {
    train_step(model, assemble_batch(track.texts, indices, track.model.vocabulary));
  }
  finish_steps(model);
}

void evaluate(const Track& track, AttentionClassifier& model) {
  model.set_parameters(track.start);
  predict_split(model, track.texts, kPositiveWeight);
}

Fleet::Fleet(const Track& track, const std::string& device, int threads, int models)
    : workers_(OpenDevice(device, 1).get().backend == Backend::cuda ? models : std::min(models, threads)) {
  for (int i = 0; i < models; ++i) {
    devices_.emplace_back(device, std::max(1, threads / workers_));
    models_.push_back(make_model(track, devices_.back().get()));
  }
  for (int worker = 0; workers_ > 1 && worker < workers_; ++worker) {
    threads_.emplace_back([this, worker](const std::stop_token& stop) { take_rounds(stop, worker); });
  }
}

void Fleet::work_on_share(int worker, const Work& work) {
  for (int i = worker; i < std::ssize(models_); i += workers_) work(models_[i], i);
}

/// What a thread does until the fleet ends.
void Fleet::take_rounds(const std::stop_token& stop, int worker) {
  std::unique_lock lock(mutex_);
  for (int64_t done = 0; changed_.wait(lock, stop, [&] { return round_ > done; }); ++done) {
    std::exception_ptr error;
    lock.unlock();
    try {
      work_on_share(worker, *work_);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (error && !error_) error_ = error;
    if (--at_work_ == 0) changed_.notify_all();
  }
}

void Fleet::run(const Work& work) {
  if (workers_ == 1) return work_on_share(0, work);
  std::unique_lock lock(mutex_);
  work_ = &work;
  at_work_ = workers_;
  ++round_;
  changed_.notify_all();
  changed_.wait(lock, [&] { return at_work_ == 0; });
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

Times Fleet::time(int rounds, int cuda_warm_up, const std::function<void(AttentionClassifier&, int)>& work) {
  const int warm_up = devices_.front().get().backend == Backend::cuda ? cuda_warm_up : 1;
  for (int i = 0; i < warm_up; ++i) run(work);
  return time_rounds(rounds, [&] { run(work); });
}

int64_t Fleet::sum_of_rows(const std::function<bool(const MemoryRow&)>& counts) const {
  int64_t sum = 0;
  for (const AttentionClassifier& model : models_) {
    for (const MemoryRow& row : model.memory_table()) sum += counts(row) ? row.bytes : 0;
  }
  return sum;
}

int64_t Fleet::table_bytes() const {
  return sum_of_rows([](const MemoryRow&) { return true; });
}

int64_t Fleet::table_bytes_at_most() const {
  return sum_of_rows([](const MemoryRow& row) { return row.name.find("at most") != std::string::npos; });
}

double training_floor(const Track& track, const Limits& limits, int models) {
  double chain = 0, flop = 0;
  for (const HostBatch& batch : track.batches) {
    const ForwardFlop forward(track.model, batch.tokens(), batch.unique);
    // Backward has two products for each of forward's: towards the input, and towards the weights.
    chain += one_model_floor(3 * forward.recurrent, 3 * forward.rest, batch.longest * 2 * kRecurrentClocks, limits);
    flop += 3 * (forward.recurrent + forward.rest);
  }
  return std::max(chain, models * flop / limits.flop_per_second);
}

double evaluation_floor(const Track& track, const Limits& limits, int models) {
  const std::unordered_set<int32_t> distinct(track.texts.token_ids.begin(), track.texts.token_ids.end());
  const ForwardFlop forward(track.model, static_cast<double>(track.tokens()), static_cast<double>(distinct.size()));
  int32_t longest = 0;
  for (int32_t i = 0; i < track.texts.size(); ++i) longest = std::max(longest, track.texts.length(i));
  return std::max(one_model_floor(forward.recurrent, forward.rest, longest * kRecurrentClocks, limits),
                  models * (forward.recurrent + forward.rest) / limits.flop_per_second);
}

double Times::median() const {
  std::vector<double> sorted = seconds;
  std::sort(sorted.begin(), sorted.end());
  return sorted[sorted.size() / 2];
}

double Times::fastest() const { return *std::min_element(seconds.begin(), seconds.end()); }

double Times::slowest() const { return *std::max_element(seconds.begin(), seconds.end()); }

}  // namespace notnot::bench
