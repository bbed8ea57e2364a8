// Integrators that are read: v += r x.
#include <array>

#include "learning/network/models/common_fields.hpp"
#include "learning/network/models/membrane_neurons.hpp"

namespace memprop::network {
namespace {

constexpr std::array kFields{field::resistance, field::membrane};

template <class Real>
std::unique_ptr<Neurons<Real>> make(const Population& population, double time_step_seconds) {
    return make_membranes<Real>(population, kFields, {}, time_step_seconds);
}

}  // namespace

const NeuronModel& integrator_model() {
    static const NeuronModel kModel{.name = "i",
                                    .text = "integrator that is read",
                                    .nir_type = "I",
                                    .fields = kFields,
                                    .receptors = 1,
                                    .spiking = false,
                                    .operations_per_step = 2.0,
                                    .make_float = make<float>,
                                    .make_double = make<double>};
    return kModel;
}

}  // namespace memprop::network
