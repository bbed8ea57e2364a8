// Slices of a weight under checked writes, and their converters.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "crossbar/array/synapse_array.hpp"
#include "crossbar/device/device_model.hpp"

using namespace memprop;
using namespace memprop::crossbar;

namespace {

/// A device without noise, drift and spread, g_max = 12 uS, whose range is `steps` steps.
CrossbarConfig perfect(const std::string& name, int steps) {
    CrossbarConfig config;
    config.device = name;
    if (const auto preset = find_device_kind(name).preset; preset != nullptr) {
        preset(config);
    }
    config.write_noise_scale = config.read_noise_scale = config.drift_scale = 0.0;
    config.bits = static_cast<std::int64_t>(std::lround(std::log2(steps)));
    auto& p = config.pulsed;
    p.w_min_dtod = p.w_max_dtod = p.dw_min_dtod = p.dw_min_std = p.up_down_dtod = p.reset_std = 0.0;
    p.gamma_up_dtod = p.gamma_down_dtod = 0.0;
    p.dw_min = (p.w_max - p.w_min) / steps;
    config.programming.method = ProgrammingMethod::write_verify;
    return config;
}

std::vector<float> spread_targets(std::size_t count, double largest) {
    std::vector<float> d(count);
    for (std::size_t i = 0; i < count; ++i) {
        d[i] = static_cast<float>(largest * (double(i * 37 % 2001) / 1000.0 - 1.0));
    }
    return d;
}

std::uint64_t wear(const SynapseArray& array, std::size_t device) {
    return array.devices().set_pulses[device] + array.devices().reset_pulses[device];
}

/// uS of D by a pulse on the finest slice.
float finest_step(const SynapseArray& array, double device_step_us) {
    return static_cast<float>(device_step_us) / array.pulses_per_device_step();
}

const SynapseArrayShape kTwoSlices{.rows = 20, .columns = 30, .devices_per_polarity = 2};

}  // namespace

TEST_CASE("write-verify brings perfect slices to their targets with about the pulses of open loop") {
    struct Case {
        std::string device;
        int steps, base;
        std::uint32_t slices;
        double tolerance_in_finest_steps;
    };
    for (const Case& c : std::vector<Case>{{"ideal", 8, 8, 2, 1.0},
                                           {"ideal", 64, 64, 2, 0.6},
                                           {"ideal", 16, 16, 2, 3.0},
                                           {"ideal", 16, 4, 4, 0.6},
                                           {"ideal", 4, 2, 6, 1.0},
                                           {"ideal", 256, 128, 2, 1.0},
                                           {"constant_step", 64, 8, 3, 0.6},
                                           {"constant_step", 16, 8, 2, 2.0},
                                           {"constant_step", 200, 16, 2, 1.0}}) {
        CAPTURE(c.device);
        CAPTURE(c.steps);
        CAPTURE(c.base);
        CAPTURE(c.slices);
        CrossbarConfig config = perfect(c.device, c.steps);
        config.slice_base = c.base;
        SynapseArrayShape shape = kTwoSlices;
        shape.devices_per_polarity = c.slices;
        SynapseArray probe(config, shape, 1.0, 1, 0);
        const float step = finest_step(probe, probe.model().constant_step_us());
        config.programming.tolerance_us = c.tolerance_in_finest_steps * double(step);
        const std::vector<float> d = spread_targets(600, 0.7 * probe.range_us());
        SynapseArray array(config, shape, 1.0, 1, 0);
        const ProgrammingReport report = array.program_weights(d, 1.0F, step, 0);
        CHECK(report.converged == 600);
        CHECK(report.largest_error_us <= config.programming.tolerance_us * 1.001);
        std::uint64_t open_loop = 0;
        for (const float target : d) {
            open_loop += array.given_for(static_cast<std::uint32_t>(std::lround(std::abs(target) / step)));
        }
        CHECK(double(report.pulses) < 1.2 * double(open_loop));
        const auto resets = array.counters().reset_pulses - probe.counters().reset_pulses;
        CHECK((array.model().bidirectional() || resets == 0));
    }
}

TEST_CASE("what a slice cannot hold is carried to coarser slices and taken back on the other side") {
    // Devices of 4 steps in base 8: between the steps of the coarse slice lies more than a fine one holds.
    CrossbarConfig config = perfect("ideal", 4);
    config.slice_base = 8;
    config.programming.tolerance_us = 0.2;  // the finest step is 3/9 uS
    SynapseArray array(config, kTwoSlices, 1.0, 1, 0);
    const float step = finest_step(array, 3.0);
    const std::vector<float> d = spread_targets(600, 8.0);
    const ProgrammingReport report = array.program_weights(d, 1.0F, step, 0);
    CHECK(report.converged == 600);
    std::uint64_t returned = 0;
    for (std::size_t i = 0; i < 600; ++i) {
        for (std::size_t plane = 0; plane < 4; ++plane) {
            CHECK(wear(array, plane * 600 + i) <= 1 + 4);  // no pulse on a full slice
        }
        returned += wear(array, 600 + i) > 1 && wear(array, 2 * 600 + i) > 1 ? 1 : 0;
        returned += wear(array, i) > 1 && wear(array, 3 * 600 + i) > 1 ? 1 : 0;
    }
    CHECK(returned > 100);
}

TEST_CASE("write-verify on slices of noisy phase-change memory arrives and wears little") {
    for (const std::uint32_t slices : {2U, 3U}) {
        CrossbarConfig config;
        config.programming.method = ProgrammingMethod::write_verify;
        config.programming.tolerance_us = 0.3;
        config.read_noise_scale = 0.1;
        config.slice_base = 4;
        SynapseArrayShape shape = kTwoSlices;
        shape.devices_per_polarity = slices;
        SynapseArray array(config, shape, 38.6, 1, 0);
        const ProgrammingReport report =
            array.program_weights(spread_targets(600, 6.0), 1.0F, finest_step(array, 1.0), 0);
        CAPTURE(slices);
        CHECK(double(report.converged) >= 0.99 * 600);
        CHECK(double(report.pulses) / 600 < 40);
    }
}

TEST_CASE("synapses with stuck slices and targets out of range are given up early, as near as they can be") {
    CrossbarConfig config = perfect("ideal", 16);
    config.slice_base = 4;
    config.programming.tolerance_us = 0.1;
    config.faults.stuck_min = 0.1;
    SynapseArray array(config, kTwoSlices, 1.0, 1, 0);
    const ProgrammingReport report =
        array.program_weights(spread_targets(600, 6.0), 1.0F, finest_step(array, 0.75), 0);
    CHECK(report.converged > 600 * 0.6);
    CHECK(report.converged < 600);
    for (std::size_t i = 0; i < 600; ++i) {
        std::uint64_t pulses = 0;
        for (std::size_t plane = 0; plane < 4; ++plane) {
            pulses += wear(array, plane * 600 + i) - 1;
        }
        CHECK(pulses < 300);  // of the 2000 that it may have
    }
    config.faults = {};
    SynapseArray far(config, kTwoSlices, 1.0, 1, 0);
    const ProgrammingReport beyond =
        far.program_weights(std::vector<float>(600, 30.0F), 1.0F, finest_step(far, 0.75), 0);
    CHECK(beyond.converged == 0);
    CHECK(beyond.clipped == 600);
    CHECK(beyond.pulses <= 600 * 32);
    CHECK(beyond.largest_error_us < 18.5);
}

TEST_CASE("a checked write passes full slices over") {
    CrossbarConfig config = perfect("ideal", 16);
    config.slice_base = 4;
    SynapseArray array(config, {.rows = 1, .columns = 2, .devices_per_polarity = 2}, 1.0, 1, 0);
    const float step = finest_step(array, 0.75);
    const VerifiedWrites how{.on = true, .step_us = step, .tolerance_us = 0.1F * step, .rounds = 5};
    std::vector<float> d(2);
    for (std::uint32_t event = 0; event < 12; ++event) {  // the fine slice takes 3 of 16 steps each time
        std::vector<VerifiedSynapse> done;
        const std::uint64_t before = array.counters().set_pulses;
        array.write_verified(std::vector<std::int16_t>{3, 0}, how, event, 0, &done);
        array.state(0, d);
        CAPTURE(event);
        CHECK(double(d[0]) == doctest::Approx(3.0 * (event + 1) * double(step)).epsilon(1e-4));
        REQUIRE(done.size() == 1);
        CHECK(done[0].pulses + done[0].correction_pulses == array.counters().set_pulses - before);
        CHECK(done[0].corrections == 0);
        CHECK(wear(array, 2) <= 1 + 16);
    }
}

TEST_CASE("every slice is converted by itself, then shifted and added") {
    for (const ReadNoise noise : {ReadNoise::per_column, ReadNoise::per_device}) {
        CrossbarConfig config = perfect("ideal", 16);
        config.g_max_us = 16.0;
        config.slice_base = 4;
        config.read_noise = noise;
        config.adc_bits = 5;
        config.adc.range = AdcRange::fixed;
        config.adc.range_us = 64.0;  // a code is 4 uS of one slice
        config.tile_rows = 8;
        SynapseArray array(config, {.rows = 20, .columns = 30, .devices_per_polarity = 3}, 1.0, 1, 0);
        std::vector<std::int16_t> steps(600);
        for (std::size_t i = 0; i < 600; ++i) {
            steps[i] = static_cast<std::int16_t>(int(i * 29 % 181) - 90);
        }
        array.program(steps, SynapseArray::Phase::update, 0, 0);
        array.renew(0);
        std::vector<std::uint32_t> rows{0, 1, 2, 5, 7, 8, 9, 15, 19};
        std::vector<float> out(30), parts(30), part(30);
        array.read(rows, 3, 4, out);
        CHECK(array.counters().adc_conversions == 3 * 3 * 30);  // slices, tiles with driven rows, columns
        for (std::uint32_t c = 0; c < 30; ++c) {
            double expected = 0.0;
            for (std::uint32_t k = 0; k < 3; ++k) {
                double converted = 0.0;
                for (std::uint32_t block = 0; block < 3; ++block) {
                    double sum = 0.0;
                    for (const std::uint32_t row : rows) {
                        if (row / 8 == block) {
                            const std::size_t i = std::size_t{row} * 30 + c;
                            sum += double(array.devices().conductance_us[k * 600 + i]) -
                                   double(array.devices().conductance_us[(3 + k) * 600 + i]);
                        }
                    }
                    converted += 4.0 * std::clamp(std::floor(sum / 4.0 + 0.5), -16.0, 15.0);
                }
                expected += std::pow(4.0, 2 - int(k)) / 21.0 * converted;
            }
            CHECK(double(out[c]) == doctest::Approx(expected).epsilon(1e-5));
        }
        // Tiles add up to the whole, column range by column range.
        for (std::uint32_t block = 0; block < 3; ++block) {
            std::vector<std::uint32_t> of_block;
            std::copy_if(rows.begin(), rows.end(), std::back_inserter(of_block),
                         [&](std::uint32_t row) { return row / 8 == block; });
            for (const std::uint32_t first : {0U, 17U}) {
                const auto width = first == 0 ? 17U : 13U;
                array.read_part(of_block, 3, 4, first, std::span(part).subspan(first, width));
            }
            for (std::size_t c = 0; c < 30; ++c) {
                parts[c] = block == 0 ? part[c] : parts[c] + part[c];
            }
        }
        CHECK(parts == out);
        CHECK(array.conversions_per_column() == 3);
    }
}

TEST_CASE("converters of slices deviate and are noisy each in its own way, alike devices share one") {
    CrossbarConfig config = perfect("ideal", 16);
    config.adc_bits = 12;
    config.adc.range = AdcRange::fixed;
    config.adc.noise_lsb = 3.0;
    config.adc.offset_lsb = 20.0;
    const std::vector<std::uint32_t> row{0};
    for (const std::int64_t base : {1, 4}) {
        config.slice_base = base;
        SynapseArray array(config, {.rows = 1, .columns = 2000, .devices_per_polarity = 2}, 1.0, 1, 0);
        array.renew(0);
        std::vector<float> out(2000);
        array.read(row, 0, 0, out);
        CHECK(array.counters().adc_conversions == (base == 1 ? 2000 : 4000));
        double square = 0.0;
        for (const float v : out) {
            square += double(v) * double(v);
        }
        // All that is read is the converters' own: independent between slices, weighted with 4/5 and 1/5.
        const double lsb = 200.0 / 4096, of_one = std::hypot(3.0, 20.0) * lsb;
        const double expected = base == 1 ? of_one : of_one * std::hypot(0.8, 0.2);
        CHECK(std::sqrt(square / 2000) == doctest::Approx(expected).epsilon(0.07));  // 4 / sqrt(2 * 2000)
    }
}
