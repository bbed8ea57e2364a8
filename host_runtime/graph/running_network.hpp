// A checked network that runs step by step, whatever computes it: the executor (functional_network.hpp) or
// the cycle-level chip (../chip/chip_network.hpp). What reads spikes, probes and outputs knows only this.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crossbar/base/state_archive.hpp"
#include "host_runtime/nir/flat_graph.hpp"
#include "host_runtime/nir/order.hpp"

namespace memprop::host {

class RunningNetwork {
public:
    RunningNetwork(const RunningNetwork&) = delete;
    RunningNetwork& operator=(const RunningNetwork&) = delete;
    virtual ~RunningNetwork() = default;

    /// The flat index of an input runs over the Input nodes in byte order of their names.
    std::uint64_t input_size() const { return input_begin_.back(); }
    /// Shape of the Input if there is exactly one.
    std::optional<h5::Shape> input_shape() const;
    /// Outputs likewise run over the Output nodes.
    std::uint64_t output_size() const { return output_size_; }
    /// Steps that an event may spend in Delay nodes on its longest way.
    std::uint64_t longest_delay_steps() const { return longest_delay_steps_; }
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

    /// One step; each entry is an input that receives an event, several events at one input add up.
    virtual void step(std::span<const std::uint32_t> events) = 0;

    /// Of the last step. Indices ascend; empty unless the node is spiking.
    virtual std::span<const std::uint32_t> spikes(std::uint32_t node) const = 0;
    virtual std::span<const double> membrane(std::uint32_t node) const = 0;
    virtual std::span<const double> current(std::uint32_t node) const = 0;
    /// Writes output_size() values of the last step.
    virtual void read_output(std::span<double> out) const = 0;

    /// Throws RunError naming a node whose state or output is no longer finite.
    virtual void check_finite() const = 0;

    /// State back to the beginning; weights stay.
    virtual void reset() = 0;

    /// Everything that steps have changed, but not the weights; with devices also what these hold. What one
    /// engine writes another can read, and the run continues bit for bit. Reading replaces all state, or
    /// throws and leaves all as it was.
    enum class StateParts : std::uint8_t { network, network_and_devices };
    virtual void write_state(StateArchive& archive, StateParts parts) = 0;
    virtual void read_state(StateArchive& archive, StateParts parts) = 0;
    void write_state(StateArchive& archive) { write_state(archive, StateParts::network_and_devices); }
    void read_state(StateArchive& archive) { read_state(archive, StateParts::network_and_devices); }

protected:
    explicit RunningNetwork(const nir::FlatGraph& graph);

    std::vector<NodeInfo> infos_;
    ExecutionOrder order_;
    std::vector<std::uint32_t> inputs_, outputs_;
    std::vector<std::uint64_t> input_begin_;  // first flat index of each Input, and the end
    std::uint64_t longest_delay_steps_ = 0, steps_done_ = 0;

private:
    void note_outputs(const nir::FlatGraph& graph);

    std::vector<OutputInfo> output_infos_;
    h5::Shape first_input_shape_;
    std::uint64_t output_size_ = 0;
};

}  // namespace memprop::host
