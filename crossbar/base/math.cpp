#include "crossbar/base/math.hpp"

#include <cmath>

namespace memprop::math {
namespace {

constexpr double kLn2High = 0x1.62e42feep-1;       // ln 2 to 32 bits: k * kLn2High is exact for |k| < 2^21
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;  // and what is left of it
constexpr double kTwoPi = 6.283185307179586477;

// Taylor series of sin and cos on [-pi/4, pi/4]; the first term left out is below 1e-17.
double sin_kernel(double t) {
    const double t2 = t * t;
    double sum = 0.0;
    for (int n = 17; n >= 3; n -= 2) {
        sum = -(1.0 + sum) * t2 / (n * (n - 1));
    }
    return t + t * sum;
}

double cos_kernel(double t) {
    const double t2 = t * t;
    double sum = 0.0;
    for (int n = 18; n >= 2; n -= 2) {
        sum = -(1.0 + sum) * t2 / (n * (n - 1));
    }
    return 1.0 + sum;
}

double sin_quadrant(double turns, int shift) {
    const double whole = std::floor(turns);
    const double part = turns - whole;  // exact
    const double quadrant = std::floor(part * 4 + 0.5);
    const double t = (part - quadrant * 0.25) * kTwoPi;
    switch ((static_cast<int>(quadrant) + shift) & 3) {
        case 0:
            return sin_kernel(t);
        case 1:
            return cos_kernel(t);
        case 2:
            return -sin_kernel(t);
        default:
            return -cos_kernel(t);
    }
}

}  // namespace

double exp(double x) {
    const double k = std::floor(x / kLn2High + 0.5);
    const double r = (x - k * kLn2High) - k * kLn2Low;
    double sum = 1.0;
    for (int n = 14; n >= 1; --n) {
        sum = 1.0 + sum * r / n;
    }
    return std::ldexp(sum, static_cast<int>(k));
}

double log(double x) {
    int e = 0;
    double m = std::frexp(x, &e);
    if (m < 0.70710678118654752) {
        m *= 2;
        --e;
    }
    const double s = (m - 1) / (m + 1);
    const double s2 = s * s;
    double sum = 0.0;
    for (int n = 23; n >= 3; n -= 2) {
        sum = (sum + 1.0 / n) * s2;
    }
    return e * kLn2High + (2 * s * (1.0 + sum) + e * kLn2Low);
}

double sin_turns(double turns) {
    return sin_quadrant(turns, 0);
}
double cos_turns(double turns) {
    return sin_quadrant(turns, 1);
}
double pow(double x, double y) {
    return exp(y * log(x));
}

}  // namespace memprop::math
