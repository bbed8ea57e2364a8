#include "host_runtime/config/table_judge.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "crossbar/device/presets.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/config/toml_text.hpp"
#include "learning/rules/rules.hpp"
#include "learning/update/scheme.hpp"

namespace memprop::host {
namespace {

using network::ConnectKind;

template <class Table>
const Table* find(const std::vector<Table>& tables, std::string_view name) {
    const auto at =
        std::find_if(tables.begin(), tables.end(), [&](const Table& table) { return table.name == name; });
    return at == tables.end() ? nullptr : &*at;
}

/// `text` with the table of the short form named as the one it was judged for.
std::string renamed(std::string text, std::string_view from, const std::string& to) {
    const std::string old = fmt::format("{}.", from), now = fmt::format("{}.", to);
    for (std::size_t at = text.find(old); at != std::string::npos; at = text.find(old, at + now.size())) {
        text.replace(at, old.size(), now);
    }
    return text;
}

}  // namespace

TableJudge::TableJudge(const Experiment& config, const learning::Task& task) : config_(config), task_(task) {}

Experiment TableJudge::defaults_of_tables(const Experiment& config) {
    Experiment plain = config;
    for (auto& table : plain.tables.populations) {
        learning::PopulationTable fresh;
        fresh.name = table.name;
        fresh.size = table.size;
        fresh.shape = table.shape;
        fresh.model = table.model;
        table = std::move(fresh);
    }
    for (auto& table : plain.tables.projections) {
        Projection fresh;
        fresh.name = table.name;
        fresh.from = table.from;
        fresh.to = table.to;
        table = std::move(fresh);
    }
    for (auto& table : plain.tables.objectives) {
        table = {.name = table.name, .population = table.population, .loss = config.learning.loss};
    }
    for (auto& table : plain.tables.devices) {
        table.crossbar = crossbar::published_config(table.crossbar.device);
    }
    for (auto& table : plain.tables.rules) {
        table.parameters.clear();
        table.eprop = config.learning;
    }
    for (auto& table : plain.tables.updates) {
        table.update = config.update;
    }
    return plain;
}

std::string TableJudge::reason(std::string_view key) const {
    const std::vector<std::string> parts = split_key(key);
    const std::string& kind = parts.front();
    // Of a table with a name: what follows it.
    const auto rest = [&](std::size_t first) {
        std::string name = parts[first];
        for (std::size_t i = first + 1; i < parts.size(); ++i) {
            name += fmt::format(".{}", parts[i]);
        }
        return name;
    };
    const bool is_named =
        parts.size() > 2 &&
        (kind == "population" || kind == "projection" || kind == "objective" || kind == "device" ||
         kind == "rule" || (kind == "update" && find(config_.tables.updates, parts[1]) != nullptr));
    if (is_named) {
        return kind == "population"   ? of_population(parts[1], rest(2))
               : kind == "projection" ? of_projection(parts[1], rest(2))
               : kind == "objective"  ? of_objective(parts[1], rest(2))
               : kind == "device"     ? of_device(parts[1], rest(2))
               : kind == "rule"       ? of_rule(parts[1], rest(2))
                                      : of_update(parts[1], rest(2));
    }
    const std::string name = rest(1);
    if (kind == "network") {
        return of_network(name);
    }
    if (kind == "crossbar") {
        return "projections name their devices in tables [device.NAME]";
    }
    if (kind == "learning") {
        return of_learning(name);
    }
    if (kind == "update") {
        return of_update("", name);
    }
    const auto of_key = [&](const KeyJudge& judge) { return judge.reason(key, task_); };
    const bool any_devices = std::any_of(config_.tables.projections.begin(), config_.tables.projections.end(),
                                         [](const Projection& p) { return !p.device.empty(); });
    if (any_devices) {
        return for_all([](const Projection& p) { return !p.device.empty(); }, of_key);
    }
    Experiment numbers = config_;
    numbers.update.scheme = "vanilla";
    return of_key(KeyJudge(numbers, nullptr, true, false));
}

Experiment TableJudge::seen_from(const Projection& p) const {
    Experiment seen = config_;
    if (const auto* device = find(config_.tables.devices, p.device)) {
        seen.crossbar = device->crossbar;
    }
    if (const auto* update = find(config_.tables.updates, p.update)) {
        seen.update = update->update;
    }
    if (p.device.empty()) {
        seen.update.scheme = "vanilla";
    }
    if (const auto* rule = find(config_.tables.rules, p.rule)) {
        seen.learning = rule->eprop;
    }
    return seen;
}

std::string TableJudge::for_all(const Uses& uses, const Judgement& judge) const {
    std::string why;
    for (const Projection& p : config_.tables.projections) {
        if (!uses(p)) {
            continue;
        }
        const Experiment seen = seen_from(p);
        const auto model = p.device.empty() ? nullptr
                                            : crossbar::find_device_kind(seen.crossbar.device)
                                                  .make(seen.crossbar, config_.task.update_interval_seconds);
        std::string reason = judge(KeyJudge(seen, model.get(), true, false));
        if (reason.empty()) {
            return {};
        }
        if (!p.device.empty()) {
            reason = renamed(std::move(reason), "crossbar", fmt::format("device.{}", toml_key(p.device)));
        }
        if (!p.update.empty()) {
            reason = renamed(std::move(reason), "update", fmt::format("update.{}", toml_key(p.update)));
        }
        if (find(config_.tables.rules, p.rule) != nullptr) {
            reason = renamed(std::move(reason), "learning", fmt::format("rule.{}", toml_key(p.rule)));
        }
        why = why.empty() ? reason : why;
    }
    return why;
}

std::string TableJudge::of_network(std::string_view name) const {
    return is_one_of(name, {"time_step_seconds", "state_reset", "inputs", "outputs"})
               ? std::string()
               : "tables [population.NAME] and [projection.NAME] describe the network";
}

std::string TableJudge::of_population(const std::string& table, std::string_view name) const {
    const auto* population = find(config_.tables.populations, table);
    const auto has = [&](std::string_view parameter) {
        return std::any_of(population->parameters.begin(), population->parameters.end(),
                           [&](const network::Parameter& p) { return p.name == parameter; });
    };
    if (name == "reset_value" && !has("reset")) {
        return fmt::format("population.{}.reset is not \"to_value\"", toml_key(table));
    }
    const auto is_table = [](const network::Parameter& p) {
        return p.name == "pseudo_derivative" && p.values.front() == double(network::PseudoDerivative::table);
    };
    if (name.starts_with("pseudo_table_") &&
        std::none_of(population->parameters.begin(), population->parameters.end(), is_table)) {
        return fmt::format("population.{}.pseudo_derivative is not \"table\"", toml_key(table));
    }
    if (name == "dampening" && has("pseudo_height")) {
        return fmt::format("population.{}.pseudo_height is given in its place", toml_key(table));
    }
    return {};
}

/// Whether an objective looks at the population.
bool TableJudge::is_read(std::string_view population) const {
    const auto& all = config_.tables.objectives;
    return std::any_of(all.begin(), all.end(),
                       [&](const learning::ObjectiveTable& o) { return o.population == population; });
}

bool TableJudge::learns_from_errors(const Projection& p) const {
    const auto* rule = find(config_.tables.rules, p.rule);
    const std::string kind = rule == nullptr ? p.rule : rule->kind;
    return !kind.empty() && learning::find_rule_kind("kind", kind).needs(seen_from(p).learning).errors;
}

std::string TableJudge::of_projection(const std::string& table, std::string_view name) const {
    const Projection& p = *find(config_.tables.projections, table);
    const ConnectKind kind = p.connect;
    const bool window = kind == ConnectKind::convolution || kind == ConnectKind::pool;
    const bool unfit = name == "density" || name == "mask_file" ? kind != ConnectKind::masked
                       : name == "fan_out"                      ? kind != ConnectKind::sparse
                       : name == "groups"                       ? kind != ConnectKind::convolution
                       : name == "average"
                           ? kind != ConnectKind::pool
                           : is_one_of(name, {"kernel", "stride", "padding", "dilation"}) && !window;
    if (unfit) {
        return fmt::format("projection.{}.connect does not use it", toml_key(table));
    }
    if (name == "density" && !p.mask_file.empty()) {
        return fmt::format("projection.{}.mask_file is given in its place", toml_key(table));
    }
    if (name == "self_connections" && p.from != p.to) {
        return "the projection leads to another population";
    }
    if (name == "delay" && p.delay_steps == 0) {
        return fmt::format("projection.{}.delay_steps = 0", toml_key(table));
    }
    if (is_one_of(name, {"init_std", "init_mean"}) && kind == ConnectKind::pool) {
        return "connect = \"pool\" has no weights";
    }
    if (name == "lr" && !learns_from_errors(p)) {
        return p.rule.empty() ? "the projection does not learn"
                              : "the rule of the projection has rates of its own";
    }
    if (name == "weight_scale_per_us" && p.device.empty()) {
        return "the weights are numbers, no devices";
    }
    if (name == "update" && p.device.empty() && p.rule.empty()) {
        return "the weights are numbers that do not change";
    }
    return {};
}

std::string TableJudge::of_objective(const std::string& table, std::string_view name) const {
    const auto* objective = find(config_.tables.objectives, table);
    const auto* population = find(config_.tables.populations, objective->population);
    if (name == "filter_seconds" && !network::find_model("model", population->model).spiking) {
        return fmt::format("the neurons of {} do not spike", population->name);
    }
    return {};
}

std::string TableJudge::of_device(const std::string& table, std::string_view name) const {
    const auto& all = config_.tables.projections;
    const auto uses = [&](const Projection& p) { return p.device == table; };
    if (std::none_of(all.begin(), all.end(), uses)) {
        return fmt::format("no projection names [device.{}]", toml_key(table));
    }
    if (is_one_of(name, {"weight_scale_per_us", "weight_scale_out_per_us"})) {
        const bool out = name == "weight_scale_out_per_us";
        const auto takes = [&](const Projection& p) {
            return uses(p) && p.weight_scale_per_us == 0.0 && is_read(p.to) == out;
        };
        return std::any_of(all.begin(), all.end(), takes)
                   ? std::string()
                   : fmt::format(
                         "every projection onto {} populations has a scale of its own, or none is on "
                         "[device.{}]",
                         out ? "an objective's" : "other", toml_key(table));
    }
    return for_all(uses, [&](const KeyJudge& judge) { return judge.of_crossbar(name); });
}

std::string TableJudge::of_rule(const std::string& table, std::string_view name) const {
    const auto& all = config_.tables.projections;
    const auto uses = [&](const Projection& p) { return p.rule == table; };
    if (std::none_of(all.begin(), all.end(), uses)) {
        return fmt::format("no projection names [rule.{}]", toml_key(table));
    }
    if (name == "loss") {
        return "objectives say their losses: [objective.NAME]";
    }
    if (find(config_.tables.rules, table)->kind != learning::kEprop) {
        return {};
    }
    return for_all(
        uses, [&](const KeyJudge& judge) { return judge.reason(fmt::format("learning.{}", name), task_); });
}

std::string TableJudge::of_learning(std::string_view name) const {
    const auto& all = config_.tables.projections;
    const auto uses = [&](const Projection& p) {
        return p.rule == learning::kEprop && find(config_.tables.rules, p.rule) == nullptr;
    };
    // What rules do not have each for itself.
    if (std::none_of(all.begin(), all.end(), uses)) {
        return is_one_of(name, {"batch", "supervision", "reward_decay", "loss"})
                   ? std::string()
                   : "no projection learns by rule \"eprop\" without a table of its own";
    }
    return for_all(
        uses, [&](const KeyJudge& judge) { return judge.reason(fmt::format("learning.{}", name), task_); });
}

/// `table` empty: [update].
std::string TableJudge::of_update(const std::string& table, std::string_view name) const {
    const auto& all = config_.tables.projections;
    const auto uses = [&](const Projection& p) {
        return p.update == table && (!p.device.empty() || !p.rule.empty());
    };
    if (std::none_of(all.begin(), all.end(), uses)) {
        return table.empty() ? std::string(
                                   "no projection that is on devices or learns is without a table "
                                   "[update.NAME]")
                             : fmt::format("no projection that is on devices or learns names [update.{}]",
                                           toml_key(table));
    }
    if (name == "scheme") {
        return std::any_of(all.begin(), all.end(),
                           [&](const Projection& p) { return uses(p) && !p.device.empty(); })
                   ? std::string()
                   : "it serves weights that are numbers";
    }
    return for_all(
        uses, [&](const KeyJudge& judge) { return judge.reason(fmt::format("update.{}", name), task_); });
}

}  // namespace memprop::host
