// Texts and orders are independent of each other, and each is a sort and a sum.
#include "kernels/base/cpu.h"
#include "kernels/base/ranking.h"
#include "kernels/erasure_flip_math.h"

namespace notnot::NOTNOT_CPU_NAMESPACE {
namespace {

double logit_of(const ErasureFlip& args, int32_t sequence) {
  const int32_t begin = args.offsets[sequence] + 1, end = args.offsets[sequence + 1] - 1;
  return logit_of(args, attended_sums(args.log_attention, args.contributions, begin, end, 1));
}

void erase(const ErasureFlip& args, int32_t sequence, int32_t row) {
  const double logit = logit_of(args, sequence);
  const ErasedText text = erased_text(args, sequence, row, logit);
  const int64_t at = int64_t{row} * args.tokens + text.begin;
  double* const terms = &args.terms[at];
  int32_t* const order = &args.order[at];
  for (int32_t n = 0; n < text.words; ++n) terms[n] = score_of(args, text, n);
  rank_words(terms, text.words, order, &args.scratch[at]);
  order[-1] = order[text.words] = -1;
  for (int32_t k = 0; k < text.words; ++k) terms[k] = term_of(args, text, order[k]);
  find_flip(args, text, sequence, order, terms);
  if (row == kByGain) args.logit[sequence] = logit;
}

}  // namespace

void erasure_flip(const Device& device, const ErasureFlip& args) {
  const int32_t rows = args.orders();
  const int64_t cost = int64_t{64} * (args.tokens / args.sequences);
  parallel_for(device.threads, args.sequences * rows, cost, [&](int32_t i) { erase(args, i / rows, i % rows); });
}

}  // namespace notnot::NOTNOT_CPU_NAMESPACE
