#include "models/erasure.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "engine/io/stop.h"
#include "engine/math/logistic.h"
#include "kernels/erasure_flip.h"
#include "models/training.h"

namespace notnot {
namespace {

/// Copies of texts with some of their words, and what the model says of them.
struct ShortenedTexts {
  Split split;
  std::vector<float> logit;  ///< [size]

  /// The words of `ids` whose place in the order is from `first` to below `last`; `ids` has the boundary tokens, too.
  int32_t add(std::span<const int32_t> ids, std::span<const int32_t> place, int64_t first, int64_t last) {
    split.token_ids.push_back(ids.front());
    for (size_t n = 0; n < place.size(); ++n) {
      if (place[n] >= first && place[n] < last) split.token_ids.push_back(ids[n + 1]);
    }
    split.token_ids.push_back(ids.back());
    split.offsets.push_back(static_cast<int64_t>(split.token_ids.size()));
    split.labels.push_back(0);
    return split.size() - 1;
  }
};

/// Where the logits of a text's copies are.
struct Copies {
  static constexpr int32_t kEmpty = -1, kWhole = -2;  ///< no words are left; all are
  std::array<int32_t, kErasedShares> without, alone;  ///< of the first words of the order: a number in ShortenedTexts
};

/// Erases the words of one batch after another, in device memory that is sized for the largest.
class Eraser {
 public:
  Eraser(AttentionClassifier& model, const Split& split, const Attributions& attributions)
      : model_(model),
        device_(model.device()),
        split_(split),
        attributions_(attributions),
        capacity_(prediction_plan(model.device(), split).evaluation) {
    const int64_t sequences = capacity_.sequences, tokens = capacity_.tokens;
    arena_.add("erasure", "offsets", {sequences + 1}, &offsets_);
    arena_.add("erasure", "contributions", {tokens}, &contributions_);
    arena_.add("erasure", "bias", {1}, &bias_);
    arena_.add("erasure", "log_attention", {tokens}, &log_attention_);
    arena_.add("erasure", "scores", {tokens}, &scores_);
    arena_.add("erasure", "logit", {sequences}, &logit_);
    arena_.add("erasure", "order", {kOrders, tokens}, &order_);
    arena_.add("erasure", "size", {kOrders, sequences}, &size_);
    arena_.add("erasure", "margin", {kOrders, sequences}, &margin_);
    arena_.add("erasure", "terms", {kOrders, tokens}, &terms_);
    arena_.add("erasure", "scratch", {kOrders, tokens}, &scratch_);
    arena_.allocate(device_);
  }

  void erase(const HostBatch& batch, Erasure& result) {
    const auto base = model_.contributions(batch);
    check_finite(batch, base.predictions.logit);
    const std::vector<int32_t> places = flip(batch, base, result);
    ShortenedTexts shortened;
    std::vector<Copies> copies;
    for (size_t b = 0; b < batch.texts.size(); ++b) {
      const auto of_text = [&](auto& tokens, int64_t boundary) {
        return std::span(tokens).subspan(batch.offsets[b] + boundary,
                                         batch.offsets[b + 1] - batch.offsets[b] - 2 * boundary);
      };
      copies.push_back(shorten(of_text(batch.token_ids, 0), of_text(places, 1), shortened));
    }
    predict(shortened);
    for (size_t b = 0; b < batch.texts.size(); ++b) {
      write_changes(batch.texts[b], copies[b], base.predictions.logit[b], base.bias, shortened.logit, result);
    }
  }

 private:
  static constexpr int64_t kOrders = kGivenOrders + 1;

  template <class T>
  void upload(const Span<T>& to, const std::vector<T>& from) {
    copy_to_device(device_, to.data, from.data(), from.size() * sizeof(T));
  }

  void check_finite(const HostBatch& batch, const std::vector<float>& logit) const {
    for (size_t b = 0; b < batch.texts.size(); ++b) {
      NOTNOT_CHECK(std::isfinite(logit[b]), "the model gives the text of row {} the logit {}: its training diverged",
                   split_.rows[batch.texts[b]], logit[b]);
    }
  }

  /// The scores that the words of the batch are ordered by, [N].
  std::vector<float> scores_of(const HostBatch& batch) const {
    std::vector<float> scores;
    for (const int32_t text : batch.texts) {
      for (int64_t n = split_.offsets[text]; n < split_.offsets[text + 1]; ++n) {
        scores.push_back(std::abs(attributions_.score_probability[n]));
      }
    }
    return scores;
  }

  /// Finds the sizes of the flips. Returns the place of each word of the batch in its text's order, [N]; boundary
  /// tokens have none.
  std::vector<int32_t> flip(const HostBatch& batch, const AttentionClassifier::Contributions& base, Erasure& result) {
    const int32_t sequences = batch.sequences(), tokens = batch.tokens();
    upload(offsets_, batch.offsets);
    upload(contributions_, base.contribution);
    upload(bias_, std::vector<float>{base.bias});
    upload(log_attention_, base.predictions.log_attention);
    upload(scores_, scores_of(batch));
    erasure_flip(device_, {.sequences = sequences,
                           .tokens = tokens,
                           .longest = batch.longest,
                           .given = 1,
                           .offsets = offsets_,
                           .contributions = contributions_,
                           .output_bias = bias_,
                           .log_attention = log_attention_,
                           .scores = scores_,
                           .logit = logit_,
                           .order = order_,
                           .size = size_,
                           .margin = margin_,
                           .terms = terms_,
                           .scratch = scratch_});
    const auto row = [this](const auto& values, int64_t order, int64_t width) {
      return to_host(device_, values.subspan(order * width, width));
    };
    const std::vector<int32_t> given = row(size_, kGivenOrders, sequences), least = row(size_, kByGain, sequences),
                               order = row(order_, kGivenOrders, tokens);
    std::vector<int32_t> places(tokens, -1);
    for (int32_t b = 0; b < sequences; ++b) {
      const int32_t text = batch.texts[b], first = batch.offsets[b] + 1, words = batch.offsets[b + 1] - first - 1;
      NOTNOT_CHECK(given[b] != kUndefinedFlip && least[b] != kUndefinedFlip,
                   "the text of row {} has a score that is not a number", split_.rows[text]);
      result.flip_size[text] = given[b];
      result.smallest_flip_size[text] = least[b];
      for (int32_t k = 0; k < words; ++k) places[first + order[first + k]] = k;
    }
    return places;
  }

  /// Adds the copies of a text, those of equal numbers of words once.
  static Copies shorten(std::span<const int32_t> ids, std::span<const int32_t> place, ShortenedTexts& shortened) {
    Copies copies;
    const auto words = static_cast<int64_t>(place.size());
    for (size_t i = 0; i < kErasedShares; ++i) {
      const int64_t k = erased_words(words, kErasedPercent[i]);
      if (i > 0 && k == erased_words(words, kErasedPercent[i - 1])) {
        copies.without[i] = copies.without[i - 1];
        copies.alone[i] = copies.alone[i - 1];
        continue;
      }
      copies.without[i] = k == words ? Copies::kEmpty : shortened.add(ids, place, k, words);
      copies.alone[i] = k == words ? Copies::kWhole : shortened.add(ids, place, 0, k);
    }
    return copies;
  }

  /// In batches that the model is planned for: shortened texts are shorter, and more of them would fit by their tokens.
  void predict(ShortenedTexts& shortened) {
    const Split& split = shortened.split;
    shortened.logit.resize(split.size());
    std::vector<int32_t> order(split.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int32_t a, int32_t b) { return split.length(a) < split.length(b); });
    std::vector<int32_t> batch;
    int64_t tokens = 0;
    const auto predict_batch = [&] {
      check_stop();
      const HostBatch host = assemble_batch(split, batch, model_.options().vocabulary);
      const auto predictions = model_.predict(host);
      for (size_t b = 0; b < host.texts.size(); ++b) shortened.logit[host.texts[b]] = predictions.logit[b];
      batch.clear();
      tokens = 0;
    };
    for (const int32_t text : order) {
      const bool full = std::ssize(batch) == capacity_.sequences || tokens + split.length(text) > capacity_.tokens;
      if (full && !batch.empty()) predict_batch();
      batch.push_back(text);
      tokens += split.length(text);
    }
    if (!batch.empty()) predict_batch();
  }

  void write_changes(int32_t text, const Copies& copies, double whole, double empty, const std::vector<float>& logits,
                     Erasure& result) const {
    const double sign = whole > 0 ? 1 : -1;
    const auto logit_of = [&](int32_t copy) {
      if (copy == Copies::kEmpty) return empty;
      return copy == Copies::kWhole ? whole : double{logits[copy]};
    };
    const size_t first = text * kErasedShares;
    for (size_t i = 0; i < kErasedShares; ++i) {
      const double without = logit_of(copies.without[i]), alone = logit_of(copies.alone[i]);
      NOTNOT_CHECK(std::isfinite(without) && std::isfinite(alone),
                   "the model gives the text of row {} without some words the logit {} or {}: its training diverged",
                   split_.rows[text], without, alone);
      result.comprehensiveness_logit[first + i] = static_cast<float>(sign * (whole - without));
      result.sufficiency_logit[first + i] = static_cast<float>(sign * (whole - alone));
      result.comprehensiveness_probability[first + i] = static_cast<float>(sign * probability_change(whole, without));
      result.sufficiency_probability[first + i] = static_cast<float>(sign * probability_change(whole, alone));
    }
  }

  AttentionClassifier& model_;
  Device device_;
  const Split& split_;
  const Attributions& attributions_;
  BatchCapacity capacity_;
  Arena arena_;
  Span<int32_t> offsets_;
  Span<float> contributions_, bias_, log_attention_, scores_;
  Span<double> logit_;
  Span<int32_t> order_, size_;
  Span<float> margin_;
  Span<double> terms_;
  Span<int32_t> scratch_;
};

}  // namespace

Erasure erase_split(AttentionClassifier& model, const Split& split, const Attributions& attributions) {
  Erasure result;
  result.offsets = split.offsets;
  result.label = split.labels;
  result.row = split.rows;
  result.rationale = split.marked_tokens();
  NOTNOT_CHECK(attributions.offsets == result.offsets && attributions.row == result.row &&
                   attributions.score_probability.size() == split.token_ids.size(),
               "attributions of {} texts and {} tokens do not belong to a split of {} and {}", attributions.size(),
               attributions.score_probability.size(), split.size(), split.token_ids.size());
  result.flip_size.resize(result.size());
  result.smallest_flip_size.resize(result.size());
  for (auto* changes : {&result.comprehensiveness_probability, &result.comprehensiveness_logit,
                        &result.sufficiency_probability, &result.sufficiency_logit}) {
    changes->resize(result.size() * kErasedShares);
  }
  Eraser eraser(model, split, attributions);
  for (const auto& texts : prediction_batches(model.device(), split)) {
    check_stop();
    eraser.erase(assemble_batch(split, texts, model.options().vocabulary), result);
  }
  return result;
}

}  // namespace notnot
