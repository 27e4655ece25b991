#include "experiments/study/memory.h"

#include <algorithm>
#include <system_error>

#include "models/attribution.h"

namespace notnot {
namespace {

/// " (12 MiB)"; empty where `path` is no file.
std::string size_of_file(const std::string& path) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  return error ? std::string() : fmt::format(" ({:.1f} MiB)", static_cast<double>(bytes) / (1 << 20));
}

ModelCapacity attribution_plan(const Inputs& inputs, const RunSpec& spec, const Device& device) {
  ModelCapacity plan;
  for (const SplitName name : spec.splits) {
    plan.evaluation = larger(plan.evaluation, prediction_plan(device, inputs.corpus.dataset.split(name)).evaluation);
  }
  return plan;
}

}  // namespace

int64_t longest_text(const Split& split) {
  int64_t longest = 0;
  for (int32_t i = 0; i < split.size(); ++i) longest = std::max<int64_t>(longest, split.length(i) - 2);
  return longest;
}

MemoryNeed memory_need(const Inputs& inputs, const RunSpec& spec, const Device& device) {
  const TrainingOptions training = inputs.training(spec);
  const Dataset& data = inputs.corpus.dataset;
  const bool attributes = spec.kind == RunKind::attribution;
  const ModelCapacity plan =
      attributes ? attribution_plan(inputs, spec, device) : training_plan(device, data, training);
  AttentionClassifier model(device, inputs.model(spec), plan, training.optimiser);
  int64_t beside = 0;  // of one split after the other
  for (const SplitName name : attributes ? spec.splits : std::vector<SplitName>{}) {
    beside = std::max(beside, total_bytes(attribution_memory(model, data.split(name), spec.measure)));
  }
  return {.device_bytes = total_bytes(model.memory_table()) + beside,
          .host_bytes = total_bytes(host_memory(model.layout()))};
}

std::string describe_memory(const Inputs& inputs, const RunSpec& spec, const Device& device) {
  const MemoryNeed need = memory_need(inputs, spec, device);
  int64_t longest = 0;
  for (const SplitName name : kSplitNames) {
    longest = std::max(longest, longest_text(inputs.corpus.dataset.split(name)));
  }
  const size_t members = group_of(spec).size();
  return fmt::format(
      "{} takes {} MiB, and copies of its parameters {} MiB beside the texts and the word vectors; "
      "give a smaller --hidden or --batch, train fewer models at once (--fleet, --threads), or leave out the longest "
      "texts (--max-length; one has {} words)",
      members == 1 ? "a model of this run" : fmt::format("each of the {} models side by side", members),
      need.device_bytes >> 20, need.host_bytes >> 20, longest);
}

Inputs load_inputs_into_memory(const Settings& settings) {
  const auto explain = [&settings] {
    const std::string& texts = settings.corpus.dataset;
    const std::string vectors =
        settings.vectors.empty() ? "" : fmt::format(" and {}{}", settings.vectors, size_of_file(settings.vectors));
    return fmt::format(
        "{}{}{} cannot be read into the memory that there is; give fewer texts, or allow more memory (ulimit -v)",
        texts, size_of_file(texts), vectors);
  };
  return explain_out_of_memory(explain, [&settings] { return load_inputs(settings); });
}

}  // namespace notnot
