#include "models/checkpoint.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "engine/io/checksum.h"
#include "engine/io/input_error.h"
#include "engine/io/safetensors.h"
#include "engine/runs/run_folder.h"
#include "engine/runs/run_metrics.h"

namespace notnot {
namespace {

[[noreturn]] void damaged(const std::filesystem::path& path, const std::string& what) {
  throw InputError(fmt::format("{}: {}", path.string(), what));
}

/// The one value of a tensor.
template <class T>
T scalar(const Safetensors& file, const std::string& name) {
  const int64_t size = file.entry(name).elements();
  if (size != 1) damaged(file.path(), fmt::format("tensor `{}` has {} values, and needs one", name, size));
  return file.values<T>(name).front();
}

/// Why no training within the bounds can have stood there; empty if one can.
std::string fault_of(const Progress& progress, const TrainingBounds& bounds) {
  const auto is_in = [](auto value, auto least, auto most) { return value >= least && value <= most; };
  const auto& [epoch, batch, best_epoch, score, seconds, loss] = progress;
  if (!is_in(int64_t{epoch}, int64_t{1}, int64_t{bounds.epochs} + 1)) return fmt::format("`epoch` is {}", epoch);
  if (!is_in(int64_t{batch}, int64_t{0}, bounds.batches)) return fmt::format("`batch` is {}", batch);
  // The first epoch is the best one so far, whatever its score.
  if (!is_in(best_epoch, std::min(epoch - 1, 1), epoch - 1)) return fmt::format("`best_epoch` is {}", best_epoch);
  // The score is a ROC-AUC, or minus the loss of an adversary.
  constexpr double kRounding = 1e-6;
  const bool scored = best_epoch == 0    ? score == Progress().best_score
                      : bounds.adversary ? std::isfinite(score)
                                         : is_in(score, 0.0, 1 + kRounding);
  if (!scored) return fmt::format("`best_score` is {}, of epoch {}", score, best_epoch);
  if (!std::isfinite(loss) || (loss < 0 && !bounds.adversary)) return fmt::format("`loss` is {}", loss);
  if (!is_in(seconds, 0.0, kMostSeconds)) return fmt::format("`train_seconds` is {}", seconds);
  return "";
}

std::string fault_of(const OptimiserState& state, const Progress& progress, int64_t batches) {
  // One step per batch, so that what is left of the run finds its steps planned.
  if (state.step < 0 || state.step > (progress.epoch - 1) * batches + progress.batch)
    return fmt::format("`step` is {}, after {} epochs and {} batches", state.step, progress.epoch - 1, progress.batch);
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

using Metadata = std::map<std::string, std::string>;

constexpr const char* kChecksum = "sha256";

void add_parameters(Sha256& sum, const ParameterLayout& layout, const std::vector<float>& values) {
  for (const Parameter& p : layout.parameters()) {
    sum.update({reinterpret_cast<const char*>(values.data() + p.offset), p.size * sizeof(float)});
  }
}

/// What the names of a member's tensors begin with; `k` counts from 0.
std::string prefix_of(size_t k) { return k == 0 ? "" : fmt::format("member{}/", k + 1); }

Metadata to_metadata(const Companions& companions) {
  Metadata metadata;
  for (const auto& [key, value] :
       {std::pair{"choices", &companions.choices}, {"metrics", &companions.metrics}, {"model", &companions.model}}) {
    if (!value->empty()) metadata[key] = *value;
  }
  return metadata;
}

Companions companions_of(const Metadata& metadata, const std::string& prefix) {
  const auto value = [&](const char* key) {
    const auto found = metadata.find(prefix + key);
    return found == metadata.end() ? std::string() : found->second;
  };
  return {.choices = value("choices"), .metrics = value("metrics"), .model = value("model")};
}

std::string checksum_of(const ParameterLayout& layout, const Checkpoint& checkpoint) {
  const auto& [progress, parameters, optimiser, companions] = checkpoint;
  const auto& [epoch, batch, best_epoch, score, seconds, loss] = progress;
  Sha256 sum;
  sum.update(fmt::format("{} {} {} {} {:a} {:a} {:a}", optimiser.step, epoch, batch, best_epoch, score, seconds, loss));
  for (const auto& [key, value] : to_metadata(companions)) sum.update(fmt::format("{} {}\n", key, value));
  for (const auto* values :
       {&parameters, &optimiser.first_moment, &optimiser.second_moment, &optimiser.largest_second_moment}) {
    add_parameters(sum, layout, *values);
  }
  return sum.hex();
}

/// Throws InputError if a value was changed since the file was written. Earlier versions wrote no checksum.
void check_checksum(const Safetensors& file, const ParameterLayout& layout, const Checkpoint& checkpoint,
                    const std::string& prefix) {
  const auto known = file.metadata().find(prefix + kChecksum);
  if (known == file.metadata().end() && prefix.empty()) return;
  if (known != file.metadata().end() && known->second == checksum_of(layout, checkpoint)) return;
  damaged(file.path(), "its values are not those of its checksum");
}

Checkpoint read(const Safetensors& file, const ParameterLayout& layout, const TrainingBounds& bounds,
                const std::string& prefix) {
  const auto values = [&](const char* name) { return load_parameters(layout, file, prefix + name); };
  Checkpoint checkpoint{.progress = {.epoch = scalar<int32_t>(file, prefix + "epoch"),
                                     .batch = scalar<int32_t>(file, prefix + "batch"),
                                     .best_epoch = scalar<int32_t>(file, prefix + "best_epoch"),
                                     .best_score = scalar<double>(file, prefix + "best_score"),
                                     .train_seconds = scalar<double>(file, prefix + "train_seconds"),
                                     .loss = scalar<double>(file, prefix + "loss")},
                        .parameters = values("parameter/"),
                        .optimiser = {scalar<int64_t>(file, prefix + "step"), values("first_moment/"),
                                      values("second_moment/"), values("largest_second_moment/")},
                        .companions = companions_of(file.metadata(), prefix)};
  std::string fault = fault_of(checkpoint.progress, bounds);
  if (fault.empty()) fault = fault_of(checkpoint.optimiser, checkpoint.progress, bounds.batches);
  if (!fault.empty()) damaged(file.path(), fault);
  check_checksum(file, layout, checkpoint, prefix);
  return checkpoint;
}

/// Members train in step: they stand at the same batch.
bool in_step(const Progress& a, const Progress& b) {
  return a.epoch == b.epoch && a.batch == b.batch && a.best_epoch == b.best_epoch && a.best_score == b.best_score;
}

void add_tensors(const ParameterLayout& layout, const Checkpoint& checkpoint, const std::string& prefix,
                 std::vector<TensorView>& tensors) {
  const auto& [progress, parameters, optimiser, companions] = checkpoint;
  const std::vector<TensorView> scalars = {{prefix + "step", DType::i64, {1}, &optimiser.step},
                                           {prefix + "epoch", DType::i32, {1}, &progress.epoch},
                                           {prefix + "batch", DType::i32, {1}, &progress.batch},
                                           {prefix + "best_epoch", DType::i32, {1}, &progress.best_epoch},
                                           {prefix + "best_score", DType::f64, {1}, &progress.best_score},
                                           {prefix + "train_seconds", DType::f64, {1}, &progress.train_seconds},
                                           {prefix + "loss", DType::f64, {1}, &progress.loss}};
  tensors.insert(tensors.end(), scalars.begin(), scalars.end());
  for (const auto& [name, values] : {std::pair{"parameter/", &parameters},
                                     {"first_moment/", &optimiser.first_moment},
                                     {"second_moment/", &optimiser.second_moment},
                                     {"largest_second_moment/", &optimiser.largest_second_moment}}) {
    for (TensorView& view : parameter_views(layout, *values, prefix + name)) tensors.push_back(std::move(view));
  }
}

}  // namespace

std::string checksum_of(const ParameterLayout& layout, const std::vector<float>& values) {
  Sha256 sum;
  add_parameters(sum, layout, values);
  return sum.hex();
}

std::vector<Checkpoint> read_checkpoints(const std::filesystem::path& path, const ParameterLayout& layout,
                                         const TrainingBounds& bounds, int32_t members) {
  try {
    const Safetensors file = Safetensors::read(path);
    std::vector<Checkpoint> checkpoints;
    for (int32_t k = 0; k < members; ++k) {
      checkpoints.push_back(read(file, layout, bounds, prefix_of(k)));
      if (!in_step(checkpoints.front().progress, checkpoints.back().progress)) {
        damaged(path, fmt::format("member {} does not stand where member 1 stands", k + 1));
      }
    }
    return checkpoints;
  } catch (const InputError& error) {
    throw InputError(fmt::format("{}; {}", error.what(), kTrainAgain));
  }
}

void write_checkpoints(const std::filesystem::path& path, const ParameterLayout& layout,
                       const std::vector<Checkpoint>& members) {
  std::vector<TensorView> tensors;
  Metadata metadata;
  for (size_t k = 0; k < members.size(); ++k) {
    add_tensors(layout, members[k], prefix_of(k), tensors);
    for (const auto& [key, value] : to_metadata(members[k].companions)) metadata[prefix_of(k) + key] = value;
    metadata[prefix_of(k) + kChecksum] = checksum_of(layout, members[k]);
  }
  write_safetensors(path, tensors, metadata);
}

}  // namespace notnot
