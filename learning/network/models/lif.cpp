// Leaky integrate-and-fire neurons, and those with an adaptive threshold (equations: lif_kernels.hpp).
#include "learning/network/models/lif_constants.hpp"
#include "learning/network/models/lif_neurons.hpp"
#include "learning/network/neurons.hpp"

namespace memprop::network {
namespace {

template <class Real>
std::unique_ptr<Neurons<Real>> make(const Population& population, double time_step_seconds) {
    return make_lif_neurons<Real>(population, population.model == "alif" ? alif_fields() : lif_fields(),
                                  false, time_step_seconds);
}

void fit_slice(const Population& whole, double time_step_seconds, Population& slice) {
    fit_lif_slice(whole, lif_fields(), time_step_seconds, slice);
}

constexpr double kOperations = 8.0;  // decay, input, reset, test, slope

}  // namespace

const NeuronModel& lif_model() {
    static const NeuronModel kModel{.name = "lif",
                                    .text = "leaky integrate-and-fire",
                                    .nir_type = "LIF",
                                    .fields = lif_fields(),
                                    .receptors = 1,
                                    .spiking = true,
                                    .operations_per_step = kOperations,
                                    .make_float = make<float>,
                                    .make_double = make<double>,
                                    .fit_slice = fit_slice};
    return kModel;
}

const NeuronModel& alif_model() {
    static const NeuronModel kModel{.name = "alif",
                                    .text = "lif with an adaptive threshold A = v_th + beta b",
                                    .nir_type = {},
                                    .fields = alif_fields(),
                                    .receptors = 1,
                                    .spiking = true,
                                    .operations_per_step = kOperations + 4.0,
                                    .make_float = make<float>,
                                    .make_double = make<double>};
    return kModel;
}

}  // namespace memprop::network
