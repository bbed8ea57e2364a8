#include "host_runtime/results/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "host_runtime/results/converters_report.hpp"
#include "host_runtime/results/energy_report.hpp"
#include "learning/update/scheme.hpp"

namespace memprop::host {
namespace {

/// Mean square of the targets: the loss of a silent network.
double mean_square_target(const learning::Task& task) {
    double sum = 0.0;
    std::size_t count = 0;
    learning::Trial buffer;
    for (std::uint32_t i = 0; i < task.trials(learning::Split::training); ++i) {
        for (const double y : task.trial(learning::Split::training, i, buffer).target) {
            sum += y * y;
            ++count;
        }
    }
    return count == 0 ? 0.0 : sum / double(count);
}

/// f(position of the projection) for every projection.
template <class Function>
void for_each_projection(const learning::TrainerBase& trainer, Function&& f) {
    for (std::size_t p = 0; p < trainer.network().projections.size(); ++p) {
        f(static_cast<learning::ProjectionId>(p));
    }
}

std::uint64_t synapses(const learning::TrainerBase& trainer) {
    std::uint64_t sum = 0;
    for_each_projection(trainer, [&](learning::ProjectionId id) { sum += trainer.synapses(id); });
    return sum;
}

/// Tiles that hold the arrays, those of the update scheme's own devices included.
std::uint64_t tiles(const learning::TrainerBase& trainer) {
    const auto parts = [](std::uint64_t whole, std::int64_t part) {
        return (whole + static_cast<std::uint64_t>(part) - 1) / static_cast<std::uint64_t>(part);
    };
    std::uint64_t sum = 0;
    for_each_projection(trainer, [&](learning::ProjectionId id) {
        if (const auto* array = trainer.array(id)) {
            const learning::ProjectionPlan& plan = trainer.resolved().projections[network::index_of(id)];
            const std::uint64_t own = parts(array->rows(), plan.crossbar.tile_rows) *
                                      parts(array->columns(), plan.crossbar.tile_columns);
            sum += learning::find_scheme_kind("update.scheme", plan.update.scheme).has_array ? 2 * own : own;
        }
    });
    return sum;
}

/// The first projection on devices; null if there is none.
const crossbar::SynapseArray* first_array(const learning::TrainerBase& trainer) {
    const crossbar::SynapseArray* first = nullptr;
    for_each_projection(
        trainer, [&](learning::ProjectionId id) { first = first == nullptr ? trainer.array(id) : first; });
    return first;
}

/// Energies, their sources and missing figures: of one kind of device, or summed over projections with their
/// own.
void add_energy(const learning::ExperimentConfig& config, const learning::TrainerBase& trainer,
                nlohmann::ordered_json& json) {
    if (!trainer.has_devices()) {
        json["energy_j"] = energy_json(crossbar::EnergyBreakdown{});
        json["energy_source"] = json["energy_missing"] = nullptr;
        return;
    }
    if (config.tables.devices.empty()) {
        const crossbar::EnergyConfig& costs = config.crossbar.energy;
        json["energy_j"] = energy_json(trainer.counters().energy(costs));
        json["energy_source"] = energy_source(costs);
        json["energy_missing"] = costs.missing();
        return;
    }
    crossbar::EnergyBreakdown sum;
    json["energy_source"] = nlohmann::ordered_json::object();
    json["energy_missing"] = nlohmann::ordered_json::object();
    for_each_projection(trainer, [&](learning::ProjectionId id) {
        if (trainer.array(id) != nullptr) {
            const crossbar::EnergyConfig& costs =
                trainer.resolved().projections[network::index_of(id)].crossbar.energy;
            sum += trainer.counters(id).energy(costs);
            json["energy_source"][trainer.network().at(id).name] = energy_source(costs);
            json["energy_missing"][trainer.network().at(id).name] = costs.missing();
        }
    });
    json["energy_j"] = energy_json(sum);
}

/// What every projection is held on, learns by and has cost.
void add_projections(const learning::TrainerBase& trainer, nlohmann::ordered_json& json) {
    for_each_projection(trainer, [&](learning::ProjectionId id) {
        const network::Projection& projection = trainer.network().at(id);
        const learning::ProjectionPlan& plan = trainer.resolved().projections[network::index_of(id)];
        const crossbar::ArrayCounters counters = trainer.counters(id);
        json["projections"][projection.name] = {
            {"from", trainer.network().at(projection.from).name},
            {"to", trainer.network().at(projection.to).name},
            {"synapses", trainer.synapses(id)},
            {"device", plan.on_devices ? nlohmann::ordered_json(plan.crossbar.device) : nullptr},
            {"rule",
             plan.rule.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(plan.rule_name)},
            {"pulses", {{"set", counters.set_pulses}, {"reset", counters.reset_pulses}}}};
    });
}

}  // namespace

nlohmann::ordered_json summarize(const learning::ExperimentConfig& config, learning::TrainerBase& trainer,
                                 const std::vector<double>& loss_history, double wall_s) {
    const crossbar::ArrayCounters counters = trainer.counters();
    const double loss = loss_history.back();
    const double silent = mean_square_target(trainer.task());
    const double neuron_seconds = double(trainer.steps_done()) * trainer.network().time_step_seconds *
                                  double(trainer.spiking_neurons());
    nlohmann::ordered_json metrics{
        {"normalised_loss", silent > 0.0 ? loss / silent : 0.0},
        {"rate_hz", neuron_seconds > 0.0 ? double(trainer.spikes_done()) / neuron_seconds : 0.0}};
    crossbar::RefreshReport refreshed;
    crossbar::ProgrammingReport programmed;
    for_each_projection(trainer, [&](learning::ProjectionId id) {
        refreshed += trainer.refreshed(id);
        programmed += trainer.programmed(id);
    });
    const bool on_devices = trainer.has_devices();

    nlohmann::ordered_json json;
    json["task"] = config.task.name;
    json["engine"] = "functional";
    json["seed"] = config.run.seed;
    json["epochs"] = loss_history.size();
    json["steps"] = trainer.steps_done();
    json["loss_history"] = loss_history;
    json["final_loss"] = loss;
    json["metrics"] = metrics;
    json["wall_s"] = wall_s;
    json["cycles"] = nullptr;
    json["deadline_misses"] = nullptr;
    add_energy(config, trainer, json);
    json["pulses"] = {{"set", counters.set_pulses},
                      {"reset", counters.reset_pulses},
                      {"verify_read", counters.verify_reads}};
    json["pulses_per_device_max"] = trainer.most_pulses_of_a_device();
    json["tiles"] = on_devices ? nlohmann::ordered_json(tiles(trainer)) : nullptr;
    json["pulses_per_synapse"] = double(counters.set_pulses) / std::max(1.0, double(synapses(trainer)));
    json["refresh"] = {{"pairs", refreshed.pairs},
                       {"set", refreshed.set_pulses},
                       {"reset", refreshed.reset_pulses},
                       {"verify_read", refreshed.verify_reads},
                       {"mean_error_us",
                        refreshed.pairs == 0 ? 0.0 : refreshed.absolute_error_us / double(refreshed.pairs)}};
    const bool verified = on_devices && first_array(trainer)->model().takes_pulses() &&
                          config.crossbar.programming.method == crossbar::ProgrammingMethod::write_verify;
    const double count = std::max(1.0, double(programmed.synapses));
    json["programming"] = {
        {"synapses", programmed.synapses},
        {"success_rate", verified ? nlohmann::ordered_json(double(programmed.converged) / count) : nullptr},
        {"pulses", programmed.pulses},
        {"verify_reads", programmed.verify_reads},
        {"mean_error_us", programmed.absolute_error_us / count},
        {"largest_error_us", programmed.largest_error_us},
        {"seconds", or_null(programmed.seconds(config.crossbar))}};
    std::uint64_t faulty_devices = 0, columns_replaced = 0;
    std::vector<const crossbar::SynapseArray*> arrays;
    for_each_projection(trainer, [&](learning::ProjectionId id) {
        if (const auto* array = trainer.array(id); array != nullptr) {
            arrays.push_back(array);
            faulty_devices += array->faulty_devices();
            columns_replaced += array->faults().columns_replaced();
        }
    });
    json["faults"] = {{"devices", faulty_devices}, {"columns_replaced", columns_replaced}};
    json["converters"] = converters_json(arrays);
    json["spikes"] = trainer.spikes_done();
    json["device"] =
        on_devices && config.tables.empty() ? nlohmann::ordered_json(config.crossbar.device) : nullptr;
    json["scheme"] = config.update.scheme;
    if (!config.tables.empty()) {
        add_projections(trainer, json);
    }
    return json;
}

std::string history_csv(const learning::EpochHistory& history) {
    const bool labelled = !history.accuracy.empty();
    std::string csv =
        fmt::format("epoch,loss,set_pulses,reset_pulses,spikes{}\n", labelled ? ",accuracy" : "");
    for (std::size_t i = 0; i < history.loss.size(); ++i) {
        csv += fmt::format("{},{},{},{},{}{}\n", i + 1, history.loss[i], history.set_pulses[i],
                           history.reset_pulses[i], history.spikes[i],
                           labelled ? fmt::format(",{}", history.accuracy[i]) : "");
    }
    return csv;
}

}  // namespace memprop::host
