#pragma once
// An array that either owns its values, and may grow, or views a part of a file that is mapped into memory, and may
// not.
#include <algorithm>
#include <initializer_list>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "kernels/base/error.h"

namespace notnot {

template <class T>
class Column {
 public:
  Column() = default;
  Column(std::initializer_list<T> values) : own_(values) {}
  // Implicit in both directions: code that is written for vectors, and literal values in tests, need not know of
  // columns.
  Column(std::vector<T> values) : own_(std::move(values)) {}  // NOLINT(google-explicit-constructor)
  /// `values` lies in `file`, which stays mapped as long as any copy of the column lives.
  Column(std::shared_ptr<const void> file, std::span<const T> values) : file_(std::move(file)), mapped_(values) {}

  const T* data() const { return file_ ? mapped_.data() : own_.data(); }
  size_t size() const { return file_ ? mapped_.size() : own_.size(); }
  bool empty() const { return size() == 0; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size(); }
  const T& operator[](size_t i) const { return data()[i]; }
  const T& front() const { return *begin(); }
  const T& back() const { return *(end() - 1); }

  void push_back(const T& value) { own().push_back(value); }
  /// Like std::vector::insert, at the end only.
  template <class... Arguments>
  void insert(const T* position, const Arguments&... arguments) {
    NOTNOT_CHECK(position == end(), "a column grows at its end");
    own().insert(own().end(), arguments...);
  }

  operator std::vector<T>() const { return {begin(), end()}; }  // NOLINT(google-explicit-constructor)

  friend bool operator==(const Column& a, const Column& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  std::vector<T>& own() {
    NOTNOT_CHECK(!file_, "a mapped column cannot grow");
    return own_;
  }

  std::vector<T> own_;
  std::shared_ptr<const void> file_;
  std::span<const T> mapped_;
};

}  // namespace notnot
