#pragma once
// For the headers of operations: the checks of the arguments' sizes and alignment, and the dispatch to a backend.
#include "kernels/base/device.h"

/// Throws Error unless a span begins at a multiple of `bytes`, as it must where several elements are read at a time.
#define NOTNOT_CHECK_ALIGNED(span, bytes)                               \
  NOTNOT_CHECK(reinterpret_cast<uintptr_t>((span).data) % (bytes) == 0, \
               "`{}` does not begin at a multiple of {} bytes", #span, bytes)

/// Throws Error unless a span has at least the elements that the operation touches; the message names the place and the
/// argument.
#define NOTNOT_CHECK_SIZE(span, elements)                                                                           \
  NOTNOT_CHECK((span).size >= static_cast<int64_t>(elements), "`{}` has {} elements, needs {}", #span, (span).size, \
               static_cast<int64_t>(elements))

// --- dispatch --------------------------------------------------------------------------------------------------------
#if defined(NOTNOT_X86)
#define NOTNOT_FOR_EACH_WIDE_ISA(X, name, Args) X(avx2, name, Args) X(avx512, name, Args)
#else
#define NOTNOT_FOR_EACH_WIDE_ISA(X, name, Args)
#endif
#define NOTNOT_DECLARE_CPU(set, name, Args) \
  namespace cpu_##set {                     \
    void name(const Device&, const Args&);  \
  }
#define NOTNOT_CASE_CPU(set, name, Args) \
  case CpuIsa::set:                      \
    return cpu_##set::name(device, args);

/// Declares operation `name` with its arguments struct `Args` (which has `void check() const`) for every backend, and
/// defines `name(device, args)`, which checks the arguments and calls the backend of `device`. Use inside namespace
/// notnot.
#define NOTNOT_OPERATION(name, Args)                                      \
  NOTNOT_DECLARE_CPU(baseline, name, Args)                                \
  NOTNOT_FOR_EACH_WIDE_ISA(NOTNOT_DECLARE_CPU, name, Args)                \
  namespace cuda {                                                        \
  void name(const Device&, const Args&);                                  \
  }                                                                       \
  inline void name(const Device& device, const Args& args) {              \
    args.check();                                                         \
    if (device.backend == Backend::cuda) return cuda::name(device, args); \
    switch (device.isa) {                                                 \
      NOTNOT_FOR_EACH_WIDE_ISA(NOTNOT_CASE_CPU, name, Args)               \
      default:                                                            \
        return cpu_baseline::name(device, args);                          \
    }                                                                     \
  }
