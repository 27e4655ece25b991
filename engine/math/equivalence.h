#pragma once
// Is a mean difference as good as none? Two one-sided tests (TOST: Schuirmann, "A comparison of the two one-sided tests
// procedure and the power approach", Journal of Pharmacokinetics and Biopharmaceutics 15, 1987): a mean that does not
// differ from 0 significantly may still be far from it; one that lies between -margin and margin significantly is not.
#include <span>

#include "engine/math/statistics.h"

namespace notnot {

inline constexpr double kEquivalenceLevel = 0.05;

/// Two one-sided t tests of a mean, n - 1 degrees of freedom.
struct Equivalence {
  double mean = 0, standard_error = 0;
  double p_above_low = 0;   ///< one-sided, against a mean of -margin or less
  double p_below_high = 0;  ///< one-sided, against a mean of margin or more
  /// Of 1 - 2 kEquivalenceLevel: 90 %. Inside (-margin, margin) where the mean is equivalent, and only there.
  Interval interval = {};

  double p() const;
  bool equivalent() const { return p() <= kEquivalenceLevel; }
};
/// Of the mean of `values`, at least two and finite, one per seed; margin > 0. Other arguments throw Error. Values
/// that are all equal leave no doubt: each p is 0 or 1.
Equivalence two_one_sided_t_tests(std::span<const double> values, double margin);

/// The bootstrap's form: is its 90 % interval inside (-margin, margin)? False for NaN. A margin that is not above 0
/// throws Error.
bool equivalent(const Interval& interval_90, double margin);

}  // namespace notnot
