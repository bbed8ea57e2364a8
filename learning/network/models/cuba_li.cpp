// Leaky integrators behind synaptic currents that are read (synaptic_currents.hpp, membrane_neurons.hpp).
#include <array>

#include "learning/network/models/common_fields.hpp"
#include "learning/network/models/membrane_neurons.hpp"

namespace memprop::network {
namespace {

constexpr auto kFields =
    join(std::array{field::equations, field::integrator,
                    field::tau("tau_membrane_seconds", 30e-3, "membrane time constant", "tau_mem"),
                    field::resistance, field::leak_potential, field::input_scaling},
         field::currents, std::array{field::membrane}, field::current_states);

template <class Real>
std::unique_ptr<Neurons<Real>> make(const Population& population, double time_step_seconds) {
    return make_membranes<Real>(population, kFields, {.leaky = true, .currents = true, .fires = false},
                                time_step_seconds);
}

}  // namespace

const NeuronModel& cuba_li_model() {
    static const NeuronModel kModel{.name = "cuba_li",
                                    .text = "leaky integrator behind synaptic currents",
                                    .nir_type = "CubaLI",
                                    .fields = kFields,
                                    .receptors = 2,
                                    .spiking = false,
                                    .operations_per_step = 10.0,
                                    .make_float = make<float>,
                                    .make_double = make<double>};
    return kModel;
}

}  // namespace memprop::network
