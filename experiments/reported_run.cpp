#include "experiments/reported_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/files.h"
#include "engine/planted_corpus.h"
#include "kernels/error.h"

namespace notnot {
namespace {

using Json = nlohmann::json;

// predictions.jsonl has 9 digits: texts of thousands of tokens keep far within this.
constexpr double kSumTolerance = 1e-3;

/// What is wrong with the text; empty when nothing is.
std::string fault(const TestText& text) {
  if (text.label != 0 && text.label != 1) return fmt::format("label {} is neither 0 nor 1", text.label);
  if (!(text.probability >= 0 && text.probability <= 1)) return fmt::format("probability {}", text.probability);
  if (text.tokens.size() != text.attention.size()) {
    return fmt::format("{} tokens, but {} attention weights", text.tokens.size(), text.attention.size());
  }
  double sum = 0;
  for (const double weight : text.attention) {
    if (!(weight >= 0)) return fmt::format("attention weight {}", weight);
    sum += weight;
  }
  if (!text.attention.empty() && !(std::fabs(sum - 1) <= kSumTolerance))
    return fmt::format("attention sums to {}", sum);
  return "";
}

TestText parse_text(std::string_view line) {
  const Json json = Json::parse(line);
  TestText text;
  json.at("id").get_to(text.id);
  json.at("label").get_to(text.label);
  json.at("probability").get_to(text.probability);
  json.at("tokens").get_to(text.tokens);
  json.at("attention").get_to(text.attention);
  return text;
}

std::vector<TestText> read_predictions(const std::filesystem::path& path) {
  const std::string content = read_file(path);
  std::vector<TestText> texts;
  std::string what;
  for (size_t begin = 0; begin < content.size() && what.empty();) {
    const size_t end = std::min(content.find('\n', begin), content.size());
    try {
      texts.push_back(parse_text(std::string_view(content).substr(begin, end - begin)));
      what = fault(texts.back());
    } catch (const Json::exception& error) {
      what = error.what();
    }
    if (!what.empty()) {
      const auto line = std::count(content.begin(), content.begin() + static_cast<int64_t>(begin), '\n') + 1;
      throw InputError(
          fmt::format("{}, line {}: {}; remove the run folder and train again", path.string(), line, what));
    }
    begin = end + 1;
  }
  if (texts.empty()) throw InputError(fmt::format("{} is empty; remove the run folder and train again", path.string()));
  return texts;
}

PaperModel model_of(const Json& choices) {
  const bool tokens = choices.at("encoder").get<std::string>() == "tokens";
  const bool uniform = choices.at("attention").get<std::string>() == "uniform";
  if (tokens) return uniform ? PaperModel::uniform_mlp : PaperModel::trained_mlp;
  return uniform ? PaperModel::uniform : PaperModel::base;
}

void read_config(const Json& config, ReportedRun& run) {
  const Json& choices = config.at("choices");
  run.model = model_of(choices);
  choices.at("dataset").get_to(run.dataset);
  choices.at("data").get_to(run.data);
  run.synthetic = choices.value("synthetic", false);
  choices.at("seed").get_to(run.seed);
  choices.at("epochs").get_to(run.epochs);
  choices.at("hidden").get_to(run.hidden);
  choices.at("embed").get_to(run.embed);
  choices.at("vectors").get_to(run.vectors);
  choices.at("init").get_to(run.init);
  const Json& data = config.at("data");
  data.at("vocabulary").get_to(run.vocabulary);
  data.at("words_with_vectors").get_to(run.words_with_vectors);
  for (const SplitName split : kSplitNames) {
    const Json& sizes = data.at("splits").at(std::string(to_string(split)));
    run.texts[static_cast<size_t>(split)] = {sizes.at("negative").get<int64_t>(), sizes.at("positive").get<int64_t>()};
  }
  config.at("device").get_to(run.device);
  config.at("version").get_to(run.version);
  config.at("commit").get_to(run.commit);
}

ReportedRun load_run(const std::filesystem::path& path) {
  const RunFolder folder(path);
  switch (folder.state()) {
    case RunState::absent:
      throw InputError(
          fmt::format("{} is no run folder (it has no config.json); give a folder that `notnot train` "
                      "wrote, e.g. runs/sst-lstm-learned-seed10",
                      path.string()));
    case RunState::unfinished:
      throw InputError(fmt::format("{} is an unfinished run; train it again", path.string()));
    case RunState::resumable:
      throw InputError(fmt::format("{} is an unfinished run; finish it with `notnot train --resume`", path.string()));
    case RunState::finished:
      break;
  }
  ReportedRun run;
  run.path = path;
  try {
    read_config(folder.config(), run);
  } catch (const Json::exception& error) {
    throw InputError(
        fmt::format("{} is not the configuration of a training ({}); give a folder that `notnot train` wrote",
                    folder.config_path().string(), error.what()));
  }
  run.result = folder.result();
  for (const EpochMetrics& epoch : folder.metrics()) run.train_seconds += epoch.train_seconds;
  run.test = read_predictions(folder.predictions_path());
  return run;
}

bool same_text(const TestText& a, const TestText& b) {
  return a.id == b.id && a.label == b.label && a.tokens == b.tokens;
}

void check_same_data(const ReportedRun& a, const ReportedRun& b) {
  if (a.dataset != b.dataset) {
    throw InputError(fmt::format("{} is on the data set {}, {} on {}; write a report for each data set",
                                 a.path.string(), a.dataset, b.path.string(), b.dataset));
  }
  if (!std::equal(a.test.begin(), a.test.end(), b.test.begin(), b.test.end(), same_text)) {
    throw InputError(
        fmt::format("{} and {} were not tested on the same texts, though both are on {}; report runs "
                    "together that share data, --min-df, --min-length and --max-length",
                    a.path.string(), b.path.string(), a.dataset));
  }
}

/// The shortest kind of label that tells all the runs apart.
void label_runs(std::vector<ReportedRun>& runs) {
  const std::vector<std::function<std::string(const ReportedRun&)>> kinds = {
      [](const ReportedRun& run) { return std::string(to_string(run.model)); },
      [](const ReportedRun& run) { return fmt::format("{}, seed {}", to_string(run.model), run.seed); },
      [](const ReportedRun& run) { return fmt::format("{}, {}", to_string(run.model), run.path.string()); }};
  for (const auto& kind : kinds) {
    std::set<std::string> labels;
    for (ReportedRun& run : runs) labels.insert(run.label = kind(run));
    if (labels.size() == runs.size()) return;
  }
}

}  // namespace

std::vector<ReportedRun> load_runs(const std::vector<std::filesystem::path>& folders) {
  if (folders.empty()) throw InputError("a report needs at least one run folder; give one that `notnot train` wrote");
  std::vector<ReportedRun> runs;
  std::set<std::filesystem::path> seen;
  for (const auto& folder : folders) {
    if (!seen.insert(std::filesystem::weakly_canonical(folder)).second) {
      throw InputError(fmt::format("{} is given twice; give each run once", folder.string()));
    }
    runs.push_back(load_run(folder));
    check_same_data(runs.front(), runs.back());
  }
  label_runs(runs);
  return runs;
}

double evidence_mass(const TestText& text) {
  double mass = 0;
  for (size_t i = 0; i < text.tokens.size(); ++i) {
    if (is_planted_evidence(text.tokens[i])) mass += text.attention[i];
  }
  return mass;
}

}  // namespace notnot
