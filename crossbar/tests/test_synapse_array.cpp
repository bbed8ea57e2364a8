#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "crossbar/array/synapse_array.hpp"
#include "crossbar/base/error.hpp"
#include "crossbar/base/simd.hpp"

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

std::vector<float> state_of(SynapseArray& array) {
    std::vector<float> d(array.synapses());
    array.state(1, d);
    return d;
}

}  // namespace

TEST_CASE("pulses raise G+ or G- and the synapse follows") {
    SynapseArray array(ideal_config(), {.rows = 2, .columns = 2}, 1.0, 1, 0);
    array.program(std::vector<std::int16_t>{3, -2, 0, 20}, SynapseArray::Phase::update, 0, 1);
    CHECK(state_of(array) == std::vector<float>{3, -2, 0, 16});  // 20 pulses saturate at G_max
    array.program(std::vector<std::int16_t>{-1, 1, 0, 0}, SynapseArray::Phase::update, 1, 1);
    CHECK(state_of(array) == std::vector<float>{2, -1, 0, 16});
    CHECK(array.counters().set_pulses == 27);
    CHECK(array.devices().set_pulses == std::vector<std::uint32_t>{3, 1, 0, 20, 1, 2, 0, 0});
}

TEST_CASE("N devices per polarity share pulses in counter order and do not change the gain") {
    SUBCASE("one counter per synapse") {
        SynapseArray array(ideal_config(), {.rows = 1, .columns = 2, .devices_per_polarity = 3}, 1.0, 1, 0);
        array.program(std::vector<std::int16_t>{4, 1}, SynapseArray::Phase::update, 0, 1);
        array.program(std::vector<std::int16_t>{1, 1}, SynapseArray::Phase::update, 1, 1);
        // planes: G+ device 0, 1, 2 of both synapses, then G-
        CHECK(array.devices().set_pulses == std::vector<std::uint32_t>{2, 1, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0});
        CHECK(state_of(array)[0] == doctest::Approx(5.0 / 3));
        CHECK(state_of(array)[1] == doctest::Approx(2.0 / 3));
    }
    SUBCASE("one counter for the array") {
        SynapseArray array(
            ideal_config(),
            {.rows = 1, .columns = 2, .devices_per_polarity = 3, .counter = DeviceCounter::global}, 1.0, 1,
            0);
        array.program(std::vector<std::int16_t>{4, 1}, SynapseArray::Phase::update, 0, 1);
        array.program(std::vector<std::int16_t>{1, -1}, SynapseArray::Phase::update, 1, 1);
        CHECK(array.devices().set_pulses == std::vector<std::uint32_t>{2, 0, 1, 1, 2, 0, 0, 1, 0, 0, 0, 0});
    }
}

TEST_CASE("a read sums the active rows, tile by tile") {
    CrossbarConfig config = ideal_config();
    config.tile_rows = 2;
    SynapseArray array(config, {.rows = 5, .columns = 3}, 1.0, 1, 0);
    std::vector<std::int16_t> pulses(15);
    std::iota(pulses.begin(), pulses.end(), std::int16_t{-7});
    array.program(pulses, SynapseArray::Phase::update, 0, 1);
    array.renew(1);
    std::vector<float> out(3);
    array.read(std::vector<std::uint32_t>{0, 3, 4}, 0, 0, out);
    CHECK(out == std::vector<float>{-7 + 2 + 5, -6 + 3 + 6, -5 + 4 + 7});
    array.read({}, 0, 1, out);
    CHECK(out == std::vector<float>{0, 0, 0});
    array.account_reads();
    CHECK(array.counters().device_reads == 3 * 3 * 2);
    double conductance = 0;
    for (const std::uint32_t row : {0U, 3U, 4U}) {
        for (std::uint32_t c = 0; c < 3; ++c) {
            conductance += std::abs(pulses[row * 3 + c]);
        }
    }
    CHECK(array.counters().read_conductance_us == doctest::Approx(conductance));
    const EnergyConfig cost;
    CHECK(array.counters().energy(cost).read_j ==
          doctest::Approx(conductance * 1e-6 * 0.2 * 0.2 * 130e-9).scale(0));
    CHECK(array.counters().energy(cost).set_j == doctest::Approx(56 * 6.75e-12).scale(0));
}

TEST_CASE("tiles draw their own noise") {
    CrossbarConfig config;
    std::vector<std::uint32_t> rows{0, 1, 2, 3};
    std::vector<float> one(8), two(8);
    SynapseArray whole(config, {.rows = 4, .columns = 8}, 38.6, 3, 0);
    whole.renew(1);
    whole.read(rows, 0, 0, one);
    config.tile_rows = 2;
    SynapseArray split(config, {.rows = 4, .columns = 8}, 38.6, 3, 0);
    split.renew(1);
    split.read(rows, 0, 0, two);
    CHECK(one != two);
}

TEST_CASE(
    "parts of a read, block by block and column range by column range, add up to the read bit for bit") {
    constexpr std::uint32_t kRows = 11, kColumns = 37;
    for (const ReadNoise noise : {ReadNoise::per_column, ReadNoise::per_device}) {
        for (const auto& [scale, curvature] : {std::pair{0.0, 0.0}, {1.0, 0.0}, {1.0, 2.0}}) {
            CrossbarConfig config;
            config.iv.curvature_g_min = curvature;
            config.adc_bits = scale == 0.0 ? 0 : 6;
            config.adc.calibration_reads = 2;
            config.adc.noise_lsb = 0.4;
            config.adc.offset_lsb = 0.4;
            config.driver_noise = scale == 0.0 ? 0.0 : 0.1;
            config.tile_rows = 4;
            config.read_noise = noise;
            config.read_noise_scale = scale;
            config.clamp_reads = noise == ReadNoise::per_device && curvature == 0.0;
            const SynapseArrayShape shape{.rows = kRows, .columns = kColumns, .no_diagonal = true};
            SynapseArray whole(config, shape, 38.6, 3, 1), parted(config, shape, 38.6, 3, 1);
            whole.renew(1);
            parted.renew(1);
            const std::vector<std::uint32_t> rows{1, 3, 8, 9, 10};  // none in the middle block
            for (const std::uint32_t width : {1U, 5U, 16U, 19U, 37U}) {
                CAPTURE(width);
                std::vector<float> expected(kColumns), sum(kColumns);
                whole.read(rows, 2, width, expected);
                for (std::uint32_t first = 0; first < kColumns; first += width) {
                    const std::uint32_t columns = std::min(width, kColumns - first);
                    std::vector<float> part(columns);
                    const std::span own(sum.data() + first, columns);
                    parted.read_part(std::span(rows).subspan(2), 2, width, first, part);  // in any order
                    parted.read_part(std::span(rows).first(2), 2, width, first, own);
                    for (std::uint32_t c = 0; c < columns; ++c) {
                        own[c] += part[c];
                    }
                }
                CHECK(sum == expected);
            }
            whole.account_reads();
            parted.account_reads();
            CHECK(whole.counters().device_reads == parted.counters().device_reads);
            CHECK(whole.counters().read_conductance_us == parted.counters().read_conductance_us);
            CHECK(whole.counters().adc_conversions == parted.counters().adc_conversions);
            CHECK(whole.counters().adc_conversions == (scale == 0.0 ? 0 : 3 * 2 * kColumns));
        }
    }
}

TEST_CASE("the diagonal of a recurrent array does not exist") {
    CrossbarConfig config;
    for (const ReadNoise noise : {ReadNoise::per_column, ReadNoise::per_device}) {
        config.read_noise = noise;
        config.clamp_reads = noise == ReadNoise::per_device;
        SynapseArray array(config, {.rows = 4, .columns = 4, .no_diagonal = true}, 38.6, 3, 0);
        CHECK(array.counters().reset_pulses == 2 * 12);
        array.renew(1);
        std::vector<float> out(4);
        float largest = 0.0F;
        for (std::uint32_t step = 0; step < 20; ++step) {
            array.read(std::vector<std::uint32_t>{2}, 0, step, out);
            CHECK(out[2] == 0.0F);
            largest = std::max(largest, std::abs(out[1]));
        }
        CHECK(largest > 0.0F);
        array.account_reads();
        CHECK(array.counters().device_reads == 20 * 3 * 2);
    }
}

TEST_CASE("refresh restores the difference of saturated pairs and leaves the others alone") {
    SynapseArray array(ideal_config(), {.rows = 1, .columns = 3}, 1.0, 1, 0);
    array.program(std::vector<std::int16_t>{14, 14, 3}, SynapseArray::Phase::update, 0, 1);
    array.program(std::vector<std::int16_t>{-9, -1, -3}, SynapseArray::Phase::update, 1, 1);
    const RefreshReport report =
        array.refresh({.high_us = 12, .low_us = 6, .epsilon_us = 1, .max_pulses = 20}, 2, 1);
    CHECK(report.pairs == 1);
    CHECK(report.absolute_error_us == doctest::Approx(0.0));
    CHECK(report.set_pulses == 5);
    CHECK(report.reset_pulses == 2);
    CHECK(report.verify_reads == 6 + 2 * 6);
    CHECK(state_of(array) == std::vector<float>{5, 13, 0});
    CHECK(array.devices().conductance_us == std::vector<float>{5, 14, 3, 0, 1, 3});
    CHECK(array.counters().reset_pulses == 6 + 2);
    // All six devices once, then both devices of the pair before each of the five pulses and at the end.
    CHECK(array.counters().verify_reads == 6 + 2 * 6);
}

TEST_CASE("refresh on noisy PCM stays within the pulse limit and near the difference") {
    CrossbarConfig config;
    SynapseArray array(config, {.rows = 50, .columns = 50}, 38.6, 7, 0);
    array.program(std::vector<std::int16_t>(2500, 15), SynapseArray::Phase::update, 0, 1);
    array.program(std::vector<std::int16_t>(2500, -7), SynapseArray::Phase::update, 1, 2);
    const std::uint64_t before = array.counters().set_pulses;
    const RefreshReport report =
        array.refresh({.high_us = 9, .low_us = 4.5, .epsilon_us = 1, .max_pulses = 20}, 2, 3);
    CHECK(report.pairs > 500);
    CHECK(array.counters().set_pulses - before <= 20 * report.pairs);
    // One read of the pair has a noise of about 0.6 uS, a first pulse a spread of 1.7 uS.
    CHECK(report.absolute_error_us / double(report.pairs) < 2.0);
}

TEST_CASE("a noise-free measurement equals the state") {
    CrossbarConfig config;
    config.read_noise_scale = 0.0;
    SynapseArray array(config, {.rows = 6, .columns = 5, .no_diagonal = true}, 38.6, 3, 1);
    array.program(std::vector<std::int16_t>(30, 4), SynapseArray::Phase::update, 0, 1);
    std::vector<float> measured(30), state(30);
    array.measure(0, 5, measured);
    array.state(5, state);
    for (std::size_t i = 0; i < 30; ++i) {
        CHECK(measured[i] == doctest::Approx(state[i]).epsilon(1e-6));
    }
    CHECK(array.counters().verify_reads == 25 * 2);
}

TEST_CASE("reads give the same bits at every SIMD level") {
    std::vector<std::vector<float>> results;
    for (const SimdLevel level : available_simd_levels()) {
        set_simd_level(level);
        SynapseArray array(CrossbarConfig{}, {.rows = 70, .columns = 37}, 38.6, 3, 1);
        array.program(std::vector<std::int16_t>(70 * 37, 2), SynapseArray::Phase::update, 0, 1);
        array.renew(2);
        std::vector<float> out(37), all;
        for (std::uint32_t step = 0; step < 10; ++step) {
            array.read(std::vector<std::uint32_t>{1, 4 + step, 69}, 0, step, out);
            all.insert(all.end(), out.begin(), out.end());
        }
        array.account_reads();
        all.push_back(static_cast<float>(array.counters().read_conductance_us));
        results.push_back(all);
    }
    for (const auto& result : results) {
        CHECK(result == results.front());
    }
}

TEST_CASE("clamped reads need one draw per device") {
    CrossbarConfig config;
    config.clamp_reads = true;
    CHECK_THROWS_AS(SynapseArray(config, {.rows = 2, .columns = 2}, 1.0, 1, 0), InputError);
}

TEST_CASE("an unknown device is refused with the ones there are") {
    CrossbarConfig config;
    config.device = "pcm";
    std::string message;
    try {
        SynapseArray(config, {.rows = 2, .columns = 2}, 1.0, 1, 0);
    } catch (const InputError& error) {
        message = error.what();
    }
    CHECK(message.starts_with("crossbar.device = pcm: must be one of pcm_nandakumar2018, ideal, "));
    for (const DeviceKind& kind : device_kinds()) {
        CHECK(message.find(kind.name) != std::string::npos);
    }
}
