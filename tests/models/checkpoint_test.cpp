// Trainings that stop half-way: every field of a checkpoint counts, and neither a crash nor a write that fails costs
// anything but time.
#include "models/checkpoint.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/io/checksum.h"
#include "engine/io/files.h"
#include "engine/io/safetensors.h"
#include "tests/models/small_training.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

namespace notnot {
namespace {

/// Everything of a run that does not measure time.
struct Left {
  std::string checkpoint, model, result, predictions;
  std::vector<double> numbers;  ///< of metrics.csv, -1 for NaN
  bool operator==(const Left&) const = default;
};

Left left_by(const RunFolder& run) {
  Left left{.checkpoint = read_file(run.checkpoint_path()),
            .model = read_file(run.model_path()),
            .result = read_file(run.result_path()),
            .predictions = read_file(run.predictions_path()),
            .numbers = {}};
  for (const EpochMetrics& epoch : run.metrics()) {
    left.numbers.push_back(epoch.epoch);
    for (const SplitName name : kSplitNames) {
      const Classification& c = epoch.split[name];
      for (const double value : {epoch.loss[name], c.f1, c.accuracy, c.roc_auc, c.average_precision})
        left.numbers.push_back(std::isnan(value) ? -1 : value);
    }
  }
  return left;
}

/// Trains until the batch of the epoch is done, and leaves a checkpoint.
void interrupt_after(const TrainingRequest& request, const RunFolder& folder, int32_t epoch, int32_t batch) {
  RunWriter writer(folder);
  Watcher watcher([=](int32_t e, int32_t b) { return e == epoch && b == batch; });
  CHECK_THROWS_AS(train(open_cpu(1), request, writer, watcher), Interrupted);
  REQUIRE(folder.state() == RunState::resumable);
}

/// Writes the safetensors file again, without the tensor or with other values for it.
void rewrite_tensor(const std::filesystem::path& path, const std::string& name, bool drop,
                    const std::function<double(double)>& change = nullptr) {
  std::map<std::string, std::vector<float>> f32;
  std::map<std::string, std::vector<double>> f64;
  std::map<std::string, std::vector<int32_t>> i32;
  std::map<std::string, std::vector<int64_t>> i64;
  std::vector<TensorView> tensors;
  {
    const Safetensors file = Safetensors::read(path);
    const auto take = [&]<class T>(std::map<std::string, std::vector<T>>& into, const std::string& tensor) {
      into[tensor] = file.values<T>(tensor);
      if (tensor == name) {
        for (T& value : into[tensor]) value = static_cast<T>(change(static_cast<double>(value)));
      }
      tensors.push_back({tensor, file.entry(tensor).dtype, file.entry(tensor).shape, into[tensor].data()});
    };
    for (const auto& entry : file.entries()) {
      if (drop && entry.first == name) continue;
      switch (entry.second.dtype) {
        case DType::f32:
          take(f32, entry.first);
          break;
        case DType::f64:
          take(f64, entry.first);
          break;
        case DType::i32:
          take(i32, entry.first);
          break;
        case DType::i64:
          take(i64, entry.first);
          break;
        case DType::u8:
          FAIL("a checkpoint has no bytes");
      }
    }
  }
  write_safetensors(path, tensors);
}

/// Copies the interrupted run, changes its checkpoint and resumes it.
class Resumed {
 public:
  Resumed(const TemporaryFolder& folder, const RunFolder& interrupted, int number)
      : run_(folder.path(), fmt::format("copy{}", number)) {
    std::filesystem::copy(interrupted.path(), run_.path());
  }
  const RunFolder& run() const { return run_; }
  void finish(const TrainingRequest& request) const { train_to_the_end(request, run_); }

 private:
  RunFolder run_;
};

}  // namespace

TEST_CASE("every tensor of a checkpoint is needed, and every one of them counts") {
  const Dataset data = unbalanced_corpus();
  const Targets targets = random_targets(data, 4);
  TrainingRequest request = adversary_of(data, targets);
  request.training.epochs = 2;
  const TemporaryFolder folder;
  const RunFolder whole(folder.path(), "whole"), interrupted(folder.path(), "interrupted");
  train_to_the_end(request, whole);
  const Left expected = left_by(whole);
  interrupt_after(request, interrupted, 2, 2);
  int number = 0;
  Resumed(folder, interrupted, number).finish(request);
  CHECK(left_by(RunFolder(folder.path(), "copy0")) == expected);
  const Safetensors checkpoint = Safetensors::read(interrupted.checkpoint_path());
  for (const auto& entry : checkpoint.entries()) {
    const std::string& name = entry.first;
    CAPTURE(name);
    const Resumed without(folder, interrupted, ++number);
    rewrite_tensor(without.run().checkpoint_path(), name, /*drop=*/true);
    CHECK_HAS(input_error([&] { without.finish(request); }), name);
    CHECK(without.run().state() == RunState::resumable);
    // The best epoch and its score are those of the last epoch here, whatever stood there before: see the next case.
    if (name.starts_with("best_")) continue;
    const Resumed other(folder, interrupted, ++number);
    const bool whole_number = entry.second.dtype == DType::i32 || entry.second.dtype == DType::i64;
    rewrite_tensor(other.run().checkpoint_path(), name, /*drop=*/false, [&](double value) {
      if (name == "train_seconds") return value + 1000;
      if (name == "step") return value - 1;  // one more would be a step too many for the plan
      return whole_number ? value + 1 : 1.5 * value + 0.01;
    });
    if (name == "epoch") {
      CHECK_HAS(input_error([&] { other.finish(request); }), "where the checkpoint has finished 2");
      continue;
    }
    other.finish(request);
    CHECK((left_by(other.run()) == expected) == (name == "train_seconds"));
    CHECK((other.run().metrics().back().train_seconds >= 1000) == (name == "train_seconds"));
  }
  CHECK(number > 50);
}

TEST_CASE("a checkpoint where no training of the run can have stood is refused") {
  const Dataset data = unbalanced_corpus();
  const TrainingRequest request = request_of(data, small_model(data));
  const TemporaryFolder folder;
  const RunFolder interrupted(folder.path(), "interrupted");
  interrupt_after(request, interrupted, 2, 1);
  int number = 0;
  const auto complaint = [&](const std::string& name, double value) {
    const Resumed resumed(folder, interrupted, number++);
    rewrite_tensor(resumed.run().checkpoint_path(), name, /*drop=*/false, [value](double) { return value; });
    const std::string message = input_error([&] { resumed.finish(request); });
    CHECK(message.starts_with(resumed.run().checkpoint_path().string()));
    CHECK(resumed.run().state() == RunState::resumable);
    return message;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  for (const double step : {-1.0, -1073741824.0, 1e9}) CHECK_HAS(complaint("step", step), "`step` is");
  for (const double epoch : {-1.0, 0.0, 1e9}) CHECK_HAS(complaint("epoch", epoch), "`epoch` is");
  for (const double batch : {-1.0, 1e9}) CHECK_HAS(complaint("batch", batch), "`batch` is");
  for (const double epoch : {-1.0, 0.0, 2.0}) CHECK_HAS(complaint("best_epoch", epoch), "`best_epoch` is");
  // Epoch 1 is the best one, and has a score.
  for (const double score : {nan, infinity, -infinity, -0.1, 1.1})
    CHECK_HAS(complaint("best_score", score), "`best_score` is");
  for (const double loss : {nan, infinity, -1.0}) CHECK_HAS(complaint("loss", loss), "`loss` is");
  for (const double seconds : {nan, infinity, -1.0, 1e308})
    CHECK_HAS(complaint("train_seconds", seconds), "`train_seconds` is");
  CHECK_HAS(complaint("first_moment/decoder.linear_1.bias", infinity), "`first_moment` has the value inf");
  CHECK_HAS(complaint("second_moment/decoder.linear_1.bias", -1), "`second_moment` has the value -1");
  CHECK_HAS(complaint("largest_second_moment/encoder.embedding.weight", nan),
            "`largest_second_moment` has the value nan");
}

TEST_CASE("the scalars of a checkpoint are one value each, and one of the first epoch has no score") {
  const TemporaryFolder folder;
  const ParameterLayout layout({.vocabulary = 5, .embed = 1, .hidden = 1});
  const std::vector<float> zeros(layout.total());
  Checkpoint begun{{}, zeros, {0, zeros, zeros, zeros}};
  for (const double score : {0.5, std::numeric_limits<double>::infinity()}) {  // there is no epoch that it could be of
    begun.progress.best_score = score;
    write_checkpoints(folder / "scored", layout, {begun});
    CHECK_HAS(input_error([&] { (void)read_checkpoints(folder / "scored", layout, {.epochs = 1, .batches = 1}); }),
              "`best_score` is");
  }
  begun.progress = {};
  write_checkpoints(folder / "good", layout, {begun});
  CHECK(read_checkpoints(folder / "good", layout, {.epochs = 1, .batches = 1}).front().progress.epoch == 1);
  const Safetensors good = Safetensors::read(folder / "good");
  const std::vector<char> bytes(1 << 16);
  for (const char* name : {"step", "epoch", "batch", "best_epoch", "best_score", "train_seconds", "loss"}) {
    for (const int64_t size : {0, 2}) {
      CAPTURE(name);
      std::vector<TensorView> tensors;
      for (const auto& [tensor, entry] : good.entries())
        tensors.push_back({tensor, entry.dtype, tensor == name ? std::vector{size} : entry.shape, bytes.data()});
      write_safetensors(folder / "bad", tensors);
      CHECK_HAS(input_error([&] { (void)read_checkpoints(folder / "bad", layout, {.epochs = 1, .batches = 1}); }),
                fmt::format("tensor `{}` has {} values, and needs one", name, size));
    }
  }
}

TEST_CASE("the files of a model have its parameters one behind the other, and the checksums know nothing else") {
  const TemporaryFolder folder;
  const ParameterLayout layout({.vocabulary = 7, .embed = 3, .hidden = 5});
  std::vector<float> values(layout.total(), 1000);  // between the parameters
  std::string bytes;                                // of all parameters
  float next = 0.5F;
  for (const Parameter& p : layout.parameters()) {
    std::generate_n(values.begin() + p.offset, p.size, [&next] { return next++; });
    bytes.append(reinterpret_cast<const char*>(values.data() + p.offset), p.size * sizeof(float));
  }
  REQUIRE(layout.total() * sizeof(float) > bytes.size());
  CHECK(checksum_of(layout, values) == sha256(bytes));

  const Progress progress{.epoch = 2, .best_epoch = 1, .best_score = 0.5};
  write_checkpoints(folder / "checkpoint", layout, {{progress, values, {2, values, values, values}}});
  const Safetensors checkpoint = Safetensors::read(folder / "checkpoint");
  CHECK(checkpoint.metadata().at("sha256") == sha256("2 2 0 1 0x1p-1 0x0p+0 0x0p+0" + bytes + bytes + bytes + bytes));
  write_safetensors(folder / "model", parameter_views(layout, values));
  const Safetensors model = Safetensors::read(folder / "model");
  CHECK(model.entries().size() == layout.parameters().size());
  for (const Parameter& p : layout.parameters()) {
    const std::vector<float> expected(values.begin() + p.offset, values.begin() + p.offset + p.size);
    CHECK(model.values<float>(p.name) == expected);
    for (const char* prefix : {"parameter/", "first_moment/", "second_moment/", "largest_second_moment/"}) {
      CHECK(checkpoint.values<float>(prefix + p.name) == expected);
    }
  }
  const Checkpoint read = read_checkpoints(folder / "checkpoint", layout, {.epochs = 3, .batches = 4}).front();
  CHECK(read.parameters == load_parameters(layout, folder / "model"));
  std::replace(values.begin(), values.end(), 1000.0F, 0.0F);
  CHECK(read.parameters == values);
  CHECK(read.optimiser.largest_second_moment == values);
}

TEST_CASE("the checkpoint of a group has each member's values, and members that stand elsewhere are refused") {
  const TemporaryFolder folder;
  const ParameterLayout layout({.encoder = Encoder::tokens, .vocabulary = 5, .embed = 1, .hidden = 1});
  const std::vector<float> ones(layout.total(), 1), twos(layout.total(), 2);
  const Checkpoint first{{.epoch = 2, .batch = 1, .best_epoch = 1, .best_score = -0.5, .loss = 3},
                         ones,
                         {2, ones, ones, ones},
                         {.choices = "a", .metrics = "b", .model = "c"}};
  Checkpoint second{{.epoch = 2, .batch = 1, .best_epoch = 1, .best_score = -0.5, .loss = 4},
                    twos,
                    {2, twos, twos, twos},
                    {.choices = "d", .metrics = "e", .model = "f"}};
  const TrainingBounds bounds{.epochs = 3, .batches = 4, .adversary = true};
  write_checkpoints(folder / "both", layout, {first, second});
  const std::vector<Checkpoint> read = read_checkpoints(folder / "both", layout, bounds, 2);
  REQUIRE(read.size() == 2);
  CHECK(read[0].progress.loss == 3);
  CHECK(read[1].progress.loss == 4);
  CHECK(load_parameters(layout, Safetensors::read(folder / "both"), "member2/parameter/") == read[1].parameters);
  CHECK(read[1].optimiser.first_moment == read[1].parameters);
  CHECK(read[0].parameters != read[1].parameters);
  CHECK(read[0].companions.model == "c");
  CHECK(read[1].companions.model == "f");
  CHECK_HAS(input_error([&] { (void)read_checkpoints(folder / "both", layout, bounds, 3); }), "member3/");
  second.progress.batch = 2;
  write_checkpoints(folder / "apart", layout, {first, second});
  CHECK_HAS(input_error([&] { (void)read_checkpoints(folder / "apart", layout, bounds, 2); }),
            "member 2 does not stand where member 1 stands");
}

TEST_CASE("a bit that was flipped in any byte of a checkpoint is noticed, also where another state is possible") {
  const TemporaryFolder folder;
  const ParameterLayout layout({.encoder = Encoder::tokens, .vocabulary = 5, .embed = 1, .hidden = 1});
  const std::vector<float> ones(layout.total(), 1);
  write_checkpoints(folder / "good", layout,
                    {{{.epoch = 2, .best_epoch = 1, .best_score = 0.5}, ones, {2, ones, ones, ones}}});
  const std::string good = read_file(folder / "good");
  const auto read = [&](const std::string& content) {
    write_atomically(folder / "flipped", content);
    (void)read_checkpoints(folder / "flipped", layout, {.epochs = 3, .batches = 4});
  };
  CHECK_NOTHROW(read(good));
  uint64_t header = 0;
  std::memcpy(&header, good.data(), sizeof header);
  for (size_t at = sizeof header + header; at < good.size(); ++at) {
    std::string flipped = good;
    flipped[at] = static_cast<char>(flipped[at] ^ 1);
    CHECK_HAS(input_error([&] { read(flipped); }), (folder / "flipped").string());
  }
  std::string parameter = good;
  parameter[good.size() - 4] ^= 1;  // the last bit of a moment, which may have any value
  CHECK_HAS(input_error([&] { read(parameter); }), "its values are not those of its checksum; add --retrain");
}

TEST_CASE("a run with a damaged or missing file is not gone on with, and the message knows the way out") {
  const Dataset data = unbalanced_corpus();
  TrainingRequest request = request_of(data, small_model(data));
  request.training.optimiser.learning_rate = 0;  // the first epoch stays the best
  const TemporaryFolder folder;
  const RunFolder interrupted(folder.path(), "interrupted");
  interrupt_after(request, interrupted, 3, 1);
  int number = 0;
  const auto complaint = [&](const char* file, const std::function<void(const std::filesystem::path&)>& damage) {
    const Resumed resumed(folder, interrupted, number++);
    const std::filesystem::path path = resumed.run().path() / file;
    damage(path);
    const std::string message = input_error([&] { resumed.finish(request); });
    CHECK_HAS(message, path.string());
    CHECK_HAS(message, "add --retrain in place of --resume");
    CHECK(resumed.run().state() == RunState::resumable);
    return message;
  };
  const auto remove = [](const auto& path) { std::filesystem::remove(path); };
  const auto empty = [](const auto& path) { std::filesystem::resize_file(path, 0); };
  for (const char* file : {"model.safetensors", "metrics.csv", "vocabulary.txt"}) {
    CHECK_HAS(complaint(file, remove), "is missing, without which the training cannot go on; copy it back, or");
  }
  for (const char* file : {"model.safetensors", "checkpoint.safetensors"}) {
    CHECK_HAS(complaint(file, empty), "is not a readable safetensors file");
  }
  complaint("metrics.csv", empty);
  CHECK_HAS(complaint("vocabulary.txt", empty), "has other words than the data that the run was trained on");
  CHECK_HAS(complaint("vocabulary.txt",
                      [](const auto& path) {
                        std::string words = read_file(path);
                        words.end()[-2] ^= 1;
                        write_atomically(path, words);
                      }),
            "has other words");
  const auto add_to_bias = [](double more) {
    return [more](const auto& path) {
      rewrite_tensor(path, "decoder.linear_1.bias", /*drop=*/false, [more](double value) { return value + more; });
    };
  };
  CHECK_HAS(complaint("model.safetensors", add_to_bias(1e-6)), "is not the model of the best epoch so far; copy");
  CHECK_HAS(complaint("metrics.csv",
                      [](const auto& path) {
                        std::string rows = read_file(path);
                        const size_t loss = rows.find("\n1,") + 3;  // of epoch 1
                        rows[loss + 2] = rows[loss + 2] == '5' ? '6' : '5';
                        write_atomically(path, rows);
                      }),
            "has other rows than when the checkpoint was written");
  TrainingRequest other = request;
  other.config = {{"choices", {{"seed", 11}}}};
  const RunFolder other_run(folder.path(), "other");
  interrupt_after(other, other_run, 3, 1);
  CHECK_HAS(complaint("checkpoint.safetensors",
                      [&](const auto& path) { write_atomically(path, read_file(other_run.checkpoint_path())); }),
            "is of another run; copy the right one back, or");

  // A checkpoint of an earlier version knows nothing of the other files: the model is known by its losses.
  rewrite_tensor(interrupted.checkpoint_path(), "step", /*drop=*/false, [](double value) { return value; });
  CHECK_HAS(complaint("model.safetensors", add_to_bias(0.1)), "is not the model of epoch 1: its loss on train is");
  // What is lost by rounding is no damage.
  const Resumed elsewhere(folder, interrupted, number);
  add_to_bias(1e-5)(elsewhere.run().model_path());
  elsewhere.finish(request);
  CHECK(elsewhere.run().result().epoch == 1);
}

TEST_CASE("a resumed run knows its best epoch and that epoch's score") {
  // At a learning rate of 0 every epoch has the score of the first, which stays the best.
  const Dataset data = unbalanced_corpus();
  TrainingRequest request = request_of(data, small_model(data));
  request.training.optimiser.learning_rate = 0;
  const TemporaryFolder folder;
  const RunFolder interrupted(folder.path(), "interrupted");
  interrupt_after(request, interrupted, 3, 1);
  const auto chosen = [&](int number, const std::string& name, const std::function<double(double)>& change) {
    const Resumed resumed(folder, interrupted, number);
    if (!name.empty()) rewrite_tensor(resumed.run().checkpoint_path(), name, /*drop=*/false, change);
    resumed.finish(request);
    CHECK(resumed.run().metrics().size() == 4);
    return resumed.run().result().epoch;
  };
  CHECK(chosen(0, "", nullptr) == 1);
  CHECK(chosen(1, "best_epoch", [](double value) { return value + 1; }) == 2);
  CHECK(chosen(2, "best_score", [](double value) { return value - 0.01; }) == 3);
}

namespace {

struct Crash {};

/// Trains until the batch, then dies without a checkpoint: the last one is that of an epoch's end.
void crash_after(const TrainingRequest& request, const RunFolder& folder, int32_t epoch, int32_t batch) {
  RunWriter writer(folder);
  Watcher watcher([=](int32_t e, int32_t b) {
    if (e == epoch && b == batch) throw Crash();
    return false;
  });
  CHECK_THROWS_AS(train(open_cpu(1), request, writer, watcher), Crash);
}

}  // namespace

TEST_CASE("a run that dies goes on from the end of the last epoch, and knows the best one") {
  const Dataset data = unbalanced_corpus();
  const Targets targets = random_targets(data, 4);
  TrainingRequest still = request_of(data, small_model(data)), falling = adversary_of(data, targets);
  still.training.optimiser.learning_rate = 0;  // the first epoch stays the best
  TrainingRequest up_and_down = falling;
  up_and_down.training.optimiser.learning_rate = 0;  // losses that differ by their batches
  for (const TrainingRequest& request : {still, falling, up_and_down}) {
    const TemporaryFolder folder;
    const RunFolder whole(folder.path(), "whole");
    train_to_the_end(request, whole);
    const Left expected = left_by(whole);
    for (int32_t epoch = 1; epoch <= request.training.epochs; ++epoch) {
      CAPTURE(epoch);
      const RunFolder parts(folder.path(), fmt::format("parts{}", epoch));
      crash_after(request, parts, epoch, 2);
      CHECK(parts.state() == (epoch == 1 ? RunState::unfinished : RunState::resumable));
      train_to_the_end(request, parts);
      CHECK(left_by(parts) == expected);
    }
  }
}

TEST_CASE("a run that is not asked to resume begins anew") {
  const Dataset data = unbalanced_corpus();
  TrainingRequest request = request_of(data, small_model(data));
  const TemporaryFolder folder;
  const RunFolder whole(folder.path(), "whole"), again(folder.path(), "again");
  train_to_the_end(request, whole);
  interrupt_after(request, again, 3, 2);
  request.resume = false;
  RunWriter writer(again);
  int batches = 0;
  Watcher watcher([&](int32_t, int32_t) {
    ++batches;
    return false;
  });
  train(open_cpu(1), request, writer, watcher);
  CHECK(batches == request.training.epochs * kBatches);
  CHECK(left_by(again) == left_by(whole));
}

TEST_CASE("a run that is interrupted after any batch ends as if it had not been, metrics.csv included") {
  const Dataset data = unbalanced_corpus();
  const Targets targets = random_targets(data, 4);
  for (const bool adversary : {false, true}) {
    const TrainingRequest request = adversary ? adversary_of(data, targets) : request_of(data, small_model(data));
    const TemporaryFolder folder;
    const RunFolder whole(folder.path(), "whole");
    train_to_the_end(request, whole);
    const Left expected = left_by(whole);
    for (int32_t epoch = 1; epoch <= 4; ++epoch) {
      for (const int32_t batch : {2, kBatches}) {
        CAPTURE(epoch);
        CAPTURE(batch);
        const RunFolder parts(folder.path(), fmt::format("parts{}-{}", epoch, batch));
        interrupt_after(request, parts, epoch, batch);
        train_to_the_end(request, parts);
        CHECK(left_by(parts) == expected);
      }
    }
  }
}

namespace {

/// Stands in the place of a file, so that writing it fails, until it is lifted.
class Obstacle {
 public:
  explicit Obstacle(std::filesystem::path file) : file_(std::move(file)) {
    if (std::filesystem::exists(file_)) std::filesystem::rename(file_, saved());
    std::filesystem::create_directories(file_ / "in the way");
  }
  void lift() const {
    std::filesystem::remove_all(file_);
    if (std::filesystem::exists(saved())) std::filesystem::rename(saved(), file_);
  }

 private:
  std::filesystem::path saved() const { return file_.string() + ".saved"; }
  std::filesystem::path file_;
};

/// Trains with the file blocked from the last batch of `epoch` on, which must fail.
void fail_at(const TrainingRequest& request, const RunFolder& run, const std::filesystem::path& file, int32_t epoch) {
  std::optional<Obstacle> obstacle;
  {
    RunWriter writer(run);
    Watcher watcher([&](int32_t e, int32_t b) {
      if (e == epoch && b == kBatches) obstacle.emplace(file);
      return false;
    });
    CHECK_HAS(input_error([&] { train(open_cpu(1), request, writer, watcher); }), file.string());
  }
  REQUIRE(obstacle);
  if (file != run.result_path()) CHECK(run.state() != RunState::finished);
  obstacle->lift();
  CHECK(run.state() != RunState::finished);
}

/// Fails there; then trains to the end.
void check_survives(const TrainingRequest& request, const RunFolder& run, const std::filesystem::path& file,
                    int32_t epoch, const Left& expected) {
  CAPTURE(file);
  CAPTURE(epoch);
  fail_at(request, run, file, epoch);
  train_to_the_end(request, run);
  CHECK(left_by(run) == expected);
}

}  // namespace

TEST_CASE("a write that fails anywhere leaves a run that goes on to the same end") {
  const Dataset data = unbalanced_corpus();
  const Targets targets = random_targets(data, 4);
  const TrainingRequest request = adversary_of(data, targets);
  const TemporaryFolder folder;
  const RunFolder whole(folder.path(), "whole");
  train_to_the_end(request, whole);
  const std::vector<EpochMetrics> metrics = whole.metrics();
  for (size_t e = 1; e < metrics.size(); ++e) REQUIRE(metrics[e].loss.train < metrics[e - 1].loss.train);  // all write
  const Left expected = left_by(whole);
  int number = 0;
  for (int32_t epoch = 1; epoch <= request.training.epochs; ++epoch) {
    const RunFolder a(folder.path(), fmt::format("{}", ++number)), b(folder.path(), fmt::format("{}", ++number)),
        c(folder.path(), fmt::format("{}", ++number));
    check_survives(request, a, a.model_path(), epoch, expected);
    check_survives(request, b, b.metrics_path(), epoch, expected);
    check_survives(request, c, c.checkpoint_path(), epoch, expected);
  }
  std::vector<std::function<std::filesystem::path(const RunFolder&)>> at_the_end = {
      [](const RunFolder& run) { return run.predictions_path(); },
      [](const RunFolder& run) { return run.result_path(); }};
  for (const SplitName name : kSplitNames)
    at_the_end.emplace_back([name](const RunFolder& run) { return run.attention_path(name); });
  for (const auto& file : at_the_end) {
    const RunFolder run(folder.path(), fmt::format("{}", ++number));
    check_survives(request, run, file(run), request.training.epochs, expected);
  }
}

TEST_CASE("the model is of the epoch that the checkpoint calls the best, though a later one was") {
  const Dataset data = unbalanced_corpus();
  const Targets targets = random_targets(data, 4);
  const TrainingRequest request = adversary_of(data, targets);  // every epoch is the best so far
  const TemporaryFolder folder;
  const RunFolder first(folder.path(), "first"), second(folder.path(), "second");
  crash_after(request, first, 2, 1);
  const std::string model = read_file(first.model_path());
  fail_at(request, second, second.checkpoint_path(), 2);
  CHECK((read_file(second.model_path()) == model));
  // On another device the run may go on with other scores; here none is better than the first epoch's.
  rewrite_tensor(second.checkpoint_path(), "best_score", /*drop=*/false, [](double) { return 1e9; });
  train_to_the_end(request, second);
  CHECK(second.result().epoch == 1);
  CHECK((read_file(second.model_path()) == model));
}

}  // namespace notnot
