#include "engine/data/batches.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "engine/data/distinct_ids.h"
#include "engine/data/text_order.h"
#include "engine/math/random.h"

namespace notnot {

std::vector<std::vector<int32_t>> training_batches(const Split& split, int32_t batch_size, uint64_t seed,
                                                   int32_t epoch) {
  return training_batches(split, places_by_content(split), batch_size, seed, epoch);
}

std::vector<std::vector<int32_t>> training_batches(const Split& split, const std::vector<int32_t>& places,
                                                   int32_t batch_size, uint64_t seed, int32_t epoch) {
  NOTNOT_CHECK(batch_size > 0, "batch size {}", batch_size);
  NOTNOT_CHECK(std::ssize(places) == split.size(), "{} places for {} texts", places.size(), split.size());
  const Random jitter(seed, Purpose::jitter, epoch), ties(seed, Purpose::ties, epoch);
  struct Key {
    int64_t length;  ///< jittered
    uint32_t tie;
    int32_t place;  ///< decides where two draws are equal
    auto operator<=>(const Key&) const = default;
  };
  std::vector<Key> keys(split.size());
  for (int32_t i = 0; i < split.size(); ++i) {
    const double length = split.length(i);
    const auto low = static_cast<int64_t>(std::floor(-0.1 * length));
    const auto high = static_cast<int64_t>(std::ceil(0.1 * length)) - 1;
    keys[i] = {split.length(i) + jitter.integer(places[i], low, std::max(low, high)), ties.bits(places[i]), places[i]};
  }
  std::vector<int32_t> order(keys.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return keys[a] < keys[b]; });

  std::vector<std::vector<int32_t>> batches;
  for (size_t begin = 0; begin < order.size(); begin += batch_size) {
    const size_t end = std::min(order.size(), begin + batch_size);
    batches.emplace_back(order.begin() + begin, order.begin() + end);
  }
  const Random shuffle(seed, Purpose::shuffle, epoch);
  for (size_t i = batches.size(); i > 1; --i) {
    std::swap(batches[i - 1], batches[shuffle.integer(i, 0, i - 1)]);
  }
  return batches;
}

EvaluationLimits evaluation_limits(const Device& device) {
  constexpr int64_t kTokens = 8192;  // enough for full tiles and lanes, and still cheap in memory
  if (device.backend == Backend::cpu) return {.tokens = kTokens};
  return {.tokens = kTokens, .wave = std::max(1, device.multiprocessors / 2), .most_tokens = int64_t{1} << 17};
}

namespace {

/// The number of texts of the next batch: of the first `fit`, which have limits.tokens together, or of the first
/// `fit_most`, which have limits.most_tokens.
int64_t batch_size(const EvaluationLimits& limits, int64_t fit, int64_t fit_most) {
  if (limits.wave == 0) return fit;
  const int64_t full = 4 * limits.wave;
  if (fit >= full) return fit / full * full;
  for (const int64_t size : {full, 2 * limits.wave, limits.wave}) {
    if (size <= fit_most) return size;
  }
  return fit_most;
}

}  // namespace

std::vector<std::vector<int32_t>> evaluation_batches(const Split& split, const EvaluationLimits& limits) {
  std::vector<int32_t> order(split.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return split.length(a) < split.length(b); });
  std::vector<std::vector<int32_t>> batches;
  for (auto next = order.begin(); next != order.end();) {
    // The longest text alone may have more tokens than the limit.
    const auto fitting = [&](int64_t most_tokens) {
      int64_t count = 0;
      for (int64_t tokens = 0; next + count != order.end(); ++count) {
        tokens += split.length(next[count]);
        if (tokens > most_tokens) break;
      }
      return std::max<int64_t>(count, 1);
    };
    const auto end = next + batch_size(limits, fitting(limits.tokens), fitting(limits.most_tokens));
    batches.emplace_back(next, end);
    next = end;
  }
  return batches;
}

BatchCapacity training_capacity(const Split& split, int32_t batch_size, int32_t vocabulary) {
  std::vector<int32_t> lengths(split.size());
  for (int32_t i = 0; i < split.size(); ++i) lengths[i] = split.length(i);
  const auto count = std::min<std::ptrdiff_t>(batch_size, split.size());
  std::partial_sort(lengths.begin(), lengths.begin() + count, lengths.end(), std::greater<>());
  const int64_t tokens = std::accumulate(lengths.begin(), lengths.begin() + count, int64_t{0});
  return {count, tokens, std::min<int64_t>(tokens, vocabulary)};
}

BatchCapacity capacity_of(const Split& split, const std::vector<std::vector<int32_t>>& batches) {
  BatchCapacity capacity;
  for (const auto& batch : batches) {
    const int64_t tokens = std::accumulate(batch.begin(), batch.end(), int64_t{0},
                                           [&](int64_t sum, int32_t text) { return sum + split.length(text); });
    capacity = larger(capacity, {static_cast<int64_t>(batch.size()), tokens, 0});
  }
  return capacity;
}

BatchCapacity larger(const BatchCapacity& a, const BatchCapacity& b) {
  return {std::max(a.sequences, b.sequences), std::max(a.tokens, b.tokens), std::max(a.unique, b.unique)};
}

HostBatch assemble_batch(const Split& split, const std::vector<int32_t>& texts, int32_t vocabulary) {
  HostBatch batch;
  batch.texts = texts;
  std::stable_sort(batch.texts.begin(), batch.texts.end(),
                   [&](int32_t a, int32_t b) { return split.length(a) > split.length(b); });
  batch.offsets.push_back(0);
  std::vector<bool> seen(vocabulary, false);
  for (const int32_t text : batch.texts) {
    const auto begin = split.offsets[text], end = split.offsets[text + 1];
    for (int64_t n = begin; n < end; ++n) {
      const int32_t id = split.token_ids[n];
      NOTNOT_CHECK(id > kPaddingId && id < vocabulary, "text {} holds id {} outside the vocabulary of {}", text, id,
                   vocabulary);
      if (!seen[id]) ++batch.unique;
      seen[id] = true;
      batch.token_ids.push_back(id);
    }
    batch.offsets.push_back(static_cast<int32_t>(batch.token_ids.size()));
    batch.labels.push_back(split.labels[text]);
    batch.longest = std::max(batch.longest, split.length(text));
  }
  return batch;
}

void ProjectionRows::clear() {
  if (size_ == 0) return;
  std::fill(row_of_id_.begin(), row_of_id_.end(), kNone);
  size_ = filler_ = 0;
}

int32_t ProjectionRows::give(int32_t id, std::vector<int32_t>& added) {
  int32_t& row = row_of_id_[id];
  if (row == kNone) {
    row = size_++;
    added.push_back(id);
  }
  return row;
}

std::vector<int32_t> ProjectionRows::rows_of(const std::vector<int32_t>& ids, std::vector<int32_t>& added) {
  std::vector<int32_t> rows(ids.size());
  std::transform(ids.begin(), ids.end(), rows.begin(), [&](int32_t id) { return give(id, added); });
  for (; size_ % kRowTile != 0 && filler_ < static_cast<int32_t>(row_of_id_.size()); ++filler_) give(filler_, added);
  return rows;
}

int64_t size_with_slack(const Device& device, int64_t size) {
  if (device.backend == Backend::cpu) return size;
  const int64_t step = std::max<int64_t>(1, std::bit_floor(static_cast<uint64_t>(size)) / 8);
  return (size + step - 1) / step * step;
}

BatchCapacity with_slack(const Device& device, const BatchCapacity& capacity) {
  return {capacity.sequences, size_with_slack(device, capacity.tokens), size_with_slack(device, capacity.unique)};
}

namespace {

/// What training and evaluation have in common.
DeviceBatch pack_texts(Upload& upload, const HostBatch& batch) {
  DeviceBatch packed;
  packed.ragged.sequences = batch.sequences();
  packed.ragged.tokens = batch.tokens();
  packed.ragged.longest = batch.longest;
  packed.ragged.offsets = upload.add(batch.offsets);
  packed.labels = upload.add(batch.labels);
  return packed;
}

}  // namespace

DeviceBatch pack_for_training(const Device& device, Upload& upload, const HostBatch& batch, int32_t vocabulary) {
  const auto tokens = static_cast<int32_t>(size_with_slack(device, batch.tokens()));
  const auto unique = static_cast<int32_t>(size_with_slack(device, batch.unique));
  DeviceBatch packed = pack_texts(upload, batch);
  const auto ids = upload.reserve<int32_t>(unique), row = upload.reserve<int32_t>(tokens),
             offsets = upload.reserve<int32_t>(unique + 1), occurrences = upload.reserve<int32_t>(tokens);
  find_distinct_ids(batch.token_ids, vocabulary, {ids.host, row.host, offsets.host, occurrences.host});
  packed.ragged.tokens = tokens;
  packed.ragged.unique = unique;
  packed.ragged.unique_ids = ids.device;
  packed.ragged.unique_row = row.device;
  packed.ragged.occurrence_offsets = offsets.device;
  packed.ragged.occurrences = occurrences.device;
  return packed;
}

DeviceBatch pack_for_evaluation(Upload& upload, const HostBatch& batch, ProjectionRows& projected) {
  DeviceBatch packed = pack_texts(upload, batch);
  std::vector<int32_t> added;
  packed.ragged.unique_row = upload.add(projected.rows_of(batch.token_ids, added));
  packed.added_ids = upload.add(added);
  packed.ragged.unique = projected.size();
  return packed;
}

int64_t packed_bytes(const BatchCapacity& evaluation, const BatchCapacity& training) {
  const auto bytes = [](const BatchCapacity& c, std::initializer_list<int64_t> more) {
    int64_t sum = Upload::packed_bytes(c.sequences + 1) + Upload::packed_bytes(c.sequences);
    for (const int64_t size : more) sum += Upload::packed_bytes(size);
    return sum;
  };
  return std::max(bytes(evaluation, {evaluation.tokens, evaluation.unique}),
                  bytes(training, {training.tokens, training.tokens, training.unique, training.unique + 1}));
}

}  // namespace notnot
