/* source/synthetic/real.c -- see real.h. */
#include "source/synthetic/real.h"

#include <stddef.h>
#include <string.h>

static const double ln2_high =
    0x1.62e42fefa3800p-1; /* 42 bits: k * ln2_high is exact for |k| < 2^11 */
static const double ln2_low = 0x1.ef35793c76730p-45;

static double from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t to_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

int64_t tarn_real_round(double x)
{
    return x >= 0 ? (int64_t)(x + 0.5) : -(int64_t)(0.5 - x);
}

int64_t tarn_real_floor(double x)
{
    int64_t whole = (int64_t)x;
    return (double)whole > x ? whole - 1 : whole;
}

double tarn_real_exp(double x)
{
    if (x > 700)
        x = 700;
    if (x < -700)
        return 0;
    int64_t k = tarn_real_round(x * 0x1.71547652b82fep0);
    double r = (x - (double)k * ln2_high) - (double)k * ln2_low;
    static const double inverse_factorial[] = {1.0 / 6227020800.0,
                                               1.0 / 479001600.0,
                                               1.0 / 39916800.0,
                                               1.0 / 3628800.0,
                                               1.0 / 362880.0,
                                               1.0 / 40320.0,
                                               1.0 / 5040.0,
                                               1.0 / 720.0,
                                               1.0 / 120.0,
                                               1.0 / 24.0,
                                               1.0 / 6.0,
                                               0.5,
                                               1.0,
                                               1.0};
    double sum = inverse_factorial[0];
    for (size_t i = 1; i < sizeof inverse_factorial / sizeof *inverse_factorial; i++)
        sum = sum * r + inverse_factorial[i];
    return sum * from_bits((uint64_t)(k + 1023) << 52);
}

double tarn_real_log(double x)
{
    if (!(x >= 0x1p-1022))
        x = 0x1p-1022;
    uint64_t bits = to_bits(x);
    int64_t k = (int64_t)(bits >> 52) - 1023;
    double m = from_bits((bits & 0xfffffffffffffULL) | 0x3ff0000000000000ULL);
    if (m > 0x1.6a09e667f3bcdp0) {
        m *= 0.5;
        k++;
    }
    double f = (m - 1) / (m + 1);
    double square = f * f;
    static const double inverse_odd[] = {1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11,
                                         1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3,  1.0};
    double sum = 1.0 / 23;
    for (size_t i = 0; i < sizeof inverse_odd / sizeof *inverse_odd; i++)
        sum = sum * square + inverse_odd[i];
    return (double)k * ln2_high + ((double)k * ln2_low + 2 * f * sum);
}

double tarn_real_pow(double base, double exponent)
{
    return tarn_real_exp(exponent * tarn_real_log(base));
}

static double polynomial(const double c[8], double x)
{
    double sum = c[7];
    for (int i = 6; i >= 0; i--)
        sum = sum * x + c[i];
    return sum;
}

static double quantile_tail(double r)
{
    static const double c[8] = {1.42343711074968357734,   4.63033784615654529590,
                                5.76949722146069140550,   3.64784832476320460504,
                                1.27045825245236838258,   0.241780725177450611770,
                                0.0227238449892691845833, 7.74545014278341407640e-4};
    static const double d[8] = {1.0,
                                2.05319162663775882187,
                                1.67638483018380384940,
                                0.689767334985100004550,
                                0.148103976427480074590,
                                0.0151986665636164571966,
                                5.47593808499534494600e-4,
                                1.05075007164441684324e-9};
    static const double e[8] = {6.65790464350110377720,    5.46378491116411436990,
                                1.78482653991729133580,    0.296560571828504891230,
                                0.0265321895265761230930,  0.00124266094738807843860,
                                2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double f[8] = {1.0,
                                0.599832206555887937690,
                                0.136929880922735805310,
                                0.0148753612908506148525,
                                7.86869131145613259100e-4,
                                1.84631831751005468180e-5,
                                1.42151175831644588870e-7,
                                2.04426310338993978564e-15};
    if (r <= 5)
        return polynomial(c, r - 1.6) / polynomial(d, r - 1.6);
    return polynomial(e, r - 5) / polynomial(f, r - 5);
}

double tarn_real_normal_quantile(double p)
{
    static const double a[8] = {3.3871328727963666080, 133.14166789178437745, 1971.5909503065514427,
                                13731.693765509461125, 45921.953931549871457, 67265.770927008700853,
                                33430.575583588128105, 2509.0809287301226727};
    static const double b[8] = {1.0,
                                42.313330701600911252,
                                687.18700749205790830,
                                5394.1960214247511077,
                                21213.794301586595867,
                                39307.895800092710610,
                                28729.085735721942674,
                                5226.4952788528545610};
    double q = p - 0.5;
    if (q >= -0.425 && q <= 0.425) {
        double r = 0.180625 - q * q;
        return q * polynomial(a, r) / polynomial(b, r);
    }
    double tail = q < 0 ? p : 1 - p;
    double x = quantile_tail(__builtin_sqrt(-tarn_real_log(tail)));
    return q < 0 ? -x : x;
}

double tarn_real_normal_cdf(double x)
{
    double at = x < 0 ? -x : x;
    double density = 0.3989422804014326779 * tarn_real_exp(-0.5 * at * at);
    double upper;
    if (at < 3) {
        /* the series phi(x) * (x + x^3/3 + x^5/15 + ...) for the part between 0 and x */
        double term = at, sum = at;
        for (int n = 3; n < 120 && term > 1e-18 * sum; n += 2) {
            term *= at * at / n;
            sum += term;
        }
        upper = 0.5 - density * sum;
    } else {
        double fraction = at;
        for (int n = 60; n >= 1; n--)
            fraction = at + n / fraction;
        upper = density / fraction;
    }
    return x < 0 ? upper : 1 - upper;
}
