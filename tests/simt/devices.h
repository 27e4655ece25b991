#pragma once
// The devices of the emulator: how many there are, which one is the calling thread's current device, whose memory an
// address is, and what is wrong with them (NOTNOT_SIMT_FAULT). Work of all devices runs on the same CPU.
#include <cstddef>
#include <cstdint>
#include <string>

namespace notnot::simt {

/// 2, or NOTNOT_SIMT_DEVICES. Throws notnot::Error if the variable is not a whole number from 1 to 16.
int device_count();

/// The device that cudaSetDevice chose for this thread.
inline thread_local int current_device = 0;

/// Every runtime call that needs a context of the current device says so here.
void use_current_device();
/// How often a thread made such a call while `device` was its current one. With CUDA the first of them makes a context,
/// which takes hundreds of megabytes: a program that computes on one device must make none on another.
int64_t uses(int device);

/// Device memory of the current device.
void add_memory(void* begin, size_t bytes);
void remove_memory(void* begin);
/// Whether `bytes` from `pointer` on may be touched, as far as it can be known: false if they run over the end of an
/// allocation. Throws notnot::Error, with `by` for the message, if they are memory of another device than `device`.
bool check_memory(const void* pointer, size_t bytes, int device, const char* by);
/// The same for every address in a kernel's parameter; what is no address of device memory is ignored.
void check_parameter(const void* parameter, size_t bytes, int device);

/// NOTNOT_SIMT_FAULT: "" if nothing is wrong. Throws notnot::Error if it is none of the faults that README.md lists.
std::string fault();

}  // namespace notnot::simt
