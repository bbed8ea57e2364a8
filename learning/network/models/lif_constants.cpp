#include "learning/network/models/lif_constants.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "crossbar/base/math.hpp"
#include "learning/network/models/common_fields.hpp"
#include "learning/network/models/leak.hpp"
#include "learning/network/models/pseudo_parameters.hpp"

namespace memprop::network {
namespace {

constexpr std::array kMembrane{field::tau("tau_membrane_seconds", 30e-3, "membrane time constant", "tau"),
                               field::resistance,
                               field::leak_potential,
                               field::integrator,
                               field::input_scaling,
                               field::threshold(0.03)};
constexpr std::array kStates{field::membrane, field::spike, field::silent};
constexpr auto kLifFields =
    join(std::array{field::equations}, kMembrane, field::firing, field::pseudo, kStates);

/// Their threshold moves: resets that depend on it a step later are not theirs.
constexpr auto alif_firing() {
    auto fields = field::firing;
    fields[0] = field::choice("reset", fields[0].text, field::kResetTexts);
    return fields;
}
constexpr std::array kAdaptation{
    field::per_neuron(field::number("adaptation_beta", 0.0174, 0.0, 1e9,
                                    "rise of the threshold per unit of the adaptation variable"),
                      {}),
    Field{.name = "tau_adaptation_seconds",
          .unit = "s",
          .role = FieldRole::parameter,
          .missing = 2.0,
          .low = 1e-9,
          .high = 1e6,
          .text = "time constant of the adaptation variable"},
    field::state("adaptation", "b, a filter of the neuron's spikes")};
constexpr auto kAlifFields = join(kMembrane, alif_firing(), field::pseudo, kStates, kAdaptation);

bool all_equal(const std::vector<double>& values) {
    return std::all_of(values.begin(), values.end(), [&](double v) { return v == values.front(); });
}

}  // namespace

std::span<const Field> lif_fields() {
    return kLifFields;
}

std::span<const Field> alif_fields() {
    return kAlifFields;
}

template <class Real>
LifConstants<Real> lif_constants(const Population& population, std::span<const Field> fields,
                                 double time_step_seconds) {
    const bool alif = population.model == "alif";
    const auto value = [&](std::string_view name) { return value_of(population, fields, name); };
    const auto values = [&](std::string_view name) { return values_of(population, fields, name); };
    const std::vector<double> r = values("resistance"), v_leak = values("leak_potential"),
                              threshold = values("threshold"), reset_value = values("reset_value");
    const Leak leak = leak_of(population, fields, "tau_membrane_seconds", time_step_seconds);
    LifConstants<Real> c;
    c.reset = static_cast<ResetKind>(static_cast<int>(value("reset")));
    c.fires_at_threshold = value("firing_test") == double(FiringTest::at_or_above);
    const auto refractory = static_cast<std::int32_t>(value("refractory_steps"));
    c.silent_steps = refractory > 1 ? refractory - 1 : 0;
    c.threshold = narrow<Real>(threshold.front());
    c.dampening = static_cast<Real>(value("dampening"));
    c.reset_value = narrow<Real>(reset_value.front());
    const double tau_adaptation = alif ? value("tau_adaptation_seconds") : kAdaptation[1].missing;
    c.rho = static_cast<Real>(math::exp(-time_step_seconds / tau_adaptation));
    const PseudoDerivatives<Real> pseudo = pseudo_derivatives_of<Real>(population, fields, threshold);
    c.pseudo = pseudo.shared;
    const bool scaled = value("input_scaling") == double(LeakScaling::one_minus_decay);
    const auto gain = [&](std::size_t j) { return gain_of<Real>(scaled ? 1.0 - leak.decay[j] : 1.0, r[j]); };
    c.alpha = narrow<Real>(leak.decay.front());
    c.input_gain = gain(0);
    c.one_alpha = all_equal(leak.decay) && all_equal(r);
    const bool own =
        !all_equal(threshold) || !all_equal(reset_value) || !all_equal(v_leak) || v_leak.front() != 0.0;
    c.plain_lif = !alif && c.one_alpha && !own && threshold.front() > 0.0 &&
                  c.reset == ResetKind::subtract_next && c.fires_at_threshold &&
                  c.pseudo.kind == PseudoDerivative::piecewise_linear && value("pseudo_height") == 0.0 &&
                  value("pseudo_slope") == 0.0;
    if (c.plain_lif) {
        return c;
    }
    const std::vector<double> beta =
        alif ? values("adaptation_beta") : std::vector<double>(population.size, 0.0);
    c.beta = narrow<Real>(beta);
    c.alpha_of = narrow<Real>(leak.decay);
    for (std::size_t j = 0; j < population.size; ++j) {
        c.gain_of.push_back(gain(j));
        if (own) {
            c.leak_of.push_back(narrow<Real>(leak.lost[j] * v_leak[j]));
        }
    }
    if (own) {
        c.threshold_of = narrow<Real>(threshold);
        c.reset_of = narrow<Real>(reset_value);
        c.height_of = pseudo.height;
        c.slope_of = pseudo.slope;
        c.height_of.resize(population.size, c.pseudo.height);
        c.slope_of.resize(population.size, c.pseudo.slope);
    }
    c.note_adaptation();
    return c;
}

template <class Real>
Eligibility<Real> lif_eligibility(const LifConstants<Real>& c, std::uint32_t size) {
    Eligibility<Real> e;
    e.alpha = c.one_alpha ? std::vector<Real>{c.alpha} : c.alpha_of;
    e.gain = c.one_alpha ? std::vector<Real>{c.input_gain} : c.gain_of;
    e.rho = c.rho;
    if (c.adaptive) {
        e.beta = c.beta;
        e.beta.resize(size);
    }
    e.receptors.resize(1);
    return e;
}

void fit_lif_slice(const Population& whole, std::span<const Field> fields, double time_step_seconds,
                   Population& slice) {
    if (!lif_constants<double>(slice, fields, time_step_seconds).plain_lif ||
        lif_constants<double>(whole, fields, time_step_seconds).plain_lif) {
        return;
    }
    const double threshold = value_of(slice, fields, "threshold");  // above 0, and that of all
    slice.set("pseudo_height", {value_of(slice, fields, "dampening") / threshold});
    slice.set("pseudo_slope", {1.0 / threshold});
}

template LifConstants<float> lif_constants(const Population&, std::span<const Field>, double);
template LifConstants<double> lif_constants(const Population&, std::span<const Field>, double);
template Eligibility<float> lif_eligibility(const LifConstants<float>&, std::uint32_t);
template Eligibility<double> lif_eligibility(const LifConstants<double>&, std::uint32_t);

}  // namespace memprop::network
