#include "host_runtime/graph/discretisation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "crossbar/base/error.hpp"

namespace memprop::host {
namespace {

constexpr std::array<std::string_view, 2> kIntegrators{"euler", "exponential"};
constexpr std::array<std::string_view, 5> kResetRules{"file", "zero", "subtract", "subtract_carry",
                                                      "subtract_next"};
constexpr std::array<std::string_view, 3> kArithmetics{"graph", "single", "double"};
constexpr std::array<std::string_view, 2> kIfIntegrations{"per_step", "per_second"};
constexpr std::array<std::string_view, 2> kCurrentJumps{"scaled", "unscaled"};
constexpr std::array<std::string_view, 2> kFiringTests{"above", "at_or_above"};

template <class Enum, std::size_t n>
Enum from_name(std::string_view field, std::string_view text, const std::array<std::string_view, n>& names) {
    const auto it = std::find(names.begin(), names.end(), text);
    if (it == names.end()) {
        throw InputError(field, text, fmt::format("allowed are {}", fmt::join(names, ", ")));
    }
    return static_cast<Enum>(it - names.begin());
}

template <class Item>
void put(std::vector<Item>& items, Item item) {
    const auto at = std::lower_bound(items.begin(), items.end(), item.name,
                                     [](const Item& a, const std::string& name) { return a.name < name; });
    if (at != items.end() && at->name == item.name) {
        *at = std::move(item);
    } else {
        items.insert(at, std::move(item));
    }
}

}  // namespace

std::string_view to_string(Integrator integrator) {
    return kIntegrators[static_cast<std::size_t>(integrator)];
}

std::string_view to_string(ResetRule rule) {
    return kResetRules[static_cast<std::size_t>(rule)];
}

std::string_view to_string(Arithmetic arithmetic) {
    return kArithmetics[static_cast<std::size_t>(arithmetic)];
}

std::string_view to_string(IfIntegration integration) {
    return kIfIntegrations[static_cast<std::size_t>(integration)];
}

std::string_view to_string(CurrentJump jump) {
    return kCurrentJumps[static_cast<std::size_t>(jump)];
}

Integrator integrator_from(std::string_view text) {
    return from_name<Integrator>("integrator", text, kIntegrators);
}

ResetRule reset_rule_from(std::string_view text) {
    return from_name<ResetRule>("reset", text, kResetRules);
}

Arithmetic arithmetic_from(std::string_view text) {
    return from_name<Arithmetic>("arithmetic", text, kArithmetics);
}

IfIntegration if_integration_from(std::string_view text) {
    return from_name<IfIntegration>("if-integration", text, kIfIntegrations);
}

CurrentJump current_jump_from(std::string_view text) {
    return from_name<CurrentJump>("current-jump", text, kCurrentJumps);
}

void check(const Discretisation& discretisation) {
    if (!(discretisation.dt_seconds >= 1e-9 && discretisation.dt_seconds <= 10.0)) {
        throw InputError("dt", discretisation.dt_seconds, "must be in [1e-9, 10] s");
    }
    if (discretisation.fires_at_threshold && discretisation.arithmetic == Arithmetic::graph) {
        throw InputError("firing_test", "at_or_above", "needs arithmetic single or double");
    }
}

Discretisation discretisation_of(const nir::Network& network, const std::string& file, bool& found) {
    Discretisation result;
    const nir::Group* group =
        network.graph.metadata ? network.graph.metadata->find_group(kMetadataGroup) : nullptr;
    found = group != nullptr;
    if (!found) {
        return result;
    }
    try {
        const auto text = [&](std::string_view name) -> const std::string* {
            const nir::Dataset* dataset = group->find_dataset(name);
            if (dataset == nullptr) {
                return nullptr;
            }
            const auto* strings = std::get_if<std::vector<std::string>>(&dataset->values);
            if (strings == nullptr || strings->size() != 1) {
                throw InputError(fmt::format("{} must be one string", name));
            }
            return &strings->front();
        };
        if (const nir::Dataset* dt = group->find_dataset("dt")) {
            if (!dt->is_number() || h5::element_count(dt->shape) != 1) {
                throw InputError("dt must be one number");
            }
            result.dt_seconds = nir::number_at(*dt, 0);
        }
        if (const std::string* name = text("integrator")) {
            result.integrator = integrator_from(*name);
        }
        if (const std::string* name = text("reset")) {
            result.reset = reset_rule_from(*name);
        }
        if (const std::string* name = text("first_step_recurrence")) {
            constexpr std::array<std::string_view, 2> kSwitch{"off", "on"};
            result.first_step_recurrence = from_name<bool>("first_step_recurrence", *name, kSwitch);
        }
        if (const std::string* name = text("arithmetic")) {
            result.arithmetic = arithmetic_from(*name);
        }
        if (const std::string* name = text("if_integration")) {
            result.if_integration = if_integration_from(*name);
        }
        if (const std::string* name = text("current_jump")) {
            result.current_jump = current_jump_from(*name);
        }
        if (const std::string* name = text("firing_test")) {
            result.fires_at_threshold = from_name<bool>("firing_test", *name, kFiringTests);
        }
        check(result);
    } catch (const InputError& error) {
        throw InputError(fmt::format("{}: metadata group memprop: {}", file, error.what()));
    }
    return result;
}

void store(const Discretisation& discretisation, nir::Network& network) {
    using nir::Dataset;
    using nir::ElementType;
    const auto text = [](std::string name, std::string_view value) {
        return Dataset{
            std::move(name), ElementType::string, {}, std::vector<std::string>{std::string(value)}};
    };
    nir::Group group;
    group.name = kMetadataGroup;
    put(group.datasets, text("arithmetic", to_string(discretisation.arithmetic)));
    put(group.datasets, text("firing_test", kFiringTests[discretisation.fires_at_threshold ? 1 : 0]));
    put(group.datasets, {"dt", ElementType::float64, {}, std::vector<double>{discretisation.dt_seconds}});
    put(group.datasets, text("first_step_recurrence", discretisation.first_step_recurrence ? "on" : "off"));
    if (discretisation.if_integration != IfIntegration::per_step) {
        put(group.datasets, text("if_integration", to_string(discretisation.if_integration)));
    }
    if (discretisation.current_jump != CurrentJump::scaled) {
        put(group.datasets, text("current_jump", to_string(discretisation.current_jump)));
    }
    put(group.datasets, text("integrator", to_string(discretisation.integrator)));
    put(group.datasets, text("reset", to_string(discretisation.reset)));
    if (!network.graph.metadata) {
        network.graph.metadata.emplace();
        network.graph.metadata->name = "metadata";
    }
    put(network.graph.metadata->groups, std::move(group));
}

std::optional<double> node_metadata(const nir::Node& node, std::string_view name) {
    const nir::Group* group = node.metadata ? node.metadata->find_group(kMetadataGroup) : nullptr;
    const nir::Dataset* dataset = group != nullptr ? group->find_dataset(name) : nullptr;
    if (dataset == nullptr || !dataset->is_number() || h5::element_count(dataset->shape) != 1) {
        return std::nullopt;
    }
    return nir::number_at(*dataset, 0);
}

}  // namespace memprop::host
