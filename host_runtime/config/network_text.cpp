#include "host_runtime/config/network_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host_runtime/config/config_entries.hpp"
#include "host_runtime/config/config_reader.hpp"
#include "host_runtime/config/toml_text.hpp"
#include "learning/network/models/models.hpp"
#include "learning/rules/rules.hpp"

namespace memprop::host {
namespace {

using network::Network;
using network::Projection;

constexpr std::string_view kDeviceTable = "crossbar";  // what [crossbar] becomes

learning::ProjectionTable table_of(const Network& network, const Projection& p,
                                   const learning::ProjectionPlan& plan) {
    learning::ProjectionTable table;
    table.name = p.name;
    table.from = network.at(p.from).name;
    table.to = network.at(p.to).name;
    table.connect = p.connect.kind;
    table.self = p.connect.self;
    table.density = p.connect.density;
    table.receptor = p.receptor;
    table.delay_steps = p.delay_steps;
    table.delay = p.delay_kind;
    table.bias = p.bias;
    table.init_std = p.weight_std;
    table.device = plan.on_devices ? std::string(kDeviceTable) : std::string();
    table.rule = plan.rule;
    return table;
}

std::string medium_text(const learning::ProjectionPlan& plan) {
    return plan.on_devices ? fmt::format("devices {}, scheme {}", plan.crossbar.device, plan.update.scheme)
                           : std::string("numbers");
}

std::string projection_text(const Network& network, const Projection& p,
                            const learning::ProjectionPlan& plan) {
    return fmt::format("# {} -> {}: {} synapses, {}; {}\n", rows_of(network, p), columns_of(network, p),
                       synapse_count(network, p), medium_text(plan),
                       plan.rule.empty() ? std::string("does not learn")
                                         : fmt::format("learns by {}, rate {}", plan.rule, plan.lr));
}

/// Of tables that a network of tables does not read.
bool is_left_out(const ConfigEntry& entry) {
    const bool used = entry.key == "time_step_seconds" || entry.key == "state_reset";
    return entry.table == "crossbar" || entry.table.starts_with("crossbar.") ||
           (entry.table == "network" && !used);
}

std::string fields_text(std::span<const network::Field> fields) {
    std::string out;
    std::vector<ConfigEntry> entries = list_parameters(fields);
    std::size_t at = 0;
    for (const network::Field& field : fields) {
        if (field.role == network::FieldRole::parameter) {
            const ConfigEntry& entry = entries[at++];
            const std::string range = field.choices.empty() ? range_text(field) : std::string();
            out += fmt::format("    {} = {}  # {}{}{}\n", entry.key, entry.value, entry.doc,
                               range.empty() ? "" : ";", range);
        }
    }
    for (const network::Field& field : fields) {
        if (field.role == network::FieldRole::state) {
            out += fmt::format("    state {}  # {}{}{}\n", field.name, field.text,
                               field.unit.empty() ? "" : ", ", field.unit);
        }
    }
    return out;
}

}  // namespace

std::size_t synapse_count(const Network& network, const Projection& projection) {
    const network::Connect& c = projection.connect;
    const std::size_t rows = rows_of(network, projection), columns = columns_of(network, projection);
    switch (c.kind) {
        case network::ConnectKind::dense:
            return rows * columns - (projection.from == projection.to && !c.self ? columns : 0);
        case network::ConnectKind::masked: {
            const auto exist = static_cast<std::size_t>(std::count(c.mask.begin(), c.mask.end(), 1));
            return c.mask.empty() ? rows * columns : exist;
        }
        case network::ConnectKind::sparse:
            return c.column.size();
        case network::ConnectKind::one_to_one:
            return columns;
        case network::ConnectKind::convolution:
        case network::ConnectKind::pool: {
            const network::Window& w = c.window;
            const std::uint64_t fan_in =
                w.kernel_height * w.kernel_width *
                (c.kind == network::ConnectKind::pool ? 1 : w.channels_in / w.groups);
            return fan_in * w.channels_out * w.height_out * w.width_out;
        }
    }
    return 0;
}

Experiment with_tables(Experiment config) {
    if (!config.tables.empty()) {
        return config;
    }
    const learning::ResolvedNetwork resolved = learning::resolve(config);
    const Network& network = resolved.network;
    for (const network::Population& p : network.populations) {
        learning::PopulationTable table{
            .name = p.name, .size = p.size, .shape = {}, .model = p.model, .parameters = {}};
        for (const network::Parameter& given : p.parameters) {
            const network::Field& field =
                network::find_field(network::find_model("model", p.model).fields, given.name);
            const bool all_equal = std::all_of(given.values.begin(), given.values.end(),
                                               [&](double v) { return v == given.values.front(); });
            network::Parameter parameter = given;
            if (field.list == 0 && all_equal) {
                parameter.values.resize(1);
            }
            if (!all_equal || given.values.front() != field.missing) {
                table.parameters.push_back(std::move(parameter));
            }
        }
        config.tables.populations.push_back(std::move(table));
    }
    bool on_devices = false;
    for (std::size_t i = 0; i < network.projections.size(); ++i) {
        config.tables.projections.push_back(
            table_of(network, network.projections[i], resolved.projections[i]));
        on_devices = on_devices || resolved.projections[i].on_devices;
    }
    for (const network::Objective& o : network.objectives) {
        config.tables.objectives.push_back(
            {.name = o.name, .population = network.at(o.population).name, .loss = o.loss});
    }
    if (on_devices) {
        config.tables.devices.push_back({std::string(kDeviceTable), config.crossbar});
    }
    return config;
}

std::string print_network(const Experiment& config) {
    const Experiment long_form = with_tables(config);
    const learning::ResolvedNetwork resolved = learning::resolve(long_form);
    const Network& network = resolved.network;
    std::vector<ConfigEntry> entries = list_entries(long_form);
    std::erase_if(entries, is_left_out);
    std::string out, table;
    for (const ConfigEntry& entry : entries) {
        if (entry.table != table) {
            table = entry.table;
            out += out.empty() ? "" : "\n";
            for (std::size_t i = 0; i < network.projections.size(); ++i) {
                const Projection& p = network.projections[i];
                if (table == fmt::format("projection.{}", toml_key(p.name))) {
                    out += projection_text(network, p, resolved.projections[i]);
                }
            }
            out += fmt::format("[{}]\n", table);
        }
        out += fmt::format("{} = {}  # {}\n", entry.key, entry.value, entry.doc);
    }
    return out;
}

std::string print_models() {
    std::string out = "Neuron models ([population.NAME] model):\n";
    for (const network::NeuronModel* model : network::models()) {
        out += fmt::format("  {}  # {}{}\n{}", model->name, model->text,
                           model->receptors > 1 ? fmt::format("; {} receptors", model->receptors) : "",
                           fields_text(model->fields));
    }
    out += "Learning rules ([rule.NAME] kind):\n";
    for (const learning::RuleKind* kind : learning::rule_kinds()) {
        out += fmt::format(
            "  {}  # {}\n{}", kind->name, kind->text,
            kind->name == learning::kEprop ? "    the keys of [learning]\n" : fields_text(kind->fields));
    }
    return out;
}

}  // namespace memprop::host
