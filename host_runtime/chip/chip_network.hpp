// A NIR network that runs on the cycle-level chip: compiled (compile.hpp), placed, loaded through the chip's
// bus and driven step by step. It gives the bits of the functional network in single precision, and its state
// is that of the functional network.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "host_runtime/chip/chip_executor.hpp"
#include "host_runtime/chip/chip_session.hpp"
#include "host_runtime/chip/mapped_weights.hpp"
#include "host_runtime/graph/running_network.hpp"
#include "host_runtime/nir/to_network.hpp"

namespace memprop::host {

/// The arithmetic of a network on the chip: neuron units compute in single precision, with the operations of
/// training. One that leaves it open is given that. Throws InputError for double precision.
Discretisation suited_to_chip(Discretisation discretisation);

class ChipNetwork final : public RunningNetwork {
public:
    /// Makes all checks before anything is built. Weights are numbers, or on the devices of `crossbars`,
    /// which outlives it. Throws InputError naming the resource of which there is too little with need and
    /// limit.
    ChipNetwork(const nir::Network& network, const std::string& file, const Discretisation& discretisation,
                const hw::chip::ChipConfig& chip, CrossbarMapping* crossbars = nullptr);
    /// On the chip of another network, which must not run any more when this one has been loaded; likewise.
    ChipNetwork(const nir::Network& network, const std::string& file, const Discretisation& discretisation,
                const ChipNetwork& before, CrossbarMapping* crossbars = nullptr);
    ~ChipNetwork() override;

    void step(std::span<const std::uint32_t> events) override;
    /// The chip's counters stay, too.
    void reset() override;

    std::span<const std::uint32_t> spikes(std::uint32_t node) const override;
    std::span<const double> membrane(std::uint32_t node) const override;
    std::span<const double> current(std::uint32_t node) const override;
    void read_output(std::span<double> out) const override;
    void check_finite() const override;
    using RunningNetwork::read_state;
    using RunningNetwork::write_state;
    void write_state(StateArchive& archive, StateParts parts) override;
    void read_state(StateArchive& archive, StateParts parts) override;

    const ChipSession& session() const { return *session_; }
    ChipSession& session() { return *session_; }
    const CompileRequest& request() const { return *request_; }

private:
    ChipNetwork(const nir::FlatGraph& graph, const std::string& file, const Discretisation& discretisation,
                const hw::chip::ChipConfig& chip, std::shared_ptr<ChipSession> session,
                CrossbarMapping* crossbars);
    /// What holds the weights of each projection; fills stores_ and shared_.
    void place_weights(const nir::FlatGraph& graph, const std::string& file, CrossbarMapping* crossbars,
                       const hw::chip::ChipConfig& chip);
    void serialize_devices(StateArchive& archive, StateParts parts);
    std::span<const double> state(std::uint32_t node, std::string_view field) const;

    NetworkOfGraph net_;
    bool settles_;
    std::unique_ptr<CompileRequest> request_;
    crossbar::CrossbarConfig crossbar_;
    std::vector<std::unique_ptr<MappedWeights>> stores_;               // [projection]; null: not on tiles
    std::vector<std::unique_ptr<network::Connection<float>>> shared_;  // [projection]; null: likewise
    std::shared_ptr<ChipSession> session_;
    std::unique_ptr<ChipExecutor> executor_;
    std::vector<std::uint32_t> events_, own_events_;
    mutable std::vector<std::vector<double>> shown_, shown_current_;  // [node]
};

}  // namespace memprop::host
