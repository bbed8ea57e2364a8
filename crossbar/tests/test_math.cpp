#include <doctest/doctest.h>

#include <cmath>

#include "crossbar/base/math.hpp"

namespace math = memprop::math;

TEST_CASE("math functions agree with the C library to the stated error") {
    for (int i = -2190; i < 2190; ++i) {
        const double x = 0.0137 * i;
        CHECK(math::exp(x) == doctest::Approx(std::exp(x)).epsilon(1e-15));
        CHECK(std::abs(math::sin_turns(x) - std::sin(std::fmod(x, 1.0) * 6.283185307179586477)) < 2e-15);
        CHECK(std::abs(math::cos_turns(x) - std::cos(std::fmod(x, 1.0) * 6.283185307179586477)) < 2e-15);
    }
    for (int i = -760; i < 760; ++i) {
        const double x = std::pow(1.037, i);
        CHECK(math::log(x) == doctest::Approx(std::log(x)).epsilon(1e-15));
        CHECK(math::pow(x, -0.04) == doctest::Approx(std::pow(x, -0.04)).epsilon(1e-14));
    }
    CHECK(math::exp(0.0) == 1.0);
    CHECK(math::log(1.0) == 0.0);
}
