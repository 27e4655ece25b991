#pragma once
// Student's t distribution, also with degrees of freedom that are no whole number (Satterthwaite's).

namespace notnot {

/// The regularised incomplete beta function I_x(a, b); a, b > 0, x from 0 to 1. The continued fraction of DLMF 8.17.22,
/// evaluated by the modified Lentz method. Other arguments throw Error.
double incomplete_beta(double a, double b, double x);

/// P(T >= t): half of I at x = df / (df + t^2), with a = df / 2 and b = 1/2 (DLMF 8.17.2, Abramowitz & Stegun 26.7.1).
/// df > 0; t may be infinite. NaN throws Error.
double student_t_tail(double t, double degrees_of_freedom);

/// The t with P(T <= t) = share, by bisection of student_t_tail; 0 < share < 1.
double student_t_quantile(double share, double degrees_of_freedom);

}  // namespace notnot
