#include "engine/runs/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>
#include <system_error>
#include <utility>

#include "engine/io/checksum.h"
#include "engine/io/files.h"
#include "engine/io/input_error.h"
#include "engine/io/safetensors.h"
#include "engine/io/version.h"
#include "kernels/base/error.h"

namespace notnot {
namespace {

using Json = nlohmann::json;

// --- metrics.csv and result.json: one list of names for writing and reading
// ---------------------------------------------

std::array<std::pair<const char*, double*>, 4> measures(Classification& scores) {
  return {{{"f1", &scores.f1},
           {"roc_auc", &scores.roc_auc},
           {"accuracy", &scores.accuracy},
           {"average_precision", &scores.average_precision}}};
}

/// Every column after `epoch`.
std::vector<std::pair<std::string, double*>> columns(EpochMetrics& row) {
  std::vector<std::pair<std::string, double*>> result;
  for (const SplitName split : kSplitNames) {
    const auto index = static_cast<size_t>(split);
    result.emplace_back(fmt::format("{}_loss", to_string(split)), &row.loss[index]);
    for (const auto& [name, value] : measures(row.split[index])) {
      result.emplace_back(fmt::format("{}_{}", to_string(split), name), value);
    }
  }
  result.emplace_back("train_seconds", &row.train_seconds);
  result.emplace_back("eval_seconds", &row.eval_seconds);
  result.emplace_back("tokens_per_second", &row.tokens_per_second);
  return result;
}

std::string csv_header() {
  EpochMetrics any;
  std::string header = "epoch";
  for (const auto& [name, value] : columns(any)) header += "," + name;
  return header;
}

template <class T>
bool parse_number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

/// The text before the next `separator`, which is taken off `rest` with it.
std::string_view take(std::string_view& rest, char separator) {
  const size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view piece = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return piece;
}

bool parse_row(std::string_view line, EpochMetrics& row) {
  if (!parse_number(take(line, ','), row.epoch)) return false;
  const auto fields = columns(row);
  return std::count(line.begin(), line.end(), ',') + 1 == static_cast<int64_t>(fields.size()) &&
         std::all_of(fields.begin(), fields.end(),
                     [&line](const auto& field) { return parse_number(take(line, ','), *field.second); });
}

[[noreturn]] void throw_damaged(const std::filesystem::path& path, const std::string& what) {
  throw InputError(fmt::format("{}: {}; remove the run folder and train again", path.string(), what));
}

Json read_json(const std::filesystem::path& path) {
  try {
    Json json = Json::parse(read_file(path));
    if (!json.is_object()) throw_damaged(path, "not a JSON object");
    return json;
  } catch (const Json::exception& error) {
    throw_damaged(path, error.what());
  }
}

std::string to_text(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

// --- attention
// ----------------------------------------------------------------------------------------------------------

constexpr float kNothing = -std::numeric_limits<float>::infinity();  // the log of a weight of 0
// Rounding leaves 1e-6 at most on texts of thousands of tokens.
constexpr double kSumTolerance = 1e-3;

struct AttentionView {
  std::span<const float> log_attention;
  std::span<const int64_t> offsets;
  std::span<const float> probability;
  std::span<const int32_t> label;
  std::span<const int64_t> row;
};

/// What is wrong with text i, whose offsets are known to fit; empty when nothing is.
std::string fault_of_text(const AttentionView& view, size_t i) {
  const auto weights = view.log_attention.subspan(static_cast<size_t>(view.offsets[i]),
                                                  static_cast<size_t>(view.offsets[i + 1] - view.offsets[i]));
  if (view.label[i] != 0 && view.label[i] != 1) return fmt::format("its label is {}", view.label[i]);
  if (!(view.probability[i] >= 0 && view.probability[i] <= 1))
    return fmt::format("its probability is {}", view.probability[i]);
  if (weights.front() != kNothing || weights.back() != kNothing) return "a boundary token has attention";
  double sum = 0;
  for (const float weight : weights) sum += std::exp(static_cast<double>(weight));
  if (weights.size() > 2 && !(std::fabs(sum - 1) <= kSumTolerance)) return fmt::format("its attention sums to {}", sum);
  return "";
}

/// What is wrong with the whole; empty when nothing is.
std::string fault(const AttentionView& view) {
  const size_t size = view.label.size();
  if (view.offsets.size() != size + 1 || view.probability.size() != size || view.row.size() != size) {
    return fmt::format("{} labels, {} offsets, {} probabilities and {} rows do not belong together", size,
                       view.offsets.size(), view.probability.size(), view.row.size());
  }
  if (view.offsets.front() != 0 || view.offsets.back() != static_cast<int64_t>(view.log_attention.size())) {
    return fmt::format("offsets from {} to {} do not span {} weights", view.offsets.front(), view.offsets.back(),
                       view.log_attention.size());
  }
  for (size_t i = 0; i < size; ++i) {
    // Each at least 2 above the one before, and the last is the size: so all lie inside.
    if (view.offsets[i] > view.offsets.back() - 2 || view.offsets[i + 1] < view.offsets[i] + 2) {
      return fmt::format("text {} has offsets {} and {}", i, view.offsets[i], view.offsets[i + 1]);
    }
  }
  for (size_t i = 0; i < size; ++i) {
    const std::string what = fault_of_text(view, i);
    if (!what.empty()) return fmt::format("text {} (row {}): {}", i, view.row[i], what);
  }
  return "";
}

void check_attention(const Split& texts, std::span<const float> log_attention, std::span<const float> probability) {
  const std::string what = fault({log_attention, texts.offsets, probability, texts.labels, texts.rows});
  NOTNOT_CHECK(what.empty(), "{}", what);
}

/// What is wrong with a measure of every text; empty when nothing is.
std::string fault_of_measure(const char* name, std::span<const float> values, size_t size, double largest) {
  if (values.size() != size) return fmt::format("{} values of {} for {} texts", values.size(), name, size);
  const auto wrong =
      std::find_if(values.begin(), values.end(), [largest](float value) { return !(value >= 0 && value <= largest); });
  if (wrong == values.end()) return "";
  return fmt::format("text {}: its {} is {}, not from 0 to {:.3g}", wrong - values.begin(), name, *wrong, largest);
}

std::string fault(const Perturbations& p) {
  std::string what = fault({p.adversary_log_attention, p.offsets, p.adversary_probability, p.label, p.row});
  const size_t size = p.label.size();
  if (what.empty()) what = fault_of_measure("permutation_change", p.permutation_change, size, 1);
  if (what.empty()) what = fault_of_measure("adversary_jsd", p.adversary_jsd, size, std::numbers::ln2_v<float>);
  if (what.empty()) what = fault_of_measure("adversary_tvd", p.adversary_tvd, size, 0.5);
  return what;
}

/// One line of predictions.jsonl. Numbers by fmt: nlohmann::json would write a float's double value with 17 digits.
std::string prediction_line(const Vocabulary& vocabulary, const Split& texts, size_t i,
                            std::span<const float> log_attention, float probability) {
  std::string tokens, weights;
  for (auto at = static_cast<size_t>(texts.offsets[i]) + 1; at + 1 < static_cast<size_t>(texts.offsets[i + 1]); ++at) {
    const char* comma = tokens.empty() ? "" : ", ";
    const Json word = vocabulary.word(texts.token_ids[at]);
    tokens += comma + word.dump(-1, ' ', false, Json::error_handler_t::replace);
    weights += fmt::format("{}{:.9g}", comma, std::exp(static_cast<double>(log_attention[at])));
  }
  return fmt::format("{{\"id\": {}, \"label\": {}, \"probability\": {:.9g}, \"tokens\": [{}], \"attention\": [{}]}}\n",
                     texts.rows[i], texts.labels[i], probability, tokens, weights);
}

// --- the lock
// -----------------------------------------------------------------------------------------------------------

int open_lock(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const int fd = error ? -1 : ::open((folder / ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) {
    const std::string reason = error ? error.message() : std::generic_category().message(errno);
    throw InputError(fmt::format("cannot write to the run folder {}: {}; choose another folder with --runs",
                                 folder.string(), reason));
  }
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    if (reason == EWOULDBLOCK) {
      ::close(fd);
      throw InputError(
          fmt::format("another process trains in {}; wait for it, or give another --runs folder", folder.string()));
    }
    // Some cluster file systems have no locks. Refusing to train there would be worse than trusting the user.
    fmt::print(stderr, "warning: {} cannot be locked ({}); make sure that nobody else trains in it\n", folder.string(),
               std::generic_category().message(reason));
  }
  return fd;
}

void collect_differences(const Json& a, const Json& b, const std::string& key, std::vector<std::string>& result) {
  if (!a.is_object() || !b.is_object()) {
    if (a != b) result.push_back(key);
    return;
  }
  Json names = a;
  names.update(b);
  for (const auto& [name, unused] : names.items()) {
    const std::string inner = key.empty() ? name : fmt::format("{}.{}", key, name);
    if (a.contains(name) && b.contains(name)) {
      collect_differences(a[name], b[name], inner, result);
    } else {
      result.push_back(inner);
    }
  }
}

/// As it would be read back: NaN becomes null, a float becomes a double.
Json choices_of(const Json& config) {
  Json choices = Json::parse(to_text(config));
  choices.erase("version");
  choices.erase("commit");
  return choices;
}

}  // namespace

// --- reading
// ------------------------------------------------------------------------------------------------------------

RunFolder::RunFolder(const std::filesystem::path& runs, const std::string& name) : path_(runs / name) {
  const std::filesystem::path inside = name;
  if (name.empty() || inside.is_absolute() || std::find(inside.begin(), inside.end(), "..") != inside.end()) {
    throw InputError(fmt::format("`{}` is no name for a run; give one such as `sst` or `seeds/3`", name));
  }
}

std::filesystem::path RunFolder::attention_path(SplitName split) const {
  return path_ / fmt::format("attention_{}.safetensors", to_string(split));
}

RunState RunFolder::state() const {
  const auto exists = [](const std::filesystem::path& file) {
    std::error_code ignored;
    return std::filesystem::exists(file, ignored);
  };
  if (!exists(config_path())) return RunState::absent;
  if (exists(result_path())) return RunState::finished;
  return exists(checkpoint_path()) ? RunState::resumable : RunState::unfinished;
}

Json RunFolder::config() const { return read_json(config_path()); }

std::optional<std::string> RunFolder::failure() const {
  std::error_code ignored;
  if (!std::filesystem::exists(failure_path(), ignored)) return std::nullopt;
  return read_json(failure_path()).value("reason", std::string("no reason given"));
}

std::vector<EpochMetrics> RunFolder::metrics() const {
  const std::string content = read_file(metrics_path());
  std::string_view rest = content;
  if (take(rest, '\n') != csv_header())
    throw_damaged(metrics_path(), "line 1 does not name the columns that are expected");
  std::vector<EpochMetrics> rows;
  while (!rest.empty()) {
    EpochMetrics row;
    const size_t line = rows.size() + 2;
    if (!parse_row(take(rest, '\n'), row))
      throw_damaged(metrics_path(), fmt::format("line {} is not a row of numbers", line));
    rows.push_back(row);
  }
  return rows;
}

RunResult RunFolder::result() const {
  const Json json = read_json(result_path());
  try {
    RunResult result;
    json.at("epoch").get_to(result.epoch);
    json.at("selected_on").get_to(result.selected_on);
    for (const SplitName split : kSplitNames) {
      const Json& scores = json.at(std::string(to_string(split)));
      for (const auto& [name, value] : measures(result.split[static_cast<size_t>(split)])) {
        const Json& number = scores.at(name);
        *value = number.is_null() ? std::numeric_limits<double>::quiet_NaN() : number.get<double>();
      }
    }
    return result;
  } catch (const Json::exception& error) {
    throw_damaged(result_path(), error.what());
  }
}

std::string RunFolder::attention_checksum() const {
  Sha256 sum;
  for (const SplitName split : kSplitNames) sum.update(sha256_of_file(attention_path(split)));
  return sum.hex();
}

Attention RunFolder::attention(SplitName split) const {
  const Safetensors file = Safetensors::read(attention_path(split));
  Attention result;
  result.log_attention = file.values<float>("log_attention");
  result.offsets = file.values<int64_t>("offsets");
  result.probability = file.values<float>("probability");
  result.label = file.values<int32_t>("label");
  result.row = file.values<int64_t>("row");
  const std::string what = fault({result.log_attention, result.offsets, result.probability, result.label, result.row});
  if (!what.empty()) throw_damaged(attention_path(split), what);
  return result;
}

Perturbations RunFolder::perturbations() const {
  const Safetensors file = Safetensors::read(perturbation_path());
  Perturbations result;
  result.permutation_change = file.values<float>("permutation_change");
  result.adversary_jsd = file.values<float>("adversary_jsd");
  result.adversary_tvd = file.values<float>("adversary_tvd");
  result.adversary_probability = file.values<float>("adversary_probability");
  result.adversary_log_attention = file.values<float>("adversary_log_attention");
  result.offsets = file.values<int64_t>("offsets");
  result.label = file.values<int32_t>("label");
  result.row = file.values<int64_t>("row");
  const std::string what = fault(result);
  if (!what.empty()) throw_damaged(perturbation_path(), what);
  return result;
}

std::vector<std::string> differing_choices(const Json& existing, const Json& requested) {
  std::vector<std::string> result;
  collect_differences(choices_of(existing), choices_of(requested), "", result);
  return result;
}

// --- writing
// ------------------------------------------------------------------------------------------------------------

RunWriter::RunWriter(const RunFolder& folder) : folder_(folder), lock_(open_lock(folder.path())) {
  remove_temporary_files(folder.path());
  std::error_code ignored;  // where it stays, the run's end says so
  std::filesystem::remove(folder.failure_path(), ignored);
}

RunWriter::~RunWriter() {
  if (lock_ >= 0) ::close(lock_);
}

RunWriter::RunWriter(RunWriter&& other) noexcept
    : folder_(std::move(other.folder_)), lock_(std::exchange(other.lock_, -1)) {}

void RunWriter::start(Json config) {
  // config.json goes first: a folder without it counts as absent, whatever else a crash leaves in it.
  std::vector<std::filesystem::path> stale = {
      folder_.config_path(), folder_.result_path(),     folder_.metrics_path(),     folder_.checkpoint_path(),
      folder_.model_path(),  folder_.vocabulary_path(), folder_.predictions_path(), folder_.perturbation_path()};
  for (const SplitName split : kSplitNames) stale.push_back(folder_.attention_path(split));
  for (const auto& file : stale) {
    std::error_code error;
    std::filesystem::remove(file, error);
    if (error) {
      throw InputError(fmt::format("cannot remove {} of an earlier run: {}; remove it yourself, or choose another name",
                                   file.string(), error.message()));
    }
  }
  config["version"] = version();
  config["commit"] = commit();
  write_atomically(folder_.config_path(), to_text(config));
}

void RunWriter::write_vocabulary(const Vocabulary& vocabulary) {
  write_atomically(folder_.vocabulary_path(), vocabulary.serialize());
}

void RunWriter::write_metrics(std::span<const EpochMetrics> epochs) {
  std::string content = csv_header() + "\n";
  for (EpochMetrics row : epochs) {
    content += fmt::format("{}", row.epoch);
    for (const auto& [name, value] : columns(row)) content += fmt::format(",{:.9g}", *value);
    content += "\n";
  }
  write_atomically(folder_.metrics_path(), content);
}

void RunWriter::write_attention(SplitName split, const Split& texts, std::span<const float> log_attention,
                                std::span<const float> probability) {
  check_attention(texts, log_attention, probability);
  const auto tokens = static_cast<int64_t>(log_attention.size());
  const int64_t size = texts.size();
  write_safetensors(folder_.attention_path(split), {{"log_attention", DType::f32, {tokens}, log_attention.data()},
                                                    {"offsets", DType::i64, {size + 1}, texts.offsets.data()},
                                                    {"probability", DType::f32, {size}, probability.data()},
                                                    {"label", DType::i32, {size}, texts.labels.data()},
                                                    {"row", DType::i64, {size}, texts.rows.data()}});
}

void RunWriter::write_perturbations(const Perturbations& p) {
  const std::string what = fault(p);
  NOTNOT_CHECK(what.empty(), "{}", what);
  const int64_t size = p.size();
  write_safetensors(folder_.perturbation_path(),
                    {{"permutation_change", DType::f32, {size}, p.permutation_change.data()},
                     {"adversary_jsd", DType::f32, {size}, p.adversary_jsd.data()},
                     {"adversary_tvd", DType::f32, {size}, p.adversary_tvd.data()},
                     {"adversary_probability", DType::f32, {size}, p.adversary_probability.data()},
                     {"adversary_log_attention",
                      DType::f32,
                      {static_cast<int64_t>(p.adversary_log_attention.size())},
                      p.adversary_log_attention.data()},
                     {"offsets", DType::i64, {size + 1}, p.offsets.data()},
                     {"label", DType::i32, {size}, p.label.data()},
                     {"row", DType::i64, {size}, p.row.data()}});
}

void RunWriter::write_predictions(const Vocabulary& vocabulary, const Split& texts,
                                  std::span<const float> log_attention, std::span<const float> probability) {
  check_attention(texts, log_attention, probability);
  write_atomically(folder_.predictions_path(), [&](const Sink& sink) {
    for (size_t i = 0; i < probability.size(); ++i) {
      sink(prediction_line(vocabulary, texts, i, log_attention, probability[i]));
    }
  });
}

void RunWriter::finish(const RunResult& result) {
  Json json = {{"epoch", result.epoch}, {"selected_on", result.selected_on}};
  for (const SplitName split : kSplitNames) {
    Classification scores = result.split[static_cast<size_t>(split)];
    for (const auto& [name, value] : measures(scores)) json[std::string(to_string(split))][name] = *value;
  }
  finish(json);
}

void RunWriter::finish(const Json& result) { write_atomically(folder_.result_path(), to_text(result)); }

void RunWriter::remove_checkpoint() {
  std::error_code ignored;  // it only takes room
  std::filesystem::remove(folder_.checkpoint_path(), ignored);
}

void RunWriter::fail(const std::string& reason, Json config) {
  try {
    if (folder_.state() == RunState::absent) start(std::move(config));
  } catch (const InputError&) {
    // That it cannot start may be the reason.
  }
  write_atomically(folder_.failure_path(), to_text({{"reason", reason}}));
}

}  // namespace notnot
