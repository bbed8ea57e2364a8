// Ways to put a weight on devices: offset columns, bit slices, and devices that are not ohmic.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <vector>

#include "crossbar/array/response_kernels.hpp"
#include "crossbar/array/synapse_array.hpp"
#include "crossbar/base/error.hpp"
#include "crossbar/base/simd.hpp"
#include "crossbar/device/device_model.hpp"

using namespace memprop;
using namespace memprop::crossbar;

namespace {

CrossbarConfig ideal_config() {
    CrossbarConfig config;
    config.device = "ideal";
    config.bits = 4;
    config.g_max_us = 16.0;  // one pulse = 1 uS
    return config;
}

CrossbarConfig bidirectional_config() {
    CrossbarConfig config;
    config.device = "soft_bounds";
    find_device_kind(config.device).preset(config);
    config.write_noise_scale = 0.0;
    return config;
}

std::vector<float> state_of(SynapseArray& array) {
    std::vector<float> d(array.synapses());
    array.state(0, d);
    return d;
}

}  // namespace

TEST_CASE("an offset column gives every column of a row the same reference") {
    CrossbarConfig config = bidirectional_config();
    config.subtraction = Subtraction::offset_column;
    const SynapseArrayShape shape{.rows = 6, .columns = 6, .no_diagonal = true};
    SynapseArray array(config, shape, 1.0, 3, 0);
    std::vector<std::int16_t> pulses(36);
    for (std::size_t i = 0; i < 36; ++i) {
        pulses[i] = static_cast<std::int16_t>(int(i) * 11 % 80 - 40);
    }
    array.program(pulses, SynapseArray::Phase::update, 0, 0);
    array.renew(0);
    const auto& g = array.devices().conductance_us;
    const std::vector<std::uint32_t> rows{0, 2, 5};
    std::vector<float> out(6);
    array.read(rows, 0, 0, out);
    const std::vector<float> d = state_of(array);
    double read_us = 0.0;
    for (const std::uint32_t r : rows) {
        read_us += double(g[36 + r * 6]);
        for (std::uint32_t c = 0; c < 6; ++c) {
            read_us += r == c ? 0.0 : double(g[r * 6 + c]);
        }
    }
    for (std::uint32_t c = 0; c < 6; ++c) {
        float sum = 0.0F;
        for (const std::uint32_t r : rows) {
            if (r != c) {
                CHECK(d[r * 6 + c] == doctest::Approx(double(g[r * 6 + c]) - double(g[36 + r * 6])));
                sum += d[r * 6 + c];
            }
        }
        CHECK(out[c] == doctest::Approx(sum));
    }
    for (std::uint32_t device = 36; device < 72; ++device) {
        CHECK((g[device] > 0.0F) == (device % 6 == 0));  // one reference per row
    }
    array.account_reads();
    CHECK(array.counters().device_reads == 3 * (5 + 1));
    CHECK(array.counters().read_conductance_us == doctest::Approx(read_us));
    std::vector<float> measured(36);
    array.measure(0, 0, measured);
    CHECK(array.counters().verify_reads == 30 + 6);
    CHECK(measured[1] == doctest::Approx(d[1]));
    CHECK(measured[7] == 0.0F);  // the diagonal
}

TEST_CASE("synapses that do not exist contribute nothing beside an offset column") {
    for (const bool per_device : {false, true}) {
        CrossbarConfig config = bidirectional_config();
        config.subtraction = Subtraction::offset_column;
        config.read_noise = per_device ? ReadNoise::per_device : ReadNoise::per_column;
        auto connected = std::make_shared<std::vector<std::uint8_t>>(36, std::uint8_t{0});
        for (const std::uint32_t there : {1U, 2U, 7U, 12U, 17U, 35U}) {  // none in row 0 of column 0
            (*connected)[there] = 1;
        }
        SynapseArray array(config, {.rows = 6, .columns = 6, .connected = connected}, 1.0, 3, 0);
        std::vector<std::int16_t> pulses(36);
        for (std::size_t i = 0; i < 36; ++i) {
            pulses[i] = static_cast<std::int16_t>((*connected)[i] != 0 ? 10 + int(i) : 0);
        }
        array.program(pulses, SynapseArray::Phase::update, 0, 0);
        array.renew(0);
        const auto& g = array.devices().conductance_us;
        const std::vector<std::uint32_t> rows{0, 1, 2, 3, 4, 5};
        std::vector<float> out(6), measured(36), expected(6);
        const std::vector<float> d = state_of(array);
        array.measure(0, 0, measured);
        for (std::uint32_t i = 0; i < 36; ++i) {
            const float there = (*connected)[i] != 0 ? g[i] - g[36 + i / 6 * 6] : 0.0F;
            CHECK(d[i] == doctest::Approx(there));
            CHECK(measured[i] == doctest::Approx(there));
            expected[i % 6] += there;
        }
        array.read(rows, 0, 0, out);
        for (std::uint32_t c = 0; c < 6; ++c) {
            CHECK(out[c] == doctest::Approx(expected[c]));
        }
    }
}

TEST_CASE("an offset column stands where the devices of its row rest in the mean") {
    CrossbarConfig config;
    config.device = "reram_array_om";
    find_device_kind(config.device).preset(config);
    config.write_noise_scale = 0.0;
    SynapseArray pairs(config, {.rows = 3, .columns = 400}, 1.0, 2, 0);
    config.subtraction = Subtraction::offset_column;
    config.pulsed.reference_std = 0.0;
    SynapseArray offset(config, {.rows = 3, .columns = 400}, 1.0, 2, 0);
    for (std::uint32_t row = 0; row < 3; ++row) {
        const auto first = pairs.devices().conductance_us.begin() + row * 400;
        const double mean = std::accumulate(first, first + 400, 0.0) / 400;
        CHECK(double(offset.devices().conductance_us[1200 + row * 400]) ==
              doctest::Approx(mean).epsilon(1e-4));
    }
    config = CrossbarConfig{};
    config.subtraction = Subtraction::offset_column;
    CHECK_THROWS_WITH_AS(SynapseArray(config, {.rows = 2, .columns = 2}, 1.0, 1, 0),
                         doctest::Contains("crossbar.subtraction"), InputError);
}

TEST_CASE("pulses on slices are digits, and every step of the finest slice is the same change") {
    CrossbarConfig config = ideal_config();
    config.slice_base = 4;
    const SynapseArrayShape shape{.rows = 1, .columns = 5, .devices_per_polarity = 2};
    SynapseArray array(config, shape, 1.0, 1, 0);
    CHECK(array.pulses_per_device_step() == doctest::Approx(5.0F));
    array.program(std::vector<std::int16_t>{1, 4, 7, -23, 0}, SynapseArray::Phase::update, 0, 0);
    CHECK(array.devices().set_pulses ==
          std::vector<std::uint32_t>{0, 1, 1, 0, 0, 1, 0, 3, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 3, 0});
    CHECK(array.counters().set_pulses == 1 + 1 + 4 + 8);  // what the devices got, not steps of the finest
    const std::vector<float> d = state_of(array);
    for (const auto& [c, pulses] :
         std::vector<std::pair<std::size_t, double>>{{0, 1}, {1, 4}, {2, 7}, {3, -23}}) {
        CHECK(double(d[c]) == doctest::Approx(pulses / 5.0));
    }
    array.renew(0);
    std::vector<float> out(5), measured(5);
    array.read(std::vector<std::uint32_t>{0}, 0, 0, out);
    array.measure(0, 0, measured);
    for (std::size_t c = 0; c < 5; ++c) {
        CHECK(out[c] == doctest::Approx(d[c]));
        CHECK(measured[c] == doctest::Approx(d[c]));
    }
    config.read_noise = ReadNoise::per_device;
    SynapseArray by_device(config, shape, 1.0, 1, 0);
    by_device.program(std::vector<std::int16_t>{1, 4, 7, -23, 0}, SynapseArray::Phase::update, 0, 0);
    by_device.renew(0);
    by_device.read(std::vector<std::uint32_t>{0}, 0, 0, measured);
    CHECK(double(measured[3]) == doctest::Approx(-23 / 5.0));
}

TEST_CASE("a refresh renews slices that are full") {
    CrossbarConfig config = ideal_config();
    config.slice_base = 4;
    SynapseArray array(config, {.rows = 1, .columns = 2, .devices_per_polarity = 2}, 1.0, 1, 0);
    for (std::uint32_t event = 0; event < 5; ++event) {  // the finest slice takes 3 of 16 uS each time
        array.program(std::vector<std::int16_t>{3, 0}, SynapseArray::Phase::update, event, 0);
    }
    CHECK(state_of(array)[0] == doctest::Approx(3.0));
    const RefreshReport report =
        array.refresh({.high_us = 12.0F, .low_us = 6.0F, .epsilon_us = 1.0F, .max_pulses = 20}, 9, 0);
    CHECK(report.pairs == 1);
    CHECK(report.reset_pulses == 4);
    CHECK(report.set_pulses == 3 + 3);  // 15 = 3 * 4 + 3
    CHECK(state_of(array)[0] == doctest::Approx(3.0));
    array.program(std::vector<std::int16_t>{3, 0}, SynapseArray::Phase::update, 10, 0);
    CHECK(state_of(array)[0] == doctest::Approx(3.6));
}

TEST_CASE("pulses on slices that take both directions are counted as devices get them") {
    CrossbarConfig config = bidirectional_config();
    config.slice_base = 4;
    SynapseArray array(config, {.rows = 1, .columns = 3, .devices_per_polarity = 2}, 1.0, 1, 0);
    array.program(std::vector<std::int16_t>{9, -7, 4}, SynapseArray::Phase::update, 0, 0);
    CHECK(array.counters().set_pulses == (2 + 1) + 1);
    CHECK(array.counters().reset_pulses == 1 + 3);
    // The time of a burst is that of these pulses, too.
    config.energy.set_pulse_ns = 100.0;
    config.energy.reset_pulse_ns = 10.0;
    SynapseArray timed(config, {.rows = 1, .columns = 3, .devices_per_polarity = 2}, 1.0, 1, 0);
    CHECK(timed.program_weights(std::vector<float>{9, -7, 4}, 1.0F, 1.0F, 0).known_seconds ==
          doctest::Approx((3 * 100 + 4 * 10) * 1e-9).scale(0));
}

TEST_CASE("targets are programmed as digits, and their errors are those of the slices") {
    CrossbarConfig config;
    config.device = "pcm_inference";
    find_device_kind(config.device).preset(config);
    config.slice_base = 8;
    const auto g_max = static_cast<float>(config.g_max_us);
    constexpr std::uint32_t n = 60;
    std::vector<float> weights(n * n);
    for (std::size_t i = 0; i < weights.size(); ++i) {
        weights[i] = g_max * (static_cast<float>(i * 37 % 2001) / 1000.0F - 1.0F);
    }
    for (const double noise : {0.0, 1.0}) {
        config.write_noise_scale = noise;
        SynapseArray array(config, {.rows = n, .columns = n, .devices_per_polarity = 3}, 20.0, 1, 0);
        const ProgrammingReport report = array.program_weights(weights, 1.0F, 1.0F, 0);
        CAPTURE(noise);
        // A part of the range between the largest digit and the next one up is out of the finest slice's
        // reach.
        const double finest_us = double(g_max) / 511;
        CHECK((report.largest_error_us <= finest_us) == (noise == 0.0));
        // The coarsest slice carries 7 * 64 / 511 of the weight and so of the error of one device, 0.3 to 1.1
        // uS.
        CHECK(report.absolute_error_us / (n * n) < 1.2);
    }
}

TEST_CASE("write-verify reaches the tolerance on slices of noisy devices") {
    CrossbarConfig config;
    config.programming.method = ProgrammingMethod::write_verify;
    config.programming.tolerance_us = 0.3;
    config.read_noise_scale = 0.1;
    config.slice_base = 3;
    SynapseArray array(config, {.rows = 20, .columns = 20, .devices_per_polarity = 3}, 38.6, 1, 0);
    std::vector<float> weights(400);
    for (std::size_t i = 0; i < 400; ++i) {
        weights[i] = 4.0F * static_cast<float>(std::sin(double(i)));
    }
    const ProgrammingReport report =
        array.program_weights(weights, 1.0F, 1.0F / array.pulses_per_device_step(), 0);
    CHECK(double(report.converged) / double(report.synapses) > 0.95);
    CHECK(report.absolute_error_us / 400 < 0.4);
}

TEST_CASE("currents against voltages follow sinh at every curvature, voltage and vector width") {
    constexpr std::size_t kCount = 37;
    std::vector<float> g(kCount), curvature(kCount), rise(kCount), ratio(kCount), first;
    for (std::size_t i = 0; i < kCount; ++i) {
        g[i] = 0.1F + 0.45F * static_cast<float>(i);  // some above g_max
    }
    for (const auto& [at_min, at_max] : std::vector<std::pair<float, float>>{
             {0.0F, 0.0F}, {1e-5F, 1e-3F}, {0.0F, 0.2F}, {3.0F, 1.0F}, {50.0F, 0.0F}}) {
        const CurvatureLaw law{.g_min_us = 0.1F, .g_max_us = 12.0F, .at_min = at_min, .at_max = at_max};
        for (const float x : {0.0F, 1e-6F, 0.01F, -0.15F, 0.5F, -0.99F, 1.0F, -1.0F, 1.7F, 5.0F}) {
            first.clear();
            for (const SimdLevel level : available_simd_levels()) {
                set_simd_level(level);
                find_curvatures(law, g, curvature, rise);
                respond(x, curvature, rise, ratio);
                if (first.empty()) {
                    first = ratio;
                }
                CHECK(ratio == first);
            }
            for (std::size_t i = 0; i < kCount; ++i) {
                const double at = std::clamp((double(g[i]) - 0.1) / 11.9, 0.0, 1.0);
                const double k = std::max(double(at_min) + at * (double(at_max) - double(at_min)), 1e-9);
                const double v = std::clamp(double(x), -2.0, 2.0);
                const double expected = std::sinh(k * v) / std::sinh(k);
                CHECK(std::abs(double(ratio[i]) - expected) <= 1e-5 * std::abs(expected));
                if (x == 1.0F) {
                    CHECK(ratio[i] == 1.0F);
                }
            }
        }
    }
}

TEST_CASE("devices that are not ohmic bend graded reads and leave spikes alone") {
    for (const ReadNoise noise : {ReadNoise::per_column, ReadNoise::per_device}) {
        CrossbarConfig config = ideal_config();
        config.read_noise = noise;
        SynapseArray ohmic(config, {.rows = 3, .columns = 4}, 1.0, 1, 0);
        config.iv = {.curvature_g_min = 3.0, .curvature_g_max = 1.0};
        SynapseArray bent(config, {.rows = 3, .columns = 4}, 1.0, 1, 0);
        const std::vector<std::int16_t> pulses{1, -4, 8, 16, 2, 3, -5, 0, 0, 1, 12, -16};
        const std::vector<std::uint32_t> rows{0, 2};
        std::vector<float> expected(4), out(4);
        for (SynapseArray* array : {&ohmic, &bent}) {
            array->program(pulses, SynapseArray::Phase::update, 0, 0);
            array->renew(0);
            array->read(rows, 0, 0, array == &ohmic ? expected : out);
        }
        CHECK(out == expected);
        bent.read_graded(std::vector<float>{0.5F, 0.0F, -0.25F}, 0, 1, out);
        for (std::size_t c = 0; c < 4; ++c) {
            double sum = 0.0;
            for (const auto& [row, x] : std::vector<std::pair<std::size_t, double>>{{0, 0.5}, {2, -0.25}}) {
                const double d = pulses[row * 4 + c];
                const double g_min = double(bent.model().g_min_us()),
                             at = (std::abs(d) - g_min) / (16.0 - g_min);
                const double k = 3.0 * (1.0 - std::max(at, 0.0)) + 1.0 * std::max(at, 0.0);
                sum += d * std::sinh(k * x) / std::sinh(k);
            }
            CHECK(double(out[c]) == doctest::Approx(sum).epsilon(1e-5));
        }
    }
    CrossbarConfig config = ideal_config();
    config.iv.curvature_g_min = 1.0;
    config.wires.r_bl_ohm = 1.0;
    CHECK_THROWS_WITH_AS(SynapseArray(config, {.rows = 2, .columns = 2}, 1.0, 1, 0),
                         doctest::Contains("crossbar.iv"), InputError);
}
