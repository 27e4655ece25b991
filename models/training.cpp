#include "models/training.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <numeric>

#include "engine/data/text_order.h"
#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/safetensors.h"
#include "engine/runs/run_checksums.h"
#include "kernels/attention_head_math.h"
#include "models/checkpoint.h"
#include "models/guide_controls.h"

namespace notnot {
namespace {

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

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

/// Puts the predictions of a batch in their places, and adds its texts' losses.
void add_predictions(const AttentionClassifier::Predictions& predictions, const HostBatch& batch, const Split& split,
                     double positive_weight, SplitPredictions& result, std::vector<double>& losses) {
  for (size_t b = 0; b < batch.texts.size(); ++b) {
    const int32_t text = batch.texts[b];
    result.probability[text] = predictions.probability[b];
    std::copy(predictions.log_attention.begin() + batch.offsets[b],
              predictions.log_attention.begin() + batch.offsets[b + 1],
              result.log_attention.begin() + split.offsets[text]);
    const double weight = batch.labels[b] == 1 ? positive_weight : 1.0;
    losses.push_back(classification_loss(double{predictions.logit[b]}, batch.labels[b], weight).loss);
  }
}

/// The training batches of an epoch.
int64_t batch_count(const Split& train, int32_t batch_size) { return (train.size() + batch_size - 1) / batch_size; }

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
        places_(places_by_content(data_.split(SplitName::train))),
        model_(device, request.model, training_plan(device, data_, options_), options_.optimiser) {}

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

  bool restore() {
    if (!request_.resume || writer_.folder().state() != RunState::resumable) return false;
    const int64_t batches = batch_count(data_.split(SplitName::train), options_.batch_size);
    const RunFolder& folder = writer_.folder();
    const Checkpoint checkpoint =
        read_checkpoint(folder.existing(folder.checkpoint_path()), model_.layout(),
                        {.epochs = options_.epochs, .batches = batches, .adversary = adversary_});
    const std::vector<float>& parameters = checkpoint.parameters;
    progress_ = checkpoint.progress;
    model_.set_parameters(parameters);
    model_.set_optimiser_state(checkpoint.optimiser);
    check_vocabulary();
    restore_metrics();
    // The checkpoint of an epoch's end is written before the epoch's model: the program may have been killed between.
    // A model is never replaced by parameters that a damaged checkpoint has.
    const bool finite = std::all_of(parameters.begin(), parameters.end(), [](float x) { return std::isfinite(x); });
    if (progress_.batch == 0 && progress_.best_epoch == progress_.epoch - 1 && finite) save_model();
    check_companions(checkpoint.companions);
    return true;
  }

  /// Throws InputError if the checkpoint, the rows of metrics.csv and the model are not all of this run.
  void check_companions(const Companions& known) {
    const RunFolder& folder = writer_.folder();
    const auto check = [&](const std::string& expected, const std::string& found, const std::filesystem::path& file,
                           const char* what) {
      if (expected.empty() || expected == found) return;
      throw InputError(fmt::format("{} {}; copy the right one back, or {}", file.string(), what, kTrainAgain));
    };
    check(known.choices, checksum_of_choices(request_.config), folder.checkpoint_path(), "is of another run");
    check(known.metrics, checksum_of_metrics(to_csv(metrics_)), folder.metrics_path(),
          "has other rows than when the checkpoint was written");
    if (progress_.best_epoch == 0) return;
    check_there(folder.model_path());
    best_model_ = known.model;
    if (!best_model_.empty()) {
      check(best_model_, checksum_of(model_.layout(), chosen_parameters()), folder.model_path(),
            "is not the model of the best epoch so far");
    }
  }

  /// The words of the model, which are written once, when the run begins.
  void check_vocabulary() const {
    const std::filesystem::path path = writer_.folder().vocabulary_path();
    check_there(path);
    const std::string words = data_.vocabulary.serialize();
    if (FileReader(writer_.folder().existing(path)).size() == words.size() && read_file(path) == words) return;
    throw InputError(
        fmt::format("{} has other words than the data that the run was trained on; copy the right one "
                    "back, or {}",
                    path.string(), kTrainAgain));
  }

  static void check_there(const std::filesystem::path& file) {
    if (other_than_file(file) != "nothing") return;
    throw InputError(fmt::format("{} is missing, without which the training cannot go on; copy it back, or {}",
                                 file.string(), kTrainAgain));
  }

  /// The rows of the epochs before the one under way. There is one more if the program was killed between the end of an
  /// epoch and its checkpoint.
  void restore_metrics() {
    const size_t finished = progress_.epoch - 1;
    if (finished > 0) {
      check_there(writer_.folder().metrics_path());
      metrics_ = writer_.folder().metrics();
    }
    if (metrics_.size() < finished || metrics_.size() > finished + 1) {
      throw InputError(
          fmt::format("{} has {} epochs, where the checkpoint has finished {}; copy the right one back, or {}",
                      writer_.folder().metrics_path().string(), metrics_.size(), finished, kTrainAgain));
    }
    metrics_.resize(finished);
  }

  void save_checkpoint(const Progress& progress) {
    write_checkpoint(writer_.opened().checkpoint_path(), model_.layout(),
                     {progress, model_.parameters(), model_.optimiser_state(), companions()});
    last_checkpoint_ = std::chrono::steady_clock::now();
  }

  Companions companions() const {
    return {.choices = checksum_of_choices(request_.config),
            .metrics = checksum_of_metrics(to_csv(metrics_)),
            .model = best_model_};
  }

  void save_model() {
    const std::vector<float> parameters = model_.parameters();
    write_safetensors(writer_.opened().model_path(), parameter_views(model_.layout(), parameters));
  }

  bool checkpoint_due() const { return seconds_since(last_checkpoint_) >= request_.checkpoint_seconds; }

  /// The host assembles the next batch while the device computes the one before. A checkpoint needs all steps done.
  void train_epoch() {
    const Split& split = data_.split(SplitName::train);
    const auto batches = training_batches(split, places_, options_.batch_size, options_.seed, progress_.epoch);
    batches_ = batches.size();
    const double seconds_before = progress_.train_seconds;
    const auto begin = std::chrono::steady_clock::now();
    bool stop = false;
    for (size_t next = progress_.batch; next < batches.size() && !stop; ++next) {
      enqueue_batch(split, assemble_batch(split, batches[next], request_.model.vocabulary));
      const bool due = checkpoint_due();
      while (model_.batches_in_flight() > (due ? 0 : 1)) stop = finish_batch(batches) || stop;
      progress_.train_seconds = seconds_before + seconds_since(begin);
      if (due) save_checkpoint(progress_);
    }
    while (model_.batches_in_flight() > 0) stop = finish_batch(batches) || stop;
    progress_.train_seconds = seconds_before + seconds_since(begin);
    if (stop) this->stop();
  }

  /// Ends the training within its epoch, perhaps while that is evaluated.
  [[noreturn]] void stop() {
    model_.drain();
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
      best_model_ = checksum_of(model_.layout(), model_.parameters());
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

  /// The parameters of the chosen epoch. Those that are not finite are told later, with the texts that they spoil.
  std::vector<float> chosen_parameters() const {
    const std::filesystem::path path = writer_.folder().model_path();
    check_there(path);
    try {
      return load_parameters(model_.layout(), Safetensors::read(writer_.folder().existing(path)));
    } catch (const InputError& error) {
      throw InputError(fmt::format("{}; {}", error.what(), kTrainAgain));
    }
  }

  /// Throws InputError unless the model on the disk has the loss that it had in its epoch. The same device gives the
  /// same bits, up to the 9 digits of metrics.csv. Others differ by rounding: other vector instructions moved a loss of
  /// 1 by 6e-8 at most. The tolerance leaves room for devices that round otherwise; damage that moves no loss by more
  /// may pass.
  void check_chosen(SplitName name, double loss) const {
    constexpr double kTolerance = 1e-4;
    if (adversary_ && name == SplitName::train) return;  // its epochs have the loss of the training there
    const double then = metrics_.at(progress_.best_epoch - 1).loss[name];
    if (std::abs(loss - then) <= kTolerance * std::max(1.0, std::abs(then))) return;
    throw InputError(fmt::format(
        "{} is not the model of epoch {}: its loss on {} is {:.6f}, where metrics.csv has {:.6f}; one of "
        "the two files is damaged: copy it back, or {}",
        writer_.folder().model_path().string(), progress_.best_epoch, to_string(name), loss, then, kTrainAgain));
  }

  /// Writes the outputs of the chosen epoch's model for every text.
  RunResult finish() {
    model_.set_parameters(chosen_parameters());
    RunResult result{.epoch = progress_.best_epoch,
                     .selected_on = adversary_ ? "train loss" : std::string(to_string(options_.select)),
                     .split = {}};
    for (const SplitName name : kSplitNames) {
      const Split& split = data_.split(name);
      const SplitPredictions predictions = predict_at_end(split, evaluation_targets(name));
      result.split[name] = classify(predictions.probability, split.labels);
      check_chosen(name, predictions.loss);
      writer_.write_attention(name, split, predictions.log_attention, predictions.probability);
      if (name == SplitName::test) {
        writer_.write_predictions(data_.vocabulary, split, predictions.log_attention, predictions.probability);
      }
    }
    write_controls();
    writer_.finish(result);
    return result;
  }

  /// What the chosen model says of other texts, and with other weights than its guide's.
  void write_controls() {
    const TextTargets& guide = evaluation_targets(SplitName::test);
    const Split& test = data_.split(SplitName::test);
    const auto probability = [this](const Split& texts, const TextTargets& weights) {
      return predict_at_end(texts, weights).probability;
    };
    if (request_.ablated != nullptr) {
      writer_.write_ablation({probability(request_.ablated->without_evidence, guide),
                              probability(request_.ablated->without_others, guide)});
    }
    if (request_.model.attention == AttentionKind::given) {
      const TextTargets permuted{permuted_within_texts(guide.log_attention, test, options_.seed), {}},
          equal{equal_within_texts(test), {}};
      writer_.write_guide_controls({probability(test, permuted), probability(test, equal)});
    }
  }

  SplitPredictions predict_at_end(const Split& texts, const TextTargets& targets) {
    return predict_split(model_, texts, positive_weight_, targets, [this] {
      // The checkpoint of the last epoch stands.
      if (monitor_.stop_requested()) throw Interrupted("stopped after the last epoch");
    });
  }

  const TrainingRequest& request_;
  const Dataset& data_;
  const TrainingOptions& options_;
  RunWriter& writer_;
  TrainingMonitor& monitor_;
  const bool adversary_;
  double positive_weight_;
  std::vector<int32_t> places_;  ///< of the training texts
  AttentionClassifier model_;
  Progress progress_;
  std::string best_model_;  ///< Companions::model
  size_t batches_ = 0;      ///< of the epoch under way
  std::chrono::steady_clock::time_point last_checkpoint_ = std::chrono::steady_clock::now();
  std::vector<EpochMetrics> metrics_;
};

}  // namespace

std::vector<std::vector<int32_t>> prediction_batches(const Device& device, const Split& split) {
  return evaluation_batches(split, evaluation_limits(device));
}

ModelCapacity prediction_plan(const Device& device, const Split& split) {
  return {.evaluation = capacity_of(split, prediction_batches(device, split)), .training = {}, .steps = 0};
}

ModelCapacity training_plan(const Device& device, const Dataset& dataset, const TrainingOptions& options) {
  const Split& train = dataset.split(SplitName::train);
  ModelCapacity capacity;
  for (const SplitName name : kSplitNames) {
    capacity.evaluation = larger(capacity.evaluation, prediction_plan(device, dataset.split(name)).evaluation);
  }
  capacity.training = training_capacity(train, options.batch_size, dataset.vocabulary.size());
  capacity.steps = options.epochs * batch_count(train, options.batch_size);
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
  std::vector<double> losses;
  losses.reserve(split.size());
  std::deque<HostBatch> in_flight;  // the host assembles a batch while the device computes the one before
  const auto take_oldest = [&] {
    add_predictions(model.finish_prediction(), in_flight.front(), split, positive_weight, result, losses);
    in_flight.pop_front();
  };
  try {
    for (const auto& texts : prediction_batches(model.device(), split)) {
      poll();
      in_flight.push_back(assemble_batch(split, texts, model.options().vocabulary));
      const HostBatch& batch = in_flight.back();
      model.enqueue_prediction(
          batch, targets.log_attention.empty() ? BatchTargets{} : targets_of(split, batch, model.options(), targets));
      if (in_flight.size() == 2) take_oldest();
    }
    if (!in_flight.empty()) take_oldest();
  } catch (...) {
    model.drain();
    throw;
  }
  // In the order of their size, so that the order of the texts changes no bit of the sum.
  std::sort(losses.begin(), losses.end());
  result.loss = std::accumulate(losses.begin(), losses.end(), 0.0) / split.size();
  return result;
}

RunResult train(const Device& device, const TrainingRequest& request, RunWriter& writer, TrainingMonitor& monitor) {
  return Training(device, request, writer, monitor).run();
}

}  // namespace notnot
