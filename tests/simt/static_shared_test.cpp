// Variables declared as __shared__. The test is a program of its own, because such variables make the emulator keep
// only one block resident.
#include <cuda_runtime.h>
#include <doctest/doctest.h>

#include <vector>

#include "kernels/base/launch.cuh"

namespace notnot {
namespace {

__global__ void count_in_shared(float* to) {
  __shared__ float count;
  __shared__ int values[32];
  if (threadIdx.x == 0) to[2 * blockIdx.x] = count;
  values[threadIdx.x] = static_cast<int>(threadIdx.x);
  __syncthreads();
  if (threadIdx.x == 0) {
    count = static_cast<float>(values[31]);
    to[2 * blockIdx.x + 1] = count;
  }
}

TEST_CASE("__shared__ variables start as NaN in every block") {
  std::vector<float> to(8, 0.0F);
  cuda::launch(Device{}, "count_in_shared", {4, 32, 0}, count_in_shared, to.data());
  for (size_t i = 0; i < to.size(); i += 2) {
    CHECK(std::isnan(to[i]));
    CHECK(to[i + 1] == 31);
  }
}

}  // namespace
}  // namespace notnot
