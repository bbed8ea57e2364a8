// Leaky integrate-and-fire neurons behind synaptic currents (synaptic_currents.hpp, lif_neurons.hpp).
#include <array>

#include "learning/network/models/common_fields.hpp"
#include "learning/network/models/lif_constants.hpp"
#include "learning/network/models/lif_neurons.hpp"

namespace memprop::network {
namespace {

constexpr auto kFields =
    join(std::array{field::equations, field::integrator,
                    field::tau("tau_membrane_seconds", 30e-3, "membrane time constant", "tau_mem"),
                    field::resistance, field::leak_potential, field::input_scaling, field::threshold(0.03)},
         field::currents, field::firing, field::pseudo,
         std::array{field::membrane, field::spike, field::silent}, field::current_states);

template <class Real>
std::unique_ptr<Neurons<Real>> make(const Population& population, double time_step_seconds) {
    return make_lif_neurons<Real>(population, kFields, true, time_step_seconds);
}

void fit_slice(const Population& whole, double time_step_seconds, Population& slice) {
    fit_lif_slice(whole, kFields, time_step_seconds, slice);
}

}  // namespace

const NeuronModel& cuba_lif_model() {
    static const NeuronModel kModel{.name = "cuba_lif",
                                    .text = "leaky integrate-and-fire behind synaptic currents",
                                    .nir_type = "CubaLIF",
                                    .fields = kFields,
                                    .receptors = 2,
                                    .spiking = true,
                                    .operations_per_step = 14.0,
                                    .make_float = make<float>,
                                    .make_double = make<double>,
                                    .fit_slice = fit_slice};
    return kModel;
}

}  // namespace memprop::network
