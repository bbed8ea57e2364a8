// What a user sets about devices and arrays. Defaults are published values; `describe` names every
// field once, for parsing, printing, range checks and documentation alike. A text that names a file is a
// `file`: what the file holds is part of the experiment.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "crossbar/device/energy_config.hpp"
#include "crossbar/device/pulsed_config.hpp"

namespace memprop::crossbar {

/// How the noise of a read is drawn. Both have the same distribution when noise is Gaussian,
/// independent between devices and fresh at each read (tests/test_read_noise.cpp).
enum class ReadNoise {
    per_column,  ///< one draw per column and time step, with the variance summed over the rows read
    per_device,  ///< one draw per device read
};
inline constexpr std::array<std::pair<std::string_view, ReadNoise>, 2> kReadNoiseNames{
    {{"per_column", ReadNoise::per_column}, {"per_device", ReadNoise::per_device}}};

/// Which counter picks the next device of a synapse with several devices per polarity.
enum class DeviceCounter {
    global,       ///< one per array, advanced by every pulse (Boybat et al., Nat. Commun. 9, 2514, 2018)
    per_synapse,  ///< one per synapse and polarity
};
inline constexpr std::array<std::pair<std::string_view, DeviceCounter>, 2> kDeviceCounterNames{
    {{"global", DeviceCounter::global}, {"per_synapse", DeviceCounter::per_synapse}}};

/// How the full scale of the converters is found.
enum class AdcRange {
    calibrated,  ///< the largest sum among the first reads, which are not converted
    fixed,       ///< adc.range_us
};
inline constexpr std::array<std::pair<std::string_view, AdcRange>, 2> kAdcRangeNames{
    {{"calibrated", AdcRange::calibrated}, {"fixed", AdcRange::fixed}}};

/// What deviates in the converters of a column (periphery/adc.hpp); needs crossbar.adc_bits > 0.
struct AdcConfig {
    AdcRange range = AdcRange::calibrated;
    double range_us = 100.0;
    std::int64_t calibration_reads = 1000;
    std::int64_t columns_per_converter = 1;
    double offset_lsb = 0.0;
    double gain_error = 0.0;
    double inl_lsb = 0.0;
    double noise_lsb = 0.0;

    template <class Field>
    void describe(Field&& field) {
        field.choice("range", range, kAdcRangeNames, "how the full scale is found");
        field("range_us", range_us, {1e-9, 1e9},
              "fixed: full scale, uS; codes span -range .. range. With slices: of the sum of one slice");
        field("calibration_reads", calibration_reads, {1, 1000000000},
              "calibrated: the largest sum of so many first reads of an array is the full scale");
        field("columns_per_converter", columns_per_converter, {1, 65536}, "columns that share a converter");
        field("offset_lsb", offset_lsb, {0.0, 1e6}, "spread of the offset from converter to converter");
        field("gain_error", gain_error, {0.0, 1.0}, "spread of the gain around 1");
        field("inl_lsb", inl_lsb, {0.0, 1e6}, "spread of the peak integral nonlinearity");
        field("noise_lsb", noise_lsb, {0.0, 1e6}, "noise of a conversion, standard deviation");
    }
};

/// Noise with a memory (device/low_frequency_noise.hpp).
struct LowFrequencyConfig {
    double one_over_f = 0.0, one_over_f_exponent = 1.0;
    double telegraph_fraction = 0.0;
    double telegraph_amplitude = 0.1, telegraph_amplitude_spread = 0.5;
    double telegraph_capture_seconds = 1000.0, telegraph_emission_seconds = 1000.0;
    double telegraph_time_spread = 1.5;
    double state_exponent = 0.0;

    template <class Field>
    void describe(Field&& field) {
        field("one_over_f", one_over_f, {0.0, 10.0},
              "1/f noise: its standard deviation, relative to the conductance; 0 = none");
        field("one_over_f_exponent", one_over_f_exponent, {0.5, 1.5}, "beta of its spectrum 1/f^beta");
        field("telegraph_fraction", telegraph_fraction, {0.0, 1.0},
              "telegraph noise: part of the devices that has a trap");
        field("telegraph_amplitude", telegraph_amplitude, {0.0, 1.0},
              "median of what an occupied trap takes from the conductance, relative");
        field("telegraph_amplitude_spread", telegraph_amplitude_spread, {0.0, 10.0},
              "standard deviation of its logarithm");
        field("telegraph_capture_seconds", telegraph_capture_seconds, {1e-12, 1e15},
              "median over the traps of the mean time until an empty one captures, s");
        field("telegraph_emission_seconds", telegraph_emission_seconds, {1e-12, 1e15},
              "the same until an occupied one emits, s");
        field("telegraph_time_spread", telegraph_time_spread, {0.0, 10.0},
              "standard deviation of the logarithms of these times");
        field("state_exponent", state_exponent, {0.0, 2.0},
              "relative amplitudes of both grow as (g_max / G) to this power");
    }
};

/// When the effect of wires is computed anew.
enum class WireRenewal {
    every_sample,     ///< whenever a device has changed, by a write or by drift
    every_k,          ///< every wires.renew_every update intervals
    on_change_above,  ///< when a device has changed by more than wires.renew_change of the range
};
inline constexpr std::array<std::pair<std::string_view, WireRenewal>, 3> kWireRenewalNames{
    {{"every_sample", WireRenewal::every_sample},
     {"every_k", WireRenewal::every_k},
     {"on_change_above", WireRenewal::on_change_above}}};

/// Resistance of the wires (wires/wire_parameters.hpp, array/array_wires.hpp); all 0 = ideal wires.
struct WiresConfig {
    double r_wl_ohm = 0.0, r_bl_ohm = 0.0;
    double r_driver_ohm = 0.0, r_sense_ohm = 0.0;
    bool drive_both_ends = false, sense_both_ends = false;
    WireRenewal renew = WireRenewal::every_sample;
    std::int64_t renew_every = 10;
    double renew_change = 0.02;

    template <class Field>
    void describe(Field&& field) {
        field("r_wl_ohm", r_wl_ohm, {0.0, 1e6}, "resistance of one segment of a word line, ohm");
        field("r_bl_ohm", r_bl_ohm, {0.0, 1e6}, "resistance of one segment of a bit line, ohm");
        field("r_driver_ohm", r_driver_ohm, {0.0, 1e6}, "resistance of the driver of a word line, ohm");
        field("r_sense_ohm", r_sense_ohm, {0.0, 1e6}, "resistance between a bit line and its converter, ohm");
        field("drive_both_ends", drive_both_ends, "word lines are driven from both ends");
        field("sense_both_ends", sense_both_ends, "bit lines are sensed at both ends");
        field.choice("renew", renew, kWireRenewalNames, "when the circuit is solved again");
        field("renew_every", renew_every, {1, 1000000000},
              "every_k: update intervals from one solution to the next");
        field("renew_change", renew_change, {0.0, 1.0},
              "on_change_above: largest change of a device, relative to g_max");
    }
};

/// Current of a device against voltage: I(x) = G V sinh(k x) / sinh(k) at the part x of the read voltage V,
/// so that G is what is measured at V and spikes see no difference; k falls linearly in G from
/// `curvature_g_min` at g_min to `curvature_g_max` at g_max, as high-resistance states conduct by tunnelling.
/// k = V / V0 of the law I ~ sinh(V / V0) of metal-oxide memory (Guan, Yu, Wong, IEEE Electron Device Lett.
/// 33, 1405, 2012: V0 = 0.35 to 0.45 V, so about 0.5 at 0.2 V). Energies are those of ohmic devices.
struct IvConfig {
    double curvature_g_min = 0.0, curvature_g_max = 0.0;

    template <class Field>
    void describe(Field&& field) {
        field("curvature_g_min", curvature_g_min, {0.0, 50.0},
              "k of I ~ sinh(k V / V_read) at g_min; 0 = ohmic. Graded inputs and driver noise see it");
        field("curvature_g_max", curvature_g_max, {0.0, 50.0}, "the same at g_max");
    }
};

/// Devices that do not obey (array/faults.hpp).
struct FaultConfig {
    double stuck_min = 0.0, stuck_max = 0.0, stuck_any = 0.0;
    double dead_rows = 0.0, dead_columns = 0.0;
    double endurance_pulses = 0.0, endurance_spread = 0.5;
    double retention_failure = 0.0;
    std::int64_t spare_columns = 0;
    std::string map_file;

    template <class Field>
    void describe(Field&& field) {
        field("stuck_min", stuck_min, {0.0, 1.0}, "part of the devices that is stuck at g_min");
        field("stuck_max", stuck_max, {0.0, 1.0}, "part that is stuck at g_max");
        field("stuck_any", stuck_any, {0.0, 1.0}, "part that is stuck anywhere between");
        field("dead_rows", dead_rows, {0.0, 1.0}, "part of the word lines that is dead");
        field("dead_columns", dead_columns, {0.0, 1.0}, "part of the bit-line pairs that is dead");
        field("endurance_pulses", endurance_pulses, {0.0, 1e15},
              "median of the pulses after which a device keeps its conductance; 0 = no limit");
        field("endurance_spread", endurance_spread, {0.0, 10.0},
              "standard deviation of the logarithm of that number");
        field("retention_failure", retention_failure, {0.0, 1.0},
              "probability that a device falls to g_min within one update interval");
        field("spare_columns", spare_columns, {0, 65536},
              "spare columns, which replace those with the most faulty devices");
        field.file("map_file", map_file, "CSV of single faults: array,row,column,device,fault");
    }
};

/// How an array is programmed to given weights, at the start of a run.
enum class ProgrammingMethod {
    open_loop,     ///< round(|W| / step) pulses, not checked
    write_verify,  ///< pulses and reads in turn until the weight is within a tolerance
};
inline constexpr std::array<std::pair<std::string_view, ProgrammingMethod>, 2> kProgrammingMethodNames{
    {{"open_loop", ProgrammingMethod::open_loop}, {"write_verify", ProgrammingMethod::write_verify}}};

/// What is written at the same time; results are the same, the time is not.
enum class ProgrammingOrder {
    row_parallel,  ///< all devices of a word line, rows in turn
    device_wise,   ///< one device at a time
};
inline constexpr std::array<std::pair<std::string_view, ProgrammingOrder>, 2> kProgrammingOrderNames{
    {{"row_parallel", ProgrammingOrder::row_parallel}, {"device_wise", ProgrammingOrder::device_wise}}};

struct ProgrammingConfig {
    ProgrammingMethod method = ProgrammingMethod::open_loop;
    ProgrammingOrder order = ProgrammingOrder::row_parallel;
    double tolerance_us = 0.5;
    std::int64_t max_pulses = 2000;

    template <class Field>
    void describe(Field&& field) {
        field.choice("method", method, kProgrammingMethodNames, "how the initial weights are written");
        field.choice("order", order, kProgrammingOrderNames, "what is written at the same time");
        field("tolerance_us", tolerance_us, {1e-9, 1e6},
              "write_verify: a synapse is done when its read is that close to its target");
        field("max_pulses", max_pulses, {1, 30000},
              "write_verify: most pulses on one synapse, RESETs of its devices included");
    }
};

/// What the conductance of a bidirectional device is counted from.
enum class Subtraction {
    pair,           ///< a reference device per device
    offset_column,  ///< one column of reference devices, whose current all columns subtract
};
inline constexpr std::array<std::pair<std::string_view, Subtraction>, 2> kSubtractionNames{
    {{"pair", Subtraction::pair}, {"offset_column", Subtraction::offset_column}}};

struct CrossbarConfig {
    std::string device = "pcm_nandakumar2018";
    std::string table_file;
    std::int64_t bits = 6;
    double g_max_us = 12.0;
    double write_noise_scale = 1.0;
    double read_noise_scale = 1.0;
    double drift_scale = 1.0;
    double drift_spread = 0.0;
    double nonlinearity_scale = 1.0;
    Subtraction subtraction = Subtraction::pair;
    std::int64_t slice_base = 1;
    ReadNoise read_noise = ReadNoise::per_column;
    bool clamp_reads = false;
    std::int64_t tile_rows = 128;
    std::int64_t tile_columns = 128;
    double weight_scale_per_us = 0.027;
    double weight_scale_out_per_us = 0.072;
    std::int64_t adc_bits = 0;
    AdcConfig adc;
    std::int64_t dac_bits = 0;
    double driver_noise = 0.0;
    IvConfig iv;
    bool drift_compensation = false;
    ProgrammingConfig programming;
    FaultConfig faults;
    LowFrequencyConfig low_frequency;
    WiresConfig wires;
    PulsedConfig pulsed;
    EnergyConfig energy;

    template <class Field>
    void describe(Field&& field) {
        field.text("device", device, "device model; `memprop train --list` names them");
        field.file("table_file", table_file, "device \"table\": its CSV file");
        field("bits", bits, {1, 16}, "ideal device: a full range of 2^bits steps, one SET pulse each");
        field("g_max_us", g_max_us, {1e-6, 1e6}, "largest conductance, uS");
        field("write_noise_scale", write_noise_scale, {0.0, 100.0},
              "programming noise; 1 as published, 0 off");
        field("read_noise_scale", read_noise_scale, {0.0, 100.0}, "read noise; 1 as published, 0 off");
        field("drift_scale", drift_scale, {0.0, 100.0}, "drift exponent; 1 as published, 0 off");
        field("drift_spread", drift_spread, {0.0, 10.0},
              "spread of the drift exponent from device to device, relative to its mean; none is below 0");
        field("nonlinearity_scale", nonlinearity_scale, {0.0, 1.0},
              "how much the step depends on state and history; 1 as published, 0 a constant 1 uS");
        field.choice("subtraction", subtraction, kSubtractionNames,
                     "bidirectional devices: what is subtracted from them");
        field("slice_base", slice_base, {1, 256},
              "significance of a device over that of the next of its synapse (update.devices_per_polarity); "
              "1 = all alike, above: slices of a weight in this base");
        field.choice("read_noise", read_noise, kReadNoiseNames, "where read noise is drawn");
        field("clamp_reads", clamp_reads,
              "limit each device read to its range; needs read_noise = \"per_device\"");
        field("tile_rows", tile_rows, {1, 65536}, "word lines of one tile; larger arrays are sums of tiles");
        field("tile_columns", tile_columns, {1, 65536},
              "bit-line pairs of one tile; how many tiles there are, and with wires how long they are");
        field("weight_scale_per_us", weight_scale_per_us, {1e-9, 1e9},
              "weight of 1 uS in the input and recurrent arrays");
        field("weight_scale_out_per_us", weight_scale_out_per_us, {1e-9, 1e9},
              "weight of 1 uS in the readout array");
        field("adc_bits", adc_bits, {0, 16},
              "resolution of the column converters; 0 = ideal, no rounding; 1 = the sign. Slices of a weight "
              "are converted each by itself");
        field("dac_bits", dac_bits, {0, 16},
              "levels of graded inputs: 2^(bits-1) - 1 of each sign, bits >= 2; 0 = exact. Spikes need none");
        field("driver_noise", driver_noise, {0.0, 1.0},
              "noise of the voltage on a driven word line, relative, fresh for each read");
        field(
            "drift_compensation", drift_compensation,
            "devices that drift: scale the output of an array by the conductance that was written over that "
            "of now");
        field.table("adc", adc);
        field.table("iv", iv);
        field.table("programming", programming);
        field.table("faults", faults);
        field.table("low_frequency", low_frequency);
        field.table("wires", wires);
        field.table("pulsed", pulsed);
        field.table("energy", energy);
    }
};

}  // namespace memprop::crossbar
