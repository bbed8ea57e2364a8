#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

#include "crossbar/array/synapse_array.hpp"
#include "crossbar/device/low_frequency_noise.hpp"

using namespace memprop;
using namespace memprop::crossbar;

namespace {

/// Slope of the logarithm of the mean periodogram of `devices` series of `ticks` over that of the frequency.
double spectral_slope(double exponent) {
    constexpr std::size_t kDevices = 400, kTicks = 4096;
    LowFrequencyConfig config;
    config.one_over_f = 0.1;
    config.one_over_f_exponent = exponent;
    LowFrequencyNoise noise(config, 1.0, kDevices, 1.0, 5, 0);
    std::vector<std::size_t> cycles;  // per series; below, a process is missing, above, time is too coarse
    for (std::size_t c = 2; c < 200; c = c * 8 / 5) {
        cycles.push_back(c);
    }
    std::vector<double> re(cycles.size() * kDevices), im(re.size());
    for (std::size_t t = 0; t < kTicks; ++t) {
        noise.advance_to(static_cast<std::int32_t>(t));
        for (std::size_t f = 0; f < cycles.size(); ++f) {
            const double phase = 2 * std::numbers::pi * double(cycles[f] * t % kTicks) / double(kTicks);
            // A Hann window: what is at low frequencies must not leak into higher ones.
            const double window = 1.0 - std::cos(2 * std::numbers::pi * double(t) / double(kTicks));
            const double c = window * std::cos(phase), s = window * std::sin(phase);
            for (std::size_t d = 0; d < kDevices; ++d) {
                re[f * kDevices + d] += c * double(noise.relative()[d]);
                im[f * kDevices + d] += s * double(noise.relative()[d]);
            }
        }
    }
    double sx = 0, sy = 0, sxx = 0, sxy = 0;
    const double n = double(cycles.size());
    for (std::size_t f = 0; f < cycles.size(); ++f) {
        double power = 0.0;
        for (std::size_t d = 0; d < kDevices; ++d) {
            power +=
                re[f * kDevices + d] * re[f * kDevices + d] + im[f * kDevices + d] * im[f * kDevices + d];
        }
        const double x = std::log(double(cycles[f])), y = std::log(power);
        sx += x;
        sy += y;
        sxx += x * x;
        sxy += x * y;
    }
    return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

LowFrequencyConfig telegraph() {
    LowFrequencyConfig config;
    config.telegraph_fraction = 1.0;
    config.telegraph_amplitude = 0.2;
    config.telegraph_amplitude_spread = 0.0;
    config.telegraph_capture_seconds = 40.0;
    config.telegraph_emission_seconds = 15.0;
    config.telegraph_time_spread = 0.0;
    return config;
}

}  // namespace

TEST_CASE("the power spectral density of 1/f noise falls with its exponent") {
    for (const double exponent : {0.8, 1.0, 1.2}) {
        CAPTURE(exponent);
        CHECK(std::abs(spectral_slope(exponent) + exponent) < 0.1);
    }
}

TEST_CASE("1/f noise has its standard deviation at all times and is correlated in time") {
    constexpr std::size_t kDevices = 40000;
    LowFrequencyConfig config;
    config.one_over_f = 0.03;
    LowFrequencyNoise noise(config, 1.0, kDevices, 1.0, 2, 0);
    noise.advance_to(0);
    const std::vector<float> first(noise.relative().begin(), noise.relative().end());
    for (const std::int32_t tick : {0, 1, 100}) {
        noise.advance_to(tick);
        double square = 0, product = 0;
        for (std::size_t d = 0; d < kDevices; ++d) {
            square += double(noise.relative()[d] * noise.relative()[d]);
            product += double(noise.relative()[d] * first[d]);
        }
        // Relative standard error of a variance: sqrt(2/n).
        CHECK(square / kDevices == doctest::Approx(9e-4).epsilon(4 * std::sqrt(2.0 / kDevices)));
        double expected = 0.0, tau = 1.0;
        for (std::size_t k = 0; k < LowFrequencyNoise::kProcesses; ++k, tau *= 4) {
            expected += std::exp(-tick / tau) / LowFrequencyNoise::kProcesses;
        }
        CHECK(std::abs(product / kDevices / 9e-4 - expected) < 4 * std::sqrt(2.0 / kDevices));
    }
}

TEST_CASE("telegraph noise has its two levels, its occupation and exponential dwell times") {
    constexpr std::size_t kDevices = 2000;
    constexpr std::int32_t kTicks = 4000;
    constexpr double kTickSeconds = 1.0;
    LowFrequencyNoise noise(telegraph(), 1.0, kDevices, kTickSeconds, 3, 0);
    noise.advance_to(0);
    std::vector<std::uint32_t> last(noise.trapped().begin(), noise.trapped().end());
    std::vector<std::int32_t> since(kDevices, -1);  // the first dwell is cut off
    std::vector<double> dwell[2];
    double occupied = 0.0;
    for (std::int32_t t = 1; t < kTicks; ++t) {
        noise.advance_to(t);
        for (std::size_t d = 0; d < kDevices; ++d) {
            occupied += noise.trapped()[d];
            if (noise.trapped()[d] != last[d]) {
                if (since[d] >= 0) {
                    dwell[last[d]].push_back(t - since[d]);
                }
                since[d] = t;
                last[d] = noise.trapped()[d];
            }
        }
    }
    CHECK(std::abs(occupied / (double(kDevices) * (kTicks - 1)) - 15.0 / 55.0) < 0.005);
    const double moved = 1.0 - std::exp(-kTickSeconds * (1.0 / 40 + 1.0 / 15));
    const double leave[2] = {15.0 / 55.0 * moved, 40.0 / 55.0 * moved};  // per tick, seen from outside
    for (const std::size_t state : {0U, 1U}) {
        CAPTURE(state);
        const double n = double(dwell[state].size()), p = leave[state];
        REQUIRE(n > 10000);
        const double mean = std::accumulate(dwell[state].begin(), dwell[state].end(), 0.0) / n;
        // Dwells longer than what is left of the run are missing, hence the 1 %.
        CHECK(std::abs(mean * p - 1.0) < 4 / std::sqrt(n) + 0.01);
        for (const double length : {5.0, 20.0, 60.0}) {  // geometric: the tail is (1 - p)^length
            const double tail = double(std::count_if(dwell[state].begin(), dwell[state].end(),
                                                     [&](double x) { return x > length; })) /
                                n;
            const double expected = std::pow(1.0 - p, length);
            CHECK(std::abs(tail - expected) < 4 * std::sqrt(expected * (1 - expected) / n) + 0.01 * expected);
        }
    }
    for (std::size_t d = 0; d < kDevices; ++d) {
        CHECK(noise.relative()[d] == (noise.trapped()[d] != 0 ? -0.2F : 0.0F));
    }
}

TEST_CASE("traps come at their rate and relative amplitudes grow towards high resistance") {
    LowFrequencyConfig config = telegraph();
    config.telegraph_fraction = 0.3;
    config.state_exponent = 0.5;
    constexpr std::size_t kDevices = 20000;
    LowFrequencyNoise noise(config, 16.0, kDevices, 1e9, 4, 0);
    noise.advance_to(1);
    double trapped = 0;
    for (const std::uint32_t t : noise.trapped()) {
        trapped += t;
    }
    const double expected = 0.3 * 15.0 / 55.0;
    CHECK(std::abs(trapped / kDevices - expected) < 4 * std::sqrt(expected / kDevices));
    const auto first = static_cast<std::uint32_t>(
        std::find(noise.trapped().begin(), noise.trapped().end(), 1U) - noise.trapped().begin());
    for (const float g : {16.0F, 4.0F, 1.0F}) {
        float seen = g;
        noise.apply(first, {&seen, 1});
        CHECK(double(seen) == doctest::Approx(double(g) * (1.0 - 0.2 * std::sqrt(16.0 / double(g)))));
    }
}

TEST_CASE("the reads of an array see the noise of its devices, constant between two ticks") {
    CrossbarConfig config;
    config.device = "ideal";
    config.low_frequency.one_over_f = 0.05;
    constexpr std::uint32_t n = 50;
    SynapseArray array(config, {.rows = n, .columns = n}, 38.6, 1, 0);
    array.program(std::vector<std::int16_t>(n * n, 10), SynapseArray::Phase::update, 0, 0);
    const std::vector<std::uint32_t> row{7};
    std::vector<float> now(n), again(n), later(n), state(n * n);
    array.renew(1);
    array.read(row, 0, 0, now);
    array.renew(1);
    array.read(row, 0, 1, again);
    array.renew(2);
    array.read(row, 0, 2, later);
    array.state(2, state);
    CHECK(now == again);
    CHECK(now != later);
    double square = 0.0;
    for (std::uint32_t c = 0; c < n; ++c) {
        const double relative = double(now[c]) / double(state[7 * n + c]) - 1.0;
        square += relative * relative;
        CHECK(state[7 * n + c] == state[0]);  // without noise
    }
    CHECK(std::sqrt(square / n) == doctest::Approx(0.05).epsilon(0.5));
}
