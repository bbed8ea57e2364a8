// What a core counts.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "hw_models/word_record.hpp"

namespace memprop::hw::chip {

enum class CoreCounter : std::uint8_t {
    steps,
    events,
    spikes,
    graded_events,
    unmapped_events,
    refused_events,
    refused_flits,
    neuron_read_cycles,
    neuron_update_cycles,
    readout_read_cycles,
    readout_update_cycles,
    learning_cycles,
    planning_cycles,
    transfer_cycles,
    write_cycles,
    refresh_cycles,
    measure_cycles,
    send_stall_cycles,
    words_written,
    neuron_updates,
    readout_updates,
    learning_operations,
    planning_operations,
    count,
};
inline constexpr auto kCoreCounters = static_cast<std::size_t>(CoreCounter::count);

struct CounterInfo {
    std::string_view name, unit, description;
};

/// In the order of CoreCounter, which is also that of the counters in the memory map.
inline constexpr std::array<CounterInfo, kCoreCounters> kCoreCounterInfo{{
    {"steps", "steps", "time steps done"},
    {"events", "events", "events received that drive a row here"},
    {"spikes", "spikes", "spikes of the core's neurons"},
    {"graded_events", "events", "values that the core's neurons put out"},
    {"unmapped_events", "events", "events discarded because no row of the axon table holds their address"},
    {"refused_events", "events",
     "events discarded because their row could not take them: driven already, or with another value than 1"},
    {"refused_flits", "flits", "configuration of words that do not exist or values that are not allowed"},
    {"neuron_read_cycles", "cycles", "from the end of their events to the sums of the neurons' blocks"},
    {"neuron_update_cycles", "cycles", "neuron unit at work on neurons"},
    {"readout_read_cycles", "cycles", "from the end of their events to the sums of the readouts' blocks"},
    {"readout_update_cycles", "cycles", "neuron unit at work on readouts"},
    {"learning_cycles", "cycles", "learning engine at work on traces and gradients"},
    {"planning_cycles", "cycles",
     "learning engine at work between time steps: on gradients, optimiser, update scheme, feedback"},
    {"transfer_cycles", "cycles",
     "fast arrays written, refreshed, read and RESET, and work on what was read"},
    {"write_cycles", "cycles", "from the first write burst of an update to the end of the last one"},
    {"refresh_cycles", "cycles", "from the begin of a refresh to the end of the last tile's"},
    {"measure_cycles", "cycles", "from the begin of a measurement to the end of the last tile's"},
    {"send_stall_cycles", "cycles", "flits ready to be sent waited for the router"},
    {"words_written", "words", "of its window, by the host"},
    {"neuron_updates", "updates", "neurons times time steps"},
    {"readout_updates", "updates", "readouts times time steps"},
    {"learning_operations", "operations", "of the learning engine on traces and gradients"},
    {"planning_operations", "operations", "of the learning engine between time steps"},
}};

class CoreStats {
public:
    void add(CoreCounter counter, std::uint64_t amount = 1) {
        values_[static_cast<std::size_t>(counter)] += amount;
    }
    void set(CoreCounter counter, std::uint64_t value) { values_[static_cast<std::size_t>(counter)] = value; }
    std::uint64_t operator[](CoreCounter counter) const { return values_[static_cast<std::size_t>(counter)]; }
    std::uint64_t at(std::size_t index) const { return values_[index]; }
    CoreStats& operator+=(const CoreStats& other) {
        for (std::size_t i = 0; i < kCoreCounters; ++i) {
            values_[i] += other.values_[i];
        }
        return *this;
    }

    void record(WordRecord& record) { record(std::span(values_)); }

private:
    std::array<std::uint64_t, kCoreCounters> values_{};
};

}  // namespace memprop::hw::chip
