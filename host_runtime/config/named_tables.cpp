#include "host_runtime/config/named_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "crossbar/base/error.hpp"
#include "crossbar/device/device_model.hpp"
#include "crossbar/device/presets.hpp"
#include "host_runtime/config/config_reader.hpp"
#include "host_runtime/config/toml_text.hpp"

namespace memprop::host {
namespace {

constexpr std::string_view kUpdate = "update";
constexpr std::array<std::string_view, 5> kKinds{"population", "projection", "objective", "device", "rule"};
constexpr std::string_view kPartOfUpdate = "transfer";  // a table of [update] itself

/// Moves the keys of `from` into `to`; those of both are merged if they are tables, else replaced.
void merge(toml::table& to, toml::table&& from) {
    for (auto&& [key, node] : from) {
        toml::table* const old = to.get_as<toml::table>(key.str());
        if (old != nullptr && node.is_table()) {
            merge(*old, std::move(*node.as_table()));
            continue;
        }
        node.visit([&to, &name = key](auto& value) { to.insert_or_assign(name, std::move(value)); });
    }
}

template <class Table>
void read_keys(const toml::table& keys, std::string_view kind, Table& table) {
    ConfigReader reader(keys, "", fmt::format("{}.{}", kind, toml_key(table.name)));
    table.describe(reader);
    reader.refuse_unknown_keys();
}

/// A device starts from what is published of it.
learning::DeviceTable read_device(const toml::table& keys, const std::string& name) {
    learning::DeviceTable table{.name = name, .crossbar = {}};
    std::vector<std::string_view> devices;
    for (const crossbar::DeviceKind& kind : crossbar::device_kinds()) {
        devices.push_back(kind.name);
    }
    ConfigReader(keys, "", fmt::format("device.{}", toml_key(name)))
        .one_of("device", table.crossbar.device, devices, "");
    table.crossbar = crossbar::published_config(table.crossbar.device);
    read_keys(keys, "device", table);
    if (const auto complete = crossbar::find_device_kind(table.crossbar.device).complete;
        complete != nullptr) {
        complete(table.crossbar);
    }
    return table;
}

}  // namespace

bool NamedTables::in(const toml::table& document) {
    return std::any_of(kKinds.begin(), kKinds.end(),
                       [&](std::string_view kind) { return document.contains(kind); });
}

void NamedTables::take(toml::table& document, std::string_view source) {
    struct Found {
        toml::source_position where;
        std::string_view kind;
        std::string name;
        toml::table* keys;
    };
    std::vector<Found> found;
    const auto gather = [&](std::string_view kind) {
        toml::node* const node = document.get(kind);
        if (node == nullptr) {
            return;
        }
        const auto refuse = [&](std::string_view what, const toml::source_region& where) {
            throw InputError(fmt::format("{}:{}:{}: {}: must be a table [{}.NAME]", source, where.begin.line,
                                         where.begin.column, what, kind));
        };
        if (!node->is_table()) {
            if (kind != kUpdate) {
                refuse(kind, node->source());
            }
            return;
        }
        for (auto&& [key, child] : *node->as_table()) {
            if (kind == kUpdate && (!child.is_table() || key.str() == kPartOfUpdate)) {
                continue;
            }
            const std::string name(key.str());
            if (!child.is_table()) {
                refuse(fmt::format("{}.{}", kind, toml_key(name)), key.source());
            }
            if (name.empty() || name.find('/') != std::string::npos || name.find('\0') != std::string::npos) {
                throw InputError(
                    fmt::format("{}:{}:{}: [{}.{}]: a name must not be empty nor hold '/' or NUL", source,
                                key.source().begin.line, key.source().begin.column, kind, toml_key(name)));
            }
            found.push_back({key.source().begin, kind, name, child.as_table()});
        }
    };
    std::for_each(kKinds.begin(), kKinds.end(), gather);
    gather(kUpdate);
    std::stable_sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
        return std::tie(a.where.line, a.where.column) < std::tie(b.where.line, b.where.column);
    });
    for (Found& f : found) {
        add(f.kind, f.name, std::move(*f.keys));
    }
    for (const Found& f : found) {
        document.get_as<toml::table>(f.kind)->erase(f.name);
    }
    for (const std::string_view kind : kKinds) {
        document.erase(kind);
    }
}

void NamedTables::add(std::string_view kind, std::string name, toml::table&& keys) {
    const auto known = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& e) { return e.kind == kind && e.name == name; });
    if (known != entries_.end()) {
        merge(known->keys, std::move(keys));
    } else {
        entries_.push_back({kind, std::move(name), std::move(keys)});
    }
}

learning::NetworkTables NamedTables::read(const Experiment& experiment) const {
    learning::NetworkTables tables = read_parts(experiment);
    if (tables.empty() && !entries_.empty()) {
        throw InputError(fmt::format(
            "[{}.{}] is part of a network of tables, and there is no table [population.NAME] of its neurons",
            entries_.front().kind, toml_key(entries_.front().name)));
    }
    return tables;
}

learning::NetworkTables NamedTables::read_parts(const Experiment& experiment) const {
    learning::NetworkTables tables;
    const auto read_into = [](auto& list, const Entry& entry, auto table) {
        table.name = entry.name;
        read_keys(entry.keys, entry.kind, table);
        list.push_back(std::move(table));
    };
    for (const Entry& entry : entries_) {
        if (entry.kind == "population") {
            read_into(tables.populations, entry, learning::PopulationTable{});
        } else if (entry.kind == "projection") {
            read_into(tables.projections, entry, learning::ProjectionTable{});
        } else if (entry.kind == "objective") {
            learning::ObjectiveTable objective;
            objective.loss = experiment.learning.loss;
            read_into(tables.objectives, entry, objective);
        } else if (entry.kind == "device") {
            tables.devices.push_back(read_device(entry.keys, entry.name));
        } else if (entry.kind == "rule") {
            learning::RuleTable rule;
            rule.eprop = experiment.learning;
            read_into(tables.rules, entry, rule);
        } else {
            learning::UpdateTable update;
            update.update = experiment.update;
            read_into(tables.updates, entry, update);
        }
    }
    return tables;
}

}  // namespace memprop::host
