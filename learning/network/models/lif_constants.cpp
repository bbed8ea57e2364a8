#include "learning/network/models/lif_constants.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "crossbar/base/error.hpp"
#include "crossbar/base/math.hpp"

namespace memprop::network {
namespace {

template <class E, std::size_t N>
constexpr std::array<std::string_view, N> texts(const Names<E, N>& names) {
    std::array<std::string_view, N> result{};
    for (std::size_t i = 0; i < N; ++i) {
        result[i] = names[i].first;
    }
    return result;
}

constexpr auto kResets = texts(kResetNames);
constexpr auto kFiringTests = texts(kFiringTestNames);
constexpr auto kPseudoDerivatives = texts(kPseudoDerivativeNames);
constexpr auto kScalings = texts(kLeakScalingNames);

constexpr auto kParameter = FieldRole::parameter;
constexpr auto kState = FieldRole::state;

constexpr std::array kAlifFields{
    Field{.name = "tau_membrane_seconds",
          .unit = "s",
          .role = kParameter,
          .missing = 30e-3,
          .low = 1e-9,
          .high = 1e6,
          .per_neuron = true,
          .text = "membrane time constant",
          .nir = "tau"},
    Field{.name = "resistance",
          .unit = "",
          .role = kParameter,
          .missing = 1.0,
          .low = -1e30,
          .high = 1e30,
          .per_neuron = true,
          .text = "factor of the input",
          .nir = "r"},
    Field{.name = "leak_potential",
          .unit = "",
          .role = kParameter,
          .missing = 0.0,
          .low = -1e30,
          .high = 1e30,
          .per_neuron = true,
          .text = "where the membrane settles without input",
          .nir = "v_leak"},
    Field{.name = "threshold",
          .unit = "",
          .role = kParameter,
          .missing = 0.03,
          .low = -1e30,
          .high = 1e30,
          .per_neuron = true,
          .text = "firing threshold",
          .nir = "v_threshold"},
    Field{.name = "reset",
          .unit = "",
          .role = kParameter,
          .missing = 0.0,
          .low = 0.0,
          .high = 2.0,
          .text = "what a spike does to the membrane",
          .choices = kResets},
    Field{.name = "reset_value",
          .unit = "",
          .role = kParameter,
          .missing = 0.0,
          .low = -1e30,
          .high = 1e30,
          .per_neuron = true,
          .text = "reset = to_value: the membrane after a spike",
          .nir = "v_reset"},
    Field{.name = "refractory_steps",
          .unit = "",
          .role = kParameter,
          .missing = 0.0,
          .low = 0.0,
          .high = 1e6,
          .text = "n > 1: a spike at t silences the steps t+1 .. t+n-1; 0 and 1: none",
          .whole = true},
    Field{.name = "firing_test",
          .unit = "",
          .role = kParameter,
          .missing = 0.0,
          .low = 0.0,
          .high = 1.0,
          .text = "where v equals the threshold",
          .choices = kFiringTests},
    Field{.name = "input_scaling",
          .unit = "",
          .role = kParameter,
          .missing = 0.0,
          .low = 0.0,
          .high = 1.0,
          .text = "scale of a weight on its way into the membrane",
          .choices = kScalings},
    Field{.name = "pseudo_derivative",
          .unit = "",
          .role = kParameter,
          .missing = 0.0,
          .low = 0.0,
          .high = 5.0,
          .text = "stand-in for the derivative of a spike by v",
          .choices = kPseudoDerivatives},
    Field{.name = "dampening",
          .unit = "",
          .role = kParameter,
          .missing = 0.3,
          .low = 0.0,
          .high = 100.0,
          .text = "height gamma of the pseudo-derivative (times 1/threshold)"},
    Field{.name = "pseudo_height",
          .unit = "",
          .role = kParameter,
          .missing = 0.0,
          .low = 0.0,
          .high = 1e9,
          .text = "its height; 0 = dampening / threshold"},
    Field{.name = "pseudo_slope",
          .unit = "",
          .role = kParameter,
          .missing = 0.0,
          .low = 0.0,
          .high = 1e9,
          .text = "one over its half width in units of v; 0 = 1 / threshold"},
    Field{.name = "pseudo_table_edges",
          .unit = "",
          .role = kParameter,
          .missing = 0.0,
          .low = -1e30,
          .high = 1e30,
          .text = "table: four ascending limits of the segments, of slope times (v - threshold)",
          .list = 4},
    Field{.name = "pseudo_table_values",
          .unit = "",
          .role = kParameter,
          .missing = 0.0,
          .low = -1e30,
          .high = 1e30,
          .text = "table: five values, in units of the height",
          .list = 5},
    Field{.name = "membrane", .unit = "", .role = kState, .text = "v, after a reset at once"},
    Field{.name = "spike", .unit = "", .role = kState, .text = "1 if the neuron has spiked in the last step"},
    Field{.name = "silent", .unit = "", .role = kState, .text = "refractory steps left"},
    // What follows is of adaptive neurons.
    Field{.name = "adaptation_beta",
          .unit = "",
          .role = kParameter,
          .missing = 0.0174,
          .low = 0.0,
          .high = 1e9,
          .per_neuron = true,
          .text = "rise of the threshold per unit of the adaptation variable"},
    Field{.name = "tau_adaptation_seconds",
          .unit = "s",
          .role = kParameter,
          .missing = 2.0,
          .low = 1e-9,
          .high = 1e6,
          .text = "time constant of the adaptation variable"},
    Field{.name = "adaptation", .unit = "", .role = kState, .text = "b, a filter of the neuron's spikes"},
};
constexpr std::size_t kLifFieldCount = kAlifFields.size() - 3;

bool all_equal(const std::vector<double>& values) {
    return std::all_of(values.begin(), values.end(), [&](double v) { return v == values.front(); });
}

/// Values beyond Real's range become its limits.
template <class Real>
Real narrow(double value) {
    constexpr auto kMost = static_cast<double>(std::numeric_limits<Real>::max());
    return static_cast<Real>(std::clamp(value, -kMost, kMost));
}

}  // namespace

std::span<const Field> lif_fields() {
    return std::span(kAlifFields).first(kLifFieldCount);
}

std::span<const Field> alif_fields() {
    return kAlifFields;
}

template <class Real>
PseudoDerivativeParameters<Real> pseudo_derivative_of(const Population& population,
                                                      std::span<const Field> fields) {
    const auto value = [&](std::string_view name) { return value_of(population, fields, name); };
    PseudoDerivativeParameters<Real> pseudo;
    pseudo.kind = static_cast<PseudoDerivative>(static_cast<int>(value("pseudo_derivative")));
    const double threshold = value("threshold");
    pseudo.height =
        narrow<Real>(value("pseudo_height") > 0.0 ? value("pseudo_height") : value("dampening") / threshold);
    pseudo.slope = narrow<Real>(value("pseudo_slope") > 0.0 ? value("pseudo_slope") : 1.0 / threshold);
    if (pseudo.kind == PseudoDerivative::table) {
        const Parameter *edges = population.find("pseudo_table_edges"),
                        *values = population.find("pseudo_table_values");
        if (edges == nullptr || values == nullptr) {
            throw InputError(fmt::format("population.{}.pseudo_derivative", population.name), "table",
                             "needs pseudo_table_edges and pseudo_table_values");
        }
        for (std::size_t i = 0; i < pseudo.edges.size(); ++i) {
            pseudo.edges[i] = static_cast<Real>(edges->values[i]);
            if (i > 0 && !(edges->values[i] > edges->values[i - 1])) {
                throw InputError(fmt::format("population.{}.pseudo_table_edges", population.name),
                                 edges->values[i], "must ascend");
            }
        }
        for (std::size_t i = 0; i < pseudo.values.size(); ++i) {
            pseudo.values[i] = static_cast<Real>(values->values[i]);
        }
    }
    return pseudo;
}

template <class Real>
LifConstants<Real> lif_constants(const Population& population, double time_step_seconds) {
    const std::span<const Field> fields = alif_fields();
    const bool alif = population.model == "alif";
    const auto value = [&](std::string_view name) { return value_of(population, fields, name); };
    const auto values = [&](std::string_view name) { return values_of(population, fields, name); };
    const std::vector<double> tau = values("tau_membrane_seconds"), r = values("resistance"),
                              leak = values("leak_potential"), threshold = values("threshold"),
                              reset_value = values("reset_value");
    LifConstants<Real> c;
    c.reset = static_cast<ResetKind>(static_cast<int>(value("reset")));
    c.fires_at_threshold = value("firing_test") == 0.0;
    const auto refractory = static_cast<std::int32_t>(value("refractory_steps"));
    c.silent_steps = refractory > 1 ? refractory - 1 : 0;
    c.threshold = narrow<Real>(threshold.front());
    c.dampening = static_cast<Real>(value("dampening"));
    c.reset_value = narrow<Real>(reset_value.front());
    c.rho =
        alif ? static_cast<Real>(math::exp(-time_step_seconds / value("tau_adaptation_seconds"))) : Real{0};
    c.pseudo = pseudo_derivative_of<Real>(population, fields);
    const bool scaled = value("input_scaling") == 0.0;
    const auto gain = [&](double decay, std::size_t j) {
        return narrow<Real>((scaled ? 1.0 - decay : 1.0) * r[j]);
    };
    const double decay = math::exp(-time_step_seconds / tau.front());
    c.alpha = static_cast<Real>(decay);
    c.input_gain = gain(decay, 0);
    for (std::size_t j = 0; c.reset == ResetKind::to_value && j < threshold.size(); ++j) {
        if (!(reset_value[j] < threshold[j])) {
            throw InputError(fmt::format("population.{}.reset_value", population.name), reset_value[j],
                             "must be below the threshold");
        }
    }
    c.one_alpha = all_equal(tau) && all_equal(r);
    const bool own =
        !all_equal(threshold) || !all_equal(reset_value) || !all_equal(leak) || leak.front() != 0.0;
    c.plain_lif = !alif && c.one_alpha && !own && c.reset == ResetKind::subtract_next &&
                  c.fires_at_threshold && c.pseudo.kind == PseudoDerivative::piecewise_linear &&
                  value("pseudo_height") == 0.0 && value("pseudo_slope") == 0.0;
    if (c.plain_lif) {
        return c;
    }
    const std::vector<double> beta =
        alif ? values("adaptation_beta") : std::vector<double>(population.size, 0.0);
    for (std::size_t j = 0; j < population.size; ++j) {
        const double own_decay = math::exp(-time_step_seconds / tau[j]);
        c.beta.push_back(static_cast<Real>(beta[j]));
        c.alpha_of.push_back(static_cast<Real>(own_decay));
        c.gain_of.push_back(gain(own_decay, j));
        if (own) {
            c.threshold_of.push_back(narrow<Real>(threshold[j]));
            c.reset_of.push_back(narrow<Real>(reset_value[j]));
            c.leak_of.push_back(narrow<Real>((1.0 - own_decay) * leak[j]));
            c.height_of.push_back(narrow<Real>(value("pseudo_height") > 0.0
                                                   ? value("pseudo_height")
                                                   : value("dampening") / std::abs(threshold[j])));
            c.slope_of.push_back(narrow<Real>(value("pseudo_slope") > 0.0 ? value("pseudo_slope")
                                                                          : 1.0 / std::abs(threshold[j])));
        }
    }
    c.note_adaptation();
    return c;
}

template <class Real>
Eligibility<Real> lif_eligibility(const LifConstants<Real>& c, std::uint32_t size) {
    Eligibility<Real> e;
    e.alpha = c.one_alpha ? std::vector<Real>{c.alpha} : c.alpha_of;
    e.gain = c.one_alpha ? std::vector<Real>{c.input_gain} : c.gain_of;
    if (c.adaptive) {
        e.beta = c.beta;
        e.beta.resize(size);
        e.rho = c.rho;
    }
    e.receptors.resize(1);
    return e;
}

template PseudoDerivativeParameters<float> pseudo_derivative_of(const Population&, std::span<const Field>);
template PseudoDerivativeParameters<double> pseudo_derivative_of(const Population&, std::span<const Field>);
template LifConstants<float> lif_constants(const Population&, double);
template LifConstants<double> lif_constants(const Population&, double);
template Eligibility<float> lif_eligibility(const LifConstants<float>&, std::uint32_t);
template Eligibility<double> lif_eligibility(const LifConstants<double>&, std::uint32_t);

}  // namespace memprop::network
