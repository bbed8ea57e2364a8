#include "learning/network/models/lif_neurons.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "learning/network/models/lif_constants.hpp"
#include "learning/network/models/membrane_neurons.hpp"
#include "learning/network/models/synaptic_currents.hpp"

namespace memprop::network {
namespace {

template <class Real>
class LifNeurons final : public Neurons<Real> {
public:
    LifNeurons(const Population& population, std::span<const Field> fields, bool currents,
               double time_step_seconds)
        : c_(lif_constants<Real>(population, fields, time_step_seconds)),
          eligibility_(lif_eligibility(c_, population.size)),
          membrane_(population.size),
          spike_(population.size),
          adaptation_(population.size),
          psi_(population.size),
          silent_(population.size),
          fired_(population.size + kSpikeListPadding) {
        if (currents) {
            currents_.emplace(population, fields, time_step_seconds);
            eligibility_.receptors = currents_->eligibility();
        }
    }

    void clear() override {
        for (auto* values : {&membrane_, &spike_, &adaptation_}) {
            std::fill(values->begin(), values->end(), Real{0});
        }
        std::fill(silent_.begin(), silent_.end(), 0);
        if (currents_) {
            currents_->clear();
        }
    }

    void step(const Arriving<Real>& arriving, Signal<Real>& out, std::span<Real> psi) override {
        const std::span<const Real> input = currents_ ? currents_->step(arriving) : arriving.receptors[0];
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
        const std::size_t fired = list_spikes(std::span<const Real>(spike_), fired_);
        out.set_spikes(std::span(fired_).first(fired));
    }

    void serialize(StateArchive& archive) override {
        archive("membrane", membrane_);
        archive("spike", spike_);
        archive("adaptation", adaptation_);
        archive("silent", silent_);
        if (currents_) {
            currents_->serialize(archive);
        }
    }

    std::span<const Real> state(std::string_view field) const override {
        return field == "membrane"     ? std::span<const Real>(membrane_)
               : field == "spike"      ? std::span<const Real>(spike_)
               : field == "adaptation" ? std::span<const Real>(adaptation_)
               : currents_             ? currents_->state(field)
                                       : std::span<const Real>();
    }
    const Eligibility<Real>* eligibility() const override { return &eligibility_; }

private:
    LifConstants<Real> c_;
    Eligibility<Real> eligibility_;
    std::vector<Real> membrane_, spike_, adaptation_, psi_;
    std::vector<std::int32_t> silent_;
    std::vector<std::uint32_t> fired_;  // of the last step, first
    std::optional<SynapticCurrents<Real>> currents_;
};

}  // namespace

template <class Real>
std::unique_ptr<Neurons<Real>> make_lif_neurons(const Population& population, std::span<const Field> fields,
                                                bool currents, double time_step_seconds) {
    const bool has_forms = fields.front().name == "equations";
    if (has_forms && (value_of(population, fields, "equations") == double(Equations::difference) ||
                      value_of(population, fields, "reset") == double(ResetKind::subtract_carry))) {
        return make_membranes<Real>(population, fields, {.leaky = true, .currents = currents, .fires = true},
                                    time_step_seconds);
    }
    return std::make_unique<LifNeurons<Real>>(population, fields, currents, time_step_seconds);
}

template std::unique_ptr<Neurons<float>> make_lif_neurons(const Population&, std::span<const Field>, bool,
                                                          double);
template std::unique_ptr<Neurons<double>> make_lif_neurons(const Population&, std::span<const Field>, bool,
                                                           double);

}  // namespace memprop::network
