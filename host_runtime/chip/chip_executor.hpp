// network::Executor<float> on a chip: gives each step its events over the bus, and keeps what came out. Its
// state is that of the executor, in the same words, so that either goes on from the other's.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "crossbar/base/state_archive.hpp"
#include "host_runtime/chip/chip_session.hpp"
#include "learning/network/neurons.hpp"

namespace memprop::host {

/// Populations whose output later steps or states need: they have to be shown. `network` is that of the
/// image.
std::vector<bool> remembered(const network::Network& network);

class ChipExecutor {
public:
    /// Of the image that the session has loaded; both outlive it.
    explicit ChipExecutor(ChipSession& session);

    /// State as before the first step; weights stay.
    void clear();
    /// As network::Executor::settle(): before the first step after clear().
    void settle();
    /// What a source puts out in the next step.
    network::Signal<float>& input(network::PopulationId id) { return inputs_[network::index_of(id)]; }
    /// Device time of reads from the next clear() or restored state on, in update intervals.
    void set_tick(std::int32_t tick) { tick_ = tick; }
    void step(std::uint32_t step);

    /// A sample of a network that learns, and its steps 0, 1, ...; `keeps_state`: it goes on where the last
    /// one ended.
    void begin_sample(std::uint32_t sample, std::int32_t tick, hw::chip::LearningMode mode, bool keeps_state);
    /// Tells the cores beforehand, so that it costs nothing later.
    void keep_state(bool keeps);
    void sample_step(std::uint32_t step, bool last);

    /// Of the last step; nothing of populations that are not shown.
    const network::Signal<float>& output(network::PopulationId id) const {
        return outputs_[network::index_of(id)];
    }
    /// A state field of a population's neurons; empty if the model has none.
    std::vector<float> state(network::PopulationId id, std::string_view field) const;
    std::uint64_t steps_done() const { return steps_done_; }

    /// All that steps have changed, devices aside.
    void serialize(StateArchive& archive);
    /// The same, from an archive that gives it, between two samples: before the first step or after clear().
    void restore(StateArchive& archive);
    /// What serialize() has read, into the chip; between two samples.
    void write_state();

private:
    struct Part {
        std::uint32_t core, unit;
        network::Slice slice;
    };
    void begin();
    void forget_outputs();
    void run_step(std::uint32_t step, hw::chip::Command command);
    void serialize_copy(StateArchive& archive);
    void read_units();
    void write_units();
    void write_pending();
    const network::Signal<float>& past(std::size_t population, std::size_t ago) const;

    ChipSession& session_;
    const network::Network& network_;
    std::vector<network::PopulationId> order_;  // as an executor computes them
    std::vector<std::vector<Part>> parts_;      // [population], ascending slices
    std::vector<std::unique_ptr<network::Neurons<float>>>
        whole_;                                             // [population]: of computed ones, for states
    std::vector<std::vector<std::vector<float>>> waiting_;  // [projection]: sums behind its delay
    std::vector<network::Signal<float>> inputs_, outputs_;
    std::vector<std::size_t> kept_;  // [population]: longest axonal delay from it
    std::vector<bool> is_remembered_;
    std::vector<std::vector<network::Signal<float>>> before_;  // [population]: newest first
    std::int32_t tick_ = 0;
    std::uint64_t steps_done_ = 0;
    bool begun_ = false, keeps_ = false;
    bool told_keeps_ = false;
};

}  // namespace memprop::host
