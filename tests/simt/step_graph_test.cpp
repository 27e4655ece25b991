// The captured graph of a training step: how many nodes it has, how many of them wait for each other in one chain, and
// how many calls of the driver a step takes.
#include <doctest/doctest.h>

#include "kernels/base/launch.cuh"
#include "models/training.h"
#include "tests/backends/short_texts.h"

namespace notnot {
namespace {

simt::GraphSize graph_of_step(Encoder encoder, AttentionKind attention) {
  const Dataset data = short_texts(40, 4, 4);
  const Split& split = data.split(SplitName::train);
  const ModelOptions options{.encoder = encoder,
                             .attention = attention,
                             .vocabulary = data.vocabulary.size(),
                             .embed = 7,
                             .hidden = kBf16x3Hidden};
  Device device = cuda::open(0);
  simt::last_graph() = {};
  {
    AttentionClassifier model(device, options, training_plan(device, data, {.batch_size = 2, .optimiser = {}}));
    model.allocate();
    model.set_parameters(initial_parameters(model.layout(), 1, {}));
    const HostBatch batch = assemble_batch(split, {0, 1}, options.vocabulary);
    // Both slots are seen once, then captured, then launched.
    int64_t calls = 0;
    for (int step = 0; step < 5; ++step) {
      simt::enqueuing_calls = 0;
      model.enqueue_step(batch, {});
      calls = simt::enqueuing_calls;
      model.finish_step();
    }
    CHECK(model.captured_steps() == 2);
    // The upload waits for the slot, copies and says so; then the step waits for it, is launched, and says so.
    CHECK(calls == 6);
  }
  cuda::close(device);
  return simt::last_graph();
}

// The numbers are those of bench/notes.md. On a GPU a product that splits its sum is two nodes, here it is one.
TEST_CASE("at most twenty nodes of a captured step wait for each other, where all of them did before") {
  const simt::GraphSize lstm = graph_of_step(Encoder::lstm, AttentionKind::learned);
  CHECK(lstm.nodes == 24);
  CHECK(lstm.longest_path == 14);
  CHECK(lstm.low_priority == 2);  // the recurrence's persistent kernels
}

TEST_CASE("the graph of a token-level model's step") {
  const simt::GraphSize tokens = graph_of_step(Encoder::tokens, AttentionKind::uniform);
  CHECK(tokens.nodes == 17);
  CHECK(tokens.longest_path == 11);
  CHECK(tokens.low_priority == 0);
}

}  // namespace
}  // namespace notnot
