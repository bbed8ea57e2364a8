// A NIR network that the executor of learning/network runs: in double precision (arithmetic graph and
// double), or in single. Within a step a spike passes a feed-forward chain; an edge that closes a cycle
// delivers what its source put out in the step before. All state starts at 0.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "host_runtime/graph/crossbar_mapping.hpp"
#include "host_runtime/graph/discretisation.hpp"
#include "host_runtime/graph/running_network.hpp"
#include "host_runtime/nir/to_network.hpp"
#include "learning/network/executor.hpp"

namespace memprop::host {

class FunctionalNetwork final : public RunningNetwork {
public:
    /// Copies what it needs from the network. `file` is only for messages. Throws InputError if the time
    /// step does not suit the network. `mapping`, if there is one, holds the weights on crossbars; it has to
    /// outlive this.
    FunctionalNetwork(const nir::Network& network, const std::string& file,
                      const Discretisation& discretisation, CrossbarMapping* mapping = nullptr);

    void step(std::span<const std::uint32_t> events) override;

    void reset() override;

    /// The state, as write_state() has it. Reading needs a network that has been reset; what was read then
    /// continues bit for bit.
    void serialize(StateArchive& archive, StateParts parts = StateParts::network_and_devices);

    std::span<const std::uint32_t> spikes(std::uint32_t node) const override;
    std::span<const double> membrane(std::uint32_t node) const override;
    std::span<const double> current(std::uint32_t node) const override;
    void read_output(std::span<double> out) const override;
    void check_finite() const override;
    using RunningNetwork::read_state;
    using RunningNetwork::write_state;
    void write_state(StateArchive& archive, StateParts parts) override { serialize(archive, parts); }
    void read_state(StateArchive& archive, StateParts parts) override;

private:
    template <class Real>
    struct Running {
        std::vector<std::unique_ptr<network::Connection<Real>>> connections;  // by ProjectionId
        std::unique_ptr<network::Executor<Real>> executor;
    };

    FunctionalNetwork(const nir::FlatGraph& graph, const std::string& file,
                      const Discretisation& discretisation, CrossbarMapping* mapping);
    template <class Real>
    Running<Real> make_running(const nir::FlatGraph& graph, const std::string& file,
                               CrossbarMapping* mapping) const;
    std::span<const double> state(std::uint32_t node, std::string_view field) const;

    NetworkOfGraph net_;
    bool merges_events_;  // of one input and step, as training sums them
    bool settles_;        // feedback delivers in step 0 what it carries at rest, or nothing
    std::variant<Running<double>, Running<float>> running_;
    std::vector<std::uint32_t> events_, own_events_;                  // of a step, and of one input
    mutable std::vector<std::vector<double>> shown_, shown_current_;  // [node]: of single precision
};

}  // namespace memprop::host
