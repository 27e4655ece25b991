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
  Training(const std::vector<Device>& devices, const std::vector<Trainee>& trainees)
      : request_(*trainees.front().request),
        data_(*request_.dataset),
        options_(request_.training),
        adversary_(options_.objective == Objective::adversary),
        positive_weight_(data_.positive_weight()),
        places_(places_by_content(data_.split(SplitName::train))),
        models_(devices, request_.model, training_plan(devices.front(), data_, options_), options_.optimiser) {
    NOTNOT_CHECK(devices.size() == trainees.size(), "{} devices for {} runs", devices.size(), trainees.size());
    NOTNOT_CHECK(trainees.size() == 1 || adversary_, "only adversaries train side by side");
    for (size_t k = 0; k < trainees.size(); ++k) {
      const auto& [request, writer, monitor] = trainees[k];
      members_.push_back({.request = *request, .writer = *writer, .monitor = *monitor, .model = models_[k]});
    }
  }

  std::vector<RunResult> run() {
    models_.allocate();
    for (Member& member : members_) member.model.attach(member.request.profile);
    const bool goes_on = restore();
    for (Member& member : members_) {
      if (goes_on) {
        member.writer.resume(member.request.config);
      } else {
        member.writer.start(member.request.config);
        member.writer.write_vocabulary(data_.vocabulary);
        member.model.set_parameters(member.request.initial_parameters);
      }
    }
    for (; progress_.epoch <= options_.epochs && !exhausted(); ++progress_.epoch) {
      train_epoch();
      evaluate_epoch();
    }
    return finish();
  }

 private:
  /// One of the runs.
  struct Member {
    const TrainingRequest& request;
    RunWriter& writer;
    TrainingMonitor& monitor;
    AttentionClassifier& model;
    std::vector<EpochMetrics> metrics = {};
    double loss = 0;              ///< of the epoch under way: the sum over its batches so far
    std::string best_model = {};  ///< Companions::model

    const RunFolder& folder() const { return writer.folder(); }
  };
  /// Whose folder has the checkpoint of all.
  Member& first() { return members_.front(); }
  const Member& first() const { return members_.front(); }

  bool exhausted() const { return adversary_ && progress_.epoch > progress_.best_epoch + options_.patience; }

  /// The guide's attention. Other models need none: an adversary needs its base model only while it trains.
  const TextTargets& evaluation_targets(SplitName name) const {
    static const TextTargets none;
    return request_.model.attention == AttentionKind::given ? (*request_.targets)[name] : none;
  }

  bool restore() {
    const RunFolder& folder = first().folder();
    if (!request_.resume || folder.state() != RunState::resumable) return false;
    const int64_t batches = batch_count(data_.split(SplitName::train), options_.batch_size);
    const std::vector<Checkpoint> checkpoints =
        read_checkpoints(folder.existing(folder.checkpoint_path()), models_.layout(),
                         {.epochs = options_.epochs, .batches = batches, .adversary = adversary_}, models_.size());
    progress_ = checkpoints.front().progress;
    for (size_t k = 0; k < members_.size(); ++k) restore(checkpoints[k], members_[k]);
    return true;
  }

  void restore(const Checkpoint& checkpoint, Member& member) {
    const std::vector<float>& parameters = checkpoint.parameters;
    member.loss = checkpoint.progress.loss;
    member.model.set_parameters(parameters);
    member.model.set_optimiser_state(checkpoint.optimiser);
    check_vocabulary(member);
    restore_metrics(member);
    // The checkpoint of an epoch's end is written before the epoch's model: the program may have been killed between.
    // A model is never replaced by parameters that a damaged checkpoint has.
    const bool finite = std::all_of(parameters.begin(), parameters.end(), [](float x) { return std::isfinite(x); });
    if (progress_.batch == 0 && progress_.best_epoch == progress_.epoch - 1 && finite) save_model(member);
    check_companions(checkpoint.companions, member);
  }

  /// Throws InputError if the checkpoint, the rows of metrics.csv and the model are not all of this run.
  void check_companions(const Companions& known, Member& member) {
    const RunFolder& folder = member.folder();
    const auto check = [&](const std::string& expected, const std::string& found, const std::filesystem::path& file,
                           const char* what) {
      if (expected.empty() || expected == found) return;
      throw InputError(fmt::format("{} {}; copy the right one back, or {}", file.string(), what, kTrainAgain));
    };
    check(known.choices, checksum_of_choices(member.request.config), first().folder().checkpoint_path(),
          "is of another run");
    check(known.metrics, checksum_of_metrics(to_csv(member.metrics)), folder.metrics_path(),
          "has other rows than when the checkpoint was written");
    if (progress_.best_epoch == 0) return;
    check_there(folder.model_path());
    member.best_model = known.model;
    if (!member.best_model.empty()) {
      check(member.best_model, checksum_of(models_.layout(), chosen_parameters(member)), folder.model_path(),
            "is not the model of the best epoch so far");
    }
  }

  /// The words of the model, which are written once, when the run begins.
  void check_vocabulary(const Member& member) const {
    const std::filesystem::path path = member.folder().vocabulary_path();
    check_there(path);
    const std::string words = data_.vocabulary.serialize();
    if (FileReader(member.folder().existing(path)).size() == words.size() && read_file(path) == words) return;
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
  void restore_metrics(Member& member) const {
    const size_t finished = progress_.epoch - 1;
    if (finished > 0) {
      check_there(member.folder().metrics_path());
      member.metrics = member.folder().metrics();
    }
    if (member.metrics.size() < finished || member.metrics.size() > finished + 1) {
      throw InputError(
          fmt::format("{} has {} epochs, where the checkpoint has finished {}; copy the right one back, or {}",
                      member.folder().metrics_path().string(), member.metrics.size(), finished, kTrainAgain));
    }
    member.metrics.resize(finished);
  }

  void save_checkpoint(const Progress& progress) {
    std::vector<Checkpoint> checkpoints;
    for (Member& member : members_) {
      checkpoints.push_back({progress, member.model.parameters(), member.model.optimiser_state(), companions(member)});
      checkpoints.back().progress.loss = progress.batch == 0 ? 0 : member.loss;
    }
    write_checkpoints(first().writer.opened().checkpoint_path(), models_.layout(), checkpoints);
    last_checkpoint_ = std::chrono::steady_clock::now();
  }

  static Companions companions(const Member& member) {
    return {.choices = checksum_of_choices(member.request.config),
            .metrics = checksum_of_metrics(to_csv(member.metrics)),
            .model = member.best_model};
  }

  void save_model(Member& member) {
    const std::vector<float> parameters = member.model.parameters();
    write_safetensors(member.writer.opened().model_path(), parameter_views(models_.layout(), parameters));
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
      while (models_.batches_in_flight() > (due ? 0 : 1)) stop = finish_batch(batches) || stop;
      progress_.train_seconds = seconds_before + seconds_since(begin);
      if (due) save_checkpoint(progress_);
    }
    while (models_.batches_in_flight() > 0) stop = finish_batch(batches) || stop;
    progress_.train_seconds = seconds_before + seconds_since(begin);
    if (stop) this->stop();
  }

  /// Ends the training within its epoch, perhaps while that is evaluated.
  [[noreturn]] void stop() {
    models_.drain();
    save_checkpoint(progress_);
    throw Interrupted(
        fmt::format("stopped in epoch {} after batch {} of {}", progress_.epoch, progress_.batch, batches_));
  }

  void enqueue_batch(const Split& split, const HostBatch& batch) {
    models_.enqueue_step(batch,
                         {.objective = options_.objective,
                          .positive_weight = positive_weight_,
                          .tvd_factor = options_.tvd_factor,
                          .lambda = options_.lambda},
                         request_.targets == nullptr
                             ? BatchTargets{}
                             : targets_of(split, batch, request_.model, request_.targets->train));
  }

  /// Waits for the oldest batch under way; true when a monitor asks to stop.
  bool finish_batch(const std::vector<std::vector<int32_t>>& batches) {
    const std::vector<double> losses = models_.finish_step();
    for (size_t k = 0; k < members_.size(); ++k) {
      if (!std::isfinite(losses[k])) throw_not_finite(members_[k], batches[progress_.batch], losses[k]);
      members_[k].loss += losses[k];
    }
    ++progress_.batch;
    for (Member& member : members_) member.monitor.batch_done(progress_.epoch, progress_.batch, batches.size());
    return stop_requested();
  }

  bool stop_requested() {
    bool stop = false;
    for (Member& member : members_) stop = member.monitor.stop_requested() || stop;
    return stop;
  }

  [[noreturn]] void throw_not_finite(const Member& member, const std::vector<int32_t>& texts, double loss) const {
    std::vector<int64_t> rows;
    rows.reserve(texts.size());
    for (const int32_t text : texts) rows.push_back(data_.split(SplitName::train).rows[text]);
    throw_not_finite(member, loss,
                     fmt::format("batch {} (training texts of rows {})", progress_.batch + 1, fmt::join(rows, ", ")));
  }

  [[noreturn]] void throw_not_finite(const Member& member, SplitName name, const SplitPredictions& predictions) const {
    std::vector<int64_t> rows;
    for (size_t i = 0; i < predictions.probability.size(); ++i) {
      if (!std::isfinite(predictions.probability[i])) rows.push_back(data_.split(name).rows[i]);
    }
    throw_not_finite(
        member, predictions.loss,
        fmt::format("the evaluation after it ({} texts of rows {})", to_string(name), fmt::join(rows, ", ")));
  }

  [[noreturn]] void throw_not_finite(const Member& member, double loss, const std::string& where) const {
    throw Error(fmt::format(
        "the loss is {} in epoch {}, {}; {}. {}", std::isnan(loss) ? "NaN" : "infinite", progress_.epoch, where,
        progress_.best_epoch > 0 ? fmt::format("the model of epoch {} is kept in {}", progress_.best_epoch,
                                               member.folder().model_path().string())
                                 : "no epoch was finished, so no model was written",
        adversary_ ? "Give the adversary a smaller lambda"
                   : "Look at the word vectors or the --init file for huge values"));
  }

  void evaluate_epoch() {
    std::vector<EpochMetrics> rows;
    for (Member& member : members_) rows.push_back(evaluate(member));
    double score = 0;
    for (size_t k = 0; k < members_.size(); ++k) {
      score += adversary_ ? -members_[k].loss : rows[k].split[options_.select].roc_auc;
      members_[k].metrics.push_back(rows[k]);
    }
    const bool best = score > progress_.best_score;
    if (best) {
      progress_.best_score = score;
      progress_.best_epoch = progress_.epoch;
    }
    for (Member& member : members_) {
      if (best) member.best_model = checksum_of(models_.layout(), member.model.parameters());
      member.writer.write_metrics(member.metrics);
    }
    // Before the models: a run that goes on from an older checkpoint on another device may choose another epoch.
    save_checkpoint(
        {.epoch = progress_.epoch + 1, .best_epoch = progress_.best_epoch, .best_score = progress_.best_score});
    progress_.batch = 0;
    progress_.train_seconds = 0;
    for (Member& member : members_) {
      if (best) save_model(member);
      member.loss = 0;
      member.monitor.epoch_done(member.metrics.back(), best);
    }
  }

  /// The epoch's row of the member's metrics.
  EpochMetrics evaluate(Member& member) {
    const auto begin = std::chrono::steady_clock::now();
    EpochMetrics metrics;
    metrics.epoch = progress_.epoch;
    metrics.train_seconds = progress_.train_seconds;
    for (const SplitName name : kSplitNames) {
      // An adversary's epoch is not chosen by this evaluation, which would take a quarter of the time.
      if (adversary_ && name == SplitName::train) {
        metrics.split[name] = undefined_classification();
        metrics.loss[name] = member.loss / data_.split(name).size();
        continue;
      }
      const Split& split = data_.split(name);
      const SplitPredictions predictions =
          predict_split(member.model, split, positive_weight_, evaluation_targets(name), [this] {
            if (stop_requested()) stop();
          });
      if (!std::isfinite(predictions.loss)) throw_not_finite(member, name, predictions);
      metrics.split[name] = classify(predictions.probability, split.labels);
      metrics.loss[name] = predictions.loss;
    }
    metrics.eval_seconds = seconds_since(begin);
    metrics.tokens_per_second = data_.split(SplitName::train).token_ids.size() / metrics.train_seconds;
    return metrics;
  }

  /// The parameters of the chosen epoch. Those that are not finite are told later, with the texts that they spoil.
  std::vector<float> chosen_parameters(const Member& member) const {
    const std::filesystem::path path = member.folder().model_path();
    check_there(path);
    try {
      return load_parameters(models_.layout(), Safetensors::read(member.folder().existing(path)));
    } catch (const InputError& error) {
      throw InputError(fmt::format("{}; {}", error.what(), kTrainAgain));
    }
  }

  /// Throws InputError unless the model on the disk has the loss that it had in its epoch. The same device gives the
  /// same bits, up to the 9 digits of metrics.csv. Others differ by rounding: other vector instructions moved a loss of
  /// 1 by 6e-8 at most. The tolerance leaves room for devices that round otherwise; damage that moves no loss by more
  /// may pass.
  void check_chosen(const Member& member, SplitName name, double loss) const {
    constexpr double kTolerance = 1e-4;
    if (adversary_ && name == SplitName::train) return;  // its epochs have the loss of the training there
    const double then = member.metrics.at(progress_.best_epoch - 1).loss[name];
    if (std::abs(loss - then) <= kTolerance * std::max(1.0, std::abs(then))) return;
    throw InputError(fmt::format(
        "{} is not the model of epoch {}: its loss on {} is {:.6f}, where metrics.csv has {:.6f}; one of "
        "the two files is damaged: copy it back, or {}",
        member.folder().model_path().string(), progress_.best_epoch, to_string(name), loss, then, kTrainAgain));
  }

  /// Finishes the runs, the first one last.
  std::vector<RunResult> finish() {
    std::vector<RunResult> results(members_.size());
    for (size_t k = members_.size(); k-- > 0;) results[k] = finish(members_[k]);
    return results;
  }

  /// Writes the outputs of the chosen epoch's model for every text.
  RunResult finish(Member& member) {
    member.model.set_parameters(chosen_parameters(member));
    RunResult result{.epoch = progress_.best_epoch,
                     .selected_on = adversary_ ? "train loss" : std::string(to_string(options_.select)),
                     .split = {}};
    for (const SplitName name : kSplitNames) {
      const Split& split = data_.split(name);
      const SplitPredictions predictions = predict_at_end(member, split, evaluation_targets(name));
      result.split[name] = classify(predictions.probability, split.labels);
      check_chosen(member, name, predictions.loss);
      member.writer.write_attention(name, split, predictions.log_attention, predictions.probability);
      if (name == SplitName::test) {
        member.writer.write_predictions(data_.vocabulary, split, predictions.log_attention, predictions.probability);
      }
    }
    write_controls(member);
    member.writer.finish(result);
    return result;
  }

  /// What the chosen model says of other texts, and with other weights than its guide's.
  void write_controls(Member& member) {
    const TextTargets& guide = evaluation_targets(SplitName::test);
    const Split& test = data_.split(SplitName::test);
    const auto probability = [&](const Split& texts, const TextTargets& weights) {
      return predict_at_end(member, texts, weights).probability;
    };
    if (request_.ablated != nullptr) {
      member.writer.write_ablation({probability(request_.ablated->without_evidence, guide),
                                    probability(request_.ablated->without_others, guide)});
    }
    if (request_.model.attention == AttentionKind::given) {
      const TextTargets permuted{permuted_within_texts(guide.log_attention, test, options_.seed), {}},
          equal{equal_within_texts(test), {}};
      member.writer.write_guide_controls({probability(test, permuted), probability(test, equal)});
    }
  }

  SplitPredictions predict_at_end(Member& member, const Split& texts, const TextTargets& targets) {
    return predict_split(member.model, texts, positive_weight_, targets, [this] {
      // The checkpoint of the last epoch stands.
      if (stop_requested()) throw Interrupted("stopped after the last epoch");
    });
  }

  const TrainingRequest& request_;  ///< of the first member; what all have in common
  const Dataset& data_;
  const TrainingOptions& options_;
  const bool adversary_;
  double positive_weight_;
  std::vector<int32_t> places_;  ///< of the training texts
  SideBySide models_;
  std::vector<Member> members_;  ///< one per model
  Progress progress_;            ///< of all members; `loss` stands in each
  size_t batches_ = 0;           ///< of the epoch under way
  std::chrono::steady_clock::time_point last_checkpoint_ = std::chrono::steady_clock::now();
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

std::vector<MemoryRow> host_memory(const ParameterLayout& layout, int32_t members) {
  const int64_t bytes = members * layout.total() * static_cast<int64_t>(sizeof(float));
  return {{"host", "initial parameters", {members * layout.total()}, bytes},
          {"host", "checkpoint copies", {4, members * layout.total()}, 4 * bytes}};
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
  return train_side_by_side({device}, {{&request, &writer, &monitor}}).front();
}

std::vector<RunResult> train_side_by_side(const std::vector<Device>& devices, const std::vector<Trainee>& trainees) {
  return Training(devices, trainees).run();
}

}  // namespace notnot
