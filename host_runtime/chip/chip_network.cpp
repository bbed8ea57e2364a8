#include "host_runtime/chip/chip_network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "crossbar/base/error.hpp"
#include "host_runtime/files/memory_archive.hpp"
#include "host_runtime/graph/merged_events.hpp"
#include "learning/network/models/models.hpp"

namespace memprop::host {

using network::index_of;
using network::PopulationId;
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
    : ChipNetwork(nir::flatten(network, file), file, discretisation, chip, nullptr, crossbars) {}

ChipNetwork::ChipNetwork(const nir::Network& network, const std::string& file,
                         const Discretisation& discretisation, const ChipNetwork& before,
                         CrossbarMapping* crossbars)
    : ChipNetwork(nir::flatten(network, file), file, discretisation, before.session_->chip().config(),
                  before.session_, crossbars) {}

ChipNetwork::ChipNetwork(const nir::FlatGraph& graph, const std::string& file,
                         const Discretisation& discretisation, const hw::chip::ChipConfig& chip,
                         std::shared_ptr<ChipSession> session, CrossbarMapping* crossbars)
    : RunningNetwork(graph),
      net_((check(discretisation),
            to_network(graph, file, discretisation,
                       crossbars != nullptr ? WeightForm::devices : WeightForm::numbers))),
      settles_(discretisation.first_step_recurrence),
      stores_(net_.network.projections.size()),
      shared_(net_.network.projections.size()),
      shown_(graph.nodes.size()),
      shown_current_(graph.nodes.size()) {
    request_ = std::make_unique<CompileRequest>(CompileRequest{
        .network = net_.network, .weights = {}, .shown = remembered(net_.network), .moves_cores = true});
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        if (nir::is_spiking(infos_[i].type) && net_.places[i].population) {
            request_->shown[index_of(*net_.places[i].population)] = true;
        }
    }
    for (const PopulationId shown : net_.outputs) {
        request_->shown[index_of(shown)] = true;
    }
    place_weights(graph, file, crossbars, chip);
    CompiledNetwork compiled = compile(*request_, chip);
    std::vector<hw::chip::Chip::Attached> attached(net_.network.projections.size());
    for (std::size_t p = 0; p < attached.size(); ++p) {
        const network::Projection& projection = net_.network.projections[p];
        attached[p] = {.store = stores_[p].get(),
                       .tile_rows = request_->weights[p].tile_rows,
                       .tile_columns = compiled.tile_columns[p],
                       .shared = shared_[p].get(),
                       .rows = net_.network.at(projection.from).size,
                       .columns = net_.network.at(projection.to).size};
    }
    session_ = session != nullptr ? std::move(session)
                                  : std::make_shared<ChipSession>(with_resources(chip, compiled, *request_),
                                                                  crossbar_, discretisation.dt_seconds);
    session_->load(std::move(compiled), attached);
    bool programs = false;
    for (std::uint32_t p = 0; p < stores_.size(); ++p) {
        if (stores_[p] != nullptr) {
            session_->load_weights(p, stores_[p]->matrix());
            programs = true;
        }
    }
    if (programs) {
        session_->program();
    }
    executor_ = std::make_unique<ChipExecutor>(*session_);
    executor_->set_tick(crossbars != nullptr ? crossbars->ticks() : 0);
    longest_delay_steps_ = net_.longest_delay_steps;
}

ChipNetwork::~ChipNetwork() = default;

void ChipNetwork::place_weights(const nir::FlatGraph& graph, const std::string& file,
                                CrossbarMapping* crossbars, const hw::chip::ChipConfig& chip) {
    request_->weights.resize(net_.network.projections.size());
    if (crossbars == nullptr) {
        return;
    }
    crossbars->use_costs(chip.device_costs(crossbars->crossbar().energy, crossbars->crossbar().device));
    crossbar_ = crossbars->crossbar();
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {  // in the graph's order: it numbers arrays
        const auto id = net_.places[i].projection;
        if (!id) {
            continue;
        }
        const std::size_t p = index_of(*id);
        const network::Projection& projection = net_.network.at(*id);
        const network::Population& from = net_.network.at(projection.from);
        const std::string place = fmt::format("{}: node {}", file, graph.nodes[i].name);
        // Tiles are driven with spikes; other values, biases and kernels are a connection's business.
        const bool spikes =
            network::find_model("model", from.model).spiking ||
            std::find(net_.inputs.begin(), net_.inputs.end(), projection.from) != net_.inputs.end();
        const bool is_matrix = projection.connect.kind == network::ConnectKind::dense && !projection.bias &&
                               graph.nodes[i].node->find("weight")->shape.size() == 2;
        if (is_matrix && spikes) {
            stores_[p] = std::make_unique<MappedWeights>(*crossbars, graph.nodes[i], *id, place);
            request_->weights[p] = {
                .kind = WeightPlace::Kind::array,
                .tile_rows = static_cast<std::uint32_t>(crossbar_.tile_rows),
                .tile_columns = static_cast<std::uint32_t>(crossbar_.tile_columns),
                .columns_per_converter = static_cast<std::uint32_t>(crossbar_.adc.columns_per_converter)};
        } else if ((shared_[p] = crossbars->connect<float>(graph.nodes[i], place)) != nullptr) {
            request_->weights[p].kind = WeightPlace::Kind::shared;
        }
    }
    crossbars->finish();
}

void ChipNetwork::reset() {
    executor_->clear();
    steps_done_ = 0;
}

void ChipNetwork::step(std::span<const std::uint32_t> events) {
    events_.assign(events.begin(), events.end());
    std::sort(events_.begin(), events_.end());
    for (std::size_t k = 0; k < inputs_.size(); ++k) {
        own_events_.clear();
        for (const std::uint32_t event : events_) {
            if (event >= input_begin_[k] && event < input_begin_[k + 1]) {
                own_events_.push_back(static_cast<std::uint32_t>(event - input_begin_[k]));
            }
        }
        merge_events<float>(own_events_, executor_->input(net_.inputs[k]));
        if (executor_->input(net_.inputs[k]).form == network::Signal<float>::Form::graded) {
            for (const ProjectionId p : net_.network.from(net_.inputs[k])) {
                if (stores_[index_of(p)] != nullptr) {
                    throw InputError(fmt::format(
                        "events: an input has several in step {}: the chip drives a word line of {} once in "
                        "a step; use a smaller --dt, or the functional engine",
                        steps_done_, net_.network.at(p).name));
                }
            }
        }
    }
    if (steps_done_ == 0 && settles_) {
        executor_->settle();
    }
    executor_->step(static_cast<std::uint32_t>(steps_done_));
    ++steps_done_;
}

std::span<const std::uint32_t> ChipNetwork::spikes(std::uint32_t node) const {
    return nir::is_spiking(infos_[node].type) ? executor_->output(*net_.places[node].population).spikes()
                                              : std::span<const std::uint32_t>();
}

std::span<const double> ChipNetwork::state(std::uint32_t node, std::string_view field) const {
    if (!nir::is_neuron(infos_[node].type)) {
        return {};
    }
    const std::vector<float> values = executor_->state(*net_.places[node].population, field);
    auto& shown = field == "current" ? shown_current_[node] : shown_[node];
    shown.assign(values.begin(), values.end());
    return shown;
}

std::span<const double> ChipNetwork::membrane(std::uint32_t node) const {
    return state(node, "membrane");
}

std::span<const double> ChipNetwork::current(std::uint32_t node) const {
    return nir::has_current(infos_[node].type) ? state(node, "current") : std::span<const double>();
}

void ChipNetwork::read_output(std::span<double> out) const {
    std::fill(out.begin(), out.end(), 0.0);
    std::size_t begin = 0;
    for (std::size_t k = 0; k < outputs_.size(); ++k) {
        for_each_nonzero(executor_->output(net_.outputs[k]),
                         [&](std::uint32_t i, float value) { out[begin + i] += static_cast<double>(value); });
        begin += infos_[outputs_[k]].size;
    }
}

void ChipNetwork::check_finite() const {
    for (std::size_t p = 0; p < net_.network.populations.size(); ++p) {
        const auto id = static_cast<PopulationId>(p);
        for (const network::Field& field :
             network::find_model("model", net_.network.populations[p].model).fields) {
            const std::vector<float> values = field.role == network::FieldRole::state
                                                  ? executor_->state(id, field.name)
                                                  : std::vector<float>{};
            if (!std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); })) {
                throw RunError(fmt::format(
                    "node {}: its state is no longer finite after {} steps (feedback that grows, or "
                    "weights that are too large)",
                    net_.network.populations[p].name, steps_done_));
            }
        }
    }
}

void ChipNetwork::serialize_devices(StateArchive& archive, StateParts parts) {
    for (std::size_t p = 0; parts == StateParts::network_and_devices && p < stores_.size(); ++p) {
        archive.enter("projection" + std::to_string(p));
        if (stores_[p] != nullptr) {
            stores_[p]->devices().account_reads();
            archive.enter("array0");
            stores_[p]->serialize(archive);
            archive.leave();
            stores_[p]->devices().renew(stores_[p]->tick());
            session_->chip().weights(static_cast<std::uint32_t>(p)).devices_changed();
        } else if (shared_[p] != nullptr) {
            shared_[p]->serialize(archive);
        }
        archive.leave();
    }
}

void ChipNetwork::write_state(StateArchive& archive, StateParts parts) {
    executor_->serialize(archive);
    serialize_devices(archive, parts);
}

void ChipNetwork::read_state(StateArchive& archive, StateParts parts) {
    MemoryWriter before;
    write_state(before, parts);
    const auto take = [&](StateArchive& from) {
        executor_->clear();
        executor_->restore(from);
        serialize_devices(from, parts);
        steps_done_ = executor_->steps_done();
    };
    try {
        take(archive);
        check_finite();
    } catch (...) {
        MemoryReader back(before.items());
        take(back);
        throw;
    }
}

}  // namespace memprop::host
