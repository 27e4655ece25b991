#pragma once
// Run folders for the tests of the report. RunWriter writes them, as in training, but their numbers are made up, and
// each has only a few texts.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/runs/run_writer.h"
#include "experiments/study/run_config.h"
#include "tests/support/temporary_folder.h"

namespace notnot {

/// A text of a test split, and how a model sees it.
struct FakeText {
  std::string words;
  int32_t label;
  float probability;
  std::vector<float> attention;  ///< a weight per word
  int64_t group = 0;             ///< LabelledText::group
};

/// Two texts under a base model. The words of the second one must be escaped in HTML.
inline const std::vector<FakeText> kTexts = {{"good film", 1, 0.9F, {0.75F, 0.25F}},
                                             {"<i>\"bad\"&'film'</i> x", 0, 0.2F, {1, 0}}};

std::vector<FakeText> with_attention(std::vector<FakeText> texts, const std::vector<std::vector<float>>& weights);
std::vector<FakeText> uniform_texts();

/// A spec from those members that a test case gives.
RunSpec spec(RunKind kind, uint64_t seed = 10, double lambda = 0, const std::string& other = "");

/// The choice that makes a run the base model's twin with uniform attention.
inline const nlohmann::json kUniform = {{"attention", "uniform"}};

/// The configuration of a run on SST, with `changes` to its choices; a member `paths` of `changes` changes the paths.
/// Where `changes` name another data set, its reader has that name, too.
nlohmann::json fake_config(nlohmann::json changes);

/// The texts as a split, with a model's attention and probabilities for them.
struct FakeSplit {
  explicit FakeSplit(const std::vector<FakeText>& texts);

  Vocabulary vocabulary;
  Split split;
  std::vector<float> log_attention, probability;
};

/// Writes a finished run and returns its folder. `test` holds the measures of the test split for result.json; they need
/// not fit the texts. The other splits are copies of the test split.
std::filesystem::path fake_run(const TemporaryFolder& folder, const std::string& name,
                               const nlohmann::json& changes = nlohmann::json::object(),
                               const std::vector<FakeText>& texts = kTexts,
                               const Classification& test = {0.8456, 0.7999, 0.86, 0.87});

/// Writes a finished run of the paper's tests, in the folder that run_name gives it.
std::filesystem::path fake_run(const TemporaryFolder& folder, const RunSpec& spec, const std::vector<FakeText>& texts,
                               double f1, nlohmann::json changes = nlohmann::json::object());

/// Writes a finished perturbation run. `texts` hold the attention and the probability of each text's adversary;
/// `change` is, per text, the median change of the prediction under permuted attention. A run of an earlier version has
/// no `exact` adversaries.
std::filesystem::path fake_perturbation(const TemporaryFolder& folder, const RunSpec& spec,
                                        const std::vector<FakeText>& texts, const std::vector<float>& change,
                                        nlohmann::json changes = nlohmann::json::object(),
                                        const ExactAdversaries& exact = {});

/// Writes a finished attribution of the test split, whose scores, of p and of the logit, are the texts' attention. The
/// measure must be one that needs no integrals.
std::filesystem::path fake_attribution(const TemporaryFolder& folder, const RunSpec& spec,
                                       const std::vector<FakeText>& texts,
                                       nlohmann::json changes = nlohmann::json::object());

}  // namespace notnot
