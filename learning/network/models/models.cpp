#include "learning/network/models/models.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <string>
#include <type_traits>
#include <vector>

#include "crossbar/base/error.hpp"

namespace memprop::network {

const NeuronModel& input_model();
const NeuronModel& lif_model();
const NeuronModel& alif_model();
const NeuronModel& cuba_lif_model();
const NeuronModel& integrate_fire_model();
const NeuronModel& threshold_model();
const NeuronModel& leaky_readout_model();
const NeuronModel& delay_model();
const NeuronModel& leaky_integrator_model();
const NeuronModel& cuba_li_model();
const NeuronModel& integrator_model();
const NeuronModel& adex_model();

std::span<const NeuronModel* const> models() {
    static const std::array kModels{
        &input_model(),          &lif_model(),        &alif_model(),          &cuba_lif_model(),
        &integrate_fire_model(), &threshold_model(),  &leaky_readout_model(), &leaky_integrator_model(),
        &cuba_li_model(),        &integrator_model(), &adex_model(),          &delay_model()};
    return kModels;
}

const NeuronModel& find_model(std::string_view field, std::string_view name) {
    std::vector<std::string_view> names;
    for (const NeuronModel* model : models()) {
        if (model->name == name) {
            return *model;
        }
        names.push_back(model->name);
    }
    throw InputError(field, name, fmt::format("must be one of {}", fmt::join(names, ", ")));
}

template <class Real>
std::unique_ptr<Neurons<Real>> make_neurons(const Population& population, double time_step_seconds) {
    const NeuronModel& model =
        find_model(fmt::format("population.{}.model", population.name), population.model);
    if constexpr (std::is_same_v<Real, float>) {
        return model.make_float(population, time_step_seconds);
    } else {
        return model.make_double(population, time_step_seconds);
    }
}

template std::unique_ptr<Neurons<float>> make_neurons(const Population&, double);
template std::unique_ptr<Neurons<double>> make_neurons(const Population&, double);

}  // namespace memprop::network
