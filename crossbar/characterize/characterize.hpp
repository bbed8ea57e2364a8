// Statistics of a device model, measured as a laboratory does: many fresh devices, the same pulses on
// each, one noisy read of each. All conductances in uS, times in seconds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "crossbar/config.hpp"

namespace memprop::crossbar {

struct CharacterizeOptions {
    CrossbarConfig config;
    std::uint32_t devices = 10000;
    std::uint32_t pulses = 20;
    double interval_seconds = 38.6;
    std::uint64_t seed = 1;
};

/// A table of numbers with named columns.
struct Curve {
    std::vector<std::string> columns;
    std::vector<std::vector<double>> rows;
    /// One word per row, if any, as a further column that stands at `label_position`.
    std::vector<std::string> labels{};
    std::string label_column{};
    std::size_t label_position = 0;
};

/// As text: a header line, then a line per row; numbers round-trip.
std::string to_csv(const Curve& curve);

struct CurveKind {
    std::string_view name;
    std::string_view description;
    /// Throws InputError if the device has no such curve.
    Curve (*measure)(const CharacterizeOptions&);
};

/// All curves:
///   staircase    SET pulses `interval` apart, each read `interval` later; row 0 is the RESET state
///   drift        10 pulses, then reads at T0 x {1, 10, 100, 1000} after the last, T0 = 38.6 s
///   single_pulse one SET pulse on devices placed at a grid of conductances with full pulse memory
///   read_noise   reads, T0 after programming, of devices placed at a grid of conductances
///   up_down      SET pulses, then as many down pulses, `interval` apart, states `interval` after each; the
///                noise of reads is no part of them
///   retention    devices programmed to 0 .. 1 of g_max, reads from 20 s to a year later; `t_total` counts
///                from the start of programming, `t_inference` from 20 s after it
///   reset        10 SET pulses, then RESET pulses `interval` apart, each read `interval` later
///   spectrum     4096 states at half of g_max, `interval` apart: one-sided power spectral density, mean over
///                the devices, of crossbar.low_frequency
const std::vector<CurveKind>& curve_kinds();

}  // namespace memprop::crossbar
