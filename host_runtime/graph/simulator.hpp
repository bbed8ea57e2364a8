// Runs a checked network step by step, in double precision unless operators say otherwise. Within a step the
// nodes run in execution_order(): a spike passes a feed-forward chain within the step, an edge that closes a
// cycle delivers what its source put out in the step before. All state starts at 0.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "host_runtime/graph/discretisation.hpp"
#include "host_runtime/graph/operators.hpp"
#include "host_runtime/graph/running_network.hpp"

namespace memprop::host {

class Simulator final : public RunningNetwork {
public:
    /// Copies what it needs from the network. `file` is only for messages. Throws InputError if the time
    /// step does not suit the network.
    /// `mapping`, if there is one, may take nodes over; it has to outlive the simulator.
    Simulator(const nir::Network& network, const std::string& file, const Discretisation& discretisation,
              OperatorMapping* mapping = nullptr);

    void step(std::span<const std::uint32_t> events) override;

    /// State back to the beginning; weights stay.
    void reset();

    /// Everything that steps have changed, but not the weights; with devices also what these hold. Reading
    /// needs a simulator of the same network that has been reset; what was read then continues bit for bit.
    enum class StateParts { network, network_and_devices };
    void serialize(StateArchive& archive, StateParts parts = StateParts::network_and_devices);

    std::span<const std::uint32_t> spikes(std::uint32_t node) const override;
    std::span<const double> membrane(std::uint32_t node) const override {
        return nodes_[node].op->membrane();
    }
    std::span<const double> current(std::uint32_t node) const override { return nodes_[node].op->current(); }
    void read_output(std::span<double> out) const override;
    void check_finite() const override;
    void write_state(StateArchive& archive) override { serialize(archive); }
    void read_state(StateArchive& archive) override;

private:
    struct Source {
        std::uint32_t node;
        bool delayed;
    };
    struct NodeState {
        std::unique_ptr<Operator> op;
        std::vector<Source> sources;
        Signal sum;  // of several sources
        Signal out;
    };

    Simulator(const nir::FlatGraph& graph, const std::string& file, const Discretisation& discretisation,
              OperatorMapping* mapping);
    void set_rest();
    void find_longest_delay();
    const Signal& gather(std::uint32_t index);
    void add_sources(NodeState& node, bool skip_delayed);

    std::vector<NodeState> nodes_;
    bool first_step_recurrence_;
    Signal nothing_;
};

}  // namespace memprop::host
