// What a user has measured of a device of their own, as scripts/fit_device.py makes it from raw traces: a CSV
// file with the header
//     conductance_us,pulse,mean_step_us,std_step_us
// and one row per state and polarity. `pulse` is up or down, mean_step_us is the size of the step in that
// direction (negative if the state moves the other way), std_step_us its scatter from pulse to pulse. States
// ascend; at least two per polarity that occurs; without rows for down pulses the device is one-sided.
//
// With a column `device` before the others the file is a population: rows with the same name are one of the
// devices measured, and every simulated device is one of them.
//
// Lines before the header that begin with # are comments, except for those of the form `# key = value`:
//     read_noise_us      standard deviation of a read, uS
//     drift_exponent     nu of G (t / drift_t0_s)^-nu, t seconds after the last pulse, 1 before drift_t0_s
//     drift_t0_s         s; needed with drift_exponent
//     drift_spread       standard deviation of nu from device to device, relative to it
//     set_pulse_pj, reset_pulse_pj, set_pulse_ns, reset_pulse_ns, read_voltage_v, read_pulse_ns, source
//                        as in crossbar.energy, for what the user does not set there
// What is not given is not there: no noise, no drift, and figures that are not known.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "crossbar/device/energy_config.hpp"

namespace memprop::crossbar {

/// Steps of one polarity at ascending conductances; all in uS.
struct StepTable {
    std::vector<double> conductance, mean, sigma;
};

/// One of the devices measured.
struct MeasuredSteps {
    std::string name{};      ///< empty without a column `device`
    StepTable up{}, down{};  ///< down is empty for a one-sided device
};

struct DeviceTable {
    std::vector<MeasuredSteps> devices;  ///< one at least
    double read_noise_us = 0.0;
    double drift_exponent = 0.0, drift_t0_seconds = 0.0, drift_spread = 0.0;
    EnergyConfig energy = EnergyConfig::none();
};

/// Throws InputError naming `source` and the line.
DeviceTable parse_device_table(std::string_view text, std::string_view source);

/// The table of crossbar.table_file; `file` is its value. Throws InputError.
DeviceTable read_device_table(const std::string& file);

}  // namespace memprop::crossbar
