// A graph that runs on the cycle-level chip: compiled (compile.hpp), placed (mapping.hpp, placement.hpp),
// loaded through the chip's registers, and driven step by step over its bus. It gives the bits of the
// functional network with the same discretisation, and its state is that of the functional network.
//
// A process has one chip (SystemC elaborates once).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "host_runtime/chip/chip_hardware.hpp"
#include "host_runtime/chip/compile.hpp"
#include "host_runtime/chip/mapped_weights.hpp"
#include "host_runtime/graph/running_network.hpp"

namespace memprop::host {

/// The arithmetic of a network on the chip: neuron units compute in single precision, with the operations of
/// training. One that leaves it open is given that. Throws InputError for double precision.
Discretisation suited_to_chip(Discretisation discretisation);

class ChipNetwork final : public RunningNetwork {
public:
    /// Makes all checks before anything is built. Weights are numbers, or on the devices of `crossbars`,
    /// which outlives it. Throws InputError naming the node that the chip has no unit for, or the resource of
    /// which it has too little with need and limit.
    ChipNetwork(const nir::Network& network, const std::string& file, const Discretisation& discretisation,
                const hw::chip::ChipConfig& chip, CrossbarMapping* crossbars = nullptr);
    ~ChipNetwork() override;

    /// A word line is driven once in a step: throws InputError if an input has several events.
    void step(std::span<const std::uint32_t> events) override;

    std::span<const std::uint32_t> spikes(std::uint32_t node) const override;
    std::span<const double> membrane(std::uint32_t node) const override;
    std::span<const double> current(std::uint32_t) const override { return {}; }
    void read_output(std::span<double> out) const override;
    void check_finite() const override;
    void write_state(StateArchive& archive) override;
    void read_state(StateArchive& archive) override;

    const ChipHardware& hardware() const { return *hardware_; }
    const CompiledNetwork& compiled() const { return compiled_; }
    const NetworkShape& shape() const { return shape_; }
    /// hop_cost() of the plan before cores were moved.
    std::uint64_t first_hop_cost() const { return first_hop_cost_; }

private:
    ChipNetwork(const nir::FlatGraph& graph, const std::string& file, const Discretisation& discretisation,
                const hw::chip::ChipConfig& chip, CrossbarMapping* crossbars);
    void make_stores(const nir::FlatGraph& graph, const std::string& file, CrossbarMapping* crossbars);
    void load();
    void note_outputs();
    void show();
    /// `last`: the signal of the neurons' last step.
    void serialize(StateArchive& archive, network::Signal<float>& last);
    void take_state(StateArchive& archive);

    NetworkOfGraph net_;
    CompiledNetwork compiled_;
    NetworkShape shape_;
    std::uint64_t first_hop_cost_ = 0;
    learning::ExperimentConfig config_;
    std::array<std::unique_ptr<learning::WeightStore>, 3> stores_;
    std::array<MappedWeights*, 3> mapped_{};  // those of the stores that are on devices
    learning::NetworkState<float> state_;
    std::vector<float> no_feedback_;
    std::unique_ptr<ChipHardware> hardware_;
    bool begun_ = false;

    std::vector<std::uint32_t> events_, spikes_;  // of the last step
    std::vector<float> readout_;
    std::vector<double> membrane_, shown_readout_;
    struct OutputSource {
        std::uint64_t begin;  // in the flat outputs
        bool spikes;
    };
    std::vector<OutputSource> output_sources_;
};

}  // namespace memprop::host
