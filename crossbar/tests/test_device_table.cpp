#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "crossbar/array/counters.hpp"
#include "crossbar/base/error.hpp"
#include "crossbar/device/table_device.hpp"

using namespace memprop;
using namespace memprop::crossbar;

namespace {

// Two devices that differ in step and bounds, without scatter.
constexpr std::string_view kTwo =
    "# read_noise_us = 0.25\n"
    "# measured on a Monday\n"
    "# drift_exponent = 0.1\n"
    "# drift_t0_s = 10\n"
    "# set_pulse_pj = 1.5\n"
    "# source = lot 7, 25 C\n"
    "device,conductance_us,pulse,mean_step_us,std_step_us\n"
    "slow,2,up,0.1,0\n"
    "slow,10,up,0.1,0\n"
    "slow,2,down,0.1,0\n"
    "slow,10,down,0.1,0\n"
    "fast,1,up,0.3,0\n"
    "fast,20,up,0.3,0\n"
    "fast,1,down,0.3,0\n"
    "fast,20,down,0.3,0\n";

CrossbarConfig config_of_table() {
    CrossbarConfig config;
    config.device = "table";
    return config;
}

std::string with_line(std::string_view line) {
    return std::string(line) +
           "\nconductance_us,pulse,mean_step_us,std_step_us\n1,up,0.1,0\n2,up,0.1,0\n1,down,0.1,0\n2,down,0."
           "1,0\n";
}

}  // namespace

TEST_CASE("a table says what it knows, and nothing else") {
    const DeviceTable table = parse_device_table(kTwo, "two.csv");
    REQUIRE(table.devices.size() == 2);
    CHECK(table.devices[1].name == "fast");
    CHECK(table.devices[1].down.conductance == std::vector<double>{1.0, 20.0});
    CHECK(table.read_noise_us == 0.25);
    CHECK(table.drift_exponent == 0.1);
    CHECK(table.energy.set_pulse_pj == 1.5);
    CHECK(table.energy.source == "lot 7, 25 C");
    CHECK_FALSE(table.energy.reset_pulse_pj.has_value());
    CHECK_FALSE(table.energy.read_voltage_v.has_value());
    const DeviceTable plain = parse_device_table(with_line("# a comment"), "plain.csv");
    CHECK(plain.read_noise_us == 0.0);
    CHECK(plain.energy.source.empty());
    CHECK(plain.energy.missing().size() == 4);
}

TEST_CASE("bad tables are refused with the line and what is allowed") {
    const auto message = [](const std::string& text) {
        try {
            parse_device_table(text, "bad.csv");
        } catch (const InputError& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    CHECK(message(with_line("# read_nois_us = 1")).find("bad.csv:1: read_nois_us = '1': is no key") == 0);
    CHECK(message(with_line("# read_noise_us = -1"))
              .find("bad.csv:1: read_noise_us = '-1': must be a number in [0") == 0);
    CHECK(message(with_line("# set_pulse_pj = 1\n# set_pulse_pj = 2")).find("bad.csv:2:") == 0);
    CHECK(message(with_line("# drift_exponent = 0.1")).find("needs drift_t0_s") != std::string::npos);
    const std::string header = "device,conductance_us,pulse,mean_step_us,std_step_us\n";
    CHECK(message(header + "a,1,up,1,0\na,2,up,1,0\nb,1,up,1,0\nb,2,up,1,0\na,3,up,1,0\n")
              .find("bad.csv:6: device") == 0);
    CHECK(message(header + "a,1,up,1,0\na,2,up,1,0\nb,1,up,1,0\n")
              .find("1 row(s) for up pulses of device 'b'") != std::string::npos);
    CHECK(message(header + "a,1,up,1,0\na,2,up,1,0\nb,1,up,1,0\nb,2,up,1,0\nb,1,down,1,0\nb,2,down,1,0\n")
              .find("0 row(s) for down pulses of device 'a'") != std::string::npos);
}

TEST_CASE("every simulated device is one of the table, with its steps and bounds") {
    const CrossbarConfig config = config_of_table();
    TableDevice model(config, 1.0, parse_device_table(kTwo, "two.csv"));
    constexpr std::uint32_t n = 1001;
    DeviceState state;
    state.resize(n);
    model.draw_spread(n, 3, 1);
    model.advance_to(0);
    for (std::uint32_t i = 0; i < n; ++i) {
        model.reset(state, i, {}, 0);
    }
    // Steps are equally large everywhere: at rest half way, but the slow ones only reach 10 uS.
    const double rest = double(model.rest_us());
    CHECK(rest == doctest::Approx(10.5).epsilon(0.01));
    std::size_t fast = 0;
    model.pulse(state, 0, std::vector<std::int16_t>(n, -20), {.seed = 1, .stream = Stream::set_noise}, 0);
    for (std::uint32_t i = 0; i < n; ++i) {
        fast += model.drawn()[i];
        CHECK(state.conductance_us[i] ==
              doctest::Approx(model.drawn()[i] == 1 ? rest - 6.0 : 8.0).epsilon(1e-4));
    }
    CHECK(std::abs(double(fast) - 0.5 * n) < 4.0 * std::sqrt(0.25 * n));
    model.pulse(state, 0, std::vector<std::int16_t>(n, 1000), {.seed = 1, .stream = Stream::set_noise}, 0);
    for (std::uint32_t i = 0; i < n; ++i) {
        CHECK(state.conductance_us[i] == (model.drawn()[i] == 1 ? 20.0F : 10.0F));
    }
}

TEST_CASE("vectors of different devices give the bits of single ones") {
    const std::string table =
        "device,conductance_us,pulse,mean_step_us,std_step_us\n"
        "a,1,up,0.5,0.2\na,9,up,0.1,0.1\na,1,down,0.1,0.1\na,9,down,0.4,0.2\n"
        "b,2,up,0.4,0.1\nb,12,up,0.2,0.1\nb,2,down,0.2,0.1\nb,12,down,0.3,0.1\n"
        "c,1,up,0.2,0.3\nc,7,up,0.1,0.3\nc,1,down,0.1,0.3\nc,7,down,0.2,0.3\n";
    TableDevice model(config_of_table(), 1.0, parse_device_table(table, "three.csv"));
    constexpr std::uint32_t n = 203;
    DeviceState whole, single;
    whole.resize(n);
    single.resize(n);
    model.draw_spread(n, 7, 0);
    std::vector<std::int16_t> pulses(n);
    for (std::uint32_t i = 0; i < n; ++i) {
        pulses[i] = static_cast<std::int16_t>(static_cast<int>(i % 9) - 4);
        model.reset(whole, i, {}, 0);
        model.reset(single, i, {}, 0);
    }
    const DrawKey key{.seed = 5, .stream = Stream::set_noise};
    model.pulse(whole, 0, pulses, key, 1);
    for (std::uint32_t i = 0; i < n; ++i) {
        model.pulse(single, i, {&pulses[i], 1}, key, 1);
    }
    CHECK(whole.conductance_us == single.conductance_us);
}

TEST_CASE("reads of a table have its noise, and states drift as it says") {
    CrossbarConfig config = config_of_table();
    const DeviceTable table = parse_device_table(kTwo, "two.csv");
    const auto observed = [&](std::int32_t tick) {
        TableDevice model(config, 1.0, table);
        DeviceState state;
        state.resize(64);
        model.draw_spread(64, 1, 0);
        model.advance_to(tick);
        std::fill(state.conductance_us.begin(), state.conductance_us.end(), 5.0F);
        std::vector<float> mean(64), sigma(64);
        model.observe(state, 0, tick, mean, sigma);
        CHECK(model.drifts() == (config.drift_scale > 0.0));  // what compensation asks
        CHECK(model.drift_factor(tick) ==
              doctest::Approx(std::pow(std::max(tick, 10) / 10.0, -0.1 * config.drift_scale)));
        return std::pair{mean, sigma};
    };
    CHECK(observed(5).first[0] == 5.0F);
    CHECK(observed(5).second[0] == 0.25F);
    CHECK(observed(1000).first[0] == doctest::Approx(5.0 * std::pow(100.0, -0.1)));
    config.read_noise_scale = 2.0;
    config.drift_scale = 0.0;
    CHECK(observed(1000).first[0] == 5.0F);
    CHECK(observed(1000).second[0] == 0.5F);
    config.drift_scale = 1.0;
    config.drift_spread = 1.0;
    float least = 5.0F, most = 0.0F;
    for (const float g : observed(1000).first) {
        least = std::min(least, g);
        most = std::max(most, g);
    }
    CHECK(least < 2.5F);
    CHECK(most <= 5.0F);  // nothing grows
    CHECK(most > 4.0F);
}

TEST_CASE("energies follow from the figures that are known") {
    const ArrayCounters counters{.set_pulses = 3, .reset_pulses = 2, .read_conductance_us = 10.0};
    EnergyConfig costs = EnergyConfig::none();
    EnergyBreakdown energy = counters.energy(costs);
    CHECK_FALSE(energy.set_j.has_value());
    CHECK_FALSE(energy.read_j.has_value());
    CHECK_FALSE(energy.total_j().has_value());
    CHECK(energy.wires_j == 0.0);  // nothing is lost in wires, whatever a read costs
    costs.set_pulse_pj = 2.0;
    costs.reset_pulse_pj = 1.0;
    costs.read_voltage_v = 0.5;
    CHECK(counters.energy(costs).set_j == doctest::Approx(6e-12).scale(0));
    CHECK_FALSE(counters.energy(costs).total_j().has_value());
    CHECK(costs.missing() == std::vector<std::string_view>{"crossbar.energy.read_pulse_ns"});
    costs.read_pulse_ns = 100.0;
    energy = counters.energy(costs);
    CHECK(energy.read_j == doctest::Approx(10e-6 * 0.25 * 100e-9).scale(0));
    CHECK(energy.total_j() == doctest::Approx(*energy.set_j + 2e-12 + *energy.read_j).scale(0));
}
