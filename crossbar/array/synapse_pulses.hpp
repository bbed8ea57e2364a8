// Pulses per synapse, summed over its devices: what an operation on an array did to each of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "crossbar/array/synapse_array.hpp"

namespace memprop::crossbar {

struct SynapsePulses {
    std::vector<std::uint32_t> set, reset;  ///< [row * columns + column]

    /// All pulses so far.
    void count(const SynapseArray& array) {
        set.assign(array.synapses(), 0);
        reset.assign(array.synapses(), 0);
        const DeviceState& devices = array.devices();
        for (std::size_t d = 0; d < devices.size(); ++d) {
            set[d % set.size()] += devices.set_pulses[d];
            reset[d % set.size()] += devices.reset_pulses[d];
        }
    }
    void subtract(const SynapsePulses& earlier) {
        for (std::size_t i = 0; i < set.size(); ++i) {
            set[i] -= earlier.set[i];
            reset[i] -= earlier.reset[i];
        }
    }
};

}  // namespace memprop::crossbar
