// The short form of a network: inputs, one recurrent population or a stack of them, readouts.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "learning/network/choices.hpp"

namespace memprop::learning {

using network::FiringTest;
using network::kFiringTestNames;
using network::kLeakScalingNames;
using network::kPseudoDerivativeNames;
using network::kResetNames;
using network::LeakScaling;
using network::Names;
using network::PseudoDerivative;
using network::ResetKind;

enum class NeuronKind {
    lif,
    alif,  ///< adaptive threshold A = v_th + beta b, b = rho b + z of the last step
};
inline constexpr Names<NeuronKind, 2> kNeuronNames{{{"lif", NeuronKind::lif}, {"alif", NeuronKind::alif}}};

/// Which recurrent layers reach the readouts.
enum class LayerReadout { all, last };
inline constexpr Names<LayerReadout, 2> kLayerReadoutNames{
    {{"all", LayerReadout::all}, {"last", LayerReadout::last}}};

enum class StateReset { trial, never };
inline constexpr Names<StateReset, 2> kStateResetNames{
    {{"trial", StateReset::trial}, {"never", StateReset::never}}};

struct NetworkConfig {
    std::int64_t inputs = 100;
    std::int64_t recurrent = 100;
    std::int64_t outputs = 1;
    NeuronKind neuron = NeuronKind::lif;
    double time_step_seconds = 1e-3;
    double tau_membrane_seconds = 30e-3;
    double tau_readout_seconds = 30e-3;
    double threshold = 0.03;
    double dampening = 0.3;
    std::int64_t refractory_steps = 0;
    double adaptive_fraction = 1.0;
    double adaptation_beta = 0.0174;
    double tau_adaptation_seconds = 2.0;
    double tau_membrane_max_seconds = 0.0;
    ResetKind reset = ResetKind::subtract_next;
    double reset_value = 0.0;
    FiringTest firing_test = FiringTest::at_or_above;
    PseudoDerivative pseudo_derivative = PseudoDerivative::piecewise_linear;
    double pseudo_height = 0.0;
    double pseudo_slope = 0.0;
    std::string pseudo_table_edges = "-1, -0.5, 0.5, 1";
    std::string pseudo_table_values = "0, 0.5, 1, 0.5, 0";
    std::int64_t readout_delay_steps = 0;
    StateReset state_reset = StateReset::trial;
    LeakScaling input_scaling = LeakScaling::one_minus_decay;
    LeakScaling readout_scaling = LeakScaling::one_minus_decay;
    std::int64_t layers = 1;
    LayerReadout layer_readout = LayerReadout::last;
    double density_in = 1.0, density_rec = 1.0, density_out = 1.0;
    double init_std_in = 0.1;
    double init_std_rec = 0.1;
    double init_std_out = 0.1;

    template <class Field>
    void describe(Field&& field) {
        field("inputs", inputs, {1, 65536}, "input lines");
        field("recurrent", recurrent, {1, 65536}, "recurrent neurons");
        field("outputs", outputs, {1, 4096}, "leaky-integrator readouts");
        field.choice("neuron", neuron, kNeuronNames, "neuron model of the recurrent layer");
        field("time_step_seconds", time_step_seconds, {1e-9, 1e3}, "algorithmic time step, s");
        field("tau_membrane_seconds", tau_membrane_seconds, {1e-9, 1e6}, "membrane time constant, s");
        field("tau_readout_seconds", tau_readout_seconds, {1e-9, 1e6}, "time constant of the readouts, s");
        field("threshold", threshold, {1e-9, 1e9}, "firing threshold");
        field("dampening", dampening, {0.0, 100.0},
              "height gamma of the pseudo-derivative (times 1/threshold)");
        field("refractory_steps", refractory_steps, {0, 1000000},
              "n > 1: a spike at t silences the steps t+1 .. t+n-1; 0 and 1: none");
        field("adaptive_fraction", adaptive_fraction, {0.0, 1.0},
              "alif: part of the neurons that adapt, the last ones; the others are LIF");
        field("adaptation_beta", adaptation_beta, {0.0, 1e9},
              "alif: rise of the threshold per unit of the adaptation variable");
        field("tau_adaptation_seconds", tau_adaptation_seconds, {1e-9, 1e6},
              "alif: time constant of the adaptation variable, s");
        field("tau_membrane_max_seconds", tau_membrane_max_seconds, {0.0, 1e6},
              "membrane time constants are spaced evenly in their logarithm from tau_membrane_seconds "
              "(first neuron) to this (last); 0 = all alike, s");
        field.choice("reset", reset, kResetNames, "what a spike does to the membrane");
        field("reset_value", reset_value, {-1e9, 1e9}, "reset = to_value: the membrane after a spike");
        field.choice("firing_test", firing_test, kFiringTestNames, "where v equals the threshold");
        field.choice("pseudo_derivative", pseudo_derivative, kPseudoDerivativeNames,
                     "stand-in for the derivative of a spike by v");
        field("pseudo_height", pseudo_height, {0.0, 1e9}, "its height; 0 = dampening / threshold");
        field("pseudo_slope", pseudo_slope, {0.0, 1e9},
              "one over its half width in units of v; 0 = 1 / threshold");
        field.text("pseudo_table_edges", pseudo_table_edges,
                   "table: four ascending limits of the segments, of slope times (v - threshold)");
        field.text("pseudo_table_values", pseudo_table_values, "table: five values, in units of the height");
        field("readout_delay_steps", readout_delay_steps, {0, 1},
              "steps a spike of the recurrent neurons takes to the readouts");
        field.choice("state_reset", state_reset, kStateResetNames,
                     "when neurons, readouts and traces start from zero");
        field.choice("input_scaling", input_scaling, kLeakScalingNames,
                     "scale of a weight on its way into the membrane");
        field.choice("readout_scaling", readout_scaling, kLeakScalingNames,
                     "scale of a weight on its way into a readout");
        field("layers", layers, {1, 1024},
              "recurrent layers, neurons in equal parts: inputs reach the first, each layer itself and, a "
              "step later, the next one");
        field.choice("layer_readout", layer_readout, kLayerReadoutNames, "layers that reach the readouts");
        field("density_in", density_in, {0.0, 1.0}, "part of the input synapses that exist, drawn once");
        field("density_rec", density_rec, {0.0, 1.0}, "of the recurrent synapses");
        field("density_out", density_out, {0.0, 1.0}, "of the readout synapses");
        field("init_std_in", init_std_in, {0.0, 1e6}, "standard deviation of the initial input weights");
        field("init_std_rec", init_std_rec, {0.0, 1e6}, "of the initial recurrent weights");
        field("init_std_out", init_std_out, {0.0, 1e6}, "of the initial readout weights");
    }
};

}  // namespace memprop::learning
