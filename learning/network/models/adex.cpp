// Adaptive exponential integrate-and-fire neurons (Brette and Gerstner, J. Neurophysiol. 94, 3637, 2005):
//   C dV/dt     = -g_L (V - E_L) + g_L Delta_T exp((V - V_T) / Delta_T) - w + x
//   tau_w dw/dt = a (V - E_L) - w
// and at V >= V_spike: V = V_reset, w = w + b. What arrives, x, is a current in pA that lasts one step. A
// step is exponential Euler: both right-hand sides are linear in their own variable but for the exponential,
// which is taken at the V of the last step, as V is for w and w for V:
//   V[t] = V + (1 - exp(-dt g_L / C)) (V_inf - V),  V_inf = E_L + Delta_T exp((V - V_T) / Delta_T) + (x -
//   w)/g_L w[t] = w + (1 - exp(-dt / tau_w)) (a (V - E_L) - w)
// Units: mV, pA, nS, pF; nS mV = pA, and pF / nS = ms. For learning, psi is taken of min(V, V_spike) - V_T
// before the reset, in units of V_T - E_L, and eligibility follows the leak: the exponential current, small
// below V_T, and the adaptation current are left out of it.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "crossbar/base/error.hpp"
#include "crossbar/base/math.hpp"
#include "learning/network/models/common_fields.hpp"
#include "learning/network/models/leak.hpp"
#include "learning/network/models/pseudo_parameters.hpp"

namespace memprop::network {
namespace {

constexpr Field quantity(std::string_view name, std::string_view unit, double missing, double low,
                         double high, std::string_view text) {
    Field f = field::per_neuron(field::number(name, missing, low, high, text), {});
    f.unit = unit;
    return f;
}

constexpr auto kFields = join(
    std::array{quantity("capacitance_pf", "pF", 281.0, 1e-6, 1e9, "membrane capacitance C"),
               quantity("leak_conductance_ns", "nS", 30.0, 1e-6, 1e9, "leak conductance g_L"),
               quantity("leak_potential_mv", "mV", -70.6, -1e4, 1e4, "resting potential E_L"),
               quantity("threshold_mv", "mV", -50.4, -1e4, 1e4, "where the spike sets off, V_T"),
               quantity("slope_mv", "mV", 2.0, 1e-3, 1e4, "sharpness of the spike's onset, Delta_T"),
               field::tau("tau_adaptation_seconds", 0.144, "time constant of the adaptation current", {}),
               quantity("a_ns", "nS", 4.0, -1e9, 1e9, "adaptation below threshold, a"),
               quantity("b_pa", "pA", 80.5, -1e9, 1e9, "adaptation by a spike, b"),
               quantity("reset_mv", "mV", -70.6, -1e4, 1e4, "membrane after a spike, V_reset"),
               quantity("spike_mv", "mV", 20.0, -1e4, 1e4, "where a spike is counted and cut off, V_spike")},
    field::pseudo,
    std::array{field::state("membrane", "V in mV, after a reset"),
               field::state("adaptation", "adaptation current w in pA")});

template <class Real>
class AdexNeurons final : public Neurons<Real> {
public:
    AdexNeurons(const Population& population, double time_step_seconds)
        : leak_potential_(narrowed(population, "leak_potential_mv")),
          conductance_(narrowed(population, "leak_conductance_ns")),
          threshold_(narrowed(population, "threshold_mv")),
          slope_(narrowed(population, "slope_mv")),
          a_(narrowed(population, "a_ns")),
          b_(narrowed(population, "b_pa")),
          reset_(narrowed(population, "reset_mv")),
          spike_(narrowed(population, "spike_mv")),
          v_(population.size),
          w_(population.size) {
        const auto given = [&](std::string_view name) { return values_of(population, kFields, name); };
        const std::vector<double> capacitance = given("capacitance_pf"),
                                  tau = given("tau_adaptation_seconds"),
                                  conductance = given("leak_conductance_ns"), spike = given("spike_mv"),
                                  rest = given("leak_potential_mv"), reset = given("reset_mv");
        std::vector<double> distance = given("threshold_mv");
        for (std::size_t n = 0; n < distance.size(); ++n) {
            check_below_spike(population, "leak_potential_mv", rest[n], spike[n]);
            check_below_spike(population, "reset_mv", reset[n], spike[n]);
            distance[n] -= rest[n];
            const double decay =
                math::exp(-std::min(1e3 * time_step_seconds * conductance[n] / capacitance[n], 700.0));
            moved_.push_back(narrow<Real>(1.0 - decay));
            adapted_.push_back(narrow<Real>(1.0 - math::exp(-std::min(time_step_seconds / tau[n], 700.0))));
            eligibility_.alpha.push_back(narrow<Real>(decay));
            eligibility_.gain.push_back(narrow<Real>((1.0 - decay) / conductance[n]));
        }
        eligibility_.alpha = shared(std::move(eligibility_.alpha));
        eligibility_.gain = shared(std::move(eligibility_.gain));
        eligibility_.receptors.resize(1);
        pseudo_ = pseudo_derivatives_of<Real>(population, kFields, distance);
        clear();
    }

    void clear() override {
        v_ = leak_potential_;
        std::fill(w_.begin(), w_.end(), Real{0});
    }

    void step(const Arriving<Real>& arriving, Signal<Real>& out, std::span<Real> psi) override {
        const std::span<const Real> x = arriving.receptors[0];
        out.index.clear();
        for (std::size_t n = 0; n < v_.size(); ++n) {
            const Real v = v_[n], w = w_[n], above_rest = v - leak_potential_[n];
            const double exponent = std::min(static_cast<double>((v - threshold_[n]) / slope_[n]), 700.0);
            const Real rise = slope_[n] * narrow<Real>(math::exp(std::max(exponent, -700.0)));
            const Real settled = leak_potential_[n] + rise + (x[n] - w) / conductance_[n];
            Real next = v + moved_[n] * (settled - v);
            w_[n] = w + adapted_[n] * (a_[n] * above_rest - w);
            if (!psi.empty()) {
                psi[n] = std::min(next, spike_[n]) - threshold_[n];
            }
            if (next >= spike_[n]) {
                out.index.push_back(static_cast<std::uint32_t>(n));
                next = reset_[n];
                w_[n] += b_[n];
            }
            v_[n] = next;
        }
        out.form = out.index.empty() ? Signal<Real>::Form::zero : Signal<Real>::Form::spikes;
        pseudo_.apply(psi);
    }

    void serialize(StateArchive& archive) override {
        archive("membrane", v_);
        archive("adaptation", w_);
    }

    std::span<const Real> state(std::string_view field) const override {
        return field == "membrane"     ? std::span<const Real>(v_)
               : field == "adaptation" ? std::span<const Real>(w_)
                                       : std::span<const Real>();
    }
    const Eligibility<Real>* eligibility() const override { return &eligibility_; }

private:
    static std::vector<Real> narrowed(const Population& population, std::string_view name) {
        return narrow<Real>(values_of(population, kFields, name));
    }
    static void check_below_spike(const Population& population, std::string_view name, double value,
                                  double spike) {
        if (!(value < spike)) {
            throw InputError(fmt::format("population.{}.{}", population.name, name), value,
                             fmt::format("must be below spike_mv, {} mV", spike));
        }
    }

    std::vector<Real> leak_potential_, conductance_, threshold_, slope_, a_, b_, reset_, spike_;
    std::vector<Real> moved_, adapted_;  // parts of the way that V and w go in a step
    std::vector<Real> v_, w_;
    PseudoDerivatives<Real> pseudo_;
    Eligibility<Real> eligibility_;
};

template <class Real>
std::unique_ptr<Neurons<Real>> make(const Population& population, double time_step_seconds) {
    return std::make_unique<AdexNeurons<Real>>(population, time_step_seconds);
}

}  // namespace

const NeuronModel& adex_model() {
    static const NeuronModel kModel{.name = "adex",
                                    .text = "adaptive exponential integrate-and-fire; mV, pA, nS, pF",
                                    .nir_type = {},
                                    .fields = kFields,
                                    .receptors = 1,
                                    .spiking = true,
                                    .operations_per_step = 30.0,  // half of them for the exponential
                                    .make_float = make<float>,
                                    .make_double = make<double>};
    return kModel;
}

}  // namespace memprop::network
