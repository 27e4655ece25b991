#include "engine/io/spool.h"

#include <algorithm>

#include "kernels/base/error.h"

namespace notnot {
namespace {

constexpr size_t kBufferNumbers = (size_t{1} << 20) / sizeof(int32_t);

}  // namespace

void Spool::push_back(int32_t number) {
  last_.push_back(number);
  if (!file_ || last_.size() < kBufferNumbers) return;
  file_->append({reinterpret_cast<const char*>(last_.data()), last_.size() * sizeof(int32_t)});
  in_file_ += last_.size();
  last_.clear();
}

std::vector<int32_t> Spool::read(size_t begin, size_t end) const {
  NOTNOT_CHECK(begin <= end && end <= size(), "numbers {} to {} of {}", begin, end, size());
  std::vector<int32_t> numbers(end - begin);
  const size_t from_file = std::min(end, in_file_) - std::min(begin, in_file_);
  if (from_file > 0) file_->read(begin * sizeof(int32_t), from_file * sizeof(int32_t), numbers.data());
  const auto last = last_.begin() + (std::max(begin, in_file_) - in_file_);
  std::copy_n(last, numbers.size() - from_file, numbers.begin() + from_file);
  return numbers;
}

}  // namespace notnot
