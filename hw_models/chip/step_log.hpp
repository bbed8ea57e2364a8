// Notes what each time step of a chip took, for testbenches.
#pragma once

#include <vector>

#include "hw_models/chip/chip.hpp"

namespace memprop::hw::chip {

class StepLog final : public ChipObserver {
public:
    struct Step {
        std::uint64_t sample, begin_cycle, neuron_cycles, readout_cycles, learning_cycles;
        std::uint64_t inputs, spikes;
        std::uint64_t activations;  ///< of the chip, at the end of the step

        std::uint64_t end_cycle() const {
            return begin_cycle + neuron_cycles + readout_cycles + learning_cycles;
        }
    };

    explicit StepLog(const Chip& chip) : chip_(chip), last_(chip.host().stats()), spikes_(spikes()) {}
    const std::vector<Step>& steps() const { return steps_; }

    void cycle_done(std::uint64_t cycle) override {
        const HostStats& now = chip_.host().stats();
        if (now[HostCounter::steps] == last_[HostCounter::steps]) {
            return;
        }
        const auto added = [&](HostCounter counter) { return now[counter] - last_[counter]; };
        const std::uint64_t spikes = this->spikes();
        steps_.push_back({.sample = now[HostCounter::samples] - 1,
                          .begin_cycle = cycle - added(HostCounter::step_cycles),
                          .neuron_cycles = added(HostCounter::neuron_phase_cycles),
                          .readout_cycles = added(HostCounter::readout_phase_cycles),
                          .learning_cycles = added(HostCounter::learning_phase_cycles),
                          .inputs = added(HostCounter::events_in),
                          .spikes = spikes - spikes_,
                          .activations = chip_.activations()});
        last_ = now;
        spikes_ = spikes;
    }

private:
    std::uint64_t spikes() const {
        std::uint64_t sum = 0;
        for (const auto& core : chip_.cores()) {
            sum += core->stats()[CoreCounter::spikes];
        }
        return sum;
    }

    const Chip& chip_;
    HostStats last_;
    std::uint64_t spikes_;
    std::vector<Step> steps_;
};

}  // namespace memprop::hw::chip
