// What an array has done. Counters count events; energy follows from them and the cost of each.
#pragma once

#include <cstdint>
#include <optional>

#include "crossbar/base/state_archive.hpp"
#include "crossbar/config.hpp"

namespace memprop::crossbar {

/// Energies of parts, J; empty: not known, because a figure of the device is not (energy_config.hpp).
struct EnergyBreakdown {
    std::optional<double> set_j = 0.0, reset_j = 0.0, read_j = 0.0, wires_j = 0.0, verify_read_j = 0.0;
    double adc_j = 0.0;

    std::optional<double> total_j() const {
        return set_j && reset_j && read_j && verify_read_j && wires_j
                   ? std::optional(*set_j + *reset_j + *read_j + *verify_read_j + adc_j + *wires_j)
                   : std::nullopt;
    }

    /// What is not known of one is not known of the sum.
    EnergyBreakdown& operator+=(const EnergyBreakdown& other) {
        const auto add = [](std::optional<double>& sum, const std::optional<double>& more) {
            sum = sum && more ? std::optional(*sum + *more) : std::nullopt;
        };
        add(set_j, other.set_j);
        add(reset_j, other.reset_j);
        add(read_j, other.read_j);
        add(wires_j, other.wires_j);
        add(verify_read_j, other.verify_read_j);
        adc_j += other.adc_j;
        return *this;
    }
};

struct ArrayCounters {
    std::uint64_t set_pulses = 0;
    std::uint64_t reset_pulses = 0;
    std::uint64_t device_reads = 0;  ///< devices on word lines driven by events
    std::uint64_t verify_reads = 0;  ///< devices read one by one, for refresh and state estimates
    std::uint64_t adc_conversions = 0;
    double read_conductance_us = 0;    ///< sum of the conductances of all device reads (power over V^2)
    double verify_conductance_us = 0;  ///< the same for verifying reads
    double wires_us = 0;               ///< what reads lose in wires, drivers and sense amplifiers, likewise

    EnergyBreakdown energy(const EnergyConfig& cost) const {
        std::optional<double> read_j_per_us;
        if (cost.read_voltage_v && cost.read_pulse_ns) {
            // uS * V^2 * ns = 1e-6 * 1e-9 J
            read_j_per_us = 1e-15 * *cost.read_voltage_v * *cost.read_voltage_v * *cost.read_pulse_ns;
        }
        const auto pulses_j = [](const std::optional<double>& pj, std::uint64_t pulses) {
            return pj ? std::optional(1e-12 * *pj * static_cast<double>(pulses)) : std::nullopt;
        };
        const auto reads_j = [&](double us) {
            return read_j_per_us ? std::optional(*read_j_per_us * us) : std::nullopt;
        };
        const auto reads_if_any_j = [&](double us) { return us == 0.0 ? std::optional(0.0) : reads_j(us); };
        return {.set_j = pulses_j(cost.set_pulse_pj, set_pulses),
                .reset_j = pulses_j(cost.reset_pulse_pj, reset_pulses),
                .read_j = reads_j(read_conductance_us),
                .wires_j = reads_if_any_j(wires_us),
                .verify_read_j = reads_if_any_j(verify_conductance_us),
                .adc_j = 1e-12 * cost.adc_conversion_pj * static_cast<double>(adc_conversions)};
    }

    ArrayCounters& operator+=(const ArrayCounters& other) {
        set_pulses += other.set_pulses;
        reset_pulses += other.reset_pulses;
        device_reads += other.device_reads;
        verify_reads += other.verify_reads;
        adc_conversions += other.adc_conversions;
        read_conductance_us += other.read_conductance_us;
        verify_conductance_us += other.verify_conductance_us;
        wires_us += other.wires_us;
        return *this;
    }

    void serialize(StateArchive& archive) {
        archive("set_pulses_total", set_pulses);
        archive("reset_pulses_total", reset_pulses);
        archive("device_reads", device_reads);
        archive("verify_reads", verify_reads);
        archive("adc_conversions", adc_conversions);
        archive("read_conductance_us", read_conductance_us);
        archive("verify_conductance_us", verify_conductance_us);
        archive("wires_us", wires_us);
    }
};

}  // namespace memprop::crossbar
