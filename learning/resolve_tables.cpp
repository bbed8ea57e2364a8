// The long form: tables with names say populations, projections and objectives.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "crossbar/base/error.hpp"
#include "crossbar/base/nearest.hpp"
#include "learning/resolve.hpp"
#include "learning/resolve_connect.hpp"
#include "learning/rules/rules.hpp"
#include "learning/update/scheme.hpp"

namespace memprop::learning {
namespace {

using network::ConnectKind;
using network::Population;
using network::Projection;

constexpr std::string_view kNumbers = "vanilla";  // the update scheme of weights that are numbers

template <class Table>
std::vector<std::string> names_of(const std::vector<Table>& tables) {
    std::vector<std::string> names;
    std::transform(tables.begin(), tables.end(), std::back_inserter(names),
                   [](const Table& table) { return table.name; });
    return names;
}

template <class Table>
std::size_t find(std::string_view key, std::string_view kind, std::string_view name,
                 const std::vector<Table>& tables) {
    const auto at =
        std::find_if(tables.begin(), tables.end(), [&](const Table& table) { return table.name == name; });
    if (at == tables.end()) {
        const std::string nearest = nearest_of(name, names_of(tables));
        throw InputError(
            key, fmt::format("\"{}\"", name),
            fmt::format(
                "there is no table [{}.{}]{}", kind, name.empty() ? "NAME" : name,
                nearest.empty() ? std::string() : fmt::format("; the nearest is [{}.{}]", kind, nearest)));
    }
    return static_cast<std::size_t>(at - tables.begin());
}

/// Neurons of a population; 0: neither size nor shape says.
std::uint64_t size_of(const PopulationTable& table) {
    if (table.size > 0 || table.shape.empty()) {
        return static_cast<std::uint64_t>(table.size);
    }
    std::uint64_t product = 1;
    for (const std::int64_t n : table.shape) {
        product = std::min<std::uint64_t>(product * static_cast<std::uint64_t>(n),
                                          std::numeric_limits<std::uint32_t>::max());
    }
    return product;
}

/// Whether the events of the task come in here.
bool takes_events(const PopulationTable& table, const NetworkTables& tables) {
    return table.model == "input" &&
           std::none_of(tables.projections.begin(), tables.projections.end(),
                        [&](const ProjectionTable& p) { return p.to == table.name; });
}

Population population_of(const PopulationTable& table) {
    const std::uint64_t size = size_of(table);
    std::uint64_t product = table.shape.empty() ? size : 1;
    for (const std::int64_t n : table.shape) {
        product *= static_cast<std::uint64_t>(n);
        if (product > size) {
            break;
        }
    }
    const std::string key = fmt::format("population.{}.size", table.name);
    if (size == 0) {
        throw InputError(key, 0, "must be at least 1, unless population.NAME.shape says it");
    }
    if (product != size) {
        throw InputError(key, size, "must be the product of the numbers in shape");
    }
    return {.name = table.name,
            .size = static_cast<std::uint32_t>(size),
            .model = table.model,
            .parameters = table.parameters,
            .shape = {table.shape.begin(), table.shape.end()}};
}

/// Checkpoints hold each projection under its name, beside what else a run has: "." is no name there, and
/// these are taken.
void check_name_in_checkpoint(const std::string& name) {
    constexpr std::array<std::string_view, 19> kTaken{"loss_history",
                                                      "accuracy_history",
                                                      "validation_epochs",
                                                      "validation_loss_history",
                                                      "set_pulse_history",
                                                      "reset_pulse_history",
                                                      "spike_history",
                                                      "validation_accuracy_history",
                                                      "samples_done",
                                                      "updates_done",
                                                      "steps_done",
                                                      "spikes_done",
                                                      "epoch_loss",
                                                      "epoch_right",
                                                      "start_tick",
                                                      "epoch_set_pulses",
                                                      "epoch_reset_pulses",
                                                      "epoch_spikes",
                                                      "engine"};
    constexpr std::array kBeginnings{std::string_view("recorded_"), std::string_view("rule_"),
                                     std::string_view("feedback"), std::string_view("reward_")};
    if (name == "." || std::find(kTaken.begin(), kTaken.end(), name) != kTaken.end() ||
        std::any_of(kBeginnings.begin(), kBeginnings.end(),
                    [&](std::string_view beginning) { return name.starts_with(beginning); })) {
        throw InputError("projection", name, "is a name that checkpoints use for something else");
    }
}

class TableForm {
public:
    explicit TableForm(const ExperimentConfig& config) : config_(config), tables_(config.tables) {
        out_.network.time_step_seconds = config.network.time_step_seconds;
    }

    ResolvedNetwork resolve() {
        for (const PopulationTable& table : tables_.populations) {
            out_.network.populations.push_back(population_of(table));
        }
        std::vector<bool> read(tables_.populations.size(), false);
        for (const ObjectiveTable& table : tables_.objectives) {
            const std::string key = fmt::format("objective.{}.population", table.name);
            const std::size_t population = find(key, "population", table.population, tables_.populations);
            if (read[population]) {
                throw InputError(key, table.population, "is the population of two objectives");
            }
            read[population] = true;
            out_.network.objectives.push_back({.name = table.name,
                                               .population = static_cast<PopulationId>(population),
                                               .loss = table.loss,
                                               .filter_seconds = table.filter_seconds});
        }
        for (const ProjectionTable& table : tables_.projections) {
            add(table, read);
        }
        network::check(out_.network);
        if (std::none_of(tables_.populations.begin(), tables_.populations.end(),
                         [&](const PopulationTable& table) { return takes_events(table, tables_); })) {
            throw InputError(
                "no population of model \"input\" takes the events of the task: one is needed that no "
                "projection reaches");
        }
        return std::move(out_);
    }

private:
    void add(const ProjectionTable& table, const std::vector<bool>& read) {
        const auto id = static_cast<ProjectionId>(out_.network.projections.size());
        const auto seed = static_cast<std::uint64_t>(config_.run.seed);
        const auto key = [&](std::string_view name) {
            return fmt::format("projection.{}.{}", table.name, name);
        };
        const std::size_t from = find(key("from"), "population", table.from, tables_.populations),
                          to = find(key("to"), "population", table.to, tables_.populations);
        check_name_in_checkpoint(table.name);
        Projection p;
        p.name = table.name;
        p.from = static_cast<PopulationId>(from);
        p.to = static_cast<PopulationId>(to);
        p.connect = connect_of(table, out_.network.populations[from], out_.network.populations[to], seed, id);
        p.bias = table.bias;
        p.receptor = static_cast<std::uint32_t>(table.receptor);
        p.delay_steps = static_cast<std::uint32_t>(table.delay_steps);
        p.delay_kind = table.delay;
        p.weight_mean = table.init_mean;
        p.weight_std = table.init_std;
        p.device = table.device;
        p.rule = table.rule;
        p.update = table.update;
        out_.projections.push_back(plan_of(table, read[to]));
        out_.network.projections.push_back(std::move(p));
    }

    ProjectionPlan plan_of(const ProjectionTable& table, bool is_read) const {
        const auto key = [&](std::string_view name) {
            return fmt::format("projection.{}.{}", table.name, name);
        };
        ProjectionPlan plan;
        plan.learning = config_.learning;
        plan.update =
            table.update.empty()
                ? config_.update
                : tables_.updates[find(key("update"), "update", table.update, tables_.updates)].update;
        set_rule(table, plan);
        if (table.device.empty()) {
            plan.update.scheme = kNumbers;
        } else {
            if (table.connect != ConnectKind::dense && table.connect != ConnectKind::masked) {
                throw InputError(key("device"), table.device,
                                 "needs connect = \"dense\" or \"masked\": other weights are numbers");
            }
            plan.on_devices = true;
            plan.crossbar =
                tables_.devices[find(key("device"), "device", table.device, tables_.devices)].crossbar;
            const std::string scheme_key =
                table.update.empty() ? "update.scheme" : fmt::format("update.{}.scheme", table.update);
            if (find_scheme_kind(scheme_key, plan.update.scheme).make == nullptr) {
                throw InputError(
                    scheme_key, plan.update.scheme,
                    fmt::format("is for weights that are numbers, and projection.{} is on devices",
                                table.name));
            }
        }
        plan.lr = table.lr > 0.0 ? table.lr : is_read ? plan.learning.lr_out : plan.learning.lr;
        plan.weight_scale_per_us = table.weight_scale_per_us > 0.0 ? table.weight_scale_per_us
                                   : is_read                       ? plan.crossbar.weight_scale_out_per_us
                                                                   : plan.crossbar.weight_scale_per_us;
        return plan;
    }

    void set_rule(const ProjectionTable& table, ProjectionPlan& plan) const {
        if (table.rule.empty()) {
            return;
        }
        plan.rule_name = table.rule;
        const bool own_table = std::any_of(tables_.rules.begin(), tables_.rules.end(),
                                           [&](const RuleTable& rule) { return rule.name == table.rule; });
        if (table.rule == kEprop && !own_table) {
            plan.rule = kEprop;
            return;
        }
        const RuleTable& rule = tables_.rules[find(fmt::format("projection.{}.rule", table.name), "rule",
                                                   table.rule, tables_.rules)];
        plan.rule = rule.kind;
        plan.rule_parameters = rule.parameters;
        if (rule.kind == kEprop) {
            plan.learning = rule.eprop;
        }
    }

    const ExperimentConfig& config_;
    const NetworkTables& tables_;
    ResolvedNetwork out_;
};

}  // namespace

ResolvedNetwork resolve_tables(const ExperimentConfig& config) {
    return TableForm(config).resolve();
}

void set_sizes(ExperimentConfig& config) {
    const NetworkTables& tables = config.tables;
    if (tables.empty()) {
        return;
    }
    constexpr std::uint64_t kMostInputs = 65536, kMostOutputs = 4096;
    std::uint64_t inputs = 0, targets = 0, classes = std::numeric_limits<std::uint64_t>::max();
    for (const PopulationTable& population : tables.populations) {
        inputs += takes_events(population, tables) ? size_of(population) : 0;
    }
    for (const ObjectiveTable& objective : tables.objectives) {
        for (const PopulationTable& population : tables.populations) {
            if (population.name == objective.population) {
                targets += objective.loss == Loss::mse ? size_of(population) : 0;
                classes = std::min(classes, size_of(population));
            }
        }
    }
    const std::uint64_t outputs = targets > 0 ? targets : classes;
    if (inputs > kMostInputs) {
        throw InputError("neurons of all populations of model \"input\"", inputs,
                         fmt::format("must be at most {}", kMostInputs));
    }
    if (targets > kMostOutputs) {
        throw InputError("neurons of all objectives", targets,
                         fmt::format("must be at most {}", kMostOutputs));
    }
    if (inputs > 0) {
        config.network.inputs = static_cast<std::int64_t>(inputs);
    }
    if (!tables.objectives.empty() && outputs > 0) {
        config.network.outputs = static_cast<std::int64_t>(std::min(outputs, kMostOutputs));
        const Loss first = tables.objectives.front().loss;
        if (std::all_of(tables.objectives.begin(), tables.objectives.end(),
                        [&](const ObjectiveTable& o) { return o.loss == first; })) {
            config.learning.loss = first;
        }
    }
}

void check_sizes(const ExperimentConfig& config) {
    if (config.tables.empty()) {
        return;
    }
    ExperimentConfig wanted = config;
    set_sizes(wanted);
    const std::int64_t inputs = wanted.network.inputs, outputs = wanted.network.outputs;
    if (config.network.inputs != inputs) {
        throw InputError("task.name", config.task.name,
                         fmt::format("has {} input lines, the populations of model \"input\" have {} neurons",
                                     config.network.inputs, inputs));
    }
    const bool labels = config.learning.loss == Loss::cross_entropy;
    if (labels ? config.network.outputs > outputs : config.network.outputs != outputs) {
        throw InputError("task.name", config.task.name,
                         fmt::format("has {} {}, the populations of the objectives have {} neurons",
                                     config.network.outputs, labels ? "classes" : "targets", outputs));
    }
}

}  // namespace memprop::learning
