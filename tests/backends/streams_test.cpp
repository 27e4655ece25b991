#include "engine/device/streams.h"

#include "kernels/matrix.h"
#include "tests/backends/backend.h"

namespace notnot {
namespace {

TEST_CASE("an upload brings its arrays to the device in one copy, and says when it is full") {
  const Device device = test_device();
  const SideStream side(device);
  const DeviceArray<float> block(device, 3 * Upload::kAlignment / 4);
  Upload upload(device, {reinterpret_cast<std::byte*>(block.span().data), 3 * Upload::kAlignment});
  const DeviceArray<float> seen(device, 3);
  const auto check_arrived = [&](Span<const float> array, const std::vector<float>& expected) {
    gather_rows(device, {.count = 1,
                         .columns = static_cast<int32_t>(expected.size()),
                         .from_rows = 1,
                         .from = array,
                         .rows = DeviceArray<int32_t>(device, std::vector<int32_t>{0}),
                         .to = seen});
    check_same_bytes(head(seen.host(), std::ssize(expected)), expected, "array");
  };
  for (const float value : {1.0F, 2.0F}) {
    upload.restart();
    const Span<const float> three = upload.add(std::vector<float>{value, value + 1}, 3);  // padded with a zero
    const auto reserved = upload.reserve<float>(2);
    const Span<const float> one = upload.add(std::vector<float>{-value});
    reserved.host[0] = 5;
    reserved.host[1] = value;
    upload.enqueue(side.device());
    const Event arrived(device);
    arrived.record(side.device());
    arrived.make_wait(device);
    check_arrived(three, {value, value + 1, 0});
    check_arrived(reserved.device, {5, value});
    check_arrived(one, {-value});
  }
  CHECK_THROWS_WITH_AS(upload.add(std::vector<float>{0, 0}),
                       doctest::Contains("64 bytes more than the 0 that are left of an upload"), Error);
  upload.restart();
  CHECK_THROWS_WITH_AS(upload.add(std::vector<float>(3), 2), doctest::Contains("3 elements for an array of 2"), Error);
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

TEST_CASE("a branch sees the work before its fork, and the work behind its join sees the branch's, captured or not") {
  const Device device = test_device();
  const Branch branch(device);
  const DeviceArray<int32_t> rows(device, std::vector<int32_t>{2, 0});
  const DeviceArray<float> from(device, 3), first(device, 2), second(device, 2), last(device, 4);
  const auto gather = [&](const Device& on, int32_t count, const DeviceArray<float>& source, int32_t source_rows,
                          const DeviceArray<float>& to) {
    gather_rows(on, {.count = count, .columns = 1, .from_rows = source_rows, .from = source, .rows = rows, .to = to});
  };
  CapturedWork work(device);
  for (int call = 0; call < 20; ++call) {
    const auto x = static_cast<float>(call);
    const std::vector<float> values = {x, x + 1, x + 2};
    copy_to_device(device, from.span().data, values.data(), 3 * sizeof(float));
    work.run({1}, [&] {
      fill_zero(device, second.span());
      gather(device, 2, from, 3, first);  // {x + 2, x}
      branch.fork();
      transpose(branch.device(), {.rows = 2, .columns = 1, .from = first, .to = second});
      fill_zero(device, last.span());
      branch.join();
      gather(device, 2, from, 3, last);
      transpose(device, {.rows = 1, .columns = 2, .from = second, .to = last.span().subspan(2, 2)});
    });
    check_same_bytes(last.host(), {x + 2, x, x + 2, x}, fmt::format("call {}", call));
  }
}

TEST_CASE("a branch that is not joined cannot be captured (CUDA)" * only_on(Backend::cuda)) {
  const Device device = test_device();
  const Gather gather(device);
  const Branch branch(device);
  CapturedWork work(device);
  const auto unjoined = [&] {
    branch.fork();
    gather_rows(branch.device(),
                {.count = 2, .columns = 2, .from_rows = 3, .from = gather.from, .rows = gather.rows, .to = gather.to});
  };
  work.run({2}, unjoined);
  CHECK_THROWS_AS(work.run({2}, unjoined), Error);
  CHECK(work.captured() == 0);
  gather.enqueue(2);  // the stream is as it was
  check_same_bytes(gather.to.host(), {4, 5, 2, 3}, "after the failure");
}

TEST_CASE("no more graphs are captured than the most, and other work runs as it is") {
  const Device device = test_device();
  const Gather gather(device);
  CapturedWork work(device);
  const int64_t keys = CapturedWork::kMostGraphs + 2;
  int runs = 0;
  for (int round = 0; round < 3; ++round) {
    for (int64_t key = 0; key < keys; ++key) {
      work.run({key}, [&] {
        ++runs;
        gather.enqueue(2);
      });
    }
  }
  const bool cuda = device.backend == Backend::cuda;
  CHECK(work.captured() == (cuda ? CapturedWork::kMostGraphs : 0));
  CHECK(runs == (cuda ? 2 * keys + 2 : 3 * keys));  // in the third round the two that were not captured
  work.clear();
  CHECK(work.captured() == 0);
  work.run({0}, [&] { gather.enqueue(2); });
  CHECK(work.captured() == 0);  // seen for the first time again
}

TEST_CASE("a stream waits for an event of another device (CUDA)" * only_on(Backend::cuda)) {
  if (second_device() == nullptr) return;
  const Device first = test_device(), second = *second_device();
  const DeviceArray<float> there(second, 1), here(first, 1);
  PinnedMemory between(second, sizeof(float));
  Event arrived(second);
  for (const float value : {1.0F, 2.0F, 3.0F}) {
    copy_to_device(second, there.span().data, &value, sizeof value);
    between.enqueue_copy_of(second, there.span().data, sizeof value);
    arrived.record(second);
    arrived.make_wait(first);
    cuda::enqueue_copy_from_pinned(first, here.span().data, between.data(), sizeof value);
    check_same_bytes(here.host(), {value}, "the value that came over");
  }
}

}  // namespace
}  // namespace notnot
