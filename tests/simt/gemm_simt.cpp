// On the emulator the CPU's implementation computes the matrix products. Device memory is host memory here.
#include <cuda_runtime.h>

#include "kernels/base/gemm_context.h"
#include "kernels/gemm.h"

namespace notnot::cuda {
namespace {

Device as_cpu(const Device& device) {
  Device cpu = device;
  cpu.backend = Backend::cpu;
  cpu.isa = detect_cpu_isa();
  cpu.threads = 1;  // ThreadSanitizer does not see OpenMP's barriers
  return cpu;
}

}  // namespace

void* open_gemm() { return nullptr; }
void close_gemm(void*) noexcept {}
void matmul(const Device& device, const MatMul& args) {
  simt::enqueue(device.stream, [cpu = as_cpu(device), args] { notnot::matmul(cpu, args); });
}
void weight_gradient(const Device& device, const WeightGradient& args) {
  simt::enqueue(device.stream, [cpu = as_cpu(device), args] { notnot::weight_gradient(cpu, args); });
}

}  // namespace notnot::cuda
