// Leaky integrators with a resistance and a leak potential that are read (membrane_neurons.hpp).
#include <array>

#include "learning/network/models/common_fields.hpp"
#include "learning/network/models/membrane_neurons.hpp"

namespace memprop::network {
namespace {

constexpr std::array kFields{field::equations,
                             field::integrator,
                             field::tau("tau_membrane_seconds", 30e-3, "membrane time constant", "tau"),
                             field::resistance,
                             field::leak_potential,
                             field::input_scaling,
                             field::membrane};

template <class Real>
std::unique_ptr<Neurons<Real>> make(const Population& population, double time_step_seconds) {
    return make_membranes<Real>(population, kFields, {.leaky = true, .currents = false, .fires = false},
                                time_step_seconds);
}

}  // namespace

const NeuronModel& leaky_integrator_model() {
    static const NeuronModel kModel{.name = "li",
                                    .text = "leaky integrator with a resistance and a leak potential",
                                    .nir_type = "LI",
                                    .fields = kFields,
                                    .receptors = 1,
                                    .spiking = false,
                                    .operations_per_step = 4.0,
                                    .make_float = make<float>,
                                    .make_double = make<double>};
    return kModel;
}

}  // namespace memprop::network
