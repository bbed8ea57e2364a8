#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "crossbar/array/synapse_array.hpp"
#include "crossbar/base/error.hpp"

using namespace memprop;
using namespace memprop::crossbar;

namespace {

const SynapseArrayShape kShape{.rows = 100, .columns = 100};
constexpr double kDevices = 20000;

/// Four standard errors of a count of n trials with probability p.
double count_error(double n, double p) {
    return 4 * std::sqrt(n * p * (1 - p));
}

SynapseArray make(const CrossbarConfig& config) {
    return {config, kShape, 38.6, 3, 0};
}

/// As many SET pulses on G+ of every synapse.
void pulse_all(SynapseArray& array, std::int16_t count, std::uint32_t event) {
    const std::vector<std::int16_t> pulses(array.synapses(), count);
    array.program(pulses, SynapseArray::Phase::update, event, 0);
}

}  // namespace

TEST_CASE("an array without fault settings has no faults and keeps its bits") {
    const CrossbarConfig config;
    const SynapseArray array = make(config);
    CHECK(array.faults().none());
    CHECK(array.faulty_devices() == 0);
}

TEST_CASE("stuck devices come at their rates and ignore pulses") {
    CrossbarConfig config;
    config.write_noise_scale = 0.0;
    config.faults.stuck_min = 0.05;
    config.faults.stuck_max = 0.03;
    config.faults.stuck_any = 0.02;
    SynapseArray array = make(config);
    CHECK(std::abs(double(array.faulty_devices()) - 0.1 * kDevices) < count_error(kDevices, 0.1));
    pulse_all(array, 4, 0);
    std::vector<float> d(array.synapses());
    array.state(0, d);
    // G+ works and had four noise-free pulses, and G- works or is stuck where it is.
    std::vector<float> sorted = d;
    std::nth_element(sorted.begin(), sorted.begin() + 5000, sorted.end());
    const float healthy = sorted[5000];
    const auto count = [&](float low, float high) {
        return double(std::count_if(d.begin(), d.end(), [&](float v) { return v >= low && v <= high; }));
    };
    CHECK(std::abs(count(healthy - 1e-4F, healthy + 1e-4F) - 0.9 * 0.95 * 1e4) < count_error(1e4, 0.855));
    // G+ at g_max, G- fine or at g_min: 12 - 0.1.
    CHECK(std::abs(count(11.89F, 11.91F) - 0.03 * 0.95 * 1e4) < count_error(1e4, 0.0285));
    CHECK(array.counters().set_pulses == 40000);  // pulses on stuck devices are issued and counted
}

TEST_CASE("dead lines read nothing, and spare columns take over dead ones") {
    CrossbarConfig config;
    config.faults.dead_columns = 0.1;
    SynapseArray dead = make(config);
    const std::uint64_t lost = dead.faulty_devices();
    CHECK(lost % 200 == 0);
    CHECK(std::abs(double(lost) / 200 - 10) < count_error(100, 0.1));
    pulse_all(dead, 5, 0);
    dead.renew(0);
    std::vector<std::uint32_t> rows{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    std::vector<float> out(100);
    dead.read(rows, 0, 0, out);
    CHECK(std::count(out.begin(), out.end(), 0.0F) == std::ptrdiff_t(lost / 200));

    config.faults.spare_columns = 40;
    SynapseArray repaired = make(config);
    CHECK(repaired.faulty_devices() == 0);
    CHECK(repaired.faults().columns_replaced() > 0);

    config = {};
    config.faults.dead_rows = 0.2;
    SynapseArray rows_dead = make(config);
    CHECK(rows_dead.faulty_devices() % 200 == 0);
    CHECK(std::abs(double(rows_dead.faulty_devices()) / 200 - 20) < count_error(100, 0.2));
}

TEST_CASE("devices wear out after their drawn number of pulses and keep what they hold") {
    CrossbarConfig config;
    config.device = "constant_step";
    config.faults.endurance_pulses = 50;
    config.faults.endurance_spread = 0.4;
    SynapseArray array = make(config);
    double worn_before = 0;
    for (int k = 1; k <= 100; ++k) {
        pulse_all(array, 1, static_cast<std::uint32_t>(k));
        const auto worn = double(array.faulty_devices());
        CHECK(worn >= worn_before);
        worn_before = worn;
        if (k == 50) {  // the median; references get no pulses
            CHECK(std::abs(worn - 5000) < count_error(1e4, 0.5) + 1e4 * 0.02);
        }
    }
    // P(ln N < ln 100) with ln N ~ N(ln 50, 0.4)
    const double expected = 0.5 * (1 + std::erf(std::log(2.0) / 0.4 / std::sqrt(2.0)));
    CHECK(std::abs(worn_before - 1e4 * expected) < count_error(1e4, expected) + 20);
    std::vector<float> before(array.synapses()), after(array.synapses());
    array.state(0, before);
    pulse_all(array, -20, 200);
    array.state(0, after);
    double kept = 0;
    for (std::size_t i = 0; i < before.size(); ++i) {
        kept += before[i] == after[i] ? 1 : 0;
    }
    CHECK(kept >= worn_before);
}

TEST_CASE("a burst ends with a device's last pulse, and the rest of it counts as wear") {
    for (const std::string device : {"pcm_nandakumar2018", "soft_bounds"}) {
        for (const std::uint32_t n : {1U, 2U}) {
            CAPTURE(device);
            CAPTURE(n);
            CrossbarConfig config;
            config.device = device;
            if (const auto preset = find_device_kind(device).preset; preset != nullptr) {
                preset(config);
            }
            config.write_noise_scale = config.pulsed.dw_min_std = 0.0;
            config.faults.endurance_pulses = 30;
            config.faults.endurance_spread = 0.5;
            const SynapseArrayShape shape{.rows = 20, .columns = 20, .devices_per_polarity = n};
            SynapseArray burst(config, shape, 38.6, 3, 0), one_by_one(config, shape, 38.6, 3, 0);
            const int sign = device == "soft_bounds" ? -1 : 1;
            for (std::uint32_t k = 0; k < 40 * n; ++k) {
                pulse_all(one_by_one, static_cast<std::int16_t>(sign), k);
            }
            pulse_all(burst, static_cast<std::int16_t>(sign * 40 * int(n)), 0);
            CHECK(burst.faulty_devices() == one_by_one.faulty_devices());
            CHECK(burst.faulty_devices() > 100 * n);  // P(N < 40) = 0.72 of 400 n
            CHECK(burst.faulty_devices() < 350 * n);
            CHECK(burst.devices().set_pulses == one_by_one.devices().set_pulses);
            CHECK(burst.devices().reset_pulses == one_by_one.devices().reset_pulses);
            CHECK(burst.counters().set_pulses == one_by_one.counters().set_pulses);
            std::vector<float> at_once(400), in_turn(400);
            burst.state(0, at_once);
            one_by_one.state(0, in_turn);
            CHECK(at_once == in_turn);
        }
    }
}

TEST_CASE("a refresh ends with a device's last pulse") {
    CrossbarConfig config;
    config.write_noise_scale = config.read_noise_scale = 0.0;
    config.faults.endurance_pulses = 23;  // two RESETs and 21 SET pulses
    config.faults.endurance_spread = 0.0;
    SynapseArray array(config, {.rows = 1, .columns = 1}, 38.6, 3, 0);
    array.program(std::vector<std::int16_t>{20}, SynapseArray::Phase::update, 0, 0);
    array.program(std::vector<std::int16_t>{-5}, SynapseArray::Phase::update, 1, 0);
    CHECK(array.faulty_devices() == 0);
    std::vector<float> before(1), after(1);
    array.state(0, before);
    const RefreshReport report = array.refresh({.max_pulses = 10}, 2, 0);
    array.state(0, after);
    CHECK(report.pairs == 1);
    CHECK(report.set_pulses == 10);  // none of the last nine reaches it
    CHECK(array.faulty_devices() == 1);
    CHECK(after[0] < 0.8F * before[0]);
}

TEST_CASE("retention failures put devices to g_min at their rate, and pulses bring them back") {
    CrossbarConfig config;
    config.drift_scale = 0.0;
    config.faults.retention_failure = 0.01;
    SynapseArray array = make(config);
    pulse_all(array, 10, 0);
    std::vector<float> d(array.synapses());
    array.state(5, d);
    const double expected = 1 - std::pow(0.99, 5);
    const auto lost = double(std::count_if(d.begin(), d.end(), [](float v) { return v < 1.0F; }));
    CHECK(std::abs(lost - 1e4 * expected) < count_error(1e4, expected) + 20);
    CHECK(array.faulty_devices() == 0);
}

TEST_CASE("faults of devices that do not exist are no faults") {
    CrossbarConfig config;
    config.faults.stuck_max = 0.3;
    auto connected = std::make_shared<std::vector<std::uint8_t>>(100 * 100, std::uint8_t{0});
    for (std::size_t i = 0; i < connected->size(); i += 3) {
        (*connected)[i] = 1;
    }
    SynapseArrayShape shape{.rows = 100, .columns = 100, .no_diagonal = true, .connected = connected};
    const auto exist = double(3334 - 34);  // every third of the diagonal too
    SynapseArray sparse(config, shape, 38.6, 3, 0);
    CHECK(std::abs(double(sparse.faulty_devices()) - 2 * exist * 0.3) < count_error(2 * exist, 0.3));

    // Neither do they conduct, with and without noise of low frequency and wires.
    config.read_noise_scale = 0.0;
    std::vector<std::uint32_t> rows(100);
    std::iota(rows.begin(), rows.end(), 0U);
    for (const bool wires : {false, true}) {
        config.wires.r_driver_ohm = wires ? 1e-6 : 0.0;
        std::vector<float> without(100), with(100);
        config.low_frequency = {};
        SynapseArray quiet(config, shape, 38.6, 3, 0);
        quiet.renew(0);
        quiet.read(rows, 0, 0, without);
        config.low_frequency.one_over_f = 1e-6;
        SynapseArray noisy(config, shape, 38.6, 3, 0);
        noisy.renew(0);
        noisy.read(rows, 0, 0, with);
        for (std::size_t c = 0; c < 100; ++c) {
            CHECK(std::abs(with[c] - without[c]) < 0.01F);
        }
    }

    // An offset column has one device per row besides those of the columns.
    config = {};
    config.device = "soft_bounds";
    find_device_kind(config.device).preset(config);
    config.subtraction = Subtraction::offset_column;
    config.faults.stuck_min = 0.3;
    SynapseArray offset = make(config);
    CHECK(std::abs(double(offset.faulty_devices()) - 10100 * 0.3) < count_error(10100, 0.3));
    const std::string file = "test_faults_offset.csv";
    config.faults = {};
    config.faults.map_file = file;
    std::ofstream(file) << "array,row,column,device,fault\n0,1,0,1,max\n0,1,5,0,max\n";
    CHECK(make(config).faulty_devices() == 2);
    std::ofstream(file) << "array,row,column,device,fault\n0,1,5,1,max\n";
    CHECK_THROWS_WITH_AS(make(config),
                         doctest::Contains("test_faults_offset.csv:2: array 0, row 1, column 5"), InputError);
    std::remove(file.c_str());
}

TEST_CASE("spare columns of an offset column are chosen by the devices there are") {
    CrossbarConfig config;
    config.device = "soft_bounds";
    find_device_kind(config.device).preset(config);
    config.subtraction = Subtraction::offset_column;
    config.faults.stuck_min = 0.02;
    config.faults.spare_columns = 30;
    SynapseArray repaired = make(config);
    const std::uint64_t left = repaired.faulty_devices();
    config.faults.spare_columns = 0;
    const std::uint64_t before = make(config).faulty_devices();
    CHECK(repaired.faults().columns_replaced() > 10);
    // 0.74 of the faults are left; 0.83 if the devices that do not exist had a say.
    CHECK(double(left) < 0.78 * double(before));
}

TEST_CASE("a map file names single devices") {
    const auto faults = parse_fault_map(
        "array,row,column,device,fault\n0,1,2,0,max\n1,0,0,1,min\n0,3,4,1,2.5\n", "map.csv", 0.1F, 12.0F);
    REQUIRE(faults.size() == 3);
    CHECK(faults[0].conductance_us == 12.0F);
    CHECK(faults[1].array == 1);
    CHECK(faults[2].conductance_us == 2.5F);
    for (const std::string bad :
         {"row,column\n", "array,row,column,device,fault\n0,1,2,0\n",
          "array,row,column,device,fault\n0,1,x,0,min\n", "array,row,column,device,fault\n0,1,2,0,-3\n",
          "array,row,column,device,fault\n0,1,2,0,nan\n",
          "array,row,column,device,fault\n0,1,2,0,min\n0,1,2,0,max\n"}) {
        CHECK_THROWS_WITH_AS(parse_fault_map(bad, "map.csv", 0.1F, 12.0F), doctest::Contains("map.csv:"),
                             InputError);
    }
    CHECK_THROWS_WITH_AS(parse_fault_map("", "map.csv", 0.1F, 12.0F), doctest::Contains("map.csv: is empty"),
                         InputError);
    const std::string file = "test_faults_map.csv";
    std::ofstream(file) << "array,row,column,device,fault\n0,1,2,0,max\n1,0,0,1,min\n0,3,4,1,2.5\n";
    CrossbarConfig config;
    config.faults.map_file = file;
    SynapseArray array = make(config);
    const std::vector<std::uint32_t> none_but_0{0}, both{0, 1};
    CHECK_NOTHROW(check_mapped_arrays(config.faults, both));
    CHECK_THROWS_WITH_AS(check_mapped_arrays(config.faults, none_but_0),
                         doctest::Contains("test_faults_map.csv:3: array = 1"), InputError);
    std::ofstream(file) << "array,row,column,device,fault\n0,100,2,0,max\n";
    CHECK_THROWS_WITH_AS(make(config), doctest::Contains("test_faults_map.csv:2: array 0, row 100"),
                         InputError);
    std::remove(file.c_str());
    for (const char* unreadable : {"test_faults_no_such_file.csv", "."}) {
        config.faults.map_file = unreadable;
        CHECK_THROWS_WITH_AS(make(config), doctest::Contains("crossbar.faults.map_file"), InputError);
    }
    CHECK(array.faulty_devices() == 2);
    std::vector<float> d(array.synapses());
    array.state(0, d);
    CHECK(d[102] > 11.5F);
    CHECK(d[304] < -2.0F);
}

TEST_CASE("spare columns take over for columns of a map file, unless they are worse") {
    const std::string file = "test_faults_spares.csv";
    const std::string map = "array,row,column,device,fault\n0,1,2,0,max\n0,5,2,1,max\n0,9,40,0,max\n";
    const std::string first_spare = "0,3,100,0,4.5\n0,4,100,0,4.5\n", second_spare = "0,7,101,0,7.5\n";
    CrossbarConfig config;
    config.faults.map_file = file;
    config.faults.spare_columns = 1;
    std::ofstream(file) << map << first_spare;
    const SynapseArray worse = make(config);
    config.faults.spare_columns = 2;
    std::ofstream(file) << map << first_spare << second_spare;
    SynapseArray array = make(config);
    std::remove(file.c_str());
    CHECK(worse.faults().columns_replaced() == 0);
    CHECK(worse.faulty_devices() == 3);
    CHECK(array.faults().columns_replaced() == 1);  // column 2, by the second spare
    CHECK(array.faulty_devices() == 2);
    std::vector<float> d(array.synapses());
    array.state(0, d);
    CHECK(d[1 * 100 + 2] < 1.0F);
    CHECK(d[7 * 100 + 2] > 7.0F);
    CHECK(d[9 * 100 + 40] > 11.0F);
}
