// The order in which a file has its texts changes no result.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "engine/data/stratified_split.h"
#include "engine/io/files.h"
#include "models/perturbation.h"
#include "tests/models/small_training.h"
#include "tests/support/temporary_folder.h"

namespace notnot {
namespace {

using Texts = std::vector<LabelledText>;

/// The texts in other orders of their file, with the rows that they have there.
std::map<std::string, Texts> orders_of(const Texts& texts) {
  std::map<std::string, Texts> orders = {
      {"as it is", texts}, {"by label", texts}, {"reversed", texts}, {"shuffled", texts}};
  std::stable_sort(orders["by label"].begin(), orders["by label"].end(),
                   [](const LabelledText& a, const LabelledText& b) { return a.label < b.label; });
  std::reverse(orders["reversed"].begin(), orders["reversed"].end());
  std::shuffle(orders["shuffled"].begin(), orders["shuffled"].end(), std::mt19937(5));
  for (auto& [name, ordered] : orders) {
    for (size_t i = 0; i < ordered.size(); ++i) ordered[i].row = static_cast<int64_t>(i) + 1;
  }
  return orders;
}

/// Of a training that ran to its end: the bytes of the model and of the measures, and what the epochs measured.
struct Results {
  std::string vocabulary, model, result;
  std::vector<double> epochs;  ///< -1 for NaN
  bool operator==(const Results&) const = default;
};

/// result.json without the checksums of files: those of attention have the texts in the order of the data.
std::string measures_in(const std::filesystem::path& result) {
  nlohmann::json json = nlohmann::json::parse(read_file(result));
  for (const char* key : {"files", "checksum"}) json.erase(key);
  return json.dump();
}

Results results_of(const Dataset& data, const TrainingRequest& request, const RunFolder& run) {
  train_to_the_end(request, run);
  Results results{.vocabulary = data.vocabulary.serialize(),
                  .model = read_file(run.model_path()),
                  .result = measures_in(run.result_path()),
                  .epochs = {}};
  for (const EpochMetrics& epoch : run.metrics()) {
    for (const SplitName name : kSplitNames) {
      const Classification& c = epoch.split[name];
      for (const double value : {epoch.loss[name], c.f1, c.accuracy, c.roc_auc, c.average_precision})
        results.epochs.push_back(std::isnan(value) ? -1 : value);
    }
  }
  return results;
}

/// Calls `result` with the data set of every order; all results are the first one.
template <class Result>
void check_orders(const Texts& texts, const std::function<Result(const Dataset&, const std::string& order)>& result) {
  const std::map<std::string, Texts> orders = orders_of(texts);
  const auto of = [&](const std::string& name) {
    // Words of one text only are unknown, so that several texts are one to the model.
    return result(make_dataset("small", orders.at(name), {.min_df = 2}), name);
  };
  const Result first = of("as it is");
  for (const char* name : {"by label", "reversed", "shuffled"}) {
    CAPTURE(name);
    CHECK(of(name) == first);
  }
}

/// With texts that stand twice, once of them with the other label.
Texts texts_with_twins() {
  Texts texts = unbalanced_texts();
  for (const size_t i : {3, 9, 30}) texts.push_back(texts[i]);
  texts.back().label = 1 - texts.back().label;
  texts.push_back({"w0 once", 0, SplitName::train});
  texts.push_back({"w0 seldom", 1, SplitName::train});
  return texts;
}

}  // namespace

TEST_CASE("the order of the file changes no bit of a training: vocabulary, model, losses, measures") {
  const TemporaryFolder folder;
  check_orders<Results>(texts_with_twins(), [&](const Dataset& data, const std::string& order) {
    return results_of(data, request_of(data, small_model(data)), RunFolder(folder.path(), order));
  });
}

TEST_CASE("the order of the file changes no measure of a perturbation") {
  using Measures = std::map<std::vector<int32_t>, std::vector<float>>;
  check_orders<Measures>(texts_with_twins(), [](const Dataset& data, const std::string& /*order*/) {
    const Split& split = data.split(SplitName::test);
    AttentionClassifier model(open_cpu(1), small_model(data), prediction_plan(open_cpu(1), split));
    model.allocate();
    model.set_parameters(initial_parameters(model.layout(), 3, {}));
    const Perturbations perturbed =
        perturb_split(model, split, {.seed = 3, .permutations = 7, .adversaries = 2, .steps = 5});
    Measures measures;
    for (int32_t i = 0; i < split.size(); ++i) {
      const auto* ids = split.token_ids.begin();
      measures[{ids + split.offsets[i], ids + split.offsets[i + 1]}] = {perturbed.permutation_change[i],
                                                                        perturbed.adversary_jsd[i]};
    }
    return measures;
  });
}

TEST_CASE("the order of the file does not decide which texts are drawn for dev and test") {
  using Drawn = std::vector<std::pair<std::string, SplitName>>;
  const auto drawn = [](Texts texts) {
    split_stratified(texts, {.dev = 0.2, .test = 0.3, .seed = 4});
    Drawn result;
    for (const LabelledText& text : texts)
      result.emplace_back(fmt::format("{} {}", text.label, text.words), text.split);
    std::sort(result.begin(), result.end());
    return result;
  };
  const std::map<std::string, Texts> orders = orders_of(texts_with_twins());
  for (const auto& [name, texts] : orders) {
    CAPTURE(name);
    CHECK(drawn(texts) == drawn(orders.at("as it is")));
  }
}

}  // namespace notnot
