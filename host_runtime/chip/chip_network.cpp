#include "host_runtime/chip/chip_network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "crossbar/base/error.hpp"
#include "host_runtime/chip/placement.hpp"
#include "learning/weights/digital_weights.hpp"

namespace memprop::host {

using network::ProjectionId;

Discretisation suited_to_chip(Discretisation discretisation) {
    if (discretisation.arithmetic == Arithmetic::graph) {
        discretisation.arithmetic = Arithmetic::single;
    }
    if (discretisation.arithmetic != Arithmetic::single) {
        throw InputError("arithmetic", to_string(discretisation.arithmetic),
                         "must be single on the chip: its neuron units have single precision");
    }
    return discretisation;
}

ChipNetwork::ChipNetwork(const nir::Network& network, const std::string& file,
                         const Discretisation& discretisation, const hw::chip::ChipConfig& chip,
                         CrossbarMapping* crossbars)
    : ChipNetwork(nir::flatten(network, file), file, discretisation, chip, crossbars) {}

ChipNetwork::ChipNetwork(const nir::FlatGraph& graph, const std::string& file,
                         const Discretisation& discretisation, const hw::chip::ChipConfig& chip,
                         CrossbarMapping* crossbars)
    : RunningNetwork(graph),
      net_((check(discretisation),
            to_network(graph, file, discretisation,
                       crossbars != nullptr ? WeightForm::devices : WeightForm::numbers))),
      compiled_(compile(net_, graph, file, discretisation, crossbars != nullptr)),
      shape_(compiled_.shape()),
      state_(compiled_.parameters),
      readout_(compiled_.parameters.outputs),
      membrane_(compiled_.parameters.recurrent),
      shown_readout_(compiled_.parameters.outputs) {
    config_.network.time_step_seconds = discretisation.dt_seconds;
    if (crossbars != nullptr) {
        crossbars->use_costs(chip.device_costs(crossbars->crossbar().energy, crossbars->crossbar().device));
        config_.crossbar = crossbars->crossbar();
        shape_.tile_rows.fill(static_cast<std::uint32_t>(config_.crossbar.tile_rows));
        shape_.tile_columns = static_cast<std::uint32_t>(config_.crossbar.tile_columns);
        shape_.columns_per_converter = static_cast<std::uint32_t>(config_.crossbar.adc.columns_per_converter);
    }
    hw::chip::ChipPlan plan = map_network(shape_, chip);
    first_hop_cost_ = hop_cost(plan, chip);
    place_cores(plan, chip);
    make_stores(graph, file, crossbars);
    hardware_ = std::make_unique<ChipHardware>(
        chip, std::move(plan),
        hw::chip::ChipParts{.config = config_,
                            .parameters = compiled_.parameters,
                            .weights = {stores_[0].get(), stores_[1].get(), stores_[2].get()},
                            .state = state_,
                            .feedback = no_feedback_});
    load();
    longest_delay_steps_ = compiled_.delay ? 1 : 0;
    note_outputs();
}

void ChipNetwork::make_stores(const nir::FlatGraph& graph, const std::string& file,
                              CrossbarMapping* crossbars) {
    for (std::uint32_t i = 0; i < graph.nodes.size() && crossbars != nullptr; ++i) {  // in the graph's order
        for (std::size_t w = 0; w < stores_.size(); ++w) {
            if (compiled_.weights[w].node == i) {
                auto store =
                    std::make_unique<MappedWeights>(*crossbars, graph.nodes[i], static_cast<ProjectionId>(w),
                                                    fmt::format("{}: node {}", file, graph.nodes[i].name));
                mapped_[w] = store.get();
                stores_[w] = std::move(store);
            }
        }
    }
    if (crossbars != nullptr) {
        crossbars->finish();
    }
    for (std::size_t w = 0; w < stores_.size(); ++w) {
        if (stores_[w] == nullptr) {
            stores_[w] = std::make_unique<learning::DigitalWeights<float>>(
                learning::WeightStoreShape{.id = static_cast<ProjectionId>(w),
                                           .name = {},
                                           .pre = compiled_.weights[w].rows,
                                           .post = compiled_.weights[w].columns},
                0.0F);
        }
    }
}

void ChipNetwork::load() {
    for (std::size_t w = 0; w < stores_.size(); ++w) {
        hardware_->chip().weights(static_cast<ProjectionId>(w)).set_unit(compiled_.weights[w].unit);
    }
    for (std::size_t w = 0; w < stores_.size(); ++w) {
        hardware_->load(static_cast<ProjectionId>(w),
                        mapped_[w] != nullptr ? mapped_[w]->matrix()
                                              : std::span<const float>(compiled_.weights[w].values));
    }
}

void ChipNetwork::note_outputs() {
    std::uint64_t begin = 0;
    for (std::size_t k = 0; k < outputs_.size(); ++k) {
        const network::PopulationId shown = net_.outputs[k];
        if (shown == compiled_.neuron_population || shown == compiled_.readout_population) {
            output_sources_.push_back({begin, shown == compiled_.neuron_population});
        } else {  // their sum
            for (const ProjectionId p : net_.network.to(shown)) {
                output_sources_.push_back({begin, net_.network.at(p).from == compiled_.neuron_population});
            }
        }
        begin += infos_[outputs_[k]].size;
    }
}

ChipNetwork::~ChipNetwork() = default;

void ChipNetwork::step(std::span<const std::uint32_t> events) {
    if (!begun_) {
        const auto mapped = std::find_if(mapped_.begin(), mapped_.end(),
                                         [](const MappedWeights* weights) { return weights != nullptr; });
        hardware_->begin_stream(mapped != mapped_.end() ? (*mapped)->tick() : 0,
                                static_cast<std::uint32_t>(steps_done_));
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
    hardware_->stream_step(static_cast<std::uint32_t>(steps_done_), events_, spikes_, readout_);
    if (compiled_.bias_address) {
        events_.pop_back();
    }
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
