// What the host interface counts.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "hw_models/chip/core_stats.hpp"

namespace memprop::hw::chip {

enum class HostCounter : std::uint8_t {
    samples,
    steps,
    step_cycles,
    longest_step_cycles,
    neuron_phase_cycles,
    readout_phase_cycles,
    learning_phase_cycles,
    sample_begin_cycles,
    update_cycles,
    refresh_cycles,
    measure_cycles,
    programming_cycles,
    limit_cycles,
    adaptation_cycles,
    reward_cycles,
    optimise_cycles,
    deadline_misses,
    events_in,
    events_out,
    bus_words,
    bus_cycles,
    refused_commands,
    refused_values,
    address_errors,
    direction_errors,
    burst_errors,
    fifo_overflows,
    refused_routes,
    count,
};
inline constexpr auto kHostCounters = static_cast<std::size_t>(HostCounter::count);

/// In the order of HostCounter, which is also that of the counters in the memory map.
inline constexpr std::array<CounterInfo, kHostCounters> kHostCounterInfo{{
    {"samples", "samples", "samples begun"},
    {"steps", "steps", "time steps done"},
    {"step_cycles", "cycles", "time steps, from the command to the last core that is done"},
    {"longest_step_cycles", "cycles",
     "the longest time step, with the update before it if weights change between the steps"},
    {"neuron_phase_cycles", "cycles", "from the begin of a step until all cores' spikes are out"},
    {"readout_phase_cycles", "cycles", "from then until all readouts are known"},
    {"learning_phase_cycles", "cycles", "from then to the end of the step"},
    {"sample_begin_cycles", "cycles", "resetting the cores at the begin of samples"},
    {"update_cycles", "cycles", "planning and writing weight updates"},
    {"refresh_cycles", "cycles", "refreshing saturated pairs"},
    {"measure_cycles", "cycles", "reading all weights, and sharing them"},
    {"programming_cycles", "cycles", "programming initial weights"},
    {"limit_cycles", "cycles", "limiting the norm of gradients"},
    {"adaptation_cycles", "cycles", "changing feedback weights as readout weights change"},
    {"reward_cycles", "cycles", "learning from the rewards of samples"},
    {"optimise_cycles", "cycles", "finding the changes of weights"},
    {"deadline_misses", "steps", "time steps, with updates before them, longer than their real-time budget"},
    {"events_in", "events", "input spikes taken from the host"},
    {"events_out", "events", "spikes and readout values given to the host"},
    {"bus_words", "words", "words moved over the host bus"},
    {"bus_cycles", "cycles", "host bus busy"},
    {"refused_commands", "commands",
     "commands refused: unknown, while busy, out of turn, or without room for events out"},
    {"refused_values", "words", "values refused by a register"},
    {"address_errors", "words", "words outside the memory map"},
    {"direction_errors", "words", "reads of write-only and writes of read-only words"},
    {"burst_errors", "transactions", "transactions that are not whole aligned words"},
    {"fifo_overflows", "events", "events refused because the FIFO was full"},
    {"refused_routes", "commands",
     "commands refused because flits could be lost or wait for ever in the trees"},
}};

class HostStats {
public:
    void add(HostCounter counter, std::uint64_t amount = 1) { value(counter) += amount; }
    void raise(HostCounter counter, std::uint64_t amount) {
        value(counter) = std::max(value(counter), amount);
    }
    std::uint64_t operator[](HostCounter counter) const { return values_[static_cast<std::size_t>(counter)]; }
    std::uint64_t at(std::size_t index) const { return values_[index]; }

    void record(WordRecord& record) { record(std::span(values_)); }

private:
    std::uint64_t& value(HostCounter counter) { return values_[static_cast<std::size_t>(counter)]; }

    std::array<std::uint64_t, kHostCounters> values_{};
};

}  // namespace memprop::hw::chip
