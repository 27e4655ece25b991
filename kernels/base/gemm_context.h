#pragma once
// The object that Device::gemm points to. gemm.cu defines it, device.cu opens and closes it.

namespace notnot::cuda {

void* open_gemm();
void close_gemm(void* gemm) noexcept;

}  // namespace notnot::cuda
