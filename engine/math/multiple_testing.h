#pragma once
// Corrections for many tests. p values come back in the order of the given ones, to be compared with the level as if
// each were the only one. NaN throws Error.
#include <span>
#include <vector>

namespace notnot {

/// Holm's step-down correction ("A simple sequentially rejective multiple test procedure", Scandinavian Journal of
/// Statistics 6, 1979): the chance that any true hypothesis is rejected is at most the level.
std::vector<double> holm(std::span<const double> p);

/// Benjamini & Hochberg's step-up correction ("Controlling the false discovery rate", Journal of the Royal Statistical
/// Society B 57, 1995): of the rejected hypotheses, on average at most the level is true, if the tests are independent
/// or positively dependent.
std::vector<double> benjamini_hochberg(std::span<const double> p);

}  // namespace notnot
