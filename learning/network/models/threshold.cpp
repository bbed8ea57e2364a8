// Neurons without state that spike where what arrives is above their threshold.
#include <algorithm>
#include <array>

#include "learning/network/models/common_fields.hpp"
#include "learning/network/models/leak.hpp"
#include "learning/network/models/pseudo_parameters.hpp"

namespace memprop::network {
namespace {

constexpr auto kFields = join(
    std::array{field::threshold(0.0, "threshold"),
               field::choice("firing_test", "where the sum equals the threshold", field::kFiringTestTexts)},
    field::pseudo);

template <class Real>
class ThresholdNeurons final : public Neurons<Real> {
public:
    explicit ThresholdNeurons(const Population& population)
        : threshold_(narrow<Real>(values_of(population, kFields, "threshold"))),
          at_threshold_(value_of(population, kFields, "firing_test") == double(FiringTest::at_or_above)),
          pseudo_(
              pseudo_derivatives_of<Real>(population, kFields, values_of(population, kFields, "threshold"))) {
        quiet_ = std::none_of(threshold_.begin(), threshold_.end(), [&](Real th) { return fires(0, th); });
        eligibility_.alpha = {Real{0}};
        eligibility_.gain = {Real{1}};
        eligibility_.receptors.resize(1);
    }

    void clear() override {}

    void step(const Arriving<Real>& arriving, Signal<Real>& out, std::span<Real> psi) override {
        const std::span<const Real> x = arriving.receptors[0];
        out.index.clear();
        const std::size_t count = arriving.nothing && quiet_ ? 0 : x.size();
        for (std::size_t n = 0; n < count; ++n) {
            if (fires(x[n], threshold_[n])) {
                out.index.push_back(static_cast<std::uint32_t>(n));
            }
        }
        out.form = out.index.empty() ? Signal<Real>::Form::zero : Signal<Real>::Form::spikes;
        for (std::size_t n = 0; n < psi.size(); ++n) {
            psi[n] = x[n] - threshold_[n];
        }
        pseudo_.apply(psi);
    }

    void serialize(StateArchive&) override {}
    std::span<const Real> state(std::string_view) const override { return {}; }
    bool is_memoryless() const override { return true; }
    const Eligibility<Real>* eligibility() const override { return &eligibility_; }

private:
    bool fires(Real x, Real threshold) const { return at_threshold_ ? x >= threshold : x > threshold; }

    std::vector<Real> threshold_;
    bool at_threshold_;
    bool quiet_ = true;  // nothing in gives nothing out
    PseudoDerivatives<Real> pseudo_;
    Eligibility<Real> eligibility_;
};

template <class Real>
std::unique_ptr<Neurons<Real>> make(const Population& population, double) {
    return std::make_unique<ThresholdNeurons<Real>>(population);
}

}  // namespace

const NeuronModel& threshold_model() {
    static const NeuronModel kModel{.name = "threshold",
                                    .text = "spikes where what arrives is above the threshold; no state",
                                    .nir_type = "Threshold",
                                    .fields = kFields,
                                    .receptors = 1,
                                    .spiking = true,
                                    .operations_per_step = 1.0,
                                    .make_float = make<float>,
                                    .make_double = make<double>};
    return kModel;
}

}  // namespace memprop::network
