// Fields that several neuron models share.
#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <string_view>

#include "learning/network/choices.hpp"
#include "learning/network/fields.hpp"

namespace memprop::network {

template <class E, std::size_t N>
constexpr std::array<std::string_view, N> texts(const Names<E, N>& names) {
    std::array<std::string_view, N> result{};
    for (std::size_t i = 0; i < N; ++i) {
        result[i] = names[i].first;
    }
    return result;
}

/// One array out of several.
template <std::size_t... N>
constexpr auto join(const std::array<Field, N>&... parts) {
    std::array<Field, (N + ...)> result{};
    std::size_t at = 0;
    const auto append = [&](const auto& part) {
        for (const Field& f : part) {
            result[at++] = f;
        }
    };
    (append(parts), ...);
    return result;
}

namespace field {

inline constexpr double kFinite = std::numeric_limits<double>::max();

inline constexpr auto kEquationsTexts = texts(kEquationsNames);
inline constexpr auto kIntegratorTexts = texts(kIntegratorNames);
inline constexpr auto kCurrentJumpTexts = texts(kCurrentJumpNames);
inline constexpr auto kResetTexts = texts(kResetNames);
inline constexpr auto kAllResetTexts = texts(kAllResetNames);
inline constexpr auto kFiringTestTexts = texts(kFiringTestNames);
inline constexpr auto kPseudoDerivativeTexts = texts(kPseudoDerivativeNames);
inline constexpr auto kLeakScalingTexts = texts(kLeakScalingNames);

constexpr Field number(std::string_view name, double missing, double low, double high,
                       std::string_view text) {
    return {.name = name,
            .unit = {},
            .role = FieldRole::parameter,
            .missing = missing,
            .low = low,
            .high = high,
            .text = text};
}

constexpr Field per_neuron(Field f, std::string_view nir) {
    f.per_neuron = true;
    f.nir = nir;
    return f;
}

constexpr Field choice(std::string_view name, std::string_view text,
                       std::span<const std::string_view> choices) {
    Field f = number(name, 0.0, 0.0, static_cast<double>(choices.size() - 1), text);
    f.choices = choices;
    return f;
}

constexpr Field list(Field f, std::uint32_t count) {
    f.list = count;
    return f;
}

constexpr Field state(std::string_view name, std::string_view text) {
    return {.name = name, .unit = {}, .role = FieldRole::state, .text = text};
}

/// A time constant in seconds, one per neuron.
constexpr Field tau(std::string_view name, double missing, std::string_view text, std::string_view nir) {
    Field f = per_neuron(number(name, missing, 1e-300, 1e300, text), nir);
    f.unit = "s";
    return f;
}

inline constexpr Field equations = choice("equations", "form of the equations of a step", kEquationsTexts);
inline constexpr Field integrator =
    choice("integrator", "what is left of a leaky state after a step", kIntegratorTexts);
inline constexpr Field resistance =
    per_neuron(number("resistance", 1.0, -kFinite, kFinite, "factor of the input"), "r");
inline constexpr Field leak_potential = per_neuron(
    number("leak_potential", 0.0, -kFinite, kFinite, "where the membrane settles without input"), "v_leak");
inline constexpr Field input_scaling = choice(
    "input_scaling", "equations = decay: scale of an input on its way into the membrane", kLeakScalingTexts);
constexpr Field whole(Field field) {
    field.whole = true;
    return field;
}
inline constexpr Field refractory_steps = whole(number(
    "refractory_steps", 0.0, 0.0, 1e6, "n > 1: a spike at t silences the steps t+1 .. t+n-1; 0 and 1: none"));
inline constexpr Field membrane = state("membrane", "v, after a reset at once");
inline constexpr Field spike = state("spike", "1 if the neuron has spiked in the last step");
inline constexpr Field silent = state("silent", "refractory steps left");

constexpr Field threshold(double missing, std::string_view nir = "v_threshold") {
    return per_neuron(number("threshold", missing, -kFinite, kFinite, "firing threshold"), nir);
}

/// What a spike does.
inline constexpr std::array firing{
    choice("reset", "what a spike does to the membrane", kAllResetTexts),
    per_neuron(number("reset_value", 0.0, -kFinite, kFinite, "reset = to_value: the membrane after a spike"),
               "v_reset"),
    refractory_steps,
    choice("firing_test", "where v equals the threshold", kFiringTestTexts),
};

/// What learning puts in the place of a spike's derivative.
inline constexpr std::array pseudo{
    choice("pseudo_derivative", "stand-in for the derivative of a spike by v", kPseudoDerivativeTexts),
    number("dampening", 0.3, 0.0, 100.0, "height gamma of the pseudo-derivative (times 1/threshold)"),
    number("pseudo_height", 0.0, 0.0, 1e9, "its height; 0 = dampening / threshold"),
    number("pseudo_slope", 0.0, 0.0, 1e9, "one over its half width in units of v; 0 = 1 / threshold"),
    list(number("pseudo_table_edges", 0.0, -1e30, 1e30,
                "table: four ascending limits of the segments, of slope times (v - threshold)"),
         4),
    list(number("pseudo_table_values", 0.0, -1e30, 1e30, "table: five values, in units of the height"), 5),
};

/// Synaptic currents, one for each of the two receptors.
inline constexpr std::array currents{
    tau("tau_synapse_seconds", 10e-3, "time constant of the current of receptor 0", "tau_syn"),
    tau("tau_synapse_1_seconds", 10e-3, "time constant of the current of receptor 1", {}),
    per_neuron(number("input_weight", 1.0, -kFinite, kFinite, "factor of what arrives at a current"), "w_in"),
    choice("current_jump", "by how much an input raises a current", kCurrentJumpTexts),
};
inline constexpr std::array current_states{state("current", "synaptic current of receptor 0"),
                                           state("current_1", "synaptic current of receptor 1")};

}  // namespace field
}  // namespace memprop::network
