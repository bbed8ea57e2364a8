// Neurons of a population on a core: the kernel of their model, the sums of the projections onto them, and
// where their time step is.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "hw_models/chip/core_image.hpp"
#include "hw_models/chip/synapse_block.hpp"
#include "learning/network/neurons.hpp"

namespace memprop::hw::chip {

class Unit {
public:
    enum class Phase : std::uint8_t { idle, open, reading };

    /// A block of the core as this unit reads it.
    struct Incoming {
        std::uint32_t block = 0, receptor = 0, delay_steps = 0;
        bool dendritic = false;  ///< its sums wait, not its events
        bool is_late = false;    ///< dendritic, and its events come when the unit has been updated
        bool bias = false, bias_line = false, bias_before_arrival = true;
        std::uint32_t bias_row = 0;
        std::uint32_t needs = 0;  ///< barriers of the step after which all its events are there
    };

    Unit(const CoreProgram::Unit& program, double time_step_seconds);

    void add(const Incoming& incoming);

    const CoreProgram::Unit& program() const { return program_; }
    std::uint32_t size() const { return program_.neurons.size; }
    std::span<const Incoming> incoming() const { return incoming_; }
    bool is_memoryless() const { return neurons_->is_memoryless(); }
    network::Neurons<float>& neurons() { return *neurons_; }
    const network::Neurons<float>& neurons() const { return *neurons_; }
    const network::Signal<float>& output() const { return output_; }

    /// Whether late blocks of step `of_step` are still to be read whose events are there before barrier
    /// `barrier`.
    bool has_late(std::uint32_t barrier, std::uint32_t of_step) const;

    /// State as before the first step.
    void clear(std::span<const std::unique_ptr<SynapseBlock>> blocks);

    /// Takes the sums of the blocks of a step and updates the neurons. `steps_done`: before this step.
    void update(std::span<const std::unique_ptr<SynapseBlock>> blocks, std::uint64_t steps_done,
                std::span<float> psi);
    /// The sums of late blocks of the step, which wait.
    void take_late(std::span<const std::unique_ptr<SynapseBlock>> blocks);

    /// Neurons, then sums that wait. Reading needs a unit that has been cleared or has the same state.
    void serialize(StateArchive& archive);

    // Where the step is; the core's business.
    Phase phase = Phase::idle;
    std::uint32_t step = 0;
    std::uint64_t since = 0, due = 0, update_begins = 0, updated_at = 0;
    bool done = false;
    bool late_open = false, late_reading = false;
    std::uint32_t late_step = 0;
    std::uint64_t late_due = 0;

private:
    struct Waiting {
        std::vector<std::vector<float>> sums;  // ring; empty: no dendritic delay
        std::size_t next = 0;
    };
    bool deliver(std::size_t i, std::span<const std::unique_ptr<SynapseBlock>> blocks,
                 std::uint64_t steps_done, std::span<float> out);
    void keep(std::size_t i, std::span<const std::unique_ptr<SynapseBlock>> blocks);

    CoreProgram::Unit program_;
    std::unique_ptr<network::Neurons<float>> neurons_;
    std::vector<Incoming> incoming_;
    std::vector<Waiting> waiting_;  // [incoming]
    std::vector<std::vector<float>> sums_;
    std::vector<std::span<const float>> receptors_;
    std::vector<std::uint8_t> arrived_;
    std::vector<float> more_;
    network::Signal<float> output_;
};

}  // namespace memprop::hw::chip
