#pragma once
// One call stack that can be suspended. The only place that knows how stacks are switched.
#include <sys/mman.h>
#include <unistd.h>

#include <boost/context/fiber.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>

namespace notnot::simt {

/// Stack memory with an inaccessible page below it, so that an overflow stops the program at once.
class Stack {
 public:
  Stack() : memory_(mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    mprotect(memory_, static_cast<size_t>(sysconf(_SC_PAGESIZE)), PROT_NONE);
  }
  ~Stack() { munmap(memory_, kBytes); }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  boost::context::stack_context context() const {
    boost::context::stack_context context;
    context.size = kBytes;
    context.sp = static_cast<char*>(memory_) + kBytes;
    return context;
  }

 private:
  static constexpr size_t kBytes = 256 * 1024;
  void* memory_;
};

/// Runs a function on a stack of its own. Destroying a suspended fiber unwinds its stack.
class Fiber {
 public:
  /// `function` must leave by returning; resume() starts it.
  void start(const Stack& stack, const std::function<void()>& function) {
    const auto context = stack.context();
    fiber_ = boost::context::fiber(std::allocator_arg, boost::context::preallocated(context.sp, context.size, context),
                                   KeepStack(), [this, &function](boost::context::fiber&& caller) {
                                     caller_ = std::move(caller);
                                     function();
                                     return std::move(caller_);
                                   });
  }
  /// From outside: runs the fiber until it suspends or returns.
  void resume() { fiber_ = std::move(fiber_).resume(); }
  /// From inside: back to the caller of resume().
  void suspend() { caller_ = std::move(caller_).resume(); }

 private:
  struct KeepStack {
    static void deallocate(boost::context::stack_context&) {}
  };
  boost::context::fiber fiber_, caller_;
};

}  // namespace notnot::simt
