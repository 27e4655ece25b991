#include "engine/device/streams.h"

#include "kernels/matrix.h"
#include "tests/backends/backend.h"

namespace notnot {
namespace {

TEST_CASE("an upload brings arrays to the device, one after the other, and says when it is full") {
  const Device device = test_device();
  const SideStream side(device);
  Upload upload(device, 2 * Upload::kAlignment);
  const DeviceArray<float> three(device, 3), two(device, 2);
  for (const float value : {1.0F, 2.0F}) {
    upload.restart();
    upload.add(side.device(), three.span(), std::vector<float>{value, value + 1, value + 2});
    upload.add(side.device(), two.span(), std::vector<float>{-value, 0});
    Event arrived(device);
    arrived.record(side.device());
    arrived.make_wait(device);
    check_same_bytes(three.host(), {value, value + 1, value + 2}, "three");
    check_same_bytes(two.host(), {-value, 0}, "two");
  }
  CHECK_THROWS_WITH_AS(upload.add(device, two.span(), std::vector<float>{0, 0}),
                       doctest::Contains("8 bytes more than the 0 that are left of an upload"), Error);
  upload.restart();
  CHECK_THROWS_WITH_AS(upload.add(device, two.span(), std::vector<float>{0, 0, 0}),
                       doctest::Contains("`to` has 2 elements, needs 3"), Error);
}

/// Gathers rows of a matrix.
struct Gather {
  const Device& device;
  DeviceArray<float> from, to;
  DeviceArray<int32_t> rows;

  explicit Gather(const Device& on)
      : device(on), from(on, std::vector<float>{0, 1, 2, 3, 4, 5}), to(on, 4), rows(on, std::vector<int32_t>{2, 1}) {}
  void enqueue(int32_t count) const {
    gather_rows(device, {.count = count, .columns = 2, .from_rows = 3, .from = from, .rows = rows, .to = to});
  }
};

TEST_CASE("captured work reads device memory as it is when it is launched") {
  const Device device = test_device();
  const Gather gather(device);
  CapturedWork work(device);
  int runs = 0;
  for (int32_t call = 0; call < 5; ++call) {
    const std::vector<int32_t> rows = {call % 3, (call + 1) % 3};
    copy_to_device(device, gather.rows.span().data, rows.data(), rows.size() * sizeof(int32_t));
    work.run({2}, [&] {
      ++runs;
      gather.enqueue(2);
    });
    const auto a = static_cast<float>(2 * rows[0]), b = static_cast<float>(2 * rows[1]);
    check_same_bytes(gather.to.host(), {a, a + 1, b, b + 1}, fmt::format("call {}", call));
  }
  const bool cuda = device.backend == Backend::cuda;
  CHECK(runs == (cuda ? 2 : 5));  // as it is, then for the capture
  CHECK(work.captured() == (cuda ? 1 : 0));
  work.run({1}, [&] { gather.enqueue(1); });
  CHECK(work.captured() == (cuda ? 1 : 0));  // another key is other work
}

TEST_CASE("a failure while work is captured leaves the stream as it was") {
  const Device device = test_device();
  const Gather gather(device);
  CapturedWork work(device);
  work.run({2}, [] {});
  const auto fail = [&] {
    gather.enqueue(2);
    gather.enqueue(3);  // `to` has two rows
  };
  CHECK_THROWS_AS(work.run({2}, fail), Error);
  CHECK(work.captured() == 0);
  work.run({2}, [&] { gather.enqueue(2); });
  check_same_bytes(gather.to.host(), {4, 5, 2, 3}, "after the failure");
}

TEST_CASE("a stream waits for an event of another device (CUDA)" * only_on(Backend::cuda)) {
  if (second_device() == nullptr) return;
  const Device first = test_device(), second = *second_device();
  const DeviceArray<float> there(second, 1), here(first, 1);
  PinnedMemory between(second, sizeof(float));
  Event arrived(second);
  for (const float value : {1.0F, 2.0F, 3.0F}) {
    copy_to_device(second, there.span().data, &value, sizeof value);
    between.enqueue_copy_of(there.span().data, sizeof value);
    arrived.record(second);
    arrived.make_wait(first);
    cuda::enqueue_copy_from_pinned(first, here.span().data, between.data(), sizeof value);
    check_same_bytes(here.host(), {value}, "the value that came over");
  }
}

}  // namespace
}  // namespace notnot
