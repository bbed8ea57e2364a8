// Leaky integrators that are read: y_k[t] = kappa y_k[t-1] + gain x_k[t] (Bellec et al., Nat. Commun. 11,
// 3625, 2020), gain 1 - kappa or 1.
#include <algorithm>
#include <array>

#include "crossbar/base/math.hpp"
#include "learning/network/models/readout_kernel.hpp"
#include "learning/network/neurons.hpp"

namespace memprop::network {
namespace {

constexpr std::array<std::string_view, 2> kScalings{kLeakScalingNames[0].first, kLeakScalingNames[1].first};
constexpr std::array kFields{
    Field{.name = "tau_seconds",
          .unit = "s",
          .role = FieldRole::parameter,
          .missing = 30e-3,
          .low = 1e-9,
          .high = 1e6,
          .per_neuron = true,
          .text = "time constant",
          .nir = "tau"},
    Field{.name = "input_scaling",
          .unit = "",
          .role = FieldRole::parameter,
          .missing = 0.0,
          .low = 0.0,
          .high = 1.0,
          .text = "scale of a weight on its way into the readout",
          .choices = kScalings},
    Field{.name = "readout", .unit = "", .role = FieldRole::state, .text = "y"},
    Field{.name = "readout_input", .unit = "", .role = FieldRole::state, .text = "sum of the last step"},
};

template <class Real>
class Readouts final : public Neurons<Real> {
public:
    Readouts(const Population& population, double time_step_seconds)
        : y_(population.size), input_(population.size) {
        const bool scaled = value_of(population, kFields, "input_scaling") == 0.0;
        std::vector<double> tau = values_of(population, kFields, "tau_seconds");
        if (std::all_of(tau.begin(), tau.end(), [&](double t) { return t == tau.front(); })) {
            tau.resize(1);
        }
        for (const double t : tau) {
            const auto kappa = static_cast<Real>(math::exp(-time_step_seconds / t));
            eligibility_.alpha.push_back(kappa);
            eligibility_.gain.push_back(scaled ? Real{1} - kappa : Real{1});
        }
        eligibility_.receptors.resize(1);
        eligibility_.spiking = false;
    }

    void clear() override {
        std::fill(y_.begin(), y_.end(), Real{0});
        std::fill(input_.begin(), input_.end(), Real{0});
    }

    void step(const Arriving<Real>& arriving, Signal<Real>& out, std::span<Real> psi) override {
        std::fill(psi.begin(), psi.end(), Real{1});
        const auto &kappa = eligibility_.alpha, &gain = eligibility_.gain;
        if (kappa.size() == 1) {
            step_readout(kappa[0], gain[0], arriving.receptors[0], std::span(y_));
        } else {
            for (std::size_t k = 0; k < y_.size(); ++k) {
                y_[k] = kappa[k] * y_[k] + gain[k] * arriving.receptors[0][k];
            }
        }
        input_.assign(arriving.receptors[0].begin(), arriving.receptors[0].end());
        out.form = Signal<Real>::Form::dense;
        out.dense.assign(y_.begin(), y_.end());
    }

    void serialize(StateArchive& archive) override {
        archive("readout", y_);
        archive("readout_input", input_);
    }
    std::span<const Real> state(std::string_view field) const override {
        return field == "readout"         ? std::span<const Real>(y_)
               : field == "readout_input" ? std::span<const Real>(input_)
                                          : std::span<const Real>();
    }
    const Eligibility<Real>* eligibility() const override { return &eligibility_; }

private:
    Eligibility<Real> eligibility_;
    std::vector<Real> y_, input_;
};

template <class Real>
std::unique_ptr<Neurons<Real>> make(const Population& population, double time_step_seconds) {
    return std::make_unique<Readouts<Real>>(population, time_step_seconds);
}

}  // namespace

const NeuronModel& leaky_readout_model() {
    static const NeuronModel kModel{.name = "leaky_readout",
                                    .text = "leaky integrator that is read",
                                    .nir_type = "LI",
                                    .fields = kFields,
                                    .receptors = 1,
                                    .spiking = false,
                                    .operations_per_step = 3.0,
                                    .make_float = make<float>,
                                    .make_double = make<double>};
    return kModel;
}

}  // namespace memprop::network
