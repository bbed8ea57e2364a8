#include "learning/network/neurons.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

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

}  // namespace memprop::network
