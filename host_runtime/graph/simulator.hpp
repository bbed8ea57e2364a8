// Runs a checked network step by step, in double precision unless operators say otherwise. Within a step the
// nodes run in execution_order(): a spike passes a feed-forward chain within the step, an edge that closes a
// cycle delivers what its source put out in the step before. All state starts at 0.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host_runtime/graph/discretisation.hpp"
#include "host_runtime/graph/operators.hpp"
#include "host_runtime/graph/order.hpp"
#include "host_runtime/nir/flat_graph.hpp"

namespace memprop::host {

class Simulator {
public:
    /// Copies what it needs from the network. `file` is only for messages. Throws InputError if the time
    /// step does not suit the network.
    /// `mapping`, if there is one, may take nodes over; it has to outlive the simulator.
    Simulator(const nir::Network& network, const std::string& file, const Discretisation& discretisation,
              OperatorMapping* mapping = nullptr);

    /// The flat index of an input runs over the Input nodes in byte order of their names.
    std::uint64_t input_size() const { return input_size_; }
    /// Shape of the Input if there is exactly one.
    std::optional<h5::Shape> input_shape() const;
    /// Outputs likewise run over the Output nodes.
    std::uint64_t output_size() const { return output_size_; }
    /// Steps that an event may spend in Delay nodes on its longest way.
    std::uint64_t longest_delay_steps() const { return longest_delay_steps_; }

    /// One step; each entry is an input that receives an event, several events at one input add up.
    void step(std::span<const std::uint32_t> events);

    /// State back to the beginning; weights stay.
    void reset();

    /// Everything that steps have changed, but not the weights; with devices also what these hold. Reading
    /// needs a simulator of the same network that has been reset; what was read then continues bit for bit.
    enum class StateParts { network, network_and_devices };
    void serialize(StateArchive& archive, StateParts parts = StateParts::network_and_devices);

    std::uint64_t steps_done() const { return steps_done_; }

    struct NodeInfo {
        std::string name;
        nir::NodeType type;
        std::uint64_t size;
    };
    /// All nodes, nested ones by path, in byte order.
    const std::vector<NodeInfo>& nodes() const { return infos_; }
    std::optional<std::uint32_t> find(std::string_view name) const;
    struct OutputInfo {
        std::string name;
        std::uint64_t size;
        bool spikes;  ///< only spiking nodes feed it
    };
    /// The outermost Output nodes, in byte order.
    const std::vector<OutputInfo>& outputs() const { return output_infos_; }
    /// Edges that deliver the value of the step before, by node names.
    std::vector<std::pair<std::string, std::string>> delayed_edges() const;

    /// Of the last step. Indices ascend; empty unless the node is spiking.
    std::span<const std::uint32_t> spikes(std::uint32_t node) const;
    std::span<const double> membrane(std::uint32_t node) const { return nodes_[node].op->membrane(); }
    std::span<const double> current(std::uint32_t node) const { return nodes_[node].op->current(); }
    /// Writes output_size() values of the last step.
    void read_output(std::span<double> out) const;

    /// Throws RunError naming a node whose state or output is no longer finite.
    void check_finite() const;

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

    void set_rest();
    void note_outputs(const nir::FlatGraph& graph);
    const Signal& gather(std::uint32_t index);
    void add_sources(NodeState& node, bool skip_delayed);

    std::vector<NodeInfo> infos_;
    std::vector<NodeState> nodes_;
    std::vector<OutputInfo> output_infos_;
    ExecutionOrder order_;
    std::vector<std::uint32_t> inputs_, outputs_;
    std::vector<std::uint64_t> input_begin_;  // first flat index of each Input, and the end
    h5::Shape first_input_shape_;
    std::uint64_t input_size_ = 0, output_size_ = 0, longest_delay_steps_ = 0, steps_done_ = 0;
    bool first_step_recurrence_;
    Signal nothing_;
};

}  // namespace memprop::host
