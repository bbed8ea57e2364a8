#include "learning/network/network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "crossbar/base/error.hpp"
#include "learning/network/models/models.hpp"

namespace memprop::network {
namespace {

constexpr std::uint32_t kMostNeurons = 1U << 28U;
constexpr std::uint32_t kMostDelaySteps = 1'000'000;

template <class Item>
std::optional<std::size_t> position_of(const std::vector<Item>& items, std::string_view name) {
    const auto it = std::find_if(items.begin(), items.end(), [&](const Item& i) { return i.name == name; });
    return it == items.end() ? std::nullopt : std::optional(static_cast<std::size_t>(it - items.begin()));
}

template <class Item>
void check_names(std::string_view what, const std::vector<Item>& items) {
    std::set<std::string_view> seen;
    for (const Item& item : items) {
        if (item.name.empty()) {
            throw InputError(fmt::format("a {} has no name", what));
        }
        if (item.name == "." || item.name == ".." || item.name.find('/') != std::string::npos) {
            throw InputError(what, item.name,
                             "is no name: files have groups of that name, so no \"/\", \".\", \"..\"");
        }
        if (!seen.insert(item.name).second) {
            throw InputError(what, item.name, "is the name of two; names are unique");
        }
    }
}

void check_parameter(const Population& population, const NeuronModel& model, const Parameter& parameter) {
    const auto key = [&] { return fmt::format("population.{}.{}", population.name, parameter.name); };
    const auto field = std::find_if(model.fields.begin(), model.fields.end(), [&](const Field& f) {
        return f.role == FieldRole::parameter && f.name == parameter.name;
    });
    if (field == model.fields.end()) {
        std::string names;
        for (const Field& f : model.fields) {
            if (f.role == FieldRole::parameter) {
                names += fmt::format("{}{}", names.empty() ? "" : ", ", f.name);
            }
        }
        throw InputError(fmt::format("{}: neurons of model \"{}\" have no such parameter; they have {}",
                                     key(), model.name, names.empty() ? "none" : names));
    }
    const std::size_t count = parameter.values.size();
    if (field->list > 0 ? count != field->list
                        : count != 1 && !(field->per_neuron && count == population.size)) {
        throw InputError(key(), count,
                         field->list > 0     ? fmt::format("numbers: must be {}", field->list)
                         : field->per_neuron ? fmt::format("values: must be one, or one for each of the {} "
                                                           "neurons",
                                                           population.size)
                                             : std::string("values: must be one"));
    }
    for (const double value : parameter.values) {
        if (!(value >= field->low && value <= field->high)) {
            throw InputError(key(), value,
                             has_range(*field) ? fmt::format("must be in [{}, {}]", field->low, field->high)
                                               : std::string("must be finite"));
        }
        if (field->whole && value != std::floor(value)) {
            throw InputError(key(), value, "must be a whole number");
        }
    }
}

void check_projection(const Network& network, const Projection& p) {
    const auto refuse = [&](std::string_view key, auto value, std::string_view rule) {
        throw InputError(fmt::format("projection.{}.{}", p.name, key), value, rule);
    };
    const std::size_t populations = network.populations.size();
    if (index_of(p.from) >= populations || index_of(p.to) >= populations) {
        refuse("from, to", std::max(index_of(p.from), index_of(p.to)), "must be positions of populations");
    }
    const Population &from = network.at(p.from), &to = network.at(p.to);
    const NeuronModel& model = find_model("model", to.model);
    if (p.receptor >= model.receptors) {
        refuse("receptor", p.receptor,
               fmt::format("must be below {}: population {} has neurons of model \"{}\"", model.receptors,
                           to.name, to.model));
    }
    if (p.delay_steps > kMostDelaySteps) {
        refuse("delay_steps", p.delay_steps, fmt::format("must be at most {}", kMostDelaySteps));
    }
    const Connect& c = p.connect;
    if (c.kind == ConnectKind::one_to_one && from.size != to.size) {
        refuse("connect", "one_to_one",
               fmt::format("needs populations of one size: {} has {} neurons, {} has {}", from.name,
                           from.size, to.name, to.size));
    }
    if (p.from == p.to && !c.self && c.kind != ConnectKind::dense && c.kind != ConnectKind::masked &&
        c.kind != ConnectKind::sparse) {
        refuse("self_connections", "false", "goes with dense, masked and sparse projections");
    }
    if (c.kind == ConnectKind::convolution || c.kind == ConnectKind::pool) {
        const Window& w = c.window;
        if (std::min({w.groups, w.stride_y, w.stride_x, w.dilation_y, w.dilation_x, w.kernel_height,
                      w.kernel_width}) == 0 ||
            w.channels_in % w.groups != 0 || w.channels_out % w.groups != 0) {
            refuse("connect", "a window",
                   "must have strides, dilations and a kernel of 1 or more, and groups that divide its "
                   "channels");
        }
        if (w.channels_in * w.height_in * w.width_in != from.size ||
            w.channels_out * w.height_out * w.width_out != to.size) {
            refuse("connect", "a window",
                   fmt::format("does not lead from the {} neurons of {} to the {} of {}", from.size,
                               from.name, to.size, to.name));
        }
    }
    if (p.bias && (c.kind == ConnectKind::one_to_one || c.kind == ConnectKind::pool)) {
        refuse("bias", "true", "must be false: one_to_one and pool have none");
    }
    const std::size_t given = size_of(p.weights);
    std::size_t wanted = 0;
    switch (c.kind) {
        case ConnectKind::dense:
        case ConnectKind::masked:
            wanted = std::size_t{rows_of(network, p)} * to.size;
            break;
        case ConnectKind::sparse:
            wanted = c.column.size();
            if (c.row_begin.size() != rows_of(network, p) + std::size_t{1} || c.row_begin.front() != 0 ||
                c.row_begin.back() != c.column.size() ||
                !std::is_sorted(c.row_begin.begin(), c.row_begin.end()) ||
                std::any_of(c.column.begin(), c.column.end(), [&](auto j) { return j >= to.size; })) {
                refuse("connect", "sparse", "must list the synapses of every presynaptic neuron");
            }
            break;
        case ConnectKind::one_to_one:
            wanted = to.size;
            break;
        case ConnectKind::convolution:
            wanted = c.window.channels_out * ((c.window.channels_in / c.window.groups) *
                                                  c.window.kernel_height * c.window.kernel_width +
                                              (p.bias ? 1 : 0));
            break;
        case ConnectKind::pool:
            break;
    }
    if (given != 0 && given != wanted) {
        refuse("weights", given, fmt::format("must be {} numbers, or none", wanted));
    }
    if (!c.mask.empty() && c.mask.size() != std::size_t{rows_of(network, p)} * to.size) {
        refuse("mask", c.mask.size(), fmt::format("must be {} x {} values", rows_of(network, p), to.size));
    }
}

}  // namespace

void check(std::string_view field, Slice slice, std::uint32_t size) {
    if (slice.count == 0 || slice.first >= size || slice.count > size - slice.first) {
        throw InputError(field, fmt::format("neurons from {}, {} of them", slice.first, slice.count),
                         fmt::format("must be one or more of the neurons 0 to {}", size - 1));
    }
}

const Parameter* Population::find(std::string_view parameter) const {
    const auto at = position_of(parameters, parameter);
    return at ? &parameters[*at] : nullptr;
}

void Population::set(std::string_view parameter, std::vector<double> values) {
    if (const auto at = position_of(parameters, parameter)) {
        parameters[*at].values = std::move(values);
        return;
    }
    parameters.push_back({std::string(parameter), std::move(values)});
}

std::size_t size_of(const Numbers& numbers) {
    return std::visit([](const auto& values) { return values.size(); }, numbers);
}

double number_at(const Numbers& numbers, std::size_t i) {
    return std::visit([i](const auto& values) { return static_cast<double>(values[i]); }, numbers);
}

std::vector<double> doubles_of(const Numbers& numbers) {
    return std::visit([](const auto& values) { return std::vector<double>(values.begin(), values.end()); },
                      numbers);
}

std::optional<PopulationId> Network::find_population(std::string_view name) const {
    const auto at = position_of(populations, name);
    return at ? std::optional(static_cast<PopulationId>(*at)) : std::nullopt;
}

std::optional<ProjectionId> Network::find_projection(std::string_view name) const {
    const auto at = position_of(projections, name);
    return at ? std::optional(static_cast<ProjectionId>(*at)) : std::nullopt;
}

std::vector<ProjectionId> Network::to(PopulationId id) const {
    std::vector<ProjectionId> found;
    for (std::size_t p = 0; p < projections.size(); ++p) {
        if (projections[p].to == id) {
            found.push_back(static_cast<ProjectionId>(p));
        }
    }
    return found;
}

std::vector<ProjectionId> Network::from(PopulationId id) const {
    std::vector<ProjectionId> found;
    for (std::size_t p = 0; p < projections.size(); ++p) {
        if (projections[p].from == id) {
            found.push_back(static_cast<ProjectionId>(p));
        }
    }
    return found;
}

std::uint32_t rows_of(const Network& network, const Projection& projection) {
    return network.at(projection.from).size + (projection.bias ? 1 : 0);
}

std::uint32_t columns_of(const Network& network, const Projection& projection) {
    return network.at(projection.to).size;
}

void check(const Network& network) {
    if (!(network.time_step_seconds >= 1e-9 && network.time_step_seconds <= 1e3)) {
        throw InputError("time_step_seconds", network.time_step_seconds, "must be in [1e-9, 1e3] s");
    }
    check_names("population", network.populations);
    check_names("projection", network.projections);
    check_names("objective", network.objectives);
    for (const Population& population : network.populations) {
        const NeuronModel& model =
            find_model(fmt::format("population.{}.model", population.name), population.model);
        if (population.size == 0 || population.size > kMostNeurons) {
            throw InputError(fmt::format("population.{}.size", population.name), population.size,
                             fmt::format("must be in [1, {}]", kMostNeurons));
        }
        for (const Parameter& parameter : population.parameters) {
            check_parameter(population, model, parameter);
        }
    }
    for (const Projection& projection : network.projections) {
        check_projection(network, projection);
    }
    for (const Objective& objective : network.objectives) {
        if (index_of(objective.population) >= network.populations.size()) {
            throw InputError(fmt::format("objective.{}.population", objective.name),
                             index_of(objective.population), "must be the position of a population");
        }
    }
    waves(network);
}

std::vector<std::vector<PopulationId>> waves(const Network& network) {
    const std::size_t count = network.populations.size();
    std::vector<std::size_t> open(count, 0);  // projections of delay 0 from populations not yet in a wave
    for (const Projection& p : network.projections) {
        open[index_of(p.to)] += p.delay_steps == 0 ? 1 : 0;
    }
    std::vector<bool> done(count, false);
    std::vector<std::vector<PopulationId>> result;
    for (std::size_t placed = 0; placed < count;) {
        std::vector<PopulationId> wave;
        for (std::size_t i = 0; i < count; ++i) {
            if (!done[i] && open[i] == 0) {
                wave.push_back(static_cast<PopulationId>(i));
            }
        }
        if (wave.empty()) {
            std::string names;
            for (std::size_t i = 0; i < count; ++i) {
                if (!done[i]) {
                    names += fmt::format("{}{}", names.empty() ? "" : ", ", network.populations[i].name);
                }
            }
            throw InputError(fmt::format(
                "the projections between {} close a cycle without delay; one of them needs delay_steps >= 1",
                names));
        }
        for (const PopulationId id : wave) {
            done[index_of(id)] = true;
        }
        for (const Projection& p : network.projections) {
            if (p.delay_steps == 0 && std::find(wave.begin(), wave.end(), p.from) != wave.end()) {
                --open[index_of(p.to)];
            }
        }
        placed += wave.size();
        result.push_back(std::move(wave));
    }
    return result;
}

}  // namespace memprop::network
