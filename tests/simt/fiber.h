#pragma once
// A fiber is a call stack that can be suspended. Only this file knows how stacks are switched, and how the sanitizers
// are told of it: AddressSanitizer needs the bounds of the stack that runs next, ThreadSanitizer takes each fiber for a
// thread. NOTNOT_SIMT_TSAN says that the kernels are built with ThreadSanitizer; the code of this file itself is not
// (cmake/targets.cmake). A switch orders no memory; acquire_from and release_to do.
#include <sys/mman.h>
#include <unistd.h>

#include <boost/context/fiber.hpp>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(NOTNOT_SIMT_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace notnot::simt {

/// For ThreadSanitizer: everything before a release_to happens before everything behind an acquire_from the same
/// object.
inline void release_to([[maybe_unused]] void* object) {
#if defined(NOTNOT_SIMT_TSAN)
  __tsan_release(object);
#endif
}
inline void acquire_from([[maybe_unused]] void* object) {
#if defined(NOTNOT_SIMT_TSAN)
  __tsan_acquire(object);
#endif
}

/// Runs one function after another on a stack of its own. Destroying or cancelling a suspended fiber unwinds its stack.
class Fiber {
 public:
  Fiber() : stack_(mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    if (stack_ == MAP_FAILED) throw std::bad_alloc();
    // The last page of the stack cannot be touched, so that an overflow stops the program at once.
    mprotect(stack_, static_cast<size_t>(sysconf(_SC_PAGESIZE)), PROT_NONE);
  }
  ~Fiber() {
    cancel();
#if defined(NOTNOT_SIMT_TSAN)
    if (tsan_ != nullptr) __tsan_destroy_fiber(tsan_);
#endif
    munmap(stack_, kStackBytes);
  }
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Makes the next resume() call `function`, which must outlive the call and end by returning. The fiber's previous
  /// function must have ended.
  void start(const std::function<void()>& function) {
    boost::context::stack_context context;
    context.size = kStackBytes;
    context.sp = static_cast<char*>(stack_) + kStackBytes;
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(static_cast<char*>(stack_) + sysconf(_SC_PAGESIZE),
                                  kStackBytes - static_cast<size_t>(sysconf(_SC_PAGESIZE)));
#endif
#if defined(NOTNOT_SIMT_TSAN)
    if (tsan_ == nullptr) tsan_ = __tsan_create_fiber(0);
#endif
    fiber_ = boost::context::fiber(std::allocator_arg, boost::context::preallocated(context.sp, context.size, context),
                                   KeepStack(), [this, &function](boost::context::fiber&& caller) {
                                     caller_ = std::move(caller);
                                     arrived_inside();
                                     const Leave leave{*this};
                                     if (!cancelled_) function();
                                     return std::move(caller_);
                                   });
    running_ = cancelled_ = false;
  }
  /// From outside: runs the fiber until it suspends or its function returns.
  void resume() {
    running_ = true;
    leaving_outside();
    fiber_ = std::move(fiber_).resume();
    arrived_outside();
  }
  /// From inside: back to the caller of resume().
  void suspend() {
    leaving_inside(false);
    const Arrive arrive{*this};  // a destructor, because an exception comes back from here when the stack is unwound
    caller_ = std::move(caller_).resume();
  }
  /// From outside: unwinds the stack if the function has not returned yet.
  void cancel() {
    if (!fiber_) return;
    cancelled_ = true;
    if (!running_) return resume();
    leaving_outside();
    fiber_ = {};
    arrived_outside();
  }

 private:
  static constexpr size_t kStackBytes = 256 * 1024;
  struct KeepStack {
    static void deallocate(boost::context::stack_context&) {}
  };
  struct Arrive {
    Fiber& fiber;
    ~Arrive() { fiber.arrived_inside(); }
  };
  struct Leave {
    Fiber& fiber;
    ~Leave() { fiber.leaving_inside(true); }
  };

  void leaving_outside() {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&outside_fake_stack_, stack_, kStackBytes);
#endif
#if defined(NOTNOT_SIMT_TSAN)
    tsan_outside_ = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(tsan_, __tsan_switch_to_fiber_no_sync);
#endif
  }
  void arrived_inside() {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fake_stack_, &outside_stack_, &outside_bytes_);
#endif
  }
  void leaving_inside([[maybe_unused]] bool for_good) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(for_good ? nullptr : &fake_stack_, outside_stack_, outside_bytes_);
    if (for_good) fake_stack_ = nullptr;
#endif
#if defined(NOTNOT_SIMT_TSAN)
    // An exception that unwound the stack is deleted outside, which therefore has to come after the throw.
    const bool unwound = for_good && std::uncaught_exceptions() > 0;
    if (unwound) release_to(this);
    __tsan_switch_to_fiber(tsan_outside_, __tsan_switch_to_fiber_no_sync);
    if (unwound) acquire_from(this);
#endif
  }
  void arrived_outside() {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(outside_fake_stack_, nullptr, nullptr);
#endif
  }

  void* stack_;
  boost::context::fiber fiber_, caller_;
  bool running_ = false, cancelled_ = false;
#if defined(__SANITIZE_ADDRESS__)
  void *fake_stack_ = nullptr, *outside_fake_stack_ = nullptr;
  const void* outside_stack_ = nullptr;
  size_t outside_bytes_ = 0;
#endif
#if defined(NOTNOT_SIMT_TSAN)
  void *tsan_ = nullptr, *tsan_outside_ = nullptr;
#endif
};

}  // namespace notnot::simt
