/* source/synthetic/real.h -- exp, log, powers and the normal distribution from basic arithmetic
 * alone.
 *
 * IEEE 754 fixes the bits of + - * / and sqrt but not of libm's functions, so everything that a
 * drawn value depends on comes from here: the same seed gives the same bytes with any compiler, C
 * library or machine. Accurate to about 1e-15 relative; compiled without contraction into fused
 * multiply-adds. */
#ifndef TARN_SOURCE_SYNTHETIC_REAL_H
#define TARN_SOURCE_SYNTHETIC_REAL_H

#include <stdint.h>

/* Arguments beyond +-700 give the value at the bound. */
double tarn_real_exp(double x);
/* x > 0 and normal; anything else gives log of the smallest normal number. */
double tarn_real_log(double x);
double tarn_real_pow(double base, double exponent); /* base > 0 */
/* x with P(Z <= x) = p for a standard normal Z, 0 < p < 1 (Wichura 1988, algorithm AS 241). */
double tarn_real_normal_quantile(double p);
/* P(Z <= x) (Cody-like series and continued fraction). */
double tarn_real_normal_cdf(double x);
/* Half away from zero; the value must fit. */
int64_t tarn_real_round(double x);
int64_t tarn_real_floor(double x);

#endif
