#include "host_runtime/files/value_ranges.hpp"

#include <cstdint>

namespace memprop::host {

ValueRanges::ValueRanges() {
    constexpr double kMostDelaySteps = 1e6;  // of a projection (network::check)
    constexpr double kMost = std::numeric_limits<double>::max();
    constexpr double kMostTick = std::numeric_limits<std::int32_t>::max() - 1;
    constexpr double kMostOf32Bits = std::numeric_limits<std::uint32_t>::max();
    ranges_ = {
        // of devices and their arrays
        {"conductance_us", {-1e9, 1e9}},
        {"auxiliary", {-1e9, 1e9}},
        {"programmed_tick", {0.0, kMostTick}},
        {"relaxed_tick", {0.0, kMostTick}},
        {"wires_next_tick", {0.0, 2.0 * kMostTick}},
        {"low_frequency_tick", {0.0, kMostTick}},
        {"low_frequency_trapped", {0.0, 1.0}},
        {"forgotten_tick", {0.0, 18446744073709551615.0}},  // the largest: from the next tick on
        {"stuck_us", {-1.0, 1e9}},                          // -1: works
        {"adc_range_us", {0.0, kMost}},
        {"read_conductance_us", {0.0, kMost}},
        {"verify_conductance_us", {0.0, kMost}},
        {"wires_us", {0.0, kMost}},
        {"magnitude_at_start_us", {0.0, 1e9}},
        {"refresh_error_us", {0.0, kMost}},
        {"absolute_error_us", {0.0, kMost}},
        {"largest_error_us", {0.0, kMost}},
        {"seconds", {0.0, kMost}},
        // of learning
        {"chopper_sign", {-1.0, 1.0}},
        {"square", {0.0, kMost}},
        {"beta1_power", {0.0, 1.0}},
        {"beta2_power", {0.0, 1.0}},
        {"row_beta1_power", {0.0, 1.0}},
        {"row_beta2_power", {0.0, 1.0}},
        {"awake", {0.0, 1.0}},
        {"waiting", {0.0, kMostDelaySteps + 1.0}},
        {"silent", {0.0, kMostTick}},
        {"spike", {0.0, 1.0}},
        {"late", {0.0, 1.0}},
        {"quiet", {0.0, 1.0}},
        // of a run
        {"start_tick", {0.0, kMostTick}},
        {"samples_done", {0.0, kMostTick}},
        {"epoch_right", {0.0, kMostTick}},
        {"accuracy_history", {0.0, 1.0}},
        {"validation_accuracy_history", {0.0, 1.0}},
        {"validation_epochs", {1.0, kMostTick}},
        {"set_pulse_history", {0.0, kMost}},
        {"reset_pulse_history", {0.0, kMost}},
        {"spike_history", {0.0, kMost}},
        {"routing_j", {0.0, kMost}},
        {"tile_periphery_j", {0.0, kMost}},
        {"digital_j", {0.0, kMost}},
        {"form", {0.0, 3.0}},
        {"step", {0.0, kMostOf32Bits}},
    };
}

}  // namespace memprop::host
