#pragma once
// The memory that a model of a run takes, and what to say where there is too little.
#include <new>
#include <string>

#include "engine/io/input_error.h"
#include "experiments/study/inputs.h"

namespace notnot {

struct MemoryNeed {
  int64_t device_bytes = 0;  ///< the model's arena; on the CPU the arena lies in the host's memory
  int64_t host_bytes = 0;    ///< the host's memory without the data set, the word vectors and the arena
};
MemoryNeed memory_need(const Inputs& inputs, const RunSpec& spec, const Device& device);

/// In words, without boundary tokens.
int64_t longest_text(const Split& split);

/// memory_need in words, and what to do where there is less.
std::string describe_memory(const Inputs& inputs, const RunSpec& spec, const Device& device);

/// Calls `work` and returns its result. If the memory does not suffice, throws InputError with what `explain` returns:
/// how much is needed for what, and what to do.
template <class Explain, class Work>
auto explain_out_of_memory(const Explain& explain, const Work& work) {
  std::string what;
  try {
    return work();
  } catch (const OutOfMemory& error) {
    what = error.what();
  } catch (const std::bad_alloc&) {
    what = "out of memory";
  }
  throw InputError(fmt::format("{}: {}", what, explain()));
}

/// load_inputs, which throws InputError also where the memory does not suffice.
Inputs load_inputs_into_memory(const Settings& settings);

}  // namespace notnot
