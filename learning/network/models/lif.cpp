// Leaky integrate-and-fire neurons, and those with an adaptive threshold (equations: lif_kernels.hpp).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "crossbar/base/error.hpp"
#include "crossbar/base/math.hpp"
#include "learning/network/models/lif_constants.hpp"
#include "learning/network/neurons.hpp"

namespace memprop::network {
namespace {

template <class Real>
class LifNeurons final : public Neurons<Real> {
public:
    LifNeurons(const Population& population, double time_step_seconds)
        : c_(lif_constants<Real>(population, time_step_seconds)),
          eligibility_(lif_eligibility(c_, population.size)),
          membrane_(population.size),
          spike_(population.size),
          adaptation_(population.size),
          psi_(population.size),
          silent_(population.size) {}

    void clear() override {
        for (auto* values : {&membrane_, &spike_, &adaptation_}) {
            std::fill(values->begin(), values->end(), Real{0});
        }
        std::fill(silent_.begin(), silent_.end(), 0);
    }

    void step(const Arriving<Real>& arriving, Signal<Real>& out, std::span<Real> psi) override {
        const std::span<const Real> input = arriving.receptors[0];
        const std::span<Real> slope = psi.empty() ? std::span<Real>(psi_) : psi;
        if (c_.plain_lif) {
            step_lif(c_, input, LifSlice<Real>{membrane_, spike_, silent_}, slope);
        } else {
            step_neurons(
                c_, input,
                NeuronSlice<Real>{membrane_,
                                  spike_,
                                  adaptation_,
                                  silent_,
                                  c_.beta,
                                  c_.alpha_of,
                                  c_.gain_of,
                                  {c_.threshold_of, c_.reset_of, c_.leak_of, c_.height_of, c_.slope_of}},
                slope);
        }
        out.index.clear();
        for (std::uint32_t j = 0; j < spike_.size(); ++j) {
            if (spike_[j] != Real{0}) {
                out.index.push_back(j);
            }
        }
        out.form = out.index.empty() ? Signal<Real>::Form::zero : Signal<Real>::Form::spikes;
    }

    void serialize(StateArchive& archive) override {
        archive("membrane", membrane_);
        archive("spike", spike_);
        archive("adaptation", adaptation_);
        archive("silent", silent_);
    }

    std::span<const Real> state(std::string_view field) const override {
        return field == "membrane"     ? std::span<const Real>(membrane_)
               : field == "spike"      ? std::span<const Real>(spike_)
               : field == "adaptation" ? std::span<const Real>(adaptation_)
                                       : std::span<const Real>();
    }
    const Eligibility<Real>* eligibility() const override { return &eligibility_; }

private:
    LifConstants<Real> c_;
    Eligibility<Real> eligibility_;
    std::vector<Real> membrane_, spike_, adaptation_, psi_;
    std::vector<std::int32_t> silent_;
};

template <class Real>
std::unique_ptr<Neurons<Real>> make(const Population& population, double time_step_seconds) {
    return std::make_unique<LifNeurons<Real>>(population, time_step_seconds);
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
                                    .make_double = make<double>};
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
