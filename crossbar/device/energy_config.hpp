// What single events on a device cost. A figure belongs to the very device it was published or measured for;
// a device without one has none, and what would have to be computed from it is not known either.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace memprop::crossbar {

/// Costs of single events; an empty figure is not known. `source` goes into every report that uses them.
/// The defaults are those of the default device, phase-change memory.
struct EnergyConfig {
    std::optional<double> set_pulse_pj = 6.75;
    std::optional<double> reset_pulse_pj = 33.75;
    std::optional<double> set_pulse_ns = 50.0;
    std::optional<double> reset_pulse_ns = 50.0;
    std::optional<double> read_voltage_v = 0.2;
    std::optional<double> read_pulse_ns = 130.0;
    double adc_conversion_pj = 0.0;
    std::string source =
        "SET 90 uA x 50 ns (Nandakumar et al., J. Appl. Phys. 124, 152135, 2018) and RESET 450 uA x 50 ns "
        "(Boybat et al., Nat. Commun. 9, 2514, 2018), both at an assumed 1.5 V across the cell; reads V^2 G "
        "t "
        "at 0.2 V for 130 ns (Khaddam-Aljameh et al., IEEE J. Solid-State Circuits 57, 1027, 2022); devices "
        "only, no periphery";

    template <class Field>
    void describe(Field&& field) {
        field("set_pulse_pj", set_pulse_pj, {0.0, 1e6}, "energy of one SET pulse, pJ");
        field("reset_pulse_pj", reset_pulse_pj, {0.0, 1e6}, "energy of one RESET pulse, pJ");
        field("set_pulse_ns", set_pulse_ns, {0.0, 1e9}, "length of one SET pulse, ns");
        field("reset_pulse_ns", reset_pulse_ns, {0.0, 1e9}, "length of one RESET pulse, ns");
        field("read_voltage_v", read_voltage_v, {0.0, 10.0}, "voltage on a word line that is read, V");
        field("read_pulse_ns", read_pulse_ns, {0.0, 1e9}, "how long a word line is driven by one event, ns");
        field("adc_conversion_pj", adc_conversion_pj, {0.0, 1e6},
              "energy of one conversion, pJ; 0 = not charged");
        field.text("source", source, "where these figures come from");
    }

    /// Of a device for which nothing is published.
    static EnergyConfig none() {
        EnergyConfig config;
        config.set_pulse_pj = config.reset_pulse_pj = config.set_pulse_ns = config.reset_pulse_ns =
            config.read_voltage_v = config.read_pulse_ns = std::nullopt;
        config.source.clear();
        return config;
    }

    /// Keys of the figures that energies need and that are not known.
    std::vector<std::string_view> missing() const {
        std::vector<std::string_view> keys;
        const auto need = [&](const std::optional<double>& figure, std::string_view key) {
            if (!figure) {
                keys.push_back(key);
            }
        };
        need(set_pulse_pj, "crossbar.energy.set_pulse_pj");
        need(reset_pulse_pj, "crossbar.energy.reset_pulse_pj");
        need(read_voltage_v, "crossbar.energy.read_voltage_v");
        need(read_pulse_ns, "crossbar.energy.read_pulse_ns");
        return keys;
    }
};

}  // namespace memprop::crossbar
