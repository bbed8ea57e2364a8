// SystemC module of a chip: W x H cores on a mesh of event routers, and the host interface on a router of its
// own in a column west of them. A chip is built for a plan (chip_plan.hpp): cores that the plan does not use
// are not built, their routers are. Protocol and map: host_interface.hpp, memory_map.hpp.
#pragma once

#include <array>
#include <memory>
#include <systemc>
#include <vector>

#include "crossbar/config.hpp"
#include "hw_models/chip/chip_config.hpp"
#include "hw_models/chip/core.hpp"
#include "hw_models/chip/host_interface.hpp"
#include "learning/classic.hpp"

namespace memprop::hw::chip {

/// What a chip is built around; all of it outlives the chip.
struct ChipParts {
    const learning::ExperimentConfig& config;
    const learning::NetworkParameters<float>& parameters;
    std::array<learning::WeightStore*, 3> weights;
    learning::NetworkState<float>& state;
    std::vector<float>& feedback;  ///< [readout][neuron]
};

/// Energy by component, joule; the devices of crossbar tiles are counted by their arrays.
struct ChipEnergy {
    double routing_j = 0.0;         ///< links
    double tile_periphery_j = 0.0;  ///< converters, drivers; memories of weights that are numbers
    double digital_j = 0.0;         ///< neuron units and learning engines
    double total_j() const { return routing_j + tile_periphery_j + digital_j; }
};

class Chip : public sc_core::sc_module {
public:
    /// Throws InputError for settings that contradict each other.
    Chip(const sc_core::sc_module_name& name, const ChipConfig& config, const ChipPlan& plan,
         const ChipParts& request);

    HostInterface& host() { return *host_; }
    const HostInterface& host() const { return *host_; }
    noc::EventMesh& mesh() { return *mesh_; }
    const noc::EventMesh& mesh() const { return *mesh_; }
    std::span<Core* const> cores() const { return core_pointers_; }
    WeightArray& weights(learning::ProjectionId id) { return memory_.array(id); }
    const WeightArray& weights(learning::ProjectionId id) const { return memory_.array(id); }
    ChipMemory& memory() { return memory_; }
    const ChipPlan& plan() const { return plan_; }
    const ChipConfig& config() const { return config_; }
    const sc_core::sc_time& period() const { return period_; }

    std::uint64_t cycle() const { return host_->cycle(); }
    ChipEnergy energy() const;
    /// Between samples: all counters but latencies and activations, and what later cycles depend on besides
    /// the state: what cores were told, whose turn it is in routers.
    void record(WordRecord& record);
    /// All counters: host interface, network, each core and tile, devices of each array.
    std::vector<Counter> report() const;
    /// Activations of all processes of the chip.
    std::uint64_t activations() const;

private:
    const ChipConfig config_;
    const ChipPlan plan_;
    const crossbar::EnergyConfig device_energy_;
    const sc_core::sc_time period_;
    std::vector<std::unique_ptr<WeightArray>> arrays_;
    ChipMemory memory_;
    std::unique_ptr<noc::EventMesh> mesh_;
    std::vector<std::unique_ptr<Core>> cores_;
    std::vector<Core*> core_pointers_;
    std::unique_ptr<HostInterface> host_;
};

}  // namespace memprop::hw::chip
