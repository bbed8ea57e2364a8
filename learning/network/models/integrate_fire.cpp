// Integrate-and-fire neurons without leak: v += r x.
#include <array>

#include "learning/network/models/common_fields.hpp"
#include "learning/network/models/membrane_neurons.hpp"

namespace memprop::network {
namespace {

constexpr auto kFields =
    join(std::array{field::equations, field::resistance, field::threshold(1.0)}, field::firing, field::pseudo,
         std::array{field::membrane, field::spike, field::silent});

template <class Real>
std::unique_ptr<Neurons<Real>> make(const Population& population, double time_step_seconds) {
    return make_membranes<Real>(population, kFields, {.leaky = false, .currents = false, .fires = true},
                                time_step_seconds);
}

}  // namespace

const NeuronModel& integrate_fire_model() {
    static const NeuronModel kModel{.name = "if",
                                    .text = "integrate-and-fire, without leak",
                                    .nir_type = "IF",
                                    .fields = kFields,
                                    .receptors = 1,
                                    .spiking = true,
                                    .operations_per_step = 5.0,
                                    .make_float = make<float>,
                                    .make_double = make<double>};
    return kModel;
}

}  // namespace memprop::network
