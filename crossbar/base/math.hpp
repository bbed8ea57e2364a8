// Elementary functions in double whose bits do not depend on the C library or the processor: plain
// multiplications and additions only. For constants, drift factors and targets, not for hot loops.
#pragma once

namespace memprop::math {

double exp(double x);            ///< relative error < 1e-15 for |x| < 700
double log(double x);            ///< x > 0; relative error < 1e-15
double sin_turns(double turns);  ///< sin(2 pi turns); absolute error < 1e-15
double cos_turns(double turns);  ///< cos(2 pi turns)
double pow(double x, double y);  ///< x > 0

}  // namespace memprop::math
