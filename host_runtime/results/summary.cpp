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

std::uint64_t synapses(const learning::TrainerBase& trainer) {
    std::uint64_t sum = 0;
    for (std::size_t w = 0; w < learning::kProjectionNames.size(); ++w) {
        const learning::WeightStoreShape s = trainer.shape(static_cast<learning::ProjectionId>(w));
        for (std::size_t i = 0; i < std::size_t{s.pre} * s.post; ++i) {
            const bool missing = (s.no_diagonal && i / s.post == i % s.post) ||
                                 (s.connected != nullptr && (*s.connected)[i] == 0);
            sum += missing ? 0 : 1;
        }
    }
    return sum;
}

/// Tiles that hold the arrays, those of the update scheme's own devices included.
std::uint64_t tiles(const learning::ExperimentConfig& config, const learning::TrainerBase& trainer) {
    const auto parts = [](std::uint64_t whole, std::int64_t part) {
        return (whole + static_cast<std::uint64_t>(part) - 1) / static_cast<std::uint64_t>(part);
    };
    std::uint64_t sum = 0;
    for (std::size_t w = 0; w < learning::kProjectionNames.size(); ++w) {
        const learning::WeightStoreShape shape = trainer.shape(static_cast<learning::ProjectionId>(w));
        sum += parts(shape.pre, config.crossbar.tile_rows) * parts(shape.post, config.crossbar.tile_columns);
    }
    return learning::find_scheme_kind("update.scheme", config.update.scheme).has_array ? 2 * sum : sum;
}

}  // namespace

nlohmann::ordered_json summarize(const learning::ExperimentConfig& config, learning::TrainerBase& trainer,
                                 const std::vector<double>& loss_history, double wall_s) {
    const crossbar::ArrayCounters counters = trainer.counters();
    const double loss = loss_history.back();
    const double silent = mean_square_target(trainer.task());
    const double neuron_seconds =
        double(trainer.steps_done()) * config.network.time_step_seconds * double(config.network.recurrent);
    nlohmann::ordered_json metrics{
        {"normalised_loss", silent > 0.0 ? loss / silent : 0.0},
        {"rate_hz", neuron_seconds > 0.0 ? double(trainer.spikes_done()) / neuron_seconds : 0.0}};
    crossbar::RefreshReport refreshed;
    crossbar::ProgrammingReport programmed;
    for (std::size_t w = 0; w < learning::kProjectionNames.size(); ++w) {
        refreshed += trainer.refreshed(static_cast<learning::ProjectionId>(w));
        programmed += trainer.programmed(static_cast<learning::ProjectionId>(w));
    }
    const bool on_devices = trainer.array(learning::classic::w_in) != nullptr;
    const crossbar::EnergyConfig& costs = config.crossbar.energy;

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
    json["energy_j"] = energy_json(on_devices ? counters.energy(costs) : crossbar::EnergyBreakdown{});
    json["energy_source"] = on_devices ? nlohmann::ordered_json(energy_source(costs)) : nullptr;
    json["energy_missing"] = on_devices ? nlohmann::ordered_json(costs.missing()) : nullptr;
    json["pulses"] = {{"set", counters.set_pulses},
                      {"reset", counters.reset_pulses},
                      {"verify_read", counters.verify_reads}};
    json["pulses_per_device_max"] = trainer.most_pulses_of_a_device();
    json["tiles"] = on_devices ? nlohmann::ordered_json(tiles(config, trainer)) : nullptr;
    json["pulses_per_synapse"] = double(counters.set_pulses) / std::max(1.0, double(synapses(trainer)));
    json["refresh"] = {{"pairs", refreshed.pairs},
                       {"set", refreshed.set_pulses},
                       {"reset", refreshed.reset_pulses},
                       {"verify_read", refreshed.verify_reads},
                       {"mean_error_us",
                        refreshed.pairs == 0 ? 0.0 : refreshed.absolute_error_us / double(refreshed.pairs)}};
    const bool verified = on_devices && trainer.array(learning::classic::w_in)->model().takes_pulses() &&
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
    for (std::size_t w = 0; w < learning::kProjectionNames.size(); ++w) {
        if (const auto* array = trainer.array(static_cast<learning::ProjectionId>(w)); array != nullptr) {
            arrays.push_back(array);
            faulty_devices += array->faulty_devices();
            columns_replaced += array->faults().columns_replaced();
        }
    }
    json["faults"] = {{"devices", faulty_devices}, {"columns_replaced", columns_replaced}};
    json["converters"] = converters_json(arrays);
    json["spikes"] = trainer.spikes_done();
    json["device"] = on_devices ? nlohmann::ordered_json(config.crossbar.device) : nullptr;
    json["scheme"] = config.update.scheme;
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
