#include <doctest/doctest.h>

#include <functional>
#include <limits>

#include "engine/io/input_error.h"
#include "engine/io/safetensors.h"
#include "engine/runs/erasure.h"
#include "engine/runs/run_writer.h"
#include "tests/support/input_error.h"
#include "tests/support/temporary_folder.h"

namespace notnot {
namespace {

/// Two texts, of two words and of one.
Erasure sample() {
  return {.flip_size = {2, -1},
          .smallest_flip_size = {1, -1},
          .comprehensiveness_probability = {0.5F, 0.5F, 0.5F, 0.5F, 0.5F, 1, 1, 1, 1, 1},
          .comprehensiveness_logit = {2, 2, 2, 2, 2, 40, 40, 40, 40, 40},
          .sufficiency_probability = {-0.25F, -0.25F, -0.25F, -0.25F, -0.25F, 0, 0, 0, 0, 0},
          .sufficiency_logit = {-1, -1, -1, -1, -1, 0, 0, 0, 0, 0},
          .rationale = {0, 0, 1, 0, 0, 0, 0},
          .offsets = {0, 4, 7},
          .label = {1, 0},
          .row = {17, 23}};
}

TEST_CASE("shares of words are rounded up, and are one word at least") {
  for (const int32_t percent : kErasedPercent) CHECK(erased_words(1, percent) == 1);
  CHECK(erased_words(100, 1) == 1);
  CHECK(erased_words(101, 1) == 2);
  CHECK(erased_words(20, 5) == 1);
  CHECK(erased_words(21, 5) == 2);
  CHECK(erased_words(15, 10) == 2);
  CHECK(erased_words(7, 50) == 4);
  CHECK(erased_words(3'000'000'000, 50) == 1'500'000'000);
}

TEST_CASE("an erasure comes back as it was") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "attribution");
  RunWriter writer(run);
  const Erasure written = sample();
  writer.write_erasure(SplitName::dev, written);
  const Erasure back = run.erasure(SplitName::dev);
  CHECK(back.flip_size == written.flip_size);
  CHECK(back.smallest_flip_size == written.smallest_flip_size);
  CHECK(back.comprehensiveness_probability == written.comprehensiveness_probability);
  CHECK(back.comprehensiveness_logit == written.comprehensiveness_logit);
  CHECK(back.sufficiency_probability == written.sufficiency_probability);
  CHECK(back.sufficiency_logit == written.sufficiency_logit);
  CHECK(back.rationale == written.rationale);
  CHECK(back.offsets == written.offsets);
  CHECK(back.label == written.label);
  CHECK(back.row == written.row);
  CHECK_HAS(input_error([&] { (void)run.erasure(SplitName::test); }), "erasure_test.safetensors is missing");
}

TEST_CASE("a wrong erasure is refused") {
  struct Damage {
    const char* expected;
    std::function<void(Erasure&)> damage;
  };
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<Damage> damages = {
      {"text 0 of 2 words: its decision flips after 3", [](Erasure& e) { e.flip_size[0] = 3; }},
      {"text 0 of 2 words: its decision flips after 0", [](Erasure& e) { e.flip_size[0] = 0; }},
      {"and after -2 at least", [](Erasure& e) { e.smallest_flip_size[1] = -2; }},
      {"after 1 words, and after 2 at least", [](Erasure& e) { std::swap(e.flip_size[0], e.smallest_flip_size[0]); }},
      {"after 2 words, and after -1 at least", [](Erasure& e) { e.smallest_flip_size[0] = -1; }},
      {"2 and 1 sizes of flips for 2 texts", [](Erasure& e) { e.smallest_flip_size.pop_back(); }},
      {"text 1: its comprehensiveness_probability is 1.5",
       [](Erasure& e) { e.comprehensiveness_probability[6] = 1.5F; }},
      {"text 0: its sufficiency_probability is nan", [](Erasure& e) { e.sufficiency_probability[4] = kNaN; }},
      {"text 1: its comprehensiveness_logit is inf", [](Erasure& e) { e.comprehensiveness_logit[9] = kInfinity; }},
      {"text 0: its sufficiency_logit is -inf", [](Erasure& e) { e.sufficiency_logit[0] = -kInfinity; }},
      {"9 values of sufficiency_logit for 2 texts", [](Erasure& e) { e.sufficiency_logit.pop_back(); }},
      {"6 marks of a rationale for 7 tokens", [](Erasure& e) { e.rationale.pop_back(); }},
      {"text 0: the mark of its token 1 is 2", [](Erasure& e) { e.rationale[1] = 2; }},
      {"text 0: the mark of its token 3 is 1", [](Erasure& e) { e.rationale[3] = 1; }},
      {"text 1: the mark of its token 0 is 1", [](Erasure& e) { e.rationale[4] = 1; }},
      {"text 1 has offsets 4 and 6", [](Erasure& e) { e.offsets[2] = 6; }},
      {"offsets begin with 1", [](Erasure& e) { e.offsets[0] = 1; }},
      {"text 0 has offsets 0 and -9223372036854775808",
       [](Erasure& e) { e.offsets[1] = std::numeric_limits<int64_t>::min(); }},
      {"text 1: its label is 2", [](Erasure& e) { e.label[1] = 2; }},
      {"2 labels, 3 offsets and 1 rows", [](Erasure& e) { e.row.pop_back(); }},
      {"it has no text", [](Erasure& e) {
         e = Erasure();
         e.offsets = {0};
       }}};
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "attribution");
  RunWriter writer(run);
  for (const auto& [expected, damage] : damages) {
    Erasure damaged = sample();
    damage(damaged);
    CHECK_HAS(fault(damaged), expected);
    CHECK_THROWS_WITH_AS(writer.write_erasure(SplitName::test, damaged), doctest::Contains(expected), Error);
  }
  CHECK(fault(sample()) == "");
}

TEST_CASE("a damaged file names itself") {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), "attribution");
  RunWriter writer(run);
  writer.write_erasure(SplitName::test, sample());
  const Safetensors file = Safetensors::read(run.erasure_path(SplitName::test));
  const std::vector<int32_t> sizes = {9, 9};
  std::vector<TensorView> tensors = {{"flip_size", DType::i32, {2}, sizes.data()}};
  std::vector<std::vector<float>> floats;
  std::vector<std::vector<int32_t>> integers;
  const auto longs = file.values<int64_t>("offsets"), rows = file.values<int64_t>("row");
  tensors.push_back({"offsets", DType::i64, {3}, longs.data()});
  tensors.push_back({"row", DType::i64, {2}, rows.data()});
  for (const char* name : {"smallest_flip_size", "label"}) integers.push_back(file.values<int32_t>(name));
  tensors.push_back({"smallest_flip_size", DType::i32, {2}, integers[0].data()});
  tensors.push_back({"label", DType::i32, {2}, integers[1].data()});
  const char* const names[] = {"comprehensiveness_probability", "comprehensiveness_logit", "sufficiency_probability",
                               "sufficiency_logit"};
  for (const char* name : names) floats.push_back(file.values<float>(name));
  for (size_t i = 0; i < floats.size(); ++i) tensors.push_back({names[i], DType::f32, {2, 5}, floats[i].data()});
  write_safetensors(run.erasure_path(SplitName::test), tensors);
  const std::string message = input_error([&] { (void)run.erasure(SplitName::test); });
  CHECK(message.starts_with(run.erasure_path(SplitName::test).string()));
  CHECK_HAS(message, "its decision flips after 9 words");
}

TEST_CASE("means over the shares, and flips as shares of the words") {
  const Erasure erasure = sample();
  const std::vector<float> changes = {1, 2, 3, 4, 10, -1, 0, 0, 0, 0};
  CHECK(mean_over_shares(changes) == std::vector<double>{4, -0.2});
  CHECK(flip_shares(erasure, erasure.flip_size) == std::vector<double>{1, 1});
  CHECK(flip_shares(erasure, erasure.smallest_flip_size) == std::vector<double>{0.5, 1});
}

}  // namespace
}  // namespace notnot
