#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "crossbar/array/array_wires.hpp"
#include "crossbar/array/synapse_array.hpp"
#include "crossbar/base/error.hpp"
#include "crossbar/wires/wired_array.hpp"

using namespace memprop;
using namespace memprop::crossbar;

namespace {

constexpr std::uint32_t kRows = 11, kColumns = 7, kTileRows = 6, kTileColumns = 4;

CrossbarConfig wired_config() {
    CrossbarConfig config;
    config.device = "ideal";
    config.bits = 5;
    config.g_max_us = 32.0;  // one pulse = 1 uS
    config.tile_rows = kTileRows;
    config.tile_columns = kTileColumns;
    config.wires.r_wl_ohm = 150.0;
    config.wires.r_bl_ohm = 200.0;
    config.wires.r_driver_ohm = 1000.0;
    return config;
}

std::vector<std::int16_t> some_pulses(std::uint32_t event) {
    std::vector<std::int16_t> pulses(kRows * kColumns);
    for (std::size_t i = 0; i < pulses.size(); ++i) {
        pulses[i] = static_cast<std::int16_t>((int(i) * 7 + int(event) * 5) % 23 - 9);
    }
    return pulses;
}

/// Output currents (uS at 1 V) and drawn, dissipated power (uW) of all tiles and planes, each solved on its
/// own.
struct Expected {
    std::vector<double> out = std::vector<double>(kColumns);
    double drawn = 0.0, devices = 0.0;
};
Expected solve(const SynapseArray& array, const WireParameters& wires,
               const std::vector<std::uint32_t>& rows) {
    Expected expected;
    const auto& g = array.devices().conductance_us;
    for (std::uint32_t plane = 0; plane < 2; ++plane) {
        for (std::uint32_t r0 = 0; r0 < kRows; r0 += kTileRows) {
            for (std::uint32_t c0 = 0; c0 < kColumns; c0 += kTileColumns) {
                const std::uint32_t m = std::min(kTileRows, kRows - r0),
                                    n = std::min(kTileColumns, kColumns - c0);
                std::vector<double> siemens(std::size_t{m} * n), volts(m), amperes(n);
                for (std::uint32_t r = 0; r < m; ++r) {
                    volts[r] = std::count(rows.begin(), rows.end(), r0 + r) > 0 ? 1.0 : 0.0;
                    for (std::uint32_t c = 0; c < n; ++c) {
                        siemens[r * n + c] = 1e-6 * double(g[(plane * kRows + r0 + r) * kColumns + c0 + c]);
                    }
                }
                WiredArray wired(m, n, wires);
                wired.set_conductances(siemens);
                wired.renew();
                wired.read(volts, amperes);
                for (std::uint32_t c = 0; c < n; ++c) {
                    expected.out[c0 + c] += (plane == 0 ? 1e6 : -1e6) * amperes[c];
                }
                const ReadPower power = wired.read_power(volts).front();
                expected.drawn += 1e6 * power.drawn_watts;
                expected.devices += 1e6 * power.devices_watts;
            }
        }
    }
    return expected;
}

WireParameters parameters(const CrossbarConfig& config) {
    return {.r_wl_ohm = config.wires.r_wl_ohm,
            .r_bl_ohm = config.wires.r_bl_ohm,
            .r_driver_ohm = config.wires.r_driver_ohm,
            .r_sense_ohm = config.wires.r_sense_ohm};
}

}  // namespace

TEST_CASE("reads of an array with wires are the exact currents of its tiles, before and after a write") {
    const CrossbarConfig config = wired_config();
    SynapseArray array(config, {.rows = kRows, .columns = kColumns}, 1.0, 1, 0);
    const std::vector<std::uint32_t> rows{0, 1, 4, 7, 8, 10};
    for (std::uint32_t event = 0; event < 3; ++event) {
        array.program(some_pulses(event), SynapseArray::Phase::update, event, 1);
        array.renew(1);
        std::vector<float> out(kColumns);
        array.read(rows, 0, event, out);
        const Expected expected = solve(array, parameters(config), rows);
        double ideal = 0.0, difference = 0.0;
        for (std::uint32_t c = 0; c < kColumns; ++c) {
            CAPTURE(c);
            CHECK(double(out[c]) == doctest::Approx(expected.out[c]).epsilon(1e-5));
            for (const std::uint32_t r : rows) {
                const auto& g = array.devices().conductance_us;
                ideal += std::abs(double(g[r * kColumns + c] - g[(kRows + r) * kColumns + c]));
            }
            difference += std::abs(double(out[c]));
        }
        CHECK(difference < 0.98 * ideal);  // the wires matter here
    }
}

TEST_CASE("graded reads see the wires like spikes do, superposed") {
    const CrossbarConfig config = wired_config();
    SynapseArray array(config, {.rows = kRows, .columns = kColumns}, 1.0, 1, 0);
    array.program(some_pulses(0), SynapseArray::Phase::update, 0, 1);
    array.renew(1);
    std::vector<float> drive(kRows), graded(kColumns), one(kColumns);
    std::vector<double> sum(kColumns);
    for (std::uint32_t r = 0; r < kRows; ++r) {
        drive[r] = 0.1F * static_cast<float>(r) - 0.4F;
        array.read(std::vector<std::uint32_t>{r}, 0, r, one);
        for (std::uint32_t c = 0; c < kColumns; ++c) {
            sum[c] += double(drive[r]) * double(one[c]);
        }
    }
    array.read_graded(drive, 0, 99, graded);
    for (std::uint32_t c = 0; c < kColumns; ++c) {
        CHECK(double(graded[c]) == doctest::Approx(sum[c]).epsilon(1e-5));
    }
}

TEST_CASE(
    "the energy of reads with wires is what the sources deliver, and its part in wires what is not in "
    "devices") {
    const CrossbarConfig config = wired_config();
    SynapseArray array(config, {.rows = kRows, .columns = kColumns}, 1.0, 1, 0);
    array.program(some_pulses(1), SynapseArray::Phase::update, 0, 1);
    array.renew(1);
    double drawn = 0.0, devices = 0.0;
    std::vector<float> out(kColumns);
    std::uint32_t step = 0;
    for (const std::vector<std::uint32_t>& rows :
         {std::vector<std::uint32_t>{0, 1, 4, 7, 8, 10}, {3}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}}) {
        array.read(rows, 0, step++, out);
        const Expected expected = solve(array, parameters(config), rows);
        drawn += expected.drawn;
        devices += expected.devices;
    }
    array.account_reads();
    const ArrayCounters& counters = array.counters();
    CHECK(counters.read_conductance_us + counters.wires_us == doctest::Approx(drawn).epsilon(1e-6));
    CHECK(drawn - devices > 0.02 * drawn);
    CHECK(counters.wires_us == doctest::Approx(drawn - devices).epsilon(0.05));
    const EnergyBreakdown energy = counters.energy(config.energy);
    CHECK(*energy.wires_j / *energy.read_j ==
          doctest::Approx(counters.wires_us / counters.read_conductance_us));
    CHECK(energy.total_j().value() > *energy.read_j + *energy.wires_j - 1e-30);
}

TEST_CASE("parts of a read add up to the whole with wires, in any order") {
    CrossbarConfig config = wired_config();
    config.device = "pcm_nandakumar2018";
    config.g_max_us = 12.0;
    const SynapseArrayShape shape{.rows = kColumns, .columns = kColumns, .no_diagonal = true};
    SynapseArray whole(config, shape, 38.6, 3, 1), parted(config, shape, 38.6, 3, 1);
    whole.renew(1);
    parted.renew(1);
    const std::vector<std::uint32_t> rows{1, 3, 6};
    std::vector<float> expected(kColumns), sum(kColumns);
    whole.read(rows, 2, 5, expected);
    for (std::uint32_t first = 0; first < kColumns; first += kTileColumns) {
        const std::uint32_t columns = std::min(kTileColumns, kColumns - first);
        std::vector<float> part(columns);
        const std::span own(sum.data() + first, columns);
        parted.read_part(std::span(rows).subspan(2), 2, 5, first, part);
        parted.read_part(std::span(rows).first(2), 2, 5, first, own);
        for (std::uint32_t c = 0; c < columns; ++c) {
            own[c] += part[c];
        }
    }
    CHECK(sum == expected);
    whole.account_reads();
    parted.account_reads();
    CHECK(whole.counters().wires_us == parted.counters().wires_us);
    CHECK(whole.counters().wires_us > 0.0);
    CHECK(whole.counters().read_conductance_us == parted.counters().read_conductance_us);
}

TEST_CASE("wires are solved again when the setting says so, and changed devices are seen in between") {
    CrossbarConfig config = wired_config();
    config.tile_rows = kRows;
    const auto count = [&](const auto& set) {
        CrossbarConfig own = config;
        set(own.wires);
        SynapseArray array(own, {.rows = kRows, .columns = kColumns}, 1.0, 1, 0);
        for (std::int32_t tick = 0; tick < 12; ++tick) {
            array.program(some_pulses(static_cast<std::uint32_t>(tick)), SynapseArray::Phase::update,
                          static_cast<std::uint32_t>(tick), tick);
            array.renew(tick);
            array.renew(tick);  // nothing has changed
        }
        return array.wires().solutions();
    };
    CHECK(count([](WiresConfig&) {}) == 12);
    CHECK(count([](WiresConfig& w) {
              w.renew = WireRenewal::every_k;
              w.renew_every = 5;
          }) == 3);
    CHECK(count([](WiresConfig& w) {
              w.renew = WireRenewal::on_change_above;
              w.renew_change = 1.0;
          }) == 1);

    config.wires.renew = WireRenewal::every_k;
    config.wires.renew_every = 100;
    SynapseArray stale(config, {.rows = kRows, .columns = kColumns}, 1.0, 1, 0);
    stale.program(some_pulses(0), SynapseArray::Phase::update, 0, 0);
    stale.renew(0);
    std::vector<float> before(kColumns), after(kColumns);
    std::vector<std::uint32_t> rows(kRows);
    std::iota(rows.begin(), rows.end(), 0U);
    stale.read(rows, 0, 0, before);
    stale.program(std::vector<std::int16_t>(kRows * kColumns, 1), SynapseArray::Phase::update, 1, 1);
    stale.renew(1);
    stale.read(rows, 0, 1, after);
    const Expected exact = solve(stale, parameters(config), rows);
    for (std::uint32_t c = 0; c < kColumns; ++c) {
        const double change = double(after[c]) - double(before[c]),
                     true_change = exact.out[c] - double(before[c]);
        CAPTURE(c);
        CHECK(change > 0.7 * true_change);
        CHECK(change < 1.4 * true_change);
        CHECK(change < double(kRows));  // attenuated
    }
}

TEST_CASE("settings of wires that cannot be are refused") {
    CrossbarConfig config = wired_config();
    config.read_noise = ReadNoise::per_device;
    config.clamp_reads = true;
    CHECK_THROWS_WITH_AS(SynapseArray(config, {.rows = 2, .columns = 2}, 1.0, 1, 0),
                         doctest::Contains("crossbar.clamp_reads"), InputError);
    config = wired_config();
    config.wires.r_bl_ohm = 1e-10;
    CHECK_THROWS_WITH_AS(SynapseArray(config, {.rows = 2, .columns = 2}, 1.0, 1, 0),
                         doctest::Contains("crossbar.wires.r_bl_ohm"), InputError);
}
