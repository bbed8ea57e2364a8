// SystemC module that notes what each time step of a chip took, for testbenches.
#pragma once

#include <systemc>
#include <vector>

#include "hw_models/chip/chip.hpp"

namespace memprop::hw::chip {

class StepLog : public sc_core::sc_module {
public:
    struct Step {
        std::uint64_t sample, begin_cycle, neuron_cycles, readout_cycles, learning_cycles;
        std::uint64_t inputs, spikes;
        std::uint64_t activations;  ///< of all processes of the chip, at the end of the step

        std::uint64_t end_cycle() const {
            return begin_cycle + neuron_cycles + readout_cycles + learning_cycles;
        }
    };

    SC_HAS_PROCESS(StepLog);
    StepLog(const sc_core::sc_module_name& name, const Chip& chip) : sc_module(name), chip_(chip) {
        SC_METHOD(note);
        sensitive << chip.host().interrupt_event();
        dont_initialize();
    }
    const std::vector<Step>& steps() const { return steps_; }

private:
    void note() {
        const HostStats now = chip_.host().stats();
        if (now[HostCounter::steps] == last_[HostCounter::steps]) {
            return;  // another command
        }
        std::uint64_t spikes = 0;
        for (const Core* core : chip_.cores()) {
            spikes += core->stats()[CoreCounter::spikes];
        }
        const auto added = [&](HostCounter counter) { return now[counter] - last_[counter]; };
        steps_.push_back({.sample = now[HostCounter::samples] - 1,
                          .begin_cycle = chip_.cycle() - added(HostCounter::step_cycles),
                          .neuron_cycles = added(HostCounter::neuron_phase_cycles),
                          .readout_cycles = added(HostCounter::readout_phase_cycles),
                          .learning_cycles = added(HostCounter::learning_phase_cycles),
                          .inputs = added(HostCounter::events_in),
                          .spikes = spikes - spikes_,
                          .activations = chip_.activations()});
        last_ = now;
        spikes_ = spikes;
    }

    const Chip& chip_;
    HostStats last_;
    std::uint64_t spikes_ = 0;
    std::vector<Step> steps_;
};

}  // namespace memprop::hw::chip
