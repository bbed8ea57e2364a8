#include "host_runtime/chip/chip_network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "crossbar/base/error.hpp"
#include "host_runtime/chip/placement.hpp"
#include "host_runtime/exchange/layers.hpp"

namespace memprop::host {

using learning::ProjectionId;

ChipNetwork::ChipNetwork(const nir::Network& network, const std::string& file,
                         const Discretisation& discretisation, const hw::chip::ChipConfig& chip)
    : ChipNetwork(nir::flatten(network, file), file, discretisation, chip) {}

ChipNetwork::ChipNetwork(const nir::FlatGraph& graph, const std::string& file,
                         const Discretisation& discretisation, const hw::chip::ChipConfig& chip)
    : RunningNetwork(graph),
      compiled_(compile(graph, file, discretisation)),
      shape_(compiled_.shape()),
      state_(compiled_.parameters),
      readout_(compiled_.parameters.outputs),
      membrane_(compiled_.parameters.recurrent),
      shown_readout_(compiled_.parameters.outputs) {
    check(discretisation);
    hw::chip::ChipPlan plan = map_network(shape_, chip);
    first_hop_cost_ = hop_cost(plan, chip);
    place_cores(plan, chip);
    config_.network.time_step_seconds = discretisation.dt_seconds;
    learning::HardwareRequest request{.config = config_,
                                      .parameters = compiled_.parameters,
                                      .weights = {},
                                      .state = state_,
                                      .feedback = {}};
    for (std::size_t w = 0; w < stores_.size(); ++w) {
        const CompiledWeights& weights = compiled_.weights[w];
        const learning::WeightStoreShape shape{
            .id = static_cast<ProjectionId>(w), .pre = weights.rows, .post = weights.columns};
        stores_[w] = std::make_unique<learning::DigitalWeights<float>>(shape, 0.0F);
        request.weights[w] = stores_[w].get();
    }
    hardware_ = std::make_unique<ChipHardware>(chip, std::move(plan), request);
    for (std::size_t w = 0; w < stores_.size(); ++w) {
        if (compiled_.weights[w].node) {
            hardware_->chip()
                .weights(static_cast<ProjectionId>(w))
                .set_unit(compiled_.weights[w].weights.unit);
        }
    }
    for (std::size_t w = 0; w < stores_.size(); ++w) {
        hardware_->load(static_cast<ProjectionId>(w), compiled_.weights[w].weights.values);
    }
    longest_delay_steps_ = compiled_.delay ? 1 : 0;
    std::uint64_t begin = 0;
    for (const std::uint32_t output : outputs_) {
        for (const std::uint32_t from : origins(graph, output)) {
            output_sources_.push_back({begin, from == compiled_.neurons});
        }
        begin += infos_[output].size;
    }
    for (std::uint32_t i = 0; i < graph.nodes.size(); ++i) {
        sources_.push_back(graph.nodes[i].sources);
        const bool weighted = std::any_of(compiled_.weights.begin(), compiled_.weights.end(),
                                          [&](const CompiledWeights& weights) { return weights.node == i; });
        weight_operators_.push_back(weighted ? make_operator(graph.nodes[i], discretisation, file) : nullptr);
    }
}

ChipNetwork::~ChipNetwork() = default;

void ChipNetwork::step(std::span<const std::uint32_t> events) {
    if (!begun_) {
        hardware_->begin_stream(0);
        begun_ = true;
    }
    events_.assign(events.begin(), events.end());
    std::sort(events_.begin(), events_.end());
    if (const auto twice = std::adjacent_find(events_.begin(), events_.end()); twice != events_.end()) {
        throw InputError(
            fmt::format("events: input {} has several in step {}: the chip drives a word line once "
                        "in a step; use a smaller --dt, or the functional engine",
                        *twice, steps_done_));
    }
    if (compiled_.bias_address) {
        events_.push_back(*compiled_.bias_address);
    }
    std::swap(spikes_, earlier_spikes_);
    hardware_->stream_step(sample_steps_, events_, spikes_, readout_);
    if (compiled_.bias_address) {
        events_.pop_back();
    }
    ++sample_steps_;
    ++steps_done_;
    show();
}

void ChipNetwork::show() {
    std::copy(state_.membrane.begin(), state_.membrane.end(), membrane_.begin());
    std::copy(readout_.begin(), readout_.end(), shown_readout_.begin());
}

std::span<const std::uint32_t> ChipNetwork::spikes(std::uint32_t node) const {
    return node == compiled_.neurons ? std::span<const std::uint32_t>(spikes_)
                                     : std::span<const std::uint32_t>();
}

std::span<const double> ChipNetwork::membrane(std::uint32_t node) const {
    if (node == compiled_.neurons) {
        return membrane_;
    }
    return node == compiled_.readouts ? std::span<const double>(shown_readout_) : std::span<const double>();
}

void ChipNetwork::read_output(std::span<double> out) const {
    std::fill(out.begin(), out.end(), 0.0);
    for (const OutputSource& source : output_sources_) {
        if (source.spikes) {
            for (const std::uint32_t neuron : spikes_) {
                out[source.begin + neuron] += 1.0;
            }
        } else {
            for (std::size_t k = 0; k < shown_readout_.size(); ++k) {
                out[source.begin + k] += shown_readout_[k];
            }
        }
    }
}

void ChipNetwork::check_finite() const {
    const auto check = [&](std::span<const double> values, std::uint32_t node) {
        if (!std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); })) {
            throw RunError(
                fmt::format("node {}: its state is no longer finite after {} steps (feedback that "
                            "grows, or weights that are too large)",
                            infos_[node].name, steps_done_));
        }
    };
    check(membrane_, compiled_.neurons);
    if (compiled_.readouts) {
        check(shown_readout_, *compiled_.readouts);
    }
}

}  // namespace memprop::host
