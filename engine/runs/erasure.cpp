#include "engine/runs/erasure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace notnot {
namespace {

/// What is wrong with the arrays that every file of a split has; empty when nothing is.
std::string fault_of_texts(const Erasure& e) {
  const size_t size = e.label.size();
  if (e.offsets.size() != size + 1 || e.row.size() != size) {
    return fmt::format("{} labels, {} offsets and {} rows do not belong together", size, e.offsets.size(),
                       e.row.size());
  }
  if (size == 0) return "it has no text";
  if (e.offsets[0] != 0) return fmt::format("offsets begin with {}", e.offsets[0]);
  constexpr int64_t kLongest = std::numeric_limits<int32_t>::max();
  for (size_t i = 0; i < size; ++i) {
    const int64_t begin = e.offsets[i], end = e.offsets[i + 1];
    if (end <= begin || end - begin < 3 || end - begin > kLongest) {
      return fmt::format("text {} has offsets {} and {}", i, begin, end);
    }
    if (e.label[i] != 0 && e.label[i] != 1) return fmt::format("text {}: its label is {}", i, e.label[i]);
  }
  return "";
}

bool is_flip(int32_t size, int64_t words) { return size == -1 || (size >= 1 && size <= words); }

std::string fault_of_flips(const Erasure& e) {
  const size_t size = e.label.size();
  if (e.flip_size.size() != size || e.smallest_flip_size.size() != size) {
    return fmt::format("{} and {} sizes of flips for {} texts", e.flip_size.size(), e.smallest_flip_size.size(), size);
  }
  for (size_t i = 0; i < size; ++i) {
    const int32_t flip = e.flip_size[i], smallest = e.smallest_flip_size[i];
    const int64_t words = e.words(static_cast<int32_t>(i));
    const bool ordered = flip == -1 || (smallest != -1 && smallest <= flip);
    if (!is_flip(flip, words) || !is_flip(smallest, words) || !ordered) {
      return fmt::format("text {} of {} words: its decision flips after {} words, and after {} at least", i, words,
                         flip, smallest);
    }
  }
  return "";
}

std::string fault_of_changes(const char* name, std::span<const float> changes, size_t size, float largest) {
  if (changes.size() != size * kErasedShares) {
    return fmt::format("{} values of {} for {} texts", changes.size(), name, size);
  }
  const auto wrong =
      std::find_if(changes.begin(), changes.end(), [largest](float x) { return !(std::abs(x) <= largest); });
  if (wrong == changes.end()) return "";
  return fmt::format("text {}: its {} is {}", (wrong - changes.begin()) / kErasedShares, name, *wrong);
}

std::string fault_of_rationale(const Erasure& e) {
  if (e.rationale.empty()) return "";
  if (std::ssize(e.rationale) != e.offsets.back()) {
    return fmt::format("{} marks of a rationale for {} tokens", e.rationale.size(), e.offsets.back());
  }
  for (size_t i = 0; i < e.label.size(); ++i) {
    for (int64_t n = e.offsets[i]; n < e.offsets[i + 1]; ++n) {
      const bool is_word = n > e.offsets[i] && n + 1 < e.offsets[i + 1];
      if (e.rationale[n] == 0 || (is_word && e.rationale[n] == 1)) continue;
      return fmt::format("text {}: the mark of its token {} is {}", i, n - e.offsets[i], e.rationale[n]);
    }
  }
  return "";
}

}  // namespace

int64_t erased_words(int64_t words, int32_t percent) { return std::max<int64_t>(1, (percent * words + 99) / 100); }

std::string fault(const Erasure& e) {
  constexpr float kFinite = std::numeric_limits<float>::max();
  std::string what = fault_of_texts(e);
  if (what.empty()) what = fault_of_flips(e);
  const auto check = [&](const char* name, std::span<const float> changes, float largest) {
    if (what.empty()) what = fault_of_changes(name, changes, e.label.size(), largest);
  };
  check("comprehensiveness_probability", e.comprehensiveness_probability, 1);
  check("comprehensiveness_logit", e.comprehensiveness_logit, kFinite);
  check("sufficiency_probability", e.sufficiency_probability, 1);
  check("sufficiency_logit", e.sufficiency_logit, kFinite);
  return what.empty() ? fault_of_rationale(e) : what;
}

std::vector<double> mean_over_shares(std::span<const float> changes) {
  std::vector<double> means;
  for (size_t i = 0; i + kErasedShares <= changes.size(); i += kErasedShares) {
    double sum = 0;
    for (const float change : changes.subspan(i, kErasedShares)) sum += double{change};
    means.push_back(sum / kErasedShares);
  }
  return means;
}

std::vector<double> flip_shares(const Erasure& erasure, std::span<const int32_t> flip_size) {
  std::vector<double> shares;
  shares.reserve(erasure.size());
  for (int32_t i = 0; i < erasure.size(); ++i) {
    shares.push_back(flip_size[i] == -1 ? 1 : flip_size[i] / static_cast<double>(erasure.words(i)));
  }
  return shares;
}

}  // namespace notnot
