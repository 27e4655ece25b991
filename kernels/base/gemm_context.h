#pragma once
// The object that Device::gemm points to. gemm.cu defines it, device.cu opens and closes it; the emulator has none.

#include <cstddef>

namespace notnot::cuda {

/// Bytes of device memory of every context that computes matrix products: cuBLAS asks for as much on Hopper.
inline constexpr size_t kGemmWorkspaceBytes = size_t{32} << 20;

void* open_gemm();
void close_gemm(void* gemm) noexcept;

}  // namespace notnot::cuda
