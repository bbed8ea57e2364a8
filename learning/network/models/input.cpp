// Neurons that pass on what arrives: events from outside, or the sums of their projections as graded values.
#include <algorithm>

#include "learning/network/neurons.hpp"

namespace memprop::network {
namespace {

template <class Real>
class Relay final : public Neurons<Real> {
public:
    Relay() {
        eligibility_.alpha = {Real{0}};
        eligibility_.gain = {Real{1}};
        eligibility_.receptors.resize(1);
        eligibility_.spiking = false;
    }

    void clear() override {}

    void step(const Arriving<Real>& arriving, Signal<Real>& out, std::span<Real> psi) override {
        std::fill(psi.begin(), psi.end(), Real{1});
        if (arriving.nothing) {
            out.set_zero();
            return;
        }
        out.form = Signal<Real>::Form::dense;
        out.dense.assign(arriving.receptors[0].begin(), arriving.receptors[0].end());
    }

    void serialize(StateArchive&) override {}
    std::span<const Real> state(std::string_view) const override { return {}; }
    bool is_memoryless() const override { return true; }
    const Eligibility<Real>* eligibility() const override { return &eligibility_; }

private:
    Eligibility<Real> eligibility_;
};

template <class Real>
std::unique_ptr<Neurons<Real>> make(const Population&, double) {
    return std::make_unique<Relay<Real>>();
}

}  // namespace

const NeuronModel& input_model() {
    static const NeuronModel kModel{.name = "input",
                                    .text = "passes on what arrives",
                                    .nir_type = "Input",
                                    .fields = {},
                                    .receptors = 1,
                                    .spiking = false,
                                    .operations_per_step = 0.0,
                                    .make_float = make<float>,
                                    .make_double = make<double>};
    return kModel;
}

}  // namespace memprop::network
