#pragma once
// What Device::gemm points to; device.cu opens and closes it, gemm.cu defines it (the emulator has none).

namespace notnot::cuda {

void* open_gemm();
void close_gemm(void* gemm) noexcept;

}  // namespace notnot::cuda
