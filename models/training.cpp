#include "models/training.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <tuple>

#include "engine/io/input_error.h"
#include "engine/io/safetensors.h"
#include "kernels/attention_head_math.h"

namespace notnot {
namespace {

// The most tokens of an evaluation batch: enough for full tiles and lanes, and still cheap in memory.
constexpr int64_t kEvaluationTokens = 8192;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// The state of a training between two batches; a checkpoint holds it beside parameters and optimiser.
struct Progress {
  int32_t epoch = 1;  ///< the epoch under way
  int32_t batch = 0;  ///< batches of this epoch already done
  int32_t best_epoch = 0;
  double best_score = -std::numeric_limits<double>::infinity();
  double train_seconds = 0;  ///< of the epoch under way
  double loss = 0;           ///< of the epoch under way: the sum over its batches so far
};

/// The part of `targets` that belongs to the batch, in the order of its sequences.
BatchTargets targets_of(const Split& split, const HostBatch& batch, const ModelOptions& model,
                        const TextTargets& targets) {
  BatchTargets result;
  std::vector<float>& log_attention =
      model.attention == AttentionKind::given ? result.given_log_attention : result.base_log_attention;
  for (const int32_t text : batch.texts) {
    const auto begin = targets.log_attention.begin() + split.offsets[text];
    log_attention.insert(log_attention.end(), begin, begin + split.length(text));
    if (model.attention == AttentionKind::given) continue;
    result.base_probability.push_back(targets.probability[text]);
  }
  return result;
}

class Training {
 public:
  Training(const Device& device, const TrainingRequest& request, RunWriter& writer, TrainingMonitor& monitor)
      : request_(request),
        data_(*request.dataset),
        options_(request.training),
        writer_(writer),
        monitor_(monitor),
        adversary_(options_.objective == Objective::adversary),
        positive_weight_(data_.positive_weight()),
        model_(device, request.model, training_plan(data_, options_), options_.optimiser) {}

  RunResult run() {
    model_.allocate();
    model_.attach(request_.profile);
    if (restore()) {
      writer_.resume(request_.config);
    } else {
      writer_.start(request_.config);
      writer_.write_vocabulary(data_.vocabulary);
      model_.set_parameters(request_.initial_parameters);
    }
    for (; progress_.epoch <= options_.epochs && !exhausted(); ++progress_.epoch) {
      train_epoch();
      evaluate_epoch();
    }
    return finish();
  }

 private:
  bool exhausted() const { return adversary_ && progress_.epoch > progress_.best_epoch + options_.patience; }

  /// The guide's attention. Other models need none: an adversary needs its base model only while it trains.
  const TextTargets& evaluation_targets(SplitName name) const {
    static const TextTargets none;
    return request_.model.attention == AttentionKind::given ? (*request_.targets)[name] : none;
  }

  [[noreturn]] static void damaged(const Safetensors& checkpoint, const std::string& what) {
    throw InputError(fmt::format("{}: {}; remove the run folder and train again", checkpoint.path().string(), what));
  }

  /// The one value of a tensor.
  template <class T>
  static T scalar(const Safetensors& checkpoint, const char* name) {
    const int64_t size = checkpoint.entry(name).elements();
    if (size != 1) damaged(checkpoint, fmt::format("tensor `{}` has {} values, and needs one", name, size));
    return checkpoint.values<T>(name).front();
  }

  /// Why no training of this run can have stood there; empty if one can.
  std::string fault_of(const Progress& progress, const OptimiserState& state) const {
    const int64_t batches =
        training_batches(data_.split(SplitName::train), options_.batch_size, options_.seed, 1).size();
    const auto is_in = [](int64_t value, int64_t least, int64_t most) { return value >= least && value <= most; };
    if (!is_in(progress.epoch, 1, int64_t{options_.epochs} + 1)) return fmt::format("`epoch` is {}", progress.epoch);
    if (!is_in(progress.batch, 0, batches)) return fmt::format("`batch` is {}", progress.batch);
    // The first epoch is the best one so far, whatever its score.
    if (!is_in(progress.best_epoch, std::min(progress.epoch - 1, 1), progress.epoch - 1))
      return fmt::format("`best_epoch` is {}", progress.best_epoch);
    // One step per batch, so that what is left of the run finds its steps planned.
    if (!is_in(state.step, 0, (progress.epoch - 1) * batches + progress.batch))
      return fmt::format("`step` is {}, after {} epochs and {} batches", state.step, progress.epoch - 1,
                         progress.batch);
    // The score is a ROC-AUC, or minus the loss of an adversary, which may have any sign.
    const double score = progress.best_score, rounding = 1e-6;
    const bool is_score = progress.best_epoch == 0 ? score == Progress().best_score
                          : adversary_             ? std::isfinite(score)
                                                   : score >= 0 && score <= 1 + rounding;
    const bool is_loss = std::isfinite(progress.loss) && (adversary_ || progress.loss >= 0);
    const bool is_time = progress.train_seconds >= 0 && progress.train_seconds <= kMostSeconds;
    if (!is_score || !is_loss || !is_time)
      return "`best_score`, `loss` or `train_seconds` is not a number that a training gives";
    for (const auto& [name, moments, least] :
         {std::tuple{"first_moment", &state.first_moment, std::numeric_limits<float>::lowest()},
          {"second_moment", &state.second_moment, 0.0F},
          {"largest_second_moment", &state.largest_second_moment, 0.0F}}) {
      for (const float value : *moments) {
        if (!(std::isfinite(value) && value >= least)) return fmt::format("`{}` has the value {}", name, value);
      }
    }
    return "";
  }

  bool restore() {
    if (!request_.resume || writer_.folder().state() != RunState::resumable) return false;
    const Safetensors file = Safetensors::read(writer_.folder().existing(writer_.folder().checkpoint_path()));
    const std::vector<float> parameters = load_parameters(model_.layout(), file, "parameter/");
    const OptimiserState state{scalar<int64_t>(file, "step"), load_parameters(model_.layout(), file, "first_moment/"),
                               load_parameters(model_.layout(), file, "second_moment/"),
                               load_parameters(model_.layout(), file, "largest_second_moment/")};
    progress_ = {.epoch = scalar<int32_t>(file, "epoch"),
                 .batch = scalar<int32_t>(file, "batch"),
                 .best_epoch = scalar<int32_t>(file, "best_epoch"),
                 .best_score = scalar<double>(file, "best_score"),
                 .train_seconds = scalar<double>(file, "train_seconds"),
                 .loss = scalar<double>(file, "loss")};
    if (const std::string what = fault_of(progress_, state); !what.empty()) damaged(file, what);
    model_.set_parameters(parameters);
    model_.set_optimiser_state(state);
    restore_metrics();
    // The checkpoint of an epoch's end is written before the epoch's model: the program may have been killed between.
    // A model is never replaced by parameters that a damaged checkpoint has.
    const bool finite = std::all_of(parameters.begin(), parameters.end(), [](float x) { return std::isfinite(x); });
    if (progress_.batch == 0 && progress_.best_epoch == progress_.epoch - 1 && finite) save_model();
    return true;
  }

  /// The rows of the epochs before the one under way. There is one more if the program was killed between the end of an
  /// epoch and its checkpoint.
  void restore_metrics() {
    const size_t finished = progress_.epoch - 1;
    if (finished > 0) metrics_ = writer_.folder().metrics();
    if (metrics_.size() < finished || metrics_.size() > finished + 1) {
      throw InputError(
          fmt::format("{} has {} epochs, where the checkpoint has finished {}; copy the right one back, or "
                      "remove the run folder and train again",
                      writer_.folder().metrics_path().string(), metrics_.size(), finished));
    }
    metrics_.resize(finished);
  }

  void save_checkpoint(const Progress& progress) {
    const std::vector<float> parameters = model_.parameters();
    const auto state = model_.optimiser_state();
    std::vector<TensorView> tensors = {{"step", DType::i64, {1}, &state.step},
                                       {"epoch", DType::i32, {1}, &progress.epoch},
                                       {"batch", DType::i32, {1}, &progress.batch},
                                       {"best_epoch", DType::i32, {1}, &progress.best_epoch},
                                       {"best_score", DType::f64, {1}, &progress.best_score},
                                       {"train_seconds", DType::f64, {1}, &progress.train_seconds},
                                       {"loss", DType::f64, {1}, &progress.loss}};
    for (const auto& [prefix, values] : {std::pair{"parameter/", &parameters},
                                         {"first_moment/", &state.first_moment},
                                         {"second_moment/", &state.second_moment},
                                         {"largest_second_moment/", &state.largest_second_moment}}) {
      for (TensorView& view : parameter_views(model_.layout(), *values, prefix)) tensors.push_back(std::move(view));
    }
    write_safetensors(writer_.opened().checkpoint_path(), tensors);
    last_checkpoint_ = std::chrono::steady_clock::now();
  }

  void save_model() {
    const std::vector<float> parameters = model_.parameters();
    write_safetensors(writer_.opened().model_path(), parameter_views(model_.layout(), parameters));
  }

  bool checkpoint_due() const { return seconds_since(last_checkpoint_) >= request_.checkpoint_seconds; }

  /// The host assembles the next batch while the device computes the one before. A checkpoint needs all steps done.
  void train_epoch() {
    const Split& split = data_.split(SplitName::train);
    const auto batches = training_batches(split, options_.batch_size, options_.seed, progress_.epoch);
    batches_ = batches.size();
    const double seconds_before = progress_.train_seconds;
    const auto begin = std::chrono::steady_clock::now();
    bool stop = false;
    for (size_t next = progress_.batch; next < batches.size() && !stop; ++next) {
      enqueue_batch(split, assemble_batch(split, batches[next], request_.model.vocabulary));
      const bool due = checkpoint_due();
      while (model_.steps_in_flight() > (due ? 0 : 1)) stop = finish_batch(batches) || stop;
      progress_.train_seconds = seconds_before + seconds_since(begin);
      if (due) save_checkpoint(progress_);
    }
    while (model_.steps_in_flight() > 0) stop = finish_batch(batches) || stop;
    progress_.train_seconds = seconds_before + seconds_since(begin);
    if (stop) this->stop();
  }

  /// Ends the training within its epoch, perhaps while that is evaluated.
  [[noreturn]] void stop() {
    save_checkpoint(progress_);
    throw Interrupted(
        fmt::format("stopped in epoch {} after batch {} of {}", progress_.epoch, progress_.batch, batches_));
  }

  void enqueue_batch(const Split& split, const HostBatch& batch) {
    model_.enqueue_step(batch,
                        {.objective = options_.objective,
                         .positive_weight = positive_weight_,
                         .tvd_factor = options_.tvd_factor,
                         .lambda = options_.lambda},
                        request_.targets == nullptr
                            ? BatchTargets{}
                            : targets_of(split, batch, request_.model, request_.targets->train));
  }

  /// Waits for the oldest batch under way; true when the monitor asks to stop.
  bool finish_batch(const std::vector<std::vector<int32_t>>& batches) {
    const double loss = model_.finish_step();
    if (!std::isfinite(loss)) throw_not_finite(batches[progress_.batch], loss);
    progress_.loss += loss;
    ++progress_.batch;
    monitor_.batch_done(progress_.epoch, progress_.batch, batches.size());
    return monitor_.stop_requested();
  }

  [[noreturn]] void throw_not_finite(const std::vector<int32_t>& texts, double loss) const {
    std::vector<int64_t> rows;
    rows.reserve(texts.size());
    for (const int32_t text : texts) rows.push_back(data_.split(SplitName::train).rows[text]);
    throw_not_finite(loss,
                     fmt::format("batch {} (training texts of rows {})", progress_.batch + 1, fmt::join(rows, ", ")));
  }

  [[noreturn]] void throw_not_finite(SplitName name, const SplitPredictions& predictions) const {
    std::vector<int64_t> rows;
    for (size_t i = 0; i < predictions.probability.size(); ++i) {
      if (!std::isfinite(predictions.probability[i])) rows.push_back(data_.split(name).rows[i]);
    }
    throw_not_finite(predictions.loss, fmt::format("the evaluation after it ({} texts of rows {})", to_string(name),
                                                   fmt::join(rows, ", ")));
  }

  [[noreturn]] void throw_not_finite(double loss, const std::string& where) const {
    throw Error(fmt::format(
        "the loss is {} in epoch {}, {}; {}. {}", std::isnan(loss) ? "NaN" : "infinite", progress_.epoch, where,
        progress_.best_epoch > 0 ? fmt::format("the model of epoch {} is kept in {}", progress_.best_epoch,
                                               writer_.folder().model_path().string())
                                 : "no epoch was finished, so no model was written",
        adversary_ ? "Give the adversary a smaller lambda"
                   : "Look at the word vectors or the --init file for huge values"));
  }

  void evaluate_epoch() {
    const auto begin = std::chrono::steady_clock::now();
    EpochMetrics metrics;
    metrics.epoch = progress_.epoch;
    metrics.train_seconds = progress_.train_seconds;
    for (const SplitName name : kSplitNames) {
      // An adversary's epoch is not chosen by this evaluation, which would take a quarter of the time.
      if (adversary_ && name == SplitName::train) {
        metrics.split[name] = undefined_classification();
        metrics.loss[name] = progress_.loss / data_.split(name).size();
        continue;
      }
      const Split& split = data_.split(name);
      const SplitPredictions predictions =
          predict_split(model_, split, positive_weight_, evaluation_targets(name), [this] {
            if (monitor_.stop_requested()) stop();
          });
      if (!std::isfinite(predictions.loss)) throw_not_finite(name, predictions);
      metrics.split[name] = classify(predictions.probability, split.labels);
      metrics.loss[name] = predictions.loss;
    }
    metrics.eval_seconds = seconds_since(begin);
    metrics.tokens_per_second = data_.split(SplitName::train).token_ids.size() / metrics.train_seconds;
    const double score = adversary_ ? -progress_.loss : metrics.split[options_.select].roc_auc;
    const bool best = score > progress_.best_score;
    if (best) {
      progress_.best_score = score;
      progress_.best_epoch = progress_.epoch;
    }
    metrics_.push_back(metrics);
    writer_.write_metrics(metrics_);
    // Before the model: a run that goes on from an older checkpoint on another device may choose another epoch.
    save_checkpoint(
        {.epoch = progress_.epoch + 1, .best_epoch = progress_.best_epoch, .best_score = progress_.best_score});
    if (best) save_model();
    progress_.batch = 0;
    progress_.train_seconds = progress_.loss = 0;
    monitor_.epoch_done(metrics, best);
  }

  /// Writes the outputs of the chosen epoch's model for every text.
  RunResult finish() {
    // Parameters that are not finite are told below, with the texts that they spoil.
    const Safetensors file = Safetensors::read(writer_.folder().existing(writer_.folder().model_path()));
    model_.set_parameters(load_parameters(model_.layout(), file));
    RunResult result{.epoch = progress_.best_epoch,
                     .selected_on = adversary_ ? "train loss" : std::string(to_string(options_.select)),
                     .split = {}};
    for (const SplitName name : kSplitNames) {
      const Split& split = data_.split(name);
      const SplitPredictions predictions =
          predict_split(model_, split, positive_weight_, evaluation_targets(name), [this] {
            // The checkpoint of the last epoch stands.
            if (monitor_.stop_requested()) throw Interrupted("stopped after the last epoch");
          });
      result.split[name] = classify(predictions.probability, split.labels);
      writer_.write_attention(name, split, predictions.log_attention, predictions.probability);
      if (name == SplitName::test) {
        writer_.write_predictions(data_.vocabulary, split, predictions.log_attention, predictions.probability);
      }
    }
    writer_.finish(result);
    return result;
  }

  const TrainingRequest& request_;
  const Dataset& data_;
  const TrainingOptions& options_;
  RunWriter& writer_;
  TrainingMonitor& monitor_;
  const bool adversary_;
  double positive_weight_;
  AttentionClassifier model_;
  Progress progress_;
  size_t batches_ = 0;  ///< of the epoch under way
  std::chrono::steady_clock::time_point last_checkpoint_ = std::chrono::steady_clock::now();
  std::vector<EpochMetrics> metrics_;
};

}  // namespace

std::vector<std::vector<int32_t>> prediction_batches(const Split& split) {
  int64_t longest = 0;
  for (int32_t i = 0; i < split.size(); ++i) longest = std::max<int64_t>(longest, split.length(i));
  return evaluation_batches(split, std::max(longest, kEvaluationTokens));
}

ModelCapacity prediction_plan(const Split& split) {
  return {.evaluation = capacity_of(split, prediction_batches(split)), .training = {}, .steps = 0};
}

ModelCapacity training_plan(const Dataset& dataset, const TrainingOptions& options) {
  const Split& train = dataset.split(SplitName::train);
  ModelCapacity capacity;
  for (const SplitName name : kSplitNames) {
    capacity.evaluation = larger(capacity.evaluation, prediction_plan(dataset.split(name)).evaluation);
  }
  capacity.training = training_capacity(train, options.batch_size, dataset.vocabulary.size());
  capacity.steps = int64_t{options.epochs} * ((train.size() + options.batch_size - 1) / options.batch_size);
  return capacity;
}

std::vector<MemoryRow> host_memory(const ParameterLayout& layout) {
  const int64_t bytes = layout.total() * sizeof(float);
  return {{"host", "initial parameters", {layout.total()}, bytes},
          {"host", "checkpoint copies", {4, layout.total()}, 4 * bytes}};
}

SplitPredictions predict_split(AttentionClassifier& model, const Split& split, double positive_weight,
                               const TextTargets& targets, const std::function<void()>& poll) {
  SplitPredictions result;
  result.probability.resize(split.size());
  result.log_attention.resize(split.token_ids.size());
  for (const auto& texts : prediction_batches(split)) {
    poll();
    const HostBatch batch = assemble_batch(split, texts, model.options().vocabulary);
    const auto predictions = model.predict(
        batch, targets.log_attention.empty() ? BatchTargets{} : targets_of(split, batch, model.options(), targets));
    for (size_t b = 0; b < batch.texts.size(); ++b) {
      const int32_t text = batch.texts[b];
      result.probability[text] = predictions.probability[b];
      std::copy(predictions.log_attention.begin() + batch.offsets[b],
                predictions.log_attention.begin() + batch.offsets[b + 1],
                result.log_attention.begin() + split.offsets[text]);
      const double weight = batch.labels[b] == 1 ? positive_weight : 1.0;
      result.loss += classification_loss(double{predictions.logit[b]}, batch.labels[b], weight).loss / split.size();
    }
  }
  return result;
}

RunResult train(const Device& device, const TrainingRequest& request, RunWriter& writer, TrainingMonitor& monitor) {
  return Training(device, request, writer, monitor).run();
}

}  // namespace notnot
