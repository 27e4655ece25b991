#include "engine/data/batches.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

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

std::vector<std::vector<int32_t>> evaluation_batches(const Split& split, int64_t max_tokens) {
  std::vector<int32_t> order(split.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return split.length(a) < split.length(b); });
  std::vector<std::vector<int32_t>> batches;
  int64_t tokens = 0;
  for (const int32_t text : order) {
    if (batches.empty() || tokens + split.length(text) > max_tokens) {
      batches.emplace_back();
      tokens = 0;
    }
    batches.back().push_back(text);
    tokens += split.length(text);
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

DeviceBatch::DeviceBatch(Arena& arena, const std::string& group, const BatchCapacity& evaluation,
                         const BatchCapacity& training, int32_t vocabulary)
    : vocabulary_(vocabulary) {
  const BatchCapacity capacity = larger(evaluation, training);
  arena.add(group, "offsets", {capacity.sequences + 1}, &buffers_->offsets);
  arena.add(group, "labels", {capacity.sequences}, &buffers_->labels);
  arena.add(group, "unique_ids", {capacity.unique}, &buffers_->unique_ids);
  arena.add(group, "unique_row", {capacity.tokens}, &buffers_->unique_row);
  if (training.tokens == 0) return;
  arena.add(group, "token_ids", {training.tokens}, &buffers_->token_ids);
  arena.add(group, "occurrence_offsets", {training.unique + 1}, &buffers_->occurrence_offsets);
  arena.add(group, "occurrences", {training.tokens}, &buffers_->occurrences);
  arena.add(group, "unique_tokens workspace", {unique_tokens_workspace(training.tokens, vocabulary)},
            &buffers_->workspace);
}

size_t DeviceBatch::upload_bytes(const BatchCapacity& capacity) {
  return (capacity.tokens + capacity.unique + 2 * capacity.sequences + 1) * sizeof(int32_t) + 4 * Upload::kAlignment;
}

void DeviceBatch::load(const Device& device, Upload& upload, const HostBatch& batch) {
  const Buffers& b = *buffers_;
  NOTNOT_CHECK(batch.tokens() <= b.unique_row.size && batch.sequences() < b.offsets.size,
               "{} tokens, {} sequences exceed the capacity {}, {}", batch.tokens(), batch.sequences(),
               b.unique_row.size, b.offsets.size - 1);
  upload.add(device, b.offsets, batch.offsets);
  upload.add(device, b.labels, batch.labels);
  labels_ = b.labels;
  added_ids_ = {};
  ragged_ = {.sequences = batch.sequences(),
             .tokens = batch.tokens(),
             .longest = batch.longest,
             .unique = 0,
             .offsets = b.offsets,
             .unique_ids = {},
             .unique_row = b.unique_row,
             .occurrence_offsets = {},
             .occurrences = {}};
}

void DeviceBatch::load_for_training(const Device& device, Upload& upload, const HostBatch& batch) {
  const Buffers& b = *buffers_;
  const auto with_slack = [&](int32_t size) { return static_cast<int32_t>(size_with_slack(device, size)); };
  load(device, upload, batch);
  upload.add(device, b.token_ids, batch.token_ids);
  ragged_.tokens = with_slack(batch.tokens());
  ragged_.unique = with_slack(batch.unique);
  unique_tokens(device, {.tokens = batch.tokens(),
                         .vocabulary = vocabulary_,
                         .unique = ragged_.unique,
                         .token_ids = b.token_ids,
                         .unique_ids = b.unique_ids,
                         .unique_row = b.unique_row,
                         .occurrence_offsets = b.occurrence_offsets,
                         .occurrences = b.occurrences,
                         .workspace = b.workspace});
  ragged_.unique_ids = b.unique_ids;
  ragged_.occurrence_offsets = b.occurrence_offsets;
  ragged_.occurrences = b.occurrences;
}

void DeviceBatch::load_for_evaluation(const Device& device, Upload& upload, const HostBatch& batch,
                                      ProjectionRows& projected) {
  load(device, upload, batch);
  std::vector<int32_t> added;
  upload.add(device, buffers_->unique_row, projected.rows_of(batch.token_ids, added));
  upload.add(device, buffers_->unique_ids, added);
  ragged_.unique = projected.size();
  added_ids_ = buffers_->unique_ids.subspan(0, added.size());
}

}  // namespace notnot
