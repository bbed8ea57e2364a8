#include "learning/network/neurons.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "learning/network/models/models.hpp"

namespace memprop::network {

const Field& find_field(std::span<const Field> fields, std::string_view name) {
    const auto it =
        std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == name; });
    if (it == fields.end()) {
        throw std::logic_error("no field " + std::string(name));
    }
    return *it;
}

std::vector<double> values_of(const Population& population, const Field& field) {
    const Parameter* given = population.find(field.name);
    if (given == nullptr) {
        return std::vector<double>(field.list > 0 ? field.list : population.size, field.missing);
    }
    if (given->values.size() == 1 && field.list == 0) {
        return std::vector<double>(population.size, given->values.front());
    }
    return given->values;
}

std::vector<double> values_of(const Population& population, std::span<const Field> fields,
                              std::string_view name) {
    return values_of(population, find_field(fields, name));
}

double value_of(const Population& population, std::span<const Field> fields, std::string_view name) {
    const Parameter* given = population.find(name);
    return given != nullptr ? given->values.front() : find_field(fields, name).missing;
}

Population slice_of(const Population& population, Slice slice, double time_step_seconds) {
    const NeuronModel& model =
        find_model(fmt::format("population.{}.model", population.name), population.model);
    check(fmt::format("population.{}.slice", population.name), slice, population.size);
    Population result = population;
    result.size = slice.count;
    result.shape.clear();
    for (Parameter& parameter : result.parameters) {
        const Field& field = find_field(model.fields, parameter.name);
        if (field.per_neuron && parameter.values.size() == population.size) {
            const auto first = parameter.values.begin() + slice.first;
            parameter.values = std::vector<double>(first, first + slice.count);
        }
    }
    if (model.fit_slice != nullptr) {
        model.fit_slice(population, time_step_seconds, result);
    }
    return result;
}

}  // namespace memprop::network
