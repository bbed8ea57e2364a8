// What a user sets about weight updates.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "crossbar/config.hpp"
#include "learning/network/choices.hpp"

namespace memprop::learning {

using network::Names;

enum class AccumulatorRounding { truncate, stochastic };
inline constexpr Names<AccumulatorRounding, 2> kAccumulatorRoundingNames{
    {{"truncate", AccumulatorRounding::truncate}, {"stochastic", AccumulatorRounding::stochastic}}};

/// Schemes that gather weight changes on an array of their own and transfer them row by row.
struct TransferConfig {
    double fast_gain = 4.0;
    std::int64_t every = 1;
    std::int64_t rows = 1;
    double rate = 0.1;
    double chop_probability = 0.1;
    double mean_decay = 0.1;

    template <class Field>
    void describe(Field&& field) {
        field("fast_gain", fast_gain, {1e-6, 1e6},
              "pulses on the fast array for a weight change of one step of the slow one");
        field("every", every, {1, 1000000}, "updates between two transfers");
        field("rows", rows, {1, 65536}, "rows of the fast array that a transfer reads, in turn");
        field("rate", rate, {0.0, 1e6},
              "tiki_taka and its relatives: steps of the slow array per step read from the fast one");
        field("chop_probability", chop_probability, {0.0, 1.0},
              "chopped_transfer, dynamic_transfer: probability that a row changes its sign when read");
        field("mean_decay", mean_decay, {1e-6, 1.0},
              "dynamic_transfer: weight of a read in the running mean of its period");
    }
};

struct UpdateConfig {
    std::string scheme = "mixed_precision";
    double epsilon_us = 1.0;
    std::int64_t devices_per_polarity = 1;
    crossbar::DeviceCounter device_counter = crossbar::DeviceCounter::per_synapse;
    std::int64_t max_pulses = 10;
    double weight_limit = 0.0;
    double sign_threshold = 0.5;
    std::int64_t accumulator_bits = 0;
    std::int64_t accumulator_headroom_bits = 1;
    AccumulatorRounding accumulator_rounding = AccumulatorRounding::stochastic;
    std::int64_t accumulate_samples = 10;
    std::string inner_scheme = "multi_device";
    std::int64_t refresh_period = 10;
    double refresh_high = 0.75;
    double refresh_low = 0.375;
    std::int64_t refresh_max_pulses = 20;
    bool write_verify = false;
    double verify_tolerance_us = 0.5;
    std::int64_t verify_rounds = 5;
    TransferConfig transfer;

    template <class Field>
    void describe(Field&& field) {
        field.text("scheme", scheme, "how weight changes become pulses; `memprop train --list` names them");
        field("epsilon_us", epsilon_us, {1e-9, 1e6},
              "step of one SET pulse that schemes assume, uS; devices with a constant step use that instead");
        field("devices_per_polarity", devices_per_polarity, {1, 64},
              "N: devices on each side of a differential pair");
        field.choice("device_counter", device_counter, crossbar::kDeviceCounterNames,
                     "what picks the next of the N devices");
        field("max_pulses", max_pulses, {1, 10000}, "most pulses on one synapse in one update");
        field("weight_limit", weight_limit, {0.0, 1e9}, "vanilla: weights stay in +-limit; 0 = no limit");
        field("sign_threshold", sign_threshold, {0.0, 1e9},
              "sign: smallest weight change that gives a pulse, in steps of one pulse");
        field("accumulator_bits", accumulator_bits, {0, 24},
              "mixed_precision: width of the accumulator of a synapse; 0 = floating point");
        field("accumulator_headroom_bits", accumulator_headroom_bits, {0, 16},
              "mixed_precision: the accumulator saturates at 2^headroom steps of one pulse");
        field.choice("accumulator_rounding", accumulator_rounding, kAccumulatorRoundingNames,
                     "mixed_precision: how a weight change is rounded to the accumulator");
        field("accumulate_samples", accumulate_samples, {1, 1000000},
              "batch_accumulate: weight changes are summed over that many updates");
        field.text("inner_scheme", inner_scheme, "batch_accumulate: the scheme that then writes the sum");
        field("refresh_period", refresh_period, {0, 1000000},
              "updates between refreshes of saturated pairs; 0 = never");
        field("refresh_high", refresh_high, {0.0, 1.0},
              "refresh pairs whose larger side is above this part of g_max");
        field("refresh_low", refresh_low, {0.0, 1.0}, "and whose smaller side is above this part of g_max");
        field("refresh_max_pulses", refresh_max_pulses, {0, 10000}, "most SET pulses to restore one pair");
        field("write_verify", write_verify,
              "read synapses before and after their pulses and correct what was missed");
        field("verify_tolerance_us", verify_tolerance_us, {1e-9, 1e6},
              "write_verify: a synapse is done when its read is that close to its target");
        field("verify_rounds", verify_rounds, {1, 1000}, "write_verify: most corrections of one write");
        field.table("transfer", transfer);
    }
};

}  // namespace memprop::learning
