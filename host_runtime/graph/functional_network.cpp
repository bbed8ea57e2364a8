#include "host_runtime/graph/functional_network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "crossbar/base/error.hpp"
#include "host_runtime/files/memory_archive.hpp"
#include "host_runtime/graph/merged_events.hpp"
#include "learning/network/connect/connections.hpp"
#include "learning/network/models/models.hpp"

namespace memprop::host {
namespace {

template <class Real>
bool all_finite(std::span<const Real> values) {
    return std::all_of(values.begin(), values.end(), [](Real x) { return std::isfinite(x); });
}

template <class Real>
bool is_finite(const network::Neurons<Real>& neurons, const network::NeuronModel& model,
               const network::Signal<Real>& out) {
    if (out.form == network::Signal<Real>::Form::dense && !all_finite(std::span<const Real>(out.dense))) {
        return false;
    }
    return std::all_of(model.fields.begin(), model.fields.end(), [&](const network::Field& field) {
        return field.role != network::FieldRole::state || all_finite(neurons.state(field.name));
    });
}

}  // namespace

FunctionalNetwork::FunctionalNetwork(const nir::Network& network, const std::string& file,
                                     const Discretisation& discretisation, CrossbarMapping* mapping)
    : FunctionalNetwork(nir::flatten(network, file), file, discretisation, mapping) {}

FunctionalNetwork::FunctionalNetwork(const nir::FlatGraph& graph, const std::string& file,
                                     const Discretisation& discretisation, CrossbarMapping* mapping)
    : RunningNetwork(graph),
      merges_events_(discretisation.arithmetic != Arithmetic::graph),
      settles_(discretisation.first_step_recurrence),
      shown_(graph.nodes.size()),
      shown_current_(graph.nodes.size()) {
    check(discretisation);
    net_ = to_network(graph, file, discretisation,
                      mapping != nullptr ? WeightForm::devices : WeightForm::numbers);
    if (discretisation.arithmetic == Arithmetic::single) {
        running_ = make_running<float>(graph, file, mapping);
    } else {
        running_ = make_running<double>(graph, file, mapping);
    }
    for (network::Projection& projection : net_.network.projections) {
        projection.weights = {};  // the connections have their own
    }
    longest_delay_steps_ = net_.longest_delay_steps;
}

template <class Real>
FunctionalNetwork::Running<Real> FunctionalNetwork::make_running(const nir::FlatGraph& graph,
                                                                 const std::string& file,
                                                                 CrossbarMapping* mapping) const {
    Running<Real> running;
    running.connections.resize(net_.network.projections.size());
    for (std::size_t i = 0; i < graph.nodes.size() && mapping != nullptr; ++i) {
        if (const auto projection = net_.places[i].projection) {
            running.connections[index_of(*projection)] =
                mapping->connect<Real>(graph.nodes[i], fmt::format("{}: node {}", file, graph.nodes[i].name));
        }
    }
    if (mapping != nullptr) {
        mapping->finish();
    }
    std::vector<network::Connection<Real>*> connections;
    for (std::size_t p = 0; p < running.connections.size(); ++p) {
        if (running.connections[p] == nullptr) {
            running.connections[p] =
                network::make_connection<Real>(net_.network, net_.network.projections[p]);
        }
        connections.push_back(running.connections[p].get());
    }
    running.executor = std::make_unique<network::Executor<Real>>(net_.network, std::move(connections));
    return running;
}

void FunctionalNetwork::reset() {
    std::visit([](auto& running) { running.executor->clear(); }, running_);
    steps_done_ = 0;
}

void FunctionalNetwork::serialize(StateArchive& archive, StateParts parts) {
    std::visit(
        [&](auto& running) {
            running.executor->serialize(archive);
            steps_done_ = running.executor->steps_done();
            for (std::size_t p = 0; p < running.connections.size(); ++p) {
                if (parts == StateParts::network_and_devices) {
                    archive.enter("projection" + std::to_string(p));
                    running.connections[p]->serialize(archive);
                    archive.leave();
                }
            }
        },
        running_);
}

void FunctionalNetwork::read_state(StateArchive& archive, StateParts parts) {
    MemoryWriter before;
    serialize(before, parts);
    try {
        reset();
        serialize(archive, parts);
        check_finite();
    } catch (...) {
        MemoryReader back(before.items());
        reset();
        serialize(back, parts);
        throw;
    }
}

void FunctionalNetwork::step(std::span<const std::uint32_t> events) {
    if (merges_events_ && !std::is_sorted(events.begin(), events.end())) {
        events_.assign(events.begin(), events.end());
        std::sort(events_.begin(), events_.end());
        events = events_;
    }
    std::visit(
        [&](auto& running) {
            auto& executor = *running.executor;
            for (std::size_t k = 0; k < inputs_.size(); ++k) {
                std::span<const std::uint32_t> own = events;
                if (inputs_.size() > 1) {
                    own_events_.clear();
                    for (const std::uint32_t event : events) {
                        if (event >= input_begin_[k] && event < input_begin_[k + 1]) {
                            own_events_.push_back(static_cast<std::uint32_t>(event - input_begin_[k]));
                        }
                    }
                    own = own_events_;
                }
                if (merges_events_) {
                    merge_events(own, executor.input(net_.inputs[k]));
                } else {
                    executor.set_input(net_.inputs[k], own);
                }
            }
            if (steps_done_ == 0 && settles_) {
                executor.settle();
            }
            executor.step(static_cast<std::uint32_t>(steps_done_));
        },
        running_);
    ++steps_done_;
}

std::span<const std::uint32_t> FunctionalNetwork::spikes(std::uint32_t node) const {
    if (!nir::is_spiking(infos_[node].type)) {
        return {};
    }
    return std::visit(
        [&](const auto& running) { return running.executor->output(*net_.places[node].population).spikes(); },
        running_);
}

std::span<const double> FunctionalNetwork::state(std::uint32_t node, std::string_view field) const {
    if (!nir::is_neuron(infos_[node].type)) {
        return {};
    }
    const network::PopulationId id = *net_.places[node].population;
    if (const auto* running = std::get_if<Running<double>>(&running_)) {
        return running->executor->neurons(id).state(field);
    }
    const auto values = std::get<Running<float>>(running_).executor->neurons(id).state(field);
    auto& shown = field == "current" ? shown_current_[node] : shown_[node];
    shown.assign(values.begin(), values.end());
    return shown;
}

std::span<const double> FunctionalNetwork::membrane(std::uint32_t node) const {
    return state(node, "membrane");
}

std::span<const double> FunctionalNetwork::current(std::uint32_t node) const {
    return nir::has_current(infos_[node].type) ? state(node, "current") : std::span<const double>();
}

void FunctionalNetwork::read_output(std::span<double> out) const {
    std::fill(out.begin(), out.end(), 0.0);
    std::visit(
        [&](const auto& running) {
            std::size_t begin = 0;
            for (std::size_t k = 0; k < outputs_.size(); ++k) {
                for_each_nonzero(running.executor->output(net_.outputs[k]), [&](std::uint32_t i, auto value) {
                    out[begin + i] += static_cast<double>(value);
                });
                begin += infos_[outputs_[k]].size;
            }
        },
        running_);
}

void FunctionalNetwork::check_finite() const {
    std::visit(
        [&](const auto& running) {
            const auto& populations = net_.network.populations;
            for (std::size_t p = 0; p < populations.size(); ++p) {
                const auto id = static_cast<network::PopulationId>(p);
                if (!is_finite(running.executor->neurons(id),
                               network::find_model("model", populations[p].model),
                               running.executor->output(id))) {
                    throw RunError(fmt::format(
                        "node {}: its state is no longer finite after {} steps (feedback that grows, or "
                        "weights that are too large)",
                        populations[p].name, steps_done_));
                }
            }
        },
        running_);
}

}  // namespace memprop::host
