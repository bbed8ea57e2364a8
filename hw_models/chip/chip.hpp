// A chip in plain C++: W x H cores on a mesh of event routers, and the host interface on a router of its own
// in a column west of them. It is built from its resources alone (chip_config.hpp) and does what the image
// says that is loaded through its bus (chip_image.hpp, memory_map.hpp); another image may follow at any time
// between samples. Arrays of devices are attached to it, as they would be made.
//
// Time is counted in cycles: whoever drives the bus lets it pass (bus::BusMaster in plain C++, bus::TlmTarget
// in a SystemC platform). There may be any number of chips in a process.
#pragma once

#include <memory>
#include <vector>

#include "crossbar/config.hpp"
#include "hw_models/bus/bus_target.hpp"
#include "hw_models/chip/chip_config.hpp"
#include "hw_models/chip/core.hpp"
#include "hw_models/chip/host_interface.hpp"

namespace memprop::hw::chip {

/// Energy by component, joule; the devices of crossbar tiles are counted by their arrays.
struct ChipEnergy {
    double routing_j = 0.0;         ///< links
    double tile_periphery_j = 0.0;  ///< converters, drivers; memories of weights that are numbers
    double digital_j = 0.0;         ///< neuron units and learning engines
    double total_j() const { return routing_j + tile_periphery_j + digital_j; }
};

/// For waveforms, logs and records.
class ChipObserver {
public:
    virtual ~ChipObserver() = default;
    /// Before and after each cycle in which something is done.
    virtual void cycle_begins(std::uint64_t /*cycle*/) {}
    virtual void cycle_done(std::uint64_t /*cycle*/) {}
    /// A word that the chip has taken from the bus.
    virtual void word_written(std::uint32_t /*address*/, std::uint32_t /*word*/) {}
};

class Chip final : public bus::BusTarget {
public:
    /// `step_budget_seconds`: a time step that takes longer is a deadline miss. Throws InputError for
    /// settings that contradict each other.
    Chip(const ChipConfig& config, const crossbar::CrossbarConfig& crossbar, double step_budget_seconds);
    Chip(const Chip&) = delete;
    Chip& operator=(const Chip&) = delete;

    /// What the projections of the image that is loaded next are on; null or missing: numbers of the image.
    /// Outlives that image. Throws InputError for a store that a chip cannot hold, and costs of devices that
    /// are not known.
    struct Attached {
        learning::WeightStore* store = nullptr;
        std::uint32_t tile_rows = 0, tile_columns = 0;  ///< of stores that are numbers; columns of all
        network::Connection<float>* shared = nullptr;   ///< devices that no tile has
        std::uint32_t rows = 0, columns = 0;            ///< of `shared`
    };
    void attach(std::span<const Attached> projections);
    /// Of the population that learning signals reach, [readout][neuron]; outlives the image.
    void attach_feedback(std::vector<float>& feedback, std::uint32_t neurons);

    const ChipConfig& config() const { return config_; }
    HostInterface& host() { return *host_; }
    const HostInterface& host() const { return *host_; }
    noc::Endpoints& network() { return network_; }
    const noc::Fabric& fabric() const { return network_.fabric(); }
    std::span<const std::unique_ptr<Core>> cores() const { return cores_; }
    WeightArray& weights(std::uint32_t projection) { return *memory_.array(projection); }
    ChipMemory& memory() { return memory_; }
    const ChipMemory& memory() const { return memory_; }
    /// Number of core of a node.
    std::uint32_t core_of(noc::NodeId node) const;

    ChipEnergy energy() const;
    /// Between samples: all counters but latencies, and what later cycles depend on besides the state: what
    /// cores were told, whose turn it is in routers.
    void record(WordRecord& record);
    /// All counters: host interface, network, each core in use and its tiles, devices of each array.
    std::vector<Counter> report(const network::Network& names) const;
    /// Cycles in which something was done.
    std::uint64_t activations() const { return activations_; }
    /// Calls it until the end of the chip, which it outlives, or unobserve().
    void observe(ChipObserver& observer) { observers_.push_back(&observer); }
    void unobserve(ChipObserver& observer) { std::erase(observers_, &observer); }

    // The bus.
    bus::BusStatus write(std::uint32_t address, std::uint32_t word) override;
    bus::ReadResult read(std::uint32_t address) override;
    std::optional<std::uint32_t> answer(std::uint32_t ticket) override { return host_->answer(ticket); }
    void forget(std::uint32_t ticket) override { host_->forget(ticket); }
    bus::BusStatus debug_read(std::uint32_t address, std::uint32_t& word) const override {
        return host_->debug_read(address, word);
    }
    bus::BusStatus debug_write(std::uint32_t, std::uint32_t) override { return bus::BusStatus::refused; }
    bool keeps_address(std::uint32_t address) const override;
    bus::Timing timing(std::uint32_t address, bool write) const override {
        return host_->timing(address, write);
    }
    std::uint64_t posted_writes() const override { return host_->posted_writes(); }
    std::string name_of(std::uint32_t address) const override { return bus::name_of(chip_map(), address); }
    std::string who_waits() const override;
    void count_transfer(std::uint64_t words, std::uint64_t cycles) override {
        host_->count_transfer(words, cycles);
    }
    void count_error(bus::BusStatus status) override { host_->count(status); }
    std::uint64_t cycle() const override { return clock_.cycle; }
    std::uint64_t next_cycle() const override;
    void advance_to(std::uint64_t cycle) override;
    bool interrupt() const override { return host_->interrupt(); }

private:
    void work();
    void find_next();

    const ChipConfig config_;
    const crossbar::CrossbarConfig crossbar_;
    crossbar::EnergyConfig device_energy_;
    Clock clock_;
    ChipMemory memory_;
    noc::Endpoints network_;
    std::vector<std::unique_ptr<Core>> cores_;
    std::unique_ptr<HostInterface> host_;
    std::vector<std::uint32_t> core_at_;  // [node]; none: ~0
    std::vector<std::uint64_t> due_;      // [core]
    std::vector<std::uint32_t> active_;   // cores with something due
    std::uint64_t next_core_cycle_ = noc::kNever;
    std::uint64_t next_ = noc::kNever;  // cycle with something to do
    std::uint64_t activations_ = 0;
    std::vector<ChipObserver*> observers_;
};

}  // namespace memprop::hw::chip
