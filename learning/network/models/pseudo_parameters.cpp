#include "learning/network/models/pseudo_parameters.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "crossbar/base/error.hpp"
#include "learning/network/models/leak.hpp"

namespace memprop::network {
namespace {

template <class Real>
void read_table(const Population& population, PseudoDerivativeParameters<Real>& pseudo) {
    const Parameter *edges = population.find("pseudo_table_edges"),
                    *values = population.find("pseudo_table_values");
    if (edges == nullptr || values == nullptr) {
        throw InputError(fmt::format("population.{}.pseudo_derivative", population.name), "table",
                         "needs pseudo_table_edges and pseudo_table_values");
    }
    for (std::size_t i = 0; i < pseudo.edges.size(); ++i) {
        pseudo.edges[i] = static_cast<Real>(edges->values[i]);
        if (i > 0 && !(edges->values[i] > edges->values[i - 1])) {
            throw InputError(fmt::format("population.{}.pseudo_table_edges", population.name),
                             edges->values[i], "must ascend");
        }
    }
    for (std::size_t i = 0; i < pseudo.values.size(); ++i) {
        pseudo.values[i] = static_cast<Real>(values->values[i]);
    }
}

}  // namespace

template <class Real>
PseudoDerivatives<Real> pseudo_derivatives_of(const Population& population, std::span<const Field> fields,
                                              const std::vector<double>& threshold) {
    const auto value = [&](std::string_view name) { return value_of(population, fields, name); };
    const double height = value("pseudo_height"), slope = value("pseudo_slope"),
                 dampening = value("dampening");
    PseudoDerivatives<Real> result;
    for (const double of_neuron : shared(threshold)) {
        const double scale = of_neuron == 0.0 ? 1.0 : std::abs(of_neuron);
        result.height.push_back(narrow<Real>(height > 0.0 ? height : dampening / scale));
        result.slope.push_back(narrow<Real>(slope > 0.0 ? slope : 1.0 / scale));
    }
    result.shared.kind = static_cast<PseudoDerivative>(static_cast<int>(value("pseudo_derivative")));
    result.shared.height = result.height.front();
    result.shared.slope = result.slope.front();
    if (result.height.size() == 1) {
        result.height.clear();
        result.slope.clear();
    }
    if (result.shared.kind == PseudoDerivative::table) {
        read_table(population, result.shared);
    }
    return result;
}

template <class Real>
void PseudoDerivatives<Real>::apply(std::span<Real> x) const {
    if (height.empty()) {
        apply_pseudo_derivative(shared, x);
        return;
    }
    PseudoDerivativeParameters<Real> own = shared;
    for (std::size_t j = 0; j < x.size(); ++j) {
        own.height = height[j];
        own.slope = slope[j];
        apply_pseudo_derivative(own, x.subspan(j, 1));
    }
}

template struct PseudoDerivatives<float>;
template struct PseudoDerivatives<double>;
template PseudoDerivatives<float> pseudo_derivatives_of(const Population&, std::span<const Field>,
                                                        const std::vector<double>&);
template PseudoDerivatives<double> pseudo_derivatives_of(const Population&, std::span<const Field>,
                                                         const std::vector<double>&);

}  // namespace memprop::network
