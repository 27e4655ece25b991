#include "engine/runs/run_writer.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>
#include <vector>

#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/safetensors.h"
#include "engine/io/version.h"
#include "engine/runs/run_checksums.h"
#include "engine/runs/text_line.h"

namespace notnot {
namespace {

using Json = nlohmann::json;

std::string to_text(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

void check_attention(const Split& texts, std::span<const float> log_attention, std::span<const float> probability) {
  const std::string what = fault({log_attention, texts.offsets, probability, texts.labels, texts.rows});
  NOTNOT_CHECK(what.empty(), "{}", what);
}

TensorView floats(std::string name, const std::vector<float>& values) {
  return {std::move(name), DType::f32, {static_cast<int64_t>(values.size())}, values.data()};
}

TensorView integers(std::string name, const std::vector<int32_t>& values) {
  return {std::move(name), DType::i32, {static_cast<int64_t>(values.size())}, values.data()};
}

/// Adds ids and groups where the data set has some.
void add_ids_and_groups(const Split& texts, std::vector<TensorView>& tensors) {
  const int64_t size = texts.size();
  if (!texts.ids.empty()) {
    const auto bytes = static_cast<int64_t>(texts.ids.bytes.size());
    tensors.push_back({"id_offsets", DType::i64, {size + 1}, texts.ids.offsets.data()});
    tensors.push_back({"id", DType::u8, {bytes}, texts.ids.bytes.data()});
  }
  if (!texts.groups.empty()) tensors.push_back({"group", DType::i64, {size}, texts.groups.data()});
}

void add_integration(const std::string& name, const Attributions::Integration& of, std::vector<TensorView>& tensors) {
  if (of.nodes.empty()) return;
  tensors.push_back(integers(name + "/nodes", of.nodes));
  tensors.push_back(floats(name + "/error", of.error));
  tensors.push_back(integers(name + "/converged", of.converged));
}

std::string prediction_line(const WordReader& words, const Split& texts, size_t i, std::span<const float> log_attention,
                            float probability) {
  std::vector<double> weights;
  for (int64_t at = texts.offsets[i] + 1; at + 1 < texts.offsets[i + 1]; ++at) {
    weights.push_back(std::exp(double{log_attention[at]}));
  }
  JsonLine line(JsonLine::Form::spaced);
  add_name(line, texts, i);
  line.add("label", texts.labels[i]).add("probability", probability);
  add_words(line, words, i);
  return line.add("attention", weights).line();
}

[[noreturn]] void cannot_write(const std::filesystem::path& folder, const std::system_error& error) {
  const int number = error.code().value();
  const bool lacks_something = number == EMFILE || number == ENFILE || number == ENOMEM;  // in any folder
  throw InputError(fmt::format("cannot write to the run folder {}: {}; {}", folder.string(), error.code().message(),
                               lacks_something ? remedy_of(number) : "choose another folder with --runs"));
}

bool is_link(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_symlink(std::filesystem::symlink_status(path, ignored));
}

/// Throws InputError where something else than a file has the name of a file of the run.
void check_files(const OpenFolder& opened, const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files = RunFolder(opened.path()).files();
  files.push_back(opened.path() / FolderLock::kFile);
  for (const auto& file : files) {
    const std::string what = is_link(file) ? "a link" : other_than_file(file);
    if (what.empty() || what == "nothing") continue;
    throw InputError(
        fmt::format("{}: it is {} and not a file, and nothing is written to such a run folder; put a file in its "
                    "place, or give another --runs folder",
                    (folder / file.filename()).string(), what));
  }
}

OpenFolder open_folder(const std::filesystem::path& folder) {
  if (is_link(folder)) {
    throw InputError(
        fmt::format("{}: it is a link and not a folder, and nothing is written through it; put the folder in its "
                    "place, or give another --runs folder",
                    folder.string()));
  }
  try {
    OpenFolder opened(folder);
    check_files(opened, folder);
    return opened;
  } catch (const std::system_error& error) {
    cannot_write(folder, error);
  }
}

/// Nothing while another process has the lock.
std::optional<FolderLock> try_lock(const OpenFolder& opened, const std::filesystem::path& folder) {
  try {
    return FolderLock::take(opened.path());
  } catch (const std::system_error& error) {
    cannot_write(folder, error);
  }
}

[[noreturn]] void throw_in_use(const std::filesystem::path& folder) {
  throw InputError(
      fmt::format("another process trains in {}; wait for it, or give another --runs folder", folder.string()));
}

FolderLock lock(const OpenFolder& opened, const std::filesystem::path& folder) {
  if (std::optional<FolderLock> lock = try_lock(opened, folder)) return *std::move(lock);
  throw_in_use(folder);
}

}  // namespace

RunWriter::RunWriter(const RunFolder& folder)
    : folder_(folder), open_(open_folder(folder.path())), opened_(open_.path()), lock_(lock(open_, folder.path())) {
  remove_temporary_files(opened_.path());
  std::error_code ignored;  // if the file stays, the end of the run replaces or keeps it
  std::filesystem::remove(opened_.failure_path(), ignored);
}

void RunWriter::check_writable(const RunFolder& folder) { (void)try_lock(open_folder(folder.path()), folder.path()); }

void RunWriter::check_free(const RunFolder& folder) {
  if (FolderLock::is_held(folder.path())) throw_in_use(folder.path());
}

void RunWriter::start(Json config) {
  config["version"] = version();
  config["commit"] = commit();
  sign_config(config);
  // config.json is replaced at the end: without it, what a crash leaves would look like a run that has lost it. Until
  // result.json goes, the earlier run is whole; then it is one that has just begun, as its checkpoint has gone before.
  StagedFile begun(opened_.config_path(), to_text(config));
  std::vector<std::filesystem::path> files = {opened_.checkpoint_path(), opened_.result_path()};
  for (const auto& file : opened_.files()) {
    if (file != opened_.config_path()) files.push_back(file);
  }
  for (const auto& file : files) {
    std::error_code error;
    std::filesystem::remove(file, error);
    if (error) {
      throw InputError(fmt::format("cannot remove {} of an earlier run: {}; remove it yourself, or choose another name",
                                   shown_path(file).string(), error.message()));
    }
  }
  begun.commit();
  choices_ = checksum_of_choices(config);
}

void RunWriter::resume(Json config) {
  sign_config(config);
  write_atomically(opened_.config_path(), to_text(config));
  choices_ = checksum_of_choices(config);
}

void RunWriter::write_vocabulary(const Vocabulary& vocabulary) {
  write_atomically(opened_.vocabulary_path(), vocabulary.serialize());
}

void RunWriter::write_metrics(std::span<const EpochMetrics> epochs) {
  write_atomically(opened_.metrics_path(), to_csv(epochs));
}

void RunWriter::write_attention(SplitName split, const Split& texts, std::span<const float> log_attention,
                                std::span<const float> probability) {
  check_attention(texts, log_attention, probability);
  const int64_t tokens = log_attention.size();
  const int64_t size = texts.size();
  std::vector<TensorView> tensors = {{"log_attention", DType::f32, {tokens}, log_attention.data()},
                                     {"offsets", DType::i64, {size + 1}, texts.offsets.data()},
                                     {"probability", DType::f32, {size}, probability.data()},
                                     {"label", DType::i32, {size}, texts.labels.data()},
                                     {"row", DType::i64, {size}, texts.rows.data()}};
  add_ids_and_groups(texts, tensors);
  write_safetensors(opened_.attention_path(split), tensors);
}

void RunWriter::write_perturbations(const Perturbations& p) {
  const std::string what = fault(p);
  NOTNOT_CHECK(what.empty(), "{}", what);
  const int64_t size = p.size(), tokens = p.adversary_log_attention.size(), epsilons = p.exact.epsilon.size();
  std::vector<TensorView> tensors = {
      {"permutation_change", DType::f32, {size}, p.permutation_change.data()},
      {"adversary_jsd", DType::f32, {size}, p.adversary_jsd.data()},
      {"adversary_tvd", DType::f32, {size}, p.adversary_tvd.data()},
      {"adversary_probability", DType::f32, {size}, p.adversary_probability.data()},
      {"adversary_log_attention", DType::f32, {tokens}, p.adversary_log_attention.data()},
      {"offsets", DType::i64, {size + 1}, p.offsets.data()},
      {"label", DType::i32, {size}, p.label.data()},
      {"row", DType::i64, {size}, p.row.data()}};
  if (!p.exact.empty()) {
    tensors.insert(tensors.end(), {{"exact_epsilon", DType::f64, {epsilons}, p.exact.epsilon.data()},
                                   {"exact_jsd", DType::f32, {epsilons, size}, p.exact.jsd.data()},
                                   {"exact_probability", DType::f32, {epsilons, size}, p.exact.probability.data()},
                                   {"exact_word", DType::i32, {epsilons, size, 2}, p.exact.word.data()},
                                   {"exact_weight", DType::f32, {epsilons, size, 2}, p.exact.weight.data()}});
  }
  write_safetensors(opened_.perturbation_path(), tensors);
}

void RunWriter::write_erasure(SplitName split, const Erasure& e) {
  const std::string what = fault(e);
  NOTNOT_CHECK(what.empty(), "{}", what);
  const int64_t size = e.size(), shares = kErasedShares;
  std::vector<TensorView> tensors = {
      {"comprehensiveness_probability", DType::f32, {size, shares}, e.comprehensiveness_probability.data()},
      {"comprehensiveness_logit", DType::f32, {size, shares}, e.comprehensiveness_logit.data()},
      {"sufficiency_probability", DType::f32, {size, shares}, e.sufficiency_probability.data()},
      {"sufficiency_logit", DType::f32, {size, shares}, e.sufficiency_logit.data()},
      {"flip_size", DType::i32, {size}, e.flip_size.data()},
      {"smallest_flip_size", DType::i32, {size}, e.smallest_flip_size.data()},
      {"offsets", DType::i64, {size + 1}, e.offsets.data()},
      {"label", DType::i32, {size}, e.label.data()},
      {"row", DType::i64, {size}, e.row.data()}};
  if (!e.rationale.empty()) tensors.push_back({"rationale", DType::i32, {e.offsets.back()}, e.rationale.data()});
  write_safetensors(opened_.erasure_path(split), tensors);
}

void RunWriter::write_attributions(SplitName split, const Split& texts, const Attributions& a, Measure measure) {
  const std::string what = fault(a, measure);
  NOTNOT_CHECK(what.empty(), "{}", what);
  NOTNOT_CHECK(std::equal(a.offsets.begin(), a.offsets.end(), texts.offsets.begin(), texts.offsets.end()) &&
                   std::equal(a.row.begin(), a.row.end(), texts.rows.begin(), texts.rows.end()),
               "{} attributions are not those of the {} texts", a.size(), texts.size());
  const int64_t size = a.size();
  std::vector<TensorView> tensors = {floats("score_probability", a.score_probability),
                                     floats("score_logit", a.score_logit),
                                     floats("probability", a.probability),
                                     floats("logit", a.logit),
                                     {"offsets", DType::i64, {size + 1}, a.offsets.data()},
                                     integers("label", a.label),
                                     {"row", DType::i64, {size}, a.row.data()}};
  add_integration("integration_probability", a.integration_probability, tensors);
  add_integration("integration_logit", a.integration_logit, tensors);
  add_ids_and_groups(texts, tensors);
  write_safetensors(opened_.attribution_path(split), tensors);
}

void RunWriter::write_ablation(const Ablation& ablation) {
  const std::string what = fault(ablation);
  NOTNOT_CHECK(what.empty(), "{}", what);
  const int64_t size = ablation.without_evidence.size();
  write_safetensors(opened_.ablation_path(),
                    {{"without_evidence", DType::f32, {size}, ablation.without_evidence.data()},
                     {"without_others", DType::f32, {size}, ablation.without_others.data()}});
}

void RunWriter::write_guide_controls(const GuideControls& controls) {
  const std::string what = fault(controls);
  NOTNOT_CHECK(what.empty(), "{}", what);
  const int64_t size = controls.equal_weights.size();
  write_safetensors(opened_.guide_controls_path(),
                    {{"permuted_weights", DType::f32, {size}, controls.permuted_weights.data()},
                     {"equal_weights", DType::f32, {size}, controls.equal_weights.data()}});
}

void RunWriter::write_predictions(const Vocabulary& vocabulary, const Split& texts,
                                  std::span<const float> log_attention, std::span<const float> probability) {
  check_attention(texts, log_attention, probability);
  const WordReader words(vocabulary, texts);
  write_atomically(opened_.predictions_path(), [&](const Sink& sink) {
    for (size_t i = 0; i < probability.size(); ++i) {
      sink(prediction_line(words, texts, i, log_attention, probability[i]));
    }
  });
}

void RunWriter::finish(const RunResult& result) { finish(to_json(result)); }

void RunWriter::finish(const PerturbationResult& result) { finish(to_json(result)); }

void RunWriter::finish(const AttributionResult& result) { finish(to_json(result)); }

void RunWriter::finish(Json result) {
  sign_result(opened_, choices_, result);
  write_atomically(opened_.result_path(), to_text(result));
}

void RunWriter::remove_checkpoint() {
  std::error_code ignored;  // a checkpoint that stays does no harm
  std::filesystem::remove(opened_.checkpoint_path(), ignored);
}

void RunWriter::fail(const std::string& reason, Json config) {
  try {
    if (opened_.state() == RunState::absent) start(std::move(config));
  } catch (const InputError&) {
    // The reason may be that the run cannot start.
  }
  write_atomically(opened_.failure_path(), to_text({{"reason", reason}}));
}

}  // namespace notnot
